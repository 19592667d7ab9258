package flakehunt_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"

	"github.com/stretchr/testify/require"
)

// oldWord is a word that had a meaning of its own in this code. No type,
// function, method, field, constant, package variable, package or file has it as
// a part of its name.
type oldWord struct {
	now  string   // what to say instead
	in   []string // where it had that meaning, with all below; nil: everywhere
	full bool     // only as a whole name: as a part it is ordinary English
}

var oldWords = map[string]oldWord{
	"pursuit":   {now: "investigation"},
	"claim":     {now: "simulated finding", in: []string{"harness/hunt", "harness/sim", "cmd"}},
	"claims":    {now: "simulated findings", in: []string{"harness/hunt", "harness/sim", "cmd"}},
	"settle":    {now: "proveSuspects, applyProofs, drainWrites, runDue, waitAccepted"},
	"settles":   {now: "takenUp"},
	"settled":   {now: "asJudged"},
	"home":      {now: "matchFinding", full: true},
	"tie":       {now: "linkFindings"},
	"acquit":    {now: "clearUnproven"},
	"words":     {now: "failureKey", in: []string{"harness/hunt", "harness/finding", "harness/evidence", "harness/investigate", "harness/triallog"}},
	"listen":    {now: "indexCauses", in: []string{"harness/hunt", "harness/finding", "harness/evidence"}},
	"foretell":  {now: "addPredicted"},
	"outlook":   {now: "predictions"},
	"near":      {now: "predict, or nearmiss for the package", full: true},
	"wide":      {now: "CounterAll", in: []string{"harness"}},
	"look":      {now: "TTLRead", full: true, in: []string{"harness/detect", "harness/contrast", "harness/predict", "harness/proxy", "harness/runner/suite"}},
	"looks":     {now: "TTLReads", full: true},
	"tardy":     {now: "lateMessage"},
	"grain":     {now: "expiryGranularity"},
	"madeup":    {now: "LooksRandom"},
	"elide":     {now: "TruncateQuoted"},
	"door":      {now: "ListenAddr"},
	"doors":     {now: "ListenAddrs"},
	"told":      {now: "BoundaryCount", full: true, in: []string{"harness/probe", "harness/runner", "harness/predict", "harness/proxy"}},
	"around":    {now: "CommandWrapper", full: true},
	"mend":      {now: "compatHook", in: []string{"harness/redisenv"}},
	"mender":    {now: "compatHook"},
	"crew":      {now: "goroutineGroup"},
	"spare":     {now: "InstanceCache", in: []string{"harness/redisenv", "harness/sim", "harness/simtest"}},
	"looker":    {now: "busyPoller"},
	"glance":    {now: "spinTime"},
	"rehearse":  {now: "warmUp, or preSearch"},
	"rehearsal": {now: "warmUp, or PreSearch"},
	"kick":      {now: "DropConnections"},
	"kicks":     {now: "drops"},
	"tidy":      {now: "Canonicalize"},
	"quiet":     {now: "StripJitter", full: true, in: []string{"harness"}},
	"parted":    {now: "Divergence"},
	"regret":    {now: "cooldown"},
	"patience":  {now: "trialTimeout"},
	"bed":       {now: "testbed"},
	"raw lane":  {now: "epollLane"},
	"lane":      {now: "portableLane, epollLane or directLane", full: true, in: []string{"harness/proxy"}},
	"path":      {now: "directLane", full: true, in: []string{"harness/proxy/direct.go"}},
	"lateness":  {now: "timerLag"},
	"late":      {now: "timerLag of a machine; of a frame delayed, lateFrame or the like", full: true, in: []string{"harness/runner", "harness/trial"}},
}

// allowed are names that have an old word with another meaning.
var allowed = map[string]string{
	"harness/redisenv.quiet": "a logger of tests that says nothing",
}

