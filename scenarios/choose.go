package scenarios

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Choose returns the scenarios of the named suites (none: all) whose names
// match the regular expression ("": all), in the order in which they run. A
// suite that does not exist, an expression that does not compile, and a choice
// that leaves nothing are errors of one line.
func Choose(suites []string, expr string) ([]Scenario, error) {
	for _, s := range suites {
		if !slices.Contains(Suites(), s) {
			return nil, fmt.Errorf("unknown suite %q: there are %s", s, strings.Join(Suites(), " and "))
		}
	}
	match, err := regexp.Compile(expr)
	if err != nil {
		return nil, fmt.Errorf("choose tests by %q: %w", expr, err)
	}
	var list []Scenario
	for _, s := range All() {
		if (len(suites) == 0 || slices.Contains(suites, s.Suite)) && match.MatchString(s.Name) {
			list = append(list, s)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("no test matches %q", expr)
	}
	return list, nil
}
