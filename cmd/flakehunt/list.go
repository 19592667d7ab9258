package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/scenarios"
)

func newListCmd(a *app) *cobra.Command {
	var runExpr string
	c := &cobra.Command{
		Use:   "list [smoke|integration]…",
		Short: "List the tests of the suites that ship with it, and what each can expose",
		Example: `  flakehunt list smoke
  flakehunt list --run kv --json`,
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			list, err := chooseScenarios(args, runExpr)
			if err != nil {
				return err
			}
			if a.json {
				type row struct {
					Name     string            `json:"name"`
					Suite    string            `json:"suite"`
					Category string            `json:"category"`
					File     string            `json:"file"`
					Line     int               `json:"line"`
					Exposes  []fixtures.Defect `json:"exposes"`
				}
				rows := make([]row, len(list))
				for i, s := range list {
					rows[i] = row{s.Name, s.Suite, s.Category, s.File, s.Line, s.Exposes}
				}
				return a.printJSON(rows)
			}
			w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
			last := ""
			for _, s := range list {
				if head := s.Suite + " · " + s.Category; head != last {
					if last != "" {
						fmt.Fprintln(w)
					}
					fmt.Fprintln(w, head)
					last = head
				}
				exposes := make([]string, len(s.Exposes))
				for i, d := range s.Exposes {
					exposes[i] = string(d)
				}
				fmt.Fprintf(w, "  %s\t%s\n", s.Name, strings.Join(exposes, ", "))
			}
			if err := w.Flush(); err != nil {
				return err
			}
			a.notef("\n%d tests", len(list))
			return nil
		},
	}
	c.Flags().StringVar(&runExpr, "run", "", "only tests whose name matches this regular expression")
	return c
}

// chooseScenarios returns the scenarios of the named suites (none: all) whose
// names match expr, or says how to name others.
func chooseScenarios(suites []string, expr string) ([]scenarios.Scenario, error) {
	if _, err := matcher(expr); err != nil {
		return nil, err
	}
	list, err := scenarios.Choose(suites, expr)
	if err != nil {
		return nil, usagef("%w; 'flakehunt list' names all tests, and for tests of your own there is 'flakehunt run -- COMMAND'", err)
	}
	return list, nil
}
