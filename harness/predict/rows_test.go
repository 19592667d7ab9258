package predict_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/flakehunt/flakehunt/harness"
)

// row is a small program with a race, as it is found in the wild.
type row struct {
	name string
	run  func(ctx context.Context, e *env) error // nil: the test passed
	// Of the candidate that must be among the first five:
	class    harness.Class
	relation string // "" any
	first    string // verbs of First and Then, "" any
	then     string
	action   harness.Action
	until    string // what a hold ends at, direction and verb, as in ">XREAD"
	shown    bool   // a trial under Provoke fails
}

func (r row) title() string { return r.name }

const readers = "return redis.call('hgetall', KEYS[1])"

func rows() []row {
	hold, delay, align := harness.Hold, harness.Delay, harness.Align
	return []row{
		{"stream-latest", streamLatest, harness.OrderCommands, "execution order", "XREAD", "EVAL", hold, "<EVAL", true},
		{"group-latest", groupLatest, harness.OrderCommands, "execution order", "XGROUP|CREATE", "XADD", hold, "<XADD", true},
		{"script-ten-keys", scriptTenKeys, harness.OrderCommands, "execution order", "EVALSHA", "EVALSHA", hold, "<EVALSHA", true},
		{"client-list", clientList, harness.OrderServerState, "execution order", "CLIENT|SETNAME", "CLIENT|LIST", hold, "<CLIENT|LIST", true},
		{"shard-channels", shardChannels, harness.OrderServerState, "execution order", "SSUBSCRIBE", "PUBSUB|SHARDCHANNELS", hold, "<PUBSUB|SHARDCHANNELS", true},
		{"script-flush", scriptFlush, harness.OrderServerState, "execution order", "EVALSHA", "SCRIPT|FLUSH", hold, "<SCRIPT|FLUSH", true},
		{"maxmemory", maxMemory, harness.OrderServerState, "execution order", "CONFIG|SET", "INCR", hold, "<INCR", true},
		{"import-scan", importScan, harness.OrderCommands, "execution order", "SET", "SCAN", hold, "<SCAN", true},
		{"lease-renewal", leaseRenewal, harness.TTLExpiredEarly, "", "PEXPIRE", "", delay, "", true},
		{"client-cache", clientCache, harness.OrderDelivery, "delivery order", "invalidate", "GET", delay, "", true},
		{"expired-event", expiredEvent, harness.TimeoutClient, "time", "pmessage", "", delay, "", true},
		{"socket-timeout", socketTimeout, harness.TimeoutClient, "time", "LRANGE", "", delay, "", true},
		{"budget-of-four", budgetOfFour, harness.TimeoutClient, "time", "GET", "", delay, "", true},
		{"blpop-timeout", blpopTimeout, harness.TimeoutClient, "time", "RPUSH", "BLPOP", delay, "", true},
		{"two-sessions", twoSessions, harness.TTLMissing, "execution order", "SET", "EXPIRE", hold, "<EXPIRE", true},
		{"score-seconds", scoreSeconds, harness.TimeWallClock, "wall clock", "", "", align, "", true},
		{"many-trips", manyTripsRow, harness.TimeoutClient, "time", "", "", delay, "", true},
		{"pool-job-llen", poolJob, harness.OrderCommands, "execution order", "EVALSHA", "LLEN", hold, "<LLEN", true},
		{"noscript-rival", noscriptRival, harness.OrderCommands, "execution order", "EVALSHA", "SET", hold, "<SET", true},
		{"handshake-late", handshakeLate, harness.OrderDelivery, "time", "INFO", "", delay, "", true},
		{"flushdb-second", flushdbSecond, harness.TimeWallClock, "wall clock", "", "", align, "", true},
		{"listener-after-ready", listenerAfterReady, harness.OrderDelivery, "delivery order", "SET", "message", delay, "", true},
		{"keyspace-events-off", keyspaceEventsOff, harness.OrderServerState, "execution order", "CONFIG|SET", "DEL", hold, "<DEL", true},
		{"pool-of-two", poolOfTwo, harness.ConnectionLost, "time", "GET", "GET", delay, "", true},
		{"redelivery", redelivery, harness.OrderCommands, "time", "XACK", "XAUTOCLAIM", delay, "", true},
		{"first-answer", firstAnswer, harness.OrderDelivery, "delivery order", "GET", "", delay, "", true},
		{"pool-exhausted", poolExhausted, harness.ConnectionLost, "time", "BLPOP", "", delay, "", true},
	}
}

