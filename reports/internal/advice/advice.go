// Package advice says what mends a flake of each class, with a sketch of code in
// the suite's language.
//
// It holds words alone. It must never look at a run, and never promise that a
// sketch fits: it shows the shape of the change.
package advice

import (
	"cmp"
	_ "embed"
	"slices"
	"strings"
	"sync"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
)

//go:embed sketches.txt
var source string

// Sketch is a few lines of code that show a change.
type Sketch struct{ Name, Title, Lang, Code string }

// Advice is what mends a flake.
type Advice struct {
	Text     string // one sentence
	Sketches []Sketch
}

// row is the code for one class: its sketches, the fittest first. The words are
// its detector's.
type row struct {
	text     string // of a class without a detector
	sketches []string
}

// rows has all classes that code can mend.
var rows = map[harness.Class]row{
	harness.RaceSubscribePublish:   {sketches: []string{"confirm", "numsub"}},
	harness.RaceMultiSubscriber:    {sketches: []string{"confirm", "reserve"}},
	harness.RaceDuplicateSubscribe: {sketches: []string{"reserve"}},
	harness.RaceCheckThenAct:       {sketches: []string{"setnx", "watch"}},
	harness.RaceLostUpdate:         {sketches: []string{"incr", "cas"}},
	harness.TTLExpiredEarly:        {sketches: []string{"longer", "poll"}},
	harness.TTLExpiredLate:         {sketches: []string{"deadline", "poll"}},
	harness.TTLMissing:             {sketches: []string{"setex"}},
	harness.OrderMessages:          {sketches: []string{"sequence"}},
	harness.OrderCommands:          {sketches: []string{"await", "poll"}},
	harness.OrderDelivery:          {"Nothing keeps two connections in order: wait for both, and assert after that.", []string{"both", "poll"}},
	harness.OrderServerState:       {sketches: []string{"script"}},
	harness.TimeWallClock:          {"Read the clock once, or compare with a tolerance wider than a second.", []string{"clock"}},
	harness.FormatEnvelope:         {sketches: []string{"shape"}},
	harness.IsolationHandler:       {sketches: []string{"guard"}},
	harness.IsolationTestLeak:      {sketches: []string{"unique"}},
	harness.TimeoutClient:          {sketches: []string{"poll"}},
	harness.ConnectionLost:         {sketches: []string{"again"}},
}

// For gives the advice for a class whose pair has these verbs; lang is "go",
// "ts", "python", "ruby", "php", else all that matters is the text. It reports
// false where no change is known.
func For(class harness.Class, verbs []string, lang string) (Advice, bool) {
	d, _ := detect.Of(class)
	r := rows[class]
	a := Advice{Text: cmp.Or(r.text, d.Advice)}
	if a.Text == "" {
		return Advice{}, false
	}
	for _, name := range append(byVerb(class, verbs), r.sketches...) {
		if s, ok := parsed()[name+"/"+lang]; ok && len(a.Sketches) < 2 {
			a.Sketches = append(a.Sketches, s)
		}
	}
	return a, true
}

// byVerb gives the sketches that the commands ask for before those of the class.
func byVerb(class harness.Class, verbs []string) (names []string) {
	if class != harness.OrderCommands && class != harness.OrderServerState && class != harness.OrderDelivery && class != harness.TimeoutClient {
		return nil
	}
	has := func(v string) bool { return slices.Contains(verbs, v) }
	switch {
	case has("XGROUP") || has("XREADGROUP"):
		return []string{"xgroup"}
	case has("XREAD"):
		return []string{"xid"}
	}
	return nil
}

// Langs are those that each sketch is written in.
func Langs() []string { return []string{"go", "ts", "python", "ruby", "php"} }

// parsed holds the sketches by name and language.
var parsed = sync.OnceValue(func() map[string]Sketch {
	all := map[string]Sketch{}
	var now Sketch
	var code []string
	end := func() {
		if now.Lang != "" {
			now.Code = strings.Join(code, "\n")
			all[now.Name+"/"+now.Lang] = now
		}
		code, now.Lang = nil, ""
	}
	for line := range strings.Lines(source) {
		line = strings.TrimSuffix(line, "\n")
		if head, ok := strings.CutPrefix(line, "== "); ok {
			end()
			name, title, _ := strings.Cut(head, " | ")
			now = Sketch{Name: name, Title: title}
		} else if lang, ok := strings.CutPrefix(line, "-- "); ok {
			end()
			now.Lang = lang
		} else {
			code = append(code, line)
		}
	}
	end()
	return all
})

// Lang is the language of a target's tests; file is one of theirs, "" if none is
// known. "" if it cannot be told.
func Lang(t harness.Target, file string) string {
	switch t.Kind {
	case harness.ShippedTarget, harness.GoTestTarget:
		return "go"
	case harness.SuiteTarget:
		switch t.Runner {
		case "pytest":
			return "python"
		case "rspec":
			return "ruby"
		case "phpunit":
			return "php"
		}
		return "ts"
	}
	for _, s := range []struct{ suffix, lang string }{
		{".go", "go"}, {".py", "python"}, {".rb", "ruby"}, {".php", "php"}, {".ts", "ts"}, {".js", "ts"}, {".mjs", "ts"}, {".cjs", "ts"}, {".tsx", "ts"},
	} {
		if strings.HasSuffix(file, s.suffix) {
			return s.lang
		}
	}
	return ""
}
