package redisenv

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"
	tcredis "github.com/testcontainers/testcontainers-go/modules/redis"
	"github.com/testcontainers/testcontainers-go/wait"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/internal/owner"
	"github.com/flakehunt/flakehunt/internal/phrase"
)

const (
	ownerLabel = "flakehunt.owner"
	redisPort  = "6379/tcp"
	// containerStart bounds the start of one container: a busy machine takes seconds.
	containerStart = 60 * time.Second
	containerStop  = 30 * time.Second
)

// containerProvider runs each instance in a container of its own.
type containerProvider struct {
	image string
	log   *slog.Logger
}

func (*containerProvider) Name() string { return "container" }

// Check asks Docker, and pulls the image if it is not there yet: whoever
// chooses a provider wants to know now whether Start will work.
func (p *containerProvider) Check(ctx context.Context) error {
	docker, err := connectDocker(ctx)
	if err != nil {
		return err
	}
	defer docker.Close()
	return ensureImage(ctx, docker, p.image, p.log)
}

func (p *containerProvider) Start(ctx context.Context) (Instance, error) {
	if err := p.Check(ctx); err != nil {
		return nil, err
	}
	start, cancel := patient(ctx)
	defer cancel()
	ctr, err := tcredis.Run(start, p.image,
		testcontainers.WithLogger(tclog.NewNoopLogger()),
		testcontainers.WithLabels(map[string]string{ownerLabel: owner.Self().String()}),
		testcontainers.WithCmdArgs("--save", "", "--appendonly", "no"),
		// Readiness is a PONG, asked for below where the address is chosen.
		testcontainers.WithWaitStrategy(wait.ForExposedPort().WithPollInterval(20*time.Millisecond).SkipInternalCheck().SkipExternalCheck()),
	)
	c := &container{image: p.image}
	if ctr != nil {
		c.ctr = ctr.Container
	}
	if err == nil {
		err = c.connect(start)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = c.Close(context.WithoutCancel(ctx))
		return nil, p.startError(ctx, err)
	}
	c.info = harness.RedisInfo{Provider: "container", Version: c.version(ctx), Image: p.image, Real: true}
	return c, nil
}

// patient gives a context that outlives the end of ctx for a while. A request
// to create a container that is cut off may still be carried out, and then
// nobody knows its name: better to let it end, and remove what came of it.
func patient(ctx context.Context) (context.Context, context.CancelFunc) {
	run, cancel := context.WithTimeout(context.WithoutCancel(ctx), containerStart)
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(containerStop):
			cancel()
		case <-run.Done():
		}
	})
	return run, func() { stop(); cancel() }
}

// startError cuts the report of a failed start down to one line.
func (p *containerProvider) startError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("start a container of %s: %w", p.image, ctx.Err())
	}
	return fmt.Errorf("start a container of %s: %w; try --redis server or --redis embedded", p.image, oneLine(err))
}

// container is one running container.
type container struct {
	*owned
	ctr   testcontainers.Container
	image string
	info  harness.RedisInfo
	once  sync.Once
}

// connect finds an address at which the container answers. The one that
// testcontainers gives is right almost always; where this process runs in a
// container beside its Docker, the published port is on the loopback instead.
func (c *container) connect(ctx context.Context) error {
	port, err := c.ctr.MappedPort(ctx, redisPort)
	if err != nil {
		return fmt.Errorf("find its published port: %w", err)
	}
	host, err := c.ctr.Host(ctx)
	if err != nil {
		return fmt.Errorf("find its address: %w", err)
	}
	addrs := []string{net.JoinHostPort(host, port.Port())}
	if host != "127.0.0.1" && host != "localhost" {
		addrs = append(addrs, net.JoinHostPort("127.0.0.1", port.Port()))
	}
	for {
		var errs []error
		for _, addr := range addrs {
			r := newRemote(&redis.Options{Addr: addr})
			err := r.Alive(ctx)
			if err == nil {
				c.owned, err = own(ctx, r)
				return err
			}
			errs = append(errs, err)
		}
		if state, err := c.ctr.State(ctx); err == nil && !state.Running {
			return fmt.Errorf("it ended at once with exit code %d: is it an image of Redis?", state.ExitCode)
		}
		select {
		case <-ctx.Done():
			return errors.Join(errs...)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (c *container) Info() harness.RedisInfo { return c.info }

func (c *container) Reset(ctx context.Context) error { return c.because(ctx, c.reset(ctx)) }
func (c *container) Alive(ctx context.Context) error { return c.because(ctx, c.remote.Alive(ctx)) }
func (c *container) Works(ctx context.Context) error { return c.because(ctx, c.remote.Works(ctx)) }

// because says instead of a network error how the container ended.
func (c *container) because(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	state, serr := c.ctr.State(ctx)
	switch {
	case serr != nil:
		return fmt.Errorf("%w (and docker says: %w)", err, oneLine(serr))
	case state.OOMKilled:
		return errors.New("the redis container was killed: out of memory")
	case !state.Running:
		return fmt.Errorf("the redis container ended with exit code %d", state.ExitCode)
	}
	return err
}

func (c *container) Close(ctx context.Context) error {
	var err error
	c.once.Do(func() {
		if c.owned != nil {
			c.conns.End()
		}
		if c.ctr == nil {
			return
		}
		ctx, cancel := context.WithTimeout(ctx, containerStop)
		defer cancel()
		// Nothing in it is worth a graceful stop.
		if terr := testcontainers.TerminateContainer(c.ctr, testcontainers.StopContext(ctx), testcontainers.StopTimeout(0)); terr != nil {
			err = fmt.Errorf("remove the redis container: %w", oneLine(terr))
		}
	})
	return err
}

// oneLine makes an error with line breaks fit where one line is promised.
func oneLine(err error) error {
	line := phrase.OneLine(err.Error())
	if line == err.Error() {
		return err
	}
	return errors.New(line)
}
