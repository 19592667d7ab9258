package harness

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Fault is all that is known of one Action. The proxy carries it out, replay
// checks it, reports and help texts describe it, by this descriptor alone: a new
// fault is a file with a function that returns one, and a line in Faults.
type Fault struct {
	Action Action
	Help   string // one line for --help

	// Delays says that the fault can neither lose nor change a byte: what it
	// causes, a slow network or a busy machine can cause too.
	Delays bool

	// Check says what is wrong with a decision whose At is given; nil: nothing can be.
	Check func(d Decision) error
	// Text gives the decision in one line for a person.
	Text func(d Decision) string
	// Note says in a timeline what became of the frame.
	Note func(e *Event) string
	// Words appends to a digest what tells two decisions apart beside At, Delay,
	// Until, Chunk and Reset; nil: nothing does.
	Words func(b []byte, d Decision) []byte

	// Start is called when the frame has arrived; may be nil.
	Start func(p *Passage)
	// Gate is called when the frame is the first of its connection and direction,
	// again when Gate.Again has come, and again when something else has changed.
	// It must not block.
	Gate func(p *Passage, now time.Duration) Gate
}

// Faults lists what can be done to a frame.
func Faults() []Fault {
	return []Fault{
		delayFault(),
		holdFault(),
		alignFault(),
		pauseFault(),
		disconnectFault(),
		fragmentFault(),
	}
}

// FaultOf finds the fault of an action; Pass has none.
func FaultOf(a Action) (Fault, bool) {
	for _, f := range Faults() {
		if f.Action == a {
			return f, true
		}
	}
	return Fault{}, false
}

// Gate says how much of a frame may go.
type Gate struct {
	Bytes int64         // of the frame, from its first
	Again time.Duration // when that may change by itself; 0: never
	End   bool          // end the connection instead
}

// Passage is a decision being carried out on one frame. Times count from the
// start of the trial.
type Passage struct {
	Decision               // At is the frame's own point
	In       time.Duration // when its last byte arrived
	Size     int64         // of the frame, in bytes
	Sent     int64         // bytes that have gone, as far as the fault lets them go one after another
	Due      time.Duration // the fault's own note; 0 at first
	Wire     Wire
}

// Wire is what a fault may ask of its carrier. No method blocks.
type Wire interface {
	// Spaced is the earliest time at which the frame may leave after the one
	// before it, of those of its connection that a delay of d keeps apart.
	Spaced(d time.Duration) time.Duration
	// Phase is where in a period of the wall clock, counted from 1970, now lies.
	Phase(now, period time.Duration) time.Duration
	// Await begins a hold until the frame that p.Until names has passed.
	Await(p *Passage)
	// Held reports whether the hold is over; if not, again is when to ask next.
	Held(now time.Duration) (over bool, again time.Duration)
	// Pause stops the processes of the suite for d. It reports whether they have
	// stopped, or can't be; until then the carrier asks again by itself.
	Pause(now, d time.Duration) bool
}

// kept says in a timeline how long a frame was kept back.
func kept(e *Event) time.Duration { return (e.Out - e.In).Round(10 * time.Microsecond) }

// String gives a decision in one line for a person.
func (d Decision) String() string {
	if d.Action == Pass {
		return "pass " + d.At.String()
	}
	if f, ok := FaultOf(d.Action); ok {
		return f.Text(d)
	}
	return string(d.Action) + " " + d.At.String()
}

// OnlyDelays reports whether the decision can neither lose nor change a byte:
// what it causes, a slow network or a busy machine can cause too.
func (d Decision) OnlyDelays() bool {
	f, ok := FaultOf(d.Action)
	return d.Action == Pass || ok && f.Delays
}

// Check says why the decision can't be carried out; nil if it can.
func (d Decision) Check() error {
	if d.At.IsZero() {
		return fmt.Errorf("%q names no point: give \"at\"", d.Action)
	}
	if d.Action == Pass {
		return nil
	}
	f, ok := FaultOf(d.Action)
	if !ok {
		return fmt.Errorf("unknown action %q: want %s", d.Action, actionNames())
	}
	if d.Delay < 0 || d.Chunk < 0 {
		return fmt.Errorf("%s: delay and chunk cannot be negative", d)
	}
	if f.Check == nil {
		return nil
	}
	return f.Check(d)
}

// actionNames gives "a, b or c".
func actionNames() string {
	var names []string
	for _, f := range Faults() {
		names = append(names, string(f.Action))
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// AppendWords appends to b what tells a decision of the fault from any other. It
// is the input of a digest, not to be read back.
func (f *Fault) AppendWords(b []byte, d *Decision) []byte {
	b = appendPointWords(b, &d.At)
	b = append(b, d.Action...)
	b = binary.AppendVarint(b, int64(d.Delay))
	b = binary.AppendVarint(b, int64(d.Chunk))
	b = strconv.AppendBool(b, d.Reset)
	if !d.Until.IsZero() {
		b = appendPointWords(b, &d.Until)
	}
	if f.Words != nil {
		b = f.Words(b, *d)
	}
	return b
}

// appendPointWords appends a point's words rather than its text, which takes ten
// times as long to write and is no more unique.
func appendPointWords(b []byte, p *Point) []byte {
	for _, w := range [...]string{p.Role, p.Verb, p.Key} {
		b = append(append(b, w...), 0xff)
	}
	return binary.AppendVarint(append(b, byte(p.Dir)), int64(p.N))
}
