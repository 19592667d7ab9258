package shard

import (
	"fmt"
	"hash/fnv"
	"strconv"
)

// Shard is the part of all trials that one machine does: those whose index is
// I modulo N. The zero value is all of them.
type Shard struct {
	I, N int    // I from 1 to N
	From string // which variable said so
}

// Has reports whether trial index (from 1) belongs to the shard.
func (s Shard) Has(index int) bool { return s.N <= 1 || (index-1)%s.N == s.I-1 }

// Nth is how many-th of the shard's own the trial is, from 1.
func (s Shard) Nth(index int) int { return (index-1)/max(s.N, 1) + 1 }

// String gives I/N, or nothing for all of them.
func (s Shard) String() string {
	if s.N <= 1 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.I, s.N)
}

// variables lists what CI systems say of parallel jobs, and from where they
// count. The first whose index is set and whose condition holds is taken.
var variables = []struct {
	index, total string
	first        int
	needs        string // only with this variable set; empty: always
}{
	{"FLAKEHUNT_SHARD_INDEX", "FLAKEHUNT_SHARD_TOTAL", 1, ""},
	// GitLab counts from 1, tools that borrowed its names from 0.
	{"CI_NODE_INDEX", "CI_NODE_TOTAL", 1, "GITLAB_CI"},
	{"CIRCLE_NODE_INDEX", "CIRCLE_NODE_TOTAL", 0, "CIRCLECI"},
	{"BUILDKITE_PARALLEL_JOB", "BUILDKITE_PARALLEL_JOB_COUNT", 0, "BUILDKITE"},
	// A Kubernetes Indexed Job tells no pod how many there are.
	{"JOB_COMPLETION_INDEX", "FLAKEHUNT_SHARD_TOTAL", 0, ""},
}

// FromEnv gives the shard that the CI system's variables name; the zero Shard
// if none do, or if there is one machine only. GitHub's matrix sets no
// variables: pass it by FLAKEHUNT_SHARD_INDEX (from 1) and FLAKEHUNT_SHARD_TOTAL.
func FromEnv(getenv func(string) string) (Shard, error) {
	for _, v := range variables {
		index := getenv(v.index)
		if index == "" || (v.needs != "" && getenv(v.needs) == "") {
			continue
		}
		i, err := strconv.Atoi(index)
		if err != nil {
			return Shard{}, fmt.Errorf("shard from %s=%q: want a number counted from %d", v.index, index, v.first)
		}
		total := getenv(v.total)
		n, err := strconv.Atoi(total)
		if err != nil || n < 1 {
			return Shard{}, fmt.Errorf("shard from %s=%q: %s=%q must say how many there are: set it, or give --shard I/N", v.index, index, v.total, total)
		}
		if i -= v.first - 1; i < 1 || i > n {
			return Shard{}, fmt.Errorf("shard from %s=%q: outside of the %d that %s names, counted from %d", v.index, index, n, v.total, v.first)
		}
		if n == 1 {
			return Shard{}, nil
		}
		return Shard{I: i, N: n, From: v.index}, nil
	}
	return Shard{}, nil
}

// Seed gives all shards of one CI run the same seed without their having to
// agree on one: it comes from what names the run. It gives 0 when nothing
// does; then the shards need an explicit seed.
func Seed(run ...string) uint64 {
	h := fnv.New64a()
	some := false
	for _, r := range run {
		some = some || r != ""
		h.Write([]byte(r))
		h.Write([]byte{0})
	}
	if !some {
		return 0
	}
	return max(1, h.Sum64()>>32) // short enough to type
}
