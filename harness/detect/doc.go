// Package detect says from the recorded history of one test what went wrong:
// one file a class of cause, each a pure function, each with recorded histories
// in testdata that it must and must not match.
//
// It must never do I/O, ask the clock, or keep state: a verdict can be had
// again from a saved history. What it says is a suspicion; a cause is proven by
// provocation and counterfactual, which is the hunt's work.
package detect
