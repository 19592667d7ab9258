package resp

import (
	"bytes"
	"errors"
	"fmt"
)

// Limits that tell a broken stream from a large one. None of them costs memory.
const (
	maxBulk   = 1 << 40   // bytes of one value; Redis itself ends at 512 MiB unless told otherwise
	maxCount  = 1 << 40   // elements of one aggregate
	maxDepth  = 1 << 10   // nesting
	maxHeader = 32        // bytes of a length line
	maxInline = 64 * 1024 // bytes of an inline command, as in Redis
	maxSpans  = 8         // arguments whose place is noted while framing
)

// ErrProtocol is what every framing error wraps.
var ErrProtocol = errors.New("not RESP")

// Inline is the Type of a request that is a plain line of text.
const Inline byte = 0

type state uint8

const (
	atHeader state = iota // the next byte begins a value
	inHeader              // within a length line that began in an earlier chunk
	inLine                // within a simple value that ends at a line feed
	inBulk                // within a value of known length
	inInline              // within an inline command
)

type level struct {
	left int64 // elements to come; -1: streamed, ended by a mark
	kind byte
}

type span struct{ from, to int }

// Framer cuts one direction of one connection into frames. Make it with
// NewRequests or NewReplies.
type Framer struct {
	requests bool
	limit    int

	// The frame that the last Next ended, valid until the next call of Next.
	Type byte   // first byte of the value, attributes skipped; Inline for an inline command
	Argc int64  // elements of a top-level aggregate (a map's keys and values both count), -1 when streamed or nil
	Size int64  // bytes on the wire
	Body int    // where in the frame the value begins, after its attributes
	Head []byte // the frame, or its beginning if it came in several chunks and is longer than the limit

	spans  [maxSpans]span // requests: where in Head the first arguments are
	nspans int
	long   seen // requests

	st     state
	began  bool
	size   int64
	skip   int64
	stack  []level
	line   [maxHeader]byte
	nline  int
	carry  []byte
	failed error
}

// NewRequests makes a framer for what a client sends. Of a frame that arrives
// in several chunks it keeps the first limit bytes.
func NewRequests(limit int) *Framer {
	return &Framer{requests: true, limit: limit, long: seen{mask: ^uint64(0)}, stack: make([]level, 0, 4)}
}

// NewReplies makes a framer for what Redis sends.
func NewReplies(limit int) *Framer {
	return &Framer{limit: limit, stack: make([]level, 0, 8)}
}

// Next takes bytes from the front of buf. It returns how many bytes it took and
// whether a frame ended with the last of them; when none ended it took all of
// buf. An error wraps ErrProtocol, is final, and says what was found.
func (f *Framer) Next(buf []byte) (n int, ok bool, err error) {
	if f.failed != nil {
		return 0, false, f.failed
	}
	if len(buf) == 0 {
		return 0, false, nil
	}
	if f.size == 0 {
		if n, ok = f.fast(buf); ok {
			f.Head, f.Size = buf[:n], int64(n)
			return n, true, nil
		}
		f.carry, f.began, f.Body, f.Type, f.Argc = f.carry[:0], false, 0, Inline, -1
	}
	n, ok, err = f.step(buf)
	if err != nil {
		f.failed = err
		return 0, false, err
	}
	whole := f.size == 0
	f.size += int64(n)
	if !whole || !ok {
		if room := f.limit - len(f.carry); room > 0 {
			f.carry = append(f.carry, buf[:min(n, room)]...)
		}
	}
	if !ok {
		return n, false, nil
	}
	f.Size, f.size = f.size, 0
	if f.Head = f.carry; whole {
		f.Head = buf[:n]
	}
	if f.requests {
		f.findSpans()
	}
	return n, true, nil
}

// Partial reports whether a frame has begun and not ended.
func (f *Framer) Partial() bool { return f.size > 0 }

// Begun is the beginning, up to the limit, of the frame that has begun and not ended.
func (f *Framer) Begun() []byte {
	if f.size == 0 {
		return nil
	}
	return f.carry
}

// Arrived is how many bytes of that frame have come.
func (f *Framer) Arrived() int64 { return f.size }

// Arg returns the i-th word of the request that the last Next ended, or nil if
// there is none or it lies beyond Head or the first eight.
func (f *Framer) Arg(i int) []byte {
	if i >= f.nspans {
		return nil
	}
	return f.Head[f.spans[i].from:f.spans[i].to]
}

// ArgSpan returns where in Head the i-th word lies; ok is as for Arg.
func (f *Framer) ArgSpan(i int) (from, to int, ok bool) {
	if i >= f.nspans {
		return 0, 0, false
	}
	return f.spans[i].from, f.spans[i].to, true
}

// step is the general machine: resumable at any byte.
func (f *Framer) step(b []byte) (n int, done bool, err error) {
	for n < len(b) {
		switch f.st {
		case atHeader:
			if f.requests && len(f.stack) == 0 && b[n] != '*' {
				f.st = inInline
				continue
			}
			f.nline = 0
			if top := len(f.stack) - 1; top >= 0 && f.stack[top].kind == '$' && b[n] != ';' {
				return n, false, fmt.Errorf("%w: %q within a streamed value", ErrProtocol, b[n])
			}
			end := bytes.IndexByte(b[n:], '\n')
			if !f.began && b[n] != '|' && len(f.stack) == 0 {
				f.began, f.Type, f.Body = true, b[n], int(min(f.size+int64(n), 1<<30))
			}
			switch b[n] {
			case '+', '-', ':', ',', '(', '_', '#':
				if f.requests {
					return n, false, fmt.Errorf("%w: argument begins with %q, want '$'", ErrProtocol, b[n])
				}
				if end < 0 {
					f.st = inLine
					return len(b), false, nil
				}
				n += end + 1
				done = f.ended()
			default:
				if end < 0 {
					f.st = inHeader
					continue
				}
				line := b[n : n+end+1]
				n += end + 1
				done, err = f.header(line)
			}
		case inHeader:
			end := bytes.IndexByte(b[n:], '\n')
			stop := len(b)
			if end >= 0 {
				stop = n + end + 1
			}
			if f.nline+stop-n > maxHeader {
				return n, false, fmt.Errorf("%w: length line longer than %d bytes", ErrProtocol, maxHeader)
			}
			f.nline += copy(f.line[f.nline:], b[n:stop])
			n = stop
			if end < 0 {
				return n, false, nil
			}
			f.st = atHeader
			done, err = f.header(f.line[:f.nline])
		case inLine:
			end := bytes.IndexByte(b[n:], '\n')
			if end < 0 {
				return len(b), false, nil
			}
			n += end + 1
			f.st = atHeader
			done = f.ended()
		case inInline:
			end := bytes.IndexByte(b[n:], '\n')
			if end < 0 {
				end = len(b) - n - 1
			} else {
				f.st, done = atHeader, true
			}
			n += end + 1
			if f.size+int64(n) > maxInline {
				return n, false, fmt.Errorf("%w: inline command longer than %d bytes", ErrProtocol, maxInline)
			}
		case inBulk:
			if left := int64(len(b) - n); left < f.skip {
				f.skip -= left
				return len(b), false, nil
			}
			n += int(f.skip)
			if b[n-1] != '\n' {
				return n, false, fmt.Errorf("%w: value does not end in a line feed", ErrProtocol)
			}
			f.st = atHeader
			if top := len(f.stack) - 1; top < 0 || f.stack[top].kind != '$' {
				done = f.ended()
			}
		}
		if err != nil || done {
			return n, done, err
		}
	}
	return n, false, nil
}
