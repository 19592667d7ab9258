package node_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/history"
	"github.com/flakehunt/flakehunt/harness/proxy"
	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/ingest"
	"github.com/flakehunt/flakehunt/harness/runner/suite"
	"github.com/flakehunt/flakehunt/harness/runner/suite/node"
)

// project holds the same suite for each runner.
const project = "../../../../fixtures/external/js-runners"

// shared are the tests that all runners have: the letters that begin a test's
// keys in Redis, and its titles.
var shared = map[string]string{
	"tab": "plain",
	"tac": `says "double" and 'single' quotes`,
	"tad": `brackets [x] (y) {z} .* +? ^$ | \d`,
	"tae": `a/b\c > d`,
	"taf": "ünïcode ✓ 日本語",
	"tag": "first > same title",
	"tah": "second > same title",
	"tai": "second > twice",
	"taj": "second > twice (2)",
	"tba": `second > deeper > and "deeper" > same title`,
	"tbb": "with hooks > one",
	"tbc": "with hooks > another",
	"tcb": "adds 1 [0]",
	"tcc": "adds 2 [1]",
	"tcd": "adds 3 [2]",
}

// awkward are those that are run alone.
var awkward = []string{"tac", "tad", "tae", "taf", "taj", "tcc"}

type row struct {
	name   string
	bare   []string
	script []string
	file   string            // begins the names
	more   map[string]string // tests of its own
	skips  []string
	retry  string // of more: passes at the second attempt
	count  func(t *testing.T) int
	faulty []string
	limit  time.Duration // that it gives a test where nobody says otherwise; 0: none
}

var rows = []row{
	{
		name: "vitest", bare: []string{"npx", "vitest", "run", "--root", "vitest", "names"}, script: []string{"npm", "run", "vitest"},
		file: "vitest/names.test.mjs", more: map[string]string{"tdb": "at the second attempt"}, skips: []string{"left out", "to come"}, retry: "tdb",
		count:  jsonCount("numTotalTests", "vitest", "run", "--root", "vitest", "names", "--reporter=json"),
		faulty: []string{"npx", "vitest", "run", "--root", "vitest", "faulty"}, limit: 5 * time.Second,
	},
	{
		name: "jest", bare: []string{"npx", "jest", "--rootDir", "jest", "names"}, script: []string{"npm", "run", "jest"},
		file: "jest/names.test.js", more: map[string]string{"tdb": "retried > at the second attempt"}, skips: []string{"left out", "to come"}, retry: "tdb",
		count:  jsonCount("numTotalTests", "jest", "--rootDir", "jest", "names", "--json"),
		faulty: []string{"npx", "jest", "--rootDir", "jest", "faulty"}, limit: 5 * time.Second,
	},
	{
		name: "mocha", bare: []string{"npx", "mocha", "mocha/names.test.js"}, script: []string{"sh", "-c", "npm run --silent mocha"},
		file: "mocha/names.test.js", more: map[string]string{"tdb": "at the second attempt"}, skips: []string{"left out", "to come"}, retry: "tdb",
		count:  jsonCount("tests", "mocha", "mocha/names.test.js", "--reporter", "json"),
		faulty: []string{"node_modules/.bin/mocha", "mocha/faulty.test.js"}, limit: 2 * time.Second,
	},
	{
		name: "node --test", bare: []string{"node", "--test", "node/names.test.mjs"}, script: []string{"npm", "run", "node"},
		file: "node/names.test.mjs", more: map[string]string{"tdb": "with parts > part 1", "tdc": "with parts > part 2"}, skips: []string{"left out", "to come"},
		count:  nodeCount,
		faulty: []string{"node", "--test", "node/faulty.test.mjs"},
	},
}

// jsonCount asks the runner's own reporter how many tests there are.
func jsonCount(field, program string, args ...string) func(*testing.T) int {
	return func(t *testing.T) int {
		out := own(t, filepath.Join("node_modules", ".bin", program), args...)
		m := regexp.MustCompile(`"` + field + `":\s*(\d+)`).FindSubmatch(out)
		require.NotNil(t, m, "%s", out)
		var n int
		require.NoError(t, json.Unmarshal(m[1], &n))
		return n
	}
}

