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

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/resp"
)

// The end of a delay is warmed up over a connection that the proxy makes for
// it when the first one is due, that nobody else sees, and that ends with it.
func TestEndsOfDelaysAreRehearsed(t *testing.T) {
	p, err := Start(t.Context(), Config{Dial: dialer(mirror(t, "tcp", "127.0.0.1:0").Addr().String())})
	require.NoError(t, err)
	rec := &tape{}
	p.StartTrial(rules{`kv>SET "k"`: {Action: harness.Delay, Delay: harness.Duration(5 * time.Millisecond)}}, rec)
	p.Begin("x")
	conn, err := net.Dial("tcp", p.Addr())
	require.NoError(t, err)
	defer conn.Close()
	set := func() {
		t.Helper()
		echoed(t, conn, resp.AppendCommand(nil, "SET", "k", "v"))
	}
	state := func() warmer {
		p.core.mu.Lock()
		defer p.core.mu.Unlock()
		return p.engine.(*epoll).warmer
	}
	// Each of these is seen with the first or second command, unless the machine is
	// so busy that the loop wakes up when the delay is over already.
	after := func(seen func(warmer) bool) {
		t.Helper()
		for i := 0; !seen(state()); i++ {
			require.Less(t, i, 1000)
			set()
		}
	}
	open := func() bool { return false }
	if runtime.NumCPU() == 1 { // there is no other to wake
		set()
		assert.False(t, state().asked)
	} else {
		after(func(r warmer) bool { return r.local != 0 })
		after(func(r warmer) bool { return r.sent })
		name, err := os.Readlink(fmt.Sprint("/proc/self/fd/", state().local))
		require.NoError(t, err)
		open = func() bool {
			fds, err := filepath.Glob("/proc/self/fd/*")
			require.NoError(t, err)
			return slices.ContainsFunc(fds, func(fd string) bool { is, _ := os.Readlink(fd); return is == name })
		}
		assert.True(t, open())
		require.Eventually(t, func() bool { // the byte comes back
			n, err := unix.IoctlGetInt(state().local, unix.SIOCINQ)
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
