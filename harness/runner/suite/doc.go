// Package suite runs the suites of other languages' test runners: it hands a
// small plugin of ours to the runner (vitest, pytest, …), and the plugin tells
// each test's beginning, end and outcome over the socket of package marks.
//
//	Runner ──► Adapter: argv, environment ──► the runner's processes
//	   ▲                                           │ plugin
//	   └── collector ◄── FLAKEHUNT_MARKS ◄─────────┘
//
// # What a plugin gets
//
//	FLAKEHUNT_MARKS   path of the socket
//	FLAKEHUNT_PLUGIN  directory that holds the adapter's files
//	FLAKEHUNT_ROOT    directory that the command runs in; names hold files relative to it
//	FLAKEHUNT_ONLY    file with a JSON list of test names; unset: all tests run
//	FLAKEHUNT_WARM    set: the one test may be run again, when the hunt says so
//
// # What it says
//
// One JSON object a line (marks.Event), and after each it waits for the answer
// "ok" before the runner goes on, so that boundaries on the wire are exact.
//
//	{"event":"hello","runner":"pytest","version":"7.2.1"}   once a process, as early as can be
//	{"event":"begin","id":…,…}     before the first of the test's own hooks (before each)
//	{"event":"attempt","id":…,"attempt":1,"message":…}   a failed attempt of a test that is run again
//	{"event":"end","id":…,"verdict":"pass|fail|skip|todo",…}  after the last of its hooks (after each)
//	{"event":"error","file":…,"titles":[…],"hook":…,"message":…}  what belongs to no test that is left to run
//	{"event":"again"}   the one test has ended, and can be run as in a new process
//
// The answer to again is "ok" and settings for the environment when there is
// another turn, which may take long, or "no" when there is none. A plugin asks only
// if nothing is left of the turn before: no module's state, connection or timer.
//
// A test that does not run (skipped, or failed by a hook before it) has an end
// without a begin. A verdict "container" is for what merely holds other tests.
// Tests that were deselected are not spoken of.
//
// The id is the test's name: unique in a run, the same in each, and found again
// by the plugin when FLAKEHUNT_ONLY lists it. It begins with the file relative
// to FLAKEHUNT_ROOT: "test/a.test.ts > suite > title", "tests/test_a.py::test_b[1]".
// Of equal ones the second is "… (2)". A file's own name in FLAKEHUNT_ONLY asks
// for all of its tests. classname, name and suite are as the runner's own JUnit
// reporter writes them. message is the assertion alone.
//
// # What becomes of it
//
// A test that failed and then passed by the runner's own retry has passed, with
// a warning; its window on the wire is the last attempt's, each of which has
// a begin. A failing hook fails the tests that it keeps from running; one that
// fails after them (after all) fails the last of them that ran. A file that
// cannot be loaded is a test of its own, named as the file, once other trials have
// shown that the suite works at all; before, it is a runner.Unusable.
//
// The package must never change a file of the user's, take a silent plugin for
// a pass, or make a test of the command itself.
package suite
