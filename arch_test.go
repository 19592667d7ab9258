// Package flakehunt_test checks the house as a whole: which package may know
// of which, what CI runs, what the compose file says. It must never test
// behaviour: that is each package's own business.
package flakehunt_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

const module = "github.com/flakehunt/flakehunt"

// layer says which of our packages the packages below dir may import, test
// files aside; who may import the vocabulary may import what is below internal,
// too. Of several layers that fit, the longest dir holds. Each may
// import what is below itself.
type layer struct {
	dir  string
	may  []string // directories, with all below them; "harness" alone is the vocabulary
	why  string
	tree bool // may holds for everything of ours
}

var layers = []layer{
	{dir: "harness", why: "the vocabulary is what all others share: it would drag in whatever it imports"},
	{dir: "harness/resp", why: "framing is about bytes, and can be used and fuzzed alone"},
	{dir: "harness/proxy", may: []string{"harness", "harness/resp"}, why: "the proxy carries decisions out: who makes them, and for what, is not its business"},
	{dir: "harness/explore", may: []string{"harness"}, why: "a strategy is a pure function to a decision"},
	{dir: "harness/history", may: []string{"harness", "harness/resp"}, why: "a recording outlives the run: it must be readable without the rest"},
	{dir: "harness/effects", why: "what a command touches is told from its words alone"},
	{dir: "harness/predict", may: []string{"harness", "harness/effects", "harness/detect"}, why: "what could fail must be told again from saved histories alone"},
	{dir: "harness/detect", may: []string{"harness", "harness/effects", "harness/stats"}, why: "a verdict must be had again from a saved history alone"},
	{dir: "harness/contrast", may: []string{"harness", "harness/detect", "harness/effects", "harness/stats"}, why: "what tells pass from fail is a pure function of histories"},
	{dir: "harness/minimize", why: "delta debugging knows nothing of Redis: it is tested on integers"},
	{dir: "harness/stats", may: []string{"harness"}, why: "statistics are over pure counts"},
	{dir: "harness/verdict", may: []string{"harness"}, why: "the rules of what evidence means are asked by all, and ask nobody"},
	{dir: "harness/summary", may: []string{"harness", "harness/stats", "harness/verdict"}, why: "summing up is a pure function of trials"},
	{dir: "harness/source", may: []string{"harness"}, why: "where code is, is told from files alone"},
	{dir: "harness/runner/wiretap", may: []string{"harness"}, why: "what clients sent is seen on the wire alone"},
	{dir: "harness/runner", may: []string{"harness", "harness/source", "harness/stats", "harness/summary", "harness/verdict"}, why: "a runner executes tests: it must not know of schedules or of the proxy"},
	{dir: "harness/runner/inprocess", may: []string{"harness", "harness/runner", "harness/stats", "harness/summary", "harness/verdict", "scenarios", "fixtures"}, why: "the only runner that knows the shipped suites"},
	{dir: "harness/redisenv", may: []string{"harness"}, why: "where Redis comes from has nothing to do with what is done to it"},
	{dir: "harness/redisenv/embedded", may: []string{"harness", "harness/redisenv/connset"}, why: "users' test binaries link it: it must not drag the other providers in"},
	{dir: "harness/redisenv/connset", why: "counting connections needs nothing of ours"},
	{dir: "harness/secrets", why: "what is masked has nothing to do with what it stands in"},
	{dir: "harness/since", may: []string{"harness"}, why: "what a change touches is asked of other tools: it neither runs tests nor hunts"},
	{dir: "harness/trend", may: []string{"harness", "harness/stats"}, why: "what the past says is a pure function of a history, wherever that was read"},
	{dir: "harness/store", may: []string{"harness", "harness/stats", "harness/trend", "harness/verdict"}, why: "the store keeps results: it does not make them"},
	{dir: "harness/gate", may: []string{"harness", "harness/stats", "harness/trend", "harness/verdict"}, why: "a gate decides from data: it neither runs nor reads a database"},
	{dir: "harness/shard", may: []string{"harness", "harness/stats", "harness/summary", "harness/verdict"}, why: "dividing and joining are about indices and trials alone"},
	{dir: "harness/trial", may: []string{"harness", "harness/detect", "harness/explore", "harness/history", "harness/proxy", "harness/redisenv", "harness/runner", "harness/secrets", "harness/source", "harness/summary"}, why: "playing a trial knows neither which comes next nor what a finding is"},
	{dir: "harness/evidence", may: []string{"harness", "harness/detect"}, why: "what trials are worth is a pure function of them"},
	{dir: "harness/triallog", may: []string{"harness", "harness/detect", "harness/evidence", "harness/proxy", "harness/stats", "harness/summary", "harness/trial"}, why: "the log keeps what was seen: it neither runs nor judges"},
	{dir: "harness/propose", may: []string{"harness", "harness/contrast", "harness/detect", "harness/effects", "harness/explore", "harness/triallog"}, why: "what to try next is told from what was seen"},
	{dir: "harness/investigate", may: []string{"harness", "harness/detect", "harness/evidence", "harness/explore", "harness/minimize", "harness/stats", "harness/trial"}, why: "an investigation gives evidence, and knows no findings"},
	{dir: "harness/finding", may: []string{"harness", "harness/detect", "harness/evidence", "harness/stats", "harness/summary", "harness/history", "harness/verdict"}, why: "what a finding is, is a pure function of trials and evidence"},
	{dir: "harness/forecast", may: []string{"harness", "harness/stats"}, why: "a forecast is a pure function of margins"},
	{dir: "harness/replay", may: []string{"harness", "harness/hunt", "harness/minimize", "harness/stats", "harness/trial"}, why: "a replay runs what a finding says, and asks the hunt only to look afresh"},
	{dir: "harness/probe", may: []string{"harness", "harness/proxy", "harness/redisenv", "harness/resp", "harness/runner"}, why: "a probe looks at a suite and hunts nothing"},
	{dir: "harness/probe/hints", why: "hints come from sources alone"},
	{dir: "harness/hunt", may: []string{"harness", "harness/"}, why: "the loop knows all parts, but neither the suites nor the reports"},
	{dir: "harness/rundir", may: []string{"harness", "harness/finding", "harness/history", "harness/hunt", "harness/secrets", "harness/trial", "harness/verdict"}, why: "it keeps what a run writes: it neither runs nor reports"},
	{dir: "harness/sim", may: []string{"harness", "harness/", "scenarios", "fixtures"}, why: "simulation plays the shipped suites, and knows nothing of commands and reports"},
	{dir: "harness/sim/bubble", may: []string{"harness", "harness/proxy", "harness/redisenv/embedded"}, why: "a bubble does not know what is tested in it: tests of others' use it too"},
	{dir: "harness/simtest", may: []string{"harness", "harness/", "harness/sim/bubble"}, why: "users' tests import it: it must not drag the shipped suites in"},
	{dir: "scenarios", may: []string{"fixtures"}, why: "a scenario is an ordinary test: it must not know of the harness that runs it"},
	{dir: "scenarios/suitetest", may: []string{"fixtures", "scenarios", "harness/redisenv"}, why: "running the suites by go test takes a Redis, and nothing else of the harness"},
	{dir: "harness/redistest", may: []string{"internal"}, why: "users' test binaries link it: it must not drag the harness in"},
	{dir: "internal", why: "what all may share must know nothing of ours"},
	{dir: "internal/lanes", why: "how subtests run has nothing to do with what they test"},
	{dir: "fixtures", why: "the code under test must not know that it is watched"},
	{dir: "reports", may: []string{"harness", "harness/detect", "harness/stats", "harness/trend", "harness/verdict"}, why: "a report reads the model: it neither runs nor changes anything"},
	{dir: "reports/doctor", may: []string{"harness", "harness/probe"}, why: "apart, so that the other reports need no probe"},
	{dir: "cmd", tree: true},
	{dir: "docs", why: "what makes pictures reads files and drives a browser"},
	{dir: "bench", tree: true},
	{dir: "", tree: true}, // this package: tests only
}

