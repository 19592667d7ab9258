package trial

import (
	"bytes"
	"encoding/json"
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
		trials, err := ReadJournal(f)
		require.NoError(t, err)
		return trials
	}
	assert.Len(t, read(), 1)
	j, err = OpenJournal(path) // cuts the torn line off
	require.NoError(t, err)
	require.NoError(t, j.Append(harness.Trial{Index: 3, Suite: "a"}))
	require.NoError(t, j.Close())
	trials := read()
	require.Len(t, trials, 2)
	assert.Equal(t, 3, trials[1].Index)

	_, err = ReadJournal(strings.NewReader("{\"trial\":1}\nnonsense\n{\"trial\":2}\n"))
	assert.ErrorContains(t, err, "line 2")
}

// FuzzReadJournal: whatever is in the file, what was read can be written and
// read again.
func FuzzReadJournal(f *testing.F) {
	f.Add([]byte("{\"trial\":1,\"suite\":\"a\",\"arm\":\"survey\",\"seed\":\"7\"}\n"))
	f.Add([]byte("{\"trial\":1}\n{\"tri"))
	f.Add([]byte("\n"))
	f.Add([]byte("null\n[]\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		trials, err := ReadJournal(bytes.NewReader(b))
		if err != nil {
			return
		}
		var out bytes.Buffer
		for _, tr := range trials {
			line, err := json.Marshal(tr)
			require.NoError(t, err)
			out.Write(append(line, '\n'))
		}
		again, err := ReadJournal(&out)
		require.NoError(t, err)
		require.Len(t, again, len(trials))
	})
}
