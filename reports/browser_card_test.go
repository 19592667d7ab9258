package reports

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/reports/internal/sample"
)

const card = `document.getElementById("F-1c9a40e2")`

// presses sends a key to an element as the page sees it.
func (b *browser) presses(t *testing.T, element, key string) {
	t.Helper()
	eval[bool](t, b, fmt.Sprintf(`%s.dispatchEvent(new KeyboardEvent("keydown", { key: %q, bubbles: true }))`, element, key))
}

// passBesideFail shows the two runs of a card: the pair crossed out on the way
// from one to the other, rows that are folded, and a timeline that keys move in.
func passBesideFail(t *testing.T, b *browser) {
	b.do(t, chromedp.EmulateViewport(1280, 4000))
	b.open(t, sample.Named{Name: "flaky", Result: sample.Flaky()}, Options{})
	assert.Contains(t, eval[string](t, b, card+`.querySelector(".pair").textContent`), "They came in the other order.")
	assert.Equal(t, []string{"passes", "fails"}, eval[[]string](t, b, `[...`+card+`.querySelectorAll(".run .verdict")].map(e => e.textContent)`))
	assert.Contains(t, eval[string](t, b, card+`.querySelector(".saw").textContent`), "PUBLISH orders: 1 when it passed, 0 when it failed")

	// The lines of the pair cross: one leads down where the other leads up.
	require.Eventually(t, func() bool { return eval[int](t, b, card+`.querySelectorAll(".links .p1, .links .p2").length`) == 2 }, 10*time.Second, 50*time.Millisecond)
	slopes := eval[[]float64](t, b, `["p1", "p2"].map(c => { const n = `+card+`.querySelector(".links ." + c).getAttribute("d").match(/-?[0-9.]+/g).map(Number); return n[7] - n[1]; })`)
	assert.Negative(t, slopes[0]*slopes[1], "slopes %v", slopes)

	// What is alike is folded, and opens.
	open := func() int {
		return eval[int](t, b, `[...`+card+`.querySelectorAll(".run tbody tr[data-k], .run tbody tr.folded")].filter(r => r.offsetParent).length`)
	}
	before := open()
	assert.Positive(t, eval[int](t, b, card+`.querySelectorAll(".fold button").length`))
	b.clicks(t, "#F-1c9a40e2 .fold button")
	assert.Greater(t, open(), before)
	assert.Equal(t, "true", eval[string](t, b, card+`.querySelector(".fold button").getAttribute("aria-expanded")`))

	// The timeline: arrows choose a frame and say all of it, plus and minus zoom, 0 shows all.
	scope := card + `.querySelector(".scope")`
	span := func() float64 {
		return eval[float64](t, b, `Number(`+scope+`.style.getPropertyValue("--span"))`)
	}
	b.presses(t, scope, "ArrowRight")
	b.presses(t, scope, "ArrowRight")
	assert.Contains(t, eval[string](t, b, scope+`.querySelector("output").textContent`), " · ")
	assert.Equal(t, 1, eval[int](t, b, card+`.querySelectorAll(".scope .sel").length`))
	assert.Equal(t, 1, eval[int](t, b, card+`.querySelectorAll("tr.hot").length`))
	whole := span()
	b.presses(t, scope, "+")
	assert.InDelta(t, whole/2, span(), 1e-6)
	b.presses(t, scope, "-")
	assert.InDelta(t, whole, span(), 1e-6)
	b.presses(t, scope, "0")
	assert.Greater(t, span(), 100.0, "the last frame came after 155 ms")
	assert.NotZero(t, eval[int](t, b, scope+`.querySelectorAll(".ticks span").length`))
	b.presses(t, scope, "Escape")
	assert.Equal(t, 1, eval[int](t, b, card+`.querySelectorAll(".scope .track.fails .kept").length`), "the delay is drawn as one")
	b.quiet(t)
}

