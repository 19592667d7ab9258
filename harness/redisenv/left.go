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
	if v, err := r.ask(ctx, []string{"ACL", "LIST"}); err == nil {
		list, _ := v[0].([]any)
		for _, line := range list {
			text, _ := line.(string)
			s.users = append(s.users, text)
		}
	}
	return s
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
	if was.users == nil || now.users == nil {
		return errors.Join(errs...)
	}
	for _, line := range now.users {
		if name := userOf(line); !slices.ContainsFunc(was.users, func(l string) bool { return userOf(l) == name }) {
			do("users", "ACL", "DELUSER", name)
		}
	}
	for _, line := range was.users {
		if !slices.Contains(now.users, line) {
			words := strings.Fields(line) // user NAME RULE…
			rules := words[2:]
			if name := words[1]; name != "default" && name != r.opts.Username {
				do("users", "ACL", "DELUSER", name)
			} else {
				rules = append([]string{"reset"}, rules...) // it is in use
			}
			do("users", append([]string{"ACL", "SETUSER", words[1]}, rules...)...)
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
