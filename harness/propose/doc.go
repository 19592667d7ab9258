// Package propose says what to try next on a test: what its histories contrast,
// which single frame or undirected arm. All of it is told from the log and from
// what was tried before.
//
// It must never run a trial, or judge what one showed.
package propose
