package gotest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner/capture"
	"github.com/flakehunt/flakehunt/harness/runner/proc"
	"github.com/flakehunt/flakehunt/harness/source"
)

// pkg is one package with tests.
type pkg struct {
	Path   string
	Dir    string
	Binary string             // empty when the build failed
	Failed string             // the compiler's words
	Tests  []harness.TestID   // top level, in the order in which they run
	Lines  map[string]tokenAt // of every test function
	Main   bool               // has a TestMain
	Ginkgo *ginkgoSuite       // nil: no test file imports Ginkgo
}

type tokenAt struct {
	File string
	Line int
}

// listed is what go list tells of a package.
type listed struct {
	ImportPath   string
	Dir          string
	ForTest      string
	TestGoFiles  []string
	XTestGoFiles []string
	Error        *struct{ Err string }
}

// build lists the packages and compiles a test binary for each.
func (r *Runner) build(ctx context.Context) error {
	found, err := r.list(ctx)
	if err != nil {
		return err
	}
	for _, l := range found {
		p := &pkg{Path: l.ImportPath, Dir: l.Dir}
		switch {
		case l.Error != nil && l.Dir == "":
			return fmt.Errorf("%s: %s", strings.Join(r.c.Argv, " "), l.Error.Err)
		case l.Error != nil:
			p.Failed = l.Error.Err
		case len(l.TestGoFiles)+len(l.XTestGoFiles) == 0:
			r.untested = append(r.untested, l.ImportPath)
			continue
		}
		p.read(append(slices.Clone(l.TestGoFiles), l.XTestGoFiles...), r.place)
		r.packages = append(r.packages, p)
	}
	if len(r.packages) == 0 {
		return fmt.Errorf("%s: no tests to run: no test files in %s", strings.Join(r.c.Argv, " "), strings.Join(r.untested, ", "))
	}
	flags, err := r.overlay()
	if err != nil {
		return err
	}
	if err := r.compile(ctx, flags); err != nil {
		return err
	}
	for _, p := range r.packages {
		if p.Failed != "" {
			continue
		}
		if err := r.ask(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// goCommand runs the go program and returns what it printed.
func (r *Runner) goCommand(ctx context.Context, stdout io.Writer, args ...string) (words string, ok bool, err error) {
	var errs capture.Buffer
	res, err := proc.Run(ctx, proc.Spec{Argv: append([]string{r.cmd.Go}, args...), Dir: r.dir, Env: r.buildEnv(), Stdout: stdout, Stderr: &errs})
	if err != nil {
		return "", false, err
	}
	if ctx.Err() != nil {
		return "", false, context.Cause(ctx)
	}
	return strings.TrimSpace(errs.String()), res.OK(), nil
}

// buildEnv has the go program keep what it needs for the moment with us, unless
// its user says where: a build that is killed then leaves nothing behind.
func (r *Runner) buildEnv() []string {
	if os.Getenv("GOTMPDIR") != "" {
		return os.Environ()
	}
	return append(os.Environ(), "GOTMPDIR="+r.tmp)
}

func (r *Runner) list(ctx context.Context) ([]listed, error) {
	args := append([]string{"list", "-e", "-json=ImportPath,Dir,ForTest,TestGoFiles,XTestGoFiles,Error"}, r.cmd.Build...)
	args = append(args, "--")
	args = append(args, r.cmd.Patterns...)
	pr, pw := io.Pipe()
	type answer struct {
		all []listed
		err error
	}
	read := make(chan answer, 1)
	go func() {
		var a answer
		a.all, a.err = readListed(pr)
		_, _ = io.Copy(io.Discard, pr)
		read <- a
	}()
	words, ok, err := r.goCommand(ctx, pw, args...)
	_ = pw.Close()
	a := <-read
	switch {
	case err != nil:
		return nil, err
	case !ok || len(a.all) == 0:
		return nil, fmt.Errorf("go list %s: %s", strings.Join(r.cmd.Patterns, " "), firstOf(words, "no packages"))
	case a.err != nil:
		return nil, fmt.Errorf("reading go list: %w", a.err)
	}
	return a.all, nil
}

// readListed reads what go list -json prints, up to where it is damaged.
func readListed(r io.Reader) ([]listed, error) {
	var all []listed
	for d := json.NewDecoder(r); ; {
		var l listed
		if err := d.Decode(&l); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return all, err
		}
		all = append(all, l)
	}
}

func firstOf(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// compile builds the test binaries: all in one go where their names allow it,
// which costs one load of the module instead of many. A package that does not
// build is told by name when each is built alone.
func (r *Runner) compile(ctx context.Context, flags []string) error {
	names := map[string]bool{}
	var todo []*pkg
	for _, p := range r.packages {
		if p.Failed == "" {
			todo = append(todo, p)
			names[filepath.Base(p.Path)] = true
		}
	}
	if len(todo) > 1 && len(names) == len(todo) {
		out := filepath.Join(r.tmp, "bin")
		if err := os.MkdirAll(out, 0o700); err != nil {
			return fmt.Errorf("compiling tests: %w", err)
		}
		args := append([]string{"test", "-c", "-o", out + string(filepath.Separator)}, flags...)
		for _, p := range todo {
			args = append(args, p.Path)
		}
		if _, ok, err := r.goCommand(ctx, io.Discard, args...); err != nil {
			return err
		} else if ok {
			rest := todo[:0]
			for _, p := range todo {
				if bin := filepath.Join(out, binaryName(p.Path)); exists(bin) {
					p.Binary = bin
				} else {
					rest = append(rest, p)
				}
			}
			todo = rest
		}
	}
	for i, p := range todo {
		bin := filepath.Join(r.tmp, fmt.Sprintf("%d-%s", i, binaryName(p.Path)))
		words, ok, err := r.compileOne(ctx, p, bin, flags)
		switch {
		case err != nil:
			return err
		case !ok:
			p.Failed = firstOf(words, "go test -c failed without a word")
		case exists(bin):
			p.Binary = bin
		default:
			p.Failed = "go test -c made no binary"
		}
	}
	return nil
}

// compileOne builds one package's binary. Where our file keeps a Ginkgo suite
// from being built, an old Ginkgo's for instance, it goes without.
func (r *Runner) compileOne(ctx context.Context, p *pkg, bin string, flags []string) (words string, ok bool, err error) {
	args := append([]string{"test", "-c", "-o", bin}, flags...)
	words, ok, err = r.goCommand(ctx, io.Discard, append(args, p.Path)...)
	if err != nil || ok || p.Ginkgo == nil {
		return words, ok, err
	}
	args = append([]string{"test", "-c", "-o", bin}, r.cmd.Build...)
	without, ok, err := r.goCommand(ctx, io.Discard, append(args, p.Path)...)
	if ok {
		r.log.Warn("specs are not told apart: marks for Ginkgo cannot be built into the test binary", "package", p.Path, "go", words)
		p.Ginkgo = nil
	}
	return without, ok, err
}

func binaryName(path string) string { return filepath.Base(path) + ".test" + exeSuffix }

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// ask has the binary name its tests that -run and -skip leave at the top level.
func (r *Runner) ask(ctx context.Context, p *pkg) error {
	skipped, err := skipsWhole(r.cmd.Skip)
	if err != nil {
		return fmt.Errorf("-skip %q: %w", r.cmd.Skip, err)
	}
	var out, errs capture.Buffer
	out.Head, out.Tail = 4<<20, -1
	argv, err := r.binary(p)
	if err != nil {
		return err
	}
	res, err := proc.Run(ctx, proc.Spec{Argv: append(argv, "-test.list="+topLevel(r.cmd.Run)), Dir: p.Dir, Env: os.Environ(), Stdout: &out, Stderr: &errs})
	if err != nil {
		return err
	}
	if !res.OK() {
		// TestMain or an init function may end the process: the trials will tell.
		r.log.Warn("the test binary did not list its tests", "package", p.Path, "ended", res.String())
		return nil
	}
	for _, name := range readTests(out.String(), skipped) {
		p.Tests = append(p.Tests, r.id(p, name))
	}
	return nil
}

// readTests reads what -test.list prints: the tests that skipped leaves. nil skips
// none.
func readTests(out string, skipped *regexp.Regexp) (names []string) {
	for name := range strings.FieldsSeq(out) {
		if skipped != nil && skipped.MatchString(name) {
			continue
		}
		if strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Example") || strings.HasPrefix(name, "Fuzz") {
			names = append(names, name)
		}
	}
	return names
}

var errNoBinary = errors.New("the test binary is gone")

// binary gives the start of a command line that runs the package's binary.
func (r *Runner) binary(p *pkg) ([]string, error) {
	if p.Binary == "" {
		return nil, fmt.Errorf("%s: %w", p.Path, errNoBinary)
	}
	return append(slices.Clone(r.exec), p.Binary), nil
}

// absolute is the directory that the command runs in, without symbolic links.
func absolute(dir string) string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return dir
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		return real
	}
	return abs
}

// place names a file of source code as reports do: relative to the repository's root.
func (r *Runner) place(file string) string { return source.Rel(r.root, absolute(r.dir), file) }

// lookGo checks that the go program is there.
func lookGo(name string) error {
	if _, err := exec.LookPath(name); err != nil {
		return fmt.Errorf("running %s: %w: install Go, or put it on PATH", name, err)
	}
	return nil
}
