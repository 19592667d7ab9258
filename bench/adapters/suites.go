package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// language is how a test is written for a runner. A body is a list of statements;
// one test's may fail by ok(false).
type language struct {
	head, tail string
	test       string // %[1]s: its name; %[2]s: its body
	setUp      string // the clients a and b, as a suite opens them
	rate       string // a write, 50 ms, a read
	keys       string // %[1]s: the test's name: writes and reads five keys of it, then fails
	lost       string // a message that is published right after SUBSCRIBE was sent
	expires    string // a read close to an expiry
	sound      []string
}

// testRunner is a runner that the measures use.
type testRunner struct {
	name  string
	argv  []string
	file  string // of the suite
	needs []string
	lang  *language
	warm  bool
	more  string // of the head
}

const js = `const Redis = require('ioredis')
const at = { host: process.env.REDIS_HOST, port: Number(process.env.REDIS_PORT) }
const sleep = (ms) => new Promise((r) => setTimeout(r, ms))
const ok = (c) => { if (!c) throw new Error('not as expected') }
const seen = [], map = new Map()
class Counter { static n = 0 }
let a, b
`

var javascript = &language{
	head:  js,
	test:  "test('%[1]s', async () => {\n%[2]s\n})\n",
	setUp: "%[1]s(async () => { a = new Redis(at); b = new Redis(at); await a.ping(); await b.ping() })\n%[2]s(async () => { await a.quit(); await b.quit() })\n",
	rate:  "await a.set('k', 'v'); await sleep(50); ok(await a.get('k') === 'v')",
	keys:  "for (let i = 0; i < 5; i++) { await a.set('%[1]s:' + i, '%[1]s'); ok(await b.get('%[1]s:' + i) === '%[1]s') }\nok(false)",
	lost: `const c = new Redis(at)
await c.ping()
const got = []
c.on('message', (_, m) => got.push(m))
c.subscribe('orders')
await b.publish('orders', 'one')
await sleep(100)
c.disconnect()
ok(got.length === 1)`,
	expires: "await a.set('session', 'x', 'PX', 120); await sleep(60); ok(await a.get('session') === 'x')",
	sound: []string{
		"await a.set('s0', '1'); ok(await a.get('s0') === '1')",
		"await a.incr('s1'); ok(await a.incr('s1') === 2)",
		"await a.hset('s2', 'f', '1'); ok(await a.hget('s2', 'f') === '1')",
		"await a.rpush('s3', 'x', 'y'); ok(await a.llen('s3') === 2)",
		"await a.sadd('s4', 'x'); ok(await b.sismember('s4', 'x') === 1)",
		"await a.zadd('s5', 1, 'x'); ok(await b.zscore('s5', 'x') === '1')",
		"await a.set('s6', '1'); await a.del('s6'); ok(await b.get('s6') === null)",
		"await a.mset('s7', '1', 's7b', '2'); ok((await b.mget('s7', 's7b')).join() === '1,2')",
	},
}

var python = &language{
	head: `import os, sys, time
import pytest, redis
seen, table = [], {}
class Counter:
    n = 0
def ok(c):
    assert c, "not as expected"
def opened():
    return redis.Redis(host=os.environ["REDIS_HOST"], port=int(os.environ["REDIS_PORT"]))
`,
	test:  "def test_%[1]s():\n%[2]s\n\n",
	setUp: "@pytest.fixture(scope='module', autouse=True)\ndef clients():\n    global a, b\n    a, b = opened(), opened()\n    yield\n    a.close(); b.close()\n\n",
	rate:  "a.set('k', 'v'); time.sleep(0.05); ok(a.get('k') == b'v')",
	keys:  "for i in range(5):\n    a.set('%[1]s:%%d' %% i, '%[1]s')\n    ok(b.get('%[1]s:%%d' %% i) == b'%[1]s')\nok(False)",
	lost: `p = opened().pubsub()
p.subscribe('orders')
b.publish('orders', 'one')
end, got = time.time() + 0.1, 0
while time.time() < end:
    m = p.get_message(timeout=0.02)
    got += m is not None and m['type'] == 'message'
p.close()
ok(got == 1)`,
	expires: "a.set('session', 'x', px=120); time.sleep(0.06); ok(a.get('session') == b'x')",
	sound: []string{
		"a.set('s0', '1'); ok(a.get('s0') == b'1')",
		"a.incr('s1'); ok(a.incr('s1') == 2)",
		"a.hset('s2', 'f', '1'); ok(a.hget('s2', 'f') == b'1')",
		"a.rpush('s3', 'x', 'y'); ok(a.llen('s3') == 2)",
		"a.sadd('s4', 'x'); ok(b.sismember('s4', 'x'))",
		"a.zadd('s5', {'x': 1}); ok(b.zscore('s5', 'x') == 1)",
		"a.set('s6', '1'); a.delete('s6'); ok(b.get('s6') is None)",
		"a.mset({'s7': '1', 's7b': '2'}); ok(b.mget('s7', 's7b') == [b'1', b'2'])",
	},
}

