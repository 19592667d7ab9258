package reports

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
)

// predictions is a clean run with n predictions for its test.
func predictions(n int) *harness.Result {
	r := &harness.Result{
		Version: harness.ResultVersion, Strategy: "directed", TrialsDone: 20,
		Tests: []harness.TestResult{{TestID: harness.TestID{Name: "mail/sent", Suite: "mail"}, Status: harness.Stable, Runs: 20, Excludes: 0.14}},
	}
	for i := range n {
		r.Findings = append(r.Findings, harness.Finding{
			ID: fmt.Sprintf("F-%08d", i), Class: harness.ConnectionLost, Standing: harness.Latent, Title: "a message is lost",
			Explanation: "Predicted from passing histories and not provoked.", Tests: []string{"mail/sent", "mail/read"},
			Schedule: harness.Schedule{Decisions: []harness.Decision{{
				At: harness.Point{Role: "sub", Dir: harness.ToClient, Verb: "message", Key: "mail", N: 1}, Action: harness.Disconnect,
			}}},
		})
	}
	return r
}

// TestPredictionsStandApart: they are told as what they are, in few lines, and
// no reader takes them for failures.
func TestPredictionsStandApart(t *testing.T) {
	const many = 50
	write := func(format string, n int) string {
		var b bytes.Buffer
		r := predictions(n)
		switch format {
		case "terminal":
			require.NoError(t, Terminal(&b, r, Options{}))
		case "md":
			require.NoError(t, Markdown(&b, r, Options{}))
		case "html":
			require.NoError(t, HTML(&b, r, Options{}))
		case "junit":
			require.NoError(t, JUnit(&b, r, Options{}))
		case "annotations":
			require.NoError(t, Annotations(&b, r))
		}
		return b.String()
	}
	for format, shown := range map[string]int{"terminal": latentTerminal, "md": latentMarkdown, "html": latentPage} {
		t.Run(format, func(t *testing.T) {
			one, all := write(format, 1), write(format, many)
			for _, s := range []string{one, all} {
				assert.Contains(t, s, "not provoked")
				assert.Contains(t, s, "F-00000000")
				assert.Contains(t, s, "No flake found in 1 test")
				assert.NotContains(t, s, "Findings")
			}
			assert.NotContains(t, one, "more in re")
			assert.Contains(t, all, fmt.Sprintf("%d more", many-shown))
			assert.Contains(t, all, fmt.Sprintf("F-%08d", shown-1))
			assert.NotContains(t, all, fmt.Sprintf("F-%08d", shown))
		})
	}
	for _, format := range []string{"junit", "annotations"} {
		assert.NotContains(t, write(format, many), "F-0000", format)
	}
	assert.NotContains(t, write("junit", 1), "<failure")
}

func TestWhatTookALostConnectionSaysSo(t *testing.T) {
	r := predictions(1)
	f := &r.Findings[0]
	f.Standing, f.Provoked = harness.Provoked, harness.Count{K: 3, N: 3}
	assert.Equal(t, "provoked 3 of 3, it took a lost connection", evidence(f))
	assert.Contains(t, faultWords(r), "it only delays")
	r.Params = map[string]string{"faults": "disconnect"}
	assert.Contains(t, faultWords(r), "--faults disconnect")
}
