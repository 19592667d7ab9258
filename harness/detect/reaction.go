package detect

import (
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
		if len(c.Keys) == 0 && c.Verb != "PUBLISH" || c.Ending == harness.Dropped {
			continue
		}
		if i, ok := continues(out, c); ok {
			out[i].Commands = append(out[i].Commands, c)
			continue
		}
		var cause *Delivery
		for _, d := range t.Deliveries {
			if d.Conn != c.Conn && d.Publish != nil && d.Went <= c.Arrived && c.Arrived-d.Went <= prompt {
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
	for i, r := range list {
		last := r.Commands[len(r.Commands)-1]
		if last.Answered() && last.Replied <= c.Arrived && c.Arrived-last.Replied <= prompt/3 {
			if !found || last.Replied > list[best].Commands[len(list[best].Commands)-1].Replied {
				best, found = i, true
			}
		}
	}
	return best, found
}

// End is when the last command of the reaction was answered.
func (r Reaction) End() time.Duration {
	last := r.Commands[len(r.Commands)-1]
	if !last.Answered() {
		return last.Sent
	}
	return last.Replied
}
