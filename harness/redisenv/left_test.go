package redisenv

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestURLIsLeftAsItWas: a hunt leaves no key, setting, function or user behind in
// a Redis that somebody else runs, so that the same command works again.
func TestURLIsLeftAsItWas(t *testing.T) {
	for range usable(t, "server") {
		ctx := t.Context()
		theirs := start(t, Spec{Provider: "server"})
		c := connectTo(t, theirs)
		lib := func(name string) string {
			return "#!lua name=" + name + "\nredis.register_function('" + name + "', function() return 1 end)"
		}
		require.NoError(t, c.FunctionLoad(ctx, lib("kept")).Err())
		require.NoError(t, c.Do(ctx, "ACL", "SETUSER", "kept", "on", ">pw", "~a*", "+get").Err())
		url := "redis://" + theirs.Addr() + "/2"
		state := func() []any {
			return []any{
				c.Do(ctx, "ACL", "LIST").Val(), c.Do(ctx, "FUNCTION", "DUMP").Val(),
				c.ConfigGet(ctx, "maxmemory*").Val(), c.ConfigGet(ctx, "notify*").Val(), c.Do(ctx, "DBSIZE").Val(),
			}
		}
		before := state()

		i, err := Start(ctx, Spec{Provider: url})
		require.NoError(t, err)
		s := connectTo(t, i)
		require.NoError(t, s.Set(ctx, "left", "1", 0).Err())
		require.NoError(t, s.ConfigSet(ctx, "maxmemory-policy", "allkeys-lru").Err())
		require.NoError(t, s.ConfigSet(ctx, "notify-keyspace-events", "KEA").Err())
		require.NoError(t, s.FunctionDelete(ctx, "kept").Err())
		require.NoError(t, s.FunctionLoad(ctx, lib("added")).Err())
		require.NoError(t, s.Do(ctx, "ACL", "SETUSER", "kept", "+set", "~*").Err())
		require.NoError(t, s.Do(ctx, "ACL", "SETUSER", "added", "on", "nopass").Err())
		require.NotEqual(t, before, state())
		require.NoError(t, i.Close(ctx))
		require.Equal(t, before, state())

		again, err := Start(ctx, Spec{Provider: url})
		require.NoError(t, err, "the database is empty again")
		require.NoError(t, again.Close(ctx))
	}
}

func TestURLFromAVariableOrFile(t *testing.T) {
	url := "redis://" + start(t, Spec{Provider: "embedded"}).Addr()
	t.Setenv("A_REDIS", url)
	path := filepath.Join(t.TempDir(), "redis-url")
	require.NoError(t, os.WriteFile(path, []byte(url+"\n"), 0o600))
	for _, from := range []string{"env:A_REDIS", "file:" + path} {
		p, _, err := Resolve(t.Context(), Spec{Provider: from})
		require.NoError(t, err, from)
		require.Equal(t, "url", p.Name())
	}
	t.Setenv("NO_REDIS", "s3cret")
	for _, from := range []string{"env:NOT_SET", "env:NO_REDIS", "file:" + path + "x"} {
		_, _, err := Resolve(t.Context(), Spec{Provider: from})
		require.ErrorIs(t, err, ErrSpec, from)
		require.NotContains(t, err.Error(), "s3cret")
	}
}
