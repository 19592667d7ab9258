package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/spf13/pflag"
)

// settingsFile is looked for in the working directory.
const settingsFile = "flakehunt.yaml"

// settings is what the file may say beside flags.
type settings struct {
	Suites  []string // key "suites": as the arguments of run
	Command []string // key "command": as what follows --
}

// loadSettings applies a settings file to flags that were not given. Its keys
// are the long names of run's flags, and "suites" and "command". A path of ""
// is the default file, which need not exist.
func loadSettings(path string, flags *pflag.FlagSet) (settings, error) {
	var s settings
	given := path != ""
	if !given {
		path = settingsFile
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && !given {
		return s, nil
	}
	if err != nil {
		return s, usagef("read settings: %w", err)
	}
	file, err := parser.ParseBytes(b, 0)
	if err != nil {
		return s, usagef("%s: %s", path, yamlError(err))
	}
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		values, ok := doc.Body.(ast.MapNode)
		if !ok {
			return s, usagef("%s:1: want 'setting: value' lines, such as 'trials: 20'", path)
		}
		for it := values.MapRange(); it.Next(); {
			key := it.Key().GetToken()
			if err := s.apply(key.Value, it.Value(), flags); err != nil {
				return s, usagef("%s:%d: %w", path, key.Position.Line, err)
			}
		}
	}
	return s, nil
}

func (s *settings) apply(key string, value ast.Node, flags *pflag.FlagSet) error {
	var list []string
	var raw any
	if err := yaml.NodeToValue(value, &raw); err != nil {
		return fmt.Errorf("%s: %s", key, yamlError(err))
	}
	switch v := raw.(type) {
	case []any:
		for _, e := range v {
			list = append(list, fmt.Sprint(e))
		}
	case map[string]any:
		return fmt.Errorf("%s: want a value or a list, not a block of settings", key)
	case nil:
		return fmt.Errorf("%s: has no value", key)
	default:
		list = []string{fmt.Sprint(v)}
	}
	switch key {
	case "suites":
		s.Suites = list
		return nil
	case "command":
		s.Command = list
		return nil
	}
	f := flags.Lookup(key)
	if f == nil || f.Name == "config" || f.Name == "help" {
		names := []string{"suites", "command"}
		flags.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		return fmt.Errorf("unknown setting %q%s", key, suggest(key, names))
	}
	if f.Changed {
		return nil // flags win
	}
	for _, v := range list {
		if err := flags.Set(key, v); err != nil {
			return err
		}
	}
	f.Changed = false // so that it still counts as not given on the command line
	return nil
}

// suggest names the closest of names, if one is close.
func suggest(word string, names []string) string {
	best, at := "", 3
	for _, n := range names {
		if d := editDistance(word, n); d < at {
			best, at = n, d
		}
	}
	if best == "" {
		slices.Sort(names)
		return "; there are " + strings.Join(names, ", ")
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// editDistance is Levenshtein's, over bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

// yamlError gives the first line of a parser's error, without its excerpt.
func yamlError(err error) string {
	s := strings.TrimSpace(err.Error())
	first, _, _ := strings.Cut(s, "\n")
	return first
}

// matcher compiles a --run expression; the empty one matches all.
func matcher(expr string) (func(string) bool, error) {
	if expr == "" {
		return func(string) bool { return true }, nil
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, usagef("--run %q: %w", expr, err)
	}
	return re.MatchString, nil
}
