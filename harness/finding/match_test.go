package finding

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
)

var (
	get = harness.Point{Role: "kv", Verb: "GET", Key: "k", N: 1}
	set = harness.Point{Role: "kv", Verb: "SET", Key: "k", N: 1}
)

// outcomeOf is a failure of test a with these words, and what a detector says.
func outcomeOf(says string, cause harness.Class, wire bool, suspect *harness.Suspect) *harness.Outcome {
	o := &harness.Outcome{
		Test: harness.TestID{Name: "a"}, Verdict: harness.Failed, Cause: cause, Suspect: suspect,
		Failure: &harness.Failure{Message: says, Fingerprint: says},
	}
	if wire {
		o.Wire = []harness.Line{{Text: "GET k"}}
	}
	return o
}

func findingOf(id string, class harness.Class, says string, tests ...string) harness.Finding {
	return harness.Finding{ID: id, Fingerprint: id, Class: class, Tests: tests, Failure: harness.Failure{Fingerprint: says}}
}

// failsAt is a failure of test a with a message of its own at a position.
func failsAt(position string, cause harness.Class) *harness.Outcome {
	o := outcomeOf("want 4, got 5", cause, true, nil)
	o.Failure.Stack = position + ": want 4, got 5"
	return o
}

// causeAt is a finding of test a whose failure has other words than failsAt's.
func causeAt(id string, class harness.Class, position string) harness.Finding {
	f := findingOf(id, class, "other", "a")
	f.Failure.Stack = position + ": other"
	return f
}

// TestMatchFinding: each rule by which a failure comes to its finding, and the
// order of the rules.
func TestMatchFinding(t *testing.T) {
	const lost, order, late = harness.RaceLostUpdate, harness.OrderCommands, harness.TTLExpiredEarly
	suspect := &harness.Suspect{First: get, Then: set}
	shape := Fingerprint(order, get, set)
	same := findingOf("same", lost, "boom", "a")
	for _, c := range []struct {
		name   string
		o      *harness.Outcome
		list   []harness.Finding
		same   *harness.Finding
		causes Causes
		want   string // ID; empty: none
	}{
		{"nothing is known", outcomeOf("boom", "", true, nil), nil, nil, nil, ""},
		{"the class that the detector gave, in this test", outcomeOf("boom", lost, true, nil), []harness.Finding{findingOf("x", lost, "other", "a")}, nil, nil, "x"},
		{"the class, but in another test", outcomeOf("boom", lost, true, nil), []harness.Finding{findingOf("x", lost, "other", "b")}, nil, nil, ""},
		{"the class comes from the like of it", outcomeOf("boom", "", true, nil), []harness.Finding{findingOf("x", lost, "other", "a")}, nil, Causes{{"a", "boom"}: {lost, late}}, "x"},
		{"its own class before that of the like", outcomeOf("boom", late, true, nil),
			[]harness.Finding{findingOf("x", lost, "other", "a"), findingOf("y", late, "other", "a")}, nil, Causes{{"a", "boom"}: {lost}}, "y"},
		{"the same message in this test", outcomeOf("boom", "", true, nil), []harness.Finding{findingOf("x", lost, "boom", "a")}, nil, nil, "x"},
		{"the same message in another test", outcomeOf("boom", "", true, nil), []harness.Finding{findingOf("x", lost, "boom", "b")}, nil, nil, ""},
		{"a proven cause of the message goes first", outcomeOf("boom", "", true, nil), []harness.Finding{findingOf("x", late, "boom", "a")}, &same, nil, "same"},
		{"class before message", outcomeOf("boom", late, true, nil), []harness.Finding{findingOf("x", late, "other", "a")}, &same, nil, "x"},
		{"the same commands in another test", outcomeOf("boom", order, true, suspect), []harness.Finding{findingOf(shape, order, "other", "b")}, nil, nil, shape},
		{"a doubt of this test yields to a cause elsewhere", outcomeOf("boom", order, true, suspect),
			[]harness.Finding{findingOf("doubt", harness.Unattributed, "boom", "a"), findingOf(shape, order, "other", "b")}, nil, nil, shape},
		{"a doubt of this test where there is no cause", outcomeOf("boom", order, true, suspect), []harness.Finding{findingOf("doubt", harness.Unattributed, "boom", "a")}, nil, nil, "doubt"},
		{"the same assertion with other values", failsAt("x_test.go:7", ""), []harness.Finding{causeAt("x", late, "x_test.go:7")}, nil, nil, "x"},
		{"another assertion of the test", failsAt("x_test.go:9", ""), []harness.Finding{causeAt("x", late, "x_test.go:7")}, nil, nil, ""},
		{"the same assertion, but the detector gives another class", failsAt("x_test.go:7", lost), []harness.Finding{causeAt("x", late, "x_test.go:7")}, nil, nil, ""},
		{"a doubt at the same assertion is no cause", failsAt("x_test.go:7", ""), []harness.Finding{causeAt("x", harness.Unattributed, "x_test.go:7")}, nil, nil, ""},
		{"what the wire proves is no cause of a like message", outcomeOf("boom", harness.FormatEnvelope, true, nil), []harness.Finding{findingOf("x", lost, "boom", "a")}, nil, nil, ""},
		{"nothing was recorded: whatever has a cause", outcomeOf("boom", "", false, nil), []harness.Finding{findingOf("doubt", harness.Unattributed, "other", "a"), findingOf("x", lost, "other", "a")}, nil, nil, "x"},
		{"nothing was recorded, and no cause is known", outcomeOf("boom", "", false, nil), []harness.Finding{findingOf("doubt", harness.Unattributed, "other", "a")}, nil, nil, ""},
		{"nothing was recorded, and the cause is another test's", outcomeOf("boom", "", false, nil), []harness.Finding{findingOf("x", lost, "other", "b")}, nil, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := matchFinding(c.o, c.list, c.same, c.causes)
			if c.want == "" {
				require.Nil(t, f)
				return
			}
			require.NotNil(t, f)
			assert.Equal(t, c.want, f.ID)
		})
	}
}

