package predict_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
	"github.com/flakehunt/flakehunt/harness/predict"
	"github.com/flakehunt/flakehunt/internal/lanes"
)

// sound are the rows' programs made right. What the wire shows is sometimes the
// same (that a program waited for a reply no frame tells), so some candidates
// are proposed all the same: none of them may make the program fail.
func sound() []row {
	return []row{
		{name: "stream-by-id", run: streamByID},
		{name: "group-awaited", run: groupAwaited},
		{name: "name-awaited", run: nameAwaited},
		{name: "import-awaited", run: importAwaited},
		{name: "lease-with-room", run: leaseWithRoom},
		{name: "counter", run: counter},
		{name: "one-time", run: oneTime},
	}
}

func streamByID(ctx context.Context, e *env) error {
	a, b := e.client(1), e.client(1)
	e.noise(ctx, b)
	got := make(chan error, 1)
	a.Ping(ctx)
	go func() {
		got <- a.XRead(ctx, &redis.XReadArgs{Streams: []string{"events", "0"}, Block: 3 * time.Second}).Err()
	}()
	time.Sleep(time.Millisecond)
	b.XAdd(ctx, &redis.XAddArgs{Stream: "events", Values: []string{"e", "added"}})
	return <-got
}

func groupAwaited(ctx context.Context, e *env) error {
	a, b := e.client(1), e.client(1)
	e.noise(ctx, b)
	a.XGroupCreateMkStream(ctx, "s", "g", "$")
	b.XAdd(ctx, &redis.XAddArgs{Stream: "s", Values: []string{"f", "v"}})
	got, err := b.XReadGroup(ctx, &redis.XReadGroupArgs{Group: "g", Consumer: "c", Streams: []string{"s", ">"}, Block: -1}).Result()
	if err != nil || len(got) != 1 {
		return fmt.Errorf("the group got %v: %w", got, err)
	}
	return nil
}

func nameAwaited(ctx context.Context, e *env) error {
	a, b := e.client(1), e.client(1)
	e.noise(ctx, b)
	a.Do(ctx, "CLIENT", "SETNAME", "worker-1")
	list, err := b.ClientList(ctx).Result()
	if err != nil || len(list) == 0 {
		return fmt.Errorf("no worker among the clients (%v)", err)
	}
	return nil
}

func importAwaited(ctx context.Context, e *env) error {
	c := e.client(4)
	e.noise(ctx, c)
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() { c.Set(ctx, fmt.Sprintf("import:%d", i), i, 0) })
	}
	wg.Wait()
	keys, _, err := c.Scan(ctx, 0, "import:*", 1000).Result()
	if err != nil || len(keys) != 6 {
		return fmt.Errorf("%d of 6 imported: %w", len(keys), err)
	}
	return nil
}

func leaseWithRoom(ctx context.Context, e *env) error {
	a, b := e.client(1), e.client(1)
	e.noise(ctx, b)
	a.SetNX(ctx, "lease", "a", 30*time.Second)
	a.PExpire(ctx, "lease", 30*time.Second)
	if got, err := b.SetNX(ctx, "lease", "b", time.Second).Result(); err != nil || got {
		return fmt.Errorf("the rival has the lease: %w", err)
	}
	return nil
}

func counter(ctx context.Context, e *env) error {
	c := e.client(4)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { c.Incr(ctx, "visits") })
	}
	wg.Wait()
	if n, err := c.Get(ctx, "visits").Int(); err != nil || n != 8 {
		return fmt.Errorf("%d visits: %w", n, err)
	}
	return nil
}

func oneTime(ctx context.Context, e *env) error {
	c := e.client(1)
	now := time.Now().Unix()
	c.ZAdd(ctx, "delayed", redis.Z{Score: float64(now), Member: "job"})
	if score, err := c.ZScore(ctx, "delayed", "job").Result(); err != nil || int64(score) != now {
		return fmt.Errorf("the score is %v, not %d (%v)", score, now, err)
	}
	return nil
}

// TestSoundProgramsAreNotProvoked: no candidate, first or last, makes a sound
// program fail, nor does any smaller form of it.
func TestSoundProgramsAreNotProvoked(t *testing.T) {
	if testing.Short() {
		t.Skip("a minute of trials")
	}
	lanes.Each(t, labs, newLab, sound(), row.title, func(t *testing.T, l *lab, r row) {
		l.t = t
		list := predict.Candidates([]*detect.Trace{l.passing(r, 3)}, nearmiss.Known{}, predict.Facts{})
		for _, c := range list[:min(len(list), 12)] {
			for _, s := range []harness.Schedule{c.Provoke, c.Counter} {
				failed := l.run(r, s)
				require.NotEqual(t, harness.Failed, failed.Outcome.Verdict, "%s\n%v", c.Title, s.Decisions)
			}
		}
	})
}

// TestAwaitedOrdersRankLow: what the program waited for, as far as the wire can
// tell, comes after what it did not.
func TestAwaitedOrdersRankLow(t *testing.T) {
	for _, r := range sound() {
		t.Run(r.name, func(t *testing.T) {
			list := predict.Candidates([]*detect.Trace{load(t, filepath.Join("testdata", "sound-"+r.name+".txt"))}, nearmiss.Known{}, predict.Facts{})
			for _, c := range list {
				if c.Relation == predict.Execution {
					require.LessOrEqual(t, c.Likelihood, 0.5, c.Title)
				}
			}
		})
	}
}
