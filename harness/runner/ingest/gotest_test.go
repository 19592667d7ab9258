package ingest_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner/ingest"
)

// fold brings a stream to what does not depend on how output was split: the
// actions in order, and all output of each test.
func fold(events []ingest.GoEvent) (actions []string, output map[string]string) {
	output = map[string]string{}
	for _, e := range events {
		switch {
		case e.Action == "output":
			if !strings.HasPrefix(e.Output, "=== ") { // test2json repeats its framing as output
				output[e.Test] += e.Output
			}
		case e.Test != "":
			actions = append(actions, e.Action+" "+e.Test)
		}
	}
	return actions, output
}

func convert(raw []byte, step int) []ingest.GoEvent {
	var events []ingest.GoEvent
	tick := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	c := ingest.Converter{Package: "example.com/gt", Event: func(e ingest.GoEvent) { events = append(events, e) }, Now: func() time.Time {
		tick = tick.Add(time.Millisecond)
		return tick
	}}
	for len(raw) > 0 {
		k := min(step, len(raw))
		_, _ = c.Write(raw[:k])
		raw = raw[k:]
	}
	_ = c.Close()
	return events
}

// The converter says the same as Go's own test2json, however the stream is cut.
func TestConverterAgreesWithTest2JSON(t *testing.T) {
	files, err := filepath.Glob("testdata/go/*.raw")
	require.NoError(t, err)
	require.Len(t, files, 8)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			require.NoError(t, err)
			cmd := exec.Command("go", "tool", "test2json", "-t", "-p", "example.com/gt")
			cmd.Stdin = bytes.NewReader(raw)
			out, err := cmd.Output()
			require.NoError(t, err)
			var want []ingest.GoEvent
			require.NoError(t, ingest.ReadGoEvents(bytes.NewReader(out), func(e ingest.GoEvent) { want = append(want, e) }))
			wantActions, wantOutput := fold(want)
			for _, step := range []int{1, 7, 1 << 20} {
				gotActions, gotOutput := fold(convert(raw, step))
				// When the process ends in the midst, test2json has not told the
				// last verdicts yet.
				for len(gotActions) > len(wantActions) && slices.Contains([]string{"fail", "pass"}, gotActions[len(gotActions)-1][:4]) {
					gotActions = gotActions[:len(gotActions)-1]
				}
				if d := cmp.Diff(wantActions, gotActions); d != "" {
					t.Errorf("step %d: -test2json +converter\n%s", step, d)
				}
				if d := cmp.Diff(wantOutput, gotOutput); d != "" {
					t.Errorf("step %d: -test2json +converter\n%s", step, d)
				}
			}
		})
	}
}

type summary struct {
	Test, Verdict, Kind, Message string
	Start                        string   `json:",omitempty"`
	Seconds                      float64  `json:",omitempty"`
	Warnings                     []string `json:",omitempty"`
}

func summarise(out []harness.Outcome) (s []summary) {
	for _, o := range out {
		r := summary{Test: o.Test.Name, Verdict: string(o.Verdict), Warnings: o.Warnings}
		if o.Failure != nil {
			r.Kind, r.Message = string(o.Failure.Kind), o.Failure.Message
		}
		s = append(s, r)
	}
	return s
}

func TestCollectorOnRawStreams(t *testing.T) {
	files, err := filepath.Glob("testdata/go/*.raw")
	require.NoError(t, err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		var c ingest.Collector
		for _, e := range convert(raw, 1<<20) {
			c.Add(e)
		}
		p := c.Package("example.com/gt")
		golden(t, file+".golden.json", map[string]any{"outcomes": summarise(p.Outcomes()), "running": p.Running(), "ended": p.Ended})
	}
}

func TestGoTestJSON(t *testing.T) {
	files, err := filepath.Glob("testdata/go/*.json")
	require.NoError(t, err)
	n := 0
	for _, file := range files {
		if strings.HasSuffix(file, ".golden.json") {
			continue
		}
		n++
		f, err := os.Open(file)
		require.NoError(t, err)
		out, err := ingest.GoTest(f)
		require.NoError(t, err)
		_ = f.Close()
		rows := summarise(out)
		for i, o := range out {
			rows[i].Start, rows[i].Seconds = o.Start.Format(time.RFC3339Nano), time.Duration(o.Duration).Seconds()
		}
		golden(t, strings.TrimSuffix(file, ".json")+".outcomes.golden.json", rows)
	}
	require.Equal(t, 7, n)

	_, err = ingest.GoTest(strings.NewReader("make: nothing to be done\n"))
	require.ErrorContains(t, err, "want the output of go test -json")
}

func TestHugeLinesAreBounded(t *testing.T) {
	var c ingest.Collector
	longest := 0
	conv := ingest.Converter{Package: "p", Event: func(e ingest.GoEvent) {
		longest = max(longest, len(e.Output))
		c.Add(e)
	}}
	_, _ = conv.Write([]byte("\x16=== RUN   TestBig\n"))
	chunk := bytes.Repeat([]byte{'x', 0xff}, 1<<19)
	for range 20 { // one line of 20 MiB
		_, _ = conv.Write(chunk)
	}
	_, _ = conv.Write([]byte("\x16--- FAIL: TestBig (0.00s)\n"))
	require.LessOrEqual(t, longest, 8<<10)
	out := c.Package("p").Outcomes()
	require.Len(t, out, 1)
	require.Equal(t, harness.Failed, out[0].Verdict)
	require.Less(t, len(out[0].Output), 128<<10)

	// The same through a JSON file whose one line is too long.
	e, err := json.Marshal(ingest.GoEvent{Action: "output", Package: "p", Test: "T", Output: strings.Repeat("y", 3<<20)})
	require.NoError(t, err)
	var seen []ingest.GoEvent
	doc := string(e) + "\n" + `{"Action":"pass","Package":"p","Test":"T"}`
	require.NoError(t, ingest.ReadGoEvents(strings.NewReader(doc), func(e ingest.GoEvent) { seen = append(seen, e) }))
	require.Len(t, seen, 2)
	require.LessOrEqual(t, len(seen[0].Output), 1<<20)
	require.Equal(t, "pass", seen[1].Action)
}

func FuzzConverter(f *testing.F) {
	files, _ := filepath.Glob("testdata/go/*.raw")
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		whole, wholeOut := fold(convert(raw, len(raw)+1))
		bytewise, byteOut := fold(convert(raw, 1))
		if d := cmp.Diff(whole, bytewise) + cmp.Diff(wholeOut, byteOut); d != "" {
			t.Fatalf("the cuts of the stream matter: %s", d)
		}
		var c ingest.Collector
		for _, e := range convert(raw, len(raw)+1) {
			c.Add(e)
		}
		for _, o := range c.Package("example.com/gt").Outcomes() {
			if o.Verdict == harness.Failed && o.Failure == nil {
				t.Fatal("a failure without its Failure")
			}
		}
	})
}
