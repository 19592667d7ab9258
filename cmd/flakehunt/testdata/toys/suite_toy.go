// Package toy hands a plugin to toyrunner. It must never be shipped.
package toy

import (
	"io/fs"
	"testing/fstest"

	"github.com/flakehunt/flakehunt/harness/runner/suite"
)

// Adapter knows toyrunner.
type Adapter struct{}

// Name is the runner's.
func (Adapter) Name() string { return "toyrunner" }

// Recognise reports whether the command runs it.
func (Adapter) Recognise(c suite.Command) (bool, error) {
	_, ok := c.Find("toyrunner")
	return ok, nil
}

// Files are the plugin: the class of its tests.
func (Adapter) Files() fs.FS { return fstest.MapFS{"class": {Data: []byte("toys")}} }

// Warm reports that each trial takes a process of its own.
func (Adapter) Warm() bool { return false }

// Invoke adds a flag.
func (Adapter) Invoke(j suite.Job) suite.Invocation {
	return suite.Invocation{Argv: append(j.Argv, "--plugged-in")}
}
