package reports

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
)

// Class, name and file of the suite's own report come out as they went in; those
// of a Go test as gotestsum writes them.
func TestJUnitKeepsTheSuitesOwnNames(t *testing.T) {
	const pkg = "example.com/shop/cart"
	for _, c := range []struct {
		id                harness.TestID
		class, name, file string
	}{
		{harness.TestID{Name: "test/bus.test.ts > bus > delivers", Suite: "test/bus.test.ts", Classname: "test/bus.test.ts", Title: "bus > delivers", File: "test/bus.test.ts"}, "test/bus.test.ts", "bus > delivers", "test/bus.test.ts"},
		{harness.TestID{Name: "producer > adds", Suite: "producer", Classname: "test", Title: "adds"}, "test", "adds", ""},
		{harness.TestID{Name: "opens", Title: "opens"}, "tests", "opens", ""},
		{harness.TestID{Name: pkg + ".TestA/b_c.d", Suite: pkg, File: "cart/cart_test.go"}, pkg, "TestA/b_c.d", "cart/cart_test.go"},
		{harness.TestID{Name: pkg + ".(package)", Suite: pkg}, pkg, "TestMain", ""},
		{harness.TestID{Name: "smoke/listener/ready", Suite: "smoke", Category: "TTL & more"}, "smoke.TTL & more", "smoke/listener/ready", ""},
		{harness.TestID{Name: "x"}, "tests", "x", ""},
	} {
		r := &harness.Result{Tests: []harness.TestResult{{TestID: c.id, Status: harness.Stable, Runs: 1}}}
		list := cases(t, r, "pass")
		require.Len(t, list, 1)
		assert.Equal(t, []string{c.class, c.name, c.file}, []string{list[0].attr("classname"), list[0].attr("name"), list[0].attr("file")}, c.id.Name)
	}
}

// A report that is read may hold any duration: the least of all has no opposite.
func TestShortOfAnyDuration(t *testing.T) {
	assert.Equal(t, "−2562047 h 47 min", short(math.MinInt64))
	assert.Equal(t, "−1 ms", short(-1e6))
}
