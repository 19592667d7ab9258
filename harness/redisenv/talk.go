package redisenv

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// Our own few commands go over plain connections: a pooled client would dial
// again behind our back, print to standard error, and survive its own CLIENT KILL.

// replyError is an error that Redis answered.
type replyError struct{ command, text string }

func (e *replyError) Error() string { return e.command + ": " + e.text }

// These bound what a reply may claim to hold, lest a server that is none makes us allocate it.
const (
	maxReply    = 16 << 20 // bytes of a value
	maxElements = 1 << 16  // of all lists of a reply together
	maxDepth    = 8
)

// errEndless is what a reply ends in that claims more than any that we ask for has.
var errEndless = fmt.Errorf("a reply of more than %d elements or %d MiB: is it a Redis that listens there?", maxElements, maxReply>>20)

// converse sends the commands in one write and reads their replies: string,
// int64, nil or []any. It stops at the first that is an error. No argument ever
// appears in an error: one may be a password.
func converse(ctx context.Context, c net.Conn, commands ...[]string) ([]any, error) {
	if len(commands) == 0 {
		return nil, nil
	}
	deadline := time.Now().Add(dialTimeout)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	if err := c.SetDeadline(deadline); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer func() {
		stop()
		_ = c.SetDeadline(time.Time{})
	}()

	var b strings.Builder
	for _, words := range commands {
		fmt.Fprintf(&b, "*%d\r\n", len(words))
		for _, w := range words {
			fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
		}
	}
	if _, err := io.WriteString(c, b.String()); err != nil {
		return nil, fmt.Errorf("%s: %w", commands[0][0], plainNetError(err))
	}
	r := bufio.NewReader(c)
	replies := make([]any, 0, len(commands))
	for _, words := range commands {
		v, err := (&replyReader{r, maxElements, maxReply}).read(maxDepth)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", words[0], plainNetError(err))
		}
		if text, bad := v.(error); bad {
			return nil, &replyError{command: words[0], text: text.Error()}
		}
		replies = append(replies, v)
	}
	return replies, nil
}

// replyReader reads one RESP2 reply within bounds.
type replyReader struct {
	r        *bufio.Reader
	elements int64 // that may still come
	bytes    int64
}

// read reads a value of at most so many levels; an error reply is a value of type
// error.
func (b *replyReader) read(depth int) (any, error) {
	line, err := b.r.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	text := strings.TrimRight(string(line), "\r\n")
	if text == "" {
		return nil, errors.New("not a Redis reply: an empty line")
	}
	kind, text := text[0], text[1:]
	switch kind {
	case '+':
		return text, nil
	case '-':
		return errors.New(text), nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || (kind != ':' && (n < -1 || n > maxReply)) {
		return nil, errors.New("not a Redis reply: is it a Redis that listens there?")
	}
	switch {
	case kind == ':':
		return n, nil
	case n == -1 && (kind == '$' || kind == '*'):
		return nil, nil
	case kind == '$':
		if b.bytes -= n; b.bytes < 0 {
			return nil, errEndless
		}
		p := make([]byte, n+2)
		if _, err := io.ReadFull(b.r, p); err != nil {
			return nil, err
		}
		return string(p[:n]), nil
	case kind == '*' && depth > 0:
		if b.elements -= n; b.elements < 0 {
			return nil, errEndless
		}
		var list []any
		for range n {
			v, err := b.read(depth - 1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	}
	return nil, errors.New("not a Redis reply: is it a Redis that listens there?")
}
