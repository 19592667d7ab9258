// Package minimize makes a failing input smaller: fewer parts by delta
// debugging, smaller numbers by bisection, under an oracle that may be noisy.
//
// It must never know what the parts are: no Redis, no schedules, no clock.
package minimize

import (
	"context"
	"errors"
)

// Oracle reports whether the input still fails. An error means that it could
// not be asked; the search then ends with what it has.
type Oracle[T any] func(ctx context.Context, input []T) (fails bool, err error)

// ErrPasses is returned when the whole input does not fail: there is nothing to
// minimise.
var ErrPasses = errors.New("the input that is to be minimised does not fail")

// ErrBudget ends a search that has asked as often as it may.
var ErrBudget = errors.New("the number of tests allowed is used up")

// Config bounds a search; the zero value does not.
type Config struct {
	Budget int  // how often the oracle may be asked; 0: as often as it takes
	Sure   bool // the whole input is known to fail: do not ask for it again
}

// counter counts the questions.
type counter struct{ left, asked int }

func newCounter(budget int) *counter {
	if budget <= 0 {
		budget = -1
	}
	return &counter{left: budget}
}

// take counts one question, or refuses it.
func (c *counter) take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.left == 0 {
		return ErrBudget
	}
	c.left--
	c.asked++
	return nil
}
