package finding

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/flakehunt/flakehunt/harness"
)

func point(role, verb, key string) harness.Point {
	return harness.Point{Role: role, Verb: verb, Key: key, N: 3}
}

func failure(message, stack string) *harness.Failure {
	return &harness.Failure{Kind: harness.AssertionFailure, Message: message, Stack: stack}
}

// Each case is one that shared an ID or bore two.
func TestIdentity(t *testing.T) {
	test := func(name string) harness.TestID { return harness.TestID{Name: name} }
	for _, c := range []struct {
		name string
		a, b Identity
		same bool
	}{
		{"other ids in the keys", IdentityOf(harness.RaceCheckThenAct, point("kv", "SET", "bull:8f14e45fceea:lock"), point("kv", "GET", "bull:8f14e45fceea:lock"), test("a"), failure("x", "")),
			IdentityOf(harness.RaceCheckThenAct, point("kv", "SET", "bull:c9f0f895fb98:lock"), point("kv", "GET", "bull:c9f0f895fb98:lock"), test("a"), failure("x", "")), true},
		{"another connection of the pool, another ordinal", IdentityOf(harness.OrderCommands, point("kv2", "SET", "k"), point("kv", "GET", "k"), test("a"), failure("x", "")),
			IdentityOf(harness.OrderCommands, harness.Point{Role: "kv7", Verb: "SET", Key: "k", N: 9}, point("kv", "GET", "k"), test("a"), failure("x", "")), true},
		{"nine flakes of one project: another key", IdentityOf(harness.ConnectionLost, point("kv", "XREAD", "jobs"), harness.Point{}, test("a"), failure("x", "worker.test.ts:41:7")),
			IdentityOf(harness.ConnectionLost, point("kv", "XREAD", "events"), harness.Point{}, test("a"), failure("x", "worker.test.ts:41:7")), false},
		{"nine flakes of one project: another place", IdentityOf(harness.ConnectionLost, point("kv", "XREAD", "jobs"), harness.Point{}, test("a"), failure("x", "at worker.test.ts:41:7")),
			IdentityOf(harness.ConnectionLost, point("kv", "XREAD", "jobs"), harness.Point{}, test("b"), failure("x", "at worker.test.ts:90:7")), false},
		{"two messages of one line", IdentityOf(harness.Unattributed, harness.Point{}, harness.Point{}, test("a"), failure("expected 3", "test_q.py:12: AssertionError")),
			IdentityOf(harness.Unattributed, harness.Point{}, harness.Point{}, test("a"), failure("list index out of range", "test_q.py:12: IndexError")), true},
		{"assert 1 == 0 and assert 16 == 20 of two tests", IdentityOf(harness.Unattributed, harness.Point{}, harness.Point{}, test("test_a"), failure("assert 1 == 0", "")),
			IdentityOf(harness.Unattributed, harness.Point{}, harness.Point{}, test("test_b"), failure("assert 16 == 20", "")), false},
		{"assert 1 == 0 and assert 2 == 0 of one test", IdentityOf(harness.Unattributed, harness.Point{}, harness.Point{}, test("test_a"), failure("assert 1 == 0", "")),
			IdentityOf(harness.Unattributed, harness.Point{}, harness.Point{}, test("test_a"), failure("assert 2 == 0", "")), true},
		{"a WATCH conflict is no order of another test", IdentityOf(harness.RaceCheckThenAct, point("kv", "EXEC", ""), point("kv", "DECR", "stock"), test("a"), failure("x", "")),
			IdentityOf(harness.OrderCommands, point("kv", "EXEC", ""), point("kv", "DECR", "stock"), test("a"), failure("x", "")), false},
		{"who came between is not part of a race", IdentityOf(harness.RaceCheckThenAct, point("kv", "SET", "k"), point("kv", "GET", "k"), test("a"), failure("x", "")),
			IdentityOf(harness.RaceCheckThenAct, point("kv", "SET", "k"), point("kv", "DEL", "k"), test("a"), failure("x", "")), true},
		{"which is late is part of an order", IdentityOf(harness.OrderCommands, point("kv", "SET", "k"), point("kv", "GET", "k"), test("a"), failure("x", "")),
			IdentityOf(harness.OrderCommands, point("kv", "GET", "k"), point("kv", "SET", "k"), test("a"), failure("x", "")), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, c.same, c.a.Fingerprint() == c.b.Fingerprint(), "%+v\n%+v", c.a, c.b)
			assert.Len(t, c.a.Fingerprint(), 32)
		})
	}
}

func TestSumIsSharedByTests(t *testing.T) {
	in := func(test, message string) Identity {
		return IdentityOf(harness.RaceMultiSubscriber, point("sub", "SUBSCRIBE", test+":orders"), point("pub", "PUBLISH", test+":orders"), harness.TestID{Name: test}, failure(message, ""))
	}
	a, b := in("smoke/pubsub/delivers", "expected 1 message"), in("integration/bus/topics", "wanted 2 handlers")
	assert.Equal(t, a.sum(), b.sum(), "a test's name in its keys is no difference")
	assert.NotEqual(t, a.Fingerprint(), b.Fingerprint())
	predicted := a
	predicted.Place = ""
	assert.Equal(t, predicted.sum(), a.sum())
}

func TestPlace(t *testing.T) {
	for _, c := range []struct {
		file, message, stack, want string
	}{
		{"", "boom", "/home/u/p/scenarios/integration/envelope.go:61\n/usr/local/go/src/runtime/asm_amd64.s:1771", "integration/envelope.go:61"},
		{"", "boom", "/root/go/pkg/mod/github.com/stretchr/testify@v1.9.0/assert/a.go:9\n/src/queue/queue_test.go:77", "queue/queue_test.go:77"},
		{"queue/queue_test.go", "boom", "/src/queue/helpers.go:5\n/src/queue/queue_test.go:77", "queue/queue_test.go:77"},
		{"", "boom", "    at Object.<anonymous> (/w/node_modules/vitest/dist/x.js:3:1)\n    at /w/test/worker.test.ts:41:7", "test/worker.test.ts:41"},
		{"", "boom", "Traceback:\n  File \"/usr/lib/python3/dist-packages/_pytest/x.py\", line 3, in f\n  File \"/w/tests/test_q.py\", line 12, in test_q", "tests/test_q.py:12"},
		{"", "tests/test_q.py:12: AssertionError", "", "tests/test_q.py:12"},
		{"", `C:\w\tests\q.test.js:4:2 failed`, "", "tests/q.test.js:4"},
		{"", "expected 3 messages within 200ms", "", "assertion expected {n} messages within {duration}"},
	} {
		assert.Equal(t, c.want, Place(harness.TestID{Name: "t", File: c.file}, failure(c.message, c.stack)), c.stack+c.message)
	}
	assert.Empty(t, Place(harness.TestID{}, nil))
}
