package spec

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/fixtures"
)

// Env is what one scenario works with: the suite's shared parts, or its own.
// Names are fixed: the same scenario uses the same keys and topics in each
// trial, so that what it does on the wire can be named.
type Env struct {
	Prefix  string           // what all keys, ids and topics of the scenario begin with
	Defects fixtures.Defects // for the faults that are those of the test itself
	Waits   Waits
	Redis   *redis.Options // for connections of one's own; nil without Redis

	Container   *fixtures.Container // nil without Redis, as are its parts
	Suite       *fixtures.Suite
	Bus         fixtures.Bus
	KV          fixtures.KV          // in the namespace Prefix
	Idempotency fixtures.Idempotency // likewise
}

// NewEnv gives the scenario called name the parts of a container that other
// scenarios use too, in a namespace of its own. The container may be nil.
func NewEnv(cfg Config, name string, shared *fixtures.Container) *Env {
	e := &Env{Prefix: name, Defects: cfg.Defects, Waits: cfg.Waits, Redis: cfg.Redis}
	if shared != nil {
		e.Container, e.Suite, e.Bus = shared, shared.Suite, shared.Bus
		e.KV = fixtures.NewKV(shared.Suite.Base, name, cfg.Defects)
		e.Idempotency = fixtures.NewIdempotency(shared.Suite.Base, name, cfg.Defects)
	}
	return e
}

// Own returns an Env over a container of the scenario's own, for those that
// break or end connections. Its bus delivers already. It is shut down with the
// scenario.
func (e *Env) Own(t T, change ...func(*fixtures.Config)) *Env {
	t.Helper()
	own := e.Fresh(t, change...)
	if own.Bus != nil {
		require.NoError(t, WarmUp(t.Context(), own.Bus, e.Key("warm-up")))
	}
	return own
}

// Fresh is Own for scenarios about the beginning: nothing was sent over its bus yet.
func (e *Env) Fresh(t T, change ...func(*fixtures.Config)) *Env {
	t.Helper()
	cfg := fixtures.Config{Redis: e.Redis, Namespace: e.Prefix, Source: e.Prefix, Defects: e.Defects}
	for _, f := range change {
		f(&cfg)
	}
	c, err := fixtures.NewContainer(t.Context(), cfg)
	require.NoError(t, err, "start a container")
	t.Cleanup(func() {
		ctx, cancel := TearDown(t)
		defer cancel()
		if err := c.Shutdown(ctx); err != nil {
			t.Errorf("shut the scenario's own container down: %v", err)
		}
	})
	own := *e
	own.Container, own.Suite, own.Bus, own.KV, own.Idempotency = c, c.Suite, c.Bus, c.KV, c.Idempotency
	return &own
}

// TearDown returns a context for what must be done after the scenario, whose
// own context may have ended.
func TearDown(t T) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(t.Context()), Deadline)
}

// Key returns the scenario's own form of a topic, a stream or a message id. Keys
// of KV need it not: they are in the scenario's namespace.
func (e *Env) Key(name string) string { return e.Prefix + ":" + name }

// Message makes an envelope of the first attempt.
func (e *Env) Message(typ string, payload any, opts ...fixtures.EnvelopeOption) fixtures.Envelope {
	return fixtures.NewEnvelope(typ, payload, opts...)
}

// Inbox returns an empty inbox that nobody fills yet.
func (e *Env) Inbox() *Inbox { return &Inbox{env: e} }

// Subscribe attaches an inbox to the scenario's topic until the scenario ends.
func (e *Env) Subscribe(t T, topic string) *Inbox {
	t.Helper()
	box := e.Inbox()
	e.Handle(t, topic, box.Put)
	return box
}

// Handle attaches a handler to the scenario's topic until the scenario ends.
func (e *Env) Handle(t T, topic string, h fixtures.Handler) {
	t.Helper()
	unsubscribe, err := e.Bus.Subscribe(t.Context(), e.Key(topic), h, fixtures.SubscribeOptions{Name: topic})
	require.NoError(t, err, "subscribe to %s", topic)
	t.Cleanup(func() { detach(t, topic, unsubscribe) })
}

// HandleLater attaches a handler as Handle does, without waiting for it: done is
// closed when it is attached.
func (e *Env) HandleLater(t T, topic string, h fixtures.Handler) (done <-chan struct{}) {
	t.Helper()
	var unsubscribe func(context.Context) error
	done = e.Go(t, func(ctx context.Context) (err error) {
		unsubscribe, err = e.Bus.Subscribe(ctx, e.Key(topic), h, fixtures.SubscribeOptions{Name: topic})
		return err
	})
	t.Cleanup(func() {
		<-done
		detach(t, topic, unsubscribe)
	})
	return done
}

