package scenarios_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/scenarios"
)

func TestCategoriesAndCounts(t *testing.T) {
	type row struct {
		suite, category string
	}
	got := map[row]int{}
	for _, s := range scenarios.All() {
		got[row{s.Suite, s.Category}]++
	}
	assert.Equal(t, map[row]int{
		{"smoke", "bootstrap and container"}:                                                  3,
		{"smoke", "pub/sub messaging"}:                                                        2,
		{"smoke", "KV store (get/set, TTL, counter)"}:                                         3,
		{"smoke", "envelope format"}:                                                          2,
		{"smoke", "error recovery"}:                                                           2,
		{"smoke", "correlation and tracing"}:                                                  2,
		{"smoke", "resource cleanup"}:                                                         2,
		{"smoke", "listener readiness"}:                                                       2,
		{"integration", "message bus (pub/sub)"}:                                              4,
		{"integration", "KV store (get/set/del, TTL, CAS, counters)"}:                         6,
		{"integration", "idempotency (dedup, TTL expiry)"}:                                    4,
		{"integration", "retry (backoff, maximum attempts)"}:                                  5,
		{"integration", "envelope format, retry handling"}:                                    5,
		{"integration", "end-to-end flow"}:                                                    2,
		{"integration", "error handling (bad JSON, handler errors)"}:                          2,
		{"integration", "subscription management (concurrent subscribe, dedup, unsubscribe)"}: 4,
		{"integration", "message ordering"}:                                                   4,
		{"integration", "namespace isolation"}:                                                3,
		{"integration", "stream mirroring"}:                                                   3,
		{"integration", "handler isolation"}:                                                  3,
		{"integration", "suite lifecycle (connect, reconnect, disconnect)"}:                   3,
	}, got)
	assert.Len(t, scenarios.Suite("smoke"), 18)
	assert.Len(t, scenarios.Suite("integration"), 48)
	assert.Empty(t, scenarios.Suite("no such suite"))
}

func TestNamesAreUniqueAndWellFormed(t *testing.T) {
	form := regexp.MustCompile(`^(smoke|integration)/[a-z]+/[a-z]+(-[a-z]+)*$`)
	seen := map[string]bool{}
	for _, s := range scenarios.All() {
		assert.Regexp(t, form, s.Name)
		assert.True(t, strings.HasPrefix(s.Name, s.Suite+"/"), s.Name)
		assert.False(t, seen[s.Name], "two scenarios are called %s", s.Name)
		seen[s.Name] = true
	}
}

// No scenario's name may be part of another's: cleaning one's keys would take
// those of the other, which would show as a change from one trial to the next.
func TestNoNameIsPartOfAnother(t *testing.T) {
	for _, a := range scenarios.All() {
		for _, b := range scenarios.All() {
			assert.False(t, a.Name != b.Name && strings.Contains(b.Name, a.Name), "%s is part of %s", a.Name, b.Name)
		}
	}
}

func TestEachDefectIsDeclared(t *testing.T) {
	declared := map[fixtures.Defect]int{}
	for _, s := range scenarios.All() {
		for _, d := range s.Exposes {
			assert.Contains(t, fixtures.AllDefects(), d, s.Name)
			declared[d]++
		}
	}
	for _, d := range fixtures.AllDefects() {
		assert.Positive(t, declared[d], "no scenario can expose %s", d)
	}
}

// TestFileAndLine reads the sources: at File and Line begins a function that
// takes what a scenario's body takes, each its own.
func TestFileAndLine(t *testing.T) {
	type place struct {
		file string
		line int
	}
	bodies := map[place]string{}
	for _, suite := range scenarios.Suites() {
		files, err := filepath.Glob(filepath.Join(suite, "*.go"))
		require.NoError(t, err)
		for _, file := range files {
			fset := token.NewFileSet()
			tree, err := parser.ParseFile(fset, file, nil, parser.SkipObjectResolution)
			require.NoError(t, err)
			for _, decl := range tree.Decls {
				if f, ok := decl.(*ast.FuncDecl); ok && len(f.Type.Params.List) == 2 {
					bodies[place{"scenarios/" + filepath.ToSlash(file), fset.Position(f.Pos()).Line}] = f.Name.Name
				}
			}
		}
	}
	seen := map[place]bool{}
	for _, s := range scenarios.All() {
		p := place{s.File, s.Line}
		assert.Contains(t, bodies, p, "no body of a scenario begins where %s says", s.Name)
		assert.False(t, seen[p], "two scenarios begin at %v", p)
		seen[p] = true
	}
}
