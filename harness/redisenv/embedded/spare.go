package embedded

import (
	"bufio"
	"context"
	"io"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
)

// Spare keeps a miniredis between two bubbles: to make one, which registers two
// hundred commands, takes longer than many a test does. The zero value is
// empty. It is for one trial after the other, not for several at a time.
type Spare struct{ mini *miniredis.Miniredis }

// Prepare makes the spare one if there is none. Call it outside of any bubble:
// what it starts must belong to none.
func (s *Spare) Prepare() error {
	if s.mini != nil {
		return nil
	}
	m, err := start()
	if err != nil {
		return err
	}
	s.mini = m
	return nil
}

// InMemory is like the function InMemory, over the spare miniredis; Close gives
// it back as new. Each connection of it must have been made by Dial.
func (s *Spare) InMemory() (*Redis, error) {
	e := &Redis{spare: s}
	if err := e.fresh(); err != nil {
		return nil, err
	}
	return e, nil
}

// take gives the spare one, nil if there is none.
func (s *Spare) take() *miniredis.Miniredis {
	if s == nil || s.mini == nil {
		return nil
	}
	m := s.mini
	s.mini = nil
	m.Ctx, m.CtxCancel = context.WithCancel(context.Background())
	return m
}

// put takes a miniredis back whose connections have all ended. What it has of
// its user's is keys, scripts and subscribers; one that still has subscribers
// is not taken.
func (s *Spare) put(m *miniredis.Miniredis) bool {
	if s == nil || m.PubSubNumPat() > 0 || len(m.PubSubChannels("")) > 0 {
		return false
	}
	m.FlushAll()
	m.Server().Dispatch(server.NewPeer(bufio.NewWriter(io.Discard)), []string{"SCRIPT", "FLUSH"})
	s.mini = m
	return true
}
