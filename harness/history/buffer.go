package history

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"github.com/flakehunt/flakehunt/harness"
)

const (
	chunkSize     = 64 << 10
	defaultMemory = 32 << 20
)

// BufferConfig says how much a Buffer keeps and where; the zero value works.
type BufferConfig struct {
	Payload int    // bytes kept of each frame, a request's keys aside (see harness.MaxKeys); 0: DefaultPayload
	Memory  int    // bytes kept in memory before the rest goes to a file; 0: 32 MiB; a slow disk has 16 MiB more wait
	Dir     string // where that file is made; "": the system's directory for temporary files
}

// Buffer records one trial: in memory as long as it fits, then in a temporary
// file. It is safe for concurrent use.
type Buffer struct {
	cfg BufferConfig

	mu      sync.Mutex
	enc     *encoder
	chunks  [][]byte // full ones
	last    []byte   // being filled
	inMem   int      // bytes in chunks
	spare   [][]byte // moved to the file, to be filled again
	lent    bool     // a reader may hold chunks: they are not used again
	file    spillFile
	size    int64 // of the file, which holds the chunks before those in memory
	writing bool  // a goroutine moves chunks to the file
	moved   *sync.Cond
	events  int
	err     error // why nothing is recorded any more
}

// NewBuffer returns an empty buffer. Close removes its file, if there is one.
func NewBuffer(cfg BufferConfig) *Buffer {
	if cfg.Memory <= 0 {
		cfg.Memory = defaultMemory
	}
	b := &Buffer{cfg: cfg, enc: newEncoder(cfg.Payload)}
	b.moved = sync.NewCond(&b.mu)
	return b
}

// Record appends ev. After a failure to spill it drops events, and Events says so.
func (b *Buffer) Record(ev *harness.Event) {
	b.mu.Lock()
	if b.err == nil {
		b.events++
		if b.last == nil {
			b.last = make([]byte, 0, 8<<10)
		}
		b.last = b.enc.event(b.last, ev)
		if len(b.last) >= chunkSize {
			b.filled()
		}
	}
	b.mu.Unlock()
}

// Len says how many events were recorded.
func (b *Buffer) Len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.events
}

// Events returns the events of one test in order of Seq, with their Args; ""
// means those outside of tests.
func (b *Buffer) Events(test string) ([]harness.Event, error) {
	r, err := b.reader()
	if err != nil {
		return nil, err
	}
	r.Only(test)
	return r.All()
}

// All returns every event.
func (b *Buffer) All() ([]harness.Event, error) {
	r, err := b.reader()
	if err != nil {
		return nil, err
	}
	return r.All()
}

func (b *Buffer) reader() (*Reader, error) {
	src, err := b.source()
	if err != nil {
		return nil, err
	}
	return NewReader(src)
}

// source is a snapshot: chunks are never changed once they are full, and of the
// last one the snapshot sees the length at this moment.
func (b *Buffer) source() (io.Reader, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return nil, b.err
	}
	b.lent, b.spare = true, nil
	parts := []io.Reader{bytes.NewReader(header())}
	if b.file != nil {
		parts = append(parts, io.NewSectionReader(b.file, 0, b.size))
	}
	for _, c := range b.chunks {
		parts = append(parts, bytes.NewReader(c))
	}
	return io.MultiReader(append(parts, bytes.NewReader(b.last[:len(b.last):len(b.last)]))...), nil
}

// Close drops the recording and removes the file. Further calls are harmless.
func (b *Buffer) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.chunks, b.last, b.spare = nil, nil, nil
	if b.enc != nil {
		b.enc.done()
		b.enc = nil
	}
	b.err = errors.New("the recording is closed")
	for b.writing {
		b.moved.Wait()
	}
	if b.file == nil {
		return nil
	}
	name := b.file.Name()
	err := b.file.Close()
	b.file = nil
	if rerr := os.Remove(name); !errors.Is(rerr, fs.ErrNotExist) {
		err = errors.Join(err, rerr)
	}
	if err != nil {
		return fmt.Errorf("remove the recording: %w", err)
	}
	return nil
}
