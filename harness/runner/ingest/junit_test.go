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
	require.Len(t, files, 9)
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
	out, err := ingest.JUnit(strings.NewReader(doc))
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
			out, err := ingest.JUnit(strings.NewReader(c.doc))
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
	out, err := ingest.JUnit(endless(20 << 20))
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
	files, _ := filepath.Glob("testdata/*.xml")
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("<testsuite><failure>"))
	f.Add([]byte("<testsuite><testcase name='&#27;\xff'><failure"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		out, err := ingest.JUnit(bytes.NewReader(doc))
		for _, o := range out {
			if o.Verdict == harness.Failed && (o.Failure == nil || o.Failure.Fingerprint == "") {
				t.Fatalf("a failure without its Failure: %+v", o)
			}
		}
		if len(out) == 0 && err == nil && !bytes.Contains(doc, []byte("test")) {
			t.Fatal("nothing read, no error")
		}
		_ = fmt.Sprint(err)
	})
}
