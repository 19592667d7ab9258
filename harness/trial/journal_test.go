package trial

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
)

func TestJournalSurvivesATornLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), JournalName)
	j, err := OpenJournal(path)
	require.NoError(t, err)
	require.NoError(t, j.Append(harness.Trial{Index: 1, Suite: "a"}))
	require.NoError(t, j.Close())
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(b, `{"trial":2,"sui`...), 0o600))

	read := func() []harness.Trial {
		f, err := os.Open(path)
		require.NoError(t, err)
		defer f.Close()
		c, err := ReadJournal(f)
		require.NoError(t, err)
		return c.Trials
	}
	assert.Len(t, read(), 1)
	j, err = OpenJournal(path) // cuts the torn line off
	require.NoError(t, err)
	require.NoError(t, j.Append(harness.Trial{Index: 3, Suite: "a"}))
	require.NoError(t, j.Close())
	trials := read()
	require.Len(t, trials, 2)
	assert.Equal(t, 3, trials[1].Index)

}

// TestJournalIsReadAroundDamage: what a disk or another program spoilt costs the
// lines that it hit, and a trial counts once.
func TestJournalIsReadAroundDamage(t *testing.T) {
	survey := `{"trial":1,"suite":"a","arm":"survey"}` + "\n"
	aimed := `{"trial":30,"suite":"a","arm":"provoke","start":"2026-01-01T00:00:00Z"}` + "\n"
	later := `{"trial":30,"suite":"a","arm":"provoke","start":"2026-01-01T00:00:01Z"}` + "\n"
	c, err := ReadJournal(strings.NewReader(survey + "nonsense\n" + aimed + "{}\n" + aimed + later + survey + `{"trial":2,"sui`))
	require.NoError(t, err)
	assert.Len(t, c.Trials, 3)
	assert.Equal(t, []int{2, 4}, c.Damaged)
	assert.Equal(t, 2, c.Doubled)
	require.Len(t, c.Warnings(), 2)
	assert.Contains(t, c.Warnings()[0], "2 lines, the first is line 2")
}

// TestJournalTellsThatItIsLost: whoever removes or writes to the file ends the
// run, instead of a journal that nobody will see.
func TestJournalTellsThatItIsLost(t *testing.T) {
	for name, harm := range map[string]func(path string) error{
		"removed":  os.Remove,
		"replaced": func(p string) error { return errors.Join(os.Remove(p), os.WriteFile(p, nil, 0o600)) },
		"written":  func(p string) error { return os.WriteFile(p, []byte("x"), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), JournalName)
			j, err := OpenJournal(path)
			require.NoError(t, err)
			told := 0
			j.Failed = func(error) { told++ }
			require.NoError(t, j.Append(harness.Trial{Index: 1}))
			require.NoError(t, harm(path))
			require.Error(t, j.Append(harness.Trial{Index: 2}))
			require.Error(t, j.Append(harness.Trial{Index: 3}))
			assert.Error(t, j.Err())
			assert.Equal(t, 1, told)
			_ = j.Close()
		})
	}
}

// FuzzReadJournal: whatever is in the file, what was read can be written and
// read again.
func FuzzReadJournal(f *testing.F) {
	f.Add([]byte("{\"trial\":1,\"suite\":\"a\",\"arm\":\"survey\",\"seed\":\"7\"}\n"))
	f.Add([]byte("{\"trial\":1}\n{\"tri"))
	f.Add([]byte("\n"))
	f.Add([]byte("null\n[]\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ReadJournal(bytes.NewReader(b))
		require.NoError(t, err) // a bad line costs no more than itself
		var out bytes.Buffer
		for _, tr := range c.Trials {
			line, err := json.Marshal(tr)
			require.NoError(t, err)
			out.Write(append(line, '\n'))
		}
		again, err := ReadJournal(&out)
		require.NoError(t, err)
		require.Len(t, again.Trials, len(c.Trials))
		require.Zero(t, again.Doubled)
	})
}
