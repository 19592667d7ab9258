package reports

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
)

func TestForge(t *testing.T) {
	line := harness.Call{File: "src/a b#c.ts", Line: 7}
	hub := forgeOf("github", "https://github.com/o/r/actions/runs/12", "0123abc")
	require.Equal(t, "https://github.com/o/r/commit/0123abc", hub.ofCommit())
	require.Equal(t, "https://github.com/o/r/blob/0123abc/src/a%20b%23c.ts#L7", hub.ofLine(line))
	lab := forgeOf("gitlab", "https://gl.example/g/p/-/jobs/1", "0123abc")
	require.Equal(t, "https://gl.example/g/p/-/blob/0123abc/src/a%20b%23c.ts#L7", lab.ofLine(line))
	require.Equal(t, "https://gl.example/g/p/-/commit/0123abc", lab.ofCommit())
	for _, none := range []forge{
		{}, forgeOf("jenkins", "https://j.example/x/1/", "0123abc"), forgeOf("github", "https://github.com/o/r", "0123abc"),
		forgeOf("github", "javascript:alert(1)//actions/runs/1", "0123abc"), forgeOf("github", "https://u:p@github.com/o/r/actions/runs/1", "0123abc"),
		forgeOf("github", "https://github.com/o/r/actions/runs/1", "main"),
	} {
		require.Empty(t, none.ofCommit())
		require.Empty(t, none.ofLine(line))
	}
	require.Empty(t, hub.ofLine(harness.Call{File: "/usr/lib/x.py", Line: 1}), "not in the repository")
}

func TestSourceOfAFinding(t *testing.T) {
	f := &harness.Finding{
		Timeline: []harness.Line{
			{Role: "kv", Dir: ">", Text: "SET a 1", Suspect: true, Call: &harness.Call{File: "a.go", Line: 2}},
			{Role: "kv", Dir: ">", Text: "GET a"}, {Role: "hs", Dir: ">", Text: "HELLO 3"}, {Role: "kv", Dir: "<", Text: "OK"},
		},
		Source: []harness.Snippet{{Call: harness.Call{File: "a.go", Line: 2}, First: 1, Lines: []string{"\tif x {", "\t\tc.Set(ctx)", "", "\t}"}}},
	}
	got := sources(f, forge{})
	require.Equal(t, []sourceView{{Name: "a.go:2", Sends: "SET a", Lines: []codeLine{{1, "if x {", false}, {2, "    c.Set(ctx)", true}, {3, "", false}, {4, "}", false}}}}, got)
	require.Equal(t, "The line of code is known of 1 of 2 commands.", callShare(f))
	f.Timeline[0].Call = nil
	require.Empty(t, callShare(f))
}
