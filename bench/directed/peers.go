package main

import (
	"context"
	"time"

	"github.com/flakehunt/flakehunt/bench/toxiproxy"
	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/harness/runner"
)

// peer is another way to look for a flake: rerun the test over some connection.
type peer struct {
	name string
	via  func(upstream string) (addr string, done func(), err error) // the address that the tests get
}

// peers are plain rerun, as go test -count does, and Toxiproxy's latency toxic,
// uniform over 20 ± 20 ms in both directions, as its users set it.
func peersOf(ctx context.Context) (list []peer, done func(), err error) {
	tp, err := toxiproxy.Start(ctx)
	if err != nil {
		return nil, nil, err
	}
	return []peer{
		{"plain rerun", func(upstream string) (string, func(), error) { return upstream, func() {}, nil }},
		{"Toxiproxy 20±20 ms", func(upstream string) (string, func(), error) { return open(ctx, tp, upstream) }},
	}, tp.Close, nil
}

// rerun runs one test until it fails, at most n times. It returns the trial
// that failed, or 0.
func (p peer) rerun(ctx context.Context, l *lab, test string, seed uint64, n int) (int, error) {
	inst, err := l.provider.Start(ctx)
	if err != nil {
		return 0, err
	}
	defer inst.Close(context.WithoutCancel(ctx))
	addr, done, err := p.via(inst.Addr())
	if err != nil {
		return 0, err
	}
	defer done()
	for i := 1; i <= n; i++ {
		failed, err := p.once(ctx, l, inst, addr, test, seed, i)
		if err != nil {
			return 0, err
		}
		if failed {
			return i, nil
		}
	}
	return 0, nil
}

func (p peer) once(ctx context.Context, l *lab, inst redisenv.Instance, addr, test string, seed uint64, i int) (bool, error) {
	if err := inst.Reset(ctx); err != nil {
		return false, err
	}
	outcomes, err := l.runner.Run(ctx, runner.Exec{
		Trial: i, Seed: seed, Arm: harness.Direct, Tests: []string{test}, Redis: runner.Endpoint{Addr: addr},
	})
	if err != nil {
		return false, err
	}
	for _, o := range outcomes {
		if o.Verdict == harness.Failed {
			return true, nil
		}
	}
	return false, nil
}

// open makes a proxy with a uniform latency of 20 ± 20 ms each way.
func open(ctx context.Context, s *toxiproxy.Server, upstream string) (addr string, done func(), err error) {
	p, err := s.Open(ctx, upstream)
	if err != nil {
		return "", nil, err
	}
	for _, stream := range []string{toxiproxy.Upstream, toxiproxy.Downstream} {
		if err := p.Latency(ctx, stream, 20*time.Millisecond, 20*time.Millisecond); err != nil {
			return "", nil, err
		}
	}
	return p.Addr, p.Close, nil
}
