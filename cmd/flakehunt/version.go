package main

import (
	"encoding/json"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/flakehunt/flakehunt/harness"
)

func newVersionCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version, and those of the formats it writes",
		Example: "  flakehunt version --json",
		RunE: func(*cobra.Command, []string) error {
			v := struct {
				Version  string `json:"version"`
				Go       string `json:"go"`
				Platform string `json:"platform"`
				Result   int    `json:"result_schema"`
				Schedule int    `json:"schedule_format"`
				Finding  int    `json:"finding_format"`
			}{toolVersion(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH,
				harness.ResultVersion, harness.ScheduleVersion, harness.FindingVersion}
			if a.json {
				e := json.NewEncoder(a.out)
				e.SetIndent("", "  ")
				return e.Encode(v)
			}
			_, err := fmt.Fprintf(a.out, "flakehunt %s (%s, %s)\n", v.Version, v.Go, v.Platform)
			return err
		},
	}
}
