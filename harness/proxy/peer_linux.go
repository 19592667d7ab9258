package proxy

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

func ownUser() int { return os.Geteuid() }

// peerUser says which user has the other end of a connection: by SO_PEERCRED, or
// by the kernel's table of TCP sockets.
func peerUser(client net.Conn) (uid int, known bool) {
	switch c := client.(type) {
	case *net.UnixConn:
		return socketUser(c)
	case *net.TCPConn:
		peer, err := netip.ParseAddrPort(c.RemoteAddr().String())
		own, err2 := netip.ParseAddrPort(c.LocalAddr().String())
		if err != nil || err2 != nil {
			return 0, false
		}
		for _, table := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
			if uid, known = tcpUser(table, peer, own); known {
				return uid, true
			}
		}
	}
	return 0, false
}

func socketUser(c *net.UnixConn) (uid int, known bool) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, false
	}
	err = raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			uid, known = int(cred.Uid), true
		}
	})
	return uid, known && err == nil
}

// tcpUser looks a socket up by its own address and the one it is connected to.
func tcpUser(table string, own, peer netip.AddrPort) (uid int, known bool) {
	f, err := os.Open(table)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		// sl local_address rem_address st tx:rx tr:when retrnsmt uid …
		w := strings.Fields(lines.Text())
		if len(w) < 8 || tcpAddress(w[1]) != plain(own) || tcpAddress(w[2]) != plain(peer) {
			continue
		}
		uid, err := strconv.Atoi(w[7])
		return uid, err == nil
	}
	return 0, false
}

// plain writes an IPv4 address that is mapped into IPv6 as the former.
func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

// tcpAddress reads an address of the table: words of 32 bits in the machine's
// order, and the port, both in hexadecimal.
func tcpAddress(s string) netip.AddrPort {
	address, port, _ := strings.Cut(s, ":")
	b, err := hex.DecodeString(address)
	n, err2 := strconv.ParseUint(port, 16, 16)
	if err != nil || err2 != nil || len(b)%4 != 0 {
		return netip.AddrPort{}
	}
	for i := 0; i < len(b); i += 4 {
		binary.NativeEndian.PutUint32(b[i:], binary.BigEndian.Uint32(b[i:]))
	}
	a, ok := netip.AddrFromSlice(b)
	if !ok {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a.Unmap(), uint16(n))
}
