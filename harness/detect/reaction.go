package detect

import (
	"cmp"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// prompt is how soon after a message a handler's first command comes, at most.
const prompt = 15 * time.Millisecond

// Reaction is the commands that a handler probably sent because of a message.
type Reaction struct {
	Delivery *Delivery
	Commands []*Command // in order; each was sent soon after the one before was answered
}

// Reactions finds, for each message that was published within the test, the
// chains of commands that began soon after its delivery on another connection:
// handlers at work, or whatever else the program did at that moment. A command
// belongs to the latest delivery before it, or to the command whose reply it
// followed.
func Reactions(t *Trace) []Reaction {
	var out []Reaction
	for _, c := range byArrival(t.Commands) {
		if len(c.Keys) == 0 && !publishes(c) || c.Ending == harness.Dropped {
			continue
		}
		if i, ok := continues(out, c); ok {
			out[i].Commands = append(out[i].Commands, c)
			continue
		}
		var cause *Delivery
		for _, d := range from(t.Deliveries, c.Arrived-prompt) {
			if d.Went > c.Arrived {
				break
			}
			if d.Conn != c.Conn && d.Publish != nil {
				cause = d
			}
		}
		if cause != nil {
			out = append(out, Reaction{cause, []*Command{c}})
		}
	}
	return out
}

// continues finds the reaction whose last command's reply c followed at once.
func continues(list []Reaction, c *Command) (int, bool) {
	best, found := 0, false
	for i := max(0, len(list)-lookBack); i < len(list); i++ {
		last := list[i].Commands[len(list[i].Commands)-1]
		if last.Answered() && last.Replied <= c.Arrived && c.Arrived-last.Replied <= prompt/3 {
			if !found || last.Replied > list[best].Commands[len(list[best].Commands)-1].Replied {
				best, found = i, true
			}
		}
	}
	return best, found
}

// from returns the deliveries of a list, which is in order of Went, from a time on.
func from(list []*Delivery, at time.Duration) []*Delivery {
	i, _ := slices.BinarySearchFunc(list, at, func(d *Delivery, at time.Duration) int { return cmp.Compare(d.Went, at) })
	return list[i:]
}

// End is when the last command of the reaction was answered.
func (r Reaction) End() time.Duration {
	last := r.Commands[len(r.Commands)-1]
	if !last.Answered() {
		return last.Sent
	}
	return last.Replied
}
