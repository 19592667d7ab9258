package harness

import "time"

// disconnectFault ends the connection on both sides in place of forwarding a
// frame, once all before it has gone:
//
//	client ◄─ FIN or RST ─ proxy ─ FIN ─► Redis
func disconnectFault() Fault {
	return Fault{
		Action: Disconnect,
		Help:   "end the connection instead of forwarding a frame",
		Text: func(d Decision) string {
			if d.Reset {
				return "reset connection at " + d.At.String()
			}
			return "close connection at " + d.At.String()
		},
		Note: func(*Event) string { return "connection ended here on purpose" },
		Gate: func(*Passage, time.Duration) Gate { return Gate{End: true} },
	}
}
