// Package hints reads a suite's sources for what may say where its Redis is:
// names of variables, and addresses that are written into the code.
//
// What it finds is a hint, never evidence: a name may be of no use, and an
// address may come from where nobody can read it. It must never run anything,
// follow a link out of the tree, or show more of a line than the name or address.
package hints

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Limits bound a scan. The zero value takes the defaults.
type Limits struct {
	Files int   // read at most; 0: 4,000
	Size  int64 // of a file that is read, in bytes; 0: 256 KiB
	Total int64 // of all that is read, in bytes; 0: 32 MiB
	Each  int   // places that are kept of one name or address; 0: 3
}

func (l Limits) withDefaults() Limits {
	def := func(n *int64, d int64) {
		if *n <= 0 {
			*n = d
		}
	}
	files, each := int64(l.Files), int64(l.Each)
	def(&files, 4000)
	def(&l.Size, 256<<10)
	def(&l.Total, 32<<20)
	def(&each, 3)
	l.Files, l.Each = int(files), int(each)
	return l
}

// Place is where a hint stands.
type Place struct {
	File string `json:"file"` // below the directory that was scanned, with slashes
	Line int    `json:"line"` // from 1
}

// Hint is one name or address and where it was seen first.
type Hint struct {
	Text   string  `json:"text"` // CELERY_BROKER_URL, localhost:6379
	Places []Place `json:"places"`
	More   int     `json:"more,omitempty"` // further places
}

// Found is what a scan found.
type Found struct {
	Variables []Hint `json:"variables,omitempty"` // in the order of the files
	Addresses []Hint `json:"addresses,omitempty"` // HOST:PORT; those beside a variable on the same line are its default, and left out
	Files     int    `json:"files"`
	Cut       bool   `json:"cut,omitempty"` // a limit was reached: there may be more
}

// passedOver are directories of other people's code, of what was built, and of
// our own results.
var passedOver = []string{
	"node_modules", "vendor", "target", "build", "dist", "out", "bin", "obj", "coverage",
	"__pycache__", "venv", "site-packages", "bower_components", "flakehunt-out",
}

// Scan reads the files of a tree. An unreadable file is passed over; the error
// says that ctx ended or that the tree itself cannot be read.
func Scan(ctx context.Context, tree fs.FS, limits Limits) (Found, error) {
	s := scan{limits: limits.withDefaults(), names: map[string]int{}, addresses: map[string]int{}}
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && name == ".":
			return err
		case err != nil:
			return fs.SkipDir
		case d.IsDir():
			if name != "." && (strings.HasPrefix(d.Name(), ".") || slices.Contains(passedOver, d.Name())) {
				return fs.SkipDir
			}
			return nil
		case !d.Type().IsRegular() || !worthReading(name):
			return nil
		}
		if s.found.Files >= s.limits.Files || s.read >= s.limits.Total {
			s.found.Cut = true
			return fs.SkipAll
		}
		info, err := d.Info()
		if err != nil || info.Size() > s.limits.Size {
			return nil
		}
		s.file(tree, name)
		return nil
	})
	return s.found, err
}

// worthReading leaves out what holds no code or settings.
func worthReading(name string) bool {
	base := path.Base(name)
	switch path.Ext(base) {
	case ".md", ".txt", ".rst", ".adoc", ".lock", ".sum", ".svg", ".png", ".jpg", ".gif", ".ico", ".pdf", ".zip", ".gz", ".jar",
		".class", ".so", ".o", ".a", ".exe", ".wasm", ".map", ".html", ".css", ".csv", ".log", ".xml.gz", ".db", ".pyc":
		return false
	}
	return base != "package-lock.json" && base != "pnpm-lock.yaml" && base != "yarn.lock"
}

// scan is one walk.
type scan struct {
	limits           Limits
	found            Found
	read             int64
	names, addresses map[string]int // where in found
}

func (s *scan) file(tree fs.FS, name string) {
	f, err := tree.Open(name)
	if err != nil {
		return
	}
	defer f.Close()
	s.found.Files++
	in := bufio.NewReaderSize(io.LimitReader(f, s.limits.Size), 64<<10)
	if head, _ := in.Peek(512); bytes.IndexByte(head, 0) >= 0 {
		return // not text
	}
	for n := 1; ; n++ {
		line, err := in.ReadSlice('\n')
		s.read += int64(len(line))
		vars, addrs := Line(string(line))
		for _, v := range vars {
			s.add(&s.found.Variables, s.names, v, Place{name, n})
		}
		for _, a := range addrs {
			s.add(&s.found.Addresses, s.addresses, a, Place{name, n})
		}
		for errors.Is(err, bufio.ErrBufferFull) { // a line that long was written by a program
			var more []byte
			more, err = in.ReadSlice('\n')
			s.read += int64(len(more))
		}
		if err != nil {
			return
		}
	}
}

func (s *scan) add(list *[]Hint, index map[string]int, text string, at Place) {
	i, ok := index[text]
	if !ok {
		if i = len(*list); i >= 50 {
			s.found.Cut = true
			return
		}
		index[text] = i
		*list = append(*list, Hint{Text: text})
	}
	h := &(*list)[i]
	if len(h.Places) < s.limits.Each {
		h.Places = append(h.Places, at)
	} else {
		h.More++
	}
}
