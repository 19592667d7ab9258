package main

import "context"

func gaps(context.Context, options) error       { return nil }
func thresholds(context.Context, options) error { return nil }
func hardened(context.Context, options) error   { return nil }
func replays(context.Context, options) error    { return nil }
func verifies(context.Context, options) error   { return nil }
