package redisenv

import (
	"context"

	"github.com/flakehunt/flakehunt/harness/redisenv/embedded"
)

// simProvider is the embedded Redis in memory, by the clock of the goroutines
// that use it: each testing/synctest bubble needs an instance of its own.
type simProvider struct{}

func (simProvider) Name() string                { return "sim" }
func (simProvider) Check(context.Context) error { return nil }

func (simProvider) Start(context.Context) (Instance, error) {
	e, err := embedded.InMemory()
	if err != nil {
		return nil, err
	}
	return e, nil
}
