package redisenv

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// dialTimeout bounds one attempt to connect to a Redis that should be near.
const dialTimeout = 5 * time.Second

// remote is what all instances that speak over a socket have in common: a
// client for our own commands, and the connections that Dial handed out.
type remote struct {
	opts  *redis.Options
	admin *redis.Client

	mu     sync.Mutex
	conns  map[*trackedConn]struct{}
	closed bool
}

func newRemote(opts *redis.Options) *remote {
	admin := *opts
	admin.ClientName = adminName
	admin.PoolSize = 2
	admin.MaxRetries = -1 // our callers decide; a retry would hide a dying Redis
	admin.DisableIdentity = true
	admin.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	admin.ContextTimeoutEnabled = true
	return &remote{opts: opts, admin: redis.NewClient(&admin), conns: map[*trackedConn]struct{}{}}
}

// adminName is the CLIENT SETNAME of the connections that flakehunt itself uses.
const adminName = "flakehunt-admin"

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
	t := &trackedConn{Conn: c, owner: r}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		_ = c.Close()
		return nil, fmt.Errorf("connect to redis at %s: %w", r.opts.Addr, net.ErrClosed)
	}
	r.conns[t] = struct{}{}
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
		commands = append(commands, []string{"SELECT", fmt.Sprint(o.DB)})
	}
	if len(commands) == 0 {
		return nil
	}
	deadline := time.Now().Add(dialTimeout)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	_ = c.SetDeadline(deadline)
	defer func() { _ = c.SetDeadline(time.Time{}) }()
	for _, words := range commands {
		var b strings.Builder
		fmt.Fprintf(&b, "*%d\r\n", len(words))
		for _, w := range words {
			fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
		}
		if _, err := c.Write([]byte(b.String())); err != nil {
			return fmt.Errorf("%s at redis %s: %w", words[0], o.Addr, err)
		}
		line, err := readLine(c)
		if err != nil {
			return fmt.Errorf("%s at redis %s: %w", words[0], o.Addr, err)
		}
		if line != "+OK" {
			return fmt.Errorf("%s at redis %s: %s", words[0], o.Addr, strings.TrimPrefix(line, "-"))
		}
	}
	return nil
}

// readLine reads one simple reply byte by byte, so that nothing after it is
// taken from whoever gets the connection next.
func readLine(c net.Conn) (string, error) {
	var line []byte
	for b := make([]byte, 1); len(line) < 1024; {
		if _, err := c.Read(b); err != nil {
			return "", err
		}
		if b[0] == '\n' {
			return strings.TrimSuffix(string(line), "\r"), nil
		}
		line = append(line, b[0])
	}
	return "", errors.New("reply line is longer than 1024 bytes")
}

// dropConns closes every connection that Dial made and that is still open.
func (r *remote) dropConns() {
	r.mu.Lock()
	open := make([]*trackedConn, 0, len(r.conns))
	for c := range r.conns {
		open = append(open, c)
	}
	r.mu.Unlock()
	for _, c := range open {
		_ = c.Close()
	}
}

func (r *remote) Alive(ctx context.Context) error {
	if err := r.admin.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("redis at %s does not answer PING: %w", r.opts.Addr, plainNetError(err))
	}
	return nil
}

// resetOwned makes a Redis that is ours alone as new. The clients go first, so
// that none of them can write after the flush.
func (r *remote) resetOwned(ctx context.Context) error {
	r.dropConns()
	for _, words := range [][]any{
		{"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"},
		{"CLIENT", "KILL", "TYPE", "pubsub", "SKIPME", "yes"},
		{"FLUSHALL", "SYNC"},
		{"SCRIPT", "FLUSH", "SYNC"},
		{"FUNCTION", "FLUSH", "SYNC"},
	} {
		err := r.admin.Do(ctx, words...).Err()
		if err == nil || (words[0] == "FUNCTION" && redis.HasErrorPrefix(err, "ERR unknown")) { // before 7.0
			continue
		}
		// The kill may have hit our own second pooled connection.
		if err = r.admin.Do(ctx, words...).Err(); err != nil {
			return fmt.Errorf("reset redis at %s: %v: %w", r.opts.Addr, words[0], plainNetError(err))
		}
	}
	return nil
}

// waitReady returns when the Redis answers PING, or with the last error when
// ctx ends or died yields a reason why it never will.
func (r *remote) waitReady(ctx context.Context, died <-chan error) error {
	pause := time.NewTimer(0)
	defer pause.Stop()
	last := errors.New("no attempt was made")
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("redis at %s is not ready: %w", r.opts.Addr, plainNetError(last))
		case err := <-died:
			return err
		case <-pause.C:
		}
		try, cancel := context.WithTimeout(ctx, time.Second)
		last = r.admin.Ping(try).Err()
		cancel()
		if last == nil {
			return nil
		}
		pause.Reset(5 * time.Millisecond)
	}
}

// version asks for redis_version; a Redis that will not say gives "unknown".
func (r *remote) version(ctx context.Context) string {
	info, err := r.admin.Info(ctx, "server").Result()
	if err != nil {
		return "unknown"
	}
	found := "unknown"
	for line := range strings.Lines(info) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), ":")
		switch {
		case ok && name == "valkey_version":
			return "valkey " + value
		case ok && name == "redis_version":
			found = value
		}
	}
	return found
}

// closeRemote ends the admin client and every connection of Dial; it reports whether it was the first call.
func (r *remote) closeRemote() bool {
	r.mu.Lock()
	first := !r.closed
	r.closed = true
	r.mu.Unlock()
	if first {
		r.dropConns()
		_ = r.admin.Close()
	}
	return first
}

// trackedConn is a connection that its instance knows of until it is closed.
type trackedConn struct {
	net.Conn
	owner *remote
}

func (t *trackedConn) Close() error {
	t.owner.mu.Lock()
	delete(t.owner.conns, t)
	t.owner.mu.Unlock()
	return t.Conn.Close()
}

// CloseWrite passes a half-close on, for those who look for it.
func (t *trackedConn) CloseWrite() error {
	if c, ok := t.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return t.Close()
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