// fence keeps an import out of all packages but those below the named ones,
// test files included; or with keepOut, out of those alone.
type fence struct {
	imports []string // a package and all below it; with a final "$" it alone
	only    []string // may import it, all others may not
	keepOut []string // may not, all others may
	exempt  bool     // test files may do as they like
	why     string
}

// pure are the packages whose functions do no I/O. With a final "$" a package
// alone, without those below it.
var pure = []string{
	"harness$", "harness/stats", "harness/minimize", "harness/summary", "harness/verdict", "harness/explore", "harness/resp", "harness/evidence",
	"harness/finding", "harness/forecast", "harness/propose", "harness/predict", "harness/trend", "harness/gate", "harness/shard",
	"harness/secrets", "harness/triallog", "harness/investigate",
}

// harmless are packages of the standard library that do no I/O, although their
// neighbours do.
var harmless = []string{"net/url", "net/netip"}

var fences = []fence{
	{imports: []string{module + "/harness", module + "/reports", module + "/scenarios", module + "/cmd"}, keepOut: []string{"fixtures"},
		why: "the code under test must not know that it is watched, in its tests neither"},
	{imports: []string{"github.com/testcontainers", "github.com/moby", "github.com/docker"}, only: []string{"harness/redisenv"},
		why: "heavy parts stay at the edge"},
	{imports: []string{"modernc.org/sqlite", "database/sql"}, only: []string{"harness/store"},
		why: "one package knows that the history is a database"},
	{imports: []string{"html/template"}, only: []string{"reports"},
		why: "one package escapes what tests printed"},
	{imports: []string{"net", "os", "syscall", "math/rand", "math/rand/v2"}, keepOut: []string{"harness/contrast", "harness/detect", "harness/effects"}, exempt: true,
		why: "a verdict is a pure function of a recorded history"},
	{imports: []string{"net", "os", "syscall"}, keepOut: pure, exempt: true,
		why: "pure functions do no I/O"},
	{imports: []string{"math/rand$"}, keepOut: []string{""},
		why: "its global source is seeded by nobody: take math/rand/v2 with a seed that is printed"},
}

