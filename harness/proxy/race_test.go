package proxy

import (
	"bufio"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/resp"
)

// A test that publishes without waiting for its subscription loses the message
// whenever the subscription is held, and never when the publish is. A test that
// waits passes either way: the order that the hold asks for cannot happen.
func TestHoldsDecideARace(t *testing.T) {
	const times = 100
	subscribe := must(harness.ParsePoint(`sub>SUBSCRIBE "c{n}" #1`))
	publish := must(harness.ParsePoint(`pub>PUBLISH "c{n}" #1`))
	bad := rules{subscribe.String(): {Action: harness.Hold, Until: publish.Reply()}}
	good := rules{publish.String(): {Action: harness.Hold, Until: subscribe.Reply()}}
	engines(t, func(t *testing.T, cfg Config) {
		patient := started(t, cfg, miniredis.RunT(t).Addr())
		cfg.StallAfter = 20 * time.Millisecond // a hold that cannot be fulfilled takes so long
		hasty := started(t, cfg, miniredis.RunT(t).Addr())
		for _, c := range []struct {
			name    string
			p       *Proxy
			rules   rules
			waits   bool
			lost    int
			blocked int
		}{
			{"racing, bad order", patient, bad, false, times, 0},
			{"racing, good order", patient, good, false, 0, 0},
			{"correct, bad order", hasty, bad, true, 0, times},
			{"correct, good order", patient, good, true, 0, 0},
		} {
			p := c.p
			p.StartTrial(c.rules, nil)
			lost, blocked := 0, 0
			for i := range times {
				p.Begin("race")
				lost += subscribeAndPublish(t, p.Addr(), fmt.Sprint("c", i), c.waits)
				blocked += len(p.End().Blocked)
				p.DropConnections()
			}
			assert.Equal(t, c.lost, lost, c.name)
			assert.Equal(t, c.blocked, blocked, c.name)
		}
	})
}

// subscribeAndPublish is the test under test; it returns 1 if nobody received
// the message.
func subscribeAndPublish(t *testing.T, addr, channel string, waits bool) (lost int) {
	sub, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer sub.Close()
	pub, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer pub.Close()
	_, err = sub.Write(resp.AppendCommand(nil, "SUBSCRIBE", channel))
	require.NoError(t, err)
	if waits {
		_, err = sub.Read(make([]byte, 100))
		require.NoError(t, err)
	}
	_, err = pub.Write(resp.AppendCommand(nil, "PUBLISH", channel, "m"))
	require.NoError(t, err)
	line, err := bufio.NewReader(pub).ReadString('\n')
	require.NoError(t, err)
	if line == ":0\r\n" {
		return 1
	}
	require.Equal(t, ":1\r\n", line)
	return 0
}
