package redisenv

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWatchSeesRefusals: a Redis that has no room for a further client is told; one
// at rest is not.
func TestWatchSeesRefusals(t *testing.T) {
	ctx := context.Background()
	have := usable(t, "server")
	if len(have) == 0 {
		return
	}
	i := start(t, Spec{Provider: have[0]})
	require.NoError(t, Watch(ctx, i)())

	c := connectTo(t, i)
	finish := Watch(ctx, i)
	require.NoError(t, c.ConfigSet(ctx, "maxclients", "1").Err())
	require.Error(t, connectTo(t, i).Ping(ctx).Err())
	require.NoError(t, c.ConfigSet(ctx, "maxclients", "1000").Err())
	require.ErrorContains(t, finish(), "it refused or ended")
}
