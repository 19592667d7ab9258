// Package redisenv gets hold of a Redis for a worker: a container, a server on
// this machine, an imitation within the process (with or without virtual
// time), or one that the user runs.
//
// One file holds one provider. The package must never decide what is sent to a
// Redis, must never touch a Redis that it did not start beyond the database
// that the user named, and must never let a credential out of Options and Dial.
package redisenv

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/flakehunt/flakehunt/harness"
)

// DefaultImage is the image of the container provider unless Spec.Image names another.
const DefaultImage = "redis:7-alpine"

// Spec says which Redis is wanted. The zero value means the first that works.
type Spec struct {
	// Provider is auto (also ""), container, server, embedded, sim, or a URL:
	// redis://, rediss:// or unix://.
	Provider string
	// Image is what container runs; "" means DefaultImage.
	Image string
	// AllowFlush lets a URL name a database that is not empty: it is emptied.
	AllowFlush bool
	// Log takes progress such as the pull of an image; nil discards it.
	Log *slog.Logger
}

// Errors that a caller may want to tell apart with errors.Is.
var (
	// ErrSpec marks a Spec that can never work, however the machine is set up.
	ErrSpec = errors.New("bad redis setting")
	// ErrUnavailable marks a provider that this machine cannot serve now.
	ErrUnavailable = errors.New("redis not available")
)

// Instance is one Redis, used by one worker at a time. All methods may be
// called from several goroutines.
type Instance interface {
	// Dial gives a fresh connection on which commands can be sent at once: TLS
	// is done, and so is what a URL asks for (AUTH, SELECT), so that a client
	// that knows no credentials can be put behind it.
	Dial(ctx context.Context) (net.Conn, error)
	// Addr is host:port, a path for a unix socket, "" when there is no listener.
	Addr() string
	// Options are for a Go client that connects without anything in between.
	// They hold the credentials and are a copy: the caller may change them.
	Options() *redis.Options
	// Reset makes the Redis as new: no keys, scripts, functions or client
	// connections are left. For a URL it empties the database that was named
	// and closes the connections that Dial made, and touches nothing else.
	Reset(ctx context.Context) error
	// Info describes the Redis; no credential is in it.
	Info() harness.RedisInfo
	// Alive returns an error when the Redis no longer answers PING, with the reason if it is known.
	Alive(ctx context.Context) error
	// Close ends the Redis, if it was started here, and removes all it left. It
	// works with a context other than that of Start; a second call does nothing.
	Close(ctx context.Context) error
}

// Works returns an error when a Redis is not fit for a trial, or was not during the
// one that has just ended, with the reason: it was restarted, takes no write, answers
// late, or not at all. Of an imitation it asks for PONG.
func Works(ctx context.Context, i Instance) error {
	if w, ok := i.(interface{ Works(context.Context) error }); ok {
		return w.Works(ctx)
	}
	return i.Alive(ctx)
}

// Provider starts instances of one sort of Redis.
type Provider interface {
	// Name is container, server, embedded, sim or url.
	Name() string
	// Check says in one line why the provider can't be used here, and the way out; nil if it can.
	Check(ctx context.Context) error
	// Start starts one instance, ready for commands.
	Start(ctx context.Context) (Instance, error)
}

// limited is a provider that cannot serve any number of instances at once.
type limited interface{ maxInstances() int }

// MaxInstances says how many instances of the provider may be open at once; 0 means any number.
func MaxInstances(p Provider) int {
	if l, ok := p.(limited); ok {
		return l.maxInstances()
	}
	return 0
}

func (s Spec) withDefaults() Spec {
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if s.Image == "" {
		s.Image = DefaultImage
	}
	return s
}

// Resolve finds the provider that the Spec asks for and checks that it works.
// The notes say what auto took and why; of a named provider there are none.
// An error is one line: what is wrong and how to mend it.
func Resolve(ctx context.Context, s Spec) (Provider, []string, error) {
	s = s.withDefaults()
	var err error
	if s.Provider, err = spoken(s.Provider); err != nil {
		return nil, nil, err
	}
	if s.Provider == "" || s.Provider == "auto" {
		return auto(ctx, s)
	}
	p, err := s.named()
	if err != nil {
		return nil, nil, err
	}
	if err := p.Check(ctx); err != nil {
		return nil, nil, err
	}
	return p, nil, nil
}

// Providers is the table of what can be started here, in the order in which
// auto tries them: from the most to the least like what the tests will meet in
// production. embedded always works, so auto never comes to what follows it.
func (s Spec) Providers() []Provider {
	s = s.withDefaults()
	return []Provider{
		&containerProvider{image: s.Image, log: s.Log},
		&serverProvider{log: s.Log},
		embeddedProvider{},
		simProvider{},
	}
}

// named finds the provider of a Spec that is not auto.
func (s Spec) named() (Provider, error) {
	var names []string
	for _, p := range s.Providers() {
		if p.Name() == s.Provider {
			return p, nil
		}
		names = append(names, p.Name())
	}
	if strings.Contains(s.Provider, "://") {
		return newURLProvider(s)
	}
	return nil, fmt.Errorf("%w: unknown provider %q: want auto, %s, a URL such as redis://127.0.0.1:6379/15, or where one stands: env:NAME or file:PATH",
		ErrSpec, s.Provider, strings.Join(names, ", "))
}

// auto takes the first provider that works.
func auto(ctx context.Context, s Spec) (Provider, []string, error) {
	var notes []string
	for _, p := range s.Providers() {
		err := unasked(p)
		if err == nil {
			err = p.Check(ctx)
		}
		if err == nil {
			return p, append(notes, "using "+p.Name()), nil
		}
		if ctx.Err() != nil {
			return nil, notes, fmt.Errorf("looking for a redis: %w", ctx.Err())
		}
		notes = append(notes, "not "+p.Name()+": "+err.Error())
	}
	return nil, notes, fmt.Errorf("%w: %s", ErrUnavailable, strings.Join(notes, "; "))
}

// unasked keeps auto from using a container engine on a machine whose user does
// not seem to have one: neither its command is on PATH nor DOCKER_HOST is set.
func unasked(p Provider) error {
	if _, is := p.(*containerProvider); !is || os.Getenv("DOCKER_HOST") != "" {
		return nil
	}
	for _, command := range []string{"docker", "podman"} {
		if _, err := exec.LookPath(command); err == nil {
			return nil
		}
	}
	return unavailable("neither docker nor podman is on PATH; if an engine runs all the same, --redis container uses it")
}

// Start resolves the Spec and starts one instance.
func Start(ctx context.Context, s Spec) (Instance, error) {
	p, _, err := Resolve(ctx, s)
	if err != nil {
		return nil, err
	}
	return p.Start(ctx)
}

// unavailable is an ErrUnavailable that reads as its text alone.
func unavailable(format string, args ...any) error {
	return &reason{text: fmt.Sprintf(format, args...)}
}

type reason struct{ text string }

func (r *reason) Error() string        { return r.text }
func (r *reason) Is(target error) bool { return target == ErrUnavailable }
