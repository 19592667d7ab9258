// Package simtest runs a Go test that talks to Redis under many network
// schedules in virtual time: a second of waiting costs nothing, a thousand
// schedules take about a second, and a failing one is named by its seed.
//
//	func TestCache(t *testing.T) {
//		simtest.Run(t, 500, func(t *testing.T, opt *redis.Options) {
//			client := redis.NewClient(opt)
//			defer client.Close()
//			… the test as it always was …
//		})
//	}
//
// The first failing seed ends the test. Its log has the seed, what was delayed,
// a timeline of the commands, and the cause if it has a known shape. Play that
// seed alone with
//
//	FLAKEHUNT_SIM_SEED=17 go test -run '^TestCache$' ./…
//
// and more of them with FLAKEHUNT_SIM_SEEDS=100000. A goroutine that panics ends
// the process, as it always does; the traceback then names the seed as a label
// of the goroutine.
//
// # What is simulated
//
// Each seed gets a testing/synctest bubble of its own with an embedded Redis
// (miniredis) and a proxy that understands Redis, connected in memory. Every
// frame, in each direction, is late by a time below a millisecond that is a
// hash of the seed and of what the frame is, and some are late by up to
// Config.Max. Nothing is lost, changed or reordered within a connection, so
// whatever fails, fails on a slow network too.
//
// miniredis is not Redis: eviction, persistence, cluster, blocking commands
// under load, and scripts that run long are found on a real one alone. Prove
// what is found there: flakehunt run -- go test ./… does.
//
// # What to watch for in a bubble
//
//   - A real socket stops virtual time: use opt for every client, and fakes for
//     other servers.
//   - Keep opt.Addr, or another IP address: for a host name go-redis asks DNS
//     (or set MaintNotificationsConfig to disabled, as opt does).
//   - Close what you open; a goroutine that is left blocked ends the test with
//     "deadlock: main bubble goroutine has exited but blocked goroutines remain".
//   - Clients, channels and timers made outside of the body belong to no bubble:
//     make them inside. go-redis shares the timers with which commands wait for a
//     pooled connection among all clients of the process, so opt.PoolSize is large
//     enough that none waits.
//   - t.Run, t.Parallel and t.Deadline are not available in a bubble.
//   - The clock begins at midnight UTC 2000-01-01.
//   - What two goroutines do at the same instant has no order that a seed could
//     fix; nor has the order of a map, or a select with several cases ready.
//
// The package must never reach for anything outside of the bubble, or report
// what a simulated Redis did as what a Redis did.
package simtest
