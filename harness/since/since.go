// Package since says which tests a change touches: by the dependencies that go
// list knows, by the related tests that vitest and jest know, else by the files
// that tests stand in.
//
// It must never run a test, and must say when it does not know: then all count.
package since

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
)

// Change is what differs from a revision.
type Change struct {
	Ref   string
	Root  string   // the repository's, absolute
	Files []string // relative to Root, with slashes
}

// Touched says which tests a change touches.
type Touched struct {
	Why    string          // how it is known, or why all tests count
	all    bool            // it is not known
	suites map[string]bool // nil: not by suites
	files  []string
}

// Has reports whether the change touches the test. One whose file is not known
// counts as touched.
func (t *Touched) Has(id harness.TestID) bool {
	switch {
	case t == nil || t.all:
		return true
	case t.suites != nil:
		return t.suites[id.Suite]
	case id.File == "":
		return true
	}
	return harness.FileAmong(id.File, t.files)
}

// Tests says which of a target's tests a change touches. suites are those of its
// tests, as the runner lists them.
func Tests(ctx context.Context, t harness.Target, c Change, suites []string) *Touched {
	var err error
	var by *Touched
	switch {
	case t.Kind == harness.GoTestTarget:
		by, err = goTests(ctx, t.Dir, c, suites)
	case t.Runner == "vitest":
		by, err = nodeTests(ctx, t.Dir, c, "vitest", "list", "--filesOnly", "--changed="+c.Ref)
	case t.Runner == "jest":
		by, err = nodeTests(ctx, t.Dir, c, "jest", "--listTests", "--passWithNoTests", "--changedSince="+c.Ref)
	default:
		by = byFiles(c)
	}
	if err != nil {
		return &Touched{all: true, Why: fmt.Sprintf("all tests count as touched: %v", err)}
	}
	return by
}

// byFiles goes by the files that tests stand in. Where other files changed too,
// which tests use them is not known.
func byFiles(c Change) *Touched {
	if i := slices.IndexFunc(c.Files, func(f string) bool { return !isTest(f) && !isText(f) }); i >= 0 {
		return &Touched{all: true, Why: "all tests count as touched: which of them use " + c.Files[i] + " is not known for this runner"}
	}
	return &Touched{files: c.Files, Why: "by the files that tests stand in"}
}

// isTest reports whether a file's name is one that test runners take for tests.
func isTest(file string) bool {
	base := strings.ToLower(path.Base(file))
	name := strings.TrimSuffix(base, path.Ext(base))
	return strings.HasPrefix(name, "test_") || strings.HasSuffix(name, "_test") || strings.HasSuffix(name, "_spec") ||
		strings.HasSuffix(name, ".test") || strings.HasSuffix(name, ".spec") || strings.HasSuffix(name, "test")
}

// isText reports whether a file is one that no test runs.
func isText(file string) bool {
	return slices.Contains([]string{".md", ".rst", ".txt", ".adoc"}, strings.ToLower(path.Ext(file)))
}

// goTests goes by what the test binary of each package is built from.
func goTests(ctx context.Context, dir string, c Change, packages []string) (*Touched, error) {
	for _, f := range c.Files {
		if b := path.Base(f); b == "go.mod" || b == "go.sum" || b == "go.work" {
			return &Touched{all: true, Why: "all tests count as touched: " + f + " changed"}, nil
		}
	}
	if len(packages) == 0 {
		return nil, errors.New("no packages are listed")
	}
	const form = `{{.ImportPath}}{{"\t"}}{{if not .Standard}}{{.Dir}}{{end}}{{"\t"}}{{join .Deps " "}}`
	out, err := output(ctx, dir, "go", append([]string{"list", "-e", "-test", "-deps", "-f", form, "--"}, packages...)...)
	if err != nil {
		return nil, err
	}
	dirs, deps := readGoList(out)
	changed := changedDirs(c, dirs)
	t := &Touched{suites: map[string]bool{}, Why: "by what go list says that their packages are built from"}
	for _, p := range packages {
		for _, d := range append(deps[p+".test"], p, p+"_test") {
			if changed[dirs[strings.TrimSuffix(d, "]")]] {
				t.suites[p] = true
			}
		}
	}
	return t, nil
}

// readGoList reads what go list prints in goTests' form: the directory of each package
// that is not of the standard library, and what each is built from.
func readGoList(out string) (dirs map[string]string, deps map[string][]string) {
	dirs, deps = map[string]string{}, map[string][]string{}
	for line := range strings.Lines(out) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 3 {
			continue
		}
		name, _, variant := strings.Cut(f[0], " [")
		if f[1] != "" {
			dirs[name] = real(f[1])
		}
		if !variant {
			deps[name] = strings.Fields(f[2])
		}
	}
	return dirs, deps
}

// changedDirs lists the packages' directories in which something changed. A file
// that is no Go file belongs to the nearest package above it, which may embed it.
func changedDirs(c Change, dirs map[string]string) map[string]bool {
	known, changed := map[string]bool{}, map[string]bool{}
	for _, d := range dirs {
		known[d] = true
	}
	for _, f := range c.Files {
		d := real(filepath.Join(c.Root, filepath.FromSlash(path.Dir(f))))
		for !known[d] && path.Ext(f) != ".go" && len(d) > len(c.Root) {
			d = filepath.Dir(d)
		}
		if known[d] && !isText(f) {
			changed[d] = true
		}
	}
	return changed
}

// real follows symbolic links; what is gone stays as it is named.
func real(dir string) string {
	if r, err := filepath.EvalSymlinks(dir); err == nil {
		return r
	}
	return filepath.Clean(dir)
}

// nodeTests asks a runner of JavaScript for the files of the tests that a change touches.
func nodeTests(ctx context.Context, dir string, c Change, runner string, args ...string) (*Touched, error) {
	at, err := filepath.Abs(filepath.Join(dir, "."))
	if err != nil {
		return nil, err
	}
	bin := ""
	for d := at; bin == ""; d = filepath.Dir(d) {
		if p := filepath.Join(d, "node_modules", ".bin", runner); exists(p) {
			bin = p
		}
		if d == filepath.Dir(d) {
			break
		}
	}
	if bin == "" {
		return nil, fmt.Errorf("%s is not in node_modules", runner)
	}
	out, err := output(ctx, dir, bin, args...)
	if err != nil {
		return nil, err
	}
	return &Touched{files: readFiles(out, c.Root), Why: "by what " + runner + " says that they import"}, nil
}

// readFiles reads a list of files, one a line, and names them relative to root. What
// names a test in a file is left out.
func readFiles(out, root string) []string {
	files := []string{}
	for line := range strings.Lines(out) {
		f := strings.TrimSpace(line)
		if f == "" || strings.Contains(f, " > ") {
			continue
		}
		if filepath.IsAbs(f) {
			if rel, err := filepath.Rel(real(root), real(f)); err == nil {
				f = rel
			}
		}
		files = append(files, filepath.ToSlash(f))
	}
	return files
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// output runs a command and gives what it printed.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	var told bytes.Buffer
	cmd.Stderr = &told
	out, err := cmd.Output()
	if err != nil {
		last := strings.TrimSpace(told.String())
		if i := strings.LastIndexByte(last, '\n'); i >= 0 {
			last = last[i+1:]
		}
		return "", fmt.Errorf("%s %s: %w: %.200s", filepath.Base(name), args[0], err, last)
	}
	return string(out), nil
}
