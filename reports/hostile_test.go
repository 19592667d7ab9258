package reports

import (
	"bytes"
	"encoding/xml"
	"io"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/reports/internal/sample"
)

// harmless reports whether r may be shown by anything: it is a character of XML
// 1.0, no control but line ends and tabs, and does not reorder text.
func harmless(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return true
	case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r&0xfffe == 0xfffe, r == 0x2028, r == 0x2029:
		return false
	}
	return true
}

func assertHarmless(t testing.TB, what, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Errorf("%s: not UTF-8", what)
	}
	for i, r := range text {
		if !harmless(r) {
			t.Errorf("%s: %U near %q", what, r, text[max(0, i-40):i])
			return
		}
	}
}

func TestNoWriterPassesControlCharactersOn(t *testing.T) {
	for what, write := range map[string]func(io.Writer) error{
		"junit":       func(w io.Writer) error { return JUnit(w, sample.Hostile(), Options{}) },
		"html":        func(w io.Writer) error { return HTML(w, sample.Hostile(), Options{}) },
		"markdown":    func(w io.Writer) error { return Markdown(w, sample.Hostile(), Options{}) },
		"terminal":    func(w io.Writer) error { return Terminal(w, sample.Hostile(), Options{}) },
		"annotations": func(w io.Writer) error { return Annotations(w, sample.Hostile()) },
	} {
		var buf bytes.Buffer
		require.NoError(t, write(&buf), what)
		assertHarmless(t, what, buf.String())
		assert.Less(t, buf.Len(), 1<<20, "%s: megabytes of messages are cut", what)
	}
}

func TestColourIsAllThatTheTerminalGets(t *testing.T) {
	var buf bytes.Buffer
	require.NoError(t, Terminal(&buf, sample.Hostile(), Options{Color: true, Width: 80}))
	assert.Contains(t, buf.String(), "\x1b[")
	assertHarmless(t, "terminal", regexp.MustCompile(`\x1b\[[0-9;]+m`).ReplaceAllString(buf.String(), ""))
}

func TestTerminalKeepsItsWidth(t *testing.T) {
	for _, s := range append(sample.All(), sample.Named{Name: "large", Result: sample.Large(300, 100)}) {
		for _, width := range []int{40, 60, 80, 100, 120} {
			var buf bytes.Buffer
			require.NoError(t, Terminal(&buf, s.Result, Options{Width: width}))
			for line := range strings.Lines(buf.String()) {
				line = strings.TrimSuffix(line, "\n")
				if strings.HasPrefix(line, "again: ") || s.Name == "hostile" && strings.Contains(line, "flakehunt repro") {
					continue // a command is never broken, so that it can be copied
				}
				limit := max(width, 62) // the numbers of the table need this much
				assert.LessOrEqual(t, runewidth.StringWidth(line), limit, "%s at %d: %q", s.Name, width, line)
			}
		}
	}
}

func TestHTMLHasNoElementOfAnotherHand(t *testing.T) {
	var clean, evil bytes.Buffer
	require.NoError(t, HTML(&clean, sample.Flaky(), Options{}))
	require.NoError(t, HTML(&evil, sample.Hostile(), Options{}))
	known := map[string]bool{"pre": true, "strong": true}
	// The template escapes every < and > of a text or an attribute, so that all that are left are the page's own.
	tag := regexp.MustCompile(`<([a-zA-Z][a-zA-Z0-9]*)([^>]*)>`)
	attribute := regexp.MustCompile(`([a-zA-Z-]+)="([^"]*)"`)
	body := func(page string) string { return strings.Replace(page, strings.TrimSpace(pageScript()), "", 1) }
	for _, m := range tag.FindAllStringSubmatch(body(clean.String()), -1) {
		known[m[1]] = true
	}
	scripts := 0
	for _, m := range tag.FindAllStringSubmatch(body(evil.String()), -1) {
		assert.True(t, known[m[1]], "element %s", m[1])
		if m[1] == "script" {
			scripts++
		}
		for _, a := range attribute.FindAllStringSubmatch(m[2], -1) {
			assert.False(t, strings.HasPrefix(a[1], "on"), "%s has %s", m[1], a[1])
			assert.NotEqual(t, "src", a[1])
			if a[1] == "href" {
				assert.True(t, strings.HasPrefix(a[2], "#"), "%s leads to %s", m[1], a[2])
			}
		}
	}
	assert.Equal(t, 1, scripts)
}

func TestHTMLIsSmall(t *testing.T) {
	var buf bytes.Buffer
	require.NoError(t, HTML(&buf, sample.Large(1000, 100), Options{}))
	assert.Less(t, buf.Len(), 3<<19, "1,000 tests of 100 trials")
	assert.NotContains(t, buf.String(), "http://", "nothing from elsewhere")
	assert.NotContains(t, buf.String(), "https://", "nothing from elsewhere")
}

