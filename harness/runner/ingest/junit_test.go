package ingest_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner/ingest"
)

// junit gives the outcomes of a JUnit report.
func junit(r io.Reader) ([]harness.Outcome, error) {
	cases, err := ingest.JUnitCases(r)
	return ingest.Outcomes(cases), err
}

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares v, as JSON, with a file of testdata.
func golden(t *testing.T, file string, v any) {
	t.Helper()
	got, err := json.MarshalIndent(v, "", "  ")
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile(file, append(got, '\n'), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	if d := cmp.Diff(string(bytes.TrimSpace(want)), string(got)); d != "" {
		t.Errorf("%s: -want +got (go test -update writes it anew)\n%s", file, d)
	}
}

func TestJUnitDialects(t *testing.T) {
	files, err := filepath.Glob("testdata/*.xml")
	require.NoError(t, err)
	require.Len(t, files, 19)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			f, err := os.Open(file)
			require.NoError(t, err)
			defer f.Close()
			cases, err := ingest.JUnitCases(f)
			require.NoError(t, err)
			golden(t, file+".golden.json", cases)
		})
	}
}

func read(t *testing.T, doc string) []harness.Outcome {
	t.Helper()
	out, err := junit(strings.NewReader(doc))
	require.NoError(t, err)
	return out
}

func TestJUnitTakesWhatXMLForbids(t *testing.T) {
	out := read(t, "\xEF\xBB\xBF<?xml version='1.0'?>\n<!-- -- odd -- --><testsuite name='s'><testcase name='a & b'>"+
		"<failure message='esc &#27;[31mred&#x1b;[0m \x1b[1m \xff\x00 &bogus; &nbsp;'>\x01 <![CDATA[ \x02 ]] > & < \xfe ]]></failure></testcase></testsuite>")
	require.Len(t, out, 1)
	require.Equal(t, "a & b", out[0].Test.Name)
	require.Equal(t, harness.Failed, out[0].Verdict)
	require.True(t, utf8.ValidString(out[0].Failure.Message), "%q", out[0].Failure.Message)
	require.Contains(t, out[0].Failure.Message, "red")
	require.Contains(t, out[0].Failure.Stack, "]] > & < ")
}

func TestJUnitEncodings(t *testing.T) {
	latin := "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><testsuite name=\"s\"><testcase name=\"gr\xfc\xdfe\"/></testsuite>"
	require.Equal(t, "grüße", read(t, latin)[0].Test.Name)

	doc := `<?xml version="1.0" encoding="UTF-16"?><testsuite name="s"><testcase name="grüße 𝄞"/></testsuite>`
	for _, big := range []bool{false, true} {
		var b bytes.Buffer
		put := func(u uint16) {
			if big {
				b.Write([]byte{byte(u >> 8), byte(u)})
			} else {
				b.Write([]byte{byte(u), byte(u >> 8)})
			}
		}
		put(0xFEFF)
		for _, r := range doc {
			if r > 0xFFFF {
				r -= 0x10000
				put(0xD800 | uint16(r>>10))
				put(0xDC00 | uint16(r&0x3FF))
				continue
			}
			put(uint16(r))
		}
		require.Equal(t, "grüße 𝄞", read(t, b.String())[0].Test.Name)
	}
}

func TestJUnitBroken(t *testing.T) {
	for name, c := range map[string]struct {
		doc, err string
		verdicts []harness.Verdict
	}{
		"empty":      {"", "no <testsuites> or <testsuite>", nil},
		"html":       {"<html><body/></html>", "root element is <html>", nil},
		"cut tag":    {"<testsuite><testcase name='a'/><testcase na", "unexpected EOF", []harness.Verdict{harness.Passed}},
		"cut case":   {"<testsuite><testcase name='a'/><testcase name='b'>", "after 2 test cases", []harness.Verdict{harness.Passed, harness.Unknown}},
		"cut suite":  {"<testsuite><testcase name='a'/>", "unexpected EOF", []harness.Verdict{harness.Passed}},
		"cut output": {"<testsuite><testcase name='a'><system-out>abc", "unexpected EOF", nil},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := junit(strings.NewReader(c.doc))
			require.ErrorContains(t, err, c.err)
			if c.verdicts != nil {
				var got []harness.Verdict
				for _, o := range out {
					got = append(got, o.Verdict)
				}
				require.Equal(t, c.verdicts, got)
			}
			for _, o := range out {
				require.False(t, o.Verdict == harness.Passed && o.Test.Name != "a", "a cut case must not pass")
			}
		})
	}
}

// Two million suites in each other neither end the process nor fill its
// memory: the cases before them are kept, and the error tells.
func TestJUnitDepthIsBounded(t *testing.T) {
	for name, what := range map[string]string{"suites": "<testsuite>", "in a failure": "<testcase name='b'><failure>" + strings.Repeat("<message>", 200), "unknown": "<x>"} {
		doc := "<testsuites><testsuite name='s'><testcase name='a'/>" + strings.Repeat(what, 2_000_000/max(1, len(what)/11))
		out, err := junit(strings.NewReader(doc))
		require.ErrorContains(t, err, "more than 200 elements deep", name)
		require.GreaterOrEqual(t, len(out), 1, name)
		require.Equal(t, "a", out[0].Test.Name, name)
		require.Equal(t, harness.Passed, out[0].Verdict, name)
	}
	deep := strings.Repeat("<testsuite name='s'>", 190) + "<testcase name='a'/>" + strings.Repeat("</testsuite>", 190)
	require.Equal(t, harness.Passed, read(t, deep)[0].Verdict)
}

