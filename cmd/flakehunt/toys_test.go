package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner/marks"
)

// toys are a new fault, detector, report and adapter, as CONTRIBUTING says that
// they are added: one file, and one line in a table.
var toys = []struct{ source, to, table, before, line string }{
	{"fault_twice.go", "harness/fault_twice.go", "harness/fault.go", "		delayFault(),\n", "		twiceFault(),\n"},
	{"detect_cursed.go", "harness/detect/cursed.go", "harness/detect/table.go", "		{Class: harness.RaceSubscribePublish,",
		"		{Class: \"toy/cursed\", Find: cursed, Doc: \"GET of the cursed key\", Advice: \"Lift the curse.\"},\n"},
	{"report_toy.go", "reports/toy.go", "reports/formats.go", "		{\"junit\",", "		{\"toy\", \"toy.txt\", Toy},\n"},
	{"suite_toy.go", "harness/runner/suite/toy/toy.go", "cmd/flakehunt/target.go", "		pytest.Adapter{},\n", "		toy.Adapter{},\n"},
}

// toyImport is what the adapter's line needs beside it.
const toyImport = "	\"github.com/flakehunt/flakehunt/harness/runner/suite/toy\"\n"

// TestANewKindIsOneFileAndOneLine builds the program with one more of each kind,
// laid over the tree, and uses them as a person would.
func TestANewKindIsOneFileAndOneLine(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program anew")
	}
	program := withToys(t)
	t.Chdir(t.TempDir())
	flakehunt := func(code int, args ...string) string {
		out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			require.NoError(t, err, "%s", out)
			require.Zero(t, code, "%s", out)
			return string(out)
		}
		require.Equal(t, code, exit.ExitCode(), "%s", out)
		return string(out)
	}
	// The adapter finds the runner's tests, the detector names the cause, and the
	// report is written with the others.
	told := flakehunt(exitFlaky, "run", "--redis", "server", "--strategy", "none", "--trials", "8", "--parallel", "1", "--seed", "1", "--", "toyrunner")
	require.Contains(t, told, "toy/cursed")
	list, err := filepath.Glob("flakehunt-out/findings/F-*.json")
	require.NoError(t, err)
	require.Len(t, list, 1)
	f := readToyFinding(t, list[0])
	require.Equal(t, harness.Class("toy/cursed"), f.Class)
	require.Equal(t, []string{"orders.toy > cursed"}, f.Tests)
	require.Equal(t, "toyrunner", f.Target.Runner)
	for file, want := range map[string]string{"toy.txt": f.ID + " is toy/cursed\n", "report.html": "Lift the curse.", "junit.xml": `classname="toys"`} {
		text, err := os.ReadFile(filepath.Join("flakehunt-out", file))
		require.NoError(t, err)
		require.Contains(t, string(text), want, file)
	}
	flakehunt(0, "report", "flakehunt-out", "--format", "toy", "--to", "again")
	require.FileExists(t, "again/toy.txt")

	require.Contains(t, flakehunt(0, "repro", "--help"), "keep a frame for twice Delay")
	// The fault is replayed: 400 ms fail the test, 200 ms do not.
	blessed := harness.Point{}
	for _, l := range f.Timeline {
		if l.Point.Key == "blessed" && l.Point.Dir == harness.ToServer {
			blessed = l.Point
		}
	}
	require.False(t, blessed.IsZero(), "%+v", f.Timeline)
	for action, code := range map[harness.Action]int{"twice": exitFlaky, harness.Delay: 0} {
		f.Schedule = harness.Schedule{Version: harness.ScheduleVersion, Strategy: "replay", Decisions: []harness.Decision{{At: blessed, Action: action, Delay: harness.Duration(200 * time.Millisecond)}}}
		text, err := json.Marshal(f)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile("schedule.json", text, 0o600))
		told := flakehunt(code, "repro", "schedule.json", "--redis", "server", "--parallel", "1", "--yes", "-n", "3")
		require.Contains(t, told, "200ms")
		require.Contains(t, told, blessed.String())
		require.Equal(t, action == "twice", strings.Contains(told, "reproduced 3/3"), told)
	}
}

