// Package bubble is the inside of a testing/synctest bubble: an embedded Redis
// of its own, the proxy before it, and the delays that leave no two frames due
// at the same instant.
//
// All that a World does is in memory and by the clock of the goroutine that
// made it. The package must never open a socket, wait for anything outside of
// the bubble, or know what is tested: a real socket stops virtual time.
package bubble

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/redis/go-redis/v9"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/proxy"
	"github.com/flakehunt/flakehunt/harness/redisenv/embedded"
)

// Config says what a World is made of; the zero value works.
type Config struct {
	// Cache, prepared outside of the bubble, saves making a Redis; nil: make one.
	Cache   *embedded.InstanceCache
	Payload int          // bytes kept of a frame; 0: the proxy's default
	Log     *slog.Logger // nil: silent
}

// World is one Redis and one proxy. It must be made, used and closed within
// one bubble.
type World struct {
	redis *embedded.Redis
	proxy *proxy.Proxy
}

// New starts an empty Redis and a proxy before it.
func New(cfg Config) (*World, error) {
	start := embedded.InMemory
	if cfg.Cache != nil {
		start = cfg.Cache.InMemory
	}
	r, err := start()
	if err != nil {
		return nil, fmt.Errorf("start the simulated redis: %w", err)
	}
	p := proxy.New(proxy.Config{
		Dial: r.Dial, PayloadLimit: cfg.Payload, InMemory: true, Spacing: MaxJitter, Log: cfg.Log,
	})
	return &World{redis: r, proxy: p}, nil
}

// Proxy is the proxy that all connections of Dial pass.
func (w *World) Proxy() *proxy.Proxy { return w.proxy }

// Redis is what is behind the proxy.
func (w *World) Redis() *embedded.Redis { return w.redis }

// Start begins a trial in which s, which may be nil, decides and each frame is
// late by a little of its own besides; r, which may be nil, records.
func (w *World) Start(seed uint64, s harness.Scheduler, r harness.Recorder) {
	w.proxy.StartTrial(NewDistinct(seed, s), r)
}

// Dial connects to the proxy.
func (w *World) Dial(context.Context) (net.Conn, error) {
	client, server := embedded.Pipe()
	w.proxy.Serve(server)
	return client, nil
}

// Options are for a go-redis client within the bubble.
func (w *World) Options() *redis.Options {
	return &redis.Options{
		// Never dialled; an address, since a name would make go-redis ask DNS.
		Addr:   "127.0.0.1:6379",
		Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) { return w.Dial(ctx) },
		// A trial is short, and most of what it would allocate is buffers.
		ReadBufferSize: 1 << 10, WriteBufferSize: 1 << 10,
	}
}

// Close ends the proxy and the Redis, and waits for their goroutines.
func (w *World) Close() error {
	return errors.Join(w.proxy.Close(), w.redis.Close(context.Background()))
}