// oldNames lists the names in the tree that have one of the old words.
func oldNames(tree fs.FS) ([]string, error) {
	p, err := parse(tree)
	if err != nil {
		return nil, err
	}
	var found []string
	for dir, files := range p.files {
		for _, f := range files {
			file := p.names[f]
			names(f, file, func(kind, name string) {
				if _, ok := allowed[dir+"."+name]; ok {
					return
				}
				for word, w := range oldWords {
					if w.names(name) == word || !w.full && strings.Contains(" "+w.names(name)+" ", " "+word+" ") {
						if w.in == nil || slices.ContainsFunc(w.in, func(d string) bool { return within(file, d) }) {
							found = append(found, fmt.Sprintf("%s: %s %s: say %s", file, kind, name, w.now))
						}
					}
				}
			})
		}
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

// names gives the parts of a name in lower case, with spaces between.
func (oldWord) names(name string) string {
	var b strings.Builder
	var before rune
	for _, r := range name {
		if r == '_' || r == '-' || unicode.IsUpper(r) && !unicode.IsUpper(before) {
			b.WriteByte(' ')
		}
		if r != '_' && r != '-' {
			b.WriteRune(unicode.ToLower(r))
		}
		before = r
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// names calls each with the names that a file declares for others: its own, its
// package's, and those of types, functions, methods, fields, constants and
// package variables.
func names(f *ast.File, file string, each func(kind, name string)) {
	each("file", strings.TrimSuffix(path.Base(file), ".go"))
	each("package", f.Name.Name)
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			each("function", n.Name.Name)
		case *ast.TypeSpec:
			each("type", n.Name.Name)
		case *ast.StructType:
			for _, field := range n.Fields.List {
				for _, id := range field.Names {
					each("field", id.Name)
				}
			}
		case *ast.InterfaceType:
			for _, m := range n.Methods.List {
				for _, id := range m.Names {
					each("method", id.Name)
				}
			}
		}
		return true
	})
	for _, d := range f.Decls {
		if g, ok := d.(*ast.GenDecl); ok && (g.Tok == token.CONST || g.Tok == token.VAR) {
			for _, spec := range g.Specs {
				for _, id := range spec.(*ast.ValueSpec).Names {
					each(g.Tok.String(), id.Name)
				}
			}
		}
	}
}

func TestOldWordsAreGone(t *testing.T) {
	found, err := oldNames(os.DirFS("."))
	require.NoError(t, err)
	for _, f := range found {
		t.Error(f)
	}
}

// The check itself can fail: a name of each kind is found, and no more than it.
func TestOldWordsAreFound(t *testing.T) {
	for _, c := range []struct{ file, source, want string }{
		{"harness/hunt/a.go", "package hunt\ntype pursuit struct{}", "type pursuit: say investigation"},
		{"harness/hunt/a.go", "package hunt\ntype x struct{ ownPursuit int }", "field ownPursuit"},
		{"harness/hunt/a.go", "package hunt\nfunc (x) Settle() {}\ntype x int", "function Settle"},
		{"harness/hunt/a.go", "package hunt\ntype x interface{ acquitAll() }", "method acquitAll"},
		{"harness/hunt/a.go", "package hunt\nconst maxGrain = 1", "const maxGrain"},
		{"harness/hunt/a.go", "package hunt\nvar Near int", "var Near"},
		{"harness/hunt/crew_test.go", "package hunt", "file crew_test"},
		{"harness/near/a.go", "package near", "package near"},
		{"harness/proxy/a.go", "package proxy\ntype rawLane int", "say epollLane"},
	} {
		t.Run(c.want, func(t *testing.T) {
			found, err := oldNames(fstest.MapFS{c.file: {Data: []byte(c.source)}})
			require.NoError(t, err)
			require.Len(t, found, 1)
			require.Contains(t, found[0], c.want)
		})
	}
	found, err := oldNames(fstest.MapFS{"harness/hunt/a.go": {Data: []byte("package hunt\nfunc nearMiss(settlement, crew int) { grain := 1; _ = grain }")}})
	require.NoError(t, err)
	require.Empty(t, found, "parts of ordinary words, parameters and locals")
}
