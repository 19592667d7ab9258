//go:build unix && !linux

package owner

import (
	"os/exec"
	"strconv"
	"strings"
)

// StartTime asks ps, which every Unix has.
func StartTime(pid int) string {
	out, err := exec.Command("ps", "-o", "lstart=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return ""
	}
	return strings.NewReplacer(" ", "", ":", "").Replace(strings.TrimSpace(string(out)))
}