func TestMarkdownStaysUnderTheLimit(t *testing.T) {
	r := sample.Large(5000, 3)
	for i := range r.Tests {
		r.Tests[i].Status = harness.Flaky
		r.Tests[i].Name += strings.Repeat("<&`|", 2000)
		f := sample.Flaky().Findings[0]
		f.Explanation, f.Title = strings.Repeat("@<*", 5000), strings.Repeat("`&", 5000)
		r.Findings = append(r.Findings, f)
	}
	var buf bytes.Buffer
	require.NoError(t, Markdown(&buf, r, Options{}))
	assert.Less(t, buf.Len(), 1<<20)
	assert.Contains(t, buf.String(), "4800 more in report.html")
	assert.Regexp(t, `\n\d+ more in report\.html`, buf.String()[buf.Len()/2:], "the findings say so too")
}

// TestMarkdownCannotBeBrokenOutOf looks for constructs that the text would make.
func TestMarkdownCannotBeBrokenOutOf(t *testing.T) {
	var buf bytes.Buffer
	require.NoError(t, Markdown(&buf, sample.Hostile(), Options{}))
	text := buf.String()
	fence := regexp.MustCompile("(?s)\n(````+|```)text\n.*?\n(````+|```)\n").ReplaceAllString(text, "\n")
	spans := regexp.MustCompile("`[^`\n]*`").ReplaceAllString(fence, "")
	for _, bad := range []string{"<script", "<img", "![x](", "@everyone", "<b>\x00"} {
		assert.NotContains(t, spans, bad)
	}
	assert.NotContains(t, text, "&#<", "an escape within an escape")
	assert.NotContains(t, fence, "\n# h", "no heading of its own")
	rows := 0
	for line := range strings.Lines(fence) {
		if strings.HasPrefix(line, "- **flaky**") || strings.HasPrefix(line, "- **broken**") || strings.HasPrefix(line, "- **infrastructure** ") {
			rows++
		}
		assert.NotRegexp(t, `^\s*(#{1,6} [^OTFPS]|>|~~~|={3})`, line, "a construct of the text's own")
	}
	assert.Equal(t, 3, rows, "a test of a status that is known each; the others are undecided")
}

func TestAnnotationsStayInOneLineAndWithinLimits(t *testing.T) {
	r := sample.Hostile()
	for i := range 40 {
		x := sample.Hostile().Tests[i%4]
		if x.Status != harness.Flaky && x.Status != harness.Broken {
			x.Status = harness.Undecided
		}
		r.Tests = append(r.Tests, x)
	}
	var buf bytes.Buffer
	require.NoError(t, Annotations(&buf, r))
	count := map[string]int{}
	for line := range strings.Lines(buf.String()) {
		m := regexp.MustCompile(`^::(error|warning|notice) (?:file=[^:,]*,)?(?:line=\d+,)?title=[^:,]*::[^\r\n]*\n$`).FindStringSubmatch(line)
		require.NotNil(t, m, "%q", line)
		count[m[1]]++
	}
	assert.Equal(t, map[string]int{"error": 10, "warning": 10, "notice": 10}, count)
	assert.Regexp(t, `::error title=\d+ more::`, buf.String())
}

// TestPlain holds for any bytes.
func TestPlain(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := string(rapid.SliceOf(rapid.Byte()).Draw(rt, "bytes"))
		out := plain(s)
		for _, r := range out {
			if !harmless(r) {
				rt.Fatalf("%U of %q", r, s)
			}
		}
		if plain(out) != out {
			rt.Fatalf("not at rest: %q", s)
		}
		var b bytes.Buffer
		if err := xml.EscapeText(&b, []byte(out)); err != nil || strings.Contains(b.String(), "\ufffd") != strings.Contains(out, "\ufffd") {
			rt.Fatalf("XML would replace more of %q", out)
		}
		if line := oneLine(s, 100); strings.ContainsAny(line, "\n\t") {
			rt.Fatalf("two lines: %q", line)
		}
	})
	assert.Equal(t, "red ␀␁ é", plain("\x1b[31mred\x1b[0m \x00\x01 é\x1b]0;title\x07"))
	assert.Equal(t, "a\nb", plain("a\r\nb"))
	assert.Equal(t, "5 🙂 日本", plain("5 🙂 日本"))
}

func TestMarkdownText(t *testing.T) {
	for in, want := range map[string]string{
		"GET a_b, 1.5 ms":         `GET a\_b, 1.5 ms`,
		"1. a list":               `1\. a list`,
		"- a list":                `\- a list`,
		"-5 ms":                   `-5 ms`,
		"# heading":               `\# heading`,
		"PUBLISH orders #2":       `PUBLISH orders #<!-- -->2`,
		"@team: done":             `@<!-- -->team: done`,
		":tada: https://a.b www.": `&#58;tada: https&#58;//a.b www&#46;`,
		"a|b <i>c</i> $x$":        `a&#124;b &lt;i&gt;c&lt;/i&gt; &#36;x&#36;`,
	} {
		assert.Equal(t, want, md(in, 100))
	}
}

func TestShellWord(t *testing.T) {
	for in, want := range map[string]string{
		"./...": "./...", "a b": "'a b'", "it's": `'it'\''s'`, "": "''", "$(x)": "'$(x)'", "a\nb": "'a b'", "F-1c9a40e2": "F-1c9a40e2",
	} {
		assert.Equal(t, want, shellWord(in))
	}
}