var ruby = &language{
	head: `require "redis"
require "socket"
def opened = Redis.new(url: ENV.fetch("REDIS_URL"))
SEEN, TABLE = [], {}
class Counter; class << self; attr_accessor :n; end; self.n = 0; end
RSpec.describe "orders" do
  before(:all) { @a, @b = opened, opened }
  after(:all) { @a.close; @b.close }
  let(:a) { @a }
  let(:b) { @b }
  def ok(c) = expect(c).to(be_truthy)
`,
	tail: "end\n",
	test: "it(%[1]q) do\n%[2]s\nend\n",
	rate: "a.set('k', 'v'); sleep 0.05; ok(a.get('k') == 'v')",
	keys: "5.times { |i| a.set(\"%[1]s:#{i}\", '%[1]s'); ok(b.get(\"%[1]s:#{i}\") == '%[1]s') }\nok(false)",
	lost: `s = TCPSocket.new(ENV.fetch("REDIS_HOST"), ENV.fetch("REDIS_PORT").to_i)
s.write("SUBSCRIBE orders\r\n")
b.publish("orders", "one")
sleep 0.1
got = s.read_nonblock(4096)
s.close
ok(got.include?("message"))`,
	expires: "a.set('session', 'x', px: 120); sleep 0.06; ok(a.get('session') == 'x')",
	sound: []string{
		"a.set('s0', '1'); ok(a.get('s0') == '1')",
		"a.incr('s1'); ok(a.incr('s1') == 2)",
		"a.hset('s2', 'f', '1'); ok(a.hget('s2', 'f') == '1')",
		"a.rpush('s3', ['x', 'y']); ok(a.llen('s3') == 2)",
		"a.sadd('s4', 'x'); ok(b.sismember('s4', 'x'))",
		"a.zadd('s5', 1, 'x'); ok(b.zscore('s5', 'x') == 1)",
		"a.set('s6', '1'); a.del('s6'); ok(b.get('s6').nil?)",
		"a.mset('s7', '1', 's7b', '2'); ok(b.mget('s7', 's7b') == ['1', '2'])",
	},
}

var php = &language{
	head: `<?php
class OrdersTest extends PHPUnit\Framework\TestCase {
  private static $a, $b;
  private static function opened() { $r = new Redis(); $r->connect(getenv('REDIS_HOST'), (int) getenv('REDIS_PORT')); return $r; }
  public static function setUpBeforeClass(): void { self::$a = self::opened(); self::$b = self::opened(); }
  private function ok($c) { $this->assertTrue($c); }
`,
	tail: "}\n",
	test: "public function test_%[1]s() { $a = self::$a; $b = self::$b;\n%[2]s\n}\n",
	rate: "$a->set('k', 'v'); usleep(50000); $this->ok($a->get('k') === 'v');",
	keys: "for ($i = 0; $i < 5; $i++) { $a->set(\"%[1]s:$i\", '%[1]s'); $this->ok($b->get(\"%[1]s:$i\") === '%[1]s'); }\n$this->ok(false);",
	lost: `$s = stream_socket_client('tcp://' . getenv('REDIS_HOST') . ':' . getenv('REDIS_PORT'));
fwrite($s, "SUBSCRIBE orders\r\n");
$b->publish('orders', 'one');
usleep(100000);
stream_set_blocking($s, false);
$got = (string) fread($s, 4096);
fclose($s);
$this->ok(strpos($got, 'message') !== false);`,
	expires: "$a->set('session', 'x', ['px' => 120]); usleep(60000); $this->ok($a->get('session') === 'x');",
	sound: []string{
		"$a->set('s0', '1'); $this->ok($a->get('s0') === '1');",
		"$a->incr('s1'); $this->ok($a->incr('s1') === 2);",
		"$a->hSet('s2', 'f', '1'); $this->ok($a->hGet('s2', 'f') === '1');",
		"$a->rPush('s3', 'x', 'y'); $this->ok($a->lLen('s3') === 2);",
		"$a->sAdd('s4', 'x'); $this->ok($b->sIsMember('s4', 'x'));",
		"$a->zAdd('s5', 1, 'x'); $this->ok($b->zScore('s5', 'x') == 1);",
		"$a->set('s6', '1'); $a->del('s6'); $this->ok($b->get('s6') === false);",
		"$a->mSet(['s7' => '1', 's7b' => '2']); $this->ok($b->mGet(['s7', 's7b']) === ['1', '2']);",
	},
}

func hooks(before, after string) string { return fmt.Sprintf(javascript.setUp, before, after) }

