// Package source finds the source code that a report names: which line sent a
// command, the root of its repository, a file's name below that, and the lines
// around a place.
//
// It must never read a file outside the root, nor write one.
package source

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/flakehunt/flakehunt/harness"
)

const (
	context  = 2   // lines before and after the place
	maxWidth = 200 // bytes of a line
	maxFile  = 1 << 20
)

// Root is the directory above dir that holds .git, or dir.
func Root(dir string) string {
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, ".git")); err == nil {
			return d
		}
		if d == filepath.Dir(d) {
			return dir
		}
	}
}

// Rel names a file below root by its path from there, with slashes; another one
// by its whole path. A file that is relative is so to dir.
func Rel(root, dir, file string) string {
	if file == "" {
		return ""
	}
	file = strings.TrimPrefix(file, "file://")
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	if real, err := filepath.EvalSymlinks(file); err == nil {
		file = real
	}
	if rel, err := filepath.Rel(root, file); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return filepath.ToSlash(file)
}

// LinesAt reads the lines around a place; ok is false where there are none: the
// file lies outside root, is no text, or is shorter.
func LinesAt(root string, at harness.Call) (s harness.Snippet, ok bool) {
	if at.Line < 1 || !filepath.IsLocal(filepath.FromSlash(at.File)) {
		return s, false
	}
	in, err := os.OpenInRoot(root, filepath.FromSlash(at.File))
	if err != nil {
		return s, false
	}
	defer in.Close()
	if info, err := in.Stat(); err != nil || !info.Mode().IsRegular() || info.Size() > maxFile {
		return s, false
	}
	s = harness.Snippet{Call: at, First: max(1, at.Line-context)}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxFile)
	n := 0
	for lines.Scan() {
		if n++; n < s.First {
			continue
		}
		if n > at.Line+context {
			break
		}
		text := lines.Text()
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			return s, false
		}
		s.Lines = append(s.Lines, cut(text))
	}
	return s, n >= at.Line
}

func cut(line string) string {
	line = strings.TrimRight(line, " \t\r")
	if len(line) <= maxWidth {
		return line
	}
	end := maxWidth
	for !utf8.RuneStart(line[end]) {
		end--
	}
	return line[:end] + "…"
}
