package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/history"
	"github.com/flakehunt/flakehunt/harness/rundir"
)

func newHistoryCmd(a *app) *cobra.Command {
	var out, test string
	var literal bool
	c := &cobra.Command{
		Use:   "history FINDING|FILE",
		Short: "Print what was on the wire of a failing run, frame by frame",
		Long: `Print the history of a failing run: a line for each frame, with when it came,
the connection, its point, its words, when it left and what was done to it.
Payloads are cut and credentials replaced as in reports.

FINDING is an ID such as F-1a2b3c4d, looked up in --out; FILE is a path, such as
one that trials.jsonl names, or text that this command has printed. The text is
what the tests of detectors read; --go prints the same as Go values.

` + exitHelp,
		Example: `  flakehunt history F-1a2b3c4d
  flakehunt history F-1a2b3c4d > harness/detect/testdata/order-commands/bad-new.txt
  flakehunt history flakehunt-out/findings/F-1a2b3c4d.history --go`,
		Args: oneFinding,
		RunE: func(c *cobra.Command, args []string) error {
			path := args[0]
			if strings.HasPrefix(path, "F-") && !strings.ContainsAny(path, `/\.`) {
				var err error
				if path, err = rundir.FindHistory(out, path); err != nil {
					return usagef("%w", err)
				}
			}
			list, cut, err := rundir.ReadHistory(path)
			if errors.Is(err, fs.ErrNotExist) {
				return usagef("no history %s: %s does not exist; a finding that was only predicted has none, nor has one that an earlier version wrote", args[0], path)
			}
			if err != nil {
				return usagef("history %s: %w", path, unwrapPath(err))
			}
			if cut {
				a.notef("%s ends in the middle: what follows is what can be read", path)
			}
			if test != "" {
				list = slices.DeleteFunc(list, func(r history.Recording) bool { return r.Outcome.Test.Name != test })
			}
			if len(list) == 0 {
				return usagef("history %s: it holds no test %q", path, test)
			}
			return printHistories(&a.printer, list, literal)
		},
	}
	c.Flags().StringVar(&out, "out", "flakehunt-out", "directory in which an ID is looked up")
	c.Flags().StringVar(&test, "test", "", "only this test's, of a file that holds several")
	c.Flags().BoolVar(&literal, "go", false, "print Go values, to be pasted into a detector's test")
	return c
}

// printHistories prints recordings in the form that was asked for.
func printHistories(p *printer, list []history.Recording, literal bool) error {
	if p.json {
		type recorded struct {
			Outcome harness.Outcome `json:"outcome"`
			Frames  []harness.Line  `json:"frames"`
		}
		var all []recorded
		for _, r := range list {
			all = append(all, recorded{r.Outcome, history.AllLines(r.Events)})
		}
		return p.printJSON(all)
	}
	form := history.Format
	if literal {
		form = history.Literal
	}
	for i, r := range list {
		if i > 0 {
			fmt.Fprintln(p.out)
		}
		if err := form(p.out, r); err != nil {
			return harnessError(err)
		}
	}
	return nil
}
