package detect

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/history"
)

// parse reads a history from its lines, numbered here.
func parse(t testing.TB, outcome string, lines ...string) *Trace {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "test \"t\"\noutcome %s\n", outcome)
	for i, l := range lines {
		fmt.Fprintf(&b, "%d %s\n", i+1, l)
	}
	rec, err := history.Parse(strings.NewReader(b.String()))
	require.NoError(t, err)
	return NewTrace(rec.Events, rec.Outcome)
}

const broke = `fail assertion "no luck"`

// worker waits for jobs until its connection is ended, as all of its kind do.
func worker(t testing.TB, outcome string) *Trace {
	return parse(t, outcome,
		`0s begin`,
		`1ms c1 kv>BLPOP "jobs" #1 | BLPOP jobs 0 | blocking`,
		`5ms c2 kv>SET "k" #1 | SET k v PX 3`,
		`5.2ms c2 kv<SET "k" #1 | OK | re=3`,
		`9ms c2 kv>GET "k" #1 | GET k`,
		`9.2ms c2 kv<GET "k" #1 | (nil) | re=5`,
		`10ms c3 kv>CLIENT|KILL "" #1 | CLIENT KILL TYPE normal`,
		`10.1ms c3 kv<CLIENT|KILL "" #1 | 1 | re=7`,
		`10.2ms c1 close`,
		`11ms c3 kv>GET "k" #2 | GET k`,
		`11.2ms c3 kv<GET "k" #2 | (nil) | re=10`,
		`12ms end`)
}

func TestWhatPassingHistoriesHaveTooIsNoCause(t *testing.T) {
	failing := worker(t, broke)
	require.NotEmpty(t, Run(failing))
	assert.Equal(t, harness.ConnectionLost, Run(failing)[0].Class)
	assert.NotEmpty(t, Differential(failing, nil, nil), "with no witness it is what the one history says")
	assert.Empty(t, Differential(failing, nil, []*Trace{worker(t, "pass"), worker(t, "pass")}))
}

// lease is read before or after it expires.
func lease(t testing.TB, outcome string, read string, reply string) *Trace {
	return parse(t, outcome,
		`0s begin`,
		`1ms c1 kv>SET "lease" #1 | SET lease me PX 100`,
		`1.2ms c1 kv<SET "lease" #1 | OK | re=2`,
		read+` c1 kv>GET "lease" #1 | GET lease`,
		read+` c1 kv<GET "lease" #1 | `+reply+` | re=4`,
		`300ms end`)
}

func TestWhatOnlyFailingHistoriesHaveCountsForMore(t *testing.T) {
	late := func() *Trace { return lease(t, broke, "130ms", "(nil)") }
	early := func() *Trace { return lease(t, "pass", "90ms", "me") }
	alone := Run(late())
	require.NotEmpty(t, alone)
	got := Differential(late(), []*Trace{late(), late()}, []*Trace{early(), early(), early()})
	require.NotEmpty(t, got)
	assert.Equal(t, harness.TTLExpiredEarly, got[0].Class)
	assert.Greater(t, got[0].Score, alone[0].Score)
	assert.GreaterOrEqual(t, got[0].Score, Named)
	assert.Equal(t, Against{Failing: harness.Count{K: 3, N: 3}, Passing: harness.Count{N: 3}, P: got[0].Against.P}, *got[0].Against)
	assert.InDelta(t, 0.05, got[0].Against.P, 1e-9, "one table in twenty")

	mixed := Differential(late(), []*Trace{late(), late()}, []*Trace{early(), early(), lease(t, "pass", "130ms", "(nil)")})
	require.NotEmpty(t, mixed)
	assert.Less(t, mixed[0].Score, alone[0].Score)
}

