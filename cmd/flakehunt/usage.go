package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// nearest gives the name that is at most two letters away from what was
// written, the closest first; "" if none is.
func nearest(written string, names []string) string {
	best, least := "", 3
	for _, n := range names {
		if d := distance(written, n); d < least && d < len(written) {
			best, least = n, d
		}
	}
	return best
}

// distance is how many letters must be put in, taken out or changed, or
// neighbours swapped, to make b of a.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(x)][len(y)]
}

// flagError says what is wrong with a flag, in words that name no function of Go.
func flagError(c *cobra.Command, err error) error {
	var missing *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &missing):
		var names []string
		c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near := nearest(missing.GetSpecifiedName(), names); near != "" {
			return usagef("%s: unknown flag --%s: did you mean --%s?", c.Name(), missing.GetSpecifiedName(), near)
		}
	case errors.As(err, &invalid):
		return usagef("%s: --%s %q: want %s", c.Name(), invalid.GetFlag().Name, invalid.GetValue(), wanted(invalid.GetFlag().Value.Type()))
	}
	return usagef("%s: %w; see '%s --help'", c.Name(), err, c.CommandPath())
}

// wanted says what a flag of a type takes.
func wanted(kind string) string {
	switch kind {
	case "int", "uint64", "int64":
		return "a whole number"
	case "float64":
		return "a number, such as 0.01"
	case "duration":
		return "a duration, such as 500ms, 20s or 5m"
	case "bool":
		return "true or false"
	}
	return "a " + kind
}

var unknownCommand = regexp.MustCompile(`^unknown command "([^"]*)" for "flakehunt"`)

// usageWords is what cobra itself finds wrong, with the command that may have been meant.
func usageWords(root *cobra.Command, err error) string {
	text := oneLine(err)
	m := unknownCommand.FindStringSubmatch(text)
	if m == nil {
		return text
	}
	var names []string
	for _, c := range root.Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	if near := nearest(m[1], names); near != "" {
		return fmt.Sprintf("unknown command %q: did you mean %s?", m[1], near)
	}
	slices.Sort(names)
	return fmt.Sprintf("unknown command %q: want one of %s", m[1], strings.Join(names, ", "))
}

// flagGroup is flags that belong together.
type flagGroup struct {
	title string
	flags []string
}

// runGroups orders the many flags of run; those that are in none come last.
var runGroups = []flagGroup{
	{"How much", []string{"trials", "for", "until-decided", "rates", "run", "since", "parallel", "shard", "resume"}},
	{"How delays are chosen", []string{"strategy", "max-delay", "seed", "faults", "latency", "jitter", "distribution", "simulate", "assume"}},
	{"Redis", []string{"redis", "image", "allow-flush"}},
	{"A suite of yours", []string{"junit", "one-test", "env", "takeover", "forward"}},
	{"The suites that ship with it", []string{"variant", "defect", "waits"}},
	{"Outputs", []string{"out", "db", "junit-flaky", "config"}},
}

// groupFlags makes the command's help show its flags in groups.
func groupFlags(c *cobra.Command, groups []flagGroup) {
	c.SetUsageFunc(func(c *cobra.Command) error {
		var b strings.Builder
		fmt.Fprintf(&b, "Usage:\n  %s\n", c.UseLine())
		if c.HasExample() {
			fmt.Fprintf(&b, "\nExamples:\n%s\n", c.Example)
		}
		taken := map[string]bool{}
		write := func(title string, want func(name string) bool) {
			set := pflag.NewFlagSet(title, pflag.ContinueOnError)
			set.SortFlags = false
			c.LocalFlags().VisitAll(func(f *pflag.Flag) {
				if want(f.Name) {
					set.AddFlag(f)
					taken[f.Name] = true
				}
			})
			if set.HasAvailableFlags() {
				fmt.Fprintf(&b, "\n%s:\n%s", title, set.FlagUsages())
			}
		}
		for _, g := range groups {
			write(g.title, func(name string) bool { return slices.Contains(g.flags, name) })
		}
		write("Other flags", func(name string) bool { return !taken[name] })
		if c.HasAvailableInheritedFlags() {
			fmt.Fprintf(&b, "\nGlobal flags:\n%s", c.InheritedFlags().FlagUsages())
		}
		_, err := fmt.Fprint(c.OutOrStderr(), b.String())
		return err
	})
}
