package reports

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/flakehunt/flakehunt/harness"
)

// JSON writes the whole result, indented, as result.json. schema/result.schema.json
// says its form.
func JSON(w io.Writer, r *harness.Result, _ Options) error {
	out := *asJudged(r)
	if out.Version == 0 {
		out.Version = harness.ResultVersion
	}
	return writeJSON(w, &out)
}

// Bounds of a result that is read. One of 50,000 trials takes some 10 MiB.
const (
	mostResult    = 256 << 20 // bytes
	mostSchedules = 20        // as long ones as may be; of usual ones, thousands
)

// ReadJSON reads what JSON wrote. It refuses what a newer flakehunt wrote, as
// fields that it does not know may change what the others mean.
func ReadJSON(r io.Reader) (*harness.Result, error) {
	data, err := io.ReadAll(io.LimitReader(r, mostResult+1))
	if err != nil {
		return nil, fmt.Errorf("read result: %w", err)
	}
	if len(data) > mostResult {
		return nil, fmt.Errorf("read result: more than %d MiB: write it again with `flakehunt report`", mostResult>>20)
	}
	if err := harness.CheckDecisions(data, mostSchedules); err != nil {
		return nil, fmt.Errorf("read result: %w", err)
	}
	var head struct {
		Version *int   `json:"schema"`
		Tool    string `json:"tool"`
	}
	// Only the head first: the rest of a newer file may not even parse as ours.
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("read result: %w%s", err, where(data, err))
	}
	switch {
	case head.Version == nil:
		return nil, errors.New("read result: no \"schema\" number: this is not a flakehunt result.json")
	case *head.Version > harness.ResultVersion:
		return nil, fmt.Errorf("read result: schema %d, written by %s; this build reads up to %d: use that version of flakehunt or a later one",
			*head.Version, orElse(oneLine(head.Tool, 60), "a newer flakehunt"), harness.ResultVersion)
	case *head.Version < 1:
		return nil, fmt.Errorf("read result: schema %d does not exist (first is 1): write the result again with `flakehunt report`", *head.Version)
	}
	var res harness.Result
	if err := json.Unmarshal(data, &res); err != nil {
		return nil, fmt.Errorf("read result: %w%s", err, where(data, err))
	}
	if err := res.Check(); err != nil {
		return nil, fmt.Errorf("read result: %w", err)
	}
	return &res, nil
}

// where says at which line of the file a JSON error was met.
func where(data []byte, err error) string {
	var offset int64
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &kind):
		offset = kind.Offset
	default:
		return ""
	}
	line := 1
	for _, b := range data[:min(int(offset), len(data))] {
		if b == '\n' {
			line++
		}
	}
	return fmt.Sprintf(" (line %d)", line)
}
