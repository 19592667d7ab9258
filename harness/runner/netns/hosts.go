package netns

import (
	"bufio"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
)

// hosts gives the address of a name in /etc/hosts, which the suite sees too. An
// IPv4 address goes before an IPv6 one.
func hosts(name string) (string, bool) {
	f, err := os.Open("/etc/hosts")
	if err != nil {
		return "", false
	}
	defer f.Close()
	return findHost(f, name)
}

func findHost(r io.Reader, name string) (addr string, ok bool) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		text, _, _ := strings.Cut(lines.Text(), "#")
		words := strings.Fields(text)
		if len(words) < 2 || !slices.ContainsFunc(words[1:], func(w string) bool { return strings.EqualFold(w, name) }) {
			continue
		}
		ip, err := netip.ParseAddr(words[0])
		switch {
		case err != nil:
		case ip.Is4():
			return ip.String(), true
		case addr == "":
			addr = ip.String()
		}
	}
	return addr, addr != ""
}
