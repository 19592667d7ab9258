// Package sample builds results such as runs leave behind, for the tests of
// reports: clean, flaky, broken, infrastructure, interrupted, hostile, large.
//
// Every value is fixed, so that golden files stay the same. It must never be
// imported by anything but tests.
package sample

import (
	"fmt"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// Named is a result with the name of its golden files.
type Named struct {
	Name   string
	Result *harness.Result
}

// All returns every sample that has golden files.
func All() []Named {
	return []Named{
		{"clean", Clean()}, {"flaky", Flaky()}, {"broken", Broken()}, {"infra", Infra()},
		{"interrupted", Interrupted()}, {"died", Died()}, {"undecided", Undecided()}, {"hostile", Hostile()}, {"empty", Empty()},
	}
}

// Start is when every sample began.
var Start = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)

const ms = harness.Duration(time.Millisecond)

func base() *harness.Result {
	return &harness.Result{
		Version: harness.ResultVersion, Tool: "flakehunt 0.1.0", Started: Start, Finished: Start.Add(74 * time.Second),
		Seed: 18446744073709551557, Strategy: "directed",
		Target:  harness.Target{Kind: harness.ShippedTarget, Suites: []string{"smoke", "integration"}, Variant: "hardened", Waits: "hardened"},
		Redis:   harness.RedisInfo{Provider: "server", Version: "7.0.15", Real: true, Note: "redis-server on PATH; Docker is not running"},
		Machine: harness.Machine{OS: "linux", Arch: "amd64", CPUs: 2, Go: "go1.26.0", TimerP50: ms / 10, TimerP99: 2 * ms, TimerMax: 11 * ms},
		Workers: 8, TrialsAsked: 20, TrialsDone: 20, PointsShared: 0.97,
		Meta: map[string]string{"branch": "main", "commit": "4f1c2d9"},
	}
}

// category is one row of the shipped suites' table.
type category struct {
	suite, name, slug string
	n                 int
}

var categories = []category{
	{"smoke", "bootstrap and container", "bootstrap", 3}, {"smoke", "pub/sub messaging", "pubsub", 2},
	{"smoke", "KV store (get/set, TTL, counter)", "kv", 3}, {"smoke", "listener readiness", "listener", 2},
	{"integration", "message bus (pub/sub)", "bus", 4}, {"integration", "KV store (get/set/del, TTL, CAS, counters)", "kv", 6},
	{"integration", "idempotency (dedup, TTL expiry)", "idempotency", 4}, {"integration", "message ordering", "ordering", 4},
}

func stable(id harness.TestID, runs int, p50 harness.Duration) harness.TestResult {
	return harness.TestResult{
		TestID: id, Status: harness.Stable, Runs: runs, RateHi: 0.168433, Excludes: 0.139108,
		Strip: strings.Repeat(".", runs), P50: p50, P99: p50 * 3,
	}
}

func tests() []harness.TestResult {
	var list []harness.TestResult
	for _, c := range categories {
		for i := range c.n {
			id := harness.TestID{
				Name: fmt.Sprintf("%s/%s/case-%d", c.suite, c.slug, i+1), Suite: c.suite, Category: c.name,
				File: fmt.Sprintf("scenarios/%s/%s.go", c.suite, c.slug), Line: 20 + 17*i,
			}
			list = append(list, stable(id, 20, harness.Duration(3+11*i+len(c.slug))*ms))
		}
	}
	return list
}

// Clean is a run without a failure.
func Clean() *harness.Result {
	r := base()
	r.Tests = tests()
	r.Coverage = &harness.Coverage{Seen: 214, Both: 171, Blocked: 38, Missed: 5}
	r.Margins = []harness.Margin{
		{Test: "smoke/kv/case-2", Edge: "GET session", Size: 1000 * ms, Predicted: true},
		{Test: "integration/kv/case-3", Edge: "second GET session", Ordered: true},
	}
	return r
}

// Empty is a run in which nothing could start.
func Empty() *harness.Result {
	r := base()
	r.TrialsDone, r.Exit = 0, 3
	r.Infra = []harness.InfraFailure{{What: "start", Err: "pull redis:7-alpine: no route to host"}}
	return r
}

