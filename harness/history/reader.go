package history

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/resp"
)

// Reader reads a recorded file event by event.
type Reader struct {
	r         *bufio.Reader
	d         decoder
	body      bytes.Buffer
	truncated bool
}

// NewReader checks the header of r.
func NewReader(r io.Reader) (*Reader, error) {
	br := bufio.NewReaderSize(r, 64<<10)
	head := make([]byte, len(magic)+1)
	if _, err := io.ReadFull(br, head); err != nil || string(head[:len(magic)]) != magic {
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, fmt.Errorf("read history: %w", err)
		}
		return nil, errors.New("read history: this is no recording of flakehunt")
	}
	if v := head[len(magic)]; v < oldest || v > version {
		return nil, fmt.Errorf("read history: format version %d, this build reads %d to %d: use the flakehunt that wrote it", v, oldest, version)
	}
	return &Reader{r: br}, nil
}

// Only makes Next return the events of one test alone.
func (r *Reader) Only(test string) { r.d.only = &test }

// Next returns the next event, with its Args, or io.EOF after the last. A last
// record that was cut short ends the file; Truncated tells.
func (r *Reader) Next() (harness.Event, error) {
	for {
		size, err := r.size()
		if err != nil {
			return harness.Event{}, err
		}
		r.body.Reset()
		// Copy grows with what is there, not with what the length claims.
		if n, err := io.CopyN(&r.body, r.r, int64(size)); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				r.truncated = true
				return harness.Event{}, io.EOF
			}
			return harness.Event{}, fmt.Errorf("read history: after %d of %d bytes of a record: %w", n, size, err)
		}
		var ev harness.Event
		wanted, err := r.d.record(r.body.Bytes(), &ev)
		if err != nil {
			return harness.Event{}, fmt.Errorf("read history: %w", err)
		}
		if wanted {
			complete(&ev)
			return ev, nil
		}
	}
}

// size reads the length of the next record.
func (r *Reader) size() (uint64, error) {
	if _, err := r.r.Peek(1); err != nil {
		if errors.Is(err, io.EOF) {
			return 0, io.EOF
		}
		return 0, fmt.Errorf("read history: %w", err)
	}
	size, err := binary.ReadUvarint(r.r)
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		r.truncated = true
		return 0, io.EOF
	case err != nil:
		return 0, fmt.Errorf("read history: length of a record: %w", err)
	case size > maxRecord:
		return 0, fmt.Errorf("read history: a record of %d bytes: the file is damaged", size)
	}
	return size, nil
}

// Truncated reports whether the file ended in the middle of a record.
func (r *Reader) Truncated() bool { return r.truncated }

// All reads what is left.
func (r *Reader) All() ([]harness.Event, error) {
	var out []harness.Event
	for {
		ev, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, ev)
	}
}

// complete makes ev independent of the decoder's buffer and fills Args.
func complete(ev *harness.Event) {
	ev.Raw = append([]byte(nil), ev.Raw...)
	switch ev.Kind {
	case harness.Request, harness.Reply, harness.Push:
		ev.Args = resp.Words(ev.Raw)
	}
}
