package redisenv

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/internal/owner"
)

// Sweep removes what earlier runs of flakehunt left because they were killed:
// containers, server processes and temporary directories whose owner is known
// to be dead. It returns one line for each thing that it removed, and never
// touches what a living process owns or what it cannot judge.
func Sweep(ctx context.Context, log *slog.Logger) []string {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return append(sweepDirs(log), sweepContainers(ctx, log)...)
}

// sweepDirs ends the servers of dead owners and removes their directories.
func sweepDirs(log *slog.Logger) []string {
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), runDirPrefix+"*"))
	if err != nil {
		return nil
	}
	var removed []string
	for _, dir := range dirs {
		b, err := os.ReadFile(filepath.Join(dir, ownerFile))
		if err != nil {
			if abandoned(dir) && os.Remove(dir) == nil { // which removes nothing that holds a file
				removed = append(removed, "empty directory "+dir)
			}
			continue
		}
		o, err := owner.Parse(string(b))
		if err != nil || !o.Gone() {
			continue
		}
		for _, pid := range serversIn(dir) {
			start := owner.StartTime(pid)
			if err := kill(pid); err == nil {
				ended(pid, start)
				removed = append(removed, fmt.Sprintf("redis server %d of process %d", pid, o.PID))
			}
		}
		if err := os.RemoveAll(dir); err != nil {
			log.Warn("could not remove a directory left by an earlier run", "dir", dir, "error", err)
			continue
		}
		removed = append(removed, fmt.Sprintf("directory %s of process %d", dir, o.PID))
	}
	return removed
}

// abandoned reports whether a directory is so old that whoever made it would
// long since have written whose it is.
func abandoned(dir string) bool {
	info, err := os.Lstat(dir)
	return err == nil && info.IsDir() && time.Since(info.ModTime()) > time.Minute
}

// ended waits until the killed process runs no more; one that the kernel holds
// is given up after two seconds.
func ended(pid int, start string) {
	for until := time.Now().Add(2 * time.Second); start != "" && owner.StartTime(pid) == start && time.Now().Before(until); {
		time.Sleep(2 * time.Millisecond)
	}
}

// serversIn finds the processes whose working directory is dir, a directory
// that only a server of ours is ever started in.
func serversIn(dir string) []int {
	links, _ := filepath.Glob("/proc/[0-9]*/cwd")
	var pids []int
	for _, link := range links {
		target, err := os.Readlink(link)
		if err != nil || target != dir {
			continue
		}
		pid, err := strconv.Atoi(strings.Split(link, "/")[2])
		if err == nil && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids
}
