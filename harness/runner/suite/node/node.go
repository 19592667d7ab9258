// Package node hands plugins to the test runners of Node: vitest, jest, mocha
// and node --test. One preload (NODE_OPTIONS=--require) finds out in each process
// which runner it is, so that npm scripts, sh -c and wrappers need no rewriting.
//
// It must never change what a test does, beyond waiting for its marks.
package node

import (
	"embed"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/flakehunt/flakehunt/harness/runner/suite"
)

//go:embed plugin
var files embed.FS

// Adapter knows one test runner of Node.
type Adapter struct {
	name     string
	programs []string
	watch    []string // flags and subcommands that never end
	instead  string   // what to write in place of watch mode
	is       func(suite.Call) bool
	warm     bool
}

var _ suite.Adapter = Adapter{}

// Adapters are those of all test runners of Node.
func Adapters() []suite.Adapter {
	return []suite.Adapter{
		Adapter{name: "vitest", programs: []string{"vitest"}, watch: []string{"watch", "dev", "--watch", "-w"}, instead: "vitest run", warm: true},
		Adapter{name: "jest", programs: []string{"jest", "react-scripts", "craco", "jest-cli"}, watch: []string{"--watch", "--watchAll"}, instead: "jest without --watch", warm: true},
		Adapter{name: "mocha", programs: []string{"mocha", "_mocha", "ts-mocha", "electron-mocha", "mochapack", "esmocha"}, watch: []string{"--watch", "-w"}, instead: "mocha without --watch", warm: true},
		Adapter{name: "node --test", programs: []string{"node", "nodejs", "tsx", "ts-node", "ts-node-esm", "swc-node", "babel-node"}, watch: []string{"--watch"}, instead: "node --test without --watch",
			is: func(c suite.Call) bool { return c.Has("--test") }},
	}
}

// Name is the runner's.
func (a Adapter) Name() string { return a.name }

// Recognise reports whether the command runs this runner.
func (a Adapter) Recognise(c suite.Command) (bool, error) {
	for _, call := range c.Calls {
		if !slices.Contains(a.programs, call.Program) || a.is != nil && !a.is(call) {
			continue
		}
		for _, arg := range call.Args {
			name, value, _ := strings.Cut(arg, "=")
			if slices.Contains(a.watch, name) && value != "false" {
				return false, fmt.Errorf("%s: %s with %s never ends: hunt with %s", strings.Join(c.Argv, " "), call.Program, arg, a.instead)
			}
		}
		return true, nil
	}
	return false, nil
}

// Warm reports whether each turn gets modules of its own without a new process.
func (a Adapter) Warm() bool { return a.warm }

// Files are the preload and what it hands to the runners.
func (a Adapter) Files() fs.FS {
	sub, err := fs.Sub(files, "plugin")
	if err != nil { // plugin is embedded
		panic(err)
	}
	return sub
}

// Invoke leaves the command as it is, but for npx: the preload does the rest.
func (a Adapter) Invoke(j suite.Job) suite.Invocation {
	options := `--require "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(filepath.Join(j.Plugin, "preload.cjs")) + `"`
	if was := j.Env("NODE_OPTIONS"); was != "" {
		options = was + " " + options
	}
	in := direct(j)
	in.Env = append(in.Env, "NODE_OPTIONS="+options)
	return in
}
