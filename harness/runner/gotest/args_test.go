package gotest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	c, err := parse([]string{"go", "-C", "sub", "test", "-race", "-tags", "a b", "-run=X/y", "./...", "--count", "3", "-v", "-json", "-coverprofile=c.out", "-custom=1", "-p=4", "-exec", "env X=1", "-timeout", "5s", "./z", "-args", "-run", "kept"})
	require.NoError(t, err)
	require.Equal(t, command{
		Go: "go", Chdir: "sub", Build: []string{"-race", "-tags=a b"}, Patterns: []string{"./...", "./z"}, Test: []string{"-test.count=3"},
		Args: []string{"-custom=1", "-run", "kept"}, Exec: "env X=1", Run: "X/y", Timeout: "5s", Warnings: c.Warnings,
	}, c)
	require.Len(t, c.Warnings, 2)
}

func TestPatterns(t *testing.T) {
	require.Equal(t, `^TestX$/^a_b_\(1\|2\)$`, exactly("TestX/a_b_(1|2)"))
	require.Equal(t, `^(TestA|TestB)$`, anyOf([]string{"TestA", "TestB"}))
	require.Equal(t, `^TestA$`, anyOf([]string{"TestA"}))
	require.Equal(t, `U|^TestA$|^TestB$/^s$`, skipping("U", []string{"TestA", "TestB/s"}))
	require.Empty(t, skipping("", nil))
}
