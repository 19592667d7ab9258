package reports

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/stats"
	"github.com/flakehunt/flakehunt/harness/trend"
	"github.com/flakehunt/flakehunt/reports/internal/sample"
)

// samplePast is a history of so many runs, 20 trials each: test 1 breaks in
// the last third, test 2 is mended in the middle, test 3 is always a little
// flaky and has a margin that shrinks, every fiftieth test is flaky now and then.
func samplePast(runs, tests int) *trend.History {
	rng := rand.New(rand.NewPCG(1, 2))
	h := &trend.History{}
	for run := range runs {
		h.Runs = append(h.Runs, trend.Run{Started: sample.Start.Add(time.Duration(run) * 6 * time.Hour), Meta: trend.Meta{Commit: fmt.Sprintf("%09x", 0x1f2e3d4*(run+1))}})
	}
	for i := range tests {
		name := fmt.Sprintf("%s/category-%d/what-is-tested-%04d", []string{"smoke", "integration"}[i%2], i%13, i)
		t := trend.Test{TestID: harness.TestID{Name: name, Suite: []string{"smoke", "integration"}[i%2]}}
		for run := range runs {
			rate := 0.0
			switch {
			case i == 1 && run >= runs*2/3:
				rate = 0.3
			case i == 2 && run < runs/2:
				rate = 0.1
			case i == 3, i%50 == 49:
				rate = 0.01
			}
			if i == 5 && run%10 == 9 {
				t.Skipped = append(t.Skipped, int32(run))
				continue
			}
			c := trend.Cell{Run: int32(run), Runs: 20, P50: harness.Duration(time.Duration(20+i%300) * time.Millisecond)}
			if i == 1 && run >= runs/2 {
				c.P50 *= 3
			}
			for range 20 {
				if rng.Float64() < rate {
					c.Failures++
				}
			}
			if i == 3 {
				c.HasMargin, c.Margin = true, harness.Duration(time.Duration(1000-run*900/runs)*time.Millisecond)
			}
			t.Cells = append(t.Cells, c)
		}
		if i == 1 {
			t.Causes = []trend.Found{{ID: "F-00000001", Class: harness.RaceLostUpdate, Standing: harness.Natural, Title: "SET overwrote <b>"}}
		}
		h.Tests = append(h.Tests, t)
	}
	return h
}

// TestAPageTellsWhatEarlierRunsSaidOfATest: red runs, executions, durations, skips
// and causes, inside the test; and how all did in the page's trend.
func TestAPageTellsWhatEarlierRunsSaidOfATest(t *testing.T) {
	h := samplePast(30, 8)
	h.Skipped = []trend.SkippedTest{{TestID: harness.TestID{Name: "off"}, Runs: 2, In: []int32{3, 4}}}
	r := &harness.Result{Tests: []harness.TestResult{
		{TestID: h.Tests[1].TestID, Status: harness.Stable, Runs: 20}, {TestID: h.Tests[5].TestID, Status: harness.Stable, Runs: 20},
		{TestID: harness.TestID{Name: "off"}, Status: harness.Stable, Runs: 20}, {TestID: harness.TestID{Name: "new"}, Status: harness.Stable, Runs: 20},
	}}
	var b bytes.Buffer
	require.NoError(t, HTML(&b, r, Options{Past: h, Trend: TrendOf(h)}))
	total, red := h.Tests[1].Total(), trend.Line{Cells: h.Tests[1].Cells}.Red()
	require.Positive(t, red.K)
	text := b.String()
	assert.Equal(t, 3, strings.Count(text, `<div class="past">`), "a new test has no history")
	assert.Contains(t, text, fmt.Sprintf(`<dt>Red</dt><dd>%d of 30 runs</dd>`, red.K))
	assert.Contains(t, text, fmt.Sprintf(`<dt>Executions</dt><dd>%d of 600 failed (%s)</dd>`, total.K, stats.Percent(float64(total.K)/600)))
	assert.Contains(t, text, `<dt>Median</dt><dd>21 ms at first, 63 ms now</dd>`)
	assert.Contains(t, text, `<dt>Causes found</dt><dd>SET overwrote &lt;b&gt; (race/lost-update, natural)</dd>`)
	assert.Contains(t, text, `<dt>Skipped</dt><dd>in 3 runs</dd>`)
	assert.Contains(t, text, `<path class="k" d="M9 27h.9v3h-.9zM19 27h.9v3h-.9zM29 27h.9v3h-.9z"/>`)
	assert.Contains(t, text, `red in 0 of 0 runs; 0 of 0 failed; skipped in 2 runs`)
	assert.Contains(t, text, `Pass rate of 30 runs`)
	assert.InDelta(t, 28, runsAWeek(TrendOf(h)), 0.01, "one in six hours")
	assert.Zero(t, runsAWeek(TrendOf(h)[:4]), "18 hours say nothing of a week")
	last := TrendOf(h)[29]
	assert.Equal(t, 7*20, last.Runs)
	assert.Equal(t, int(h.Tests[1].Cells[29].Failures), last.Failures)

	b.Reset()
	require.NoError(t, TrendHTML(&b, trend.Analyze(h), Options{}))
	assert.Contains(t, b.String(), fmt.Sprintf(`"d":%d,"e":30,"w":"21 ms","p":"63 ms","u":"race/lost-update","v":"F-00000001, natural: SET overwrote \u003cb\u003e"`, red.K))
	assert.Contains(t, b.String(), `"e":27,"q":3,"p":"25 ms"`)
}