func TestWhatIsLeftWhenNothingElseFits(t *testing.T) {
	messages := func(outcome string) *Trace {
		return parse(t, outcome,
			`0s begin`,
			`1ms c2 pub>PUBLISH "orders" #1 | PUBLISH orders a`,
			`1.2ms c1 sub<message "orders" #1 | message orders a`,
			`1.3ms c2 pub<PUBLISH "orders" #1 | 1 | re=2`,
			`2ms c2 pub>PUBLISH "orders" #2 | PUBLISH orders b`,
			`2.2ms c1 sub<message "orders" #2 | message orders b`,
			`2.3ms c2 pub<PUBLISH "orders" #2 | 1 | re=5`,
			`200ms end`)
	}
	got := Differential(messages(`fail assertion "Failed asserting that 1 matches expected 2."`), nil, []*Trace{messages("pass")})
	require.NotEmpty(t, got)
	assert.Equal(t, harness.IsolationHandler, got[0].Class)
	assert.GreaterOrEqual(t, got[0].Score, Named, "the failure's numbers are the wire's: two messages, and one seen")
	got = Differential(messages(`fail assertion "expected 16, received 20"`), nil, []*Trace{messages("pass")})
	for _, m := range got {
		assert.Less(t, m.Score, Named, "%s by numbers that are of something else", m.Class)
	}
}

func TestHorizon(t *testing.T) {
	for _, c := range []struct {
		name  string
		lines []string
		want  time.Duration
	}{
		{"nothing to tidy up", []string{
			`0s begin`, `1ms c1 kv>GET "k" #1 | GET k`, `2ms c1 kv<GET "k" #1 | v | re=2`, `50ms end`}, 50 * time.Millisecond},
		{"a burst of DEL", []string{
			`0s begin`, `1ms c1 kv>GET "k" #1 | GET k`, `2ms c1 kv<GET "k" #1 | v | re=2`,
			`10ms c1 kv>DEL "k" #1 | DEL k`, `11ms c1 kv<DEL "k" #1 | 1 | re=4`,
			`12ms c1 kv>DEL "l" #1 | DEL l`, `13ms c1 kv<DEL "l" #1 | 1 | re=6`, `50ms end`}, 10 * time.Millisecond},
		{"one DEL may be a step of the test", []string{
			`0s begin`, `1ms c1 kv>SET "lock" #1 | SET lock a`, `2ms c1 kv<SET "lock" #1 | OK | re=2`,
			`10ms c1 kv>DEL "lock" #1 | DEL lock`, `11ms c1 kv<DEL "lock" #1 | 1 | re=4`, `50ms end`}, 50 * time.Millisecond},
		{"FLUSHDB alone", []string{
			`0s begin`, `1ms c1 kv>GET "k" #1 | GET k`, `2ms c1 kv<GET "k" #1 | v | re=2`,
			`10ms c1 kv>FLUSHDB "" #1 | FLUSHDB`, `11ms c1 kv<FLUSHDB "" #1 | OK | re=4`, `50ms end`}, 10 * time.Millisecond},
		{"FLUSHDB before, as a fresh start", []string{
			`0s begin`, `1ms c1 kv>FLUSHDB "" #1 | FLUSHDB`, `2ms c1 kv<FLUSHDB "" #1 | OK | re=2`,
			`10ms c1 kv>GET "k" #1 | GET k`, `11ms c1 kv<GET "k" #1 | (nil) | re=4`, `50ms end`}, 50 * time.Millisecond},
		{"a worker polls on", []string{
			`0s begin`, `1ms c1 kv>GET "k" #1 | GET k`, `2ms c1 kv<GET "k" #1 | v | re=2`,
			`10ms c1 kv>QUIT "" #1 | QUIT`, `11ms c1 kv<QUIT "" #1 | OK | re=4`,
			`12ms c2 kv>BLPOP "jobs" #1 | BLPOP jobs 1 | blocking`, `50ms end`}, 10 * time.Millisecond},
		{"clients close", []string{
			`0s begin`, `1ms c1 kv>GET "k" #1 | GET k`, `2ms c1 kv<GET "k" #1 | v | re=2`, `20ms c1 close`, `50ms end`}, 20 * time.Millisecond},
		{"a client that gave up has not tidied up", []string{
			`0s begin`, `1ms c1 kv>GET "k" #1 | GET k`, `501ms c1 close`, `510ms end`}, 510 * time.Millisecond},
	} {
		assert.Equal(t, c.want, Horizon(parse(t, broke, c.lines...)), c.name)
	}
}

