package owner

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOwner(t *testing.T) {
	me := Self()
	require.False(t, me.Gone())
	back, err := Parse(me.String() + "\n")
	require.NoError(t, err)
	require.Equal(t, me, back)

	reused := me
	reused.Start = "1"
	require.True(t, reused.Gone(), "the number was given to another process")
	gone := me
	gone.PID, gone.Start = 1<<22+1, "1" // above the kernel's highest number
	require.True(t, gone.Gone())
	gone.Start = ""
	require.True(t, gone.Gone(), "nobody has the number")
	here := gone
	here.Machine = ""
	require.True(t, here.Gone(), "without a machine it is this one")
	elsewhere := gone
	elsewhere.Machine = "elsewhere"
	require.False(t, elsewhere.Gone())
	elsewhere = gone
	elsewhere.Space = "1"
	require.False(t, elsewhere.Gone())
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "a/b/1/2", "a/b/-1/2", "a/b/c/d", "////", Self().String(), "a/b/99999999999999999999/1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		o, err := Parse(s)
		if err != nil {
			return
		}
		again, err := Parse(o.String())
		require.NoError(t, err)
		require.Equal(t, o, again)
	})
}
