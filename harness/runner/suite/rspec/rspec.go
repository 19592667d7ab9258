// Package rspec hands a listener to RSpec: SPEC_OPTS requires it, so that bundle
// exec, rake and binstubs need no rewriting.
//
// It must never change what an example does, beyond waiting for its marks.
package rspec

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

// Adapter knows RSpec. It implements suite.Adapter.
type Adapter struct{}

var _ suite.Adapter = Adapter{}

// Name is the runner's.
func (Adapter) Name() string { return "rspec" }

// Recognise reports whether the command runs RSpec, itself or by a task of rake.
func (Adapter) Recognise(c suite.Command) (bool, error) {
	if _, watch := c.Find("guard"); watch {
		return false, fmt.Errorf("%s never ends: hunt with rspec", strings.Join(c.Argv, " "))
	}
	if _, ok := c.Find("rspec", "parallel_rspec"); ok {
		return true, nil
	}
	if _, ok := c.Find("rake"); ok {
		for _, name := range []string{"Rakefile", "rakefile", "Rakefile.rb", "rakefile.rb"} {
			b, err := os.ReadFile(filepath.Join(c.Dir, name))
			if err == nil && strings.Contains(string(b), "RSpec::Core::RakeTask") {
				return true, nil
			}
		}
	}
	return false, nil
}

// Warm reports that each turn is a fork of a process that has loaded the example.
func (Adapter) Warm() bool { return true }

// Files are the listener.
func (Adapter) Files() fs.FS {
	sub, err := fs.Sub(files, "plugin")
	if err != nil { // plugin is embedded
		panic(err)
	}
	return sub
}

// Invoke leaves the command as it is.
func (Adapter) Invoke(j suite.Job) suite.Invocation {
	file := strings.ReplaceAll(filepath.Join(j.Plugin, "flakehunt_rspec.rb"), `'`, `'\''`)
	return suite.Invocation{Argv: j.Argv, Env: []string{"SPEC_OPTS=" + strings.TrimSpace(j.Env("SPEC_OPTS")+" -r '"+file+"'")}}
}
