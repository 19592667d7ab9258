package detect

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// thinking is how long after a read's reply a program may write what it made of
// it, for the two to be taken for one cycle.
const thinking = 250 * time.Millisecond

// Cycle is a read of a key and the write that was probably decided by it.
type Cycle struct {
	Key   string
	Read  *Command
	Write *Command
}

// Cycles finds the reads of a key that are followed by a write of it: to each
// write that regards nothing by itself, the last read before it that no other
// write has taken, on its own connection if there is one.
func Cycles(t *Trace, key string) []Cycle {
	on := t.On(key)
	taken := map[*Command]bool{}
	var out []Cycle
	for _, w := range byArrival(on) {
		if !w.Writes || w.Reads && !deletes(w) {
			continue
		}
		var best *Command
		for _, r := range before(on, w) {
			if !r.Reads || r.Writes || removed(r) || taken[r] || !r.Answered() || r.Replied > w.Arrived || w.Arrived-r.Replied > thinking {
				continue
			}
			if best == nil || r.Conn == w.Conn && best.Conn != w.Conn || (r.Conn == w.Conn) == (best.Conn == w.Conn) && closer(r, best, w) {
				best = r
			}
		}
		if best != nil {
			taken[best] = true
			out = append(out, Cycle{key, best, w})
		}
	}
	return out
}

// closer prefers, on the write's own connection, the last read, and among those
// of others the first: the one that has waited longest.
func closer(r, best, w *Command) bool {
	if r.Conn == w.Conn {
		return r.Replied > best.Replied
	}
	return r.Replied < best.Replied
}

// before returns the last commands of a list, which is in order of Sent, that
// went to Redis before w came.
func before(on []*Command, w *Command) []*Command {
	end, _ := slices.BinarySearchFunc(on, w.Arrived, func(c *Command, at time.Duration) int { return cmp.Compare(c.Sent, at) })
	return on[max(0, end-lookBack):end]
}

// removed reports whether a command is one that removes: where it found nothing it
// has written nothing, and still is no read.
func removed(c *Command) bool {
	switch c.Verb {
	case "HDEL", "SREM", "ZREM", "LREM", "XDEL":
		return true
	}
	return deletes(c)
}

func deletes(c *Command) bool { return c.Verb == "DEL" || c.Verb == "UNLINK" }

func byArrival(list []*Command) []*Command {
	out := append([]*Command(nil), list...)
	sorted(out, func(c *Command) time.Duration { return c.Arrived })
	return out
}

// clash is a cycle with another write in between.
type clash struct {
	Cycle
	between *Command
	rival   *Command // whose command should have come after the write
	lost    bool     // the write was made from the value read
}

// clashes finds them, each cycle once.
func clashes(t *Trace) []clash {
	var out []clash
	for _, key := range t.Keys() {
		cycles := Cycles(t, key)
		reads := map[*Command]*Command{} // by write
		for _, c := range cycles {
			reads[c.Write] = c.Read
		}
		on := t.On(key)
		for _, c := range cycles {
			for _, w := range before(on, &Command{Times: Times{Arrived: c.Write.Sent}}) {
				if w == c.Write || !w.Writes && !invalidates(w, c) || !after(w, c.Read) {
					continue
				}
				rival := w // the other's first command that came into the cycle
				if r := reads[w]; r != nil {
					rival = r
				}
				out = append(out, clash{Cycle: c, between: w, rival: rival, lost: derived(t, c, w)})
				break
			}
		}
	}
	return out
}

// invalidates reports whether a removal, though it found nothing, was to keep what c
// writes from being there: the value that c read was meant to go.
func invalidates(w *Command, c Cycle) bool {
	return deletes(w) && w.Conn != c.Write.Conn && w.Answered() && !w.IsError && c.Write.Value != ""
}

// after reports whether w took effect after the read r. Where both were in
// Redis at the same time, what r returned decides.
func after(w, r *Command) bool {
	if w.Sent > r.Done {
		return true
	}
	if w.Answered() && w.Done < r.Sent || w.Value == "" {
		return false
	}
	v, _ := valueOf(r)
	return v != w.Value
}

// derived tells a write of a new value made from the old one, whose loss shows
// as a lost update, from one that was decided by the read but not made from it.
func derived(t *Trace, c Cycle, between *Command) bool {
	if c.Write.Value == "" {
		return false
	}
	if v, there := valueOf(c.Read); there {
		if isNumber(v) && isNumber(c.Write.Value) {
			return v != c.Write.Value
		}
		return len(v) > 2 && strings.Contains(c.Write.Value, strings.Trim(v, `"{}[]`))
	}
	// What was made from nothing is no update, unless the key is a counter and this
	// is its first step.
	return isNumber(c.Write.Value) && between.Value == c.Write.Value && counts(t, c.Key)
}

// counts reports whether a key is a counter: a number was read from it and another
// number written that follows it.
func counts(t *Trace, key string) bool {
	last := ""
	for _, c := range t.On(key) {
		if v, there := valueOf(c); c.Reads && !c.Writes && there && isNumber(v) {
			last = v
		}
		if c.Writes && c.Value != "" && last != "" && follows(last, c.Value) {
			return true
		}
	}
	return false
}

// follows reports whether b is the whole number after or before a.
func follows(a, b string) bool {
	x, err1 := strconv.Atoi(a)
	y, err2 := strconv.Atoi(b)
	return err1 == nil && err2 == nil && (y-x == 1 || x-y == 1)
}

func isNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}

// valueOf is the single value that a read returned.
func valueOf(r *Command) (value string, there bool) {
	if len(r.Result) != 1 || r.Result[0] == "(nil)" {
		return "", false
	}
	return r.Result[0], true
}

func (c clash) match() Match {
	score := 0.75
	if c.between.Conn != c.Read.Conn || c.Write.Kept > 0 || c.between.Kept > 0 {
		score = 0.9
	}
	return Match{
		Events: seqs(c.Read.Seq, c.Read.Reply, c.between.Seq, c.Write.Seq),
		First:  c.Write.Point, Then: c.rival.Point, Score: score,
	}
}

func result(c *Command) string {
	if len(c.Result) == 0 {
		return "nothing"
	}
	if c.Result[0] == "(nil)" {
		return "nil"
	}
	return brief(strings.Join(c.Result, " "))
}

// Counts reports whether a cycle, and the write of the one after it, look like
// steps of a counter: each wrote a number made from the one that it read.
func Counts(c Cycle, next *Command) bool {
	if next == nil || !isNumber(c.Write.Value) || !isNumber(next.Value) || c.Write.Value == next.Value {
		return false
	}
	v, there := valueOf(c.Read)
	return !there || isNumber(v)
}
