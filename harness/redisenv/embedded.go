package redisenv

import (
	"context"

	"github.com/flakehunt/flakehunt/harness/redisenv/embedded"
)

// embeddedProvider serves miniredis in this process on a loopback port. It
// needs nothing installed.
type embeddedProvider struct{}

func (embeddedProvider) Name() string                { return "embedded" }
func (embeddedProvider) Check(context.Context) error { return nil }

func (embeddedProvider) Start(context.Context) (Instance, error) {
	e, err := embedded.Listen()
	if err != nil {
		return nil, err
	}
	return e, nil
}
