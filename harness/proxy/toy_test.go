package proxy

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// toyFault is a new fault as CONTRIBUTING says that one is added: one file.
const toyFault = `package harness

import "time"

func twiceFault() Fault {
	return Fault{
		Action: "twice",
		Help:   "keep a frame for twice Delay",
		Delays: true,
		Text:   func(d Decision) string { return "twice " + d.Delay.String() + " at " + d.At.String() },
		Note:   func(*Event) string { return "kept for twice as long" },
		Gate: func(p *Passage, now time.Duration) Gate {
			if due := p.In + 2*time.Duration(p.Delay); now < due {
				return Gate{Again: due}
			}
			return Gate{Bytes: p.Size}
		},
	}
}
`

// toyTest uses it as any other: from a schedule in JSON, through the proxy, to
// the timeline of a report.
const toyTest = `package explore_test

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flakehunt/flakehunt/harness/explore"
	"github.com/flakehunt/flakehunt/harness/history"
	"github.com/flakehunt/flakehunt/harness/proxy"
)

func TestTwice(t *testing.T) {
	s, err := explore.ParseSchedule([]byte(` + "`" + `{"version":1,"strategy":"replay","seed":"0","decisions":[
		{"at":"hs>PING \"\" #1","action":"twice","delay":"20ms"}]}` + "`" + `))
	if err != nil {
		t.Fatal(err)
	}
	r, err := explore.FromSchedule(s)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Decisions[0].String(); got != "twice 20ms at hs>PING \"\" #1" || !s.Decisions[0].OnlyDelays() {
		t.Fatal(got)
	}
	synctest.Test(t, func(t *testing.T) {
		client, near := net.Pipe()
		far, server := net.Pipe()
		p := proxy.New(proxy.Config{Dial: func(context.Context) (net.Conn, error) { return far, nil }})
		b := history.NewBuffer(history.BufferConfig{})
		p.StartTrial(r, b)
		p.Begin("t")
		p.Serve(near)
		start := time.Now()
		go client.Write([]byte("PING\r\n"))
		if _, err := server.Read(make([]byte, 6)); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d != 40*time.Millisecond {
			t.Error(d)
		}
		synctest.Wait()
		if st := p.End(); len(st.Missed) > 0 || st.Digest == "0000000000000000" {
			t.Error(st)
		}
		events, err := b.Events("t")
		if err != nil {
			t.Fatal(err)
		}
		if lines := history.Lines(events, nil); len(lines) != 1 || lines[0].Note != "kept for twice as long" {
			t.Error(lines)
		}
		p.Close()
		client.Close()
		server.Close()
	})
}
`

// TestANewFaultIsOneFileAndOneLine builds the tree with one more fault, laid over
// it: one file, and one line in the table.
func TestANewFaultIsOneFileAndOneLine(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		return file
	}
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	at := func(elem ...string) string { return filepath.Join(append([]string{root, "harness"}, elem...)...) }
	table, err := os.ReadFile(at("fault.go"))
	require.NoError(t, err)
	const line = "\t\tdelayFault(),\n"
	require.Contains(t, string(table), line)
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {
		at("fault.go"):                   put("fault.go", strings.Replace(string(table), line, line+"\t\ttwiceFault(),\n", 1)),
		at("fault_twice.go"):             put("fault_twice.go", toyFault),
		at("explore", "twice_test.go"):   put("twice_test.go", toyTest),
		at("explore", "explore_test.go"): "",
		at("explore", "arms_test.go"):    "",
		at("explore", "kept_test.go"):    "",
		at("explore", "replay_test.go"):  "",
	}})
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-run=^TestTwice$", "-v", "-overlay="+put("overlay.json", string(overlay)), "./harness/explore")
	cmd.Dir = root
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Run(), out.String())
	require.Contains(t, out.String(), "--- PASS: TestTwice")
}
