package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/flakehunt/flakehunt/harness/rundir"
)

func newManCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "man DIR",
		Short:   "Write man pages, one a command",
		Hidden:  true, // it is for those who package flakehunt
		Example: "  flakehunt man share/man/man1",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("man: want the directory to write to, as in 'flakehunt man share/man/man1'")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return usagef("man %s: %w", args[0], unwrapPath(err))
			}
			root := c.Root()
			for _, cmd := range append([]*cobra.Command{root}, root.Commands()...) {
				if cmd.Hidden || cmd.Name() == "help" {
					continue
				}
				file := filepath.Join(args[0], strings.ReplaceAll(cmd.CommandPath(), " ", "-")+".1")
				if err := rundir.WriteWhole(file, []byte(manPage(cmd))); err != nil {
					return harnessError(fmt.Errorf("write %s: %w", file, err))
				}
				a.notef("written: %s", file)
			}
			return nil
		},
	}
}

// manPage is a command's help in roff.
func manPage(c *cobra.Command) string {
	var b strings.Builder
	name := strings.ReplaceAll(c.CommandPath(), " ", "-")
	fmt.Fprintf(&b, ".TH %s 1 \"\" \"flakehunt %s\"\n.SH NAME\n%s \\- %s\n.SH SYNOPSIS\n.B %s\n.SH DESCRIPTION\n.nf\n%s\n.fi\n",
		strings.ToUpper(roff(name)), roff(toolVersion()), roff(name), roff(c.Short), roff(c.UseLine()), roff(c.Long))
	if c.HasExample() {
		fmt.Fprintf(&b, ".SH EXAMPLES\n.nf\n%s\n.fi\n", roff(c.Example))
	}
	b.WriteString(".SH OPTIONS\n")
	each := func(f *pflag.Flag) {
		short := ""
		if f.Shorthand != "" {
			short = "-" + f.Shorthand + ", "
		}
		value, usage := pflag.UnquoteUsage(f)
		fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(strings.TrimSpace(short+"--"+f.Name+" "+value)), roff(usage))
	}
	c.NonInheritedFlags().VisitAll(each)
	c.InheritedFlags().VisitAll(each)
	return b.String()
}

// roff escapes text: backslashes, hyphens, and dots and quotes that begin a line.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}
