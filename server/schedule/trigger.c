/* trigger.c - see trigger.h. Everything is checked before the first row is written. */
#include "schedule/trigger.h"

#include "schedule/order.h"
#include "schedule/wish.h"

#include <stdlib.h>

static enum tide_rc put_commits(struct tide_store *store, const struct tide_wish *w, int64_t *ids,
                                struct tide_error *e)
{
    struct tide_commit_row *rows = calloc(w->selection.n + 1, sizeof *rows);
    if (!rows) return tide_fail(e, TIDE_NOMEM, "queue a batch");
    for (size_t i = 0; i < w->selection.n; i++) {
        const struct tide_commit *c = &w->selection.commits[i];
        rows[i] = (struct tide_commit_row){c->sha, c->subject, c->author, c->committed_ns};
    }
    enum tide_rc rc =
        tide_store_put_commits(store, w->catalog->project, rows, w->selection.n, ids, e);
    free(rows);
    return rc;
}

static enum tide_rc queue_runs(struct tide_store *store, const struct tide_wish *w,
                               const struct tide_cell_key *cells, const struct tide_cause *cause,
                               int64_t *batch, struct tide_error *e)
{
    struct tide_run_key *runs = NULL;
    size_t n = 0;
    enum tide_rc rc = tide_order_runs(w->samples, w->n_cells, w->seed, &runs, &n, e);
    const struct tide_batch_row row = {
        .cells = cells,
        .runs = runs,
        .n_cells = w->n_cells,
        .n_runs = n,
        .seed = w->seed,
        .retry_failed = w->retry_failed,
        .priority = w->priority,
        .reason = w->reason,
        .by = w->by,
        .cause = cause,
    };
    if (!rc) rc = tide_store_queue(store, &row, batch, e);
    free(runs);
    return rc;
}

static enum tide_rc queue_wish(struct tide_store *store, const struct tide_wish *w,
                               const struct tide_cause *cause, int64_t *batch, struct tide_error *e)
{
    int64_t *commits = calloc(w->selection.n + 1, sizeof *commits);
    struct tide_cell_key *cells = calloc(w->n_cells + 1, sizeof *cells);
    enum tide_rc rc;
    if (!commits || !cells) {
        rc = tide_fail(e, TIDE_NOMEM, "queue a batch");
        goto out;
    }
    rc = put_commits(store, w, commits, e);
    for (size_t i = 0; i < w->n_cells && !rc; i++) {
        const struct tide_wish_cell *c = &w->cells[i];
        cells[i] = (struct tide_cell_key){
            w->scenarios[c->scenario]->id,
            commits[c->commit],
            w->catalog->python_ids[w->pythons[c->python]],
            w->params[c->scenario],
            c->allocator,
            w->measure,
        };
    }
    if (!rc) rc = queue_runs(store, w, cells, cause, batch, e);
out:
    free(commits);
    free(cells);
    return rc;
}

enum tide_rc tide_trigger(const struct tide_catalog *c, struct tide_store *store,
                          const json_t *request, const struct tide_cause *cause, int64_t *batch,
                          struct tide_error *e)
{
    struct tide_wish w;
    enum tide_rc rc = tide_wish_make(c, store, request, &w, e);
    if (!rc) rc = queue_wish(store, &w, cause, batch, e);
    tide_wish_clear(&w);
    return rc;
}
