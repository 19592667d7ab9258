package detect

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
)

// thumbnail is made by a worker that waits for orders; the page reads it.
func thumbnail(t testing.TB, outcome, made, read, reply string) *Trace {
	return parse(t, outcome,
		`0s begin`,
		`1ms c1 w>BLPOP "orders" #1 | BLPOP orders 1 | blocking`,
		`2ms c2 kv>RPUSH "orders" #1 | RPUSH orders cat`,
		`2.1ms c2 kv<RPUSH "orders" #1 | 1 | re=3`,
		`2.2ms c1 w<BLPOP "orders" #1 | orders cat | re=2`,
		made+` c1 w>HSET "thumbs" #1 | HSET thumbs cat png`,
		made+` c1 w<HSET "thumbs" #1 | 1 | re=6`,
		read+` c2 kv>HGET "thumbs" #1 | HGET thumbs cat`,
		read+` c2 kv<HGET "thumbs" #1 | `+reply+` | re=8`,
		`300ms end`)
}

func TestThePairThatChangedPlaces(t *testing.T) {
	passing := []*Trace{thumbnail(t, "pass", "10ms", "50ms", "png"), thumbnail(t, "pass", "20ms", "51ms", "png")}
	m, ok := Inverted(thumbnail(t, broke, "90ms", "50ms", "(nil)"), passing)
	require.True(t, ok)
	assert.Equal(t, harness.OrderCommands, m.Class)
	assert.Equal(t, "HGET thumbs took effect before HSET", m.Title)
	assert.Contains(t, m.Explanation, "In the runs that passed HSET had taken effect before; here it came after it.")
	assert.Equal(t, []string{"HSET", "HGET"}, []string{m.First.Verb, m.Then.Verb})

	_, ok = Inverted(thumbnail(t, broke, "10ms", "50ms", "gif"), passing)
	assert.False(t, ok, "another answer in the same order")
	_, ok = Inverted(thumbnail(t, broke, "90ms", "50ms", "png"), passing)
	assert.False(t, ok, "nothing was answered otherwise")
	_, ok = Inverted(thumbnail(t, broke, "90ms", "50ms", "(nil)"), []*Trace{passing[0], thumbnail(t, "pass", "90ms", "50ms", "(nil)")})
	assert.False(t, ok, "it passed with that answer too")
	_, ok = Inverted(thumbnail(t, broke, "90ms", "50ms", "(nil)"), nil)
	assert.False(t, ok, "nothing is known of runs that passed")
}

// hedged asks a second server when the first takes long.
func hedged(t testing.TB, outcome, answered, second string) *Trace {
	lines := []string{`0s begin`, `1ms c1 kv>GET "near:1" #1 | GET near:1`}
	if second != "" {
		lines = append(lines, second+` c2 kv>GET "near:2" #1 | GET near:2`, second+` c2 kv<GET "near:2" #1 | b | re=3`)
	}
	return parse(t, outcome, append(lines, `1.5ms c1 kv<GET "near:1" #1 | a | out=`+answered+` re=2 action=delay`, `300ms end`)...)
}

func TestAClientThatWentOn(t *testing.T) {
	passing := []*Trace{hedged(t, "pass", "2ms", "")}
	m, ok := WentOn(hedged(t, broke, "200ms", "52ms"), passing)
	require.True(t, ok)
	assert.Equal(t, harness.TimeoutClient, m.Class)
	assert.Equal(t, "GET near:1 had no answer when the test went on with GET after 51 ms", m.Title)

	_, ok = WentOn(hedged(t, broke, "200ms", "52ms"), []*Trace{hedged(t, "pass", "2ms", "52ms")})
	assert.False(t, ok, "it does so where it passes, too")
	_, ok = WentOn(hedged(t, broke, "200ms", "250ms"), passing)
	assert.False(t, ok, "it had its answer")
}

// page fetches its title and its seats at once.
func page(t testing.TB, outcome, title string) *Trace {
	return parse(t, outcome,
		`0s begin`,
		`1ms c1 kv>GET "title" #1 | GET title`,
		`1.5ms c1 kv<GET "title" #1 | Faust | out=`+title+` re=2 action=delay`,
		`20ms c2 kv>SMEMBERS "seats" #1 | SMEMBERS seats`,
		`21ms c2 kv<SMEMBERS "seats" #1 | A1 | re=4`,
		`300ms end`)
}

func TestAReplyThatWasOvertaken(t *testing.T) {
	passing := []*Trace{page(t, "pass", "2ms")}
	late := passing[0].Commands[0].Point.Reply()
	m, ok := Overtaken(page(t, broke, "90ms"), passing, late)
	require.True(t, ok)
	assert.Equal(t, harness.OrderDelivery, m.Class)
	assert.Equal(t, "the reply to SMEMBERS seats came before the reply to GET title, by another connection", m.Title)

	_, ok = Overtaken(page(t, broke, "15ms"), passing, late)
	assert.False(t, ok, "it came first")
	_, ok = Overtaken(page(t, broke, "90ms"), []*Trace{page(t, "pass", "80ms")}, late)
	assert.False(t, ok, "so it did where the test passed")
}

// prices reads a catalog and one of its prices by a pool of one connection.
func prices(t testing.TB, outcome, replied string, second bool) *Trace {
	lines := []string{`0s begin`, `1ms c1 kv>HGETALL "catalog" #1 | HGETALL catalog`}
	lines = append(lines, `1.5ms c1 kv<HGETALL "catalog" #1 | a 1 | out=`+replied+` re=2 action=delay`)
	if second {
		lines = append(lines, `5ms c1 kv>HGET "catalog" #1 | HGET catalog a`, `5.2ms c1 kv<HGET "catalog" #1 | 1 | re=4`)
	}
	return parse(t, outcome, append(lines, `400ms end`)...)
}

func TestAPoolWithoutAFreeConnection(t *testing.T) {
	const raised = `fail assertion "price: redis: connection pool timeout"`
	passing := []*Trace{prices(t, "pass", "2ms", true)}
	m, ok := PoolEmpty(prices(t, raised, "200ms", false), passing)
	require.True(t, ok)
	assert.Equal(t, harness.ConnectionLost, m.Class)
	assert.Equal(t, "HGET catalog found no free connection while HGETALL catalog had one, and was never sent", m.Title)

	_, ok = PoolEmpty(prices(t, broke, "200ms", false), passing)
	assert.False(t, ok, "the client raised no such error")
	_, ok = PoolEmpty(prices(t, raised, "200ms", true), passing)
	assert.False(t, ok, "it was sent")
	_, ok = PoolEmpty(prices(t, raised, "2ms", false), passing)
	assert.False(t, ok, "nothing was late")
}
