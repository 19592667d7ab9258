// Package redistest gives Go tests a Redis.
//
//	func TestOrders(t *testing.T) {
//		client := redistest.Client(t)
//		...
//	}
//
// Under flakehunt it is the one behind the proxy, and the test's beginning and
// end are marked, so that each command on the wire belongs to a test for sure;
// the hunt is told which line of code sent it.
// With REDIS_URL or REDIS_ADDR set it is that one. Otherwise the test process
// gets a Redis of its own, shared by its tests: a redis-server or valkey-server
// on PATH, else a container, else an imitation in the process (miniredis).
//
// It must never start anything that outlives the test process, flush a Redis
// that it did not start, or import the rest of the harness: a test binary pays
// for each package.
package redistest

import (
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
)

// Redis returns options for a client of the test's Redis. Each call returns a
// copy. It ends the test when no Redis can be had.
func Redis(t testing.TB) *redis.Options {
	t.Helper()
	markTest(t)
	o, err := find()
	if err != nil {
		t.Fatalf("redistest: %v", err)
	}
	c := *o
	if connect() != nil {
		watch(&c)
	}
	return &c
}

// Client returns a client of the test's Redis that is closed when the test ends.
func Client(t testing.TB) *redis.Client {
	t.Helper()
	c := redis.NewClient(Redis(t))
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Addr returns the address, host:port, of the test's Redis.
func Addr(t testing.TB) string {
	t.Helper()
	return Redis(t).Addr
}

// UnderHunt reports whether flakehunt runs this test.
func UnderHunt() bool { return os.Getenv("FLAKEHUNT") != "" }

// find settles once which Redis this process uses.
var find = sync.OnceValues(func() (*redis.Options, error) {
	if u := os.Getenv("REDIS_URL"); u != "" {
		o, err := redis.ParseURL(u)
		if err != nil {
			return nil, fmt.Errorf("REDIS_URL: %w", err)
		}
		return o, nil
	}
	if a := os.Getenv("REDIS_ADDR"); a != "" {
		return &redis.Options{Addr: a}, nil
	}
	addr, err := start()
	if err != nil {
		return nil, err
	}
	return &redis.Options{Addr: addr}, nil
})
