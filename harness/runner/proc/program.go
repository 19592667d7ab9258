package proc

import (
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
)

// CheckProgram says what is wrong with a command's first word before a trial
// finds it out, if that can be known: a placeholder may stand in it.
func CheckProgram(dir, name string) error {
	if strings.ContainsAny(name, "{}") {
		return nil
	}
	path, isPath := name, strings.ContainsRune(name, filepath.Separator)
	if isPath {
		path = inDir(dir, name)
	}
	_, err := exec.LookPath(path)
	switch {
	case err == nil || errors.Is(err, exec.ErrDot):
		return nil
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: it cannot be executed: chmod +x it, or write its interpreter before it", name)
	case !isPath:
		return fmt.Errorf("%s: no such program on PATH: check the spelling, or give its path", name)
	}
	return fmt.Errorf("%s: no such program: check the path", name)
}

func inDir(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	abs, err := filepath.Abs(filepath.Join(dir, name))
	if err != nil { // the working directory is gone
		return filepath.Join(dir, name)
	}
	return abs
}
