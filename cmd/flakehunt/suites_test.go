package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/harness/runner/ingest"
	"github.com/flakehunt/flakehunt/harness/trial"
)

// foreignSuite is one suite under fixtures/external with awkward names, whose
// tests write keys that hold their own names.
type foreignSuite struct {
	dir      string
	runner   string     // what it is recognised as; empty: go test
	commands [][]string // the first is run
	needs    [][]string // commands that end well where it can run
	own      []string   // the runner's own report, written to {report}
	read     func(t *testing.T, report []byte) map[string]string
	silent   int                          // tests that send nothing
	key      func(harness.Outcome) string // what its keys hold; nil: its name
	alone    []string                     // names that are run alone
	verdicts map[string]string            // of some tests: the verdict, and the message's beginning
	warned   map[string]string            // of some tests: part of a warning
}

// junitNames reads classname and name of each test in a JUnit report.
func junitNames(t *testing.T, report []byte) map[string]string {
	cases, err := ingest.JUnitCases(bytes.NewReader(report))
	require.NoError(t, err)
	names := map[string]string{}
	for _, c := range cases {
		if c.Name != "[BeforeSuite]" && !strings.Contains(c.Name, "[DeferCleanup") {
			names[c.Classname+" "+c.Name] = ""
		}
	}
	return names
}

var rspecID = regexp.MustCompile(` \((\./\S+\[[\d:]+\])\)$`)

