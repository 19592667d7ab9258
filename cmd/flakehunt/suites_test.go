package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner/ingest"
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
				"example.com/ginkgo-orders.TestOrders/Orders when they fail say what was expected": `fail assertion Expected <map[string]int | len:1>: {"stock": 1} to have {key: value}`,
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
