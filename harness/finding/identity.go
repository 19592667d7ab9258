package finding

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/summary"
	"github.com/flakehunt/flakehunt/internal/volatile"
)

// Identity is what tells one bug from another: how it comes about, on which kind
// of keys, and where it shows. The same bug has the same in every trial, by every
// seed, with whatever ids in its keys.
type Identity struct {
	Class       harness.Class
	First, Then harness.Point // the pair, or the frame of a content cause; zero: no frame is to blame
	Test        string
	Place       string // where the failure shows, as Place has it; empty: nothing has failed yet
}

// IdentityOf is that of a cause which a failure of a test showed.
func IdentityOf(class harness.Class, first, then harness.Point, test harness.TestID, f *harness.Failure) Identity {
	return Identity{Class: class, First: first, Then: then, Test: test.Name, Place: Place(test, f)}
}

// Fingerprint is 32 hex digits. With a pair it is of the class, the pair and the
// test, so that an edit above the assertion changes nothing; where no frame is to
// blame, of class, place and test: two messages from one line of one test are one bug.
func (d Identity) Fingerprint() string {
	if d.First.IsZero() && d.Then.IsZero() {
		return d.sum(d.Place, testName(d.Test))
	}
	return d.sum(testName(d.Test))
}

func (d Identity) sum(more ...string) string {
	first, then := detect.Names(d.Class, d.First, d.Then)
	parts := append([]string{"3", string(d.Class), d.shape(first), d.shape(then)}, more...)
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(sum[:16])
}

// testName is a test's name without the parameters that it was called with.
func testName(name string) string {
	if i := strings.LastIndexByte(name, '['); i > 0 && strings.HasSuffix(name, "]") {
		name = name[:i]
	}
	return volatile.Message(name)
}

// shape is a point without its ordinal, and with the shape of its key.
func (d Identity) shape(p harness.Point) string {
	if p.IsZero() {
		return ""
	}
	return role(p.Role) + p.Dir.String() + strings.ToUpper(p.Verb) + " " + KeyShape(p.Key, d.Test)
}

// role leaves the number of a connection's role out: which one of a pool it was is
// chance.
func role(r string) string { return strings.TrimRight(r, "0123456789") }

// KeyShape is a key or channel without what is made up anew in each run, and
// without the name of the test, which many suites put into their keys.
func KeyShape(key, test string) string {
	for _, name := range []string{test, lastPart(test)} {
		if len(name) >= 4 {
			key = strings.ReplaceAll(key, name, "{test}")
		}
	}
	return volatile.Message(key)
}

// lastPart is a test's own name, without those of its package and parents.
func lastPart(test string) string { return test[strings.LastIndexAny(test, "/.>:")+1:] }

var (
	// position is FILE:LINE as runtimes, runners and assertion libraries print it.
	position = regexp.MustCompile(`([\w.@+-]+(?:[/\\][\w.@+ -]+)*\.(?:go|py|js|mjs|cjs|ts|mts|cts|tsx|jsx|rb|php|java|kt|scala|cs|rs|ex|exs)):(\d+)`)
	// pyFrame is a frame of a Python traceback.
	pyFrame = regexp.MustCompile(`File "([^"]+)", line (\d+)`)
	// libraries are directories of code that the test calls and that is not its own.
	libraries = regexp.MustCompile(`(?:^|[/\\])(?:node_modules|site-packages|dist-packages|vendor|pkg[/\\]mod|go[/\\]src|usr[/\\]lib|usr[/\\]local[/\\]go|gems|\.cargo|testify@[^/]*|runner[/\\]inprocess)(?:[/\\]|$)|^node:|(?:^|[/\\])asm_\w+\.s`)
)

// Place says where a failure shows: file and line of the assertion if its stack or
// message tells, in the test's own file if that is among them, else the shape of
// what it says. Directories are left out but the last, since they differ from
// machine to machine.
func Place(test harness.TestID, f *harness.Failure) string {
	if f == nil {
		return ""
	}
	first := ""
	for _, text := range []string{f.Stack, f.Message} {
		for _, m := range append(pyFrame.FindAllStringSubmatch(text, -1), position.FindAllStringSubmatch(text, -1)...) {
			if libraries.MatchString(m[1]) {
				continue
			}
			at := tail(m[1]) + ":" + m[2]
			if test.File != "" && tail(test.File) == tail(m[1]) {
				return at
			}
			if first == "" {
				first = at
			}
		}
	}
	if first != "" {
		return first
	}
	return string(f.Kind) + " " + volatile.Message(summary.TruncateQuoted(f.Message, 60))
}

// tail is the last directory and the name of a file.
func tail(file string) string {
	parts := strings.FieldsFunc(file, func(r rune) bool { return r == '/' || r == '\\' })
	return strings.Join(parts[max(0, len(parts)-2):], "/")
}
