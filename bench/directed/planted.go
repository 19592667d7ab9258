package main

import (
	"context"
	"fmt"
	"time"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/scenarios"
)

// planted is a test with one known weakness: one command of it may be late by
// about slack, and no more.
type planted struct {
	defect fixtures.Defect
	what   string // which command may be how late
	body   func(t scenarios.T, env *scenarios.Env, slack time.Duration)
}

// weaknesses lists one test for each defect whose showing is a matter of time.
func weaknesses() []planted {
	return []planted{
		{fixtures.ListenerNotReady, "PSUBSCRIBE before PUBLISH", func(t scenarios.T, env *scenarios.Env, slack time.Duration) {
			own := env.Fresh(t)
			inbox := own.Subscribe(t, "orders")
			env.Sleep(t, slack)
			own.Publish(t, "orders", own.Message("order.created", nil))
			inbox.Await(t, 1)
		}},
		{fixtures.MultiSubscriber, "SUBSCRIBE before PUBLISH", func(t scenarios.T, env *scenarios.Env, slack time.Duration) {
			billing, audit := env.Inbox(), env.Inbox()
			env.HandleLater(t, "orders", billing.Put)
			env.Sleep(t, slack/2)
			env.Handle(t, "orders", audit.Put)
			env.Sleep(t, slack-slack/2)
			env.Publish(t, "orders", env.Message("order.created", nil))
			billing.Await(t, 1)
			audit.Await(t, 1)
		}},
		{fixtures.DuplicateSubscribe, "confirmation before the second SUBSCRIBE", func(t scenarios.T, env *scenarios.Env, slack time.Duration) {
			billing, audit := env.Inbox(), env.Inbox()
			attached := env.HandleLater(t, "orders", billing.Put)
			env.Sleep(t, slack)
			env.Handle(t, "orders", audit.Put)
			env.AwaitClosed(t, attached, "the first subscribe")
			env.Publish(t, "orders", env.Message("order.created", nil))
			billing.AwaitExactly(t, 1)
			audit.AwaitExactly(t, 1)
		}},
		{fixtures.TTLEarly, "GET before the expiry", func(t scenarios.T, env *scenarios.Env, slack time.Duration) {
			must(t, env.KV.Set(t.Context(), "lock", "held", time.Second))
			env.Sleep(t, time.Second-slack)
			env.ExpectPresent(t, "lock", "shortly before its expiry")
		}},
		{fixtures.TTLLate, "SET before the GET, less its time to live", func(t scenarios.T, env *scenarios.Env, slack time.Duration) {
			start := time.Now()
			env.Go(t, func(ctx context.Context) error { return env.KV.Set(ctx, "token", "t-1", time.Second) })
			env.Sleep(t, time.Second+slack-time.Since(start))
			env.ExpectAbsent(t, "token", "shortly after its expiry")
		}},
		{fixtures.TTLExact, "PTTL after SET", func(t scenarios.T, env *scenarios.Env, slack time.Duration) {
			must(t, env.KV.Set(t.Context(), "token", "t-1", time.Second))
			left, err := env.KV.TTL(t.Context(), "token")
			must(t, err)
			if left < time.Second-slack {
				t.Errorf("a token set for 1s has %v to live", left)
			}
		}},
		{fixtures.NoOrder, "the first handler's SET before the second message", func(t scenarios.T, env *scenarios.Env, slack time.Duration) {
			handled := env.Inbox()
			env.Handle(t, "orders", func(ctx context.Context, m fixtures.Message) error {
				if m.Envelope.Type == "created" {
					if err := env.KV.Set(ctx, "order", "open", 0); err != nil {
						return err
					}
				}
				return handled.Put(ctx, m)
			})
			env.Publish(t, "orders", env.Message("created", nil))
			env.Sleep(t, slack)
			env.Publish(t, "orders", env.Message("paid", nil))
			if got := handled.AwaitAfter(t, 1, 2); got[0].Envelope.Type != "created" {
				t.Errorf("events in the order %s, %s: out of sequence", got[0].Envelope.Type, got[1].Envelope.Type)
			}
		}},
		{fixtures.CheckThenActOnce, "SET before the other's GET", func(t scenarios.T, env *scenarios.Env, slack time.Duration) {
			ran := make(chan bool, 2)
			env.Both(t, slack, func(ctx context.Context, _ int) error {
				did, err := env.Idempotency.Once(ctx, "payment", time.Minute, func(context.Context) error { return nil })
				ran <- did
				return err
			})
			if <-ran == <-ran {
				t.Errorf("a payment that was delivered twice was paid twice")
			}
		}},
		{fixtures.LostUpdate, "SET before the other's GET", func(t scenarios.T, env *scenarios.Env, slack time.Duration) {
			env.Both(t, slack, func(ctx context.Context, _ int) error {
				_, err := env.KV.Incr(ctx, "visits")
				return err
			})
			var total int
			_, err := env.KV.Get(t.Context(), "visits", &total)
			must(t, err)
			if total != 2 {
				t.Errorf("2 visits were counted, and the counter says %d", total)
			}
		}},
	}
}

func must(t scenarios.T, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%v", err)
		t.FailNow()
	}
}

// weakness returns the planted test of a defect.
func weakness(d fixtures.Defect) (planted, bool) {
	for _, p := range weaknesses() {
		if p.defect == d {
			return p, true
		}
	}
	return planted{}, false
}

// scenario makes a test of it that tolerates slack, with some other commands
// before and after.
func (p planted) scenario(name string, slack time.Duration, others int) scenarios.Scenario {
	return scenarios.Scenario{
		Name: "planted/" + string(p.defect) + "/" + name, Suite: "integration", Category: "planted",
		Exposes: []fixtures.Defect{p.defect},
		Run: func(t scenarios.T, env *scenarios.Env) {
			busy(t, env, "before", others/2)
			p.body(t, env, slack)
			busy(t, env, "after", others-others/2)
		},
	}
}

// busy has two workers send commands: each writes keys of its own, both read
// one that nobody changes, and both count with INCR.
func busy(t scenarios.T, env *scenarios.Env, when string, commands int) {
	if commands == 0 {
		return
	}
	must(t, env.Suite.Base.Set(t.Context(), env.Key("settings"), "on", 0).Err())
	env.Both(t, time.Millisecond, func(ctx context.Context, worker int) error {
		for i := range commands / 2 {
			var err error
			switch i % 4 {
			case 0:
				err = env.Suite.Base.Set(ctx, env.Key(fmt.Sprintf("%s-%d-item-%c", when, worker, 'a'+i%26)), i, time.Minute).Err()
			case 1:
				err = env.Suite.Base.Get(ctx, env.Key("settings")).Err()
			case 2:
				err = env.Suite.Base.Incr(ctx, env.Key("count-"+when)).Err()
			case 3:
				err = env.Suite.Base.Exists(ctx, env.Key(fmt.Sprintf("%s-%d-item-%c", when, worker, 'a'+i%26))).Err()
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}