// streamLatest: a listener is started, not awaited; a script adds at once.
func streamLatest(ctx context.Context, e *env) error {
	a, b := e.client(1), e.client(1)
	e.noise(ctx, b)
	a.Ping(ctx)
	got := make(chan error, 1)
	go func() {
		got <- a.XRead(ctx, &redis.XReadArgs{Streams: []string{"events", "$"}, Block: 600 * time.Millisecond}).Err()
	}()
	time.Sleep(time.Millisecond)
	b.Eval(ctx, "-- announce\nreturn redis.call('xadd', KEYS[1], '*', 'e', ARGV[1])", []string{"events"}, "added")
	return <-got
}

// redelivery: what is pending for 100 ms is taken over, and counted twice.
func redelivery(ctx context.Context, e *env) error {
	a, b := e.client(1), e.client(1)
	a.XGroupCreateMkStream(ctx, "orders", "mail", "0")
	b.XAdd(ctx, &redis.XAddArgs{Stream: "orders", Values: []any{"id", "1"}})
	ctx, stop := context.WithTimeout(ctx, 350*time.Millisecond)
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() {
		got, err := a.XReadGroup(ctx, &redis.XReadGroupArgs{Group: "mail", Consumer: "m", Streams: []string{"orders", ">"}, Count: 1}).Result()
		if err == nil {
			a.Incr(ctx, "sent")
			a.XAck(ctx, "orders", "mail", got[0].Messages[0].ID)
		}
	})
	wg.Go(func() {
		for ctx.Err() == nil {
			late, _, _ := b.XAutoClaim(ctx, &redis.XAutoClaimArgs{Stream: "orders", Group: "mail", Consumer: "r", MinIdle: 100 * time.Millisecond, Start: "0"}).Result()
			for range late {
				b.Incr(ctx, "sent")
			}
			time.Sleep(40 * time.Millisecond)
		}
	})
	wg.Wait()
	if n := b.Get(context.WithoutCancel(ctx), "sent").Val(); n != "1" {
		return fmt.Errorf("sent %s times", n)
	}
	return nil
}

// keyspaceEventsOff: events are switched on by somebody who is not awaited.
func keyspaceEventsOff(ctx context.Context, e *env) error {
	a, b := e.client(1), e.client(2)
	a.ConfigSet(ctx, "notify-keyspace-events", "")
	b.Set(ctx, "flag", "on", 0)
	go a.ConfigSet(ctx, "notify-keyspace-events", "Kg")
	sub := b.PSubscribe(ctx, "__keyspace@0__:flag")
	defer sub.Close()
	if _, err := sub.Receive(ctx); err != nil {
		return err
	}
	time.Sleep(10 * time.Millisecond)
	b.Del(ctx, "flag")
	_, err := sub.ReceiveTimeout(ctx, 250*time.Millisecond)
	if m, ok := err.(interface{ Timeout() bool }); ok && m.Timeout() {
		return errors.New("nobody told of the flag")
	}
	return nil
}

