// Package capture keeps what a program prints in bounded memory: the head and
// the tail of it, and the count of what lies between.
//
// It must never block its writer and never grow beyond its limits, however
// much is written or however long a line is.
package capture

import (
	"fmt"
	"io"
	"strings"
	"sync"
)

// Default limits of a Buffer, in bytes.
const (
	DefaultHead = 16 << 10
	DefaultTail = 48 << 10
)

// Buffer is an io.Writer that keeps the first Head and the last Tail bytes. The
// zero value keeps DefaultHead and DefaultTail; negative limits keep nothing.
// It is safe for concurrent use. The limits must not change after the first write.
type Buffer struct {
	Head, Tail int

	mu    sync.Mutex
	head  []byte
	tail  []byte // a ring once it has reached its limit
	at    int    // where the ring's oldest byte is
	total int64
}

// Write never fails and takes everything.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := len(p)
	b.total += int64(n)
	if room := limit(b.Head, DefaultHead) - len(b.head); room > 0 {
		k := min(room, len(p))
		b.head = append(b.head, p[:k]...)
		p = p[k:]
	}
	b.ring(p)
	return n, nil
}

// WriteString is Write for a string.
func (b *Buffer) WriteString(s string) (int, error) { return b.Write([]byte(s)) }

func (b *Buffer) ring(p []byte) {
	size := limit(b.Tail, DefaultTail)
	if size == 0 || len(p) == 0 {
		return
	}
	if len(p) >= size {
		b.tail = append(b.tail[:0], p[len(p)-size:]...)
		b.at = 0
		return
	}
	if room := size - len(b.tail); room > 0 {
		k := min(room, len(p))
		b.tail = append(b.tail, p[:k]...)
		p = p[k:]
	}
	for len(p) > 0 {
		k := copy(b.tail[b.at:], p)
		b.at = (b.at + k) % size
		p = p[k:]
	}
}

func limit(n, def int) int {
	if n == 0 {
		return def
	}
	return max(n, 0)
}

// Len is how many bytes were written in all.
func (b *Buffer) Len() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.total
}

// Cut is how many bytes were not kept.
func (b *Buffer) Cut() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.total - int64(len(b.head)+len(b.tail))
}

// String returns what was kept, with a line in place of what was not.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var s strings.Builder
	s.Write(b.head)
	if cut := b.total - int64(len(b.head)+len(b.tail)); cut > 0 {
		fmt.Fprintf(&s, "\n… %d bytes not kept …\n", cut)
	}
	s.Write(b.tail[b.at:])
	s.Write(b.tail[:b.at])
	return s.String()
}

// Take is String, and empties the buffer.
func (b *Buffer) Take() string {
	s := b.String()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.head, b.tail, b.at, b.total = nil, nil, 0, 0
	return s
}

var _ io.Writer = (*Buffer)(nil)
