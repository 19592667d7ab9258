//go:build !unix

package sim

import "os"

// pollable is for systems whose pipes can be waited for without a thread.
func pollable(f *os.File) *os.File { return f }
