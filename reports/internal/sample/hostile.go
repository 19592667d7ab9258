package sample

import (
	"fmt"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
)

// Evil is text that tries to break out of every format: markup, XML and CDATA
// ends, control characters, invalid UTF-8, terminal escapes that set a title or
// clear the screen, marks that reverse text, Markdown and workflow commands.
const Evil = "<script>alert(1)</script>]]>&\"'`|\x00\x01\x1b[31mred\x1b[2J\x1b]0;title\x07\xff\xfe\x80\u202egnp.exe\u2028\ufffe" +
	"\r\n::error::owned\n# h\n| a | b |\n![x](https://example.invalid/x.png) <img src=x onerror=alert(2)> @everyone --> {{.}} ${x} `` ``` \x9b31m"

// Hostile has Evil in every field that a test or a user may fill.
func Hostile() *harness.Result {
	r := base()
	r.Exit = 1
	r.Tool, r.Strategy = "flakehunt "+Evil, Evil
	r.Params = map[string]string{Evil: Evil}
	r.Meta = map[string]string{Evil: Evil, "javascript": "javascript:alert(3)", "ci": "github", "ci_url": "https://forge.invalid/" + Evil + "/actions/runs/1", "commit": "0123abc"}
	r.Redis = harness.RedisInfo{Provider: "url", Version: Evil, Image: Evil, Address: Evil, Note: Evil}
	r.Machine.OS, r.Machine.Go = Evil, Evil
	r.Target = harness.Target{Kind: harness.CommandTarget, Argv: []string{"sh", "-c", Evil}, JUnit: Evil, Env: []string{Evil}, Run: Evil}
	r.Shard = Evil
	wire := []harness.Line{
		{At: ms, Role: Evil, Dir: Evil, Text: Evil, Note: Evil, Suspect: true, Delayed: ms, Call: &harness.Call{File: Evil, Line: 3}}, {At: ms, Role: "\x00", Dir: "<", Text: strings.Repeat("w", 1<<16)},
	}
	for i := range 12 { // more roles than lanes
		wire = append(wire, harness.Line{At: harness.Duration(i) * ms, Role: fmt.Sprintf("r%d", i), Dir: ">", Text: "PING"})
	}
	margin := &harness.Margin{Test: Evil, Edge: Evil, At: harness.Point{Role: Evil, Verb: Evil, Key: Evil, N: 1}, Size: 5 * ms, Lo: 4 * ms, Hi: 5 * ms}
	fail := harness.Failure{Kind: harness.FailureKind(Evil), Message: Evil, Stack: Evil}
	long := strings.Repeat("a long message "+"<b>\x00\xff\n", 1<<20/20)
	r.Findings = []harness.Finding{{
		Version: 1, ID: "F-" + Evil, Class: harness.Class(Evil), Standing: harness.Standing(Evil), Title: Evil, Explanation: Evil,
		Tests: []string{Evil}, Failure: fail, Margin: margin, Timeline: wire, Provoked: harness.Count{K: 1, N: 1}, Warnings: []string{Evil},
		Source:   []harness.Snippet{{Call: harness.Call{File: Evil, Line: 3}, First: 1, Lines: []string{Evil, "", "\t" + Evil, "\x00\xff"}}},
		Schedule: harness.Schedule{Strategy: Evil, Decisions: []harness.Decision{{Test: Evil, At: margin.At, Action: harness.Action(Evil)}}},
	}}
	id := harness.TestID{Name: Evil, Suite: Evil, Category: Evil, File: Evil, Line: 7}
	evil := harness.TestResult{
		TestID: id, Status: harness.Flaky, Runs: 20, Failures: 3, Rate: 0.15, RateLo: 0.032071, RateHi: 0.378927, Strip: "<F>.\x00F'F" + strings.Repeat(".", 12),
		Groups: []harness.FailureGroup{
			{Failure: fail, Count: 2, Trials: []int{1, 2}, Arm: harness.Arm(Evil), Cause: harness.Class(Evil), Finding: "F-" + Evil, Output: Evil, Wire: wire},
			{Failure: harness.Failure{Kind: harness.PanicFailure, Message: long, Stack: long}, Count: 1, Output: long},
		},
		Cause: harness.Class(Evil), Findings: []string{Evil}, Margin: margin, Decided: Evil, Warnings: []string{Evil},
	}
	broken := evil
	broken.Groups = evil.Groups[:1] // once a megabyte is enough
	broken.Name, broken.Status, broken.Failures, broken.Rate = Evil+" broken", harness.Broken, 20, 1
	odd := broken
	odd.Name, odd.Status = strings.Repeat("long-name/", 200)+"end", harness.Status(Evil)
	r.Tests = []harness.TestResult{evil, broken, odd, {TestID: harness.TestID{Name: ""}, Status: harness.StatusInfra}}
	r.Margins = []harness.Margin{*margin}
	r.Expectations = []harness.Expectation{{Topic: Evil, Expects: Evil, Implementation: Evil, Gap: Evil, Tests: []string{Evil}}}
	r.Infra = []harness.InfraFailure{{What: Evil, Err: Evil}}
	r.Warnings = []string{Evil, long}
	return r
}

// Large is a run of n tests with trials trials each, every tenth of them flaky.
func Large(n, trials int) *harness.Result {
	r := base()
	r.TrialsAsked, r.TrialsDone = trials, trials
	for i := range n {
		id := harness.TestID{Name: fmt.Sprintf("example.com/big/pkg%d.TestNumber%04d", i/50, i), Suite: fmt.Sprintf("example.com/big/pkg%d", i/50), File: "big_test.go", Line: i + 1}
		t := stable(id, trials, harness.Duration(i%90+1)*ms)
		if i%10 == 0 {
			strip := []byte(t.Strip)
			for j := i % 7; j < len(strip); j += 9 {
				strip[j] = 'F'
				t.Failures++
			}
			t.Strip, t.Status, t.Excludes = string(strip), harness.Flaky, 0
			t.Rate = float64(t.Failures) / float64(trials)
			t.RateLo, t.RateHi = t.Rate/2, min(1, t.Rate*2)
			t.Groups = []harness.FailureGroup{{Failure: harness.Failure{Kind: harness.AssertionFailure, Message: "received 0 of 1 message within 150ms"}, Count: t.Failures, Arm: harness.Survey, Wire: listenerWire()}}
		}
		r.Tests = append(r.Tests, t)
	}
	return r
}
