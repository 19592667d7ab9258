package owner

import "os"

// StartTime is not known.
func StartTime(int) string { return "" }

// gone reports whether no process has this number.
func gone(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return true
	}
	_ = p.Release()
	return false
}
