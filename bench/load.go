package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"
)

// tick is the kernel's unit of processor time in /proc (USER_HZ).
const tick = 10 * time.Millisecond

// processTime is the processor time that a process has used; 0 if it is gone.
func processTime(pid int) time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+2:]) // the name may hold blanks
	return ticks(f[11]) + ticks(f[12])
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
