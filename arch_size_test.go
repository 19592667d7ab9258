package flakehunt_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// sizes bounds packages that a reader must be able to hold in mind: once they
// grow, what they know becomes a knot.
var sizes = []size{
	{dir: "harness/hunt", lines: 2000, tests: 0.7},
	{dir: "harness/investigate", lines: 1000, tests: 0.5},
	{dir: "harness/triallog", lines: 700},
	{dir: "harness/propose", lines: 700, tests: 0.7},
	{dir: "harness/finding", lines: 1000, tests: 0.7},
	{dir: "harness/evidence", lines: 500},
	{dir: "harness/trial", lines: 1560},
}

type size struct {
	dir   string
	lines int     // of files that are no tests
	tests float64 // least ratio of lines of tests to those; 0: not bounded
}

// house are the directories in which no type and no function is larger than this,
// unless it is among larger. A struct without methods is a record, whose fields
// are what it is for: they are not counted.
var house = []string{"harness", "reports", "cmd"}

const (
	mostMethods = 20 // of one type
	mostFields  = 15 // of one struct that has methods
	mostLines   = 60 // of one function that is no table
)

// larger says what may be larger, how large, and why. None may grow.
var larger = map[string]struct {
	most int
	why  string
}{
	"harness/proxy.core methods":               {31, "the proxy's core"},
	"harness/proxy.core fields":                {25, "the proxy's core"},
	"harness/proxy.epoll fields":               {16, "the proxy's core"},
	"harness/proxy.pipe fields":                {19, "the proxy's core"},
	"harness/proxy.session fields":             {23, "the proxy's core"},
	"harness/proxy.Config fields":              {16, "a field is a setting"},
	"harness.Result fields":                    {30, "a field is one of result.json"},
	"reports.testView fields":                  {29, "a field is what the page shows"},
	"reports.trendPage fields":                 {20, "a field is what the page shows"},
	"harness/resp.Framer fields":               {19, "the proxy's core: 12 ns a command"},
	"harness/resp.fastRequest lines":           {73, "the proxy's core: 12 ns a command, without calls"},
	"harness/resp.step lines":                  {91, "the proxy's core: one state machine"},
	"harness/resp.header lines":                {72, "the proxy's core: one state machine"},
	"harness/history.event lines":              {95, "the proxy's core: 28 ns a frame, without calls"},
	"harness/proxy.redact lines":               {71, "a table of commands, as a switch"},
	"reports/internal/sample.Flaky lines":      {90, "a sample: one value, and little beside it"},
	"harness.Finding fields":                   {29, "a field is one of the finding's file"},
	"harness/runner/marks.Event fields":        {24, "a field is one of the plugins' protocol"},
	"harness/detect/nearmiss.Candidate fields": {18, "a record of what could fail: its texts and schedules are set side by side where it is made"},
}

// oversized lists what breaks a bound in the tree.
func oversized(tree fs.FS) (violations []string, err error) {
	p, err := parse(tree)
	if err != nil {
		return nil, err
	}
	used := map[string]bool{}
	for dir, files := range p.files {
		if slices.ContainsFunc(house, func(h string) bool { return within(dir, h) }) {
			for what, n := range measured(tree, p, dir, files) {
				most := bound(what)
				if l, ok := larger[what]; ok && n > most {
					most, used[what] = l.most, true
				}
				if n > most {
					violations = append(violations, fmt.Sprintf("%s: %d, %d at most", what, n, most))
				}
			}
		}
	}
	for what := range larger {
		if dir, _, _ := strings.Cut(what, "."); len(p.files[dir]) > 0 && !used[what] {
			violations = append(violations, what+": it is no larger than others any more, take it off the list")
		}
	}
	for _, s := range sizes {
		code, tests := 0, 0
		for _, f := range p.files[s.dir] {
			source, err := fs.ReadFile(tree, p.names[f])
			if err != nil {
				return nil, err
			}
			if lines := strings.Count(string(source), "\n"); strings.HasSuffix(p.names[f], "_test.go") {
				tests += lines
			} else {
				code += lines
			}
		}
		if code > s.lines {
			violations = append(violations, fmt.Sprintf("%s has %d lines: %d at most", s.dir, code, s.lines))
		}
		if float64(tests) < s.tests*float64(code) {
			violations = append(violations, fmt.Sprintf("%s has %d lines of tests for %d of code: %.1f a line at least", s.dir, tests, code, s.tests))
		}
	}
	slices.Sort(violations)
	return violations, nil
}

// bound is the bound for what is measured under this name.
func bound(what string) int {
	switch {
	case strings.HasSuffix(what, " methods"):
		return mostMethods
	case strings.HasSuffix(what, " fields"):
		return mostFields
	}
	return mostLines
}