// TestIndexCauses: numbered trials before aimed ones, each class once; failures
// that count for nothing say nothing.
func TestIndexCauses(t *testing.T) {
	in := func(arm harness.Arm, o *harness.Outcome) harness.Trial {
		return harness.Trial{Arm: arm, Outcomes: []harness.Outcome{*o}}
	}
	stalled := outcomeOf("stalled", harness.RaceLostUpdate, true, nil)
	stalled.Blocked = []harness.Point{get}
	passed := outcomeOf("passed", harness.RaceLostUpdate, true, nil)
	passed.Verdict = harness.Passed
	got := IndexCauses([]harness.Trial{
		in(harness.Provoke, outcomeOf("boom", harness.RaceLostUpdate, true, nil)),
		in(harness.Survey, outcomeOf("boom", harness.OrderCommands, true, nil)),
		in(harness.Direct, outcomeOf("boom", "", false, nil)),
		in(harness.Explore, outcomeOf("boom", harness.OrderCommands, true, nil)),
		in(harness.Survey, stalled), in(harness.Survey, passed),
		in(harness.Confirm, outcomeOf("bang", harness.TTLExpiredEarly, true, nil)),
	})
	require.Equal(t, Causes{
		{"a", "boom"}: {harness.OrderCommands, harness.RaceLostUpdate},
		{"a", "bang"}: {harness.TTLExpiredEarly},
	}, got)
	require.Empty(t, IndexCauses(nil))
}

// TestProvable: no trial can show what no delay brings about, nor is one needed
// for what has a finding.
func TestProvable(t *testing.T) {
	suspect := &harness.Suspect{First: get, Then: set}
	for class, want := range map[harness.Class]bool{
		harness.RaceLostUpdate: true, harness.OrderCommands: true, harness.TTLExpiredEarly: true,
		harness.FormatEnvelope: false, harness.IsolationHandler: false, harness.ConnectionLost: false, harness.InfrastructureClass: false,
		harness.NotRedis: false, harness.TimeoutClient: false,
	} {
		assert.Equal(t, want, NewCatalogue().Provable(outcomeOf("boom", class, true, suspect), nil), class)
	}
	c := NewCatalogue()
	c.Add(findingOf("x", harness.RaceLostUpdate, "boom", "a"))
	assert.False(t, c.Provable(outcomeOf("boom", harness.OrderCommands, true, nil), nil), "its failure is known")
	assert.True(t, c.Provable(outcomeOf("else", harness.OrderCommands, true, nil), nil))
}
