package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness/runner/netns"
	"github.com/flakehunt/flakehunt/internal/lanes"
	"github.com/flakehunt/flakehunt/reports"
)

const shopJS = `const net = require('node:net')
const ping = () => new Promise((resolve, reject) => {
  const [host, port] = (process.env.SHOP_REDIS_ADDR || '127.0.0.1:1').split(':')
  const c = net.connect(Number(port), host, () => c.write('*1\r\n$4\r\nPING\r\n'))
  c.once('data', () => { c.end(); resolve() })
  c.once('error', reject)
})
`

// shop is a suite of two tests that finds Redis in a variable of its own.
type shop struct {
	runner, file, text string
	argv               []string
	more               map[string]string // further files
}

var shops = []shop{
	{runner: "pytest", file: "test_shop.py", argv: []string{"python3", "-m", "pytest", "-p", "no:cacheprovider", "-k", "adds or takes"}, text: `
import os, socket, pytest

def ping():
    host, port = os.environ.get("SHOP_REDIS_ADDR", "127.0.0.1:1").split(":")
    with socket.create_connection((host, int(port))) as c:
        c.sendall(b"*1\r\n$4\r\nPING\r\n")
        assert c.recv(16)

@pytest.mark.parametrize("n", ["a b[c]/'d'"])
def test_adds(n):
    ping()

def test_takes():
    ping()

def test_other():
    raise RuntimeError("it was not asked for")
`},
	{runner: "vitest", file: "shop.test.mjs", argv: []string{"npx", "vitest", "run", "-t", `the "shop"`}, text: `import { test } from 'vitest'
import { createRequire } from 'node:module'
const require = createRequire(import.meta.url)
` + shopJS + `test('the "shop" adds', ping)
test('the "shop" takes', ping)
`},
	{runner: "jest", file: "shop.test.js", argv: []string{"npx", "jest", "-t", "it's (the) shop|x"}, text: shopJS + `test("it's the shop adds x", ping)
test("it's the shop takes x", ping)
`},
	{runner: "mocha", file: "shop.test.js", argv: []string{"npx", "mocha", "shop.test.js"}, text: shopJS + "it('adds', ping)\nit('takes', ping)\n"},
	{runner: "node --test", file: "shop.test.js", argv: []string{"node", "--test", "shop.test.js"}, text: "const { test } = require('node:test')\n" + shopJS + "test('adds', ping)\ntest('takes', ping)\n"},
	{runner: "rspec", file: "shop_spec.rb", argv: []string{"rspec", "shop_spec.rb", "-e", "the shop"}, text: `require "socket"
def ping
  host, port = ENV.fetch("SHOP_REDIS_ADDR", "127.0.0.1:1").split(":")
  TCPSocket.open(host, port.to_i) { |s| s.write("*1\r\n$4\r\nPING\r\n"); s.gets or raise "no answer" }
end
RSpec.describe("the shop") { it("adds") { ping }; it("takes") { ping } }
`},
	{runner: "phpunit", file: "ShopTest.php", argv: []string{"phpunit", "--do-not-cache-result", "ShopTest.php"}, text: `<?php
class ShopTest extends PHPUnit\Framework\TestCase {
  private function ping() {
    $s = stream_socket_client('tcp://' . (getenv('SHOP_REDIS_ADDR') ?: '127.0.0.1:1'));
    fwrite($s, "*1\r\n\$4\r\nPING\r\n");
    $this->assertNotFalse(fgets($s));
  }
  public function testAdds() { $this->ping(); }
  public function testTakes() { $this->ping(); }
}
`},
	{runner: "go test", file: "shop_test.go", argv: []string{"go", "test", "./...", "-run", "TestAdds|TestTakes"}, more: map[string]string{"go.mod": "module example.com/shop\n\ngo 1.21\n"}, text: `package shop

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"testing"
)

func ping(t *testing.T) {
	c, err := net.Dial("tcp", os.Getenv("SHOP_REDIS_ADDR"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "*1\r\n$4\r\nPING\r\n")
	if _, err := bufio.NewReader(c).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
}

func TestAdds(t *testing.T)  { ping(t) }
func TestTakes(t *testing.T) { ping(t) }
`},
}

