package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// checkNamespaces starts a process in namespaces of its own, as --takeover does.
func checkNamespaces(ctx context.Context) (string, error) {
	c := exec.CommandContext(ctx, "/proc/self/exe", "version")
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("this kernel gives an ordinary user no network namespace (%w); --takeover needs it: allow kernel.unprivileged_userns_clone, or give the suite its address through REDIS_URL", err)
	}
	return "user and network namespaces work: --takeover can be used", nil
}
