package history

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flakehunt/flakehunt/harness"
)

// Several tests' recordings come back with how each ended.
func TestRecordingsAreSaved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var list []Recording
		for _, test := range []string{"smoke/a", "smoke/b"} {
			r := Recording{Outcome: harness.Outcome{Test: harness.TestID{Name: test, Suite: "smoke"}, Trial: 3, Verdict: harness.Failed, Failure: &harness.Failure{Kind: "assertion", Message: "a\nb \xff"}}}
			r.Outcome.Failure.Message = strings.ToValidUTF8(r.Outcome.Failure.Message, "?")
			for i := range rapid.IntRange(0, 20).Draw(t, "events") {
				r.Events = append(r.Events, anyEvent(uint64(i+1)).Draw(t, "event"))
			}
			list = append(list, r)
		}
		var b bytes.Buffer
		if err := Save(&b, list); err != nil {
			t.Fatal(err)
		}
		got, cut, err := Load(&b)
		if err != nil || cut {
			t.Fatal(err, cut)
		}
		for i := range list { // Raw alone is kept of what follows from it
			for j := range list[i].Events {
				complete(&list[i].Events[j])
			}
		}
		if d := cmp.Diff(list, got, cmp.Comparer(bytes.Equal)); d != "" {
			t.Fatal(d)
		}
	})
}

// More strings than the tables hold come between two recordings; a file that was
// cut is read as far as it goes.
func TestLongAndCutRecordings(t *testing.T) {
	long := Recording{Outcome: harness.Outcome{Test: harness.TestID{Name: "long"}, Verdict: harness.Failed}}
	for i := range maxInterned + 10 {
		long.Events = append(long.Events, harness.Event{Seq: uint64(i + 1), Kind: harness.Request, Point: harness.Point{Role: "kv", Verb: "GET", Key: strings.Repeat("k", i%7) + string(rune('a'+i%26)) + itoa(i), N: 1}})
	}
	short := Recording{Outcome: harness.Outcome{Test: harness.TestID{Name: "short"}, Verdict: harness.Failed}, Events: long.Events[:3]}
	var b bytes.Buffer
	require.NoError(t, Save(&b, []Recording{long, short, {}}))
	whole := b.Bytes()
	got, cut, err := Load(bytes.NewReader(whole))
	require.NoError(t, err)
	require.False(t, cut)
	require.Len(t, got, 3)
	require.Len(t, got[0].Events, len(long.Events))
	require.Equal(t, "short", got[1].Outcome.Test.Name)
	require.Equal(t, short.Events[2].Point, got[1].Events[2].Point)

	got, cut, err = Load(bytes.NewReader(whole[:len(whole)/2]))
	require.NoError(t, err)
	require.True(t, cut)
	require.Len(t, got, 1)
	require.Less(t, len(got[0].Events), len(long.Events))
	_, _, err = Load(strings.NewReader("no history"))
	require.ErrorContains(t, err, "no recording of flakehunt")
}

func itoa(i int) string {
	return string([]byte{'0' + byte(i/10000%10), '0' + byte(i/1000%10), '0' + byte(i/100%10), '0' + byte(i/10%10), '0' + byte(i%10)})
}

// The values in pasted_test.go were pasted from the output of Literal. They
// compile, and are what they were made of.
func TestLiteralCanBePasted(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, Literal(&b, Recording{Outcome: outcome, Events: events}))
	source, err := os.ReadFile("pasted_test.go")
	require.NoError(t, err)
	_, pasted, _ := strings.Cut(string(source), "\n\nvar outcome")
	require.Equal(t, "var outcome"+pasted, b.String())

	var text bytes.Buffer
	require.NoError(t, Format(&text, Recording{Outcome: outcome, Events: events}))
	require.Contains(t, text.String(), `4 3ms c2 kv<GET "k" #1 | (nil) | out=63ms action=delay asked=60ms re=3 size=5`)
}

func FuzzLoad(f *testing.F) {
	var b bytes.Buffer
	require.NoError(f, Save(&b, []Recording{{Outcome: outcome, Events: events}, {Outcome: outcome}}))
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, file []byte) {
		list, _, err := Load(bytes.NewReader(file))
		if err != nil {
			return
		}
		var again bytes.Buffer
		require.NoError(t, Save(&again, list))
		for _, r := range list {
			require.NoError(t, Format(&again, r))
			require.NoError(t, Literal(&again, r))
			AllLines(r.Events)
		}
	})
}
