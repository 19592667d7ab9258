package spec

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/flakehunt/flakehunt/fixtures"
)

// WarmUp returns when the bus delivers. A faulty bus says that it is ready
// before it is; that is for the scenarios which begin a bus of their own to
// find, not for whichever happens to be the first.
func WarmUp(ctx context.Context, bus fixtures.Bus, topic string) error {
	var delivered atomic.Bool
	unsubscribe, err := bus.Subscribe(ctx, topic, func(context.Context, fixtures.Message) error {
		delivered.Store(true)
		return nil
	}, fixtures.SubscribeOptions{Name: "warm-up"})
	if err != nil {
		return fmt.Errorf("warm the bus up: subscribe: %w", err)
	}
	for tick := 5 * time.Millisecond; ; tick = min(2*tick, 100*time.Millisecond) {
		if _, err := bus.Publish(ctx, topic, fixtures.NewEnvelope("warm-up", nil), fixtures.PublishOptions{}); err != nil {
			return fmt.Errorf("warm the bus up: publish: %w", err)
		}
		select {
		case <-time.After(tick):
		case <-ctx.Done():
			return fmt.Errorf("warm the bus up: no message was delivered: %w", ctx.Err())
		}
		if delivered.Load() {
			return unsubscribe(ctx)
		}
	}
}