// suitesOf are the suites of this test.
func suitesOf() []foreignSuite {
	ids := map[string]string{}
	return []foreignSuite{
		{
			dir: "py-orders", runner: "pytest",
			commands: [][]string{{"python3", "-m", "pytest", "-q"}, {"pytest"}, {"pytest", "-q", "tests"}, {"sh", "-c", "pytest tests"}, {"coverage", "run", "-m", "pytest"}, {"poetry", "run", "pytest"}},
			needs:    [][]string{{"python3", "-c", "import pytest, redis, pytest_rerunfailures"}},
			own:      []string{"python3", "-m", "pytest", "-q", "--junitxml={report}"}, read: junitNames,
			silent: 3, // test_unit, test_skipped, test_left_out
			alone: []string{
				`tests/test_orders.py::test_named[a/b]`, `tests/test_orders.py::test_named[c"d]`, `tests/test_orders.py::test_named[g[h]]`,
				"tests/test_orders.py::test_named[$HOME `id`]", `tests/test_orders.py::test_named[n::o]`, `tests/test_orders.py::test_named[\xf6 \u6ce8\u6587]`,
				`tests/test_orders.py::test_same_ids[twice1]`, `tests/test_orders.py::TestShipping::TestAbroad::test_shipped`, `tests/test_other.py::test_placed`,
			},
			verdicts: map[string]string{
				"tests/test_orders.py::test_fails":            "fail assertion AssertionError: assert {'apples': 1} == {'apples': 2}",
				"tests/test_orders.py::test_setup_fails":      `fail error failed on setup with "ConnectionError: no warehouse"`,
				"tests/test_orders.py::test_teardown_fails":   `fail assertion failed on teardown with "AssertionError: no receipt`,
				"tests/test_orders.py::test_retried":          "pass",
				"tests/test_orders.py::test_skipped":          "skip",
				"tests/test_orders.py::test_left_out":         "skip",
				"tests/test_orders.py::test_expected_to_fail": "skip",
			},
			warned: map[string]string{"tests/test_orders.py::test_retried": "passed at attempt 2"},
		},
		{
			dir: "rb-orders", runner: "rspec",
			commands: [][]string{{"rspec"}, {"bundle", "exec", "rspec"}, {"rake"}, {"rake", "spec"}, {"sh", "-c", "rspec spec"}},
			needs:    [][]string{{"ruby", "-e", `require "rspec"; require "redis"; require "rspec/retry"`}},
			own:      []string{"rspec", "--format", "json", "--out", "{report}"},
			read: func(t *testing.T, report []byte) map[string]string {
				var r struct {
					Examples []struct {
						ID, File string
						Full     string `json:"full_description"`
					}
				}
				require.NoError(t, json.Unmarshal(report, &r))
				names := map[string]string{}
				for _, e := range r.Examples {
					ids[e.Full] = e.ID
					names["spec."+strings.TrimSuffix(filepath.Base(strings.SplitN(e.ID, "[", 2)[0]), ".rb")+" "+e.Full] = ""
				}
				return names
			},
			silent: 3, // skipped, not written, and that of a context whose setup failed
			key: func(o harness.Outcome) string {
				if m := rspecID.FindStringSubmatch(o.Test.Name); m != nil {
					return m[1]
				}
				return ids[o.Test.Name]
			},
			alone: []string{
				`Orders are "quoted" & 'quoted'`, "Orders have [brackets] (and more) {a,b}", "Orders go a/b and /c", "Orders kosten 5 € für Åsa 注文",
				`Orders match .* and ^x|y$ and \d+`, "Orders are called the same (./spec/orders_spec.rb[1:8])", "Orders (./spec/orders_spec.rb[1:9])",
				`Orders of size "2/2"`, "Orders #ship is sold", "Orders are placed (./spec/other_spec.rb[2:1])",
			},
			verdicts: map[string]string{
				"Orders say what was expected":           `fail assertion expected: {"apples"=>2}`,
				"Orders without a warehouse never begin": "fail error ArgumentError: no warehouse",
				"Orders without a shop never begin":      "fail error RuntimeError: no shop",
				"Orders are retried":                     "pass",
				"Orders are skipped":                     "skip",
				"Orders are pending":                     "skip",
				"Orders are not written yet":             "skip",
			},
			warned: map[string]string{"Orders are retried": "passed at attempt 2"},
		},
		{
			dir: "php-orders", runner: "phpunit",
			commands: [][]string{{"phpunit"}, {"vendor/bin/phpunit"}, {"php", "vendor/bin/phpunit", "-v"}, {"composer", "test"}, {"composer", "run-script", "test"}, {"php", "artisan", "test"}},
			needs:    [][]string{{"php", "-r", `exit(class_exists("Redis") ? 0 : 1);`}, {"phpunit", "--version"}},
			own:      []string{"phpunit", "--log-junit", "{report}"}, read: junitNames,
			silent: 2, // left out, and that whose setup failed
			alone: []string{
				`Example\Orders\OrdersTest::testNamed with data set "a/b"`, `Example\Orders\OrdersTest::testNamed with data set "c"d"`, `Example\Orders\OrdersTest::testNamed with data set "g[h]"`,
				`Example\Orders\OrdersTest::testNamed with data set "i(j)|k"`, `Example\Orders\OrdersTest::testNamed with data set "ö 注文"`, `Example\Orders\OrdersTest::testNamed with data set ".* ^x$ \d+"`,
				`Example\Orders\OrdersTest::testNamed with data set #0`, `Example\Orders\OrdersTest::testNamed with data set "with data set #0"`, `Example\Orders\OrdersTest::testPlaced`,
			},
			verdicts: map[string]string{
				`Example\Orders\OrdersTest::testFails`:      "fail assertion Failed asserting that two arrays are identical.",
				`Example\Orders\OrdersTest::testThrows`:     "fail error RuntimeException: out of stock",
				`Example\Orders\OrdersTest::testSkipped`:    "skip",
				`Example\Orders\OrdersTest::testLeftOut`:    "skip",
				`Example\Orders\OrdersTest::testIncomplete`: "skip",
				"WarehouseTest::testNeverBegins":            "fail error RuntimeException: no warehouse",
			},
		},
		{
			dir:      "go-ginkgo",
			commands: [][]string{{"go", "test", ".", "-run", "TestOrders", "-ginkgo.focus", "Orders (are|have|go|kosten|match|of|when) "}, {"go", "test", "./..."}},
			needs:    [][]string{{"go", "version"}},
			own:      []string{"go", "test", ".", "-count=1", "-run", "TestOrders", "-ginkgo.junit-report={report}"}, read: junitNames,
			silent: 1, // pending
			key:    func(o harness.Outcome) string { return strings.TrimPrefix(o.Test.Name, "example.com/ginkgo-orders.") },
			alone: []string{
				`example.com/ginkgo-orders.TestOrders/Orders are "quoted" & 'quoted'`, "example.com/ginkgo-orders.TestOrders/Orders have [brackets] (and more) {a,b}",
				"example.com/ginkgo-orders.TestOrders/Orders go a/b and /c", "example.com/ginkgo-orders.TestOrders/Orders kosten 5 € für Åsa 注文",
				`example.com/ginkgo-orders.TestOrders/Orders match .* and ^x|y$ and \d+`, "example.com/ginkgo-orders.TestOrders/Orders of a size one [1]",
				"example.com/ginkgo-orders.TestOrders/Orders of a size two, 2/2",
			},
			verdicts: map[string]string{
				"example.com/ginkgo-orders.TestOrders/Orders when they fail say what was expected": "fail assertion Expected\n    <map[string]int | len:1>: {\"stock\": 1}\nto have {key: value}",
				"example.com/ginkgo-orders.TestOrders/Orders when they fail panic":                 "fail panic panic: out of stock",
				"example.com/ginkgo-orders.TestOrders/Orders when they fail in setup never begin":  "fail assertion no warehouse",
				"example.com/ginkgo-orders.TestOrders/Orders are retried":                          "pass",
				"example.com/ginkgo-orders.TestOrders/Orders are skipped":                          "skip",
				"example.com/ginkgo-orders.TestOrders/Orders are pending":                          "skip",
			},
			warned: map[string]string{"example.com/ginkgo-orders.TestOrders/Orders are retried": "passed at attempt 2"},
		},
	}
}