// withToys builds the program with all toys.
func withToys(t *testing.T) (program string) {
	dir := t.TempDir()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	replace := map[string]string{}
	for i, toy := range toys {
		source, err := filepath.Abs(filepath.Join("testdata", "toys", toy.source))
		require.NoError(t, err)
		table, err := os.ReadFile(filepath.Join(root, toy.table))
		require.NoError(t, err)
		require.Equal(t, 1, strings.Count(string(table), toy.before), "%s: %s", toy.table, toy.before)
		text := strings.Replace(string(table), toy.before, toy.line+toy.before, 1)
		if strings.Contains(toy.line, "toy.Adapter") {
			text = strings.Replace(text, "import (\n", "import (\n"+toyImport, 1)
		}
		changed := filepath.Join(dir, fmt.Sprintf("table%d.go", i))
		require.NoError(t, os.WriteFile(changed, []byte(text), 0o600))
		replace[filepath.Join(root, toy.table)], replace[filepath.Join(root, toy.to)] = changed, source
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	require.NoError(t, err)
	file := filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(file, overlay, 0o600))
	program = filepath.Join(dir, "flakehunt")
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay="+file, "-o", program, "./cmd/flakehunt")
	build.Dir = root
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return program
}

func readToyFinding(t *testing.T, file string) (f harness.Finding) {
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &f))
	return f
}

// toyrunner is a test runner with one test. It fails the second, fourth and sixth
// time, and whenever Redis takes longer than 300 ms.
func toyrunner() error {
	if !slices.Contains(os.Args, "--plugged-in") {
		return errors.New("no plugin")
	}
	class, err := os.ReadFile(filepath.Join(os.Getenv("FLAKEHUNT_PLUGIN"), "class"))
	if err != nil {
		return err
	}
	conn, err := net.Dial("unix", os.Getenv(marks.Var))
	if err != nil {
		return err
	}
	answers := bufio.NewReader(conn)
	say := func(e marks.Event) error {
		e.ID, e.File, e.Suite, e.Classname, e.Name = "orders.toy > cursed", "orders.toy", "orders.toy", string(class), "cursed"
		if err := json.NewEncoder(conn).Encode(e); err != nil {
			return err
		}
		_, err := answers.ReadString('\n')
		return err
	}
	if err := errors.Join(say(marks.Event{Event: "hello", Runner: "toyrunner", Version: "1"}), say(marks.Event{Event: "begin"})); err != nil {
		return err
	}
	end := marks.Event{Event: "end", Verdict: "pass"}
	bad, err := toyTest()
	if err != nil {
		return err
	}
	if bad {
		end.Verdict, end.Kind, end.Message = "fail", "assertion", "the order is cursed"
	}
	return say(end)
}

func toyTest() (bad bool, err error) {
	runs, err := os.OpenFile("runs", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return false, err
	}
	defer runs.Close()
	if _, err := runs.WriteString("."); err != nil {
		return false, err
	}
	count, err := runs.Stat()
	if err != nil {
		return false, err
	}
	redis, err := net.Dial("tcp", os.Getenv("REDIS_ADDR"))
	if err != nil {
		return false, err
	}
	defer redis.Close()
	replies := bufio.NewReader(redis)
	get := func(key string) error {
		if _, err := fmt.Fprintf(redis, "GET %s\r\n", key); err != nil {
			return err
		}
		_, err := replies.ReadString('\n')
		return err
	}
	start := time.Now()
	if err := get("blessed"); err != nil {
		return false, err
	}
	n := count.Size()
	if bad = time.Since(start) > 300*time.Millisecond || n%2 == 0 && n <= 6; bad {
		err = get("cursed")
	}
	return bad, err
}
