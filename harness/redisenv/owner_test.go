package redisenv

import (
	"log/slog"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func itoa(n int) string   { return strconv.Itoa(n) }
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestOwner(t *testing.T) {
	me := self()
	require.False(t, me.dead())
	back, err := parseOwner(me.String() + "\n")
	require.NoError(t, err)
	require.Equal(t, me, back)

	reused := me
	reused.start = "1"
	require.True(t, reused.dead(), "the number was given to another process")
	gone := me
	gone.pid, gone.start = 1<<22+1, "1" // above the kernel's highest number
	require.True(t, gone.dead())
	elsewhere := gone
	elsewhere.machine = "elsewhere"
	require.False(t, elsewhere.dead())
}

func FuzzParseOwner(f *testing.F) {
	for _, s := range []string{"", "a/b/1/2", "a/b/-1/2", "a/b/c/d", "////", self().String(), "a/b/99999999999999999999/1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		o, err := parseOwner(s)
		if err != nil {
			return
		}
		again, err := parseOwner(o.String())
		require.NoError(t, err)
		require.Equal(t, o, again)
	})
}
