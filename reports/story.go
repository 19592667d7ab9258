package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/reports/internal/advice"
)

// happened says in one sentence what a finding is, for somebody who has seen
// nothing else.
func happened(f *harness.Finding) string {
	test := "A test"
	if len(f.Tests) > 0 {
		test = lastName(oneLine(f.Tests[0], 300))
	}
	title := strings.TrimSuffix(oneLine(f.Title, 400), ".")
	message := firstWords(f.Failure.Message)
	switch {
	case f.Standing == harness.Latent:
		return fmt.Sprintf("%s passes, and could fail: %s.", test, title)
	case f.Class == harness.Unattributed && (message == "" || title == message || strings.HasPrefix(message, strings.TrimSuffix(title, "…"))):
		return fmt.Sprintf("%s fails with “%s”. What causes it is not proven.", test, orElse(orElse(message, title), "no message"))
	case f.Class == harness.Unattributed:
		return fmt.Sprintf("%s fails with “%s”. What is known: %s.", test, message, title)
	case f.Class == harness.NotRedis:
		return fmt.Sprintf("%s fails with “%s”, and nothing that it says to Redis tells failing runs from passing ones.", test, orElse(message, title))
	case message == "":
		return fmt.Sprintf("%s fails because %s.", test, title)
	}
	return fmt.Sprintf("%s fails with “%s” because %s.", test, message, title)
}

// firstWords is the first line of a message that says something; where it ends in a
// colon, as "Not equal:" does, with the two lines after it.
func firstWords(message string) string {
	var said []string
	for line := range strings.Lines(block(message, 2000)) {
		s := oneLine(line, 160)
		if len(s) <= 2 {
			continue
		}
		said = append(said, s)
		if !strings.HasSuffix(said[0], ":") || len(said) == 3 {
			break
		}
	}
	return strings.TrimSuffix(strings.Join(said, " "), ".")
}

// lastName is what tells a test from others at a glance: its last two parts, of
// a Go test the package's last part and the test.
func lastName(name string) string {
	if i := strings.Index(name, ".Test"); i > 0 {
		return name[strings.LastIndexByte(name[:i], '/')+1:]
	}
	parts := strings.Split(name, "/")
	if len(parts) > 2 {
		name = strings.Join(parts[len(parts)-2:], "/")
	}
	return name
}

// why says what proves the cause, each fact in plain words.
func why(f *harness.Finding) (list []string) {
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	if f.Provoked.N > 0 {
		add("With the schedule it failed %d of %d times.", f.Provoked.K, f.Provoked.N)
	}
	if f.Counter.N > 0 {
		without := "Without the delay"
		if slices.ContainsFunc(f.Schedule.Decisions, func(d harness.Decision) bool { return d.Action != harness.Delay }) {
			without = "Without the hold, or with the order put right,"
		}
		add("%s %d of %d failed.", without, f.Counter.K, f.Counter.N)
	}
	switch {
	case f.Standing == harness.Latent:
		add("Nothing has failed yet.")
	case f.Natural.K > 0:
		add("With nothing injected it failed %d of %d times.", f.Natural.K, f.Natural.N)
	case f.Natural.N > 0:
		add("With nothing injected it failed 0 of %d times: it takes a slow network or a busy machine.", f.Natural.N)
	}
	if f.Standing != harness.Latent && lostConnection(f) {
		add("It takes a lost connection: a delay alone does not do it.")
	}
	return list
}

// replays says what the repro plays.
func replays(f *harness.Finding) (list []string) {
	for i, d := range f.Schedule.Decisions {
		if i == 20 {
			return append(list, fmt.Sprintf("%d more in the finding's file", len(f.Schedule.Decisions)-i))
		}
		list = append(list, decisionWords(d))
	}
	if len(list) == 0 && f.Schedule.Strategy != "" && f.Schedule.Strategy != "none" {
		list = append(list, oneLine(fmt.Sprintf("strategy %s with seed %d", f.Schedule.Strategy, f.Schedule.Seed), 200))
	}
	if len(list) == 0 {
		list = append(list, "nothing is injected: it repeats the test until it fails")
	}
	return list
}

