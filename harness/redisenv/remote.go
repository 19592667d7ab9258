package redisenv

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/redisenv/connset"
)

// dialTimeout bounds one attempt to connect to a Redis that should be near.
const dialTimeout = 5 * time.Second

// remote is what all instances that speak over a socket have in common: where
// it is, and the connections that Dial handed out.
type remote struct {
	opts  *redis.Options
	conns connset.Set
	runID string // of the process that answered first; "": not known
}

func newRemote(opts *redis.Options) *remote {
	return &remote{opts: opts}
}

func (r *remote) Addr() string { return r.opts.Addr }

func (r *remote) Options() *redis.Options {
	o := *r.opts
	if o.TLSConfig != nil {
		o.TLSConfig = o.TLSConfig.Clone()
	}
	return &o
}

func (r *remote) Dial(ctx context.Context) (net.Conn, error) { return r.dial(ctx, r.opts) }

// dial connects as opts say and remembers the connection until it is closed.
func (r *remote) dial(ctx context.Context, opts *redis.Options) (net.Conn, error) {
	c, err := dialRaw(ctx, opts)
	if err != nil {
		return nil, err
	}
	if err := introduce(ctx, c, opts); err != nil {
		_ = c.Close()
		return nil, err
	}
	t, err := r.conns.Add(c)
	if err != nil {
		return nil, fmt.Errorf("connect to redis at %s: %w", r.opts.Addr, err)
	}
	return t, nil
}

// dialRaw connects and does the TLS handshake.
func dialRaw(ctx context.Context, o *redis.Options) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	network := o.Network
	if network == "" {
		network = "tcp"
	}
	c, err := (&net.Dialer{}).DialContext(ctx, network, o.Addr)
	if err != nil {
		return nil, fmt.Errorf("connect to redis at %s: %w", o.Addr, plainNetError(err))
	}
	if o.TLSConfig == nil {
		return c, nil
	}
	t := tls.Client(c, o.TLSConfig)
	if err := t.HandshakeContext(ctx); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("TLS with redis at %s: %w", o.Addr, err)
	}
	return t, nil
}

// introduce sends on a fresh connection what the URL asks of each connection.
func introduce(ctx context.Context, c net.Conn, o *redis.Options) error {
	var commands [][]string
	switch {
	case o.Username != "":
		commands = append(commands, []string{"AUTH", o.Username, o.Password})
	case o.Password != "":
		commands = append(commands, []string{"AUTH", o.Password})
	}
	if o.DB != 0 {
		commands = append(commands, []string{"SELECT", strconv.Itoa(o.DB)})
	}
	_, err := converse(ctx, c, commands...)
	if err != nil {
		return fmt.Errorf("redis at %s: %w", o.Addr, err)
	}
	return nil
}

// ask sends commands on a connection of its own and returns their replies. The
// first that fails ends it; its error is *replyError if Redis itself said no.
func (r *remote) ask(ctx context.Context, commands ...[]string) ([]any, error) {
	c, err := dialRaw(ctx, r.opts)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := introduce(ctx, c, r.opts); err != nil {
		return nil, err
	}
	replies, err := converse(ctx, c, commands...)
	if err != nil {
		return nil, fmt.Errorf("redis at %s: %w", r.opts.Addr, err)
	}
	return replies, nil
}

func (r *remote) Alive(ctx context.Context) error {
	_, err := r.ask(ctx, []string{"PING"})
	return err
}

// Works returns an error when the Redis is not fit for a trial, or was not during the
// one that ended: it is another process than at the start, takes no write, or needs a
// second to answer.
func (r *remote) Works(ctx context.Context) error {
	began := time.Now()
	fields, err := r.infoServer(ctx)
	if err != nil {
		return err
	}
	if id := fields["run_id"]; r.runID != "" && id != "" && id != r.runID {
		return fmt.Errorf("redis at %s was restarted in the middle", r.opts.Addr)
	}
	_, err = r.ask(ctx, []string{"SET", probeKey, "1", "PX", "1000"}, []string{"DEL", probeKey})
	var no *replyError
	if errors.As(err, &no) && !harness.ServerCondition(no.text) {
		err = nil // a user who may not write this key
	}
	if took := time.Since(began); err == nil && took >= slowAnswer {
		err = fmt.Errorf("redis at %s stood still: it took %s to answer", r.opts.Addr, took.Round(10*time.Millisecond))
	}
	return err
}

const (
	// probeKey is written after a trial in which a test failed, and taken away again.
	probeKey = "flakehunt:probe"
	// slowAnswer is how long a Redis near by must have needed to have stood still.
	slowAnswer = time.Second
)

// know takes note of which process answers.
func (r *remote) know(ctx context.Context) {
	if fields, err := r.infoServer(ctx); err == nil {
		r.runID = fields["run_id"]
	}
}

// waitReady returns when the Redis answers PING; when ctx ends first, with its
// cause if it has one of its own, else with what the last attempt met.
func (r *remote) waitReady(ctx context.Context) error {
	pause := time.NewTimer(0)
	defer pause.Stop()
	last := errors.New("no attempt was made")
	for {
		select {
		case <-ctx.Done():
			if cause := context.Cause(ctx); !errors.Is(cause, ctx.Err()) {
				return cause
			}
			return fmt.Errorf("not ready in time: %w", last)
		case <-pause.C:
		}
		err := r.Alive(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() == nil { // else it tells of our own deadline only
			last = err
		}
		pause.Reset(5 * time.Millisecond)
	}
}

// infoServer is INFO server as a map.
func (r *remote) infoServer(ctx context.Context) (map[string]string, error) {
	replies, err := r.ask(ctx, []string{"INFO", "server"})
	if err != nil {
		return nil, err
	}
	return infoFields(replies[0]), nil
}

// infoFields is the reply to INFO as a map.
func infoFields(reply any) map[string]string {
	text, _ := reply.(string)
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[name] = value
		}
	}
	return fields
}

// version says which Redis it is; one that will not say gives "unknown".
func (r *remote) version(ctx context.Context) string {
	fields, err := r.infoServer(ctx)
	switch {
	case err == nil && fields["valkey_version"] != "":
		return "valkey " + fields["valkey_version"]
	case err == nil && fields["redis_version"] != "":
		return fields["redis_version"]
	}
	return "unknown"
}

// plainNetError takes the repeated "dial tcp ADDR:" off an error: the sentence
// around it names the address already.
func plainNetError(err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		return op.Err
	}
	return err
}
