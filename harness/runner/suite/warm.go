package suite

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/capture"
	"github.com/flakehunt/flakehunt/harness/runner/environ"
	"github.com/flakehunt/flakehunt/harness/runner/marks"
	"github.com/flakehunt/flakehunt/harness/runner/proc"
)

// mostKept is how many processes that wait for another turn a worker has.
const mostKept = 4

// errOver ends a process that waits for another turn, when there is none.
var errOver = errors.New("no further turn")

// kept is a process of the runner's that has been started for one test, and runs
// it as often as it is told to.
type kept struct {
	key     string
	server  *marks.Server
	printed *capture.Buffer
	undo    func() error
	dir     string
	end     context.CancelCauseFunc
	begun   chan struct{} // closed when the process has begun, or could not
	leader  int           // of its process group, when begun; 0: it could not begin
	asks    chan struct{} // it has done a turn and asks for another
	turn    chan []string // the answer
	over    chan struct{} // closed when the process has ended
	result  proc.Result   // when over
	err     error         // when over

	mu sync.Mutex
	c  *collector // of the turn under way
}

// warmth holds the processes that wait, the latest used last.
type warmth struct {
	mu      sync.Mutex
	waiting map[int][]*kept // by worker
	closed  bool
}

// take gives the process of a worker that waits for a turn of this kind; nil: none does.
func (w *warmth) take(worker int, key string) *kept {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.waiting[worker]
	for i, k := range list {
		if k.key != key {
			continue
		}
		w.waiting[worker] = slices.Delete(list, i, i+1)
		select {
		case <-k.over: // it has ended meanwhile
			k.close()
			return nil
		default:
			return k
		}
	}
	return nil
}

// put lets a process wait, and ends the one that has waited longest if there are
// too many.
func (w *warmth) put(worker int, k *kept) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		k.close()
		return
	}
	if w.waiting == nil {
		w.waiting = map[int][]*kept{}
	}
	list := append(w.waiting[worker], k)
	if len(list) > mostKept {
		list[0].close()
		list = list[1:]
	}
	w.waiting[worker] = list
}

// close ends all processes that wait.
func (w *warmth) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for _, list := range w.waiting {
		for _, k := range list {
			k.close()
		}
	}
	w.waiting = nil
}

// close ends the process and what it was given.
func (k *kept) close() {
	k.end(errOver)
	<-k.over
	k.release()
}

// release ends what the process was given, as far as it was. Its error is of no
// interest: what the turns did was told.
func (k *kept) release() {
	if k.server != nil {
		_ = k.server.Close()
	}
	if k.undo != nil {
		_ = k.undo()
	}
	_ = proc.RemoveAll(k.dir)
}

// again waits for the hunt to give the process another turn.
func (k *kept) again() ([]string, bool) {
	select {
	case k.asks <- struct{}{}:
	case <-k.over:
		return nil, false
	}
	select {
	case settings := <-k.turn:
		return settings, true
	case <-k.over:
		return nil, false
	}
}

func (k *kept) take(e marks.Event) {
	k.mu.Lock()
	c := k.c
	k.mu.Unlock()
	if c != nil {
		c.take(e)
	}
}

// Warms reports whether one process of the runner does several trials.
func (r *Runner) Warms() bool { return r.c.Adapter.Warm() }

// mayKeep reports whether a process may serve several trials: it runs one test, and
// nothing of the command or of what it is given names the trial.
func (r *Runner) mayKeep(x runner.Exec) bool {
	if !x.Warm || len(x.Tests) != 1 || !r.c.Adapter.Warm() || x.Arm == harness.Direct {
		return false
	}
	for _, s := range slices.Concat(r.c.Argv, r.c.Env) {
		for _, p := range []string{"{dir}", "{trial}", "{seed}"} {
			if strings.Contains(s, p) {
				return false
			}
		}
	}
	return true
}

// start begins a process that runs the test again and again.
func (r *Runner) start(ctx context.Context, x runner.Exec, key string, c *collector) (*kept, error) {
	dir, err := proc.TempDir("warm")
	if err != nil {
		return nil, err
	}
	x.Dir = dir
	ctx, end := context.WithCancelCause(context.WithoutCancel(ctx))
	k := &kept{
		key: key, dir: dir, end: end, printed: &capture.Buffer{}, c: c,
		begun: make(chan struct{}), asks: make(chan struct{}), turn: make(chan []string), over: make(chan struct{}),
	}
	spec := proc.Spec{Dir: r.dir, Stdout: k.printed, Stderr: k.printed, Grace: 100 * time.Millisecond, Started: func(leader int) func() {
		k.leader = leader
		close(k.begun)
		return func() {}
	}}
	failed := func(err error) (*kept, error) {
		end(errOver)
		k.release()
		return nil, err
	}
	if k.undo, err = r.c.Wrap.Prepare(ctx, &x, &spec); err != nil {
		return failed(err)
	}
	if k.server, err = marks.ListenAgain(dir, k.take, k.again); err != nil {
		return failed(err)
	}
	if err := r.prepare(x, k.server, &spec); err != nil {
		return failed(err)
	}
	spec.Env = append(spec.Env, "FLAKEHUNT_WARM=1")
	go func() {
		defer close(k.over)
		if k.result, k.err = proc.Run(ctx, spec); k.leader == 0 {
			close(k.begun)
		}
	}()
	return k, nil
}

// turn runs the one test in a process that waits for another turn, or in a new one
// that will. The verdict is that of a process of its own, or there is an error.
func (r *Runner) turn(ctx context.Context, x runner.Exec) ([]harness.Outcome, error) {
	test := x.Tests[0]
	c := &collector{bounds: &marks.Boundaries{}, place: r.place, called: x.Called, alone: test}
	key := test + "\x00" + x.Redis.Addr + "\x00" + x.Redis.Username
	k := r.warm.take(x.Worker, key)
	old := k != nil
	if !old {
		var err error
		if k, err = r.start(ctx, x, key, c); err != nil {
			return nil, err
		}
	}
	k.mu.Lock()
	k.c = c
	k.mu.Unlock()
	if <-k.begun; k.leader != 0 && x.Started != nil {
		defer x.Started(k.leader)()
	}
	if x.Begin != nil {
		x.Begin(test)
	}
	start := time.Now()
	if old {
		values := environ.For(x)
		select {
		case k.turn <- []string{"FLAKEHUNT_TRIAL=" + values["trial"], "FLAKEHUNT_SEED=" + values["seed"]}:
		case <-k.over:
		}
	}
	res, waits := k.wait(ctx, r.limit(x), start)
	if x.End != nil {
		x.End(test)
	}
	printed := k.printed.Take()
	if waits {
		out, err := r.judge(c, x, res, printed)
		r.warm.put(x.Worker, k)
		return out, err
	}
	err := cmp.Or(k.err, k.undo())
	k.close()
	if old {
		if ctx.Err() == nil && err == nil && !c.heard() { // it ended as it waited
			return r.cold(ctx, x)
		}
		x.Spent = nil // its processor time is that of several turns
	}
	return r.over(ctx, c, x, res, printed, err)
}

// wait waits for the end of a turn, or of the process.
func (k *kept) wait(ctx context.Context, limit time.Duration, start time.Time) (res proc.Result, waits bool) {
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-k.asks:
		return proc.Result{Start: start, Duration: time.Since(start)}, true
	case <-k.over:
	case <-t.C:
		k.end(overdue(limit))
		<-k.over
	case <-ctx.Done():
		k.end(context.Cause(ctx))
		<-k.over
	}
	res = k.result
	res.Start, res.Duration = start, time.Since(start)
	return res, false
}
