// Package investigate asks one question about one test: is this candidate the
// cause of a failure? It provokes the failure, confirms it, counters it, reduces
// its schedule and measures its margin, by aimed trials in a Lab.
//
// It must never know what a finding is, or decide which candidate comes next.
package investigate