// Broken has a test that always fails, in two ways, and one that races on memory.
func Broken() *harness.Result {
	r := base()
	r.Exit = 1
	r.Target = harness.Target{Kind: harness.GoTestTarget, Argv: []string{"go", "test", "-run", "TestIt's fine|TestB", "./..."}}
	id := func(name string) harness.TestID {
		return harness.TestID{Name: "example.com/shop/cart." + name, Suite: "example.com/shop/cart", File: "cart/cart_test.go", Line: 41}
	}
	broken := harness.TestResult{
		TestID: id("TestCheckout/with_coupon"), Status: harness.Broken, Runs: 20, Failures: 20, Rate: 1, RateLo: 0.831567, RateHi: 1,
		Strip: strings.Repeat("F", 20), P50: 48 * ms, P99: 61 * ms,
		Groups: []harness.FailureGroup{
			{Failure: harness.Failure{Kind: harness.AssertionFailure, Message: "total: want 90, got 100", Stack: "cart_test.go:57\ncart_test.go:41", Fingerprint: "aaaa000011112222"},
				Count: 19, Trials: []int{1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}, Arm: harness.Survey, First: Start, Time: 48 * ms, Output: "applying coupon SPRING\n"},
			{Failure: harness.Failure{Kind: harness.PanicFailure, Message: "runtime error: invalid memory address or nil pointer dereference", Stack: "cart.go:12\ncart_test.go:44"},
				Count: 1, Trials: []int{5}, Arm: harness.Survey, First: Start.Add(9 * time.Second), Time: 12 * ms},
		},
	}
	race := harness.TestResult{
		TestID: id("TestConcurrentAdd"), Status: harness.Flaky, Runs: 20, Failures: 1, Rate: 0.05, RateLo: 0.001265, RateHi: 0.248733,
		Strip: strings.Repeat(".", 7) + "F" + strings.Repeat(".", 12), P50: 8 * ms, P99: 20 * ms, Cause: harness.NotRedis,
		Groups: []harness.FailureGroup{{Failure: harness.Failure{Kind: harness.DataRace, Message: "WARNING: DATA RACE", Stack: "cart.go:88\ncart.go:91"}, Count: 1, Trials: []int{8}, Arm: harness.Survey, First: Start}},
	}
	skipped := harness.TestResult{TestID: id("TestLive"), Status: harness.StatusSkipped, Skips: 20, Strip: strings.Repeat("s", 20)}
	ok := stable(id("TestEmpty"), 20, ms)
	r.Tests = []harness.TestResult{ok, broken, race, skipped}
	return r
}

// Infra is a run in which Redis died in the middle.
func Infra() *harness.Result {
	r := base()
	r.Exit = 3
	r.Redis = harness.RedisInfo{Provider: "container", Version: "7.4.1", Image: "redis:7-alpine", Real: true}
	r.Tests = tests()
	for i := range r.Tests {
		t := &r.Tests[i]
		if i%7 == 3 {
			*t = harness.TestResult{TestID: t.TestID, Status: harness.StatusInfra, Infra: 20, Strip: strings.Repeat("i", 20)}
		} else {
			t.Infra, t.Runs, t.Excludes, t.RateHi = 3, 17, 0.161566, 0.195064
			t.Strip = strings.Repeat(".", 17) + "iii"
		}
	}
	r.Infra = []harness.InfraFailure{
		{What: "redis died", Err: "container 3f2a exited with 137 (killed: out of memory)"},
		{What: "proxy", Err: "accept: too many open files; raise the limit with ulimit -n"},
	}
	r.Warnings = []string{"this machine's timers ran up to 412ms late: failures of that size say little of the tests"}
	return r
}

// Interrupted is a run that was stopped, on an imitation of Redis.
func Interrupted() *harness.Result {
	r := base()
	r.Exit, r.Interrupted, r.TrialsDone = 130, true, 3
	r.Redis = harness.RedisInfo{Provider: "embedded", Version: "miniredis 2.40", Note: "no Docker, no redis-server on PATH"}
	r.Tests = tests()
	for i := range r.Tests {
		t := &r.Tests[i]
		t.Status, t.Runs, t.RateHi, t.Excludes, t.Strip = harness.Undecided, 3, 0.707598, 0.631597, "..."
	}
	return r
}

// Died is a run whose Redis was killed after the first of thirty trials: every
// test had passed until then.
func Died() *harness.Result {
	r := base()
	r.Exit, r.TrialsAsked, r.TrialsDone = 3, 30, 1
	r.Tests = tests()
	for i := range r.Tests {
		t := &r.Tests[i]
		t.Runs, t.RateHi, t.Excludes, t.Strip = 1, 0.975, 0.95, "."
	}
	for i := range 6 {
		r.Infra = append(r.Infra, harness.InfraFailure{What: fmt.Sprintf("trial %d of smoke", i+2), Err: "redis died: signal: killed"})
	}
	return r
}

// Undecided is a run that was to decide on each test, and did not on some.
func Undecided() *harness.Result {
	r := base()
	r.Exit = 4
	r.Tests = tests()
	for i := range r.Tests {
		t := &r.Tests[i]
		t.Decided = "stable: fails in less than 1 %, decided after 20"
		if i%9 == 2 {
			t.Status, t.Decided = harness.Undecided, "undecided after 20"
		}
	}
	return r
}
