package reports

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/reports/internal/sample"
)

func TestHeadline(t *testing.T) {
	skipped := &harness.Result{Tests: []harness.TestResult{{Status: harness.StatusSkipped}}}
	one := &harness.Result{Tests: []harness.TestResult{{Status: harness.Stable}, {Status: harness.StatusSkipped}}}
	for want, r := range map[string]*harness.Result{
		"No flake found in 28 tests":                               sample.Clean(),
		"Of 28 tests, 3 are flaky":                                 sample.Flaky(),
		"Of 4 tests, 1 is flaky, 1 is broken":                      sample.Broken(),
		"Of 28 tests, 4 could not be judged":                       sample.Infra(),
		"No verdict on 28 tests: interrupted after 3 of 20 trials": sample.Interrupted(),
		"No verdict on 28 tests: broken off after 1 of 30 trials: trial 2 of smoke: redis died: signal: killed": sample.Died(),
		"Nothing was judged: start: pull redis:7-alpine: no route to host":                                      sample.Empty(),
		"No test ran":                         {},
		"Every test was skipped (1)":          skipped,
		"No flake found in 1 test, 1 skipped": one,
	} {
		assert.Equal(t, want, Headline(r))
	}
}

func TestExcludes(t *testing.T) {
	assert.Equal(t, "20 clean runs exclude a failure rate above 13.9 % at 95 %", Excludes(sample.Clean()))
	assert.Equal(t, "Of the others, 30 clean runs exclude a failure rate above 9.5 % at 95 %", Excludes(sample.Flaky()))
	assert.Empty(t, Excludes(sample.Empty()))
	r := sample.Clean()
	r.Tests[3].Runs, r.Tests[3].Excludes = 1, 0.95
	assert.Equal(t, "1 clean run excludes a failure rate above 95.0 % at 95 % (smoke/pubsub/case-1, the test with the fewest)", Excludes(r))
}

func TestRerun(t *testing.T) {
	assert.Equal(t, "flakehunt run --redis server --variant as-described --waits fixed --strategy latency --jitter 60ms --latency 60ms --trials 30 --seed 1 smoke integration", Rerun(sample.Flaky()))
	assert.Equal(t, `flakehunt run --redis server --trials 20 --seed 18446744073709551557 -- go test -run 'TestIt'\''s fine|TestB' ./...`, Rerun(sample.Broken()))
	r := sample.Clean()
	r.Redis = harness.RedisInfo{Provider: "url", Address: "localhost:7000", Real: true}
	r.Target = harness.Target{Kind: harness.CommandTarget, Argv: []string{"npm", "test"}, JUnit: "out/*.xml", Env: []string{"CACHE={{.URL}}"}, Takeover: []string{"localhost:6379"}}
	r.Shard = "2/8"
	assert.Equal(t, "flakehunt run --redis redis://localhost:7000 --trials 20 --shard 2/8 --seed 18446744073709551557 --junit 'out/*.xml' --env 'CACHE={{.URL}}' --takeover localhost:6379 -- npm test", Rerun(r))
}

func TestPercent(t *testing.T) {
	for want, rate := range map[string]float64{
		"0 %": 0, "100 %": 1, "13.9 %": 0.139108, "0.17 %": 0.00167, "0.003 %": 0.00003, "99.0 %": 0.99, "99.999 %": 0.9999999, "5.0 %": 0.05,
	} {
		assert.Equal(t, want, percent(rate))
	}
}

func TestShort(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0": 0, "12 ns": 12, "1.5 µs": 1500, "1.53 ms": 1534 * time.Microsecond, "203 ms": 203400 * time.Microsecond, "12.4 s": 12_400 * time.Millisecond,
		"10 s": 10 * time.Second, "1 min 14 s": 74 * time.Second, "2 h 5 min": 125 * time.Minute, "−5 ms": -5 * time.Millisecond,
	} {
		assert.Equal(t, want, short(harness.Duration(d)))
	}
}

func TestToLookAt(t *testing.T) {
	list, quiet := toLookAt(sample.Interrupted())
	assert.Empty(t, list)
	assert.Equal(t, 28, quiet)
	list, quiet = toLookAt(sample.Broken())
	assert.Zero(t, quiet)
	assert.Equal(t, []harness.Status{harness.Broken, harness.Flaky}, []harness.Status{list[0].Status, list[1].Status})
}

func TestStrip(t *testing.T) {
	s := newStrip("..F.ss", harness.Count{})
	assert.Equal(t, strip{Width: 6, Pass: "M0 0h2v1h-2zM3 0h1v1h-1z", Fail: "M2 0h1v1h-1z", Skip: "M4 0h2v1h-2z", Label: "6 trials, 1 failed", Few: true}, s)
	assert.Zero(t, newStrip("", harness.Count{}))
	long := newStrip(strings.Repeat(".", 9999)+"F", harness.Count{})
	assert.Equal(t, stripCells, long.Width)
	assert.Equal(t, "M119 0h1v1h-1z", long.Fail, "a failure among thousands is seen")
	assert.Less(t, len(long.Pass), 30)
}

