package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flakehunt/flakehunt/harness"
)

// The linker sets these in release builds.
var version = ""
var commit = ""
var date = ""

// build says from what a program was built. Commit and Date are empty where Go does
// not know them, as after go install MODULE@VERSION.
type build struct {
	Version, Commit, Date string
}

// builtFrom takes what the linker set, else what Go wrote into the program.
func builtFrom() build {
	b := build{version, commit, date}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	if b.Version == "" {
		b.Version = "0.2.0-dev"
		if v := info.Main.Version; v != "" && v != "(devel)" {
			b.Version = strings.TrimPrefix(v, "v")
		}
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && b.Commit == "":
			b.Commit = s.Value
		case s.Key == "vcs.time" && b.Date == "":
			b.Date = s.Value
		}
	}
	return b
}

// toolVersion is the version for people and files.
func toolVersion() string { return builtFrom().Version }

// String is a line: version, commit and date as far as they are known, Go, platform.
func (b build) String() string {
	var from []string
	if b.Commit != "" {
		from = append(from, fmt.Sprintf("%.12s", b.Commit))
	}
	if b.Date != "" {
		from = append(from, b.Date)
	}
	from = append(from, runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH)
	return b.Version + " (" + strings.Join(from, ", ") + ")"
}

func newVersionCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version, and those of the formats it writes",
		Example: "  flakehunt version --json",
		RunE: func(*cobra.Command, []string) error {
			b := builtFrom()
			v := struct {
				Version  string `json:"version"`
				Commit   string `json:"commit"`
				Date     string `json:"date"`
				Go       string `json:"go"`
				Platform string `json:"platform"`
				Result   int    `json:"result_schema"`
				Schedule int    `json:"schedule_format"`
				Finding  int    `json:"finding_format"`
			}{b.Version, b.Commit, b.Date, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH,
				harness.ResultVersion, harness.ScheduleVersion, harness.FindingVersion}
			if a.json {
				return a.printJSON(v)
			}
			_, err := fmt.Fprintf(a.out, "flakehunt %s\n", b)
			return err
		},
	}
}
