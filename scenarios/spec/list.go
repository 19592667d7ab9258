package spec

import (
	"path"
	"reflect"
	"runtime"
	"strings"
)

// Category is one row of a suite's table, with its scenarios.
type Category struct {
	Name      string // as reports show it
	Slug      string // its part of the scenarios' names
	Scenarios []Scenario
}

// List flattens the categories of a suite: it completes each scenario's name to
// suite/category/what, and fills its suite, category, file and line.
func List(suite string, categories ...Category) []Scenario {
	var all []Scenario
	for _, c := range categories {
		for _, s := range c.Scenarios {
			s.Name = suite + "/" + c.Slug + "/" + s.Name
			s.Suite, s.Category = suite, c.Name
			s.File, s.Line = location(s.Run)
			all = append(all, s)
		}
	}
	return all
}

// location says where a scenario's body begins, its file relative to the module
// root. The body is asked, not the caller of a constructor, so a list can be
// moved or generated without its lines going stale.
func location(run func(T, *Env)) (file string, line int) {
	pc := reflect.ValueOf(run).Pointer()
	file, line = runtime.FuncForPC(pc).FileLine(pc)
	// With -trimpath the file begins with the module path, else with a directory
	// of the machine that built it: neither belongs in a report.
	if i := strings.LastIndex(file, "/scenarios/"); i >= 0 {
		file = file[i+1:]
	}
	return path.Clean(file), line
}
