package sim

import (
	"os"
	"runtime/debug"
	"testing"
)

const (
	// workerEnv marks a process as a worker.
	workerEnv = "FLAKEHUNT_SIM_WORKER"
	// greeting is the first that a worker writes.
	greeting = "flakehunt simulation worker 1\n"
)

// Main is a worker's whole life, if this process was started as one; otherwise
// it returns at once. Call it first in main, or in TestMain, of a program that
// uses an Executor.
func Main() {
	if os.Getenv(workerEnv) == "" {
		return
	}
	orders, reports := pollable(os.Stdin), os.Stdout
	// Whatever else prints, package testing first of all, must not be taken for
	// a report.
	if null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0); err == nil {
		os.Stdin, os.Stdout = null, null
	} else {
		os.Stdout = os.Stderr
	}
	debug.SetGCPercent(-1) // between trials, see worker.sweep
	debug.SetMemoryLimit(memoryLimit)
	os.Args = []string{os.Args[0], "-test.timeout=0", "-test.count=1"}
	matches := func(string, string) (bool, error) { return true, nil }
	testing.Main(matches, []testing.InternalTest{{Name: "worker", F: func(t *testing.T) {
		serve(t, orders, reports)
	}}}, nil, nil)
}
