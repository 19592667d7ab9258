// Package sim runs trials of the shipped suites in virtual time: each in a
// testing/synctest bubble with an embedded Redis, the same proxy, points,
// decisions and recorder as in real time, and connections in memory. Waits cost
// nothing there, so thousands of trials take a second, and what a trial does is
// a function of its seed.
//
// What it finds is proved on a real Redis by the same schedule: see Prove.
// The package must never present what happened in virtual time as what happened
// on a Redis: its findings are harness.Simulated until they are confirmed.
//
// # Why a process of its own
//
// A bubble needs a *testing.T, which an ordinary binary has none of. Executor
// starts its own program again as a worker; Main, which the program must call
// first, then runs the worker within testing.Main. That was chosen over calling
// testing.MainStart in the program itself since
//
//   - testing.Main is part of the Go 1 API, while MainStart takes an interface
//     that is internal and grows: a new Go would break the build;
//   - package testing parses os.Args, prints PASS and calls os.Exit: in a worker
//     nobody sees that;
//   - a panic in a goroutine of a scenario, which nothing can recover, ends a
//     worker and not the run: the trial is counted, and the next worker goes on;
//   - a worker has GOMAXPROCS=1, collects garbage between trials and draws ids
//     from the trial's seed, so that even what happens at one and the same instant
//     is mostly repeatable. As many workers as CPUs use the whole machine.
//
// # What makes a trial repeatable
//
// Virtual time advances only when every goroutine of the bubble waits. What is
// due at the same instant would then be ordered by the Go scheduler, so each
// frame is late by a time of its own, below a millisecond, which is a hash of
// seed, test and point (bubble.Distinct). It stands for the network's latency,
// and reports do not show it.
//
// What remains outside of the seed: a select with several cases ready at one
// instant, the order of a map's elements, and goroutines of the program that
// wake at the very same nanosecond.
//
// # What is simulated, and what is not
//
// miniredis is not Redis. The differential tests of package redisenv say where
// the two differ for the commands that the suites use. Not simulated at all:
// memory pressure and eviction, persistence, replication, cluster, the cost of
// slow commands, TCP (resets, half-open connections, Nagle), TLS, the client's
// and the kernel's buffers, more than one CPU. Those are found only on a real one.
package sim
