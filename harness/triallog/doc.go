// Package triallog holds the trials of a hunt and the newest histories of each
// test. It only grows; others read it through views.
//
// It must never run a trial, or decide which comes next.
package triallog
