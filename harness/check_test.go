package harness

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestCheckFindingID(t *testing.T) {
	for _, good := range []string{"F-1a2b3c4d", "F-0", "F-" + strings.Repeat("a", 64)} {
		assert.NoError(t, CheckFindingID(good), good)
	}
	for _, bad := range []string{"", "F-", "f-12", "F-1G", "F-../../x", "F-12/34", "F-12\x00", "F-12;id", "F-12 34", "../F-12", "F-12\n", "F-" + strings.Repeat("a", 65)} {
		assert.Error(t, CheckFindingID(bad), bad)
	}
}

func TestBoundsOfAFinding(t *testing.T) {
	at := Point{Role: "kv", Verb: "GET"}
	one := func(d Decision) *Finding {
		return &Finding{ID: "F-1", Tests: []string{"t"}, Schedule: Schedule{Decisions: []Decision{d}}}
	}
	assert.NoError(t, one(Decision{At: at, Action: Delay, Delay: Duration(time.Second)}).Check())
	for name, d := range map[string]Decision{
		"negative delay":   {At: at, Action: Delay, Delay: -1},
		"endless delay":    {At: at, Action: Delay, Delay: Duration(LongestDelay) + 1},
		"negative timeout": {At: at, Action: Hold, Timeout: -1},
		"negative chunk":   {At: at, Action: Fragment, Chunk: -1},
	} {
		assert.Error(t, one(d).Check(), name)
		f := one(Decision{At: at})
		f.Original = &Schedule{Decisions: []Decision{d}}
		assert.Error(t, f.Check(), name)
		assert.Error(t, (&Result{Findings: []Finding{*f}}).Check(), name)
	}
	many := one(Decision{})
	many.Schedule.Decisions = make([]Decision, MostDecisions+1)
	assert.ErrorContains(t, many.Check(), "20001 decisions")
}
