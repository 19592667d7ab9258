// Package shard divides trials among machines and joins what they found.
//
// It must never run a test or invent a count: what a merged result says of a
// test is computed from the trials themselves, as one machine would have.
package shard
