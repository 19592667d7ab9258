package gotest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
)

// read finds the test functions in the package's test files, which place names as
// reports do.
func (p *pkg) read(files []string, place func(file string) string) {
	p.Lines = map[string]tokenAt{}
	set := token.NewFileSet()
	for _, f := range files {
		file, err := parser.ParseFile(set, filepath.Join(p.Dir, f), nil, parser.SkipObjectResolution)
		if file == nil || err != nil {
			continue // the compiler says it better
		}
		p.ginkgoIn(file)
		for _, d := range file.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv != nil {
				continue
			}
			if fn.Name.Name == "TestMain" {
				p.Main = true
			}
			pos := set.Position(fn.Pos())
			p.Lines[fn.Name.Name] = tokenAt{place(pos.Filename), pos.Line}
		}
	}
}
