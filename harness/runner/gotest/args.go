package gotest

import (
	"fmt"
	"strings"
)

// command is a go test command line taken apart.
type command struct {
	Go       string   // the go program
	Chdir    string   // -C
	Build    []string // flags for go list and go test -c
	Patterns []string // packages; none: the current directory
	Test     []string // flags for the test binary, as -test.name=value
	Args     []string // after -args
	Exec     string   // -exec: the program that runs the binary
	Run      string
	Skip     string
	Timeout  string
	Shuffle  string
	Warnings []string
}

type flagKind uint8

const (
	buildBool flagKind = iota + 1
	buildValue
	testBool
	testValue
	dropBool
	dropValue
	refuse
)

// flags lists the flags of go test: go help build, go help test, go help testflag.
var flags = map[string]flagKind{
	"a": buildBool, "race": buildBool, "msan": buildBool, "asan": buildBool, "cover": buildBool, "work": buildBool,
	"linkshared": buildBool, "modcacherw": buildBool, "trimpath": buildBool, "x": buildBool, "n": refuse,
	"asmflags": buildValue, "buildmode": buildValue, "buildvcs": buildBool, "compiler": buildValue, "covermode": buildValue,
	"coverpkg": buildValue, "gccgoflags": buildValue, "gcflags": buildValue, "installsuffix": buildValue, "ldflags": buildValue,
	"mod": buildValue, "modfile": buildValue, "overlay": buildValue, "pgo": buildValue, "pkgdir": buildValue, "tags": buildValue,
	"toolexec": buildValue, "vet": buildValue, "p": dropValue,

	"short": testBool, "failfast": testBool, "benchmem": testBool, "fullpath": testBool, "artifacts": testBool,
	"bench": testValue, "benchtime": testValue, "count": testValue, "cpu": testValue, "parallel": testValue,
	"run": testValue, "skip": testValue, "shuffle": testValue, "timeout": testValue,

	"v": dropBool, "json": dropBool,
	"coverprofile": dropValue, "cpuprofile": dropValue, "memprofile": dropValue, "memprofilerate": dropValue, "blockprofile": dropValue,
	"blockprofilerate": dropValue, "mutexprofile": dropValue, "mutexprofilefraction": dropValue, "trace": dropValue, "outputdir": dropValue,

	"c": refuse, "i": refuse, "o": refuse, "list": refuse, "fuzz": refuse, "fuzztime": refuse, "fuzzminimizetime": refuse,
}

// Is reports whether argv is a go test command.
func Is(argv []string) bool {
	_, rest, ok := cutGo(argv)
	return ok && len(rest) > 0 && rest[0] == "test"
}

// cutGo takes the go program and -C off the front of argv.
func cutGo(argv []string) (c command, rest []string, ok bool) {
	if len(argv) < 2 {
		return c, nil, false
	}
	base := argv[0][strings.LastIndexAny(argv[0], `/\`)+1:]
	base = strings.TrimSuffix(base, ".exe")
	// go1.24.3, as golang.org/dl names its wrappers, is a go too
	if base != "go" && !(strings.HasPrefix(base, "go1.") && len(base) > 4) {
		return c, nil, false
	}
	c.Go, rest = argv[0], argv[1:]
	if dir, found := strings.CutPrefix(rest[0], "-C="); found {
		c.Chdir, rest = dir, rest[1:]
	} else if rest[0] == "-C" && len(rest) > 1 {
		c.Chdir, rest = rest[1], rest[2:]
	}
	return c, rest, true
}

// parse takes a go test command line apart.
func parse(argv []string) (command, error) {
	c, rest, ok := cutGo(argv)
	if !ok || len(rest) == 0 || rest[0] != "test" {
		return c, fmt.Errorf("%q is not a go test command", strings.Join(argv, " "))
	}
	rest = rest[1:]
	// As go test does: a word is a package until the first flag after the
	// packages, or the first flag that go test does not know. From there on it
	// belongs to the test binary: the value of the flag before it, or, where no
	// flag came directly before it, an argument, and so is all that follows.
	listed, listing, valueMayFollow := false, false, false
	for len(rest) > 0 {
		arg := rest[0]
		rest = rest[1:]
		mayBeValue := valueMayFollow
		valueMayFollow = false
		switch {
		case arg == "-args" || arg == "--args":
			c.Args = append(c.Args, rest...)
			return c, nil
		case arg == "--":
			c.Args = append(append(c.Args, arg), rest...)
			return c, nil
		case !strings.HasPrefix(arg, "-") || arg == "-":
			switch {
			case !listed || listing:
				listed, listing = true, true
				c.Patterns = append(c.Patterns, arg)
			case mayBeValue:
				c.Args = append(c.Args, arg)
			default:
				c.Args = append(append(c.Args, arg), rest...)
				return c, nil
			}
			continue
		}
		listing = false
		known, left, err := c.flag(arg, rest)
		if err != nil {
			return c, err
		}
		if rest = left; !known { // a flag of the test binary's own
			c.Args = append(c.Args, arg)
			listed, valueMayFollow = true, !strings.Contains(arg, "=")
		}
	}
	return c, nil
}

// flag takes a flag of go test's, with its value from rest where it has one.
func (c *command) flag(arg string, rest []string) (known bool, left []string, err error) {
	name, value, has := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	name = strings.TrimPrefix(name, "test.")
	kind := flags[name]
	if name == "exec" || name == "C" {
		kind = buildValue
	}
	switch kind {
	case buildValue, testValue, dropValue:
		if !has {
			if len(rest) == 0 {
				return true, nil, fmt.Errorf("go test: flag -%s needs a value", name)
			}
			value, rest = rest[0], rest[1:]
		}
	}
	switch kind {
	case refuse:
		return true, nil, fmt.Errorf("go test -%s cannot be hunted with: it does not run the tests", name)
	case buildBool, buildValue:
		c.build(name, value, has || kind == buildValue)
	case dropBool:
	case dropValue:
		if name != "p" { // packages run one after another here, so that a command on the wire belongs to one
			c.Warnings = append(c.Warnings, fmt.Sprintf("-%s is left out: every trial would write it again", name))
		}
	case testBool:
		if !has {
			value = "true"
		}
		c.Test = append(c.Test, "-test."+name+"="+value)
	case testValue:
		c.test(name, value)
	default:
		return false, rest, nil
	}
	return true, rest, nil
}

func (c *command) build(name, value string, has bool) {
	switch name {
	case "exec":
		c.Exec = value
	case "C":
		c.Chdir = value
	default:
		c.Build = append(c.Build, buildFlag(name, value, has))
	}
}

func (c *command) test(name, value string) {
	switch name {
	case "run":
		c.Run = value
	case "skip":
		c.Skip = value
	case "timeout":
		c.Timeout = value
	case "shuffle":
		c.Shuffle = value
	default:
		c.Test = append(c.Test, "-test."+name+"="+value)
	}
}

func buildFlag(name, value string, has bool) string {
	if has {
		return "-" + name + "=" + value
	}
	return "-" + name
}
