// Package probe runs a suite once, as a hunt would, and says what a hunt of it
// would meet: whether it reaches Redis through the proxy at all, and by which
// variable; what it sends; how its tests are told apart.
//
//	variables ──► a listener each ──┐
//	--takeover addresses ───────────┼──► one proxy ──► one Redis
//	the command line's {addr} ──────┘      └──► counts
//
// It must never delay anything, keep what the suite sent beyond counts and
// names, or run it longer than it was told to.
package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/probe/hints"
	"github.com/flakehunt/flakehunt/harness/proxy"
	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/environ"
	"github.com/flakehunt/flakehunt/internal/phrase"
)

// DefaultTimeout is how long the suite may run when nothing else is said.
const DefaultTimeout = 2 * time.Minute

// Config says what to run and where. Target, Open and Provider are needed.
type Config struct {
	Target harness.Target
	// Open makes what runs the target once, within timeout. Its error is about
	// the target: a command that is not there, a package that is not.
	Open     func(ctx context.Context, t harness.Target, wrap environ.CommandWrapper, timeout time.Duration) (runner.Runner, error)
	Provider redisenv.Provider
	Timeout  time.Duration // 0: DefaultTimeout
	Hints    hints.Found
	Private  error  // why no private loopback can be had; nil: it can
	TempDir  string // for the trial; may be empty
	Note     func(format string, args ...any)
	Log      *slog.Logger
}

// Report is what was found.
type Report struct {
	Target  harness.Target    `json:"target"`
	Redis   harness.RedisInfo `json:"redis"`
	As      *Attempt          `json:"as_given"`        // the suite as its user runs it
	Again   *Attempt          `json:"again,omitempty"` // once more, where the first try saw no command
	Hints   hints.Found       `json:"hints"`
	Private string            `json:"no_private_loopback,omitempty"` // why none can be had
	Advice
}

// Attempt is one run of the suite.
type Attempt struct {
	Private     bool             `json:"private_loopback"` // it ran in a loopback of its own
	ListenAddrs []ListenAddr     `json:"doors"`
	Wire        Wire             `json:"wire"`
	Tests       Tests            `json:"tests"`
	Failures    []Failure        `json:"failures,omitempty"`   // the first five
	Boundaries  []BoundaryCount  `json:"boundaries,omitempty"` // how tests are told apart on the wire
	Wall        harness.Duration `json:"wall"`
	CPU         harness.Duration `json:"cpu"`
	Waiting     float64          `json:"waiting"`           // share of the wall time in which it did not compute, 0 to 1
	Trouble     string           `json:"trouble,omitempty"` // why it could not be run to its end
	Single      bool             `json:"single"`            // one test can be run alone
	hinted      []Setting
}

// Tests counts outcomes.
type Tests struct {
	Total   int `json:"total"`
	Passed  int `json:"passed"`
	Failed  int `json:"failed"`
	Skipped int `json:"skipped"`
}

// BoundaryCount is how many tests are told apart how.
type BoundaryCount struct {
	Boundary harness.Boundary `json:"boundary"` // empty: not known
	Says     string           `json:"says"`     // the same for a person
	Tests    int              `json:"tests"`
}

// Failure is a test that failed.
type Failure struct {
	Test    string `json:"test"`
	Message string `json:"message"`
}

// Run runs the suite, and where no command is seen once more: with the
// variables set that its sources name, and in a private loopback on which the
// proxy answers at Redis' usual address. The error says that Redis or the proxy
// could not do their work; one of Open comes as it is.
func Run(ctx context.Context, c Config) (*Report, error) {
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Note == nil {
		c.Note = func(string, ...any) {}
	}
	inst, err := c.Provider.Start(ctx)
	if err != nil {
		return nil, fmt.Errorf("start redis: %w", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		if err := inst.Close(ctx); err != nil {
			c.Log.Warn("end redis", "error", err)
		}
	}()
	r := &Report{Target: c.Target, Redis: inst.Info(), Hints: c.Hints}
	if c.Private != nil {
		r.Private = c.Private.Error()
	}
	if r.As, err = c.attempt(ctx, inst, c.Target.Takeover, nil); err != nil {
		return nil, err
	}
	if takeover, hinted := c.second(); r.As.Wire.Commands == 0 && r.As.encrypted() == 0 && len(takeover)+len(hinted) > 0 {
		c.Note("no command seen on the wire; once more%s", secondWords(takeover, hinted))
		if r.Again, err = c.attempt(ctx, inst, takeover, hinted); err != nil {
			return nil, err
		}
	}
	r.Advice = advise(r)
	return r, nil
}

func secondWords(takeover []string, hinted []Setting) string {
	s := ""
	if len(hinted) > 0 {
		s += ", with " + strings.Join(names(hinted), ", ") + " set"
	}
	if len(takeover) > 0 {
		s += ", in a private loopback on which Redis answers at " + strings.Join(takeover, ", ")
	}
	return s
}

// second says what else may lead the suite to us: addresses to take over, where
// a private loopback can be had, and variables that its sources name.
func (c Config) second() (takeover []string, hinted []Setting) {
	for _, v := range c.Hints.Variables {
		if form, ok := hints.FormOf(v.Text); ok && len(hinted) < 12 {
			hinted = append(hinted, Setting{Name: v.Text, Template: string(form)})
		}
	}
	known := settings(c.Target.Env, nil)
	hinted = slices.DeleteFunc(hinted, func(s Setting) bool { return slices.Contains(names(known), s.Name) })
	if c.Private != nil {
		return nil, hinted
	}
	takeover = slices.Clone(c.Target.Takeover)
	add := func(addr string) {
		if len(takeover) < 8 && !slices.Contains(takeover, addr) {
			takeover = append(takeover, addr)
		}
	}
	add("localhost:6379")
	for _, a := range c.Hints.Addresses {
		host, port, err := net.SplitHostPort(a.Text)
		ip, notIP := netip.ParseAddr(host)
		if err == nil && (host == "localhost" || notIP == nil && ip.Is4() && !ip.IsUnspecified()) {
			add(net.JoinHostPort(host, port))
		}
	}
	if len(takeover) == len(c.Target.Takeover) && len(hinted) == 0 {
		return nil, nil // as it was
	}
	return takeover, hinted
}

// attempt runs the suite once.
func (c Config) attempt(ctx context.Context, inst redisenv.Instance, takeover []string, hinted []Setting) (*Attempt, error) {
	if err := inst.Reset(ctx); err != nil {
		return nil, fmt.Errorf("reset redis: %w", err)
	}
	p, argument, err := c.proxyFor(ctx, inst)
	if err != nil {
		return nil, err
	}
	defer p.Close()

	a := &Attempt{Private: len(takeover) > 0, hinted: hinted}
	addrs, env, wrap, adopt, err := c.open(ctx, p, takeover, settings(c.Target.Env, hinted))
	if err != nil {
		return nil, err
	}
	t := c.Target
	t.Env, t.Takeover = env, takeover
	r, err := c.Open(ctx, t, wrap, c.Timeout)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err := r.Close(); err != nil {
			c.Log.Warn("close the suite's runner", "error", err)
		}
	}()
	counts := newTally()
	p.StartTrial(nil, counts)
	outcomes, err := c.run(ctx, r, a, p, adopt)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if alive := inst.Alive(ctx); alive != nil {
		return nil, fmt.Errorf("redis died while the suite ran: %w", alive)
	}
	if err != nil {
		a.Trouble = err.Error()
	}
	a.Single = runsOne(r)
	if err := p.Close(); err != nil {
		return nil, fmt.Errorf("close proxy: %w", err)
	}
	a.Wire = counts.seen()
	a.sum(outcomes)
	for _, d := range append([]*ListenAddr{argument}, addrs...) {
		d.count()
		a.ListenAddrs = append(a.ListenAddrs, *d)
	}
	return a, nil
}