// TestForeignSuites runs the suites by the bare command, as users do.
func TestForeignSuites(t *testing.T) {
	if testing.Short() {
		t.Skip("runs whole suites of other languages")
	}
	// Debian's packages are for Debian's python.
	t.Setenv("PATH", "/usr/bin"+string(os.PathListSeparator)+os.Getenv("PATH"))
	for _, s := range suitesOf() {
		t.Run(s.dir, func(t *testing.T) { s.try(t) })
	}
}

func (s foreignSuite) try(t *testing.T) {
	t.Chdir(filepath.Join("..", "..", "fixtures", "external", s.dir))
	for _, need := range s.needs {
		if out, err := exec.Command(need[0], need[1:]...).CombinedOutput(); err != nil {
			require.Empty(t, os.Getenv("CI"), "CI needs %q: %v: %s", need, err, out)
			t.Skipf("%q: %v", need, err)
		}
	}
	for _, argv := range s.commands {
		target, err := (&runFlags{}).target(nil, argv)
		require.NoError(t, err)
		require.Equal(t, s.runner, target.Runner, "%q", argv)
	}
	provider, _, err := redisenv.Resolve(t.Context(), redisenv.Spec{Provider: "server"})
	require.NoError(t, err)
	names := s.names(t, provider)
	require.GreaterOrEqual(t, len(names), 12)

	target, err := (&runFlags{}).target(nil, s.commands[0])
	require.NoError(t, err)
	app := &app{out: io.Discard, err: io.Discard}
	r, err := app.foreignRunner(t.Context(), target, nil, 0)
	require.NoError(t, err)
	defer r.Close()
	pool := trial.NewPool(trial.PoolConfig{Provider: provider, Runner: r, TempDir: t.TempDir()})
	defer pool.Close()
	whole, err := pool.Do(t.Context(), trial.Job{Index: 1, Suite: s.dir, Arm: harness.Survey, Keep: true})
	require.NoError(t, err)
	s.wholeSuite(t, whole, names)
	for i, name := range s.alone {
		one, err := pool.Do(t.Context(), trial.Job{Index: 2 + i, Suite: s.dir, Tests: []string{name}, Arm: harness.Survey, Keep: true})
		require.NoError(t, err)
		require.Len(t, one.Trial.Outcomes, 1, name)
		o := one.Trial.Outcomes[0]
		require.Equal(t, name, o.Test.Name)
		require.Equal(t, harness.Passed, o.Verdict, "%s: %+v", name, o.Failure)
		require.True(t, o.Boundary.Exact(), "%s: %s", name, o.Boundary)
		require.NotZero(t, s.frames(t, o, one.Events[name]), name)
	}
}

