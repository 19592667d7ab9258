package reports

import (
	"encoding/json"
	"io"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/verdict"
)

// The Common Test Report Format, as far as a hunt has something to say.
type (
	ctrfFile struct {
		ReportFormat string      `json:"reportFormat"`
		SpecVersion  string      `json:"specVersion"`
		GeneratedBy  string      `json:"generatedBy"`
		Timestamp    string      `json:"timestamp,omitempty"`
		Results      ctrfResults `json:"results"`
	}
	ctrfResults struct {
		Tool        ctrfTool          `json:"tool"`
		Summary     ctrfSummary       `json:"summary"`
		Tests       []ctrfTest        `json:"tests"`
		Environment map[string]string `json:"environment,omitempty"`
	}
	ctrfTool    struct{ Name, Version string }
	ctrfSummary struct {
		Tests   int   `json:"tests"`
		Passed  int   `json:"passed"`
		Failed  int   `json:"failed"`
		Pending int   `json:"pending"`
		Skipped int   `json:"skipped"`
		Other   int   `json:"other"`
		Flaky   int   `json:"flaky"`
		Start   int64 `json:"start"`
		Stop    int64 `json:"stop"`
	}
	ctrfTest struct {
		Name      string         `json:"name"`
		Status    string         `json:"status"`
		Duration  int64          `json:"duration"` // ms
		Suite     []string       `json:"suite,omitempty"`
		RawStatus string         `json:"rawStatus"`
		Message   string         `json:"message,omitempty"`
		Trace     string         `json:"trace,omitempty"`
		FilePath  string         `json:"filePath,omitempty"`
		Line      int            `json:"line,omitempty"`
		Flaky     bool           `json:"flaky"`
		Extra     map[string]any `json:"extra,omitempty"`
	}
)

// MarshalJSON writes the tool in lower case.
func (t ctrfTool) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"name": t.Name, "version": t.Version})
}

// CTRF writes the result in the Common Test Report Format. A flaky test passes
// with flaky true, or fails with Options.JUnitFlaky "fail"; what was not judged is
// other, and so is the hunt itself where it did not come to its end.
func CTRF(w io.Writer, r *harness.Result, o Options) error {
	r = asJudged(r)
	out := ctrfFile{ReportFormat: "CTRF", SpecVersion: "0.0.0", GeneratedBy: oneLine(r.Tool, 60), Timestamp: stamp(r.Started)}
	res := &out.Results
	res.Tool = ctrfTool{"flakehunt", oneLine(r.Tool, 60)}
	res.Tests = []ctrfTest{}
	for i := range r.Tests {
		res.Tests = append(res.Tests, ctrfOf(r, &r.Tests[i], o))
	}
	if kind, _, text := alarm(r); kind != "" {
		res.Tests = append(res.Tests, ctrfTest{Name: "flakehunt › hunt", Status: "failed", RawStatus: kind, Message: text, Suite: []string{"flakehunt"}})
	}
	for _, t := range res.Tests {
		res.Summary.add(t)
	}
	res.Summary.Start, res.Summary.Stop = r.Started.UnixMilli(), r.Finished.UnixMilli()
	if r.Started.IsZero() {
		res.Summary.Start, res.Summary.Stop = 0, 0
	}
	res.Environment = map[string]string{}
	for ours, theirs := range map[string]string{"commit": "commit", "branch": "branchName", "ci_run": "buildName"} {
		if v := r.Meta[ours]; v != "" {
			res.Environment[theirs] = oneLine(v, 400)
		}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	enc.SetEscapeHTML(false)
	return enc.Encode(&out)
}

func (s *ctrfSummary) add(t ctrfTest) {
	s.Tests++
	if t.Flaky {
		s.Flaky++
	}
	switch t.Status {
	case "passed":
		s.Passed++
	case "failed":
		s.Failed++
	case "skipped":
		s.Skipped++
	default:
		s.Other++
	}
}

func ctrfOf(r *harness.Result, t *harness.TestResult, o Options) ctrfTest {
	x := ctrfTest{
		Name: oneLine(orElse(t.Name, "(no name)"), 1000), Duration: time.Duration(t.P50).Milliseconds(), RawStatus: statusWord(t.Status),
		FilePath: oneLine(t.File, 1000), Line: t.Line, Flaky: t.Status == harness.Flaky, Status: "other",
	}
	if t.Suite != "" {
		x.Suite = []string{oneLine(t.Suite, 500)}
	}
	groups := groupsOf(r, t)
	switch {
	case t.Status == harness.Stable:
		x.Status = "passed"
	case t.Status == harness.StatusSkipped:
		x.Status = "skipped"
	case t.Status == harness.Broken || verdict.Fails(t.Status) && (o.JUnitFlaky == "fail" || neverRetried(groups)):
		x.Status = "failed"
	case t.Status == harness.Flaky:
		x.Status = "passed"
	case t.Status == harness.Undecided:
		x.Message = openWords(r, t)
	}
	if len(groups) > 0 {
		x.Message, x.Trace = block(groups[0].Message, junitMessage), block(groups[0].Stack, junitMessage)
	}
	x.Extra = map[string]any{"runs": t.Runs, "failures": t.Failures, "provoked": t.Provoked.K, "aimed": t.Provoked.N, "cause": oneLine(string(causeOf(r, t)), 60)}
	return x
}
