package redisenv

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// state is what of a Redis outlives a FLUSHDB. A part that the user may not read
// is nil, and is left alone. Cached scripts are not in it: they cannot be listed.
type state struct {
	settings  map[string]string
	functions *string
	users     []string // lines of ACL LIST
}

// take reads the state.
func (r *remote) take(ctx context.Context) state {
	var s state
	s.settings, _ = r.configGet(ctx)
	if v, err := r.ask(ctx, []string{"FUNCTION", "DUMP"}); err == nil {
		if dump, ok := v[0].(string); ok {
			s.functions = &dump
		}
	}
	s.users = r.aclUsers(ctx)
	return s
}

// aclUsers are lines of ACL LIST; nil: they may not be read.
func (r *remote) aclUsers(ctx context.Context) (users []string) {
	if v, err := r.ask(ctx, []string{"ACL", "LIST"}); err == nil {
		list, _ := v[0].([]any)
		for _, line := range list {
			text, _ := line.(string)
			users = append(users, text)
		}
	}
	return users
}

// putBack makes the state what it was: settings, functions and users that tests
// changed. Users come last, since our own right to do so may be among them.
func (r *remote) putBack(ctx context.Context, was state) error {
	now := r.take(ctx)
	var errs []error
	do := func(what string, command ...string) {
		if _, err := r.ask(ctx, command); err != nil {
			errs = append(errs, fmt.Errorf("put %s back: %w", what, err))
		}
	}
	for name, value := range was.settings {
		if is, ok := now.settings[name]; ok && is != value {
			do("the setting "+name, "CONFIG", "SET", name, value)
		}
	}
	if was.functions != nil && now.functions != nil && *was.functions != *now.functions {
		do("functions", "FUNCTION", "RESTORE", *was.functions, "FLUSH")
	}
	return errors.Join(append(errs, r.putUsersBack(ctx, was.users, now.users))...)
}

// putUsersBack makes the users, lines of ACL LIST, what they were. One that is in use
// is changed in place.
func (r *remote) putUsersBack(ctx context.Context, was, now []string) error {
	if was == nil || now == nil {
		return nil
	}
	var errs []error
	do := func(command ...string) {
		if _, err := r.ask(ctx, command); err != nil {
			errs = append(errs, fmt.Errorf("put users back: %w", err))
		}
	}
	for _, line := range now {
		if name := userOf(line); !slices.ContainsFunc(was, func(l string) bool { return userOf(l) == name }) {
			do("ACL", "DELUSER", name)
		}
	}
	for _, line := range was {
		if !slices.Contains(now, line) {
			words := strings.Fields(line) // user NAME RULE…
			rules := words[2:]
			if name := words[1]; name != "default" && name != r.opts.Username {
				do("ACL", "DELUSER", name)
			} else {
				rules = append([]string{"reset"}, rules...) // it is in use
			}
			do(append([]string{"ACL", "SETUSER", words[1]}, rules...)...)
		}
	}
	return errors.Join(errs...)
}

// userOf is the name in a line of ACL LIST.
func userOf(line string) string {
	if words := strings.Fields(line); len(words) > 1 {
		return words[1]
	}
	return ""
}
