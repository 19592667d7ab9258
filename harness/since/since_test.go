package since

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
)

// write makes files below a directory.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o755))
	}
}

func suite(name string) harness.TestID { return harness.TestID{Name: name + ".TestX", Suite: name} }
func file(name string) harness.TestID  { return harness.TestID{Name: name + " > x", File: name} }

// goModule has a package that another is built from, one whose test alone uses it
// from outside, one that embeds a file, and one that knows none of them.
func goModule(t *testing.T) (root string) {
	t.Helper()
	root = t.TempDir()
	write(t, root, map[string]string{
		"go.mod":               "module m\n\ngo 1.21\n",
		"low/low.go":           "package low\n\nconst Key = 1\n",
		"uses/uses.go":         "package uses\n\nimport _ \"m/low\"\n",
		"uses/uses_test.go":    "package uses\n",
		"outside/o.go":         "package outside\n",
		"outside/o_test.go":    "package outside_test\n\nimport _ \"m/low\"\n",
		"embeds/e.go":          "package embeds\n\nimport _ \"embed\"\n\n//go:embed data/a.txt data/a.lua\nvar _ string\n",
		"embeds/data/a.lua":    "return 1",
		"embeds/data/a.txt":    "a",
		"embeds/e_test.go":     "package embeds\n",
		"apart/apart.go":       "package apart\n",
		"apart/apart_test.go":  "package apart\n",
		"apart/testdata/x.lua": "return 1",
	})
	t.Setenv("GOFLAGS", "-mod=mod")
	t.Setenv("GOWORK", "off")
	return root
}

func TestGoTests(t *testing.T) {
	root := goModule(t)
	packages := []string{"m/uses", "m/outside", "m/embeds", "m/apart"}
	for changed, want := range map[string]string{
		"low/low.go":           "m/uses m/outside",
		"uses/uses_test.go":    "m/uses",
		"outside/o_test.go":    "m/outside",
		"embeds/data/a.lua":    "m/embeds",
		"apart/testdata/x.lua": "m/apart",
		"apart/README.md":      "",
		"uses/gone.go":         "m/uses",
		"elsewhere/x.go":       "",
		"go.sum":               strings.Join(packages, " "),
		"go.work":              strings.Join(packages, " "),
	} {
		t.Run(changed, func(t *testing.T) {
			by := Tests(t.Context(), harness.Target{Kind: harness.GoTestTarget, Dir: root}, Change{Root: root, Files: []string{changed}}, packages)
			var got []string
			for _, p := range packages {
				if by.Has(suite(p)) {
					got = append(got, p)
				}
			}
			require.Equal(t, want, strings.Join(got, " "), by.Why)
		})
	}
}

