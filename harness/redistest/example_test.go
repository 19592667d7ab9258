package redistest_test

import (
	"testing"

	"github.com/flakehunt/flakehunt/harness/redistest"
)

// opensAnOrder is an ordinary test body. Run by go test it gets a Redis of its own.
// In a hunt, flakehunt run -- go test ./..., it gets the one behind the proxy, and
// each command on the wire belongs to this test for sure.
func opensAnOrder(t *testing.T) {
	client := redistest.Client(t) // closed at the test's end
	ctx := t.Context()
	if err := client.Set(ctx, "order:7", "open", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if got := client.Get(ctx, "order:7").Val(); got != "open" {
		t.Errorf("order 7 is %q", got)
	}
}

func Example() {
	var t *testing.T // the one that go test gives to TestOrders
	opensAnOrder(t)
}