// measured gives the sizes of the types and functions of a package, tests aside.
func measured(tree fs.FS, p *parsed, dir string, files []*ast.File) map[string]int {
	out := map[string]int{}
	structs := map[string]int{}
	for _, f := range files {
		if strings.HasSuffix(p.names[f], "_test.go") {
			continue
		}
		source, err := fs.ReadFile(tree, p.names[f])
		if err != nil {
			continue // parse has read it
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				n := strings.Count(string(source[d.Pos()-f.FileStart:d.End()-f.FileStart]), "\n") + 1
				if what := dir + "." + d.Name.Name + " lines"; !isTable(d) {
					out[what] = max(out[what], n)
				}
				if d.Recv != nil {
					out[dir+"."+receiver(d)+" methods"]++
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if t, ok := spec.(*ast.TypeSpec); ok && d.Tok == token.TYPE {
						if st, ok := t.Type.(*ast.StructType); ok {
							structs[t.Name.Name] = fields(st)
						}
					}
				}
			}
		}
	}
	for name, n := range structs {
		if out[dir+"."+name+" methods"] > 0 {
			out[dir+"."+name+" fields"] = n
		}
	}
	return out
}

// isTable reports whether a function only returns a literal.
func isTable(d *ast.FuncDecl) bool {
	if d.Body == nil || len(d.Body.List) != 1 {
		return false
	}
	r, ok := d.Body.List[0].(*ast.ReturnStmt)
	if !ok || len(r.Results) != 1 {
		return false
	}
	_, ok = r.Results[0].(*ast.CompositeLit)
	return ok
}

func receiver(d *ast.FuncDecl) string {
	t := d.Recv.List[0].Type
	if p, ok := t.(*ast.StarExpr); ok {
		t = p.X
	}
	if i, ok := t.(*ast.IndexExpr); ok { // of a generic type
		t = i.X
	}
	if id, ok := t.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

// fields counts the names of a struct; an embedded type is one.
func fields(s *ast.StructType) (n int) {
	for _, f := range s.Fields.List {
		n += max(1, len(f.Names))
	}
	return n
}

func TestSizes(t *testing.T) {
	violations, err := oversized(os.DirFS("."))
	require.NoError(t, err)
	for _, v := range violations {
		t.Error(v)
	}
}

// The check itself can fail: each bound is broken once.
func TestSizesFindsViolations(t *testing.T) {
	tests := &fstest.MapFile{Data: []byte("package hunt\n" + strings.Repeat("\n", 3000))}
	for _, c := range []struct{ name, source, want string }{
		{"long function", "package hunt\nfunc f() {" + strings.Repeat("\n", mostLines) + "}", "f lines: 61, 60 at most"},
		{"large struct", "package hunt\ntype s struct {" + strings.Repeat("a, b int\n", 7) + "c int\nother\n}\ntype other struct{}\nfunc (s) m() {}", "s fields: 16, 15 at most"},
		{"many methods", "package hunt\ntype s struct{}\n" + strings.Repeat("func (*s) m() {}\n", mostMethods+1), "s methods: 21, 20 at most"},
		{"large package", "package hunt\n" + strings.Repeat("\n", 2000), "has 2001 lines"},
	} {
		t.Run(c.name, func(t *testing.T) {
			violations, err := oversized(fstest.MapFS{"harness/hunt/a.go": {Data: []byte(c.source)}, "harness/hunt/a_test.go": tests})
			require.NoError(t, err)
			require.Len(t, violations, 1)
			require.Contains(t, violations[0], c.want)
		})
	}
	violations, err := oversized(fstest.MapFS{"harness/hunt/a.go": {Data: []byte("package hunt\n" + strings.Repeat("\n", 10))}})
	require.NoError(t, err)
	require.Len(t, violations, 1)
	require.Contains(t, violations[0], "0 lines of tests for 11")

	violations, err = oversized(fstest.MapFS{
		"harness/proxy/a.go": {Data: []byte("package proxy\ntype core struct{}\n" + strings.Repeat("func (*core) m() {}\n", 32))},
		"harness/resp/a.go":  {Data: []byte("package resp\ntype Framer struct{ a int }\nfunc (Framer) m() {}\n")},
	})
	require.NoError(t, err)
	told := strings.Join(violations, "\n")
	require.Contains(t, told, "core methods: 32, 31 at most", "none may grow")
	require.Contains(t, told, "Framer fields: it is no larger than others any more")

	violations, err = oversized(fstest.MapFS{
		"harness/hunt/a.go":      {Data: []byte("package hunt\nfunc table() []int {\nreturn []int{" + strings.Repeat("1,\n", 200) + "}\n}\ntype record struct {" + strings.Repeat("a, b int\n", 9) + "}\n")},
		"harness/hunt/a_test.go": tests,
	})
	require.NoError(t, err)
	require.Empty(t, violations)
}
