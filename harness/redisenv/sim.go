package redisenv

import "context"

// simProvider is the embedded Redis without a listener: all is in memory and
// by the clock of the goroutines that use it, so an instance that is started,
// used and closed within a testing/synctest bubble lives in the bubble's
// virtual time. Each bubble needs an instance of its own.
type simProvider struct{}

func (simProvider) Name() string                { return "sim" }
func (simProvider) Check(context.Context) error { return nil }

func (simProvider) Start(context.Context) (Instance, error) {
	e := &embedded{}
	if err := e.fresh(); err != nil {
		return nil, err
	}
	return e, nil
}
