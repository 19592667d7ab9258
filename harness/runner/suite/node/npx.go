package node

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/flakehunt/flakehunt/harness/runner/suite"
)

// direct gives the command without npx, which takes half a second of CPU time
// to find what lies in node_modules: the program's path, and the PATH that npx
// sets. Where npx would have to look further, the command stays as it is.
func direct(j suite.Job) suite.Invocation {
	as := suite.Invocation{Argv: j.Argv}
	argv := j.Argv
	if len(argv) < 2 || filepath.Base(argv[0]) != "npx" {
		return as
	}
	argv = argv[1:]
	for len(argv) > 1 && slices.Contains([]string{"--no", "--no-install", "--yes", "-y", "--"}, argv[0]) {
		argv = argv[1:]
	}
	if strings.HasPrefix(argv[0], "-") || strings.ContainsAny(argv[0], `/\@`) {
		return as
	}
	for dir := j.Dir; ; dir = filepath.Dir(dir) {
		bin := filepath.Join(dir, "node_modules", ".bin")
		program := filepath.Join(bin, argv[0])
		if info, err := os.Stat(program); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
			as.Argv = append([]string{program}, argv[1:]...)
			as.Env = []string{"PATH=" + bin + string(os.PathListSeparator) + j.Env("PATH")}
			return as
		}
		if dir == filepath.Dir(dir) {
			return as
		}
	}
}
