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
	{dir: "harness/investigate", lines: 1000},
	{dir: "harness/triallog", lines: 700},
	{dir: "harness/propose", lines: 700},
	{dir: "harness/finding", lines: 1000, tests: 0.7},
	{dir: "harness/evidence", lines: 500},
	{dir: "harness/trial", lines: 1500},
}

type size struct {
	dir   string
	lines int     // of files that are no tests
	tests float64 // least ratio of lines of tests to those; 0: not bounded
}

const (
	mostMethods = 20 // of one type
	mostFields  = 15 // of one struct
	mostLines   = 60 // of one function that is no table
)

// oversized lists what breaks a bound in the tree.
func oversized(tree fs.FS) (violations []string, err error) {
	p, err := parse(tree)
	if err != nil {
		return nil, err
	}
	for _, s := range sizes {
		code, tests := 0, 0
		methods := map[string]int{}
		for _, f := range p.files[s.dir] {
			source, err := fs.ReadFile(tree, p.names[f])
			if err != nil {
				return nil, err
			}
			lines := strings.Count(string(source), "\n")
			if strings.HasSuffix(p.names[f], "_test.go") {
				tests += lines
				continue
			}
			code += lines
			violations = append(violations, oversizedIn(p.names[f], string(source), f, methods)...)
		}
		for name, n := range methods {
			if n > mostMethods {
				violations = append(violations, fmt.Sprintf("%s.%s has %d methods: %d at most", s.dir, name, n, mostMethods))
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

// oversizedIn lists what is too large in one file, and counts methods.
func oversizedIn(name, source string, f *ast.File, methods map[string]int) (violations []string) {
	lines := func(n ast.Node) int {
		return strings.Count(source[n.Pos()-f.FileStart:n.End()-f.FileStart], "\n") + 1
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if n := lines(d); n > mostLines && !isTable(d) {
				violations = append(violations, fmt.Sprintf("%s: %s has %d lines: %d at most", name, d.Name.Name, n, mostLines))
			}
			if d.Recv != nil {
				methods[receiver(d)]++
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				t, ok := spec.(*ast.TypeSpec)
				if !ok || d.Tok != token.TYPE {
					continue
				}
				if st, ok := t.Type.(*ast.StructType); ok && fields(st) > mostFields {
					violations = append(violations, fmt.Sprintf("%s: %s has %d fields: %d at most", name, t.Name.Name, fields(st), mostFields))
				}
			}
		}
	}
	return violations
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
		{"long function", "package hunt\nfunc f() {" + strings.Repeat("\n", mostLines) + "}", "f has 61 lines"},
		{"large struct", "package hunt\ntype s struct {" + strings.Repeat("a, b int\n", 7) + "c int\nother\n}\ntype other struct{}", "s has 16 fields"},
		{"many methods", "package hunt\ntype s struct{}\n" + strings.Repeat("func (*s) m() {}\n", mostMethods+1), "s has 21 methods"},
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
		"harness/hunt/a.go":      {Data: []byte("package hunt\nfunc table() []int {\nreturn []int{" + strings.Repeat("1,\n", 200) + "}\n}\n")},
		"harness/hunt/a_test.go": tests,
	})
	require.NoError(t, err)
	require.Empty(t, violations)
}
