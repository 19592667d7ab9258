// Package phpunit hands a listener to PHPUnit 7 and newer: PHP_INI_SCAN_DIR names
// one more directory of settings, whose auto_prepend_file loads it, so that
// composer scripts and wrappers need no rewriting.
//
// A PHPUnit in one file (phpunit.phar) loads no classes that could be waited
// for, and is not heard. It must never change what a test does, beyond waiting
// for its marks.
package phpunit

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

// Adapter knows PHPUnit. It implements suite.Adapter.
type Adapter struct{}

var _ suite.Adapter = Adapter{}

// Name is the runner's.
func (Adapter) Name() string { return "phpunit" }

// Recognise reports whether the command runs PHPUnit, itself or by artisan test.
func (Adapter) Recognise(c suite.Command) (bool, error) {
	if _, watch := c.Find("phpunit-watcher"); watch {
		return false, fmt.Errorf("%s never ends: hunt with phpunit", strings.Join(c.Argv, " "))
	}
	if _, ok := c.Find("phpunit", "simple-phpunit"); ok {
		return true, nil
	}
	call, ok := c.Find("artisan")
	return ok && slices.Contains(call.Args, "test"), nil
}

// Warm reports that each trial takes a process of its own.
func (Adapter) Warm() bool { return false }

// Files are the listener.
func (Adapter) Files() fs.FS {
	sub, err := fs.Sub(files, "plugin")
	if err != nil { // plugin is embedded
		panic(err)
	}
	return sub
}

// Invoke leaves the command as it is. In an empty element of PHP_INI_SCAN_DIR
// PHP sees the directory that it was built with.
func (Adapter) Invoke(j suite.Job) suite.Invocation {
	return suite.Invocation{Argv: j.Argv, Env: []string{
		"PHP_INI_SCAN_DIR=" + j.Env("PHP_INI_SCAN_DIR") + string(filepath.ListSeparator) + filepath.Join(j.Plugin, "ini"),
	}}
}
