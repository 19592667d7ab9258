package redistest_test

import "testing"

// The example of the documentation passes.
func TestExample(t *testing.T) { opensAnOrder(t) }
