package embedded

import (
	"bufio"
	"context"
	"io"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
)

// InstanceCache keeps a miniredis between two bubbles: to make one, which registers two
// hundred commands, takes longer than many a test does. The zero value is
// empty. It is for one trial after the other, not for several at a time.
type InstanceCache struct{ mini *miniredis.Miniredis }

// Prepare makes an instance if none is kept. Call it outside of any bubble:
// what it starts must belong to none.
func (c *InstanceCache) Prepare() error {
	if c.mini != nil {
		return nil
	}
	m, err := start()
	if err != nil {
		return err
	}
	c.mini = m
	return nil
}

// InMemory is like the function InMemory, over the kept miniredis; Close gives
// it back as new. Each connection of it must have been made by Dial.
func (c *InstanceCache) InMemory() (*Redis, error) {
	e := &Redis{cache: c}
	if err := e.fresh(); err != nil {
		return nil, err
	}
	return e, nil
}

// take gives the kept instance, nil if there is none.
func (c *InstanceCache) take() *miniredis.Miniredis {
	if c == nil || c.mini == nil {
		return nil
	}
	m := c.mini
	c.mini = nil
	m.Ctx, m.CtxCancel = context.WithCancel(context.Background())
	return m
}

// put takes a miniredis back whose connections have all ended. What it has of
// its user's is keys, scripts and subscribers; one that still has subscribers
// is not taken.
func (c *InstanceCache) put(m *miniredis.Miniredis) bool {
	if c == nil || m.PubSubNumPat() > 0 || len(m.PubSubChannels("")) > 0 {
		return false
	}
	m.FlushAll()
	m.Server().Dispatch(server.NewPeer(bufio.NewWriter(io.Discard)), []string{"SCRIPT", "FLUSH"})
	c.mini = m
	return true
}
