package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestLabelsAreOfTheTests holds the labels against the sources: each test has
// one, each label a test and a reason, each class three tests.
func TestLabelsAreOfTheTests(t *testing.T) {
	root := "../../fixtures/corpus"
	b, err := os.ReadFile(filepath.Join(root, "labels.json"))
	if err != nil {
		t.Fatal(err)
	}
	labels := map[string]label{}
	if err := json.Unmarshal(b, &labels); err != nil {
		t.Fatal(err)
	}
	tests := map[string]bool{}
	for _, s := range []struct{ glob, suite, sep, pattern string }{
		{"go/*_test.go", "go/", "", `(?m)^func (Test\w+)\(`},
		{"python/test_*.py", "python/", "::", `(?m)^def (test_\w+)\(`},
		{"ts/*.test.ts", "ts/", " > ", `(?m)^test\('([^']+)'`},
	} {
		files, err := filepath.Glob(filepath.Join(root, s.glob))
		if err != nil || len(files) == 0 {
			t.Fatal(s.glob, err)
		}
		for _, f := range files {
			src, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(s.pattern).FindAllStringSubmatch(string(src), -1) {
				name := m[1]
				if s.sep != "" {
					name = filepath.Base(f) + s.sep + name
				}
				tests[s.suite+name] = true
			}
		}
	}
	count := map[string]int{}
	for name, l := range labels {
		if !tests[name] {
			t.Errorf("label of no test: %s", name)
		}
		if strings.TrimSpace(l.Why) == "" {
			t.Errorf("label without a reason: %s", name)
		}
		count[l.Label]++
	}
	for name := range tests {
		if labels[name].Label == "" {
			t.Errorf("test without a label: %s", name)
		}
	}
	for class, n := range count {
		if n < 3 {
			t.Errorf("%s: %d tests, want 3 at least", class, n)
		}
	}
	if count["decoy"] < 16 || count["sound"] < 12 {
		t.Errorf("%d decoys, %d sound", count["decoy"], count["sound"])
	}
}