// What can't be told makes all tests count.
func TestUnknownIsTouched(t *testing.T) {
	root := goModule(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	gotest := harness.Target{Kind: harness.GoTestTarget, Dir: root}
	for name, by := range map[string]*Touched{
		"no change is asked for": nil,
		"no packages":            Tests(t.Context(), gotest, Change{Root: root}, nil),
		"go list ended":          Tests(ended, gotest, Change{Root: root, Files: []string{"low/low.go"}}, []string{"m/uses"}),
		"no vitest":              Tests(t.Context(), harness.Target{Kind: harness.CommandTarget, Runner: "vitest", Dir: root}, Change{Root: root}, nil),
		"another runner's source": Tests(t.Context(), harness.Target{Kind: harness.CommandTarget, Runner: "pytest"},
			Change{Files: []string{"test_a.py", "shop/orders.py"}}, nil),
	} {
		require.True(t, by.Has(suite("m/apart")), name)
		require.True(t, by.Has(file("test_b.py")), name)
		if by != nil {
			require.True(t, strings.HasPrefix(by.Why, "all tests count as touched: "), "%s: %s", name, by.Why)
		}
	}
}

func TestByFiles(t *testing.T) {
	by := Tests(t.Context(), harness.Target{Kind: harness.CommandTarget, Runner: "pytest"},
		Change{Files: []string{"shop/tests/test_a.py", "docs/a.md", "spec/b_spec.rb"}}, nil)
	for id, want := range map[harness.TestID]bool{
		file("shop/tests/test_a.py"): true,
		file("tests/test_a.py"):      true, // the runner's root is shop
		file("spec/b_spec.rb"):       true,
		file("test_b.py"):            false,
		{Name: "no file is known"}:   true,
	} {
		require.Equal(t, want, by.Has(id), "%+v", id)
	}
	for name, want := range map[string]bool{
		"test_a.py": true, "a_test.go": true, "a.spec.ts": true, "A.test.jsx": true, "OrderTest.php": true, "b_spec.rb": true,
		"contest_rules.py": false, "a.py": false, "test/helper.js": false, "latest.go": true, // counted too often rather than too rarely
	} {
		require.Equal(t, want, isTest(name), name)
	}
}

// A runner of JavaScript is looked for upwards, asked in its own words, and its
// files are found again whether it names them absolutely or from where it ran.
func TestNodeTests(t *testing.T) {
	root := t.TempDir()
	write(t, root, map[string]string{
		"node_modules/.bin/jest": "#!/bin/sh\necho \"$PWD: $*\" >>asked\nprintf '%s\\n' \"$PWD/test/a.test.js\" '' \"$PWD/test/b.test.js\"\n",
		"node_modules/.bin/vitest": "#!/bin/sh\necho \"$PWD: $*\" >>asked\n" +
			"printf '%s\\n' test/a.test.js 'test/b.test.js > a title'\n",
		"pkg/x": "",
	})
	pkg := real(filepath.Join(root, "pkg"))
	for runner, words := range map[string]string{
		"jest":   "--listTests --passWithNoTests --changedSince=main",
		"vitest": "list --filesOnly --changed=main",
	} {
		by := Tests(t.Context(), harness.Target{Kind: harness.CommandTarget, Runner: runner, Dir: pkg}, Change{Ref: "main", Root: root}, nil)
		require.Equal(t, "by what "+runner+" says that they import", by.Why)
		require.True(t, by.Has(file("test/a.test.js")), runner)
		require.Equal(t, runner == "jest", by.Has(file("test/b.test.js")), runner)
		require.False(t, by.Has(file("test/c.test.js")), runner)
		asked, err := os.ReadFile(filepath.Join(pkg, "asked"))
		require.NoError(t, err)
		require.Contains(t, string(asked), pkg+": "+words+"\n")
	}
	// Its last words are told.
	write(t, root, map[string]string{"node_modules/.bin/jest": "#!/bin/sh\necho one >&2\necho 'no such revision' >&2\nexit 1\n"})
	by := Tests(t.Context(), harness.Target{Kind: harness.CommandTarget, Runner: "jest", Dir: pkg}, Change{Ref: "nowhere", Root: root}, nil)
	require.True(t, by.Has(file("test/c.test.js")))
	require.Equal(t, "all tests count as touched: jest --listTests: exit status 1: no such revision", by.Why)
}

// FuzzReadGoList: whatever go list prints, a package has a directory or what it is
// built from by a name that can be asked for.
func FuzzReadGoList(f *testing.F) {
	f.Add("m/low\t/src/low\tfmt m/base\nm/low.test\t\tm/low [m/low.test]\nm/low [m/low.test]\t/src/low\tfmt\n")
	f.Add("fmt\t\terrors io\n")
	f.Add("\t\t\n[\t[\t[\n a\tb\tc\td\r\n")
	f.Fuzz(func(t *testing.T, out string) {
		dirs, deps := readGoList(out)
		for name, dir := range dirs {
			if strings.ContainsAny(name, "\t\n") || dir == "" {
				t.Errorf("%q lies in %q", name, dir)
			}
		}
		for name, list := range deps {
			for _, d := range list {
				if strings.ContainsAny(name, "\t\n") || strings.TrimSpace(d) != d || d == "" {
					t.Errorf("%q is built from %q", name, d)
				}
			}
		}
	})
}

// FuzzReadFiles: whatever a runner prints as its list, each entry is a file's name.
func FuzzReadFiles(f *testing.F) {
	f.Add("/repo/test/a.test.js\ntest/b.test.ts\n")
	f.Add("No tests found\n\n a.test.ts > adds\r\n/elsewhere/c.js")
	f.Fuzz(func(t *testing.T, out string) {
		files := readFiles(out, "/repo")
		if n := strings.Count(out, "\n") + 1; len(files) > n {
			t.Errorf("%d files of %d lines", len(files), n)
		}
		for _, file := range files {
			if file == "" || strings.Contains(file, "\n") || strings.HasPrefix(file, "/repo/") {
				t.Errorf("%q is no file of the repository", file)
			}
		}
	})
}
