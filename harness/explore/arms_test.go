package explore

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flakehunt/flakehunt/harness"
)

// play is a small test's.
func play(trial int) Play {
	return Play{Trial: trial, Survey: Survey{Frames: 40, Duration: 500 * time.Millisecond, Tests: 1, Roles: 3}}
}

// carried asks as the proxy does: frames of three connections, of which two
// arrive in each read.
func carried(s harness.Scheduler, test string, i int) harness.Decision {
	p, lead := point(i), point(i-i%2)
	if c, ok := s.(harness.Carried); ok {
		return c.DecideCarried(test, p, harness.Carrier{Conn: i%3 + 1, Lead: lead})
	}
	return s.Decide(test, p)
}

// An arm's schedule, written and read again, decides the same, in any order.
func TestArmsReplay(t *testing.T) {
	for _, a := range Arms() {
		rapid.Check(t, func(rt *rapid.T) {
			seed := rapid.Uint64().Draw(rt, "seed")
			first, err := FromSchedule(a.Schedule(seed, play(3)))
			require.NoError(rt, err)
			file, err := json.Marshal(a.Schedule(seed, play(3)))
			require.NoError(rt, err)
			read, err := parseSchedule(file)
			require.NoError(rt, err)
			again, err := FromSchedule(read)
			require.NoError(rt, err)
			want := map[int]harness.Decision{}
			for i := range 60 {
				want[i] = carried(first, "t", i)
			}
			for _, i := range rapid.Permutation([]int{0, 7, 13, 22, 35, 41, 59}).Draw(rt, "order") {
				if got := carried(again, "t", i); got != want[i] {
					rt.Fatalf("%s: frame %v got %v, then %v", a.Name, point(i), want[i], got)
				}
			}
		})
	}
}

// Each arm only delays, does something in most of 50 seeds, and another seed
// makes it do something else.
func TestArmsAreSoundAndDiffer(t *testing.T) {
	seen := map[string]string{}
	for _, a := range Arms() {
		assert.NotEmpty(t, a.Doc)
		acts, logs := 0, map[string]bool{}
		for seed := range uint64(50) {
			s, err := FromSchedule(a.Schedule(seed, play(int(seed)+1)))
			require.NoError(t, err, a.Name)
			log := ""
			for i := range 40 {
				d := carried(s, "t", i)
				if d.Action == harness.Pass {
					continue
				}
				require.True(t, d.OnlyDelays(), a.Name)
				require.NoError(t, d.Check(), a.Name)
				require.True(t, s.(harness.Selective).Concerns("t", d.At.Any()), a.Name)
				log += fmt.Sprintln(d)
			}
			if log != "" {
				acts++
			}
			logs[log] = true
			if seed == 7 {
				require.NotContains(t, seen, log, "%s does what %s does", a.Name, seen[log])
				seen[log] = a.Name
			}
		}
		assert.Greater(t, acts, 25, a.Name)
		assert.Greater(t, len(logs), 20, a.Name)
	}
}

// The expected total delay of a test stays within the arm's share of the time
// that the test may take, however many frames it has: for 200 seeds each, with a
// fifth of slack for chance.
func TestArmsKeepWithinTheirShare(t *testing.T) {
	const seeds, room = 200, 2 * time.Second
	for _, frames := range []int{10, 100, 2000} {
		p := Play{Room: room, Survey: Survey{Frames: frames, Duration: time.Second, Tests: 1, Roles: 3}}
		for _, a := range Arms() {
			var sum time.Duration
			for seed := range uint64(seeds) {
				p.Trial = int(seed) + 1
				s, err := FromSchedule(a.Schedule(seed, p))
				require.NoError(t, err)
				for i := range frames {
					d := carried(s, "t", i)
					switch d.Action {
					case harness.Align:
						sum += meanWait
					default:
						sum += time.Duration(d.Delay)
					}
				}
			}
			share := float64(sum) / seeds / float64(room)
			t.Logf("%s, %d frames: %.1f %%", a.Name, frames, 100*share)
			assert.LessOrEqual(t, share, 1.2*armBudget, "%s, %d frames", a.Name, frames)
			assert.Positive(t, share, "%s, %d frames", a.Name, frames)
		}
	}
}

// All frames of a segment share their delay, all of a connection and direction
// theirs, and frames by themselves don't.
func TestJitterSharesDelays(t *testing.T) {
	decide := func(per Per, p harness.Point, c harness.Carrier) time.Duration {
		s, err := New("jitter", 11, Settings{Latency: 20 * time.Millisecond, Jitter: 20 * time.Millisecond, Per: per, Survey: Survey{Frames: 2, Duration: time.Second}}.Params())
		require.NoError(t, err)
		return time.Duration(s.(harness.Carried).DecideCarried("t", p, c).Delay)
	}
	segment, connection, frame := map[time.Duration]bool{}, map[time.Duration]bool{}, map[time.Duration]bool{}
	connections := map[time.Duration]bool{}
	for i := range 30 {
		p := harness.Point{Role: "kv", Verb: "SET", Key: "k", N: i + 1}
		lead := harness.Point{Role: "kv", Verb: "GET", Key: "k", N: 1}
		segment[decide(PerSegment, p, harness.Carrier{Conn: i, Lead: lead})] = true
		connection[decide(PerConnection, p, harness.Carrier{Conn: 2, Lead: p})] = true
		connections[decide(PerConnection, p, harness.Carrier{Conn: i, Lead: p})] = true
		frame[decide(PerFrame, p, harness.Carrier{Conn: 2, Lead: lead})] = true
	}
	assert.Len(t, segment, 1)
	assert.Len(t, connection, 1)
	assert.Greater(t, len(connections), 8)
	assert.Greater(t, len(frame), 20)
}

func TestLadderClimbs(t *testing.T) {
	longest := func(trial int) (m harness.Duration) {
		s, err := New("ladder", 1, Settings{Trial: trial, Survey: Survey{Frames: 2, Duration: time.Second}}.Params())
		require.NoError(t, err)
		for i := range 100 {
			m = max(m, s.Decide("t", point(i)).Delay)
		}
		return m
	}
	for trial := 1; trial <= ladderLevels; trial++ {
		top := harness.Duration(time.Millisecond << (trial - 1))
		assert.LessOrEqual(t, longest(trial), top)
		assert.Greater(t, longest(trial), top/2)
	}
	assert.Equal(t, longest(1), longest(ladderLevels+1))
}
