package redisenv

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// longestURL bounds what a file or variable may hold, in bytes.
const longestURL = 64 << 10

// spoken gives the provider that a Spec names: itself, or what the variable of
// env:NAME or the file of file:PATH holds. A command line is there for every user
// of the machine to read; a variable and a file need not be. Errors never repeat
// what was read.
func spoken(name string) (string, error) {
	if from, ok := strings.CutPrefix(name, "env:"); ok {
		v, set := os.LookupEnv(from)
		if !set || strings.TrimSpace(v) == "" {
			return "", fmt.Errorf("%w: env:%s: the variable is not set", ErrSpec, from)
		}
		return isURL("env:"+from, v)
	}
	if path, ok := strings.CutPrefix(name, "file:"); ok {
		f, err := os.Open(path)
		if err != nil {
			return "", fmt.Errorf("%w: file: %w", ErrSpec, err)
		}
		defer f.Close()
		b, err := io.ReadAll(io.LimitReader(f, longestURL))
		if err != nil {
			return "", fmt.Errorf("%w: file:%s: %w", ErrSpec, path, err)
		}
		return isURL("file:"+path, string(b))
	}
	return name, nil
}

func isURL(where, text string) (string, error) {
	text = strings.TrimSpace(text)
	if !strings.Contains(text, "://") || strings.ContainsAny(text, "\r\n") {
		return "", fmt.Errorf("%w: %s: want one URL, as in redis://[user:password@]host:port/database", ErrSpec, where)
	}
	return text, nil
}
