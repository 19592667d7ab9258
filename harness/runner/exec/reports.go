package exec

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/flakehunt/flakehunt/harness/runner/ingest"
)

// snapshot is what the report files were like before the command ran.
type snapshot map[string]stamp

type stamp struct {
	size     int64
	modified time.Time
	info     fs.FileInfo
}

func checkGlob(glob string) error {
	if !doublestar.ValidatePathPattern(glob) {
		return fmt.Errorf("--junit %q: not a valid pattern: * and ? match within a name, ** any depth, [a-z] a class, {a,b} alternatives", glob)
	}
	return nil
}

func absolute(dir, glob string) string {
	if filepath.IsAbs(glob) {
		return glob
	}
	abs, err := filepath.Abs(filepath.Join(dir, glob))
	if err != nil { // the working directory is gone
		return filepath.Join(dir, glob)
	}
	return abs
}

func match(glob string) ([]string, error) {
	files, err := doublestar.FilepathGlob(glob, doublestar.WithFilesOnly())
	if err != nil {
		return nil, fmt.Errorf("looking for reports %s: %w", glob, err)
	}
	slices.Sort(files)
	return files, nil
}

// look notes the files that match now.
func look(glob string) (snapshot, error) {
	files, err := match(glob)
	if err != nil {
		return nil, err
	}
	s := make(snapshot, len(files))
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			s[f] = stamp{info.Size(), info.ModTime(), info}
		}
	}
	return s, nil
}

// changed lists the matching files that are new or were written since.
func (s snapshot) changed(glob string) ([]string, error) {
	files, err := match(glob)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil || info.Size() == 0 {
			continue
		}
		old, was := s[f]
		if !was || old.size != info.Size() || !old.modified.Equal(info.ModTime()) || !os.SameFile(old.info, info) {
			out = append(out, f)
		}
	}
	return out, nil
}

func readReport(file string) ([]ingest.Case, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("opening report: %w", err)
	}
	defer f.Close()
	cases, _, err := ingest.ReadReport(f)
	if err != nil {
		var pathErr *fs.PathError
		if errors.As(err, &pathErr) {
			return cases, err
		}
		return cases, fmt.Errorf("%s: %w", filepath.Base(file), err)
	}
	return cases, nil
}

// relative makes a file name of a report relative to dir, where it lies below it.
func relative(dir, file string) string {
	if !filepath.IsAbs(file) {
		return file
	}
	root, err := filepath.Abs(dir)
	if err != nil {
		return file
	}
	if rel, err := filepath.Rel(root, file); err == nil && !strings.HasPrefix(rel, "..") {
		return filepath.ToSlash(rel)
	}
	return file
}

// fromRoot makes a file that a report names relative to dir relative to the root
// of dir's repository, where histories and code hosts look for it. What does not
// exist, and what lies in no repository, stays as it is.
func fromRoot(dir, file string) string {
	if file == "" || filepath.IsAbs(file) {
		return file
	}
	at, err := filepath.Abs(filepath.Join(dir, file))
	if err != nil {
		return file
	}
	if _, err := os.Stat(at); err != nil {
		return file
	}
	root, err := filepath.Abs(dir)
	if err != nil {
		return file
	}
	for {
		if _, err := os.Stat(filepath.Join(root, ".git")); err == nil {
			return relative(root, at)
		}
		parent := filepath.Dir(root)
		if parent == root {
			return file
		}
		root = parent
	}
}