// A file that ends in the middle keeps its head, and a case that was cut did not pass.
func TestJUnitKeepsTheHeadOfACutFile(t *testing.T) {
	for _, file := range []string{"testdata/surefire.xml", "testdata/nested.xml", "testdata/rawmarkup.xml", "testdata/nodetest.xml"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		whole, err := ingest.JUnitCases(bytes.NewReader(text))
		require.NoError(t, err)
		for cut := 0; cut < len(text); cut += 3 {
			cases, err := ingest.JUnitCases(bytes.NewReader(text[:cut]))
			closed := bytes.Contains(text[:cut], []byte("</testsuites>")) || bytes.HasSuffix(bytes.TrimSpace(text[:cut]), []byte("</testsuite>"))
			if err == nil && !closed {
				t.Fatalf("%s cut at %d: no error", file, cut)
			}
			for i, c := range cases {
				if c.Verdict == harness.Passed && whole[i].Verdict != harness.Passed && c.Attempt == whole[i].Attempt {
					t.Fatalf("%s cut at %d: %s passed", file, cut, c.Test.Name)
				}
			}
			if n := bytes.Count(text[:cut], []byte("</testcase>")); len(cases) < n {
				t.Fatalf("%s cut at %d: %d cases of %d", file, cut, len(cases), n)
			}
		}
	}
}

// A report of one test, and of other machines, name the tests as the first did.
func TestNamesLastThroughAHunt(t *testing.T) {
	cases := func(doc string) []ingest.Case {
		c, err := ingest.JUnitCases(strings.NewReader(doc))
		require.NoError(t, err)
		return c
	}
	names := func(c []ingest.Case) (out []string) {
		for i := range c {
			out = append(out, c[i].Test.Name)
		}
		return out
	}
	const a, b = `<testsuite name="a" hostname="%s"><testcase name="works"/></testsuite>`, `<testsuite name="b" hostname="%s"><testcase name="works"/></testsuite>`
	var n ingest.Names
	first := cases(fmt.Sprintf("<testsuites>"+a+b+"</testsuites>", "m1", "m1"))
	n.Assign(first)
	require.Equal(t, []string{"a > works", "b > works"}, names(first))
	alone := cases(fmt.Sprintf(b, "m2"))
	require.Equal(t, []string{"works"}, names(alone), "nothing else is known")
	n.Assign(alone)
	require.Equal(t, []string{"b > works"}, names(alone))

	// In several files of one run.
	var m ingest.Names
	files := append(cases(fmt.Sprintf(a, "m1")), cases(fmt.Sprintf(b, "m1"))...)
	m.Assign(files)
	require.Equal(t, []string{"a > works", "b > works"}, names(files))
	m.Assign(files)
	require.Equal(t, []string{"a > works", "b > works"}, names(files), "again")

	// A test that comes later keeps the names that were given.
	var l ingest.Names
	one := cases(fmt.Sprintf(a, "m1"))
	l.Assign(one)
	both := cases(fmt.Sprintf("<testsuites>"+a+b+"</testsuites>", "m1", "m1"))
	l.Assign(both)
	require.Equal(t, []string{"works", "b > works"}, names(both))
}

// endless yields a report whose one test printed n bytes.
func endless(n int64) io.Reader {
	return io.MultiReader(strings.NewReader("<testsuites><testsuite name='s'><testcase name='a'><system-out>"),
		io.LimitReader(filler{}, n),
		strings.NewReader("</system-out><failure message='late'/></testcase></testsuite></testsuites>"))
}

type filler struct{}

func (filler) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestJUnitOutputIsBounded(t *testing.T) {
	out, err := junit(endless(20 << 20))
	require.NoError(t, err)
	require.Len(t, out, 1)
	require.Equal(t, "late", out[0].Failure.Message)
	require.Less(t, len(out[0].Output), 1<<20)
	require.Contains(t, out[0].Output, "cut here")
}

func TestFingerprintIgnoresWhatChanges(t *testing.T) {
	of := func(message string) string {
		doc := fmt.Sprintf("<testsuite name='s'><testcase name='a'><failure message='%s'>at %d</failure></testcase></testsuite>", message, len(message))
		return read(t, doc)[0].Failure.Fingerprint
	}
	require.NotEmpty(t, of("got 0 of 1 after 152.3ms"))
	require.Equal(t, of("got 0 of 1 after 152.3ms"), of("got 0 of 1 after 201ms"))
	require.Equal(t, of("dial 127.0.0.1:40123: refused"), of("dial 127.0.0.1:5: refused"))
	require.NotEqual(t, of("message lost"), of("key present"))
}

func FuzzJUnit(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		cases, err := ingest.JUnitCases(bytes.NewReader(doc))
		sound(t, cases)
		if len(cases) == 0 && err == nil && !bytes.Contains(doc, []byte("t")) {
			t.Fatal("nothing read, no error")
		}
	})
}
