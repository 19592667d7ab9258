package ingest

import (
	"path"
	"strings"
)

// generic reports whether a message says nothing that its element does not say.
func generic(m string) bool {
	switch strings.ToLower(strings.TrimSpace(m)) {
	case "", "failed", "failure", "error", "assertion failed", "test failed":
		return true
	}
	return false
}

// testName joins class and name into one name; some reporters put one into the other.
func testName(suite, class, name string) string {
	switch {
	case name == "":
		name = class
	case class == "" || class == name || leads(class, name):
	case strings.HasSuffix(name, " "+class): // mocha: the class is the title, the name the full title
	case strings.ContainsAny(class, " /\\") || strings.Contains(name, " > "):
		if goName(name) {
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

// goName reports whether a name is a Go test's.
func goName(name string) bool {
	return strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Example") || strings.HasPrefix(name, "Fuzz") || strings.HasPrefix(name, "Benchmark")
}

// leads reports whether name begins with the whole of class: "test_ab" does not
// lead "test_abc".
func leads(class, name string) bool {
	rest, ok := strings.CutPrefix(name, class)
	if !ok || rest == "" {
		return ok
	}
	return strings.ContainsAny(rest[:1], " .:/\\#>$,|-")
}

// sourceFile picks the file of a test: what the report says, else a class name
// that is a path (vitest).
func sourceFile(own, class string) string {
	if own != "" {
		return strings.TrimPrefix(path.Clean(strings.ReplaceAll(own, `\`, "/")), "./")
	}
	if scripted(class) {
		return class
	}
	return ""
}

// scripted reports whether a file is of a language whose runners take two tests
// of one title for two tests.
func scripted(file string) bool {
	switch path.Ext(file) {
	case ".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts", ".py", ".rb", ".php", ".vue", ".svelte":
		return true
	}
	return false
}