// clockless are the packages that never ask what time it is.
var clockless = map[string]string{
	"harness/contrast": "what tells runs apart must be the same whenever it is asked for",
	"harness/detect":   "a verdict must be the same whenever it is asked for",
	"harness/predict":  "the same histories give the same candidates",
	"harness/effects":  "what a command touches does not change with time",
	"harness/explore":  "a decision depends on the seed and the point alone",
	"harness/stats":    "pure counts",
	"harness/evidence": "what trials prove does not depend on when it is asked",
	"harness/propose":  "the same log gives the same proposals",
	"harness/finding":  "what a finding is does not depend on when it is asked",
	"harness/forecast": "pure counts",
	"harness/minimize": "its result must not depend on the machine's speed",
	"harness$":         "the vocabulary means the same whenever it is read",
	"harness/resp":     "framing is about bytes",
	"harness/verdict":  "a rule does not depend on when it is asked",
	"harness/summary":  "the same trials give the same result",
	"harness/trend":    "what the past says does not change with the day on which it is read",
	"harness/gate":     "the day is given: quarantine entries end by it",
	"harness/shard":    "dividing and joining are about indices and trials alone",
	"harness/secrets":  "what is masked does not depend on when",
	"harness/triallog": "the log keeps the times that trials bear",
}

func TestArchitecture(t *testing.T) {
	violations, packages, err := inspect(os.DirFS("."))
	require.NoError(t, err)
	require.Greater(t, packages, 15, "the walk has missed most of the tree")
	for _, v := range violations {
		t.Error(v)
	}
}

