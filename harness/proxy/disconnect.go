package proxy

import "time"

// disconnect ends the connection on both sides in place of forwarding a frame,
// once all before it has gone:
//
//	client ◄─ FIN or RST ─ proxy ─ FIN ─► Redis
type disconnect struct{}

func (disconnect) gate(*action, time.Duration, *frame) verdict {
	return verdict{end: true}
}
