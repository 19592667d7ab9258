package redisenv

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// watchEvery is how often a Redis that is watched is asked.
const watchEvery = 100 * time.Millisecond

// Watch asks a Redis for PONG, over a connection of its own, until the function that it
// gives is called: that tells whether it stood still, ended the connection, or refused
// or ended those of others for want of room.
func Watch(ctx context.Context, i Instance) (finish func() error) {
	before, err := refusals(ctx, i)
	if err != nil {
		return func() error { return nil } // Works tells
	}
	conn, err := i.Dial(ctx)
	if err != nil {
		return func() error { return nil }
	}
	w := &watcher{conn: conn, stop: make(chan struct{}), done: make(chan struct{})}
	go w.ask()
	return func() error {
		if err := w.finish(); err != nil {
			return err
		}
		after, err := refusals(ctx, i)
		if err == nil && after > before {
			err = fmt.Errorf("it refused or ended %d connections: more clients, or more to send to one, than it has room for", after-before)
		}
		return err
	}
}

// refusals is how many connections a Redis has refused or ended for want of room; 0 of
// one that does not count them. Redis counts those that it refused since 2.4, those that
// it ended since 7.2.
func refusals(ctx context.Context, i Instance) (int, error) {
	conn, err := i.Dial(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	replies, err := converse(ctx, conn, []string{"INFO", "stats"})
	if err != nil {
		var no *replyError
		if errors.As(err, &no) && !harness.ServerCondition(no.text) {
			err = nil // a user who may not ask
		}
		return 0, err
	}
	sum, fields := 0, infoFields(replies[0])
	for _, name := range []string{"rejected_connections", "client_output_buffer_limit_disconnections", "client_query_buffer_limit_disconnections", "evicted_clients"} {
		n, _ := strconv.Atoi(fields[name])
		sum += n
	}
	return sum, nil
}

// watcher is one connection that says PING.
type watcher struct {
	conn net.Conn
	stop chan struct{}
	done chan struct{} // closed when it asks no more

	mu   sync.Mutex
	sent time.Time // of the PING without an answer; zero: there is none
	err  error
}

func (w *watcher) ask() {
	defer close(w.done)
	in := bufio.NewReader(w.conn)
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		w.note(time.Now(), nil)
		_, err := w.conn.Write([]byte("*1\r\n$4\r\nPING\r\n"))
		var line string
		if err == nil {
			line, err = in.ReadString('\n')
		}
		if err == nil && !strings.HasPrefix(line, "+PONG") {
			err = fmt.Errorf("it answered %q", strings.TrimSpace(line))
		}
		select {
		case <-w.stop:
			return // its connection is closed
		default:
		}
		if w.note(time.Time{}, err); err != nil {
			return
		}
		select {
		case <-tick.C:
		case <-w.stop:
			return
		}
	}
}

// note notes that a PING was sent, or that it was answered.
func (w *watcher) note(sent time.Time, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if sent.IsZero() {
		w.slow(time.Since(w.sent))
	}
	w.sent = sent
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("a connection to it broke: %w", err)
	}
}

// slow notes how long an answer took. w.mu is held.
func (w *watcher) slow(d time.Duration) {
	if d >= slowAnswer && w.err == nil {
		w.err = fmt.Errorf("it did not answer for %s", d.Round(10*time.Millisecond))
	}
}

// finish ends the asking.
func (w *watcher) finish() error {
	close(w.stop)
	w.mu.Lock()
	if !w.sent.IsZero() {
		w.slow(time.Since(w.sent))
	}
	w.mu.Unlock()
	_ = w.conn.Close()
	<-w.done
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}
