package rundir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// WriteWhole writes a file that only its owner can read. It appears whole or not
// at all: it is written beside path and renamed.
func WriteWhole(path string, b []byte) error { return place(path, b, os.Rename) }

// place writes a file beside path, and moves it there when it is whole.
func place(path string, b []byte, move func(from, to string) error) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(b)
	if err := errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return move(tmp.Name(), path)
}

// readAtMost reads a file whole, unless it has more than most bytes: then large
// makes the error of how many it has.
func readAtMost(path string, most int64, large func(size int64) error) ([]byte, error) {
	at, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if at.Size() > most {
		return nil, large(at.Size())
	}
	return os.ReadFile(path)
}

// KeepAside renames NAME.jsonl, if it is there, to the first free NAME.N.jsonl.
func KeepAside(path string) error {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for i := 1; ; i++ {
		to := fmt.Sprintf("%s.%d.jsonl", path[:len(path)-len(".jsonl")], i)
		if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
			return os.Rename(path, to)
		}
	}
}

// remove removes files; one that is not there is no error.
func remove(paths ...string) error {
	for _, path := range paths {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
