package marks_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/flakehunt/flakehunt/harness/runner/marks"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func short(t *testing.T) string {
	dir, err := os.MkdirTemp("", "marks")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func TestMarks(t *testing.T) {
	var got []string
	s, err := marks.Listen(short(t), func(begin bool, test string) { got = append(got, fmt.Sprint(begin, " ", test)) })
	require.NoError(t, err)
	path := strings.TrimPrefix(s.Env(), marks.Var+"=")
	c, err := net.Dial("unix", path)
	require.NoError(t, err)
	in := bufio.NewReader(c)
	say := func(line string) string {
		_, err := c.Write([]byte(line + "\n"))
		require.NoError(t, err)
		answer, err := in.ReadString('\n')
		require.NoError(t, err)
		return answer
	}
	require.Equal(t, "ok\n", say("begin TestX/a b"))
	require.Contains(t, say("start TestX"), "want: begin NAME")
	require.Contains(t, say("begin"), "want: begin NAME")
	require.Equal(t, "ok\n", say("end TestX/a b"))
	require.NoError(t, s.Close(), "with a connection open")
	require.Equal(t, []string{"true TestX/a b", "false TestX/a b"}, got)
	_ = c.Close()
}

func TestManyAtOnce(t *testing.T) {
	n := 0 // not locked: marks come one at a time
	s, err := marks.Listen(short(t), func(bool, string) { n++ })
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			c, err := net.Dial("unix", strings.TrimPrefix(s.Env(), marks.Var+"="))
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			in := bufio.NewReader(c)
			for range 50 {
				_, _ = fmt.Fprintln(c, "begin T")
				if _, err := in.ReadString('\n'); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	require.NoError(t, s.Close())
	require.Equal(t, 400, n)
}

// A directory's name may be too long for a socket in it (macOS' TMPDIR, a deep
// workspace): the socket is elsewhere then, and gone afterwards.
func TestLongDirectory(t *testing.T) {
	s, err := marks.Listen(filepath.Join(t.TempDir(), strings.Repeat("x", 100)), func(bool, string) {})
	require.NoError(t, err)
	path := strings.TrimPrefix(s.Env(), marks.Var+"=")
	c, err := net.Dial("unix", path)
	require.NoError(t, err)
	require.NoError(t, c.Close())
	require.NoError(t, s.Close())
	require.NoDirExists(t, filepath.Dir(path))
}

func TestNoSocket(t *testing.T) {
	_, err := marks.Listen("/no/such/dir", nil)
	require.ErrorContains(t, err, "opening a socket")
}

func FuzzMarks(f *testing.F) {
	f.Add([]byte("begin X\nend X\n"))
	f.Add([]byte("begin \n\n end\x00\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		dir, err := os.MkdirTemp("", "marks")
		require.NoError(t, err)
		defer os.RemoveAll(dir)
		s, err := marks.Listen(dir, func(_ bool, test string) {
			if test == "" || strings.Contains(test, "\n") {
				t.Errorf("mark of %q", test)
			}
		})
		require.NoError(t, err)
		c, err := net.Dial("unix", strings.TrimPrefix(s.Env(), marks.Var+"="))
		require.NoError(t, err)
		_, _ = c.Write(text)
		_ = c.Close()
		require.NoError(t, s.Close())
	})
}