func nodeCount(t *testing.T) int {
	cases, err := ingest.JUnitCases(bytes.NewReader(own(t, "node", "--test", "--test-reporter=junit", "node/names.test.mjs")))
	require.NoError(t, err)
	return len(cases)
}

// own runs the runner without us, on a Redis of its own.
func own(t *testing.T, program string, args ...string) []byte {
	t.Helper()
	inst := redis(t)
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = project
	cmd.Env = append(os.Environ(), "REDIS_URL=redis://"+inst.Addr(), "CI=")
	out, err := cmd.Output()
	require.NoError(t, err, "%s", out)
	return out
}

func redis(t *testing.T) redisenv.Instance {
	t.Helper()
	inst, err := redisenv.Start(t.Context(), redisenv.Spec{Provider: "server"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, inst.Close(context.Background())) })
	return inst
}

// needed leaves the test out where the machine lacks what it takes, and never
// where CI is set.
func needed(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts Node many times")
	}
	_, errNode := exec.LookPath("node")
	_, errRedis := exec.LookPath("redis-server")
	_, errModules := os.Stat(filepath.Join(project, "node_modules"))
	if errNode != nil || errRedis != nil || errModules != nil {
		require.Empty(t, os.Getenv("CI"), "CI needs Node, redis-server and npm ci in %s", project)
		t.Skipf("needs node, redis-server and npm ci in %s", project)
	}
}

// run plays a command through a proxy, and gives what was on the wire.
func run(t *testing.T, argv []string, only ...string) ([]harness.Outcome, []harness.Event, error) {
	t.Helper()
	a, err := suite.Choose(node.Adapters(), argv, project)
	require.NoError(t, err)
	require.NotNil(t, a, "%v is not recognised", argv)
	r, err := suite.New(suite.Config{Argv: argv, Dir: project, Adapter: a})
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close()) }()
	inst := redis(t)
	p, err := proxy.Start(t.Context(), proxy.Config{Dial: inst.Dial})
	require.NoError(t, err)
	defer func() { require.NoError(t, p.Close()) }()
	buffer := history.NewBuffer(history.BufferConfig{})
	defer buffer.Close()
	p.StartTrial(nil, buffer)
	out, err := r.Run(t.Context(), runner.Exec{
		Trial: 1, Tests: only, Redis: runner.Endpoint{Addr: p.Addr(), Adopt: p.Adopt},
		Begin: p.Begin, End: func(string) { p.End() },
	})
	p.DropConnections()
	events, berr := buffer.All()
	require.NoError(t, berr)
	return out, events, err
}

// names are those of a row's tests by the letters of their keys.
func (r row) names() map[string]string {
	names := map[string]string{}
	for _, list := range []map[string]string{shared, r.more} {
		for id, titles := range list {
			names[id] = r.file + " > " + titles
		}
	}
	return names
}

func TestRunners(t *testing.T) {
	needed(t)
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			for _, argv := range [][]string{r.bare, r.script} {
				out, events, err := run(t, argv)
				require.NoError(t, err)
				require.Equal(t, r.want(), verdicts(out), "%v", argv)
				exact(t, r, out, events)
			}
			require.Len(t, r.want(), r.count(t), "the runner counts others")
			for _, id := range awkward {
				name := r.names()[id]
				out, events, err := run(t, r.bare, name)
				require.NoError(t, err)
				require.Equal(t, map[string]harness.Verdict{name: harness.Passed}, verdicts(out))
				require.Equal(t, harness.BoundaryAlone, out[0].Boundary)
				sent := keys(events)
				require.NotEmpty(t, sent)
				for _, k := range sent {
					require.Equal(t, id, k.id, "%s ran too", k.id)
					require.Equal(t, name, k.test)
				}
			}
		})
	}
}

// want is what each test of a row does.
func (r row) want() map[string]harness.Verdict {
	want := map[string]harness.Verdict{}
	for _, name := range r.names() {
		want[name] = harness.Passed
	}
	for _, s := range r.skips {
		want[r.file+" > "+s] = harness.Skipped
	}
	return want
}