var testRunners = []testRunner{
	{name: "pytest", argv: []string{"python3", "-m", "pytest", "-q", "-p", "no:cacheprovider"}, file: "test_orders.py", needs: []string{"python3", "pytest"}, lang: python, warm: true, more: python.setUp},
	{name: "vitest", argv: []string{"npx", "vitest", "run"}, file: "orders.test.mjs", lang: javascript, warm: true,
		more: hooks("beforeAll", "afterAll")},
	{name: "jest", argv: []string{"npx", "jest"}, file: "orders.test.js", lang: javascript, warm: true, more: hooks("beforeAll", "afterAll")},
	{name: "mocha", argv: []string{"npx", "mocha", "orders.test.js"}, file: "orders.test.js", lang: javascript, warm: true,
		more: "const test = it\n" + hooks("before", "after")},
	{name: "node --test", argv: []string{"node", "--test"}, file: "orders.test.js", lang: javascript,
		more: "const { test, before, after } = require('node:test')\n" + hooks("before", "after")},
	{name: "rspec", argv: []string{"rspec", "orders_spec.rb"}, file: "orders_spec.rb", needs: []string{"rspec"}, lang: ruby, warm: true},
	{name: "phpunit", argv: []string{"phpunit", "--do-not-cache-result", "OrdersTest.php"}, file: "OrdersTest.php", needs: []string{"phpunit"}, lang: php},
}

// test is one of a suite's.
type test struct{ name, body string }

// suite writes a suite of the tests, and gives its directory.
func (b *bench) suite(r testRunner, tests ...test) (string, error) {
	dir, err := os.MkdirTemp(b.dir, "suite-")
	if err != nil {
		return "", err
	}
	var text strings.Builder
	head := r.lang.head
	if strings.HasSuffix(r.file, ".mjs") {
		head = "import { test, beforeAll, afterAll } from 'vitest'\nimport { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url)\n" + head
	}
	text.WriteString(head + r.more)
	for _, t := range tests {
		body := t.body
		if r.lang == python {
			body = "    " + strings.ReplaceAll(body, "\n", "\n    ")
		}
		fmt.Fprintf(&text, r.lang.test, t.name, body)
	}
	text.WriteString(r.lang.tail)
	err = os.WriteFile(filepath.Join(dir, r.file), []byte(text.String()), 0o600)
	if err == nil && r.lang == javascript {
		err = errors.Join(os.WriteFile(filepath.Join(dir, "package.json"), []byte("{}\n"), 0o600), os.Symlink(b.modules, filepath.Join(dir, "node_modules")))
	}
	return dir, err
}

// those are the runners asked for of a list; what this machine lacks is named.
func (b *bench) those(names ...string) []testRunner {
	var list []testRunner
	for _, r := range testRunners {
		if !slices.Contains(names, r.name) || len(b.runners) > 0 && !slices.Contains(b.runners, r.name) {
			continue
		}
		needs := r.needs
		if r.lang == javascript {
			needs = []string{"node", "npx", b.modules}
		}
		missing := ""
		for _, n := range needs {
			if _, err := exec.LookPath(n); err != nil && !isDir(n) {
				missing = n
			}
		}
		if missing != "" {
			b.miss("%s: left out, since there is no %s", r.name, missing)
			continue
		}
		list = append(list, r)
	}
	return list
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// hunt runs flakehunt on a suite, and gives what it printed, its exit code and
// how long it took.
func (b *bench) hunt(ctx context.Context, r testRunner, dir string, flags ...string) (said string, code int, took time.Duration, err error) {
	args := append([]string{"run", "--redis", "server", "--seed", "1", "--out", "out"}, flags...)
	c := exec.CommandContext(ctx, b.flakehunt, append(append(args, "--"), r.argv...)...)
	c.Dir = dir
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	start := time.Now()
	err = c.Run()
	took = time.Since(start)
	if e := new(exec.ExitError); errors.As(err, &e) && e.ExitCode() == 1 {
		return out.String(), 1, took, nil
	}
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", r.name, err, tail(out.String()))
	}
	return out.String(), 0, took, err
}

func tail(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}

// line is what the journal says of a trial, as far as it is used here.
type line struct {
	Trial    int       `json:"trial"`
	Suite    string    `json:"suite"`
	Arm      string    `json:"arm"`
	Worker   int       `json:"worker"`
	Start    time.Time `json:"start"`
	Duration string    `json:"duration"`
	History  string    `json:"history"`
	Outcomes []struct {
		Test     struct{ Name string } `json:"test"`
		Verdict  string                `json:"verdict"`
		Boundary string                `json:"boundary"`
		Injected string                `json:"injected"`
		Duration string                `json:"duration"`
	} `json:"outcomes"`
}

// journal reads what a hunt in dir has written.
func journal(dir string) ([]line, error) {
	text, err := os.ReadFile(filepath.Join(dir, "out", "trials.jsonl"))
	if err != nil {
		return nil, err
	}
	var list []line
	for _, l := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		var t line
		if err := json.Unmarshal([]byte(l), &t); err != nil {
			return nil, fmt.Errorf("%s: %w", l, err)
		}
		list = append(list, t)
	}
	return list, nil
}

// perSecond is how many trials a second there were, from when the first began to
// when the last did: those that were under way at the end do not count.
func perSecond(list []line) float64 {
	if len(list) < 2 {
		return 0
	}
	first, last, workers := list[0].Start, list[0].Start, map[int]bool{}
	for _, t := range list {
		workers[t.Worker] = true
		if t.Start.Before(first) {
			first = t.Start
		}
		if t.Start.After(last) {
			last = t.Start
		}
	}
	return float64(max(1, len(list)-len(workers))) / last.Sub(first).Seconds()
}
