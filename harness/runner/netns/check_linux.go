package netns

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/capture"
	"github.com/flakehunt/flakehunt/harness/runner/proc"
)

// Check makes a private network and takes it down again. The error says why
// this machine does not allow it, and what to do.
func Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	t := &Takeover{log: slog.New(slog.DiscardHandler), plan: plan{Listen: loopback("6379")}, first: "localhost:6379"}
	x := runner.Exec{}
	var said capture.Buffer
	s := proc.Spec{Argv: []string{"true"}, Env: os.Environ(), Stderr: &said}
	x.Redis.Adopt = func(net.Listener) {} // nobody comes; undo closes it
	undo, err := t.wrap(ctx, &x, &s)
	if err != nil {
		return err
	}
	res, err := proc.Run(ctx, s)
	undoErr := undo()
	switch {
	case err != nil:
		return explain(err)
	case undoErr != nil:
		return undoErr
	case !res.OK():
		return explain(fmt.Errorf("%s: %s", res, strings.TrimSpace(said.String())))
	}
	return nil
}

// explain adds to an error what this kernel says about namespaces.
func explain(err error) error {
	var hints []string
	say := func(file, bad, hint string) {
		if b, e := os.ReadFile(file); e == nil && strings.TrimSpace(string(b)) == bad {
			hints = append(hints, hint)
		}
	}
	say("/proc/sys/kernel/unprivileged_userns_clone", "0", "unprivileged user namespaces are switched off: sudo sysctl kernel.unprivileged_userns_clone=1")
	say("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "AppArmor restricts them (Ubuntu 23.10 and later): sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0, or a profile for flakehunt with the rule \"userns,\"")
	say("/proc/sys/user/max_user_namespaces", "0", "no user namespace is allowed: sudo sysctl user.max_user_namespaces=10000")
	say("/proc/sys/user/max_net_namespaces", "0", "no network namespace is allowed: sudo sysctl user.max_net_namespaces=10000")
	if _, e := os.Stat("/.dockerenv"); e == nil {
		hints = append(hints, "this is a Docker container, whose seccomp profile forbids them: docker run --security-opt seccomp=unconfined, or --cap-add SYS_ADMIN")
	}
	if len(hints) == 0 {
		hints = append(hints, "the kernel or a sandbox forbids namespaces to this user")
	}
	return fmt.Errorf("--takeover needs a private network, and this machine allows none (%w): %s; or, without --takeover, give the suite its address through REDIS_URL or --env", err, strings.Join(hints, "; "))
}
