package redisenv

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/flakehunt/flakehunt/harness"
)

// urlProvider uses a Redis that somebody else runs. It belongs to one instance
// at a time: keys could be told apart by database, channels can't.
type urlProvider struct {
	opts       *redis.Options
	allowFlush bool
	log        *slog.Logger

	mu    sync.Mutex
	busy  bool
	began bool // it was found fit to be emptied: what it holds since is of our tests
}

func newURLProvider(s Spec) (*urlProvider, error) {
	opts, err := parseURL(s.Provider)
	if err != nil {
		return nil, err
	}
	return &urlProvider{opts: opts, allowFlush: s.AllowFlush, log: s.Log}, nil
}

// parseURL reads a URL of a Redis; its errors never repeat the URL, which may hold a password.
func parseURL(s string) (*redis.Options, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, fmt.Errorf("%w: the URL can't be read: want redis://[user:password@]host:port/database, with %%-escapes in the password", ErrSpec)
	}
	switch u.Scheme {
	case "redis", "rediss", "unix":
	default:
		return nil, fmt.Errorf("%w: URL scheme %q: want redis, rediss or unix", ErrSpec, u.Scheme)
	}
	opts, err := redis.ParseURL(s)
	if err != nil {
		return nil, fmt.Errorf("%w: URL of %s: %s", ErrSpec, hostOf(u), strings.TrimPrefix(err.Error(), "redis: "))
	}
	if opts.Network != "unix" {
		_, port, err := net.SplitHostPort(opts.Addr)
		if n, nerr := strconv.ParseUint(port, 10, 16); err != nil || nerr != nil || n == 0 {
			return nil, fmt.Errorf("%w: URL of %s: want a port from 1 to 65535", ErrSpec, hostOf(u))
		}
	}
	return opts, nil
}

// hostOf is the part of a URL that holds no secret.
func hostOf(u *url.URL) string {
	if u.Host == "" {
		return u.Path
	}
	return u.Host
}

func (*urlProvider) Name() string      { return "url" }
func (*urlProvider) maxInstances() int { return 1 }

// Secrets are the provider's credentials: what is written must not hold them.
func Secrets(p Provider) []string {
	if u, ok := p.(*urlProvider); ok && u.opts.Password != "" {
		return []string{u.opts.Password}
	}
	return nil
}

// NoDirect says why tests are not to be given the Redis itself instead of the
// proxy; "": they may be. The proxy's connections carry a password and a
// database that the suite is not told.
func NoDirect(p Provider) string {
	u, ok := p.(*urlProvider)
	switch {
	case ok && u.opts.Password != "":
		return fmt.Sprintf("the suite is not told the password: all trials go through the proxy, and it is kept to database %d", u.opts.DB)
	case ok && u.opts.DB != 0:
		return fmt.Sprintf("all trials go through the proxy, since database %d is selected there", u.opts.DB)
	}
	return ""
}

func (p *urlProvider) Check(ctx context.Context) error {
	r := newRemote(p.opts)
	defer r.conns.End()
	return p.check(ctx, r)
}

// check connects, and refuses a database that is not ours to empty.
func (p *urlProvider) check(ctx context.Context, r *remote) error {
	c, err := r.Dial(ctx)
	if err != nil {
		return unavailable("%s: check the URL and that the server runs", oneLine(err))
	}
	_ = c.Close()
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	replies, err := r.ask(ctx, []string{"DBSIZE"})
	if err != nil {
		return unavailable("%s", oneLine(err))
	}
	if size, _ := replies[0].(int64); size > 0 && !p.allowFlush && !p.began {
		return fmt.Errorf("%w: database %d at %s holds %d keys, and it would be emptied: name an empty database (…/15), or allow it with --allow-flush",
			ErrSpec, p.opts.DB, p.opts.Addr, size)
	}
	return nil
}

func (p *urlProvider) Start(ctx context.Context) (Instance, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy {
		return nil, unavailable("the redis at %s serves one worker at a time: use --parallel 1", p.opts.Addr)
	}
	r := newRemote(p.opts)
	if err := p.check(ctx, r); err != nil {
		r.conns.End()
		return nil, err
	}
	p.busy, p.began = true, true
	r.know(ctx)
	return &external{remote: r, provider: p, was: r.take(ctx), info: harness.RedisInfo{
		Provider: "url", Version: r.version(ctx), Address: p.opts.Addr, Real: true,
	}}, nil
}

// external is a Redis that we neither started nor end.
type external struct {
	*remote
	provider *urlProvider
	was      state
	info     harness.RedisInfo
}

func (x *external) Info() harness.RedisInfo { return x.info }

// Options makes direct connections known to the instance, so that Reset can
// end them; other people's connections are none of our business.
func (x *external) Options() *redis.Options {
	o := x.remote.Options()
	dial := *o
	dial.Username, dial.Password, dial.DB = "", "", 0 // the client itself introduces itself
	o.Dialer = func(ctx context.Context, _, _ string) (net.Conn, error) { return x.dial(ctx, &dial) }
	return o
}

func (x *external) Reset(ctx context.Context) error {
	x.conns.Drop()
	if _, err := x.ask(ctx, []string{"FLUSHDB"}); err != nil {
		return fmt.Errorf("empty database %d: %w", x.opts.DB, err)
	}
	return nil
}

// Close leaves the Redis as it was found: what tests wrote and changed goes. One
// that has ended has nothing left to be put back.
func (x *external) Close(ctx context.Context) error {
	if !x.conns.End() {
		return nil
	}
	var err error
	if x.Alive(ctx) == nil {
		_, err = x.ask(ctx, []string{"FLUSHDB"})
		err = errors.Join(err, x.putBack(ctx, x.was))
	}
	if err != nil {
		err = fmt.Errorf("leave the redis at %s as it was: %w", x.opts.Addr, err)
	}
	x.provider.mu.Lock()
	x.provider.busy = false
	x.provider.mu.Unlock()
	return err
}
