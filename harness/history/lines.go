package history

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/internal/phrase"
)

const (
	maxLines = 60  // of a timeline
	maxText  = 160 // bytes of a line
)

// Lines makes the timeline of one test's events for reports, in the order in
// which frames left the proxy. suspects are the sequence numbers of the frames
// that make up the cause. A long history is cut to what lies around them, or to
// its end if there are none.
func Lines(events []harness.Event, suspects []uint64) []harness.Line {
	return lines(events, suspects, maxLines)
}

// AllLines is Lines of a whole history.
func AllLines(events []harness.Event) []harness.Line { return lines(events, nil, len(events)) }

func lines(events []harness.Event, suspects []uint64, most int) []harness.Line {
	var begin time.Duration
	requests := map[uint64]*harness.Event{}
	var frames []*harness.Event
	for i := range events {
		ev := &events[i]
		switch ev.Kind {
		case harness.Begin:
			begin = ev.In
		case harness.Request:
			requests[ev.Seq] = ev
			frames = append(frames, ev)
		case harness.Reply, harness.Push, harness.Close, harness.Warning:
			frames = append(frames, ev)
		}
	}
	slices.SortStableFunc(frames, func(a, b *harness.Event) int { return cmp.Compare(left(a), left(b)) })
	suspect := func(i int) bool { return slices.Contains(suspects, frames[i].Seq) }

	var out []harness.Line
	next := 0
	for _, i := range window(len(frames), most, suspect) {
		ev := frames[i]
		at := harness.Duration(left(ev) - begin)
		if i > next {
			out = append(out, harness.Line{At: at, Text: fmt.Sprintf("… %d more frames", i-next)})
		}
		next = i + 1
		l := harness.Line{
			At: at, Conn: ev.Conn, Role: ev.Point.Role, Dir: ev.Point.Dir.String(),
			Text: text(ev), Note: note(ev, requests[ev.ReplyTo]), Suspect: suspect(i), Point: ev.Point,
		}
		if ev.Action != harness.Pass && ev.Out > ev.In {
			l.Delayed = harness.Duration(ev.Out - ev.In)
		}
		if ev.Call != (harness.Call{}) {
			call := ev.Call
			l.Call = &call
		}
		out = append(out, l)
	}
	if rest := len(frames) - next; rest > 0 && len(out) > 0 {
		out = append(out, harness.Line{At: out[len(out)-1].At, Text: fmt.Sprintf("… %d more frames", rest)})
	}
	return out
}

// left is when the frame left the proxy, or came if it never left.
func left(ev *harness.Event) time.Duration {
	if ev.Out == 0 {
		return ev.In
	}
	return ev.Out
}

// window chooses which of n frames to show, most of them, in order: all if they fit, else
// those nearest to a suspect, else the last.
func window(n, most int, suspect func(int) bool) []int {
	all := make([]int, n)
	distance := make([]int, n) // to the nearest suspect, on either side
	last := -1
	for i := range n {
		all[i], distance[i] = i, n
		if suspect(i) {
			last = i
		}
		if last >= 0 {
			distance[i] = i - last
		}
	}
	if n <= most {
		return all
	}
	if last < 0 {
		return all[n-most:]
	}
	for i, next := n-1, -1; i >= 0; i-- {
		if distance[i] == 0 {
			next = i
		}
		if next >= 0 {
			distance[i] = min(distance[i], next-i)
		}
	}
	slices.SortStableFunc(all, func(a, b int) int { return cmp.Compare(distance[a], distance[b]) })
	shown := all[:most]
	slices.Sort(shown)
	return shown
}

func text(ev *harness.Event) string {
	switch ev.Kind {
	case harness.Close:
		if len(ev.Raw) > 0 {
			return "connection closed by " + string(ev.Raw)
		}
		return "connection closed"
	case harness.Warning:
		return Cut(string(ev.Raw), maxText)
	}
	words := ev.Args
	if len(words) == 0 && ev.Kind == harness.Reply && len(ev.Raw) > 0 && strings.IndexByte("*~%", ev.Raw[0]) >= 0 {
		return "(empty)" // an array, set or map with nothing in it
	}
	if len(words) == 0 {
		words = []string{ev.Point.Verb}
	}
	// An argument with spaces or nothing in it is quoted, as redis-cli would
	// have it; JSON stays as it is, since escapes make it unreadable.
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		if w == "" {
			w = `""`
		}
		b.WriteString(w)
		if b.Len() > maxText {
			break
		}
	}
	return Cut(b.String(), maxText)
}

// Cut shortens s to at most n bytes, on the border of a character, and ends it
// in "…" if anything is missing. Control characters become spaces.
func Cut(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
	if len(s) <= n {
		return s
	}
	return phrase.Cut(s, n) + "…"
}

// note says what is worth knowing of a frame beside its text.
func note(ev, request *harness.Event) string {
	var notes []string
	add := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	if f, ok := harness.FaultOf(ev.Action); ok && (ev.Out != 0 || ev.Action == harness.Disconnect) {
		add("%s", f.Note(ev))
	}
	if ev.Ending == harness.Dropped && ev.Action != harness.Disconnect {
		add("never sent: the connection ended first")
	}
	if ev.Kind == harness.Reply && request != nil {
		if (request.Point.Verb == "PUBLISH" || request.Point.Verb == "SPUBLISH") && len(ev.Args) == 1 && ev.Args[0] == "0" {
			add("no subscriber")
		}
	}
	if ev.IsError {
		add("error")
	}
	return strings.Join(notes, "; ")
}
