package redistest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness/runner/marks"
	"github.com/flakehunt/flakehunt/harness/runner/wiretap"
)

func TestMain(m *testing.M) {
	switch os.Getenv("REDISTEST_CHILD") {
	case "start":
		addr, err := start()
		fmt.Println(addr, err)
		select {} // until it is killed
	default:
		os.Exit(m.Run())
	}
}

// child runs this binary again with other settings, and gives its standard output.
func child(t *testing.T, env ...string) string {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestUser$", "-test.v")
	cmd.Env = append(append(os.Environ(), "REDIS_URL=", "REDIS_ADDR="), env...)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

// TestUser is what a user's test looks like.
func TestUser(t *testing.T) {
	c := Client(t)
	require.NoError(t, c.Set(t.Context(), "redistest:key", "v", time.Minute).Err())
	require.Equal(t, "v", c.Get(t.Context(), "redistest:key").Val())
	t.Run("sub", func(t *testing.T) {
		require.Equal(t, Addr(t), Redis(t).Addr)
		require.EqualValues(t, 1, Client(t).Exists(t.Context(), "redistest:key").Val())
	})
	fmt.Println("at", Addr(t))
}

func TestFromTheEnvironment(t *testing.T) {
	addr := Addr(t)
	require.Contains(t, child(t, "REDIS_URL=redis://"+addr+"/0"), "at "+addr)
	require.Contains(t, child(t, "REDIS_ADDR="+addr), "at "+addr)
}

func TestEmbeddedWhenNothingIsInstalled(t *testing.T) {
	require.Contains(t, child(t, "PATH=/nowhere"), "at 127.0.0.1:")
}

func TestMarksUnderAHunt(t *testing.T) {
	dir, err := os.MkdirTemp("", "rt")
	require.NoError(t, err)
	defer os.RemoveAll(dir)
	var got []string
	s, err := marks.Listen(dir, func(begin bool, test string) {
		got = append(got, map[bool]string{true: "+", false: "-"}[begin]+test)
	})
	require.NoError(t, err)
	child(t, s.Env(), "FLAKEHUNT=1", "REDIS_ADDR="+Addr(t))
	require.NoError(t, s.Close())
	require.Equal(t, "+TestUser +TestUser/sub -TestUser/sub -TestUser", strings.Join(got, " "))

	child(t, marksVar+"=/no/such/socket", "REDIS_ADDR="+Addr(t)) // works without
}

// What was started ends with the process, and leaves nothing, even when it is killed.
func TestNothingOutlivesTheProcess(t *testing.T) {
	tmp := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "REDISTEST_CHILD=start", "TMPDIR="+tmp)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	addr, errText, _ := strings.Cut(strings.TrimSpace(line), " ")
	require.Equal(t, "<nil>", errText)
	require.True(t, answers(addr))
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	require.Eventually(t, func() bool {
		left, err := filepath.Glob(filepath.Join(tmp, "*"))
		return err == nil && len(left) == 0 && !answers(addr)
	}, 10*time.Second, 5*time.Millisecond)
}

// What a call costs when no hunt is on: one copy of the options, less than a microsecond.
func BenchmarkRedisOutsideAHunt(b *testing.B) {
	Redis(b)
	b.ReportAllocs()
	for b.Loop() {
		Redis(b)
	}
}

// The hunt is told which line of the suite's code sent which bytes.
func TestCallsUnderAHunt(t *testing.T) {
	dir, err := os.MkdirTemp("", "rt")
	require.NoError(t, err)
	defer os.RemoveAll(dir)
	tap := wiretap.New(t)
	s, err := marks.ListenEvents(dir, func(e marks.Event) {
		tap.Called(e.Callers(filepath.Base))
	})
	require.NoError(t, err)
	child(t, s.Env(), "FLAKEHUNT=1", "REDIS_ADDR="+tap.Addr)
	require.NoError(t, s.Close())
	line := lineOf(t, `c.Set(t.Context(), "redistest:key"`)
	require.Equal(t, map[string]string{
		"SET redistest:key":    fmt.Sprintf("redistest_test.go:%d", line),
		"GET redistest:key":    fmt.Sprintf("redistest_test.go:%d", line+1),
		"EXISTS redistest:key": fmt.Sprintf("redistest_test.go:%d", lineOf(t, `Client(t).Exists(t.Context(), "redistest:key")`)),
	}, tap.Places())
}

// lineOf finds the line of this file that holds a text first.
func lineOf(t *testing.T, text string) int {
	t.Helper()
	b, err := os.ReadFile("redistest_test.go")
	require.NoError(t, err)
	before, _, ok := strings.Cut(string(b), text)
	require.True(t, ok)
	return strings.Count(before, "\n") + 1
}

// What noting a caller adds to a command.
func BenchmarkNotedWrite(b *testing.B) {
	here, there := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, there) }()
	defer here.Close()
	w := &watched{Conn: unsent{here}, port: 1}
	for b.Loop() {
		_, _ = w.Write([]byte("PING\r\n"))
	}
}

type unsent struct{ net.Conn }

func (unsent) Write(b []byte) (int, error) { return len(b), nil }
