// Package reports writes what a run found for people and for other programs:
// JUnit XML, one HTML page, Markdown, JSON, annotations and a terminal table.
//
// Every writer takes a harness.Result and a writer. The package must never
// change the result, decide a verdict, reach for the network, or trust a byte
// that a test printed.
package reports
