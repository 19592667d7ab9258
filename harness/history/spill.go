package history

import (
	"fmt"
	"io"
	"os"
)

// spillBatch is how much is moved to the file at a time: waking a goroutine for
// each chunk would cost a busy proxy a twelfth of its processor time.
const spillBatch = 1 << 20

// maxUnwritten bounds what waits in memory for a slow disk, beyond what is kept
// there anyway. Whoever records more than that meanwhile has to wait.
const maxUnwritten = 16 << 20

// maxSpare is how many chunks wait to be filled again: what is recorded while a
// batch is written.
const maxSpare = 2 * spillBatch / chunkSize

// spillFile is the temporary file of a buffer.
type spillFile interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Name() string
}

// filled puts the full chunk away, with mu held. Writing to a file is a copy to
// the page cache most of the time, and seconds of waiting for the disk when much
// of it is dirty: a frame must not wait for that, so a goroutine writes.
func (b *Buffer) filled() {
	b.chunks = append(b.chunks, b.last)
	b.inMem += len(b.last)
	if k := len(b.spare); k > 0 {
		b.last, b.spare = b.spare[k-1], b.spare[:k-1]
	} else {
		b.last = make([]byte, 0, chunkSize+4096)
	}
	if b.file == nil {
		if b.inMem <= b.cfg.Memory {
			return
		}
		f, err := os.CreateTemp(b.cfg.Dir, "flakehunt-history-*")
		if err != nil {
			b.err = fmt.Errorf("spill history to a file: %w", err)
			return
		}
		_ = os.Remove(f.Name()) // where the system lets it, so that a process that is killed leaves nothing
		b.file = f
	}
	if !b.writing && b.inMem >= min(spillBatch, b.cfg.Memory) {
		b.writing = true
		go b.spill()
	}
	for b.inMem > b.cfg.Memory+maxUnwritten && b.err == nil {
		b.moved.Wait()
	}
}

// spill moves chunks to the file until none is left.
func (b *Buffer) spill() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.chunks) > 0 && b.err == nil {
		chunk, file, at := b.chunks[0], b.file, b.size
		b.mu.Unlock()
		_, err := file.WriteAt(chunk, at)
		b.mu.Lock()
		if err != nil && b.err == nil {
			b.err = fmt.Errorf("spill history to %s: %w", file.Name(), err)
		}
		if b.err != nil { // or it was closed meanwhile
			break
		}
		b.size += int64(len(chunk))
		b.chunks[0] = nil
		b.chunks = b.chunks[1:]
		b.inMem -= len(chunk)
		if !b.lent && len(b.spare) < maxSpare {
			b.spare = append(b.spare, chunk[:0])
		}
		b.moved.Broadcast()
	}
	b.writing = false
	b.moved.Broadcast()
}
