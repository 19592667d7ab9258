package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

var errRecord = errors.New("record does not make sense")

// decoder turns records back into events.
type decoder struct {
	strings []string
	points  []harness.Point
	seq     uint64
	in      int64
	only    *string // decode the events of this test alone

	known    bool              // there was an event
	unwanted bool              // which was of another test: no more is known of it
	last     harness.Event     // it
	raw      []byte            // its payload
	ended    []harness.Outcome // of the recordings that begin, until they are taken
}

// fields reads the fields of a record one after another; after the first that
// is not there, all are zero and bad is set.
type fields struct {
	b   []byte
	bad bool
}

func (f *fields) byte() byte {
	if len(f.b) == 0 {
		f.bad = true
		return 0
	}
	c := f.b[0]
	f.b = f.b[1:]
	return c
}

func (f *fields) uvarint() uint64 {
	v, n := binary.Uvarint(f.b)
	if n <= 0 {
		f.b, f.bad = nil, true
		return 0
	}
	f.b = f.b[n:]
	return v
}

func (f *fields) varint() int64 {
	v, n := binary.Varint(f.b)
	if n <= 0 {
		f.b, f.bad = nil, true
		return 0
	}
	f.b = f.b[n:]
	return v
}

func (d *decoder) str(n uint64) (string, bool) {
	switch {
	case n == 0:
		return "", true
	case n <= uint64(len(d.strings)):
		return d.strings[n-1], true
	}
	return "", false
}

// record takes one record. It fills ev and returns true if the record was an
// event that is wanted. ev.Raw is part of body.
func (d *decoder) record(body []byte, ev *harness.Event) (bool, error) {
	f := fields{b: body}
	switch kind := f.byte(); {
	case f.bad:
		return false, fmt.Errorf("%w: it is empty", errRecord)
	case kind == recordReset:
		*d = decoder{only: d.only, ended: d.ended}
		return false, nil
	case kind == recordString:
		if len(d.strings) >= maxInterned {
			return false, fmt.Errorf("%w: too many strings", errRecord)
		}
		d.strings = append(d.strings, string(f.b))
		return false, nil
	case kind == recordPoint:
		return false, d.point(&f)
	case kind == recordEvent:
		wanted, err := d.event(&f, ev)
		if err != nil {
			return false, err
		}
		d.known, d.unwanted = true, !wanted
		if wanted {
			d.last, d.raw = *ev, append(d.raw[:0], ev.Raw...)
		}
		return wanted, nil
	case kind == recordOutcome:
		return false, d.outcome(f.b)
	case kind == recordAgain, kind == recordSame:
		return d.again(kind, &f, ev)
	default:
		return false, nil // a type that a later version added
	}
}

// again decodes an event that is like the one before.
func (d *decoder) again(kind byte, f *fields, ev *harness.Event) (bool, error) {
	if !d.known {
		return false, fmt.Errorf("%w: it repeats an event that is not there", errRecord)
	}
	d.seq++
	if d.unwanted {
		return false, nil
	}
	d.last.Seq = d.seq
	d.last.Point.N++
	if d.last.ReplyTo > 0 {
		d.last.ReplyTo++
	}
	if kind == recordAgain {
		d.raw = append(d.raw[:0], f.b...)
	}
	*ev = d.last
	ev.Raw = d.raw
	return true, nil
}

func (d *decoder) point(f *fields) error {
	role, ok1 := d.str(f.uvarint())
	verb, ok2 := d.str(f.uvarint())
	key, ok3 := d.str(f.uvarint())
	dir := f.byte()
	if f.bad || !ok1 || !ok2 || !ok3 || len(d.points) >= maxInterned {
		return fmt.Errorf("%w: point", errRecord)
	}
	d.points = append(d.points, harness.Point{Role: role, Dir: harness.Direction(dir), Verb: verb, Key: key})
	return nil
}

func (d *decoder) event(f *fields, ev *harness.Event) (bool, error) {
	kind, flags := f.byte(), f.byte()
	d.seq += uint64(f.varint())
	d.in += f.varint()
	test, known := d.str(f.uvarint())
	if f.bad || !known {
		return false, fmt.Errorf("%w: event", errRecord)
	}
	if d.only != nil && test != *d.only {
		return false, nil
	}
	*ev = harness.Event{
		Kind: harness.Kind(kind), Seq: d.seq, In: time.Duration(d.in), Test: test,
		IsError: flags&flagError != 0, InMulti: flags&flagMulti != 0, Blocking: flags&flagBlocking != 0,
	}
	ev.Conn = uint32(f.uvarint())
	if p := f.uvarint(); p > uint64(len(d.points)) {
		return false, fmt.Errorf("%w: event of an unknown point", errRecord)
	} else if p > 0 {
		ev.Point = d.points[p-1]
	}
	ev.Point.N = int(f.uvarint())
	ev.ReplyTo = f.uvarint()
	ev.Size = int(f.uvarint())
	if flags&flagSent != 0 {
		ev.Out = ev.In + time.Duration(f.varint())
	}
	if flags&flagDecided != 0 {
		action, ok := d.str(f.uvarint())
		if !ok {
			return false, fmt.Errorf("%w: event with an unknown action", errRecord)
		}
		ev.Action = harness.Action(action)
		ev.Asked = time.Duration(f.varint())
		ev.Ending = harness.Ending(f.byte())
	}
	if f.bad {
		return false, fmt.Errorf("%w: event", errRecord)
	}
	ev.Raw = f.b
	return true, nil
}
