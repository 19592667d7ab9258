package redisenv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"

	"github.com/flakehunt/flakehunt/internal/owner"
)

const (
	dockerTimeout = 3 * time.Second // to say whether there is a Docker at all
	pullTimeout   = 2 * time.Minute
)

// connectDocker finds the Docker engine that testcontainers will use. No
// engine is told in one line within dockerTimeout.
func connectDocker(ctx context.Context) (*testcontainers.DockerClient, error) {
	setUpLibrary()
	ctx, cancel := context.WithTimeout(ctx, dockerTimeout)
	defer cancel()
	type answer struct {
		docker *testcontainers.DockerClient
		err    error
	}
	// The search may look at several sockets, and panics if it finds none, so
	// it gets a goroutine of its own.
	found := make(chan answer, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				found <- answer{err: fmt.Errorf("%v", v)}
			}
		}()
		if err := pingDockerHost(ctx); err != nil {
			found <- answer{err: err}
			return
		}
		docker, err := testcontainers.NewDockerClientWithOpts(ctx)
		if err == nil {
			_, err = docker.Ping(ctx, client.PingOptions{})
		}
		found <- answer{docker, err}
	}()
	select {
	case a := <-found:
		if a.err == nil {
			return a.docker, nil
		}
		if a.docker != nil {
			_ = a.docker.Close()
		}
		return nil, noDocker(a.err)
	case <-ctx.Done():
		return nil, noDocker(fmt.Errorf("no answer within %s", dockerTimeout))
	}
}

// pingDockerHost asks the engine that DOCKER_HOST names, if it names one: the
// search would silently take another when that one is down.
func pingDockerHost(ctx context.Context) error {
	if os.Getenv("DOCKER_HOST") == "" {
		return nil
	}
	docker, err := client.New(client.FromEnv)
	if err != nil {
		return err
	}
	defer docker.Close()
	_, err = docker.Ping(ctx, client.PingOptions{})
	return err
}

func noDocker(err error) error {
	where := os.Getenv("DOCKER_HOST")
	if where == "" {
		where = "its usual sockets"
	}
	if errdefs.IsPermissionDenied(err) || errors.Is(err, os.ErrPermission) || strings.Contains(err.Error(), "permission denied") {
		return unavailable("Docker at %s refuses this user: join its group, or use --redis server or --redis embedded", where)
	}
	return unavailable("no Docker engine answers at %s: start one, set DOCKER_HOST, or use --redis server or --redis embedded", where)
}

// ensureImage pulls the image once if it is not on the engine's machine.
func ensureImage(ctx context.Context, docker *testcontainers.DockerClient, image string, log *slog.Logger) error {
	_, err := docker.ImageInspect(ctx, image)
	if err == nil {
		return nil
	}
	if !errdefs.IsNotFound(err) {
		return unavailable("image %s: docker says: %s", image, oneLine(err))
	}
	log.Info("pulling the image of Redis", "image", image)
	ctx, cancel := context.WithTimeout(ctx, pullTimeout)
	defer cancel()
	pull, err := docker.ImagePull(ctx, image, client.ImagePullOptions{})
	if err == nil {
		err = errors.Join(pull.Wait(ctx), pull.Close())
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return unavailable("image %s is not on this machine and can't be pulled (%s): check the name, run `docker pull %s`, or use --redis server or --redis embedded", image, oneLine(err), image)
	}
	return nil
}

var libraryOnce sync.Once

// setUpLibrary settles what testcontainers keeps for the whole process. It
// prints nothing to our standard error, and does without its reaper, a
// privileged helper container with an image of its own, unless the user has
// asked for it: Close, and for killed runs Sweep, remove what we start. That
// setting is read once, from the environment, so it is there only for that
// moment: commands that we run must not inherit it.
func setUpLibrary() {
	libraryOnce.Do(func() {
		tclog.SetDefault(tclog.NewNoopLogger())
		const name = "TESTCONTAINERS_RYUK_DISABLED"
		if _, set := os.LookupEnv(name); set {
			return
		}
		if os.Setenv(name, "true") == nil {
			testcontainers.ReadConfig()
			_ = os.Unsetenv(name)
		}
	})
}

// sweepContainers removes the containers whose owners are dead.
func sweepContainers(ctx context.Context, log *slog.Logger) []string {
	docker, err := connectDocker(ctx)
	if err != nil {
		return nil // without Docker there is nothing that it could have left
	}
	defer docker.Close()
	list, err := docker.ContainerList(ctx, client.ContainerListOptions{
		All: true, Filters: make(client.Filters).Add("label", ownerLabel),
	})
	if err != nil {
		log.Warn("could not list containers left by earlier runs", "error", err)
		return nil
	}
	var removed []string
	for _, c := range list.Items {
		o, err := owner.Parse(c.Labels[ownerLabel])
		if err != nil || !o.Gone() {
			continue
		}
		if _, err := docker.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true}); err != nil {
			if !errdefs.IsNotFound(err) && !strings.Contains(err.Error(), "already in progress") {
				log.Warn("could not remove a container left by an earlier run", "container", c.ID[:12], "error", err)
			}
			continue
		}
		removed = append(removed, fmt.Sprintf("container %s of process %d", c.ID[:12], o.PID))
	}
	return removed
}
