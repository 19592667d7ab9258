package proxy

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/resp"
)

// A command counts as arrived when the kernel got it, however late the loop
// comes to it, and its delay begins then.
func TestDelayBeginsWhenTheKernelGetsTheCommand(t *testing.T) {
	stamping(t)
	const delay, late = 40 * time.Millisecond, 20 * time.Millisecond
	p := started(t, Config{}, mirror(t, "tcp", "127.0.0.1:0").Addr().String())
	rec := &tape{}
	p.StartTrial(rules{`kv>SET "k"`: {Action: harness.Delay, Delay: harness.Duration(delay)}}, rec)
	p.Begin("x")
	conn, err := net.Dial("tcp", p.Addr())
	require.NoError(t, err)
	defer conn.Close()
	echoed(t, conn, resp.AppendCommand(nil, "GET", "k")) // the loop has the connection, and rests after it

	p.core.mu.Lock() // the loop can't look
	e := p.engine.(*epoll)
	var pair *socketPair
	for _, pair = range e.slots {
	}
	for rest := p.core.now(); p.core.now() <= max(rest, e.poller.at)+2*rested; {
	}
	asked := p.core.now()
	_, err = conn.Write(resp.AppendCommand(nil, "SET", "k", "v"))
	require.NoError(t, err)
	for n := 0; n == 0; { // there it is
		n, err = unix.IoctlGetInt(pair.client, unix.SIOCINQ)
		require.NoError(t, err)
	}
	there := p.core.now()
	for p.core.now() < there+late {
	}
	p.core.mu.Unlock()
	_, err = conn.Read(make([]byte, 64))
	require.NoError(t, err)
	p.End()

	set := rec.frame(t, `kv>SET "k" #1`)
	const clocks = 100 * time.Microsecond // two are read, one after the other
	assert.GreaterOrEqual(t, set.In, asked-clocks)
	assert.LessOrEqual(t, set.In, there+clocks)
	assert.GreaterOrEqual(t, set.Out, set.In+delay)
}

// stamping waits until the kernel stamps what arrives, and keeps it at it. It
// begins some time after the first socket asked for it, which in a hunt makes
// the first delays a tenth of a millisecond longer.
func stamping(t *testing.T) {
	near, far, err := tcpPair()
	require.NoError(t, err)
	t.Cleanup(func() {
		unix.Close(near)
		unix.Close(far)
	})
	stampSocket(far)
	require.Eventually(t, func() bool {
		var b [1]byte
		if _, errno := rawWrite(near, b[:]); errno != 0 {
			return false
		}
		_, stamp, errno := readStamped(far, b[:]) // waits for the byte
		return errno == 0 && stamp != 0
	}, 10*time.Second, time.Millisecond)
}

// What a clock that was set in between says is not believed, and nothing
// arrives before what was seen to happen last.
func TestArrivalIsPlausible(t *testing.T) {
	const now = 10 * time.Second
	c := newCore(Config{})
	e := &epoll{c: c, poller: busyPoller{at: now - 50*time.Millisecond}}
	at := c.epoch.Add(now + time.Millisecond) // read a little later
	arrived := func(ago time.Duration) time.Duration {
		return e.arrived(now, at.Add(-time.Millisecond-ago).UnixNano(), at)
	}
	assert.Equal(t, now-20*time.Millisecond, arrived(20*time.Millisecond))
	assert.Equal(t, now, e.arrived(now, 0, at), "no stamp")
	assert.Equal(t, now, arrived(-time.Second), "set back")
	assert.Equal(t, now, arrived(time.Hour), "set forward")
	c.moved = now - 2*time.Millisecond
	assert.Equal(t, c.moved, arrived(3*time.Millisecond))
	c.run.since = now - time.Millisecond
	assert.Equal(t, c.run.since, arrived(3*time.Millisecond))
}
