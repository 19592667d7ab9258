package history

// Disk says how many bytes of the recording are in its file; they are given
// back by Close.
func (b *Buffer) Disk() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.size
}

// Err says why events are no longer recorded; nil while they are.
func (b *Buffer) Err() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}