// Causes that runs found stand in a band of their own, and a new one is the headline.
func TestTrendTellsProvokedCauses(t *testing.T) {
	h := samplePast(5, 1)
	race := trend.Found{ID: "F-00000001", Class: harness.RaceLostUpdate, Standing: harness.Provoked, Title: "SET overwrote <b>"}
	page := func() string {
		var b bytes.Buffer
		require.NoError(t, TrendHTML(&b, trend.Analyze(h), Options{}))
		return b.String()
	}
	require.NotContains(t, page(), `id="causes"`)
	for i := range h.Runs {
		h.Runs[i].CI, h.Runs[i].URL, h.Runs[i].Found = "github", "https://github.com/o/r/actions/runs/7", []trend.Found{race}
	}
	h.Runs[2].Found[0].Standing = harness.Natural
	text := page()
	require.Contains(t, text, "<h1>No test fails by itself, 1 cause provoked</h1>")
	require.Contains(t, text, "F-00000001 failed by itself in 1 run, provoked in 4 runs, of 5")
	require.Contains(t, text, `<path class="natural" d="M2 0h.9v20h-.9z"/><path class="provoked" d="M0 0h.9v20h-.9zM1 0h.9v20h-.9zM3 0h.9v20h-.9zM4 0h.9v20h-.9z"/>`)
	require.Contains(t, text, "SET overwrote &lt;b&gt;")
	require.Contains(t, text, `href="https://github.com/o/r/commit/`+h.Runs[0].Commit+`"`)
	for i := range 4 {
		h.Runs[i].Found = nil
	}
	require.Contains(t, page(), "<h1>1 cause that no earlier run found</h1>")
}

func TestTrendTerminal(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, TrendTerminal(&b, trend.Analyze(samplePast(60, 100)), Options{Width: 100}))
	text := b.String()
	flowing := strings.Join(strings.Fields(text), " ")
	for _, want := range []string{
		"Trend · 60 runs", "Suites integration", "▁▁▁▁", "worse integration/category-1/what-is-tested-0001",
		"Fixed smoke/category-2/what-is-tested-0002 since", "clean trials since exclude more than 0.4", "Worst now", "Margins",
		"1 s → 115 ms, least 115 ms", "Best integration", "1200 clean runs exclude a failure rate above 0.249 % at 95 %",
	} {
		assert.Contains(t, flowing, want)
	}
	assert.NotContains(t, text, "\x1b")
	for line := range strings.Lines(text) {
		assert.LessOrEqual(t, len([]rune(strings.TrimRight(line, "\n"))), 100, line)
	}
	b.Reset()
	require.NoError(t, TrendTerminal(&b, trend.Analyze(&trend.History{}), Options{}))
	assert.Contains(t, b.String(), "nothing is recorded yet")
}

func TestSparklines(t *testing.T) {
	line, top := failureSpark([]bucket{{Count: harness.Count{N: 20}}, {}, {Count: harness.Count{K: 1, N: 1000}}, {Count: harness.Count{K: 10, N: 20}}})
	assert.Equal(t, "▁·▂█", line, "a little is not nothing, no trial is not zero")
	assert.Equal(t, 0.5, top)
}

func TestBucketsKeepEveryCount(t *testing.T) {
	h := samplePast(137, 60)
	for _, test := range h.Tests {
		var sum harness.Count
		bs := buckets(test.Cells, 137, 60)
		require.Len(t, bs, 60)
		for _, b := range bs {
			sum.K, sum.N = sum.K+b.K, sum.N+b.N
		}
		assert.Equal(t, test.Total(), sum)
	}
}

func TestTrendPageOfThousandTestsIsSmall(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, TrendHTML(&b, trend.Analyze(samplePast(400, 1000)), Options{}))
	t.Logf("1,000 tests in 400 runs: %d bytes", b.Len())
	assert.Less(t, b.Len(), 3<<20)
	assert.Contains(t, b.String(), "1 test of 1000 got worse")
}

func TestTrendPageWithoutRuns(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, TrendHTML(&b, trend.Analyze(&trend.History{}), Options{}))
	assert.Contains(t, b.String(), "Nothing is recorded yet")
}

