package effects_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness/effects"
	"github.com/flakehunt/flakehunt/harness/redisenv"
)

var update = flag.Bool("update", false, "write table.txt from the server on PATH")

// server starts a Redis of this machine. Where there is none the test is left
// out, unless CI is set.
func server(t *testing.T) *redis.Client {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil && os.Getenv("CI") == "" {
		t.Skip("no redis-server on PATH")
	}
	inst, err := redisenv.Start(t.Context(), redisenv.Spec{Provider: "server"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, inst.Close(context.WithoutCancel(t.Context()))) })
	c := redis.NewClient(inst.Options())
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// TestTheTableIsTheServers: table.txt is what the server says of its commands.
// A server of another version must have no command with keys that the table
// places elsewhere.
func TestTheTableIsTheServers(t *testing.T) {
	c := server(t)
	version := strings.TrimSpace(infoLine(t, c, "redis_version"))
	table := tableOf(t, c, version)
	if *update {
		require.NoError(t, os.WriteFile("table.txt", table, 0o644))
		return
	}
	have, err := os.ReadFile("table.txt")
	require.NoError(t, err)
	if head, _, _ := bytes.Cut(have, []byte("\n")); strings.Contains(string(head), " "+version) {
		require.Equal(t, string(have), string(table), "go generate ./harness/effects renews it")
		return
	}
	t.Logf("the table is not of version %s: keys are compared", version)
	for name, line := range byName(have) {
		if now := byName(table)[name]; now != nil {
			assert.Equal(t, placesOf(line), placesOf(now), "keys of %s", name)
		}
	}
}

func byName(table []byte) map[string][]string {
	out := map[string][]string{}
	for line := range strings.Lines(string(table)) {
		if f := strings.Fields(line); len(f) > 3 && f[0] != "#" {
			out[f[0]] = f
		}
	}
	return out
}

// placesOf leaves where keys are.
func placesOf(line []string) []string {
	var out []string
	for _, s := range line[4:] {
		_, place, _ := strings.Cut(s, ":")
		out = append(out, place)
	}
	return out
}

func infoLine(t *testing.T, c *redis.Client, name string) string {
	t.Helper()
	info, err := c.Info(t.Context(), "server").Result()
	require.NoError(t, err)
	for line := range strings.Lines(info) {
		if v, ok := strings.CutPrefix(line, name+":"); ok {
			return v
		}
	}
	t.Fatalf("INFO has no %s", name)
	return ""
}

// tableOf formats what COMMAND and COMMAND DOCS say.
func tableOf(t *testing.T, c *redis.Client, version string) []byte {
	t.Helper()
	all, err := c.Do(t.Context(), "COMMAND").Slice()
	require.NoError(t, err)
	docs, err := c.Do(t.Context(), "COMMAND", "DOCS").Result()
	require.NoError(t, err)
	groups := groupsOf(docs)
	var lines []string
	for _, x := range all {
		lines = append(lines, linesOf(x.([]any), groups)...)
	}
	slices.Sort(lines)
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Commands of redis %s, written by go generate from COMMAND and COMMAND DOCS.\n", version)
	fmt.Fprintf(&b, "# name arity group flags, then for each key specification FLAGS:BEGIN:KEYS. Keys are LAST/STEP/LIMIT or, counted, #NUMBER/FIRST/STEP.\n")
	for _, l := range lines {
		b.WriteString(l + "\n")
	}
	return b.Bytes()
}

// groupsOf gives each command's group by its name.
func groupsOf(docs any) map[string]string {
	out := map[string]string{}
	for name, d := range pairs(docs) {
		doc := pairs(d)
		out[name] = fmt.Sprint(doc["group"])
		for sub, s := range pairs(doc["subcommands"]) {
			out[sub] = fmt.Sprint(pairs(s)["group"])
		}
	}
	return out
}

// pairs reads a map of RESP3, or the list of RESP2 that stands for one.
func pairs(x any) map[string]any {
	out := map[string]any{}
	switch m := x.(type) {
	case map[any]any:
		for k, v := range m {
			out[fmt.Sprint(k)] = v
		}
	case []any:
		for i := 0; i+1 < len(m); i += 2 {
			out[fmt.Sprint(m[i])] = m[i+1]
		}
	}
	return out
}

// linesOf formats a command, and after it its subcommands.
func linesOf(x []any, groups map[string]string) []string {
	name := fmt.Sprint(x[0])
	group := groups[name]
	if group == "" {
		group = "module"
	}
	f := []string{name, fmt.Sprint(x[1]), group, words(x[2])}
	for _, s := range x[8].([]any) {
		f = append(f, specOf(pairs(s)))
	}
	out := []string{strings.Join(f, " ")}
	for _, sub := range x[9].([]any) {
		out = append(out, linesOf(sub.([]any), groups)...)
	}
	return out
}

