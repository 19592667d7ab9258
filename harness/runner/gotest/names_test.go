package gotest

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/flakehunt/flakehunt/internal/volatile"
)

func TestSubtestsOfVolatileNames(t *testing.T) {
	var n names
	for _, c := range []struct{ name, want string }{
		{"TestX", "TestX"},
		{"TestX/plain_name_12", "TestX/plain_name_12"},
		{"TestX/3f2504e0-4f89-11d3-9a0c-0305e82c3301", "TestX/{uuid}"},
		{"TestX/3f2504e0-4f89-11d3-9a0c-0305e82c3301/inner", "TestX/{uuid}/inner"},
		{"TestX/99999999-4f89-11d3-9a0c-0305e82c3301", "TestX/{uuid}#01"},
		{"TestX/99999999-4f89-11d3-9a0c-0305e82c3301/inner", "TestX/{uuid}#01/inner"},
		{"TestX/3f2504e0-4f89-11d3-9a0c-0305e82c3301", "TestX/{uuid}"}, // again
		{"TestY/3f2504e0-4f89-11d3-9a0c-0305e82c3301", "TestY/{uuid}"},
		{"TestX/group_s8pS3FQRH3ZcDLdBq5TERc", "TestX/group_{id}"},
		{"TestX/01ARZ3NDEKTSV4RRFFQ69G5FAV", "TestX/{ulid}"},
		{"TestX/Without_ShouldStopOnReadErrors", "TestX/Without_ShouldStopOnReadErrors"},
		{"TestX/b#01", "TestX/b#01"},
	} {
		assert.Equal(t, c.want, n.of(c.name), c.name)
		elements := strings.Split(exactly(c.want), "/")
		for i, part := range strings.Split(c.name, "/") {
			assert.Regexp(t, regexp.MustCompile(elements[i]), part)
		}
	}
	assert.NotRegexp(t, volatile.NamePattern("{uuid}"), "3f2504e0-4f89-11d3-9a0c-0305e82c3301x")
	assert.NotRegexp(t, volatile.NamePattern("b#01"), "b")
}
