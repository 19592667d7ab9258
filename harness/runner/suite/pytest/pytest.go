// Package pytest hands a plugin to pytest: PYTEST_ADDOPTS loads it and
// PYTHONPATH holds it, so that tox, nox, coverage and package scripts need no
// rewriting.
//
// It must never change what a test does, beyond waiting for its marks.
package pytest

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/flakehunt/flakehunt/harness/runner/suite"
)

//go:embed plugin
var files embed.FS

// Adapter knows pytest. It implements suite.Adapter.
type Adapter struct{}

var _ suite.Adapter = Adapter{}

// Name is the runner's.
func (Adapter) Name() string { return "pytest" }

// Recognise reports whether the command runs pytest, itself or by a session of nox.
func (Adapter) Recognise(c suite.Command) (bool, error) {
	if _, watch := c.Find("ptw", "pytest-watch", "pytest-watcher"); watch {
		return false, fmt.Errorf("%s never ends: hunt with pytest", strings.Join(c.Argv, " "))
	}
	if call, ok := c.Find("pytest", "py.test"); ok {
		if call.Has("--looponfail", "-f") {
			return false, fmt.Errorf("%s: pytest --looponfail never ends: hunt without it", strings.Join(c.Argv, " "))
		}
		return true, nil
	}
	if _, ok := c.Find("nox"); ok {
		b, err := os.ReadFile(filepath.Join(c.Dir, "noxfile.py"))
		return err == nil && strings.Contains(string(b), "pytest"), nil
	}
	return false, nil
}

// Warm reports that each turn is a fork of a process that has collected the test.
func (Adapter) Warm() bool { return true }

// Files are the plugin.
func (Adapter) Files() fs.FS {
	sub, err := fs.Sub(files, "plugin")
	if err != nil { // plugin is embedded
		panic(err)
	}
	return sub
}

// Invoke leaves the command as it is.
func (Adapter) Invoke(j suite.Job) suite.Invocation {
	return suite.Invocation{Argv: j.Argv, Env: []string{
		"PYTEST_ADDOPTS=" + strings.TrimSpace(j.Env("PYTEST_ADDOPTS")+" -p flakehunt_pytest"),
		"PYTHONPATH=" + strings.TrimSuffix(j.Plugin+string(os.PathListSeparator)+j.Env("PYTHONPATH"), string(os.PathListSeparator)),
	}}
}
