package ingest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner/ingest"
)

// What runners print on a failure, and the message that is made of it: its
// first line is a title, so it holds the assertion and no frame.
func TestMessagesSayWhatWasWrong(t *testing.T) {
	files, err := filepath.Glob("testdata/printed/*.txt")
	require.NoError(t, err)
	require.Len(t, files, 20)
	got := map[string][]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		words := ingest.Assertion(string(text))
		if filepath.Base(file) == "quiet.txt" {
			require.Empty(t, words, "nothing failed in it")
			continue
		}
		f := ingest.NewFailure(harness.AssertionFailure, words, "")
		require.NotRegexp(t, `_test\.go:\d|\.js:\d|\.py:\d|\.rb:\d|^\s*at |\x1b`, f.Message, file)
		require.LessOrEqual(t, len(f.Message), 400, file)
		got[filepath.Base(file)] = strings.Split(f.Message, "\n")
	}
	golden(t, "testdata/printed/messages.golden.json", got)
}

// The same failures, by whatever way their words come in.
func TestMessagesOfGoTests(t *testing.T) {
	for file, want := range map[string]string{
		"ginkgo.txt":      "Expected <int>: 0 to equal <int>: 1",
		"ginkgo-errs.txt": "Unexpected error: redis: nil",
		"gomega.txt":      "Expected <int>: 0 to equal <int>: 1",
		"golines.txt":     "first line of log\ngot:\na\nwant:\nb",
	} {
		text, err := os.ReadFile(filepath.Join("testdata/printed", file))
		require.NoError(t, err)
		require.Equal(t, want, ingest.GoFailure(string(text), harness.AssertionFailure).Message, file)
	}
}

func FuzzAssertion(f *testing.F) {
	for _, s := range []string{"  [FAILED] Expected\n    <int>: 0\n  to equal\n    <int>: 1\n  In [It] at: x", "  [PANICKED] x\n  In [It] at: y\n\n  z", "E   assert 1\nE    +",
		"Error: expect(a).toBe(b)\n\nExpected: 1\n  at x (y:1)", "cause: AssertionError [E]: x:\n+ actual - expected\n+ 1\n- 2\n    at y", "--- FAIL: T\n    a_test.go:1: \n        x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		words := ingest.Assertion(s)
		if m := ingest.NewFailure(harness.AssertionFailure, words, "").Message; m == "" || len(m) > 2000 {
			t.Fatalf("message of %d bytes", len(m))
		}
	})
}