func detach(t T, topic string, unsubscribe func(context.Context) error) {
	if unsubscribe == nil {
		return // it never was attached, and that has been said
	}
	ctx, cancel := TearDown(t)
	defer cancel()
	if err := unsubscribe(ctx); err != nil {
		t.Errorf("unsubscribe from %s: %v", topic, err)
	}
}

// Publish sends a message to the scenario's topic, and returns how many Redis
// clients received it.
func (e *Env) Publish(t T, topic string, message any, opts ...fixtures.PublishOptions) int64 {
	t.Helper()
	var o fixtures.PublishOptions
	if len(opts) > 0 {
		o = opts[0]
	}
	n, err := e.Bus.Publish(t.Context(), e.Key(topic), message, o)
	require.NoError(t, err, "publish to %s", topic)
	return n
}

// PublishRaw sends bytes to the scenario's topic as another program might:
// without this library's wrapping.
func (e *Env) PublishRaw(t T, topic, payload string) {
	t.Helper()
	require.NoError(t, e.Suite.Pub.Publish(t.Context(), e.Key(topic), payload).Err(), "publish to %s", topic)
}

// Go runs f beside the scenario, which ends only after it. An error fails the
// scenario.
func (e *Env) Go(t T, f func(context.Context) error) (done <-chan struct{}) {
	ctx, ended := t.Context(), make(chan struct{})
	go func() {
		defer close(ended)
		if err := f(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("in the background: %v", err)
		}
	}()
	t.Cleanup(func() { <-ended })
	return ended
}

// Both runs f for two workers, 0 and 1, the second one a while after the first,
// and waits for both.
func (e *Env) Both(t T, later time.Duration, f func(ctx context.Context, worker int) error) {
	t.Helper()
	first := e.Go(t, func(ctx context.Context) error { return f(ctx, 0) })
	second := e.Go(t, func(ctx context.Context) error {
		return Every(ctx, later, later, 1, func(int) error { return f(ctx, 1) })
	})
	e.AwaitClosed(t, first, "the first worker")
	e.AwaitClosed(t, second, "the second worker")
}

// AwaitClosed waits for a channel to be closed, for as long as the scenario may take.
func (e *Env) AwaitClosed(t T, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-t.Context().Done():
		t.Errorf("the scenario's deadline passed while it waited for %s: %v", what, t.Context().Err())
		t.FailNow()
	}
}

// Every calls f n times, the first time after offset, then once a period.
func Every(ctx context.Context, offset, period time.Duration, n int, f func(i int) error) error {
	timer := time.NewTimer(offset)
	defer timer.Stop()
	for i := range n {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		timer.Reset(period)
		if err := f(i); err != nil {
			return err
		}
	}
	return nil
}

// ExpectAbsent fails the scenario if the key can still be read.
func (e *Env) ExpectAbsent(t T, key, when string) {
	t.Helper()
	var value json.RawMessage
	found, err := e.KV.Get(t.Context(), key, &value)
	require.NoError(t, err)
	if found {
		t.Errorf("expected key %q to be absent %s, it is %s", key, when, value)
	}
}

// ExpectPresent fails the scenario, and ends it, if the key can't be read.
func (e *Env) ExpectPresent(t T, key, when string) {
	t.Helper()
	var value json.RawMessage
	found, err := e.KV.Get(t.Context(), key, &value)
	require.NoError(t, err)
	if !found {
		t.Errorf("expected key %q to be present %s, it is absent", key, when)
		t.FailNow()
	}
}

// Clean deletes what an earlier run of the scenario left.
func (e *Env) Clean(ctx context.Context) error {
	if e.Suite == nil {
		return nil
	}
	// One name may be part of another's; what is deleted too much is that of a
	// scenario that does not run now.
	pattern := "*" + e.Prefix + "*"
	for cursor := uint64(0); ; {
		keys, next, err := e.Suite.Base.Scan(ctx, cursor, pattern, 1000).Result()
		if err != nil {
			return fmt.Errorf("look for keys of %s: %w", e.Prefix, err)
		}
		if len(keys) > 0 {
			if err := e.Suite.Base.Del(ctx, keys...).Err(); err != nil {
				return fmt.Errorf("delete keys of %s: %w", e.Prefix, err)
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}
