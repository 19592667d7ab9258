package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/trial"
)

// program runs flakehunt in a process of its own: the test binary under that
// name is the program (see TestMain).
func program(t *testing.T, dir string, args ...string) error {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	c := exec.CommandContext(t.Context(), self)
	c.Args = append([]string{"flakehunt"}, args...)
	c.Dir = dir
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Run(); err != nil {
		return fmt.Errorf("flakehunt %v: %w: %s", args, err, out.Bytes())
	}
	return nil
}

// deed is what was done in one trial, whatever the clock said.
type deed struct {
	Index     int
	Suite     string
	Arm       harness.Arm
	Seed      uint64
	Decisions string
	Params    string
	Tests     []string
}

func deeds(t *testing.T, dir string) []deed {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, trial.JournalName))
	require.NoError(t, err)
	defer f.Close()
	read, err := trial.ReadJournal(f)
	require.NoError(t, err)
	var out []deed
	for _, x := range read.Trials {
		d := deed{Index: x.Index, Suite: x.Suite, Arm: x.Arm, Seed: x.Seed, Decisions: x.Digest}
		if x.Schedule != nil {
			d.Params = fmt.Sprint(x.Schedule.Params)
		}
		for _, o := range x.Outcomes {
			d.Tests = append(d.Tests, o.Test.Name+" "+string(o.Verdict))
		}
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b deed) int { return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.Suite, b.Suite)) })
	return out
}

// Eight shards in eight processes, merged, do the same trials as one process
// with the same seed, and come to the same result. In virtual time, since how
// often a suite tries whether its service listens depends on how busy a machine is.
func TestEightShardsAreOneProcess(t *testing.T) {
	dir := t.TempDir()
	flags := []string{"run", "-q", "smoke", "--redis", "sim", "--run", "kv/(set|two)", "--trials", "16", "--seed", "11",
		"--strategy", "latency", "--latency", "2ms", "--jitter", "1ms", "--parallel", "1"}
	require.NoError(t, program(t, dir, append(slices.Clone(flags), "--out", "whole")...))
	var wg sync.WaitGroup
	merge := []string{"merge", "-q", "--out", "merged"}
	for i := 1; i <= 8; i++ {
		name := fmt.Sprintf("shard-%d", i)
		merge = append(merge, name)
		wg.Go(func() {
			assert.NoError(t, program(t, dir, append(slices.Clone(flags), "--shard", fmt.Sprintf("%d/8", i), "--out", name)...))
		})
	}
	wg.Wait()
	require.NoError(t, program(t, dir, merge...))

	whole, merged := deeds(t, filepath.Join(dir, "whole")), deeds(t, filepath.Join(dir, "merged"))
	require.Len(t, whole, 16)
	assert.NotEmpty(t, whole[0].Decisions)
	assert.NotEqual(t, whole[0].Seed, whole[1].Seed)
	assert.Equal(t, whole, merged, "trial by trial")

	one, err := readRun(filepath.Join(dir, "whole"))
	require.NoError(t, err)
	all, err := readRun(filepath.Join(dir, "merged"))
	require.NoError(t, err)
	require.Len(t, all.Tests, len(one.Tests))
	for i := range one.Tests {
		assert.Equal(t, one.Tests[i].Name, all.Tests[i].Name)
		assert.Equal(t, one.Tests[i].Strip, all.Tests[i].Strip)
		assert.Equal(t, one.Tests[i].Status, all.Tests[i].Status)
	}
	assert.Equal(t, one.TrialsAsked, all.TrialsAsked)
	assert.Equal(t, one.TrialsDone, all.TrialsDone)
	assert.Equal(t, one.Exit, all.Exit)
}
