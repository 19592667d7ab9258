package proxy

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/resp"
)

// The end of a delay is rehearsed over a connection that the proxy makes for
// it when the first one is due, that nobody else sees, and that ends with it.
func TestEndsOfDelaysAreRehearsed(t *testing.T) {
	if runtime.NumCPU() == 1 {
		t.Log("one processor has no other to wake: no connection is expected")
	}
	p, err := Start(t.Context(), Config{Dial: dialer(miniredis.RunT(t).Addr())})
	require.NoError(t, err)
	rec := &tape{}
	p.StartTrial(rules{`kv>SET "k"`: {Action: harness.Delay, Delay: harness.Duration(5 * time.Millisecond)}}, rec)
	p.Begin("x")
	conn, err := net.Dial("tcp", p.Addr())
	require.NoError(t, err)
	defer conn.Close()
	set := func() {
		_, err = conn.Write(resp.AppendCommand(nil, "SET", "k", "v"))
		require.NoError(t, err)
		_, err = conn.Read(make([]byte, 64))
		require.NoError(t, err)
	}
	state := func() rehearsal {
		p.core.mu.Lock()
		defer p.core.mu.Unlock()
		return p.engine.(*epoll).rehearsal
	}
	open := func() bool { return false }
	set()
	if assert.Equal(t, runtime.NumCPU() > 1, state().asked); state().asked {
		require.Eventually(t, func() bool { return state().near != 0 }, 5*time.Second, time.Millisecond)
		set()
		assert.True(t, state().sent)
		name, err := os.Readlink(fmt.Sprint("/proc/self/fd/", state().near))
		require.NoError(t, err)
		open = func() bool {
			fds, err := filepath.Glob("/proc/self/fd/*")
			require.NoError(t, err)
			return slices.ContainsFunc(fds, func(fd string) bool { is, _ := os.Readlink(fd); return is == name })
		}
		assert.True(t, open())
		require.Eventually(t, func() bool { // the byte comes back
			n, err := unix.IoctlGetInt(state().near, unix.SIOCINQ)
			return err == nil && n == 1
		}, 5*time.Second, time.Millisecond)
		for range 3 {
			set()
		}
	}
	p.End()
	assert.NotContains(t, rec.ids(), "", "bytes of no client")
	for _, id := range rec.ids() {
		assert.Contains(t, id, `SET "k"`)
	}
	require.NoError(t, p.Close()) // with the thread, which goleak would see
	assert.False(t, open())
}
