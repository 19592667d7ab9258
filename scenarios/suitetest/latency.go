package suitetest

import (
	"context"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"time"
)

// Latency delays what each connection sends and receives, each piece by a time
// of its own, drawn uniformly from 0 to Max; pieces of one direction stay in
// order. It stands for a slow network in tests of the scenarios themselves.
type Latency struct {
	Next func(ctx context.Context, network, addr string) (net.Conn, error) // makes the connections
	Max  time.Duration
	Seed uint64

	conns atomic.Uint64
}

// Dial is a redis.Options.Dialer.
func (l *Latency) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	server, err := l.Next(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	client, inner := net.Pipe()
	n := l.conns.Add(1)
	go l.carry(server, inner, rand.New(rand.NewPCG(l.Seed, 2*n)))
	go l.carry(inner, server, rand.New(rand.NewPCG(l.Seed, 2*n+1)))
	return client, nil
}

type piece struct {
	data []byte
	due  time.Time
}

// carry copies from one connection to the other, late, and closes both in the end.
func (l *Latency) carry(to, from net.Conn, r *rand.Rand) {
	queue := make(chan piece, 1024)
	go func() {
		defer func() {
			_ = to.Close()
			_ = from.Close()
		}()
		for p := range queue {
			time.Sleep(time.Until(p.due))
			if _, err := to.Write(p.data); err != nil {
				_ = from.Close() // ends the reader, which closes the queue
				for range queue {
				}
				return
			}
		}
	}()
	defer close(queue)
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			delay := time.Duration(r.Int64N(int64(l.Max) + 1))
			queue <- piece{append([]byte(nil), buffer[:n]...), time.Now().Add(delay)}
		}
		if err != nil {
			return
		}
	}
}
