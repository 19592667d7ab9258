package proxy

import "time"

// awaiting is a request whose reply has not come.
type awaiting struct {
	g      *group
	run    *run
	seq    uint64
	in     time.Duration // when it arrived
	n      int
	left   int // confirmations to come, -1: one for each subscription of the kind; other requests: 1
	cmd    *command
	queued bool // within MULTI, the reply is +QUEUED; it has none of the command's effects
	hides  bool // the reply may hold a credential
	subs   bool // EXEC: a SUBSCRIBE is among what it runs
}

// awaitQueue is a first-in, first-out ring: replies come in the order of their
// requests.
type awaitQueue struct {
	ring []awaiting
	head int
	n    int
}

func (q *awaitQueue) len() int { return q.n }

func (q *awaitQueue) at(i int) *awaiting { return &q.ring[(q.head+i)&(len(q.ring)-1)] }

func (q *awaitQueue) front() *awaiting {
	if q.n == 0 {
		return nil
	}
	return &q.ring[q.head]
}

func (q *awaitQueue) push(a awaiting) {
	if q.n == len(q.ring) {
		bigger := make([]awaiting, max(8, 2*len(q.ring)))
		for i := range q.n {
			bigger[i] = *q.at(i)
		}
		q.ring, q.head = bigger, 0
	}
	q.ring[(q.head+q.n)&(len(q.ring)-1)] = a
	q.n++
}

func (q *awaitQueue) pop() {
	q.ring[q.head] = awaiting{}
	q.head = (q.head + 1) & (len(q.ring) - 1)
	if q.n--; q.n == 0 && len(q.ring) > 1<<10 {
		*q = awaitQueue{}
	}
}
