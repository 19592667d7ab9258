package proxy

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSameUser: the user of a client is known on every kind of socket, and where
// this test may start a process of another user, that one is refused.
func TestSameUser(t *testing.T) {
	for _, where := range [][2]string{{"tcp", "127.0.0.1:0"}, {"tcp", "[::1]:0"}, {"unix", filepath.Join(t.TempDir(), "s")}} {
		ln, err := net.Listen(where[0], where[1])
		if err != nil && where[1] == "[::1]:0" {
			continue // a machine without IPv6
		}
		require.NoError(t, err)
		defer ln.Close()
		mine, err := net.Dial(where[0], ln.Addr().String())
		require.NoError(t, err)
		defer mine.Close()
		c, err := ln.Accept()
		require.NoError(t, err)
		defer c.Close()
		uid, known := peerUser(c)
		assert.True(t, known, where)
		assert.Equal(t, os.Geteuid(), uid, where)
		assert.NoError(t, SameUser(c))
	}
	if os.Geteuid() != 0 {
		return
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	require.NoError(t, err)
	other := exec.Command("bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/"+port+"; cat <&3")
	other.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	require.NoError(t, other.Start())
	c, err := ln.Accept()
	require.NoError(t, err)
	assert.ErrorContains(t, SameUser(c), "a client of user 65534 is refused")
	require.NoError(t, c.Close())
	_ = other.Wait()
}

func TestTCPAddress(t *testing.T) {
	assert.Equal(t, netip.MustParseAddrPort("127.0.0.1:6379"), tcpAddress("0100007F:18EB"))
	assert.Equal(t, netip.MustParseAddrPort("[::1]:80"), tcpAddress("00000000000000000000000001000000:0050"))
	assert.Equal(t, netip.MustParseAddrPort("127.0.0.1:80"), tcpAddress("0000000000000000FFFF00000100007F:0050"))
	for _, bad := range []string{"", "xx:yy", "0100007F", "01:0050"} {
		assert.False(t, tcpAddress(bad).IsValid(), bad)
	}
}
