package history

import (
	"fmt"
	"io"
	"sync"

	"github.com/flakehunt/flakehunt/harness"
)

// Writer records events to a file, in chunks of 64 KiB. It is safe for
// concurrent use.
type Writer struct {
	mu  sync.Mutex
	w   io.Writer
	enc *encoder
	buf []byte
	err error
}

// NewWriter writes the header to w. Of each frame at most payload bytes are
// kept; 0 means DefaultPayload.
func NewWriter(w io.Writer, payload int) (*Writer, error) {
	if _, err := w.Write(header()); err != nil {
		return nil, fmt.Errorf("write history: %w", err)
	}
	return &Writer{w: w, enc: newEncoder(payload)}, nil
}

// Record appends ev. An error of the file is kept for Flush.
func (w *Writer) Record(ev *harness.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return
	}
	w.buf = w.enc.event(w.buf, ev)
	if len(w.buf) >= chunkSize {
		w.flush()
	}
}

func (w *Writer) flush() {
	if w.err == nil && len(w.buf) > 0 {
		_, w.err = w.w.Write(w.buf)
	}
	w.buf = w.buf[:0]
}

// Flush writes what is buffered and returns the first error so far.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flush()
	if w.err != nil {
		return fmt.Errorf("write history: %w", w.err)
	}
	return nil
}
