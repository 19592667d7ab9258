package resp

import (
	"bytes"
	"fmt"
)

// header takes a whole length line, with its line feed.
func (f *Framer) header(line []byte) (done bool, err error) {
	kind := line[0]
	if kind == '\n' {
		return false, fmt.Errorf("%w: empty line", ErrProtocol)
	}
	num := line[1 : len(line)-1]
	if l := len(num); l > 0 && num[l-1] == '\r' {
		num = num[:l-1]
	}
	if f.requests && !(kind == '*' && len(f.stack) == 0) && !(kind == '$' && len(f.stack) == 1) {
		return false, fmt.Errorf("%w: argument begins with %q, want '$'", ErrProtocol, kind)
	}
	if bytes.IndexByte([]byte("$=!;*~>%|."), kind) < 0 {
		return false, fmt.Errorf("%w: unknown type %q", ErrProtocol, kind)
	}
	streamed := len(num) == 1 && num[0] == '?' && !f.requests
	var v int64
	if kind == '.' {
		if top := len(f.stack) - 1; top < 0 || f.stack[top].left >= 0 || f.stack[top].kind == '$' || len(num) > 0 {
			return false, fmt.Errorf("%w: end of a streamed aggregate outside one", ErrProtocol)
		}
		return f.pop(), nil
	}
	if !streamed {
		if v, err = number(num); err != nil {
			return false, fmt.Errorf("%w: length line %q", err, clip(line))
		}
	}
	switch kind {
	case '$', '=', '!':
		switch {
		case streamed && kind == '$':
			return false, f.push(kind, -1)
		case streamed || v > maxBulk || v < 0 && f.requests:
			return false, fmt.Errorf("%w: length line %q", ErrProtocol, clip(line))
		case v < 0:
			return f.ended(), nil
		}
		f.skip, f.st = v+2, inBulk
		return false, nil
	case ';':
		if top := len(f.stack) - 1; top < 0 || f.stack[top].kind != '$' || v < 0 || v > maxBulk {
			return false, fmt.Errorf("%w: chunk %q outside a streamed value", ErrProtocol, clip(line))
		}
		if v == 0 {
			return f.pop(), nil
		}
		f.skip, f.st = v+2, inBulk
		return false, nil
	}
	if v > maxCount {
		return false, fmt.Errorf("%w: length line %q", ErrProtocol, clip(line))
	}
	if kind == '%' || kind == '|' {
		v *= 2
	}
	if len(f.stack) == 0 && kind != '|' {
		f.Argc = v
		if streamed {
			f.Argc = -1
		}
	}
	switch {
	case streamed:
		return false, f.push(kind, -1)
	case v <= 0 && kind == '|':
		return false, nil
	case v <= 0:
		return f.ended(), nil
	}
	return false, f.push(kind, v)
}

func (f *Framer) push(kind byte, left int64) error {
	if len(f.stack) >= maxDepth {
		return fmt.Errorf("%w: nested deeper than %d", ErrProtocol, maxDepth)
	}
	f.stack = append(f.stack, level{left, kind})
	return nil
}

// pop ends the innermost aggregate and whatever ends with it.
func (f *Framer) pop() (done bool) {
	top := len(f.stack) - 1
	attribute := f.stack[top].kind == '|'
	f.stack = f.stack[:top]
	return !attribute && f.ended()
}

// ended counts one finished value and reports whether it ended the frame.
func (f *Framer) ended() (done bool) {
	for {
		top := len(f.stack) - 1
		if top < 0 {
			return true
		}
		l := &f.stack[top]
		if l.left < 0 {
			return false
		}
		if l.left--; l.left > 0 {
			return false
		}
		attribute := l.kind == '|'
		f.stack = f.stack[:top]
		if attribute { // it belongs to the value that follows
			return false
		}
	}
}

// number reads a decimal length, -1 included, as strictly as Redis does.
func number(b []byte) (int64, error) {
	if len(b) == 2 && b[0] == '-' && b[1] == '1' {
		return -1, nil
	}
	if len(b) == 0 || len(b) > 18 {
		return 0, ErrProtocol
	}
	var v int64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, ErrProtocol
		}
		v = v*10 + int64(c-'0')
	}
	return v, nil
}

func clip(b []byte) []byte { return b[:min(len(b), maxHeader)] }
