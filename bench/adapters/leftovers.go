package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/suite"
	"github.com/flakehunt/flakehunt/harness/runner/suite/node"
	"github.com/flakehunt/flakehunt/harness/runner/suite/pytest"
	"github.com/flakehunt/flakehunt/harness/runner/suite/rspec"
)

// left are tests whose verdict depends on what an earlier run of them has left in
// their module or process: the first half fails if there is something, the second
// unless there is.
var left = map[*language][]string{
	python: {
		"ok(not seen); seen.append(1)",
		"ok('x' not in table); table['x'] = 1",
		"ok(Counter.n == 0); Counter.n += 1",
		"ok('LEFT' not in os.environ); os.environ['LEFT'] = '1'",
		"ok(not hasattr(sys, 'left')); sys.left = 1",
		"n = len(seen); seen.append(1); ok(n)",
		"n = len(table); table['y'] = 1; ok(n)",
		"n = Counter.n; Counter.n += 1; ok(n)",
		"n = os.getcwd(); os.chdir('/'); ok(n == '/')",
		"n = hasattr(redis, 'left'); redis.left = 1; ok(n)",
	},
	javascript: {
		"ok(seen.length === 0); seen.push(1)",
		"ok(map.size === 0); map.set('x', 1)",
		"ok(Counter.n === 0); Counter.n++",
		"ok(process.env.LEFT === undefined); process.env.LEFT = '1'",
		"ok(globalThis.left === undefined); globalThis.left = 1",
		"const n = seen.length; seen.push(1); ok(n > 0)",
		"const n = map.size; map.set('y', 1); ok(n > 0)",
		"const n = Counter.n; Counter.n++; ok(n > 0)",
		"const n = Array.prototype.left; Array.prototype.left = 1; ok(n)",
		"const n = Redis.left; Redis.left = 1; ok(n)",
	},
	ruby: {
		"ok(SEEN.empty?); SEEN << 1",
		"ok(TABLE.empty?); TABLE[1] = 1",
		"ok(Counter.n == 0); Counter.n += 1",
		"ok(ENV['LEFT'].nil?); ENV['LEFT'] = '1'",
		"ok($left.nil?); $left = 1",
		"n = SEEN.size; SEEN << 1; ok(n > 0)",
		"n = TABLE.size; TABLE[2] = 1; ok(n > 0)",
		"n = Counter.n; Counter.n += 1; ok(n > 0)",
		"n = Dir.pwd; Dir.chdir('/'); ok(n == '/')",
		"n = Redis.respond_to?(:left); Redis.define_singleton_method(:left) { 1 }; ok(n)",
	},
}

// turns is how often each test runs where processes may be used again, twice with -short.
const turns = 4

// leftovers runs thirty tests in processes of their own and again and again in
// shared ones, and compares the verdicts of all.
func (b *bench) leftovers(ctx context.Context) error {
	port, stop, err := redisServer(ctx, b.dir)
	if err != nil {
		return err
	}
	defer stop()
	for _, r := range b.those("pytest", "vitest", "jest", "mocha", "rspec") {
		var tests []test
		for i, body := range left[r.lang] {
			tests = append(tests, test{fmt.Sprintf("left%d", i), body})
		}
		for i := range 10 {
			sound := r.lang.sound[i%len(r.lang.sound)]
			tests = append(tests, test{fmt.Sprintf("sound%d", i), sound}, test{fmt.Sprintf("fails%d", i), sound + "\nok(1 == 2)"})
		}
		dir, err := b.suite(r, tests...)
		if err != nil {
			return err
		}
		c := compared{endpoint: runner.Endpoint{Addr: "127.0.0.1:" + port}, trial: 1, turns: turns}
		if b.short {
			c.turns = 2
		}
		if err := c.compare(ctx, r, dir); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		fmt.Printf("%-12s %d tests, %d of %d warm trials in a process that had run the test: verdicts differ in %d %v\n", r.name, len(tests), c.shared, len(tests)*(c.turns-1), len(c.differ), c.differ)
		if len(c.differ) > 0 {
			b.miss("leftovers in %s: %v", r.name, c.differ)
		}
		if c.shared == 0 {
			b.miss("leftovers in %s: no process was used again", r.name)
		}
	}
	return nil
}

// compared is a comparison under way.
type compared struct {
	endpoint runner.Endpoint
	trial    int
	turns    int
	shared   int      // trials in a process that had run the test before
	differ   []string // tests whose verdicts differ
}

func (c *compared) compare(ctx context.Context, r testRunner, dir string) (err error) {
	a, err := suite.Choose(append(node.Adapters(), pytest.Adapter{}, rspec.Adapter{}), r.argv, dir)
	if err != nil {
		return err
	}
	s, err := suite.New(suite.Config{Argv: r.argv, Dir: dir, Adapter: a})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	all, err := s.Run(ctx, runner.Exec{Trial: 1, Arm: harness.Survey, Redis: c.endpoint})
	if err != nil {
		return err
	}
	if len(all) != 30 {
		return fmt.Errorf("%d tests ran, not 30", len(all))
	}
	for _, o := range all {
		fresh, _, err := c.play(ctx, s, o.Test.Name, false)
		if err != nil {
			return err
		}
		var processes []int
		for range c.turns {
			again, process, err := c.play(ctx, s, o.Test.Name, true)
			if err != nil {
				return err
			}
			if slices.Contains(processes, process) {
				c.shared++
			}
			processes = append(processes, process)
			if again != fresh && !slices.Contains(c.differ, o.Test.Title) {
				c.differ = append(c.differ, o.Test.Title)
			}
		}
	}
	return nil
}

// play runs one test, and says in which process group.
func (c *compared) play(ctx context.Context, s *suite.Runner, name string, warm bool) (verdict harness.Verdict, process int, err error) {
	if err := flush(ctx, c.endpoint.Addr); err != nil {
		return "", 0, err
	}
	c.trial++
	out, err := s.Run(ctx, runner.Exec{
		Trial: c.trial, Arm: harness.Provoke, Worker: 1, Tests: []string{name}, Redis: c.endpoint, Warm: warm,
		Started: func(leader int) func() { process = leader; return func() {} },
	})
	if err != nil {
		return "", 0, err
	}
	if len(out) != 1 {
		return "", 0, fmt.Errorf("%s: %d outcomes, not 1", name, len(out))
	}
	return out[0].Verdict, process, nil
}
