package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// tick is the kernel's unit of processor time in /proc (USER_HZ).
const tick = 10 * time.Millisecond

// processTime is the processor time that the threads of a process have used,
// from the scheduler's own count in nanoseconds; 0 if the process is gone.
func processTime(pid int) time.Duration {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return 0
	}
	var sum time.Duration
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			continue // the thread has ended
		}
		ns, _ := strconv.ParseInt(string(bytes.Fields(b)[0]), 10, 64) // the kernel wrote it
		sum += time.Duration(ns)
	}
	return sum
}

// resident is how much of this process is in memory, in bytes; 0 where /proc is not.
func resident() int64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	f := bytes.Fields(b)
	pages, _ := strconv.ParseInt(string(f[1]), 10, 64) // the kernel wrote it
	return pages * int64(os.Getpagesize())
}

// machineTime is the processor time that all processes have used.
func machineTime() time.Duration {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	f := bytes.Fields(b[:bytes.IndexByte(b, '\n')])
	var sum time.Duration
	for i, v := range f[1:] {
		if i != 3 && i != 4 && i < 7 { // idle and iowait are not use
			sum += ticks(v)
		}
	}
	return sum
}

// waitQuiet returns when all processes together use at most so many processors.
func waitQuiet(ctx context.Context, most float64) error {
	const look = 200 * time.Millisecond
	for {
		before := machineTime()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(look):
		}
		if float64(machineTime()-before)/float64(look) <= most {
			return nil
		}
	}
}

func ticks(b []byte) time.Duration {
	n, _ := strconv.ParseInt(string(b), 10, 64) // the kernel wrote it
	return time.Duration(n) * tick
}

func median[T float64 | time.Duration](v []T) T { return quantile(v, 0.5) }

func quantile[T float64 | time.Duration](v []T, q float64) T {
	if len(v) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(v))
	return s[min(len(s)-1, int(q*float64(len(s))))]
}