// names are those of the runner's own report.
func (s foreignSuite) names(t *testing.T, p redisenv.Provider) map[string]string {
	redis, err := p.Start(t.Context())
	require.NoError(t, err)
	defer redis.Close(t.Context())
	report := filepath.Join(t.TempDir(), "report")
	argv := slices.Clone(s.own)
	for i := range argv {
		argv[i] = strings.ReplaceAll(argv[i], "{report}", report)
	}
	c := exec.Command(argv[0], argv[1:]...)
	host, port, _ := strings.Cut(redis.Addr(), ":")
	c.Env = append(os.Environ(), "REDIS_URL=redis://"+redis.Addr(), "REDIS_ADDR="+redis.Addr(), "REDIS_HOST="+host, "REDIS_PORT="+port)
	out, _ := c.CombinedOutput() // some of the tests fail
	text, err := os.ReadFile(report)
	require.NoError(t, err, "%s", out)
	return s.read(t, text)
}

// wholeSuite checks names, verdicts and whose each frame is.
func (s foreignSuite) wholeSuite(t *testing.T, d *trial.Done, names map[string]string) {
	told := map[string]string{}
	silent := 0
	for _, o := range d.Trial.Outcomes {
		if o.Test.Title == "" { // the Go test that runs the specs
			continue
		}
		told[o.Test.Classname+" "+o.Test.Title] = ""
		require.Equal(t, harness.BoundaryMarked, o.Boundary, o.Test.Name)
		require.NotZero(t, o.Test.Line, o.Test.Name)
		require.FileExists(t, filepath.Join(s.root(), o.Test.File), o.Test.Name)
		if s.frames(t, o, d.Events[o.Test.Name]) == 0 {
			silent++
		}
	}
	require.Equal(t, names, told)
	require.Equal(t, s.silent, silent, "tests that sent nothing")
	for name, want := range s.verdicts {
		o := d.Outcome(name)
		require.NotNil(t, o, name)
		got := string(o.Verdict)
		if o.Failure != nil {
			got += " " + string(o.Failure.Kind) + " " + o.Failure.Message
		}
		require.True(t, strings.HasPrefix(got, want), "%s: %s\nwant %s", name, got, want)
	}
	for name, want := range s.warned {
		require.Contains(t, strings.Join(d.Outcome(name).Warnings, "; "), want)
	}
}

// root is what files are relative to: the repository, or the module for Go.
func (s foreignSuite) root() string {
	return map[bool]string{true: ".", false: filepath.Join("..", "..", "..")}[s.runner == ""]
}

// frames counts the commands among the test's frames whose key holds a name, and
// fails where that is another's.
func (s foreignSuite) frames(t *testing.T, o harness.Outcome, events []harness.Event) (n int) {
	key := o.Test.Name
	if s.key != nil {
		key = s.key(o)
	}
	want := "test:" + key
	for _, e := range events {
		if e.Kind != harness.Request || len(e.Args) < 2 {
			continue
		}
		at := strings.Index(e.Args[1], "test:")
		if at < 0 {
			continue
		}
		n++
		// History cuts long words; what is left must be the name's beginning.
		word, cut := strings.CutSuffix(strings.TrimSuffix(e.Args[1][at:], ":tries"), "…")
		ok := word == want || cut && strings.HasPrefix(want, word)
		require.True(t, ok, "%s: a frame of another test: %q", cmp.Or(o.Test.Name, "?"), e.Args)
	}
	return n
}