// poolOfTwo: three users share two connections, and wait for 200 ms at most.
func poolOfTwo(ctx context.Context, e *env) error {
	pool := e.client(2, func(o *redis.Options) { o.PoolTimeout = 200 * time.Millisecond; o.MinIdleConns = 2 })
	setup := e.client(1)
	setup.Set(ctx, "page", "p", 0)
	var wg sync.WaitGroup
	errs := make([]error, 3)
	for i := range errs {
		wg.Go(func() { errs[i] = pool.Get(ctx, "page").Err() })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// firstAnswer: two parts of a page are fetched at once, and shown as they come.
func firstAnswer(ctx context.Context, e *env) error {
	a, b := e.client(1), e.client(1)
	a.Set(ctx, "title", "Faust", 0)
	b.Ping(ctx)
	rows := make(chan string, 2)
	go func() { a.Get(ctx, "title"); rows <- "title" }()
	go func() {
		time.Sleep(20 * time.Millisecond)
		b.SMembers(ctx, "seats")
		rows <- "seats"
	}()
	first := <-rows
	<-rows
	if first != "title" {
		return fmt.Errorf("the page begins with its %s", first)
	}
	return nil
}

// groupLatest: the group is created in the background.
func groupLatest(ctx context.Context, e *env) error {
	a, b := e.client(1), e.client(1)
	e.noise(ctx, b)
	a.Ping(ctx)
	made := make(chan error, 1)
	go func() { made <- a.XGroupCreateMkStream(ctx, "s", "g", "$").Err() }()
	time.Sleep(time.Millisecond)
	b.XAdd(ctx, &redis.XAddArgs{Stream: "s", Values: []string{"f", "v"}})
	<-made
	got, err := b.XReadGroup(ctx, &redis.XReadGroupArgs{Group: "g", Consumer: "c", Streams: []string{"s", ">"}, Block: 50 * time.Millisecond}).Result()
	if err != nil || len(got) != 1 {
		return fmt.Errorf("the group got %v: %w", got, err)
	}
	return nil
}

func tenKeys(last string) []string {
	var keys []string
	for i := range 9 {
		keys = append(keys, fmt.Sprintf("application:production:queue:emails:%d:a-rather-long-name-of-a-part-of-it", i))
	}
	return append(keys, last)
}

// scriptTenKeys: a script writes what another one, on another connection, reads.
func scriptTenKeys(ctx context.Context, e *env) error {
	a, b := e.client(1), e.client(1)
	write := redis.NewScript("-- moveToActive\nreturn redis.call('hset', KEYS[10], 'state', 'active')")
	read := redis.NewScript(readers)
	e.noise(ctx, b)
	a.Ping(ctx)
	write.Load(ctx, b)
	read.Load(ctx, b)
	done := make(chan error, 1)
	go func() { done <- write.Run(ctx, a, tenKeys("job:17")).Err() }()
	time.Sleep(700 * time.Microsecond)
	got, err := read.Run(ctx, b, []string{"job:17"}).StringSlice()
	<-done
	if err != nil || len(got) != 2 {
		return fmt.Errorf("the job is %q: %w", got, err)
	}
	return nil
}

func clientList(ctx context.Context, e *env) error {
	a, b := e.client(1), e.client(1)
	e.noise(ctx, b)
	a.Ping(ctx)
	done := make(chan struct{})
	go func() { defer close(done); a.Do(ctx, "CLIENT", "SETNAME", "worker-1") }()
	time.Sleep(500 * time.Microsecond)
	list, err := b.ClientList(ctx).Result()
	<-done
	if err != nil || !strings.Contains(list, "name=worker-1") {
		return fmt.Errorf("no worker among the clients (%v)", err)
	}
	return nil
}

func shardChannels(ctx context.Context, e *env) error {
	a, b := e.client(1), e.client(2)
	e.noise(ctx, b)
	sub := a.SSubscribe(ctx, "mychannel")
	defer sub.Close()
	time.Sleep(time.Millisecond)
	got, err := b.PubSubShardChannels(ctx, "mychannel*").Result()
	if err != nil || len(got) != 1 {
		return fmt.Errorf("shard channels %v: %w", got, err)
	}
	return nil
}

func scriptFlush(ctx context.Context, e *env) error {
	a, b := e.client(1), e.client(1)
	e.noise(ctx, b)
	a.Ping(ctx)
	sha, err := b.ScriptLoad(ctx, "-- count\nreturn redis.call('incr', KEYS[1])").Result()
	if err != nil {
		return err
	}
	done := make(chan struct{})
	go func() { defer close(done); time.Sleep(2 * time.Millisecond); a.ScriptFlush(ctx) }()
	err = b.EvalSha(ctx, sha, []string{"n"}).Err()
	<-done
	return err
}

func maxMemory(ctx context.Context, e *env) error {
	a, b := e.client(1), e.client(1)
	e.noise(ctx, b)
	b.ConfigSet(ctx, "maxmemory", "1")
	defer b.ConfigSet(ctx, "maxmemory", "0")
	done := make(chan struct{})
	a.Ping(ctx)
	go func() { defer close(done); a.ConfigSet(ctx, "maxmemory", "0") }()
	time.Sleep(time.Millisecond)
	err := b.Incr(ctx, "visits").Err()
	<-done
	return err
}

func importScan(ctx context.Context, e *env) error {
	c := e.client(4)
	e.noise(ctx, c)
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() { c.Set(ctx, fmt.Sprintf("import:%d", i), i, 0) })
	}
	time.Sleep(50 * time.Millisecond)
	keys, _, err := c.Scan(ctx, 0, "import:*", 1000).Result()
	wg.Wait()
	if err != nil || len(keys) != 6 {
		return fmt.Errorf("%d of 6 imported: %w", len(keys), err)
	}
	return nil
}