func TestCausesLieBeforeTheFailure(t *testing.T) {
	trace := parse(t, broke,
		`0s begin`,
		`1ms c1 kv>SET "lease" #1 | SET lease me PX 100`,
		`1.2ms c1 kv<SET "lease" #1 | OK | re=2`,
		`50ms c1 kv>GET "lease" #1 | GET lease`,
		`50.2ms c1 kv<GET "lease" #1 | me | re=4`,
		`130ms c1 kv>UNLINK "lease" #1 | UNLINK lease other`,
		`130.2ms c1 kv<UNLINK "lease" #1 | 0 | re=6`,
		`131ms c2 close`,
		`132ms end`)
	assert.Empty(t, Run(trace), "what is tidied up after the failure has not caused it")
}

// A new detector takes a function and a line: all that the rest asks of a class is
// in its row.
func TestADetectorIsOneRow(t *testing.T) {
	rows := append(All(), Detector{
		Class: "toy/ping", Doc: "a PING", Advice: "Do not.", Delay: true, Names: firstAlone,
		Find: func(t *Trace) []Match {
			for _, c := range t.Commands {
				if c.Verb == "PING" {
					return []Match{{Title: "PING", Explanation: "It pinged.", Events: seqs(c.Seq), First: c.Point, Then: c.Point.Reply(), Score: 0.99}}
				}
			}
			return nil
		},
	})
	got := ask(rows, parse(t, broke, `0s begin`, `1ms c1 kv>PING "" #1 | PING`, `2ms c1 kv<PING "" #1 | PONG | re=2`, `3ms end`))
	require.NotEmpty(t, got)
	assert.Equal(t, harness.Class("toy/ping"), got[0].Class)
}

func TestRowsAnswerForTheirClass(t *testing.T) {
	for _, d := range All() {
		assert.True(t, strings.HasSuffix(d.Advice, ".") || d.Advice == "", "%s: a sentence: %s", d.Class, d.Advice)
		got, known := Of(d.Class)
		assert.True(t, known)
		assert.Equal(t, d.Doc, got.Doc)
	}
	first, then := harness.Point{Role: "kv", Verb: "SET"}, harness.Point{Role: "kv", Verb: "GET"}
	a, b := Names(harness.RaceLostUpdate, first, then)
	assert.Equal(t, first, a)
	assert.True(t, b.IsZero())
	a, b = Names(harness.TTLMissing, first, then)
	assert.Equal(t, [2]harness.Point{first, then}, [2]harness.Point{a, b})
}

func TestDeadlineOf(t *testing.T) {
	d, ok := DeadlineOf(parse(t, broke, `0s begin`, `1ms c1 kv>GET "k" #1 | GET k | out=401ms action=delay asked=400ms`, `201ms c1 close`, `202ms end`))
	require.True(t, ok)
	assert.True(t, d.GaveUp)
	assert.Equal(t, 200*time.Millisecond, d.Waited)
	assert.Equal(t, 200*time.Millisecond, d.Ours)
	_, ok = DeadlineOf(parse(t, broke, `0s begin`, `1ms c1 kv>GET "k" #1 | GET k`, `2ms c1 kv<GET "k" #1 | v | re=2`, `201ms c1 close`, `202ms end`))
	assert.False(t, ok)
}

func TestNothingSentTakesExactBoundaries(t *testing.T) {
	quiet := parse(t, broke, `0s begin`, `1ms end`)
	assert.Empty(t, Run(quiet), "its commands may have been taken for another test's")
	quiet.Outcome.Boundary = harness.BoundaryAlone
	require.NotEmpty(t, Run(quiet))
	assert.Equal(t, harness.NotRedis, Run(quiet)[0].Class)
}
