package reports

import (
	"fmt"

	"github.com/flakehunt/flakehunt/harness"
)

// frameWords names a frame for a person: a request by its command, an answer and
// a message by what they are.
func frameWords(p harness.Point) string {
	what := oneLine(p.Words(), 200)
	if p.N > 1 {
		what += fmt.Sprintf(" (%s time)", ordinal(p.N))
	}
	return what
}

func ordinal(n int) string {
	suffix := "th"
	switch {
	case n%100 >= 11 && n%100 <= 13:
	case n%10 == 1:
		suffix = "st"
	case n%10 == 2:
		suffix = "nd"
	case n%10 == 3:
		suffix = "rd"
	}
	return fmt.Sprint(n) + suffix
}

// decisionWords says what is done to a frame.
func decisionWords(d harness.Decision) string {
	at := frameWords(d.At)
	if d.At.N == 0 {
		at = "each " + at
	}
	if r := oneLine(d.At.Role, 40); r != "" {
		at += " [" + r + "]"
	}
	switch d.Action {
	case harness.Delay:
		return at + " is delayed by " + short(d.Delay)
	case harness.Hold:
		return at + " is held back until " + frameWords(d.Until) + " has passed"
	case harness.Pause:
		return "the suite's processes stand still for " + short(d.Delay) + " at " + at
	case harness.Disconnect:
		return "the connection ends at " + at
	}
	return oneLine(d.String(), 500)
}

// terms explains words on hover, in the page and nowhere else.
var terms = map[string]string{
	"natural":        "It failed with nothing injected.",
	"provoked":       "It failed while flakehunt delayed frames, as a slow network or a busy machine can.",
	"latent":         "Predicted from runs that passed. Nothing has failed.",
	"simulated":      "It failed in virtual time only, not on a real Redis.",
	"counterfactual": "The same trial without the guilty delay, or with the order put right. It must pass for the cause to hold.",
	"margin":         "How much later one command may come before the test fails.",
	"hold":           "A frame is kept back until another one has passed, which turns their order round.",
	"aimed":          "A trial that was made to fail on purpose. It does not count towards the failure rate.",
	"infrastructure": "Redis, the proxy or the machine failed. It counts neither for nor against a test.",
	"undecided":      "Too few trials to say whether the test is flaky.",
	"ordered":        "The program itself keeps this order: no delay can turn it round.",
	"predicted":      "Reckoned from runs that passed. No trial has failed at it.",
	"measured":       "A little less delay passed, a little more failed.",
}