func leaseRenewal(ctx context.Context, e *env) error {
	a, b := e.client(1), e.client(1)
	e.noise(ctx, b)
	a.SetNX(ctx, "lease", "a", 300*time.Millisecond)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		time.Sleep(150 * time.Millisecond)
		a.PExpire(ctx, "lease", 500*time.Millisecond)
	}()
	time.Sleep(360 * time.Millisecond)
	got, err := b.SetNX(ctx, "lease", "b", 300*time.Millisecond).Result()
	<-renewed
	if err != nil || got {
		return fmt.Errorf("the rival has the lease: %w", err)
	}
	return nil
}

func expiredEvent(ctx context.Context, e *env) error {
	a, b := e.client(1), e.client(1)
	e.noise(ctx, b)
	b.ConfigSet(ctx, "notify-keyspace-events", "Ex")
	sub := a.PSubscribe(ctx, "__keyevent@*__:expired")
	defer sub.Close()
	if _, err := sub.Receive(ctx); err != nil {
		return err
	}
	b.Set(ctx, "session", "ada", 60*time.Millisecond)
	wait, cancel := context.WithTimeout(ctx, 400*time.Millisecond)
	defer cancel()
	_, err := sub.ReceiveMessage(wait)
	return err
}

func socketTimeout(ctx context.Context, e *env) error {
	c := e.client(1, func(o *redis.Options) { o.ReadTimeout = 100 * time.Millisecond })
	c.RPush(ctx, "l", "a", "b")
	got, err := c.LRange(ctx, "l", 0, -1).Result()
	if err != nil || len(got) != 2 {
		return fmt.Errorf("list %v: %w", got, err)
	}
	return nil
}

func budgetOfFour(ctx context.Context, e *env) error {
	c := e.client(1)
	c.Set(ctx, "a", "1", 0)
	limit, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	var err error
	for range 4 {
		err = errors.Join(err, c.Get(limit, "a").Err())
	}
	return err
}

func blpopTimeout(ctx context.Context, e *env) error {
	a, b := e.client(1), e.client(1)
	e.noise(ctx, b)
	a.Ping(ctx)
	got := make(chan error, 1)
	go func() { got <- a.BLPop(ctx, time.Second, "jobs").Err() }()
	time.Sleep(850 * time.Millisecond)
	b.RPush(ctx, "jobs", "j")
	return <-got
}

// twoSessions: the one gives the key a time to live with its value, the other
// in a step of its own, by another connection, and waits for neither.
func twoSessions(ctx context.Context, e *env) error {
	a, b, c := e.client(1), e.client(1), e.client(1)
	e.noise(ctx, b)
	c.Ping(ctx)
	a.Set(ctx, "session", "one", time.Minute)
	var wg sync.WaitGroup
	wg.Go(func() { b.Set(ctx, "session", "two", 0) })
	time.Sleep(time.Millisecond)
	wg.Go(func() { c.Expire(ctx, "session", time.Minute) })
	wg.Wait()
	if ttl, err := a.TTL(ctx, "session").Result(); err != nil || ttl < 0 {
		return fmt.Errorf("the session lives for ever (%v, %v)", ttl, err)
	}
	return nil
}

func scoreSeconds(ctx context.Context, e *env) error {
	c := e.client(1)
	e.noise(ctx, c)
	c.ZAdd(ctx, "delayed", redis.Z{Score: float64(time.Now().Unix() + 3600), Member: "job"})
	c.ZCard(ctx, "delayed")
	score, err := c.ZScore(ctx, "delayed", "job").Result()
	if want := time.Now().Unix() + 3600; err != nil || int64(score) != want {
		return fmt.Errorf("the score is %v, not %d (%v)", score, want, err)
	}
	return nil
}

func manyTripsRow(ctx context.Context, e *env) error {
	c := e.client(1)
	began := time.Now()
	for i := range 180 {
		if err := c.Set(ctx, "k"+strconv.Itoa(i%7), i, 0).Err(); err != nil {
			return err
		}
	}
	if d := time.Since(began); d > 2*time.Second {
		return fmt.Errorf("took %v", d)
	}
	return nil
}

// poolJob: a worker's script and a look at its list by callers that share a pool.
func poolJob(ctx context.Context, e *env) error {
	c := e.client(3)
	job := redis.NewScript("-- fetch\nredis.call('lpush', KEYS[2], 'x')\nreturn redis.call('rpop', KEYS[1])")
	job.Load(ctx, c)
	c.LPush(ctx, "work:jobs", "j1")
	var wg sync.WaitGroup
	wg.Go(func() { job.Run(ctx, c, []string{"work:jobs", "work:inprogress"}) })
	wg.Go(func() { time.Sleep(time.Millisecond); c.HGetAll(ctx, "work:observations") })
	time.Sleep(10 * time.Millisecond)
	n, err := c.LLen(ctx, "work:jobs").Result()
	wg.Wait()
	if err != nil || n != 0 {
		return fmt.Errorf("%d jobs wait: %w", n, err)
	}
	return nil
}

