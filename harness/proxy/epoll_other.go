//go:build !linux

package proxy

import (
	"errors"
	"sync"
)

// newEngine has nothing better to offer than goroutines here.
func newEngine(*core, *sync.WaitGroup) (engine, error) {
	return nil, errors.New("epoll needs Linux")
}