// trendBrowserCases lists the tests that need Chromium: none with -short.
func trendBrowserCases() map[string]func(t *testing.T, b *browser) {
	if testing.Short() {
		return nil
	}
	return map[string]func(t *testing.T, b *browser){
		"opens and fits": trendOpens, "list of 1,000": trendList, "hostile names": trendHostile,
	}
}

func TestTrendPageInBrowser(t *testing.T) {
	cases := trendBrowserCases()
	if len(cases) == 0 {
		return
	}
	browser := startBrowser(t)
	for name, run := range cases {
		t.Run(name, func(t *testing.T) { run(t, browser.fresh(t)) })
	}
}

// trendFile writes a page, and gives its path.
func trendFile(t *testing.T, h *trend.History) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trend.html")
	file, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, TrendHTML(file, trend.Analyze(h), Options{}))
	require.NoError(t, file.Close())
	return path
}

func (b *browser) openTrend(t *testing.T, h *trend.History) {
	t.Helper()
	b.do(t, chromedp.Navigate("file://"+trendFile(t, h)))
}

func trendOpens(t *testing.T, b *browser) {
	path := trendFile(t, samplePast(90, 80))
	for _, width := range []int{1280, 400} {
		for _, scheme := range []string{"light", "dark"} {
			b.do(t, chromedp.EmulateViewport(int64(width), 900))
			b.scheme(t, scheme)
			b.do(t, chromedp.Navigate("file://"+path))
			b.fits(t, scheme, width)
			b.picture(t, fmt.Sprintf("trend-%d-%s", width, scheme))
		}
	}
	b.quiet(t)
}

const drawn = `[...document.querySelectorAll("#rows > .trow")]`

// trendList scrolls through 1,000 tests: only what is in view exists, so the
// number of rows, and with it the work of a frame, stays the same.
func trendList(t *testing.T, b *browser) {
	b.do(t, chromedp.EmulateViewport(1280, 900))
	b.openTrend(t, samplePast(100, 1000))
	names := func() []string {
		return eval[[]string](t, b, drawn+`.map(r => r.querySelector(".w-name").textContent)`)
	}
	assert.Equal(t, "integration/category-1/what-is-tested-0001", names()[0], "what fails most comes first")
	assert.Less(t, len(names()), 60)
	slowest := eval[float64](t, b, `(() => {
		const view = document.getElementById("view");
		let slowest = 0;
		for (let y = 0; y < view.scrollHeight; y += 600) {
			const start = performance.now();
			view.scrollTop = y;
			dispatchEvent(new Event("resize")); // draws at once, in place of the next frame
			view.getBoundingClientRect();
			slowest = Math.max(slowest, performance.now() - start);
		}
		return slowest;
	})()`)
	_, err := chromedp.Run(b.ctx, chromedp.Poll[bool](drawn+`.some(r => r.getAttribute("aria-posinset") === "1000")`))
	require.NoError(t, err)
	t.Logf("slowest step of scrolling: %.1f ms, %d rows drawn", slowest, len(names()))
	assert.Less(t, len(names()), 60)

	b.do(t, chromedp.SendKeys("#find", "tested-0049"))
	assert.Equal(t, []string{"integration/category-10/what-is-tested-0049"}, names())
	assert.Equal(t, "1 of 1000 tests", eval[string](t, b, `document.getElementById("shown").textContent`))
	eval[bool](t, b, `(f => (f.value = "", f.dispatchEvent(new Event("input"))))(document.getElementById("find"))`)
	eval[bool](t, b, `(s => (s.value = "name", s.dispatchEvent(new Event("change"))))(document.getElementById("sort"))`)
	assert.IsNonDecreasing(t, names())
	eval[bool](t, b, `(s => (s.value = "margin", s.dispatchEvent(new Event("change"))))(document.getElementById("sort"))`)
	assert.Equal(t, "integration/category-3/what-is-tested-0003", names()[0])
	b.quiet(t)
}

func trendHostile(t *testing.T, b *browser) {
	h := samplePast(60, 4)
	for i := range h.Tests {
		h.Tests[i].Name, h.Tests[i].Suite = sample.Evil+fmt.Sprint(i), sample.Evil
	}
	for i := range h.Runs {
		h.Runs[i].Commit, h.Runs[i].CIRun = "", sample.Evil
	}
	b.openTrend(t, h)
	assert.Equal(t, 2, eval[int](t, b, `document.scripts.length`), "the page's own script and its data")
	assert.Zero(t, eval[int](t, b, `document.querySelectorAll("img, iframe, object, link, [onerror], [onclick]").length`))
	assert.Equal(t, 4, eval[int](t, b, drawn+`.length`))
	b.quiet(t)
}