// TestDoctorsLastLine: the last line that doctor prints is a command that hunts the
// suite, in each runner: a shell takes it apart, and with it the suite reaches Redis.
func TestDoctorsLastLine(t *testing.T) {
	if testing.Short() {
		t.Skip("runs suites of other languages")
	}
	self, err := os.Executable()
	require.NoError(t, err)
	bin := t.TempDir()
	require.NoError(t, os.Symlink(self, filepath.Join(bin, "flakehunt"))) // see TestMain
	// Debian's packages are for Debian's python.
	path := strings.Join([]string{bin, "/usr/bin", os.Getenv("PATH")}, string(os.PathListSeparator))
	lanes.Each(t, 2, func(*testing.T) string { return path }, shops, func(s shop) string { return s.runner }, func(t *testing.T, path string, s shop) { s.doctor(t, path) })
}

func (s shop) doctor(t *testing.T, path string) {
	modules, err := filepath.Abs(filepath.Join("..", "..", "fixtures", "external", "js-runners", "node_modules"))
	require.NoError(t, err)
	dir := t.TempDir()
	for name, text := range s.more {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, s.file), []byte(s.text), 0o600))
	needs := s.argv[0]
	if ext := filepath.Ext(s.file); ext == ".js" || ext == ".mjs" {
		needs = modules
		require.NoError(t, os.Symlink(modules, filepath.Join(dir, "node_modules")))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "package.json"), []byte("{}"), 0o600))
	}
	if _, err := exec.LookPath(needs); err != nil {
		if _, err := os.Stat(needs); err != nil {
			require.Empty(t, os.Getenv("CI"), "CI needs %s: %v", needs, err)
			t.Skipf("needs %s: %v", needs, err)
		}
	}
	command := func(name string, args ...string) string {
		c := exec.CommandContext(t.Context(), name, args...)
		c.Dir, c.Env = dir, append(os.Environ(), "PATH="+path, "GORACE=atexit_sleep_ms=50")
		var told strings.Builder
		c.Stderr = &told
		out, _ := c.Output() // doctor ends with 1 where the suite as it is does not reach Redis
		require.NotEmpty(t, out, told.String())
		return string(out)
	}
	said := command("flakehunt", append([]string{"doctor", "--redis", "embedded", "--"}, s.argv...)...)
	lines := strings.Split(strings.TrimSpace(said), "\n")
	line, ok := strings.CutPrefix(lines[len(lines)-1], "flakehunt run ")
	require.True(t, ok, said)
	said = command("sh", "-c", "flakehunt run --trials 1 --strategy none --out out "+line+"; echo ended with $?")
	require.Contains(t, said, "ended with 0", line)
	require.NotContains(t, said, "no command was seen", line)
	result, err := os.ReadFile(filepath.Join(dir, "out", "result.json"))
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(string(result), `"status": "stable"`), "%s\n%s", line, result)
}

// TestMochaInParallelTakesOver: the worker processes of mocha --parallel reach a
// hard-coded address in the trial's own loopback, and tell of their tests there.
func TestMochaInParallelTakesOver(t *testing.T) {
	if netns.Check(t.Context()) != nil {
		t.Skip("no private loopback can be had")
	}
	modules, err := filepath.Abs(filepath.Join("..", "..", "fixtures", "external", "js-runners", "node_modules"))
	require.NoError(t, err)
	if _, err := os.Stat(filepath.Join(modules, ".bin", "mocha")); err != nil {
		require.Empty(t, os.Getenv("CI"), "CI needs mocha: %v", err)
		t.Skip("mocha is not installed")
	}
	dir := t.TempDir()
	require.NoError(t, os.Symlink(modules, filepath.Join(dir, "node_modules")))
	for _, name := range []string{"a", "b", "c"} {
		text := strings.ReplaceAll(shopJS, "process.env.SHOP_REDIS_ADDR || '127.0.0.1:1'", "'localhost:6379'") +
			fmt.Sprintf("describe('%[1]s', () => { it('one', ping); it('two', ping) })\n", name)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name+".test.js"), []byte(text), 0o600))
	}
	t.Chdir(dir)
	var out, told bytes.Buffer
	code := run(t.Context(), []string{"run", "--redis", "embedded", "--trials", "2", "--strategy", "none", "--takeover", "localhost:6379", "--out", "out",
		"--", "npx", "mocha", "--parallel", "--jobs", "2", "*.test.js"}, nil, &out, &told)
	require.Equal(t, 0, code, told.String())
	require.NotContains(t, out.String(), "no command was seen")
	text, err := os.ReadFile(filepath.Join("out", "result.json"))
	require.NoError(t, err)
	r, err := reports.ReadJSON(bytes.NewReader(text))
	require.NoError(t, err)
	require.Len(t, r.Tests, 6)
	for _, test := range r.Tests {
		require.Equal(t, 2, test.Runs, test.Name)
	}
}
