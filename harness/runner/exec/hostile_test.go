//go:build linux

package exec_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness/runner/exec"
)

// hostile are suites that do what they should not. Each ends with status 3,
// unless it says otherwise, so that the verdict must come from the ending.
var hostile = []struct{ name, script, verdict, message string }{
	{"prints 100 MB", "head -c 104857600 /dev/zero | tr '\\0' x | fold; exit 3", "fail:exit", "exit 3"},
	{"one line of 10 MB", "head -c 10485760 /dev/zero | tr '\\0' x; exit 3", "fail:exit", "exit 3"},
	{"invalid UTF-8", "head -c 1048576 /dev/urandom; exit 3", "fail:exit", "exit 3"},
	{"forks daemons", "for i in 1 2 3; do (setsid sleep 7790 & echo $! >> pids) ; done; exit 3", "fail:exit", "exit 3"},
	{"closes its output", "exec >&- 2>&-; sleep 0.05; exit 3", "fail:exit", "exit 3"},
	{"never ends", "trap '' TERM; echo $$ > pids; while :; do sleep 0.05; done", "fail:timeout", "it did not end within 2s"},
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Sys
}

// Whatever a suite does, the verdict is clear, memory is bounded and nothing is
// left: as a command with its exit code, and with a JUnit report.
func TestHostileSuites(t *testing.T) {
	for _, h := range hostile {
		for _, junit := range []string{"", "{dir}/r.xml"} {
			t.Run(h.name+" junit="+junit, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				script := h.script
				if junit != "" {
					script = `echo "<testsuite name='s'><testcase name='a'/></testsuite>" > "$FLAKEHUNT_DIR/r.xml"; ` + script
				}
				r, err := exec.New(exec.Config{Argv: []string{"sh", "-c", script}, Dir: dir, JUnit: junit, Timeout: limitOf(h.verdict)})
				require.NoError(t, err)
				out, err := r.Run(t.Context(), where(1))
				require.NoError(t, err)
				want := exec.Command + "=" + h.verdict
				if junit != "" {
					want = "a=pass " + want
				}
				require.Equal(t, want, verdicts(out))
				whole := out[len(out)-1]
				require.Contains(t, whole.Failure.Message, h.message)
				require.True(t, utf8.ValidString(whole.Failure.Message), "what a report shows in one line")
				require.Less(t, len(whole.Failure.Message), 4<<10)
				require.Less(t, len(whole.Output), 128<<10)
				for _, pid := range pidsIn(t, filepath.Join(dir, "pids")) {
					_, err := os.Stat(fmt.Sprintf("/proc/%d/cwd/.", pid)) // of a zombie there is none
					require.Error(t, err, "process %d is left", pid)
				}
			})
		}
	}
}

func limitOf(verdict string) time.Duration {
	if verdict == "fail:timeout" {
		return 2 * time.Second
	}
	return time.Minute
}

// Of 100 MB in one line and 100 MB in many, what is kept is bounded.
func TestOutputTakesNoMemory(t *testing.T) {
	for _, script := range []string{hostile[0].script, "head -c 104857600 /dev/zero | tr '\\0' x; exit 3"} {
		r, err := exec.New(exec.Config{Argv: []string{"sh", "-c", script}})
		require.NoError(t, err)
		before := heap()
		out, err := r.Run(t.Context(), where(1))
		require.NoError(t, err)
		require.Less(t, heap()-min(before, heap()), uint64(32<<20), "100 MB of output must not be held")
		require.Less(t, len(out[0].Output), 128<<10)
	}
}

func pidsIn(t *testing.T, file string) (list []int) {
	t.Helper()
	b, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(t, err)
	for _, w := range strings.Fields(string(b)) {
		n, err := strconv.Atoi(w)
		require.NoError(t, err)
		list = append(list, n)
	}
	require.NotEmpty(t, list)
	return list
}