func noscriptRival(ctx context.Context, e *env) error {
	a, b := e.client(1), e.client(1)
	e.noise(ctx, b)
	a.Ping(ctx)
	release := redis.NewScript("-- release\nif redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end\nreturn 0")
	b.Set(ctx, "lock", "one", 0)
	done := make(chan any, 1)
	go func() { n, _ := release.Run(ctx, a, []string{"lock"}, "one").Result(); done <- n }()
	time.Sleep(1500 * time.Microsecond)
	b.Set(ctx, "lock", "two", 0)
	if n := <-done; n != int64(1) {
		return fmt.Errorf("released %v", n)
	}
	return nil
}

// handshakeLate: nobody waits for the second connection to be ready.
func handshakeLate(ctx context.Context, e *env) error {
	main := e.raw(ctx)
	defer main.Close()
	main.do("INFO")
	ready := make(chan struct{})
	second := e.raw(ctx)
	defer second.Close()
	go func() { second.do("INFO"); close(ready) }()
	main.do("SET", "k", "v")
	time.Sleep(20 * time.Millisecond)
	main.do("GET", "k")
	main.do("QUIT")
	select {
	case <-ready:
		return nil
	default:
		return errors.New("the second connection is not ready")
	}
}

func flushdbSecond(ctx context.Context, e *env) error {
	began := time.Now().Unix()
	c := e.client(1)
	c.FlushDB(ctx)
	c.Set(ctx, "last-run", time.Now().Unix(), 0)
	got, err := c.Get(ctx, "last-run").Int64()
	if err != nil || got != began {
		return fmt.Errorf("ran at %d, began at %d (%v)", got, began, err)
	}
	return nil
}

// listenerAfterReady: who listens attaches itself when it is told that the
// worker is ready; the message comes at once.
func listenerAfterReady(ctx context.Context, e *env) error {
	worker, sub, pub := e.client(1), e.client(1), e.client(1)
	e.noise(ctx, pub)
	worker.Ping(ctx)
	s := sub.Subscribe(ctx, "done")
	defer s.Close()
	if _, err := s.Receive(ctx); err != nil {
		return err
	}
	var mu sync.Mutex
	attached, heard := false, make(chan bool, 1)
	go func() {
		_, _ = s.ReceiveMessage(ctx)
		mu.Lock()
		defer mu.Unlock()
		heard <- attached
	}()
	var wg sync.WaitGroup
	wg.Go(func() {
		worker.Set(ctx, "worker", "ready", 0)
		mu.Lock()
		defer mu.Unlock()
		attached = true
	})
	time.Sleep(1500 * time.Microsecond)
	pub.Publish(ctx, "done", "1")
	ok := <-heard
	wg.Wait()
	if !ok {
		return errors.New("the message came before the listener")
	}
	return nil
}

// poolExhausted: two callers wait in Redis, a third one waits for a connection.
func poolExhausted(ctx context.Context, e *env) error {
	c := e.client(2, func(o *redis.Options) { o.PoolTimeout = 250 * time.Millisecond; o.ReadTimeout = 3 * time.Second })
	other := e.client(1)
	e.noise(ctx, other)
	var wg sync.WaitGroup
	for _, q := range []string{"q1", "q2"} {
		wg.Go(func() { c.BLPop(ctx, 2*time.Second, q) })
	}
	time.Sleep(10 * time.Millisecond)
	wg.Go(func() { time.Sleep(30 * time.Millisecond); other.RPush(ctx, "q1", "x") })
	err := c.Set(ctx, "k", "v", 0).Err()
	other.RPush(ctx, "q2", "x")
	wg.Wait()
	return err
}

// clientCache: a value is read from the client's memory until Redis says that
// it is old.
func clientCache(ctx context.Context, e *env) error {
	other := e.client(1)
	e.noise(ctx, other)
	cache := e.raw(ctx)
	defer cache.Close()
	if err := cache.hello3(); err != nil {
		return err
	}
	cache.do("CLIENT", "TRACKING", "ON")
	other.Set(ctx, "price", "1", 0)
	value := cache.do("GET", "price")
	other.Set(ctx, "price", "2", 0)
	if cache.invalidated(25 * time.Millisecond) {
		value = cache.do("GET", "price")
	}
	if value != "2" {
		return fmt.Errorf("the price is %s", value)
	}
	return nil
}
