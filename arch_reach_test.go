package flakehunt_test

import (
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// light is a package that programs of others link: what is heavy must not come
// with it, by whatever way.
type light struct {
	dir     string
	without []string // a package and all below it
	why     string
}

var heavy = []string{
	"github.com/testcontainers", "github.com/moby", "github.com/docker", "modernc.org/sqlite", "database/sql",
	"html/template", "github.com/spf13", "github.com/vbauerster", module + "/scenarios", module + "/fixtures",
}

var lights = []light{
	{dir: "harness/simtest", without: heavy, why: "users' test binaries link it"},
	{dir: "harness/redistest", without: heavy, why: "users' test binaries link it"},
}

// imports gives, by directory, what the package there imports, tests aside.
type imports map[string][]string

func importsOf(tree fs.FS) (imports, error) {
	p, err := parse(tree)
	m := imports{}
	for dir, files := range p.files {
		for _, f := range files {
			if strings.HasSuffix(p.names[f], "_test.go") {
				continue
			}
			for _, spec := range f.Imports {
				if path, err := strconv.Unquote(spec.Path.Value); err == nil {
					m[dir] = append(m[dir], path)
				}
			}
		}
	}
	return m, err
}

// reach finds the way from a directory, package by package of ours, to an
// import that it must do without; nil if there is none.
func (m imports) reach(dir string, without []string) []string {
	type step struct {
		dir string
		way []string
	}
	seen := map[string]bool{dir: true}
	for queue := []step{{dir, []string{dir}}}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		for _, imported := range m[at.dir] {
			way := append(slices.Clone(at.way), strings.TrimPrefix(imported, module+"/"))
			if slices.ContainsFunc(without, func(p string) bool { return within(imported, p) }) {
				return way
			}
			if next, ours := strings.CutPrefix(imported, module+"/"); ours && !seen[next] {
				seen[next] = true
				queue = append(queue, step{next, way})
			}
		}
	}
	return nil
}

func heavyWays(tree fs.FS) (ways []string, packages int, err error) {
	m, err := importsOf(tree)
	for _, l := range lights {
		if way := m.reach(l.dir, l.without); way != nil {
			ways = append(ways, strings.Join(way, " imports ")+": "+l.why)
		}
	}
	return ways, len(m), err
}

func TestWhatOthersLinkIsLight(t *testing.T) {
	ways, packages, err := heavyWays(os.DirFS("."))
	require.NoError(t, err)
	require.Greater(t, packages, 15, "the walk has missed most of the tree")
	require.Empty(t, ways)
}

// The check itself can fail.
func TestWhatOthersLinkIsLightFindsViolations(t *testing.T) {
	file := func(imported string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("package p\nimport _ \"" + imported + "\"")}
	}
	ways, _, err := heavyWays(fstest.MapFS{
		"harness/simtest/a.go":        file(module + "/harness/sim/bubble"),
		"harness/sim/bubble/a.go":     file(module + "/harness/redisenv"),
		"harness/redisenv/a.go":       file("github.com/testcontainers/testcontainers-go"),
		"harness/redistest/a.go":      file("os"),
		"harness/redistest/a_test.go": file("database/sql"),
	})
	require.NoError(t, err)
	require.Equal(t, []string{
		"harness/simtest imports harness/sim/bubble imports harness/redisenv imports github.com/testcontainers/testcontainers-go: users' test binaries link it",
	}, ways)
}
