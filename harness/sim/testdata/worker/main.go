// Command worker is a simulation's worker and nothing else. It must never be
// used outside of the tests of package sim: they build it without the race
// detector, under which a trial takes ten times as long.
package main

import (
	"fmt"
	"os"

	"github.com/flakehunt/flakehunt/harness/sim"
)

func main() {
	sim.Main()
	fmt.Fprintln(os.Stderr, "this program serves as a worker only")
	os.Exit(2)
}
