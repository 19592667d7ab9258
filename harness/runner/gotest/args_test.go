package gotest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	c, err := parse([]string{"go", "-C", "sub", "test", "-race", "-tags", "a b", "-run=X/y", "./...", "./z", "--count", "3", "-v", "-json", "-coverprofile=c.out", "-custom=1", "-p=4", "-exec", "env X=1", "-timeout", "5s", "-args", "-run", "kept"})
	require.NoError(t, err)
	require.Equal(t, command{
		Go: "go", Chdir: "sub", Build: []string{"-race", "-tags=a b"}, Patterns: []string{"./...", "./z"}, Test: []string{"-test.count=3"},
		Args: []string{"-custom=1", "-run", "kept"}, Exec: "env X=1", Run: "X/y", Timeout: "5s", Warnings: c.Warnings,
	}, c)
	require.Len(t, c.Warnings, 1)
}

// TestParseForeignFlags: what go test hands to the test binary, as
// cmd/go/internal/test/testflag.go does it.
func TestParseForeignFlags(t *testing.T) {
	for _, c := range []struct {
		line           []string
		patterns, args []string
	}{
		{[]string{".", "-ginkgo.focus", "a b"}, []string{"."}, []string{"-ginkgo.focus", "a b"}},
		{[]string{".", "-ginkgo.focus=a b", "./x"}, []string{"."}, []string{"-ginkgo.focus=a b", "./x"}},
		{[]string{"-ginkgo.focus", "a b", "-short"}, nil, []string{"-ginkgo.focus", "a b"}},
		{[]string{"./a", "./b", "-ginkgo.v", "./c", "-count=1", "./d", "-run", "X"}, []string{"./a", "./b"}, []string{"-ginkgo.v", "./c", "./d", "-run", "X"}},
		{[]string{"./a", "-short", "word", "-v"}, []string{"./a"}, []string{"word", "-v"}},
		{[]string{"./a", "--", "-v"}, []string{"./a"}, []string{"--", "-v"}},
	} {
		got, err := parse(append([]string{"go", "test"}, c.line...))
		require.NoError(t, err, c.line)
		require.Equal(t, c.patterns, got.Patterns, c.line)
		require.Equal(t, c.args, got.Args, c.line)
	}
}

func TestPatterns(t *testing.T) {
	require.Equal(t, `^TestX$/^a_b_\(1\|2\)$`, exactly("TestX/a_b_(1|2)"))
	require.Equal(t, `^(TestA|TestB)$`, anyOf([]string{"TestA", "TestB"}))
	require.Equal(t, `^TestA$`, anyOf([]string{"TestA"}))
	require.Equal(t, `U|^TestA$|^TestB$/^s$`, skipping("U", []string{"TestA", "TestB/s"}))
	require.Empty(t, skipping("", nil))
}

// TestTopLevel: which tests a -run pattern may leave, and which a -skip pattern
// leaves nothing of, split as the testing package splits them.
func TestTopLevel(t *testing.T) {
	for pattern, want := range map[string]string{
		"":                      ".",
		"TestA":                 "(?:TestA)",
		"TestA/sub":             "(?:TestA)",
		"TestA|TestB/x|^TestC$": "(?:TestA)|(?:TestB)|(?:^TestC$)",
		"Test(A|B)/x/y":         "(?:Test(A|B))",
		"Test[A/|]/x":           "(?:Test[A/|])",
		`Test\|A/x`:             `(?:Test\|A)`,
		"/sub":                  ".",
		"TestA|/sub":            ".",
		"Test]A/x":              "(?:Test]A)",
	} {
		require.Equal(t, want, topLevel(pattern), pattern)
	}
	re, err := skipsWhole("TestA$|TestB/sub")
	require.NoError(t, err)
	require.True(t, re.MatchString("TestA"))
	require.False(t, re.MatchString("TestB"), "only a part of it")
	re, err = skipsWhole("TestB/sub")
	require.NoError(t, err)
	require.Nil(t, re)
	_, err = skipsWhole("Test(")
	require.Error(t, err)
}