func findingsFiltered(t *testing.T, b *browser) {
	b.open(t, sample.Named{Name: "flaky", Result: sample.Flaky()}, Options{})
	ids := func() []string {
		return eval[[]string](t, b, `[...document.querySelectorAll("#findings .finding")].filter(f => !f.hidden).map(f => f.id)`)
	}
	assert.Equal(t, []string{"F-1c9a40e2", "F-77b0d3fa"}, ids())
	b.clicks(t, "[name=standing][value=provoked]")
	assert.Equal(t, []string{"F-1c9a40e2"}, ids())
	assert.Equal(t, "1 of 2 findings", eval[string](t, b, `document.querySelector("#finding-tools .shown").textContent`))
	assert.Equal(t, "#?nostanding=provoked", eval[string](t, b, `location.hash`))
	b.clicks(t, "[name=standing][value=provoked]")
	b.clicks(t, "[name=family][value=race]")
	assert.Empty(t, ids())
	b.quiet(t)
}

func linksAndState(t *testing.T, b *browser) {
	b.open(t, sample.Named{Name: "flaky", Result: sample.Flaky()}, Options{})
	// From a finding to its test, which opens.
	b.clicks(t, "#F-77b0d3fa .where a")
	id := anchor("integration/kv/case-5")
	require.Eventually(t, func() bool { return eval[bool](t, b, `document.querySelector("#`+id+` details").open`) }, 10*time.Second, 20*time.Millisecond)
	assert.Equal(t, "#"+id, eval[string](t, b, `location.hash`))
	// A page that is opened with a state in its address has it.
	eval[bool](t, b, `(location.hash = "#?q=listener&hide=stable&sort=name&nocause=race", true)`)
	require.Eventually(t, func() bool { return eval[string](t, b, `document.getElementById("find").value`) == "listener" }, 10*time.Second, 20*time.Millisecond)
	assert.Equal(t, []string{"smoke/listener/case-1"}, eval[[]string](t, b, visible+`.map(li => li.querySelector(".name").textContent)`))
	assert.Equal(t, "name", eval[string](t, b, `document.getElementById("sort").value`))
	assert.Equal(t, 2, eval[int](t, b, `document.querySelectorAll("#findings .finding[hidden]").length`))
	// A provoked test is not all green.
	assert.Equal(t, 1, eval[int](t, b, `document.querySelectorAll("#`+id+` .strip .a").length`))
	b.quiet(t)
}

// accessible asks for what axe was seen to find in this page, and a few of its
// other rules: scrollable-region-focusable, landmark-unique, button-name,
// label, duplicate-id, image-alt of SVG, empty-table-header, color-contrast.
func accessible(t *testing.T, b *browser) {
	for _, s := range []sample.Named{{Name: "flaky", Result: sample.Flaky()}, {Name: "hostile", Result: sample.Hostile()}, {Name: "died", Result: sample.Died()}} {
		b.open(t, s, Options{Trend: sampleTrend()})
		for _, width := range []int64{1280, 400} {
			b.do(t, chromedp.EmulateViewport(width, 900))
			eval[bool](t, b, `document.querySelectorAll("details").forEach(d => { d.open = true }), dispatchEvent(new Event("resize")), true`)
			require.Eventually(t, func() bool { return len(eval[[]string](t, b, `(`+axeRules+`)()`)) == 0 }, 5*time.Second, 100*time.Millisecond,
				"%s at %d: %s", s.Name, width, strings.Join(eval[[]string](t, b, `(`+axeRules+`)()`), "\n"))
		}
		for _, scheme := range []string{"light", "dark"} {
			b.scheme(t, scheme)
			assert.Empty(t, eval[[]string](t, b, `(`+contrastRule+`)()`), "%s, %s: text that is hard to read", s.Name, scheme)
		}
	}
	b.quiet(t)
}

