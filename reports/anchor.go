package reports

import (
	"fmt"
	"hash/fnv"

	"github.com/flakehunt/flakehunt/harness"
)

// anchor is the id of a test in the page: the same in every run, so that a link
// to it can be kept.
func anchor(name string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // a hash takes every byte
	return fmt.Sprintf("t-%08x", h.Sum32())
}

// anchorOf is that of a test which the page has; else empty.
func anchorOf(r *harness.Result, name string) string {
	for i := range r.Tests {
		if r.Tests[i].Name == name {
			return anchor(name)
		}
	}
	return ""
}