// The check itself can fail: each rule is broken once, on a made-up tree.
func TestArchitectureFindsViolations(t *testing.T) {
	ours := func(dir string) string { return strconv.Quote(module + "/" + dir) }
	doc := "// Package p is for a test. It must never be built.\n"
	for _, c := range []struct{ name, file, source, want string }{
		{"fixtures knows harness", "fixtures/a.go", doc + "package p\nimport _ " + ours("harness"), "must not know that it is watched"},
		{"fixtures' test knows proxy", "fixtures/a_test.go", "package p\nimport _ " + ours("harness/proxy"), "in its tests neither"},
		{"vocabulary knows resp", "harness/a.go", doc + "package p\nimport _ " + ours("harness/resp"), "the vocabulary is what all others share"},
		{"proxy knows hunt", "harness/proxy/a.go", doc + "package p\nimport _ " + ours("harness/hunt"), "who makes them"},
		{"runner knows scenarios", "harness/runner/a.go", doc + "package p\nimport _ " + ours("scenarios"), "must not know of schedules"},
		{"scenario knows harness", "scenarios/smoke/a.go", doc + "package p\nimport _ " + ours("harness"), "an ordinary test"},
		{"containers in hunt", "harness/hunt/a.go", doc + "package p\nimport _ \"github.com/testcontainers/testcontainers-go\"", "heavy parts"},
		{"SQL in a test of hunt", "harness/hunt/a_test.go", "package p\nimport _ \"database/sql\"", "is a database"},
		{"HTML in cmd", "cmd/flakehunt/a.go", doc + "package p\nimport _ \"html/template\"", "escapes"},
		{"detect opens files", "harness/detect/a.go", doc + "package p\nimport _ \"os/exec\"", "pure function of a recorded history"},
		{"detect asks the clock", "harness/detect/nearmiss/a.go", doc + "package p\nimport \"time\"\nvar t = time.Now()", "asks the clock"},
		{"clock by another name", "harness/detect/a.go", doc + "package p\nimport x \"time\"\nvar t = x.Since(x.Time{})", "asks the clock"},
		{"stats opens files", "harness/stats/a.go", doc + "package p\nimport _ \"os\"", "no I/O"},
		{"vocabulary opens files", "harness/a.go", doc + "package p\nimport _ \"os\"", "no I/O"},
		{"vocabulary asks the clock", "harness/a.go", doc + "package p\nimport \"time\"\nvar t = time.Now()", "asks the clock"},
		{"trend opens files", "harness/trend/a.go", doc + "package p\nimport _ \"os\"", "no I/O"},
		{"gate asks the clock", "harness/gate/a.go", doc + "package p\nimport \"time\"\nvar t = time.Now()", "asks the clock"},
		{"shard dials", "harness/shard/a.go", doc + "package p\nimport _ \"net\"", "no I/O"},
		{"summary asks the clock", "harness/summary/a.go", doc + "package p\nimport \"time\"\nvar t = time.Now()", "asks the clock"},
		{"old random", "cmd/flakehunt/a.go", doc + "package p\nimport _ \"math/rand\"", "seeded by nobody"},
		{"no comment", "harness/resp/a.go", "package p", "no package comment"},
		{"comment says no never", "harness/resp/a.go", "// Package p frames.\npackage p", "must never do"},
		{"init", "harness/resp/a.go", doc + "package p\nfunc init() {}", "init()"},
		{"no layer", "elsewhere/a.go", doc + "package p\nimport _ " + ours("harness"), "no layer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			violations, _, err := inspect(fstest.MapFS{c.file: {Data: []byte(c.source)}})
			require.NoError(t, err)
			require.Len(t, violations, 1)
			require.Contains(t, violations[0], c.want)
			require.Contains(t, violations[0], c.file[:strings.LastIndex(c.file, "/")])
		})
	}
	two := fstest.MapFS{
		"harness/resp/a.go": {Data: []byte(doc + "package p")}, "harness/resp/b.go": {Data: []byte(doc + "package p")},
	}
	violations, _, err := inspect(two)
	require.NoError(t, err)
	require.Len(t, violations, 1)
	require.Contains(t, violations[0], "2 package comments")

	sound := fstest.MapFS{
		"harness/proxy/a.go":       {Data: []byte(doc + "package p\nimport (\n_ " + ours("harness") + "\n_ " + ours("harness/resp") + "\n_ \"net\"\n)")},
		"harness/detect/a_test.go": {Data: []byte("package p\nimport \"os\"\nvar _ = os.Args")},
		"harness/store/a.go":       {Data: []byte(doc + "package p\nimport (\n_ \"os\"\n\"time\"\n)\nvar t = time.Now()")},
		"harness/trend/a.go":       {Data: []byte(doc + "package p\nimport _ \"net/url\"")},
		"harness/detect/a.go":      {Data: []byte(doc + "package p\nimport \"time\"\nvar t time.Duration")},
		"x/testdata/a.go":          {Data: []byte("package broken; this is no Go")},
		"fixtures/foreign/go.mod":  {Data: []byte("module other")},
		"fixtures/foreign/a.go":    {Data: []byte("package p\nimport _ " + ours("harness"))},
	}
	violations, _, err = inspect(sound)
	require.NoError(t, err)
	require.Empty(t, violations)
}

// parsed is the source of every package of the module, but for testdata and
// modules within it.
type parsed struct {
	files map[string][]*ast.File // by directory
	names map[*ast.File]string
}

func parse(tree fs.FS) (*parsed, error) {
	p := &parsed{files: map[string][]*ast.File{}, names: map[*ast.File]string{}}
	fset := token.NewFileSet()
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, nested := fs.Stat(tree, path.Join(name, "go.mod"))
			if name != "." && (nested == nil || strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "node_modules") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		source, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(fset, name, source, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("parse: %w", err)
		}
		dir := path.Dir(name)
		p.files[dir] = append(p.files[dir], f)
		p.names[f] = name
		return nil
	})
	return p, err
}

// inspect returns what breaks a rule in the tree, and the number of packages.
func inspect(tree fs.FS) (violations []string, packages int, err error) {
	p, err := parse(tree)
	if err != nil {
		return nil, 0, err
	}
	files, names := p.files, p.names
	for dir, list := range files {
		for _, f := range list {
			violations = append(violations, inspectFile(dir, names[f], f)...)
		}
		violations = append(violations, inspectComment(dir, list, names)...)
	}
	slices.Sort(violations)
	return violations, len(files), nil
}

