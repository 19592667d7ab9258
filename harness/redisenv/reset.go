package redisenv

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// owned is a remote that is ours alone, with the settings and users it had at the start.
type owned struct {
	*remote
	settings map[string]string
	users    []string // lines of ACL LIST; nil: it knows no users
}

// own takes note of the settings and users, to which reset goes back.
func own(ctx context.Context, r *remote) (*owned, error) {
	settings, err := r.configGet(ctx)
	if err != nil {
		return nil, err
	}
	r.know(ctx)
	return &owned{remote: r, settings: settings, users: r.aclUsers(ctx)}, nil
}

// reset makes the Redis as new. The clients go first, so that none of them can
// write after the flush.
func (o *owned) reset(ctx context.Context) error {
	o.conns.Drop()
	if _, err := o.ask(ctx,
		[]string{"CLIENT", "UNPAUSE"},
		[]string{"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"},
		[]string{"CLIENT", "KILL", "TYPE", "pubsub", "SKIPME", "yes"},
		[]string{"FLUSHALL"},
		[]string{"SCRIPT", "FLUSH"},
	); err != nil {
		return fmt.Errorf("reset: %w", err)
	}
	var no *replyError
	_, err := o.ask(ctx, []string{"FUNCTION", "FLUSH"})
	if err != nil && !(errors.As(err, &no) && strings.Contains(no.text, "unknown command")) { // before 7.0
		return fmt.Errorf("reset: %w", err)
	}
	if err := o.restoreSettings(ctx); err != nil {
		return err
	}
	if o.users == nil {
		return nil
	}
	if err := o.putUsersBack(ctx, o.users, o.aclUsers(ctx)); err != nil {
		return fmt.Errorf("reset: %w", err)
	}
	return nil
}

// restoreSettings undoes what a test changed by CONFIG SET.
func (o *owned) restoreSettings(ctx context.Context) error {
	now, err := o.configGet(ctx)
	if err != nil {
		return fmt.Errorf("reset: %w", err)
	}
	for name, value := range o.settings {
		if now[name] == value {
			continue
		}
		if _, err := o.ask(ctx, []string{"CONFIG", "SET", name, value}); err != nil {
			return fmt.Errorf("reset: put %s back: %w", name, err)
		}
	}
	return nil
}

func (r *remote) configGet(ctx context.Context) (map[string]string, error) {
	replies, err := r.ask(ctx, []string{"CONFIG", "GET", "*"})
	if err != nil {
		return nil, err
	}
	list, _ := replies[0].([]any)
	settings := make(map[string]string, len(list)/2)
	for i := 0; i+1 < len(list); i += 2 {
		name, _ := list[i].(string)
		settings[name], _ = list[i+1].(string)
	}
	return settings, nil
}
