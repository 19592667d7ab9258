package proxy

import (
	"fmt"
	"net"
)

// SameUser refuses a client that another user of this machine started. A proxy
// whose connections to Redis carry a password would let that user in otherwise.
// root may connect, and so may whoever cannot be looked up: on a system without
// /proc, or from another network.
func SameUser(client net.Conn) error {
	uid, known := peerUser(client)
	if known && uid != 0 && uid != ownUser() {
		return fmt.Errorf("a client of user %d is refused: Redis asks for a password, and this run is of user %d", uid, ownUser())
	}
	return nil
}
