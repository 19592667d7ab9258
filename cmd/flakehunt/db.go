package main

import (
	"context"
	"errors"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/hunt"
	"github.com/flakehunt/flakehunt/harness/store"
	"github.com/flakehunt/flakehunt/harness/trend"
	"github.com/flakehunt/flakehunt/reports"
)

// database is the history that --db names, or nothing.
type database struct {
	say     *messages
	path    string
	store   *store.Store
	ranking *store.Ranking
}

// openDB opens the history, and makes it if need be; an empty path opens none.
func openDB(ctx context.Context, say *messages, path string) (*database, error) {
	d := &database{say: say, path: path}
	if path == "" {
		return d, nil
	}
	var err error
	if d.store, err = store.Open(ctx, path); err != nil {
		return nil, usagef("--db %s: %w", path, err)
	}
	if d.ranking, err = d.store.Ranking(ctx); err != nil {
		return nil, errors.Join(harnessError(err), d.store.Close())
	}
	return d, nil
}

// learned is what earlier runs taught, nil without a history.
func (d *database) learned() hunt.Ranking {
	if d.ranking == nil {
		return nil
	}
	return d.ranking
}

// record keeps a result and what its hunt taught.
func (d *database) record(ctx context.Context, r *harness.Result) error {
	if d.store == nil {
		return nil
	}
	_, err := d.store.Record(ctx, r, trend.MetaOf(r.Meta))
	if err = errors.Join(err, d.ranking.Save(ctx)); err != nil {
		return harnessError(err)
	}
	d.say.notef("recorded in %s", d.path)
	return nil
}

func (d *database) close() {
	if d.store != nil {
		_ = d.store.Close()
	}
}

// past gives what runs like this one said before it, nil without a history.
func (d *database) past(ctx context.Context, r *harness.Result) (*trend.History, error) {
	if d.store == nil {
		return nil, nil
	}
	conditions := trend.ConditionsOf(r)
	h, err := d.store.History(ctx, store.Query{
		Conditions: &conditions, Last: reports.PastRuns, Except: []string{store.RunID(r, trend.MetaOf(r.Meta))},
	})
	if err != nil {
		return nil, harnessError(err)
	}
	return h, nil
}

// withPast has reports tell the past too; h may be nil.
func withPast(o reports.Options, h *trend.History) reports.Options {
	if h != nil {
		o.Past, o.Trend = h, reports.TrendOf(h)
	}
	return o
}
