// Package advice says what mends a flake of each class, with a sketch of code in
// the suite's language.
//
// It holds words alone. It must never look at a run, and never promise that a
// sketch fits: it shows the shape of the change.
package advice

import (
	_ "embed"
	"slices"
	"strings"
	"sync"

	"github.com/flakehunt/flakehunt/harness"
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

// row is the advice for one class: its sketches, the fittest first.
type row struct {
	text     string
	sketches []string
}

// rows has all classes that code can mend.
var rows = map[harness.Class]row{
	harness.RaceSubscribePublish:   {"Wait for Redis to confirm the subscription before anything is published.", []string{"confirm", "numsub"}},
	harness.RaceMultiSubscriber:    {"Return from a subscribe only when Redis has confirmed the subscription that it relies on.", []string{"confirm", "reserve"}},
	harness.RaceDuplicateSubscribe: {"Reserve the topic before awaiting the confirmation of its subscription.", []string{"reserve"}},
	harness.RaceCheckThenAct:       {"Make look and act one command, or run the transaction again when EXEC returns nil.", []string{"setnx", "watch"}},
	harness.RaceLostUpdate:         {"Let Redis do the arithmetic, or compare and set in one step.", []string{"incr", "cas"}},
	harness.TTLExpiredEarly:        {"Give the key more time than a slow machine can take, or renew it well before it expires.", []string{"longer", "poll"}},
	harness.TTLExpiredLate:         {"Count the wait from the reply to the command that gave the time to live, or poll until the key is gone.", []string{"deadline", "poll"}},
	harness.TTLMissing:             {"Give the time to live with the value, in one command.", []string{"setex"}},
	harness.OrderMessages:          {"Handle the messages of one topic one after another, or number them and put them in order.", []string{"sequence"}},
	harness.OrderCommands:          {"Await the reply to the first command before sending the second.", []string{"await", "poll"}},
	harness.OrderDelivery:          {"Nothing keeps two connections in order: wait for both, and assert after that.", []string{"both", "poll"}},
	harness.OrderServerState:       {"Create the state before the first command that needs it, and bear that it is there already or has gone.", []string{"script"}},
	harness.TimeWallClock:          {"Read the clock once, or compare with a tolerance wider than a second.", []string{"clock"}},
	harness.FormatEnvelope:         {"Agree on one wire form for a channel.", []string{"shape"}},
	harness.IsolationHandler:       {"Catch errors and panics of each handler by itself.", []string{"guard"}},
	harness.IsolationTestLeak:      {"Give each test keys and channels of its own, or clean them before it begins.", []string{"unique"}},
	harness.TimeoutClient:          {"Poll until it is there, with a limit that a slow machine keeps.", []string{"poll"}},
	harness.ConnectionLost:         {"Read the state again after a reconnect, and send again only what may be executed twice.", []string{"again"}},
}

// For gives the advice for a class whose pair has these verbs; lang is "go",
// "ts", "python", "ruby", "php", else all that matters is the text. It reports
// false where no change is known.
func For(class harness.Class, verbs []string, lang string) (Advice, bool) {
	r, ok := rows[class]
	if !ok {
		return Advice{}, false
	}
	a := Advice{Text: r.text}
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
