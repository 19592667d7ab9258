package rundir

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// AskedName is the file that holds what a run was asked to do.
const AskedName = "run.json"

// mostAsked bounds the size of run.json in bytes: a command line is far smaller.
const mostAsked = 4 << 20

// Asked is the content of run.json.
type Asked struct {
	Run      string            `json:"run,omitempty"` // chosen at random: each trial in the journal bears it
	Started  time.Time         `json:"started,omitzero"`
	Tool     string            `json:"tool,omitempty"`
	Trials   int               `json:"trials,omitempty"` // of each suite
	For      harness.Duration  `json:"for,omitempty"`
	Shard    string            `json:"shard,omitempty"`
	Seed     uint64            `json:"seed,string"`
	Strategy string            `json:"strategy"`
	Params   map[string]string `json:"params,omitempty"`
	Target   harness.Target    `json:"target"`
}

// same reports whether two runs do the same trials.
func (a Asked) same(b Asked) bool {
	what := func(a Asked) []byte {
		a.Run, a.Started, a.Tool, a.Trials, a.For, a.Shard = "", time.Time{}, "", 0, 0, ""
		text, _ := json.Marshal(a)
		return text
	}
	return bytes.Equal(what(a), what(b))
}

// ReadAsked reads what the run that wrote dir was asked to do.
func ReadAsked(dir string) (a Asked, err error) {
	b, err := readAtMost(filepath.Join(dir, AskedName), mostAsked, func(size int64) error {
		return fmt.Errorf("%s: %d bytes: it is no file of a run", AskedName, size)
	})
	if err != nil {
		return a, err
	}
	return ParseAsked(b)
}

// ParseAsked reads the content of run.json.
func ParseAsked(b []byte) (a Asked, err error) {
	if err := json.Unmarshal(b, &a); err != nil {
		return a, fmt.Errorf("%s: %w", AskedName, err)
	}
	if a.Trials < 0 || a.For < 0 {
		return a, fmt.Errorf("%s: a negative number of trials or time", AskedName)
	}
	return a, nil
}

func (a Asked) write(dir string) error {
	b, err := json.MarshalIndent(a, "", "  ")
	if err == nil {
		err = WriteWhole(filepath.Join(dir, AskedName), append(b, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", AskedName, err)
	}
	return nil
}

// newRun names a run apart from all others.
func newRun() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
