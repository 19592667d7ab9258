//go:build !unix

package sim

import "os"

// pollable leaves f as it is: here a worker is slower by what a blocked read
// costs it.
func pollable(f *os.File) *os.File { return f }
