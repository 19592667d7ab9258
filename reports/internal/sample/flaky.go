package sample

import (
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// Flaky is a run of the faulty variant: findings of each standing, margins, the table of expectations.
func Flaky() *harness.Result {
	r := base()
	r.Exit = 1
	r.Strategy, r.Seed, r.TrialsAsked, r.TrialsDone = "latency", 1, 30, 30
	r.Params = map[string]string{"latency": "60ms", "jitter": "60ms"}
	r.Target.Variant, r.Target.Waits = "as-described", "fixed"
	r.Tests = tests()
	for i := range r.Tests {
		t := &r.Tests[i]
		t.Runs, t.RateHi, t.Excludes, t.Strip = 30, 0.115703, 0.095034, strings.Repeat(".", 30)
	}
	listener := harness.Finding{
		Version: harness.FindingVersion, ID: "F-1c9a40e2", Fingerprint: "1c9a40e2d1f07788", Class: harness.RaceSubscribePublish, Standing: harness.Natural,
		Title:       "PUBLISH reached Redis before the PSUBSCRIBE that should have received it",
		Explanation: "Redis keeps no message for later subscribers: PUBLISH returned 0 receivers, since PSUBSCRIBE * was confirmed 71 ms afterwards.\nThe listener is started in the background and nobody waits for its confirmation. Let Subscribe return only when the reply of PSUBSCRIBE has come.",
		Tests:       []string{"smoke/listener/case-1", "integration/bus/case-2"}, Target: r.Target,
		Schedule: harness.Schedule{Version: 1, Strategy: "replay", Seed: 1, Decisions: []harness.Decision{
			{Test: "smoke/listener/case-1", At: harness.Point{Role: "sub", Verb: "PSUBSCRIBE", Key: "*", N: 1}, Action: harness.Hold, Until: harness.Point{Role: "pub", Verb: "PUBLISH", Key: "orders", N: 1}},
		}},
		Seed: 1, Failure: harness.Failure{Kind: harness.AssertionFailure, Message: "received 0 of 1 message within 150ms", Stack: "listener.go:37"},
		Natural: harness.Count{K: 11, N: 30}, Provoked: harness.Count{K: 10, N: 10}, Counter: harness.Count{K: 0, N: 10},
		Margin:   &harness.Margin{Test: "smoke/listener/case-1", Edge: "PSUBSCRIBE * before PUBLISH orders", At: harness.Point{Role: "sub", Verb: "PSUBSCRIBE", Key: "*", N: 1}, Size: 3 * ms / 2, Lo: ms, Hi: 3 * ms / 2},
		Timeline: listenerWire(), Passing: &harness.Passing{Trial: 7, Arm: harness.Survey, Timeline: listenerPass()},
		Source: listenerSource(), Redis: r.Redis, Machine: r.Machine, Found: Start.Add(4 * time.Second),
	}
	lost := harness.Finding{
		Version: harness.FindingVersion, ID: "F-77b0d3fa", Fingerprint: "77b0d3fa00aa11bb", Class: harness.RaceLostUpdate, Standing: harness.Provoked,
		Title:       "two clients read counter:visits, then both wrote 1: one increment is lost",
		Explanation: "GET and SET are two steps; another actor's SET came between. INCR does both in one.",
		Tests:       []string{"integration/kv/case-5"}, Target: r.Target,
		Schedule: harness.Schedule{Version: 1, Strategy: "replay", Seed: 1, Decisions: []harness.Decision{
			{At: harness.Point{Role: "kv", Verb: "SET", Key: "counter:visits", N: 1}, Action: harness.Delay, Delay: 8 * ms},
		}},
		Seed: 1, Failure: harness.Failure{Kind: harness.AssertionFailure, Message: "counter: want 2, got 1"},
		Natural: harness.Count{K: 0, N: 30}, Provoked: harness.Count{K: 9, N: 10}, Counter: harness.Count{K: 0, N: 10},
		Margin: &harness.Margin{Test: "integration/kv/case-5", Edge: "SET counter:visits", Size: 8 * ms, Lo: 7 * ms, Hi: 8 * ms},
		Timeline: []harness.Line{
			{At: 2 * ms, Role: "kv", Dir: ">", Text: "GET counter:visits", Suspect: true}, {At: 5 * ms / 2, Role: "kv2", Dir: ">", Text: "GET counter:visits", Suspect: true},
			{At: 13 * ms / 5, Role: "kv", Dir: "<", Text: "(nil)"}, {At: 14 * ms / 5, Role: "kv2", Dir: "<", Text: "(nil)"},
			{At: 33 * ms / 10, Role: "kv2", Dir: ">", Text: "SET counter:visits 1", Suspect: true}, {At: 36 * ms / 10, Role: "kv2", Dir: "<", Text: "OK"},
			{At: 11 * ms, Role: "kv", Dir: ">", Text: "SET counter:visits 1", Suspect: true, Delayed: 8 * ms, Note: "overwrites the other's value"}, {At: 12 * ms, Role: "kv", Dir: "<", Text: "OK"},
		},
		Redis: r.Redis, Machine: r.Machine, Found: Start.Add(40 * time.Second),
	}
	ttl := harness.Finding{
		Version: harness.FindingVersion, ID: "F-0d5e6c21", Fingerprint: "0d5e6c2144556677", Class: harness.TTLExpiredEarly, Standing: harness.Latent,
		Title:       "GET session relies on a TTL of 1 s with 940 ms left to spare",
		Explanation: "Fails when more than the TTL passes between SET and the first GET. The second read is ordered by the program: the sleep starts after the reply of SET.",
		Tests:       []string{"smoke/kv/case-2"}, Target: r.Target, Schedule: harness.Schedule{Version: 1, Strategy: "none"}, Seed: 1,
		Margin: &harness.Margin{Test: "smoke/kv/case-2", Edge: "GET session", Size: 940 * ms, Predicted: true},
		Redis:  r.Redis, Machine: r.Machine, Found: Start, Warnings: []string{"not provoked: the delay that it needs is longer than the longest allowed"},
	}
	r.Findings = []harness.Finding{listener, lost, ttl}
	for i := range r.Tests {
		t := &r.Tests[i]
		switch t.Name {
		case "smoke/listener/case-1":
			flaky(t, 11, "..F.FF..F...F.F..F.F...F..F.F.")
			t.Cause, t.Findings, t.Margin = listener.Class, []string{listener.ID}, listener.Margin
			t.Groups = []harness.FailureGroup{
				{Failure: listener.Failure, Count: 10, Trials: []int{3, 5, 6, 9, 13, 15, 18, 20, 24, 27}, Arm: harness.Explore, Cause: listener.Class, Finding: listener.ID, First: Start.Add(4 * time.Second), Time: 163 * ms, Output: "level=INFO msg=subscribed topic=orders\n", Wire: listenerWire()},
				{Failure: harness.Failure{Kind: harness.TimeoutFailure, Message: "deadline of 10s passed"}, Count: 1, Trials: []int{29}, Arm: harness.Explore, First: Start.Add(60 * time.Second), Time: 10000 * ms},
			}
			t.Decided = "flaky after 6 trials (SPRT, 0.1 % against 5 %)"
		case "integration/bus/case-2":
			flaky(t, 2, "........F..............F......")
			t.Cause, t.Findings = listener.Class, []string{listener.ID}
			t.Groups = []harness.FailureGroup{{Failure: harness.Failure{Kind: harness.AssertionFailure, Message: "handler B missed the first message", Stack: "bus.go:88"}, Count: 2, Trials: []int{9, 24}, Arm: harness.Explore, Finding: listener.ID, First: Start.Add(12 * time.Second), Time: 210 * ms, Wire: listenerWire()}}
			t.Warnings = []string{"timers ran 31ms late in trial 24"}
			t.TimerLag = 31 * ms
		case "integration/kv/case-5": // failed only when provoked
			t.Status, t.Provoked, t.Cause, t.Findings, t.Margin = harness.Flaky, lost.Provoked, lost.Class, []string{lost.ID}, lost.Margin
		case "smoke/kv/case-2":
			t.Findings, t.Margin = []string{ttl.ID}, ttl.Margin
		}
	}
	r.Margins = []harness.Margin{
		*listener.Margin, *lost.Margin,
		{Test: "integration/ordering/case-3", Edge: "PUBLISH orders #2 before PUBLISH orders #3", Size: 41 * ms, Lo: 40 * ms, Hi: 41 * ms},
		*ttl.Margin, {Test: "smoke/kv/case-2", Edge: "second GET session", Ordered: true},
	}
	r.Coverage = &harness.Coverage{Seen: 96, Both: 61, Blocked: 27, Missed: 8}
	r.Expectations = []harness.Expectation{
		{Topic: "listener ready", Expects: "a message published right after Subscribe arrives", Implementation: "starts PSUBSCRIBE in the background and returns at once", Gap: "fails when PSUBSCRIBE is 1.5 ms late", Tests: []string{"smoke/listener/case-1", "integration/bus/case-2"}},
		{Topic: "TTL expiry", Expects: "the key is there at first, gone after 1.1 s", Implementation: "SET with PX, awaited", Gap: "940 ms on the first read; the second is ordered by the program", Tests: []string{"smoke/kv/case-2"}},
		{Topic: "message order", Expects: "handlers see publish order", Implementation: "handlers of successive messages run concurrently", Gap: "fails when one handler is 41 ms late"},
	}
	r.Warnings = []string{"2 of 600 trials ran on timers more than 25ms late"}
	return r
}

func flaky(t *harness.TestResult, failures int, strip string) {
	t.Status, t.Failures, t.Strip, t.Excludes = harness.Flaky, failures, strip, 0
	t.Rate = float64(failures) / 30
	t.RateLo, t.RateHi = t.Rate*0.55, min(1, t.Rate*1.55)
	t.P50, t.P99 = 48*ms, 212*ms
}

// subscribes and publishes are the code of the two.
var (
	subscribes = &harness.Call{File: "bus/listener.go", Line: 31}
	publishes  = &harness.Call{File: "bus/listener_test.go", Line: 18}
)

func listenerSource() []harness.Snippet {
	return []harness.Snippet{
		{Call: *publishes, First: 16, Lines: []string{"\tl := Listen(client)", "\tdefer l.Close()", "\tif err := bus.Publish(ctx, \"orders\", order(1)); err != nil {", "\t\tt.Fatal(err)", "\t}"}},
		{Call: *subscribes, First: 29, Lines: []string{"func (l *Listener) run(ctx context.Context) {", "\tdefer close(l.done)", "\tsub := l.client.PSubscribe(ctx, \"*\")", "\tfor m := range sub.Channel() {", "\t\tl.take(m)"}},
	}
}

func listenerWire() []harness.Line {
	return []harness.Line{
		{At: ms / 2, Role: "hs", Dir: ">", Text: "CLIENT SETNAME suite-sub"}, {At: ms, Role: "hs", Dir: "<", Text: "OK"},
		{At: 2 * ms, Role: "kv", Dir: ">", Text: `SET test:session "{\"user\":7}" PX 1000`}, {At: 5 * ms / 2, Role: "kv", Dir: "<", Text: "OK"},
		{At: 3 * ms, Role: "pub", Dir: ">", Text: `PUBLISH orders {"msg":{"id":"{uuid}","type":"order.created","payload":{"n":1}}}`, Suspect: true, Call: publishes},
		{At: 4 * ms, Role: "pub", Dir: "<", Text: "0", Note: "no subscriber"},
		{At: 73 * ms, Role: "sub", Dir: ">", Text: "PSUBSCRIBE *", Note: "should have come first", Suspect: true, Delayed: 143 * ms / 2, Call: subscribes}, {At: 74 * ms, Role: "sub", Dir: "<", Text: "psubscribe * 1"},
		{At: 74 * ms, Text: "… 3 more frames"}, {At: 154 * ms, Role: "kv", Dir: ">", Text: "DEL test:session"}, {At: 155 * ms, Role: "kv", Dir: "<", Text: "1"},
	}
}

// listenerPass is the same test when it passes: the subscription came first.
func listenerPass() []harness.Line {
	return []harness.Line{
		{At: ms / 2, Role: "hs", Dir: ">", Text: "CLIENT SETNAME suite-sub"}, {At: ms, Role: "hs", Dir: "<", Text: "OK"},
		{At: 8 * ms / 5, Role: "sub", Dir: ">", Text: "PSUBSCRIBE *", Suspect: true, Call: subscribes}, {At: 2 * ms, Role: "sub", Dir: "<", Text: "psubscribe * 1"},
		{At: 21 * ms / 10, Role: "kv", Dir: ">", Text: `SET test:session "{\"user\":7}" PX 1000`}, {At: 5 * ms / 2, Role: "kv", Dir: "<", Text: "OK"},
		{At: 3 * ms, Role: "pub", Dir: ">", Text: `PUBLISH orders {"msg":{"id":"{uuid}","type":"order.created","payload":{"n":1}}}`, Suspect: true, Call: publishes},
		{At: 7 * ms / 2, Role: "pub", Dir: "<", Text: "1"}, {At: 18 * ms / 5, Role: "sub", Dir: "<", Text: `pmessage * orders {"msg":{"id":"{uuid}"}}`},
		{At: 54 * ms, Role: "kv", Dir: ">", Text: "DEL test:session"}, {At: 55 * ms, Role: "kv", Dir: "<", Text: "1"},
	}
}
