// Package resp finds the frames in the byte streams of the Redis serialization
// protocol, versions 2 and 3, in both directions, and decodes frames to words.
//
// Framing is streaming: a Framer is fed chunks as they were read, skips values
// by their length, keeps no more than the beginning of a frame, and allocates
// nothing while frames lie within chunks. The format is that of
// https://redis.io/docs/latest/develop/reference/protocol-spec/ and, for
// attributes and streamed types, https://github.com/redis/redis-specifications/blob/master/protocol/RESP3.md.
//
// The package must never do I/O, and must never trust a length: no number on
// the wire makes it allocate.
package resp
