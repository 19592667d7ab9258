package gotest

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"go/ast"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/flakehunt/flakehunt/internal/volatile"
)

// A Ginkgo suite is one Go test that runs many specs. Its package gets one more
// file by go test's -overlay, so nothing is written beside the user's sources: it
// registers report nodes that say where each spec begins and ends. A spec is
// the test "TestX/its full text".

//go:embed ginkgo/marks.go.txt
var ginkgoMarks []byte

const (
	ginkgoPath = "github.com/onsi/ginkgo/v2"
	ginkgoFile = "a_flakehunt_test.go"
)

// ginkgoSuite is what is known of a package's specs.
type ginkgoSuite struct {
	Package string // the name of the Go package that imports Ginkgo
	Test    string // the Go test that runs the specs
	class   string // the suite's title, if the source says it

	mu    sync.Mutex
	title string // as RunSpecs has it; empty: not known yet
}

// ginkgoIn looks for Ginkgo in a test file.
func (p *pkg) ginkgoIn(file *ast.File) {
	imports := slices.ContainsFunc(file.Imports, func(i *ast.ImportSpec) bool { return strings.Trim(i.Path.Value, "`\"") == ginkgoPath })
	if !imports {
		return
	}
	if p.Ginkgo == nil {
		p.Ginkgo = &ginkgoSuite{Package: file.Name.Name}
	}
	for _, d := range file.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Recv != nil || fn.Body == nil || !strings.HasPrefix(fn.Name.Name, "Test") {
			continue
		}
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			name := ""
			switch f := call.Fun.(type) {
			case *ast.Ident:
				name = f.Name
			case *ast.SelectorExpr:
				name = f.Sel.Name
			}
			if name == "RunSpecs" && len(call.Args) > 1 {
				p.Ginkgo.Test = fn.Name.Name
				if lit, ok := call.Args[1].(*ast.BasicLit); ok {
					p.Ginkgo.title, _ = strconv.Unquote(lit.Value)
					p.Ginkgo.class = p.Ginkgo.title
				}
			}
			return true
		})
	}
}

// overlay writes the file that go test's -overlay wants, and gives the flags to
// build with. A user's own overlay goes on to count.
func (r *Runner) overlay() ([]string, error) {
	flags := slices.Clone(r.cmd.Build)
	all := struct{ Replace map[string]string }{map[string]string{}}
	for i, f := range flags {
		if file, ok := strings.CutPrefix(f, "-overlay="); ok {
			if !filepath.IsAbs(file) {
				file = filepath.Join(r.dir, file)
			}
			b, err := os.ReadFile(file)
			if err == nil {
				err = json.Unmarshal(b, &all)
			}
			if err != nil {
				return nil, fmt.Errorf("reading -overlay: %w", err)
			}
			flags = slices.Delete(flags, i, i+1)
			break
		}
	}
	more := map[string]string{}
	for i, p := range r.packages {
		if p.Failed != "" || p.Ginkgo == nil || p.Ginkgo.Test == "" {
			continue
		}
		file := filepath.Join(r.tmp, fmt.Sprintf("%d-%s", i, ginkgoFile))
		text := bytes.Replace(ginkgoMarks, []byte("package PACKAGE"), []byte("package "+p.Ginkgo.Package), 1)
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return nil, fmt.Errorf("writing marks for Ginkgo: %w", err)
		}
		more[filepath.Join(p.Dir, ginkgoFile)] = file
	}
	if len(more) == 0 {
		return r.cmd.Build, nil
	}
	maps.Copy(all.Replace, more)
	b, err := json.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("writing marks for Ginkgo: %w", err)
	}
	file := filepath.Join(r.tmp, "overlay.json")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		return nil, fmt.Errorf("writing marks for Ginkgo: %w", err)
	}
	return append(flags, "-overlay="+file), nil
}

// spec is the text of the spec that a test's name within the package means.
func (p *pkg) spec(name string) (text string, ok bool) {
	if p.Ginkgo == nil || p.Ginkgo.Test == "" {
		return "", false
	}
	return strings.CutPrefix(name, p.Ginkgo.Test+"/")
}

// focus gives the arguments that leave nothing but the spec. Ginkgo matches its
// expression with the suite's title and the spec's text.
func (g *ginkgoSuite) focus(spec string) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	start := "^(?s:.*) "
	if g.title != "" {
		start = "^" + regexp.QuoteMeta(g.title) + " "
	}
	return []string{"-ginkgo.focus=" + start + regexp.QuoteMeta(volatile.Unnumbered(spec)) + "$"}
}

// args are those of the test binary's own: the user's, but where one spec is
// asked for, it is the only one in focus.
func (t *trial) args(single string) []string {
	text, ok := t.job.p.spec(single)
	if !ok {
		return t.r.cmd.Args
	}
	var kept []string
	for i := 0; i < len(t.r.cmd.Args); i++ {
		a := t.r.cmd.Args[i]
		switch name := strings.TrimLeft(a, "-"); {
		case name == "ginkgo.focus":
			i++
		case strings.HasPrefix(name, "ginkgo.focus="):
		default:
			kept = append(kept, a)
		}
	}
	return append(t.job.p.Ginkgo.focus(text), kept...)
}

// runs gives the -test.run pattern of the tests of this job.
func (t *trial) runs() string {
	if _, ok := t.job.p.spec(t.single()); ok {
		return exactly(t.job.p.Ginkgo.Test)
	}
	return anyOf(t.job.only)
}