// inspectFile checks what one file imports and calls. It reports the first
// broken rule of an import: one line to mend, one line to read.
func inspectFile(dir, name string, f *ast.File) (violations []string) {
	test := strings.HasSuffix(name, "_test.go")
	for _, spec := range f.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		if why := forbidden(dir, imported, test); why != "" {
			violations = append(violations, fmt.Sprintf("%s imports %s: %s", name, imported, why))
		}
	}
	if test {
		return violations
	}
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			violations = append(violations, name+" has an init(): what happens at start is written where it starts")
		}
	}
	for clean, why := range clockless {
		if covers(clean, dir) && asksClock(f) {
			violations = append(violations, fmt.Sprintf("%s asks the clock: %s", name, why))
		}
	}
	return violations
}

// forbidden says why a file of dir may not import a package; "" if it may.
func forbidden(dir, imported string, test bool) string {
	for _, f := range fences {
		if test && f.exempt || !slices.ContainsFunc(f.imports, func(p string) bool { return imported+"$" == p || within(imported, p) }) {
			continue
		}
		if slices.Contains(harmless, imported) {
			continue
		}
		here := func(d string) bool { return covers(d, dir) }
		if f.only != nil && !slices.ContainsFunc(f.only, here) || slices.ContainsFunc(f.keepOut, here) {
			return f.why
		}
	}
	target, ok := strings.CutPrefix(imported, module+"/")
	if !ok || test {
		return ""
	}
	l, ok := layerOf(dir)
	switch {
	case !ok:
		return "no layer is known for " + dir + ": give it one line in arch_test.go and in ARCHITECTURE.md"
	case l.tree, l.dir != "harness" && within(target, l.dir):
		return ""
	}
	if within(target, "internal") && slices.Contains(l.may, "harness") {
		return ""
	}
	for _, may := range l.may {
		// "harness" is the vocabulary alone, "harness/" all below it too.
		if target == strings.TrimSuffix(may, "/") || may != "harness" && within(target, strings.TrimSuffix(may, "/")) {
			return ""
		}
	}
	return l.why
}

// layerOf gives the layer with the longest fitting directory.
func layerOf(dir string) (best layer, ok bool) {
	for _, l := range layers {
		fits := dir == l.dir || l.dir != "" && l.dir != "harness" && within(dir, l.dir) || l.dir == "" && dir == "."
		if fits && (!ok || len(l.dir) > len(best.dir)) {
			best, ok = l, true
		}
	}
	return best, ok
}

// covers reports whether what is said of a package, with a final "$" of it alone,
// holds for dir.
func covers(said, dir string) bool {
	one, alone := strings.CutSuffix(said, "$")
	return dir == one || !alone && within(dir, one)
}

// within reports whether a path is dir or below it; everything is within "".
func within(p, dir string) bool {
	return dir == "" || p == dir || strings.HasPrefix(p, dir+"/")
}

// asksClock reports whether a file calls a function of time that reads the clock.
func asksClock(f *ast.File) (found bool) {
	name := ""
	for _, spec := range f.Imports {
		if spec.Path.Value == `"time"` {
			if name = "time"; spec.Name != nil {
				name = spec.Name.Name
			}
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		x, ok := sel.X.(*ast.Ident)
		if ok && name != "" && x.Name == name && slices.Contains([]string{"Now", "Since", "Until", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Sleep"}, sel.Sel.Name) {
			found = true
		}
		return true
	})
	return found
}

// inspectComment checks that a package has one comment, which also says what
// the package must never do. A package of tests alone needs none.
func inspectComment(dir string, list []*ast.File, names map[*ast.File]string) []string {
	var text []string
	tests := true
	for _, f := range list {
		if strings.HasSuffix(names[f], "_test.go") {
			continue
		}
		tests = false
		if f.Doc != nil {
			text = append(text, f.Doc.Text())
		}
	}
	switch {
	case tests:
		return nil
	case len(text) == 0:
		return []string{dir + " has no package comment: say what it is for, and what it must never do"}
	case len(text) > 1:
		return []string{fmt.Sprintf("%s has %d package comments: keep one", dir, len(text))}
	case !strings.Contains(text[0], "never") && !strings.Contains(text[0], "must not"):
		return []string{dir + ": its package comment does not say what the package must never do"}
	}
	return nil
}
