// Package hunt is the loop: survey, predict, provoke, confirm, reduce, explain.
// It is the only package that knows the order in which the parts work together.
//
// It must never parse RESP, talk to Redis itself, or write a report.
package hunt