// proxyFor starts the proxy before a Redis. argument is the address that {addr} in
// the command line stands for.
func (c Config) proxyFor(ctx context.Context, inst redisenv.Instance) (p *proxy.Proxy, argument *ListenAddr, err error) {
	own, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, fmt.Errorf("listen: %w", err)
	}
	argument = &ListenAddr{Name: "{addr} in the command line", seen: &atomic.Int64{}, tls: &atomic.Int64{}}
	through := proxy.Config{Dial: inst.Dial, Listener: &counted{own, argument}, Log: c.Log}
	if inst.Options().Password != "" {
		through.Admit = proxy.SameUser
		if inst.Info().Provider == "url" {
			through.Confine = &proxy.Confine{DB: inst.Options().DB}
		}
	}
	if p, err = proxy.Start(ctx, through); err != nil {
		_ = own.Close()
		return nil, nil, fmt.Errorf("start proxy: %w", err)
	}
	return p, argument, nil
}

// run runs the suite through the proxy and adds up in a what time it took.
func (c Config) run(ctx context.Context, r runner.Runner, a *Attempt, p *proxy.Proxy, adopt func(net.Listener)) ([]harness.Outcome, error) {
	var mu sync.Mutex
	limit := fmt.Errorf("it did not end within %s (--timeout)", c.Timeout)
	// The runner ends a suite that is late by itself, and knows more of it.
	ctx, cancel := context.WithTimeoutCause(ctx, c.Timeout+15*time.Second, limit)
	defer cancel()
	return r.Run(ctx, runner.Exec{
		Trial: 1, Seed: 1, Arm: harness.Survey, Worker: 1, Dir: c.TempDir,
		Redis: runner.Endpoint{Addr: p.Addr(), Adopt: adopt},
		Begin: p.Begin, End: func(string) { p.End() },
		Spent: func(cpu, wall time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			a.CPU += harness.Duration(cpu)
			a.Wall += harness.Duration(wall)
		},
	})
}

// runsOne reports whether a runner can run one test alone. One that does not say
// can.
func runsOne(r runner.Runner) bool {
	s, ok := r.(interface{ Single() bool })
	return !ok || s.Single()
}

// sum adds the outcomes up.
func (a *Attempt) sum(outcomes []harness.Outcome) {
	var late error
	counts := map[harness.Boundary]int{}
	for _, o := range outcomes {
		a.Tests.Total++
		switch o.Verdict {
		case harness.Passed:
			a.Tests.Passed++
		case harness.Failed:
			a.Tests.Failed++
			f := Failure{Test: o.Test.Name}
			if o.Failure != nil {
				f.Message = o.Failure.Message
				if o.Failure.Kind == harness.TimeoutFailure {
					late = errors.New(phrase.FirstLine(f.Message))
				}
			}
			if len(a.Failures) < 5 {
				a.Failures = append(a.Failures, f)
			}
		case harness.Skipped:
			a.Tests.Skipped++
		}
		if o.Verdict == harness.Passed || o.Verdict == harness.Failed {
			counts[o.Boundary]++
		}
	}
	for _, b := range slices.Sorted(maps.Keys(counts)) {
		a.Boundaries = append(a.Boundaries, BoundaryCount{b, b.String(), counts[b]})
	}
	if late != nil && a.Trouble == "" {
		a.Trouble = late.Error()
	}
	if a.Wall > 0 {
		a.Waiting = max(0, 1-float64(a.CPU)/float64(a.Wall))
	}
	slices.SortStableFunc(a.Failures, func(x, y Failure) int { return cmp.Compare(x.Test, y.Test) })
}