// threshold says where the failure begins; empty: it was not measured.
func threshold(f *harness.Finding) string {
	m := f.Margin
	if m == nil {
		return ""
	}
	edge := oneLine(orElse(m.Edge, frameWords(m.At)), 200)
	switch {
	case m.Ordered:
		return "the program itself keeps the order of " + edge
	case m.Predicted:
		return fmt.Sprintf("reckoned from passing runs: it should fail once %s is %s late", edge, short(m.Size))
	case m.Lo < m.Hi:
		return fmt.Sprintf("it fails once %s is about %s late: %s passed, %s failed", edge, short(m.Size), short(m.Lo), short(m.Hi))
	}
	return fmt.Sprintf("it fails once %s is about %s late", edge, short(m.Size))
}

// needs says what replaying takes beside the command.
func needs(f *harness.Finding) string {
	s := "It needs this run's output directory, or findings/" + oneLine(f.ID, 40) + ".json with its path in place of the name"
	if p := oneLine(f.Redis.Provider, 40); p != "" {
		s += "; Redis (" + p + strings.TrimSuffix(" "+oneLine(f.Redis.Version, 40), " ") + " here, another with --redis)"
	}
	if len(f.Target.Argv) > 0 {
		s += "; and what “" + oneLine(strings.Join(f.Target.Argv, " "), 200) + "” needs, from the directory in which the hunt was run"
	}
	return s + "."
}

// look says what to look at where no cause is known.
func look(f *harness.Finding) (list []string) {
	if f.Class != harness.Unattributed && f.Class != harness.NotRedis {
		return nil
	}
	for _, c := range f.Clues {
		list = append(list, "Goes with the failure: "+oneLine(c, 400)+".")
	}
	if len(f.Schedule.Decisions) > 0 && f.Provoked.K > 0 {
		list = append(list, fmt.Sprintf("The smallest delays that were found to fail it, %d of %d times: %s.", f.Provoked.K, f.Provoked.N, strings.Join(replays(f), "; ")))
	}
	if at := place(f.Failure.Stack); at != "" {
		list = append(list, "It shows at "+at+". What does that line take for granted: a time, an order, a value that another test or run left?")
	}
	if f.Natural.K > 0 && f.Natural.K == f.Natural.N {
		list = append(list, "It failed every time with nothing injected: it is broken rather than flaky.")
	}
	if len(f.Clues) == 0 && f.Class == harness.Unattributed {
		list = append(list, "No command or order was seen to go with it: more trials (--trials) give the comparison more to work with; a clock, a random value or a goroutine of the test's own may be what differs.")
	}
	return list
}

// place is the first place in source that a stack names.
func place(stack string) string {
	for line := range strings.Lines(block(stack, 4000)) {
		for _, word := range strings.Fields(line) {
			if i := strings.Index(word, ":"); i > 0 && strings.Contains(word[:i], ".") && len(word) > i+1 && word[i+1] >= '0' && word[i+1] <= '9' {
				return oneLine(strings.TrimRight(word, ":,)"), 200)
			}
		}
	}
	return ""
}

// change is what mends a finding, in the language of its test.
func change(r *harness.Result, f *harness.Finding) *advice.Advice {
	file := ""
	for i := range r.Tests {
		if slices.Contains(f.Tests, r.Tests[i].Name) {
			file = cmp.Or(file, r.Tests[i].File)
		}
	}
	var verbs []string
	for _, p := range f.Pair {
		verbs = append(verbs, strings.ToUpper(p.Verb))
	}
	a, ok := advice.For(f.Class, verbs, advice.Lang(f.Target, file))
	if !ok {
		return nil
	}
	return &a
}

// Verify is the command that says whether a finding is mended.
func Verify(id string) string { return "flakehunt verify " + shellWord(id) }
