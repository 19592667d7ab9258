package ingest

import (
	"math"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// generic reports whether a message says nothing that its element does not say.
func generic(m string) bool {
	switch strings.ToLower(m) {
	case "", "failed", "failure", "error", "assertion failed":
		return true
	}
	return false
}

// testName joins class and name into one that is unique in a run; some
// reporters put one into the other.
func testName(suite, class, name string) string {
	switch {
	case name == "":
		name = class
	case class == "" || class == name || strings.Contains(name, class):
	case strings.HasSuffix(name, class): // mocha: the class is the title, the name the full title
	case strings.ContainsAny(class, " /\\") || strings.Contains(name, " > "):
		if strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Example") || strings.HasPrefix(name, "Fuzz") {
			return class + "." + name // a Go import path
		}
		return class + " > " + name
	default:
		return class + "." + name
	}
	if name == "" {
		return suite
	}
	return name
}

// sourceFile picks the file of a test: what the report says, else a class name
// that is a path (vitest).
func sourceFile(own, suite, class string) string {
	for _, f := range []string{own, suite} {
		if f != "" {
			return strings.TrimPrefix(path.Clean(strings.ReplaceAll(f, `\`, "/")), "./")
		}
	}
	switch path.Ext(class) {
	case ".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts", ".py", ".rb", ".php", ".vue", ".svelte":
		return class
	}
	return ""
}

// seconds reads "0.125", and Surefire's "1,234.5".
func seconds(s string) harness.Duration {
	s = strings.TrimSuffix(strings.TrimSpace(strings.ReplaceAll(s, ",", "")), "s")
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f < 0 || f > 1e7 {
		return 0
	}
	return harness.Duration(math.Round(f * float64(time.Second)))
}

// timestamp reads the first that is a time; without a zone it is taken as UTC.
func timestamp(texts ...string) time.Time {
	for _, s := range texts {
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999"} {
			if t, err := time.Parse(layout, s); err == nil {
				return t
			}
		}
	}
	return time.Time{}
}