const axeRules = `() => {
  const bad = [], seen = e => e.offsetParent !== null || e.tagName === "BODY";
  const name = e => e.getAttribute("aria-label") || (e.labels && e.labels.length ? e.labels[0].textContent : "") || e.textContent;
  for (const e of document.querySelectorAll("body *")) {
    const s = getComputedStyle(e);
    if (/auto|scroll/.test(s.overflowX + s.overflowY) && seen(e) && (e.scrollHeight > e.clientHeight + 14 || e.scrollWidth > e.clientWidth + 14) &&
        e.tabIndex < 0 && !e.querySelector("a[href], button, input, [tabindex='0']")) bad.push("scrollable-region-focusable: " + e.className + " " + e.tagName);
  }
  const marks = {};
  for (const e of document.querySelectorAll("nav, main, header.top, footer, [role=region], section[aria-label]")) {
    if (!seen(e)) continue;
    const key = (e.getAttribute("role") || e.tagName) + "|" + (e.getAttribute("aria-label") || "");
    if (marks[key]) bad.push("landmark-unique: " + key);
    marks[key] = true;
  }
  const ids = {};
  for (const e of document.querySelectorAll("[id]")) { if (ids[e.id]) bad.push("duplicate-id: " + e.id); ids[e.id] = true; }
  for (const e of document.querySelectorAll("button, input, select")) if (seen(e) && !name(e).trim()) bad.push("name: " + e.outerHTML.slice(0, 80));
  for (const e of document.querySelectorAll("svg")) if (!e.closest("[aria-hidden=true]") && !e.getAttribute("aria-label")) bad.push("svg-img-alt: " + e.outerHTML.slice(0, 80));
  for (const e of document.querySelectorAll("th")) if (!e.textContent.trim() && e.getAttribute("aria-hidden") !== "true") bad.push("empty-table-header");
  for (const e of document.querySelectorAll("figure[role]")) if (e.querySelector(":scope > figcaption")) bad.push("aria-allowed-role: " + e.className);
  return bad.slice(0, 10);
}`

// contrastRule finds text below 4.5 to 1 on the background that is behind it.
const contrastRule = `() => {
  const parse = c => (c.match(/[0-9.]+/g) || []).map(Number);
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = c => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = c; canvas.fillRect(0, 0, 1, 1); const d = canvas.getImageData(0, 0, 1, 1).data; return [d[0], d[1], d[2], d[3] / 255]; };
  const over = (a, b) => [0, 1, 2].map(i => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
  const lum = c => { const l = c.slice(0, 3).map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * l[0] + 0.7152 * l[1] + 0.0722 * l[2]; };
  const behind = e => { let list = []; for (; e; e = e.parentElement) list.push(rgb(getComputedStyle(e).backgroundColor)); return list.reverse().reduce((b, a) => over(a, b), [255, 255, 255, 1]); };
  const bad = new Set();
  for (const e of document.querySelectorAll("body *")) {
    if (e.offsetParent === null || ![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) || e.closest("script, style, .vh, .skip, :disabled")) continue;
    const s = getComputedStyle(e), b = behind(e), f = over(rgb(s.color), b), x = lum(f), y = lum(b);
    const ratio = (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05), size = parseFloat(s.fontSize), large = size >= 24 || size >= 18.66 && s.fontWeight >= 700;
    if (ratio < (large ? 3 : 4.5) - 0.01) bad.add(ratio.toFixed(2) + " " + e.tagName + "." + e.className + ": " + e.textContent.trim().slice(0, 30));
  }
  return [...bad].slice(0, 10);
}`

// huge is 2,000 tests of 500 trials and 50 findings.
func huge() *harness.Result {
	r := sample.Large(2000, 500)
	f := sample.Flaky().Findings[0]
	for i := range 50 {
		f.ID, f.Tests = fmt.Sprintf("F-%08x", i), []string{r.Tests[10*i].Name}
		r.Findings = append(r.Findings, f)
	}
	return r
}
