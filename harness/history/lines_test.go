package history

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
)

func TestLinesTellWhatHappened(t *testing.T) {
	rec, err := Parse(strings.NewReader(`
test "a"
1 10ms begin
2 11ms c2 sub>PSUBSCRIBE "*" #1 | PSUBSCRIBE * | out=71ms action=hold ending=fulfilled
3 12ms c3 pub>PUBLISH "orders" #1 | PUBLISH orders "{\"a\": 1}"
4 13ms c3 pub<PUBLISH "orders" #1 | 0 | re=3
5 14ms c4 kv>GET "k" #1 | GET k | out=15ms action=hold ending=stalled
6 80ms c2 close
`))
	require.NoError(t, err)
	lines := Lines(rec.Events, []uint64{2, 3})
	var got []string
	for _, l := range lines {
		s := l.At.String() + " " + l.Role + l.Dir + " " + l.Text
		if l.Note != "" {
			s += " (" + l.Note + ")"
		}
		if l.Suspect {
			s += " !"
		}
		got = append(got, s)
	}
	assert.Equal(t, []string{
		`2ms pub> PUBLISH orders {"a": 1} !`,
		`3ms pub< 0 (no subscriber)`,
		`5ms kv> GET k (held 1ms, then let go: the program itself enforces the order)`,
		`61ms sub> PSUBSCRIBE * (held 60ms) !`,
		`70ms > connection closed`,
	}, got)
	assert.Equal(t, harness.Duration(60*time.Millisecond), lines[3].Delayed)
	assert.Equal(t, uint32(2), lines[3].Conn)
}

func TestLinesOfALongHistoryShowTheCause(t *testing.T) {
	var events []harness.Event
	for i := range 1000 {
		events = append(events, set(i, "a"))
	}
	lines := Lines(events, []uint64{100, 900})
	var suspects, frames int
	for _, l := range lines {
		if l.Suspect {
			suspects++
		}
		if !strings.HasPrefix(l.Text, "…") {
			frames++
		}
	}
	assert.Equal(t, 2, suspects)
	assert.Equal(t, maxLines, frames)
	assert.Len(t, lines, maxLines+3, "gaps before, between and after")

	assert.Len(t, Lines(events, nil), maxLines+1)
	assert.Empty(t, Lines(nil, nil))
}

func TestCutKeepsCharactersWhole(t *testing.T) {
	assert.Equal(t, "aé…", Cut("aéé", 4))
	assert.Equal(t, "a b", Cut("a\nb", 3))
	assert.Equal(t, "�", Cut("\xff", 3))
}

// TestNoNegativeTimes: a frame that was never sent has not been kept for a time.
func TestNoNegativeTimes(t *testing.T) {
	for _, a := range []harness.Action{harness.Delay, harness.Hold, harness.Fragment} {
		lines := Lines([]harness.Event{{
			Seq: 1, Kind: harness.Request, In: 1500 * time.Millisecond, Asked: 2 * time.Second, Action: a, Ending: harness.Dropped,
			Point: harness.Point{Role: "kv", Verb: "GET", Key: "k"}, Args: []string{"GET", "k"},
		}}, nil)
		require.Len(t, lines, 1)
		assert.NotContains(t, lines[0].Note, "-", a)
		assert.Contains(t, lines[0].Note, "never sent")
	}
}

// TestAnEmptyAnswerIsToldAsOne shows that an empty list is not mistaken for the
// name of its command.
func TestAnEmptyAnswerIsToldAsOne(t *testing.T) {
	point := harness.Point{Role: "kv", Dir: harness.ToClient, Verb: "LRANGE", Key: "log", N: 1}
	for raw, want := range map[string]string{"*0\r\n": "(empty)", "~0\r\n": "(empty)", "%0\r\n": "(empty)", "": "LRANGE"} {
		got := Lines([]harness.Event{{Seq: 1, Kind: harness.Reply, Point: point, In: 1, Out: 1, Raw: []byte(raw)}}, nil)
		if len(got) != 1 || got[0].Text != want || got[0].Point != point {
			t.Errorf("%q: %+v, want %s", raw, got, want)
		}
	}
}
