package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/explore"
	"github.com/flakehunt/flakehunt/harness/proxy"
	"github.com/flakehunt/flakehunt/harness/stats"
)

// race plays a test that publishes without waiting for its subscription, and
// one that waits, under a hold in the bad order and one in the good order.
type race struct {
	n     int           // of each
	stall time.Duration // for the hold that cannot be fulfilled; each takes so long
}

// raceCase is one of the four, and what is to come of it.
type raceCase struct {
	name     string
	hold     []harness.Decision
	waits    bool // the test waits for its confirmation
	leastBad float64
	mostBad  float64
	ordered  bool // the hold cannot be fulfilled
}

func raceCases() []raceCase {
	subscribe := harness.Point{Role: "sub", Verb: "SUBSCRIBE", Key: "c", N: 1}
	publish := harness.Point{Role: "pub", Verb: "PUBLISH", Key: "c", N: 1}
	bad := []harness.Decision{{At: subscribe, Action: harness.Hold, Until: publish.Reply()}}
	good := []harness.Decision{{At: publish, Action: harness.Hold, Until: subscribe.Reply()}}
	return []raceCase{
		{name: "racing test, bad order", hold: bad, leastBad: 0.99, mostBad: 1},
		{name: "racing test, good order", hold: good},
		{name: "correct test, bad order", hold: bad, waits: true, ordered: true},
		{name: "correct test, good order", hold: good, waits: true},
	}
}

func (r *race) run(ctx context.Context, out io.Writer) error {
	testbed, err := newTestbed(ctx)
	if err != nil {
		return err
	}
	defer testbed.close()
	var trouble error
	for _, kind := range []string{kindFlakehunt, kindPortable} {
		for _, c := range raceCases() {
			cfg := proxy.Config{Dial: dialer(testbed.redis.addr), Portable: kind == kindPortable}
			if c.ordered {
				cfg.StallAfter = r.stall
			}
			trouble = errors.Join(trouble, r.play(ctx, out, cfg, kind, c))
		}
	}
	return trouble
}

// play plays one case n times.
func (r *race) play(ctx context.Context, out io.Writer, cfg proxy.Config, kind string, c raceCase) error {
	p, err := proxy.Start(ctx, cfg)
	if err != nil {
		return err
	}
	defer p.Close()
	rules, err := explore.NewReplay(c.hold)
	if err != nil {
		return err
	}
	p.StartTrial(rules, nil)
	lost, blocked := 0, 0
	for range r.n {
		p.Begin("race")
		failed, err := subscribeAndPublish(ctx, p.Addr(), c.waits)
		if err != nil {
			return fmt.Errorf("%s, %s: %w", kind, c.name, err)
		}
		if failed {
			lost++
		}
		blocked += len(p.End().Blocked)
		p.DropConnections()
	}
	iv := stats.ClopperPearson(lost, r.n, 0.95)
	fmt.Fprintf(out, "%-10s %-25s failed %d of %d (%.1f–%.1f %%), hold not fulfilled %d\n", kind, c.name, lost, r.n, 100*iv.Lo, 100*iv.Hi, blocked)
	if share := float64(lost) / float64(r.n); share < c.leastBad || share > c.mostBad {
		return fmt.Errorf("%s, %s: failed %d of %d, want %.0f to %.0f %%", kind, c.name, lost, r.n, 100*c.leastBad, 100*c.mostBad)
	}
	if c.ordered != (blocked == r.n) || !c.ordered && blocked > 0 {
		return fmt.Errorf("%s, %s: %d of %d holds were not fulfilled", kind, c.name, blocked, r.n)
	}
	return nil
}

// subscribeAndPublish is the test under test: it fails when nobody receives
// what it published.
func subscribeAndPublish(ctx context.Context, addr string, waits bool) (failed bool, err error) {
	var dialer net.Dialer
	ends := [2]*wire{}
	for i := range ends {
		conn, err := dialer.DialContext(ctx, "tcp", addr)
		if err != nil {
			return false, err
		}
		defer conn.Close()
		ends[i] = newWire(conn)
	}
	sub, pub := ends[0], ends[1]
	if err := sub.send("SUBSCRIBE", "c"); err != nil {
		return false, err
	}
	if waits {
		if _, err := sub.line(); err != nil { // the confirmation has begun to arrive
			return false, err
		}
	}
	receivers, err := pub.do("PUBLISH", "c", "m")
	return receivers == ":0", err
}
