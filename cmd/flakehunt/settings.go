package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// settingsFile is looked for in the working directory.
const settingsFile = "flakehunt.yaml"

// mostSettings bounds a settings file in bytes.
const mostSettings = 1 << 20

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
	if len(b) > mostSettings {
		return s, usagef("%s: %d KiB: settings have at most %d", path, len(b)>>10, mostSettings>>10)
	}
	lines := map[string]int{}
	for dec := yaml.NewDecoder(bytes.NewReader(b)); ; {
		var doc yaml.Node
		switch err := dec.Decode(&doc); {
		case errors.Is(err, io.EOF):
			return s, nil
		case err != nil:
			return s, usagef("%s: %s", path, yamlError(err))
		case len(doc.Content) == 0 || doc.Content[0].Tag == "!!null":
			continue
		}
		top := doc.Content[0]
		if top.Kind != yaml.MappingNode {
			return s, usagef("%s:%d: want 'setting: value' lines, such as 'trials: 20'", path, top.Line)
		}
		for i := 0; i < len(top.Content); i += 2 {
			key, value := top.Content[i], top.Content[i+1]
			if at := lines[key.Value]; at > 0 {
				return s, usagef("%s:%d: %s is given twice, first in line %d: delete one", path, key.Line, key.Value, at)
			}
			lines[key.Value] = key.Line
			if err := s.apply(key.Value, value, flags); err != nil {
				return s, usagef("%s:%d: %w", path, key.Line, err)
			}
		}
	}
}

func (s *settings) apply(key string, value *yaml.Node, flags *pflag.FlagSet) error {
	var list []string
	if value.Kind == yaml.AliasNode {
		value = value.Alias
	}
	switch {
	case value.Kind == yaml.MappingNode:
		return fmt.Errorf("%s: want a value or a list, not a block of settings", key)
	case value.Kind == yaml.SequenceNode:
		if err := value.Decode(&list); err != nil {
			return fmt.Errorf("%s: want a list of values", key)
		}
	case value.Tag == "!!null":
		return fmt.Errorf("%s: has no value", key)
	default:
		list = []string{value.Value}
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

// yamlError gives a parser's error in one line.
func yamlError(err error) string {
	return strings.Join(strings.Fields(strings.TrimPrefix(err.Error(), "yaml: ")), " ")
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