func TestTimeline(t *testing.T) {
	ms := harness.Duration(time.Millisecond)
	tl := newTimeline([]harness.Line{
		{At: 10 * ms, Role: "pub", Dir: ">", Text: "PUBLISH a"},
		{At: 20 * ms, Role: "pub", Dir: "<", Text: "0"},
		{At: 30 * ms, Role: "sub", Dir: ">", Text: "SUBSCRIBE a", Delayed: 15 * ms, Suspect: true},
		{At: 30 * ms, Text: "… 4 more frames"},
		{At: 500 * ms, Role: "sub", Dir: "<", Text: "1", Delayed: 9000 * ms},
	})
	assert.Equal(t, []string{"pub", "sub"}, []string{tl.Lanes[0].Name, tl.Lanes[1].Name})
	assert.Len(t, tl.Rows, 5)
	assert.Len(t, tl.Marks, 4, "a remark has no mark")
	assert.Equal(t, 5*rowHeight, tl.Height)
	hold := tl.Holds[0]
	assert.Equal(t, rowY(0)+rowHeight/2, hold.Y, "it came half-way between the first two")
	assert.Equal(t, rowY(2), hold.Y+hold.Height, "and was sent on where its row is")
	assert.Equal(t, 2, tl.Holds[1].Y, "from before the first row")
	assert.Equal(t, "470 ms", tl.Rows[4].Gap)
	assert.Equal(t, "15 ms", tl.Rows[2].Held)
	assert.True(t, tl.Marks[1].Out)
	pool := newTimeline([]harness.Line{
		{Role: "base", Conn: 7, Dir: ">", Text: "GET a"}, {Role: "base", Conn: 9, Dir: ">", Text: "GET a"},
		{Role: "base", Conn: 7, Dir: "<", Text: "1"}, {Role: "pub", Conn: 2, Dir: ">", Text: "PUBLISH a"},
	})
	assert.Equal(t, []string{"base·1", "base·2", "pub"}, []string{pool.Lanes[0].Name, pool.Lanes[1].Name, pool.Lanes[2].Name}, "a lane for each connection")
	assert.Equal(t, "base·1", pool.Rows[2].Role)
	noted := newTimeline([]harness.Line{
		{At: ms, Role: "pub", Dir: "<", Text: "0", Delayed: ms, Note: "delayed 1.02ms, no subscriber"},
		{At: ms, Role: "pub", Dir: ">", Text: "PING", Delayed: ms, Note: "held 1m2.5s"},
		{At: ms, Role: "pub", Dir: ">", Text: "PING", Delayed: ms, Note: "held 60ms, then let go: the program itself enforces the order"},
		{At: ms, Dir: ">", Text: "connection closed"},
	})
	assert.Equal(t, "no subscriber", noted.Rows[0].Note)
	assert.Empty(t, noted.Rows[1].Note, "the delay is drawn already")
	assert.Equal(t, "then let go: the program itself enforces the order", noted.Rows[2].Note)
	assert.True(t, noted.Rows[3].Remark)
	assert.Len(t, noted.Lanes, 1, "no lane for a connection without a role")
	assert.Nil(t, newTimeline(nil))
	assert.NotNil(t, newTimeline([]harness.Line{{Text: "… 1 more frames"}}))
}

func TestTimelineOfManyFramesKeepsTheSuspects(t *testing.T) {
	var lines []harness.Line
	for i := range 1000 {
		lines = append(lines, harness.Line{At: harness.Duration(i), Role: "kv", Dir: ">", Text: "PING", Suspect: i == 300 || i == 320})
	}
	tl := newTimeline(lines)
	suspects := 0
	for _, r := range tl.Rows {
		if r.Suspect {
			suspects++
		}
	}
	assert.Equal(t, 2, suspects)
	assert.Equal(t, 1000-timelineLines, tl.Cut)
	assert.Equal(t, timelineLines, len(tl.Rows))
}

func TestTrend(t *testing.T) {
	assert.Nil(t, newTrend(nil))
	assert.Nil(t, newTrend([]TrendPoint{{Runs: 5}, {Runs: 0}}), "one run is no trend")
	v := newTrend([]TrendPoint{{Label: "a", Runs: 10}, {Label: "b", Runs: 10, Failures: 5}, {Label: "c", Runs: 10, Failures: 1}})
	assert.Equal(t, "M0.0 6.0L500.0 94.0L1000.0 23.6", v.Line)
	assert.Equal(t, "50.0 %", v.Low)
	flat := newTrend([]TrendPoint{{Runs: 10}, {Runs: 10}})
	assert.Equal(t, "M0.0 6.0L1000.0 6.0", flat.Line)
}

func TestLogScale(t *testing.T) {
	for d, want := range map[time.Duration]float64{0: 0, 100 * time.Microsecond: 0, time.Millisecond: 20, 100 * time.Millisecond: 60, 10 * time.Second: 100, time.Hour: 100} {
		assert.InDelta(t, want, logScale(harness.Duration(d)), 1e-9, d)
	}
}