func verdicts(out []harness.Outcome) map[string]harness.Verdict {
	m := map[string]harness.Verdict{}
	for _, o := range out {
		m[o.Test.Name] = o.Verdict
	}
	return m
}

// exact checks that each frame about a key is given to the test that sent it,
// by the truth that the tests write into their keys.
func exact(t *testing.T, r row, out []harness.Outcome, events []harness.Event) {
	t.Helper()
	names := r.names()
	sent := keys(events)
	require.GreaterOrEqual(t, len(sent), 2*3*len(names), "3 commands a test, each with its reply")
	for _, k := range sent {
		require.Equal(t, names[k.id], k.test, "a frame about %s", k.id)
	}
	for _, o := range out {
		if o.Verdict != harness.Passed {
			continue
		}
		require.Equal(t, harness.BoundaryMarked, o.Boundary, o.Test.Name)
		require.Equal(t, filepath.ToSlash(filepath.Join("fixtures/external/js-runners", r.file)), o.Test.File)
		require.Positive(t, o.Duration)
		if r.limit == 0 {
			require.Nil(t, o.Limit, o.Test.Name)
		} else {
			require.NotNil(t, o.Limit, o.Test.Name)
			require.Equal(t, harness.Duration(r.limit), o.Limit.Of, o.Test.Name)
			require.Less(t, o.Limit.Left(), r.limit+1)
		}
		if o.Test.Name == names[r.retry] {
			require.Len(t, o.Warnings, 1)
			require.Contains(t, o.Warnings[0], "passed at attempt 2")
			require.Contains(t, o.Warnings[0], "1", "the value that was wrong")
		} else {
			require.Empty(t, o.Warnings)
		}
	}
}

// frame is one about a key: whose it is by its name, and to whom it was given.
type frame struct{ id, test string }

func keys(events []harness.Event) (list []frame) {
	for _, e := range events {
		if id, _, ok := strings.Cut(e.Point.Key, ":"); ok && strings.HasPrefix(id, "t") && (e.Kind == harness.Request || e.Kind == harness.Reply) {
			list = append(list, frame{id, e.Test})
		}
	}
	return list
}

// A failing hook is no test: it fails those that it belongs to.
func TestFailingHooks(t *testing.T) {
	needed(t)
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			out, _, err := run(t, r.faulty)
			require.NoError(t, err)
			file := strings.Replace(r.file, "names", "faulty", 1)
			want := map[string]harness.Verdict{}
			for name, v := range map[string]harness.Verdict{
				"no setup > never runs": harness.Failed, "no preparation > not prepared": harness.Failed, "no clearing > not cleared": harness.Failed,
				"no end > not last": harness.Passed, "no end > last": harness.Failed, "sound": harness.Passed,
			} {
				want[file+" > "+name] = v
			}
			require.Equal(t, want, verdicts(out))
			for _, o := range out {
				if o.Verdict == harness.Failed {
					require.Regexp(t, "the server is not there|no table|still open|does not close", o.Failure.Message)
					require.NotContains(t, o.Failure.Message, "\n")
				}
			}
		})
	}
}

// What cannot work is told at once, with the runner's own last words.
func TestNothingToRun(t *testing.T) {
	needed(t)
	for _, c := range []struct {
		name, argv, want string
		usage            bool
	}{
		{"vitest, no file", "npx vitest run --root vitest zzz", "No test files found", false},
		{"vitest, no test", "npx vitest run --root vitest names -t zzz", "no test", true},
		{"jest, no file", "npx jest --rootDir jest zzz", "No tests found", false},
		{"jest, no test", "npx jest --rootDir jest names -t zzz", "no test", true},
		{"mocha, no file", "npx mocha mocha/zzz.js", "No test files found", false},
		{"mocha, no test", "npx mocha mocha/names.test.js -g zzz", "no test", true},
		{"node, no file", "node --test node/zzz.mjs", "Could not find", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, _, err := run(t, strings.Fields(c.argv))
			require.Empty(t, out)
			var u *runner.Unusable
			require.ErrorAs(t, err, &u)
			require.ErrorContains(t, err, c.want)
			require.Equal(t, c.usage, u.Usage, "%v", err)
		})
	}
}
