// Package ports finds free ports of the loopback.
//
// It must never keep one: who asks must be ready to find it taken again.
package ports

import (
	"fmt"
	"net"
)

// Free asks the kernel for a loopback port that is free at this moment.
func Free() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
