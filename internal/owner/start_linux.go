package owner

import (
	"fmt"
	"os"
	"strings"
)

// StartTime is field 22 of /proc/PID/stat: when the process began, in ticks since
// boot. The fields are counted from the last parenthesis, since a command's name
// may hold blanks and parentheses. A process that has ended and was not waited for
// yet has none: it runs no more.
func StartTime(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	if len(f) > 19 && f[0] != "Z" && f[0] != "X" {
		return f[19]
	}
	return ""
}