func words(x any) string {
	var out []string
	for _, w := range x.([]any) {
		out = append(out, fmt.Sprint(w))
	}
	if len(out) == 0 {
		return "-"
	}
	return strings.Join(out, ",")
}

func specOf(s map[string]any) string {
	begin, find := pairs(s["begin_search"]), pairs(s["find_keys"])
	b, f := pairs(begin["spec"]), pairs(find["spec"])
	where, which := "?", "?"
	switch fmt.Sprint(begin["type"]) {
	case "index":
		where = fmt.Sprint(b["index"])
	case "keyword":
		where = fmt.Sprintf("%v/%v", b["keyword"], b["startfrom"])
	}
	switch fmt.Sprint(find["type"]) {
	case "range":
		which = fmt.Sprintf("%v/%v/%v", f["lastkey"], f["keystep"], f["limit"])
	case "keynum":
		which = fmt.Sprintf("#%v/%v/%v", f["keynumidx"], f["firstkey"], f["keystep"])
	}
	return strings.Join([]string{words(s["flags"]), where, which}, ":")
}

// TestKeysAreThoseTheServerFinds asks a live server, whatever its version, for
// the keys of commands of every form that keys have.
func TestKeysAreThoseTheServerFinds(t *testing.T) {
	c := server(t)
	for _, text := range forms {
		args := strings.Fields(text)
		for i := range args {
			args[i] = strings.Trim(args[i], "'")
		}
		asked := []any{"COMMAND", "GETKEYS"}
		for _, a := range args {
			asked = append(asked, a)
		}
		want, err := c.Do(t.Context(), asked...).StringSlice()
		require.NoError(t, err, text)
		var got []string
		for _, k := range effects.Of(args).Keys {
			got = append(got, k.Key)
		}
		slices.Sort(want)
		slices.Sort(got)
		require.Equal(t, slices.Compact(want), slices.Compact(got), text)
	}
}

var forms = []string{
	"GET k", "SET k v EX 10", "MGET a b c", "MSET a 1 b 2", "DEL a b", "RENAME a b", "COPY a b", "LMOVE a b LEFT RIGHT", "SMOVE a b m",
	"EVAL body 2 a b 1", "EVALSHA 5b 1 a 1000", "FCALL f 3 a b c x", "BLPOP a b 1", "BRPOPLPUSH a b 1", "BLMPOP 1 2 a b LEFT", "LMPOP 2 a b LEFT",
	"BZPOPMIN a b 0", "ZUNIONSTORE d 2 a b", "ZINTER 2 a b", "ZDIFFSTORE d 1 a", "SINTERCARD 2 a b LIMIT 1", "XREAD COUNT 2 BLOCK 100 STREAMS a b $ 0-1",
	"XREADGROUP GROUP g c COUNT 1 STREAMS a >", "XADD s MAXLEN 5 * f v", "XGROUP CREATE s g $ MKSTREAM", "XINFO STREAM s", "XACK s g 1-1",
	"XAUTOCLAIM s g c 10 0", "SORT l BY w_* STORE d", "SORT l", "SORT_RO l", "MIGRATE h 6379 k 0 1", "MIGRATE h 6379 '' 0 1 KEYS a b",
	"OBJECT ENCODING k", "MEMORY USAGE k", "BITOP AND d a b", "PFCOUNT a b", "PFMERGE d a b", "GEORADIUS k 1 1 1 m STORE d", "GEOSEARCHSTORE d s FROMLONLAT 1 1 BYRADIUS 1 m",
	"WATCH a b", "TOUCH a b", "SDIFFSTORE d a b", "LCS a b", "RESTORE k 0 x", "DUMP k", "ZRANGESTORE d s 0 1", "HRANDFIELD h", "SPOP s", "GETEX k EX 1",
}

// TestWhatIsNewerIsNotInTheTable: newer.txt is for what table.txt does not have.
func TestWhatIsNewerIsNotInTheTable(t *testing.T) {
	old, err := os.ReadFile("table.txt")
	require.NoError(t, err)
	now, err := os.ReadFile("newer.txt")
	require.NoError(t, err)
	require.NotEmpty(t, byName(now))
	for name, line := range byName(now) {
		require.NotContains(t, byName(old), name)
		require.False(t, effects.Of(append(strings.Split(name, "|"), "k", "1", "FIELDS", "1", "f")).Unknown, name)
		require.GreaterOrEqual(t, len(line), 4, name)
	}
}
