package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"sync"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/explore"
	"github.com/flakehunt/flakehunt/harness/proxy"
)

// decisions plays one small test over and over under one seed: several
// connections that race each other. What is decided must be the same each time,
// however the frames are interleaved.
type decisions struct {
	runs  int
	seed  uint64
	conns int
}

func (d *decisions) run(ctx context.Context, out io.Writer) error {
	testbed, err := newTestbed(ctx)
	if err != nil {
		return err
	}
	defer testbed.close()
	var trouble error
	for _, kind := range []string{kindFlakehunt, kindPortable} {
		p, err := proxy.Start(ctx, proxy.Config{Dial: dialer(testbed.redis.addr), Portable: kind == kindPortable})
		if err != nil {
			return err
		}
		for _, strategy := range []string{"latency", "skew", "random", "pct"} {
			trouble = errors.Join(trouble, d.strategy(ctx, out, p, kind, strategy))
		}
		if err := p.Close(); err != nil {
			return err
		}
	}
	return trouble
}

// strategy makes all runs of one strategy; one seed that gives two decision
// logs, and runs that prove nothing, are errors.
func (d *decisions) strategy(ctx context.Context, out io.Writer, p *proxy.Proxy, kind, name string) error {
	// Short delays, and a budget that pays for one at nearly every frame: the
	// more that is decided, the more could differ.
	settings := explore.Settings{
		Latency: time.Millisecond, Jitter: time.Millisecond, Max: 4 * time.Millisecond, Budget: 1, Trial: 3,
		Survey: explore.Survey{Frames: 100, Duration: 200 * time.Millisecond, Tests: 1, Roles: d.conns},
	}
	s, err := explore.New(name, d.seed, settings.Params())
	if err != nil {
		return err
	}
	logs, orders, decided := map[string]int{}, map[uint64]int{}, 0
	for range d.runs {
		rec := &orderOf{}
		p.StartTrial(s, rec)
		p.Begin("decisions")
		if err := d.once(ctx, p.Addr()); err != nil {
			return err
		}
		logs[p.End().Digest]++
		p.StartTrial(nil, nil) // rec is complete
		p.DropConnections()
		orders[rec.sum]++
		decided = rec.decided
	}
	fmt.Fprintf(out, "%-10s %-8s seed %d: %d runs of %d connections: %d decision log(s) of %d decisions, %d orders of frames\n",
		kind, name, d.seed, d.runs, d.conns, len(logs), decided, len(orders))
	switch {
	case len(logs) != 1:
		return fmt.Errorf("%s, %s: one seed gave %d decision logs", kind, name, len(logs))
	case decided == 0:
		return fmt.Errorf("%s, %s: nothing was decided", kind, name)
	case d.runs > 1 && len(orders) == 1:
		return fmt.Errorf("%s, %s: all runs had one order, so they prove nothing", kind, name)
	}
	return nil
}

// once is the test: each connection sends commands one by one, of names that
// the others use too.
func (d *decisions) once(ctx context.Context, addr string) error {
	var wg sync.WaitGroup
	errs := make(chan error, d.conns)
	for i := range d.conns {
		wg.Go(func() { errs <- talk(ctx, addr, i) })
	}
	wg.Wait()
	close(errs)
	var all error
	for err := range errs {
		all = errors.Join(all, err)
	}
	return all
}

func talk(ctx context.Context, addr string, i int) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	c := newWire(conn)
	if _, err := c.do("CLIENT", "SETNAME", "role"+string(rune('a'+i/2%26))); err != nil { // two of each
		return err
	}
	for n := range 6 {
		if _, err := c.do([]string{"SET", "APPEND"}[i%2], "key"+string(rune('a'+n%2)), "x"); err != nil {
			return err
		}
	}
	return nil
}

// orderOf is a recorder that keeps a hash of the order of frames, and how many
// of them were decided on.
type orderOf struct {
	sum     uint64
	decided int
}

// Record is called by one goroutine at a time.
func (o *orderOf) Record(e *harness.Event) {
	if e.Point.IsZero() {
		return
	}
	h := fnv.New64a()
	fmt.Fprint(h, o.sum, e.Conn, e.Point) // a hash never fails
	o.sum = h.Sum64()
	if e.Action != harness.Pass {
		o.decided++
	}
}
