package gotest

import (
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// FuzzReadListed: whatever go list prints, what came before the damage is read, and
// nothing is read twice.
func FuzzReadListed(f *testing.F) {
	f.Add(`{"ImportPath":"m/a","Dir":"/src/a","TestGoFiles":["a_test.go"]}{"ImportPath":"m/b","Error":{"Err":"no Go files"}}`)
	f.Add(`{"ImportPath":"m/a"}` + "\ngo: downloading x\n" + `{"ImportPath":"m/b"}`)
	f.Add(`[]{}nul`)
	f.Fuzz(func(t *testing.T, out string) {
		all, err := readListed(strings.NewReader(out))
		if n := strings.Count(out, "{"); len(all) > n+strings.Count(out, "null") {
			t.Errorf("%d packages of %d objects: %v", len(all), n, err)
		}
	})
}

// FuzzReadTests: whatever a test binary prints as its list, each entry is the name of
// one test, and none is one to skip.
func FuzzReadTests(f *testing.F) {
	f.Add("TestA\nTestB_1\nBenchmarkC\nExampleD\nFuzzE\nok  \tm\t0.1s\n", "B_")
	f.Add("setting up\nTestA\r\n\x00Test\u00a0B\n", "")
	f.Fuzz(func(t *testing.T, out, skip string) {
		skipped, err := regexp.Compile(skip)
		if err != nil || skip == "" {
			skipped = nil
		}
		for _, name := range readTests(out, skipped) {
			if strings.ContainsFunc(name, unicode.IsSpace) || !strings.Contains(out, name) || skipped != nil && skipped.MatchString(name) {
				t.Errorf("%q is no test", name)
			}
		}
	})
}
