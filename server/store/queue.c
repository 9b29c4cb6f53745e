/* queue.c - batches and their runs: queued, claimed, ended. The queue is the rows themselves. */
#include "store/internal.h"

#include "base/clock.h"

#include <stdlib.h>

static enum tide_rc put_cell(sqlite3 *db, const struct tide_cell_key *c, int64_t *id,
                             struct tide_error *e)
{
    return tide_sql_integer(
        db, id, e,
        "INSERT INTO cells (scenario, params, commit_id, python, allocator, measure)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET params = ?2 RETURNING id",
        "itiitt", c->scenario, c->params, c->commit, c->python, c->allocator, c->measure);
}

static enum tide_rc put_batch(sqlite3 *db, const struct tide_batch_row *b, int64_t *ids,
                              int64_t *batch, struct tide_error *e)
{
    int64_t now = tide_clock_unix_ns();
    enum tide_rc rc = tide_sql_integer(
        db, batch, e,
        "INSERT INTO batches (queued_ns, seed, retry_failed, priority, reason, asked_by)"
        " VALUES (?, ?, ?, ?, coalesce(?, 'rest'), ?) RETURNING id",
        "iniitt", now, b->seed, (int64_t)b->retry_failed, b->priority, b->reason, b->by);
    for (size_t i = 0; i < b->n_cells && !rc; i++)
        rc = put_cell(db, &b->cells[i], &ids[i], e);
    for (size_t i = 0; i < b->n_runs && !rc; i++)
        rc = tide_sql_do(db, e,
                         "INSERT INTO runs (batch, cell, sample, status, queued_ns)"
                         " VALUES (?, ?, ?, 'queued', ?)",
                         "iiii", *batch, ids[b->runs[i].cell], (int64_t)b->runs[i].sample, now);
    return rc;
}

/* Within a transaction. */
static enum tide_rc settle(struct tide_store *s, const struct tide_cause *c, int64_t batch,
                           struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    if (!c) return TIDE_OK;
    if (c->trigger) rc = tide_store_serve_trigger(s, c->trigger, batch, NULL, e);
    if (!rc && c->change)
        rc = tide_sql_do(s->writer, e, "UPDATE changes SET batch = ? WHERE id = ?", "ii", batch,
                         c->change);
    if (!rc && c->bisect)
        rc = tide_sql_do(s->writer, e, "UPDATE bisects SET batch = ? WHERE id = ?", "ii", batch,
                         c->bisect);
    return rc;
}

enum tide_rc tide_store_queue(struct tide_store *s, const struct tide_batch_row *b, int64_t *batch,
                              struct tide_error *e)
{
    int64_t *ids = calloc(b->n_cells + 1, sizeof *ids);
    if (!ids) return tide_fail(e, TIDE_NOMEM, "queue a batch");
    enum tide_rc rc = tide_store_begin(s, e);
    if (!rc) {
        rc = put_batch(s->writer, b, ids, batch, e);
        if (!rc) rc = settle(s, b->cause, *batch, e);
        if (!rc) rc = tide_store_mark_queued(s, *batch, e);
        rc = tide_store_commit(s, rc, e);
    }
    free(ids);
    return rc;
}

static enum tide_rc read_job(sqlite3 *db, int64_t run, struct tide_job *job, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    enum tide_rc rc = tide_sql_prepare(
        db, &q, e,
        "SELECT r.id, r.batch, c.id, y.id, p.name, p.repo, c.sha, y.identity, s.name, s.file,"
        " s.description ->> 'module', l.params, l.allocator, l.measure ->> 'recording',"
        " l.measure ->> 'precision', l.measure ->> 'threshold', l.measure ->> 'bound',"
        " l.measure ->> 'interval_us', s.description ->> 'timeout_s',"
        " max(iif(a.retry_failed, a.queued_ns, 0), r.retry_ns)"
        " FROM runs r JOIN batches a ON a.id = r.batch JOIN cells l ON l.id = r.cell"
        " JOIN commits c ON c.id = l.commit_id JOIN pythons y ON y.id = l.python JOIN scenarios s "
        "ON s.id = l.scenario"
        " JOIN projects p ON p.id = s.project WHERE r.id = ?",
        "i", run);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) {
        char **texts[] = {&job->project,   &job->repo,      &job->sha,      &job->python_identity,
                          &job->scenario,  &job->file,      &job->module,   &job->params,
                          &job->allocator, &job->recording, &job->precision};
        const int n_texts = sizeof texts / sizeof *texts;
        job->run = sqlite3_column_int64(q, 0);
        job->batch = sqlite3_column_int64(q, 1);
        job->commit = sqlite3_column_int64(q, 2);
        job->python = sqlite3_column_int64(q, 3);
        job->threshold = sqlite3_column_int64(q, 4 + n_texts);
        job->bound = sqlite3_column_int64(q, 5 + n_texts);
        job->interval_us = sqlite3_column_int64(q, 6 + n_texts);
        job->deadline_s = sqlite3_column_int64(q, 7 + n_texts);
        job->retry_ns = sqlite3_column_int64(q, 8 + n_texts);
        for (int i = 0; i < n_texts && !rc; i++) {
            *texts[i] = tide_sql_text(q, 4 + i);
            if (!*texts[i]) rc = tide_fail(e, TIDE_NOMEM, "read a run from the queue");
        }
    }
    sqlite3_finalize(q);
    return rc;
}

enum tide_rc tide_store_claim(struct tide_store *s, int64_t run, struct tide_job *job,
                              struct tide_error *e)
{
    int64_t claimed = 0;
    *job = (struct tide_job){0};
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc =
        tide_sql_integer(s->writer, &claimed, e,
                         "UPDATE runs SET status = 'building', waiting = NULL"
                         " WHERE status = 'queued' AND id ="
                         " iif(?1, ?1, (SELECT id FROM (" TIDE_QUEUE_SQL ") LIMIT 1)) RETURNING id",
                         "i", run);
    if (!rc) rc = read_job(s->writer, claimed, job, e);
    if (rc == TIDE_ABSENT) tide_fail(e, rc, run ? "the run is not queued" : "the queue is empty");
    rc = tide_store_commit(s, rc, e);
    if (rc) tide_job_clear(job);
    return rc;
}

enum tide_rc tide_store_upcoming(struct tide_store *s, size_t window, size_t most,
                                 struct tide_job *jobs, size_t *n, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    *n = 0;
    enum tide_rc rc = tide_sql_prepare(
        db, &q, e,
        "SELECT q.id, min(q.place) FROM"
        " (SELECT id, cell, row_number() OVER () AS place FROM (" TIDE_QUEUE_SQL " LIMIT ?1)) q"
        " JOIN cells l ON l.id = q.cell GROUP BY l.commit_id, l.python"
        " ORDER BY min(q.place) LIMIT ?2",
        "ii", (int64_t)window, (int64_t)most);
    while (!rc && (rc = tide_sql_step(q, e)) == TIDE_OK) {
        struct tide_job *job = &jobs[(*n)++];
        *job = (struct tide_job){0};
        rc = read_job(db, sqlite3_column_int64(q, 0), job, e);
    }
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc == TIDE_ABSENT ? TIDE_OK : rc;
}

void tide_job_clear(struct tide_job *job)
{
    free(job->project);
    free(job->repo);
    free(job->sha);
    free(job->python_identity);
    free(job->scenario);
    free(job->file);
    free(job->module);
    free(job->params);
    free(job->allocator);
    free(job->recording);
    free(job->precision);
    *job = (struct tide_job){0};
}

/* One statement in a transaction of its own. */
#define UPDATE(s, e, ...)                                 \
    do {                                                  \
        enum tide_rc rc_ = tide_store_begin((s), (e));    \
        if (rc_) return rc_;                              \
        rc_ = tide_sql_do((s)->writer, (e), __VA_ARGS__); \
        return tide_store_commit((s), rc_, (e));          \
    } while (0)

enum tide_rc tide_store_set_build(struct tide_store *s, int64_t run, int64_t build,
                                  struct tide_error *e)
{
    UPDATE(s, e, "UPDATE runs SET build = ? WHERE id = ?", "ii", build, run);
}

enum tide_rc tide_store_set_running(struct tide_store *s, int64_t run, struct tide_error *e)
{
    int64_t now = tide_clock_unix_ns();
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc =
        tide_sql_do(s->writer, e, "UPDATE runs SET status = 'running', started_ns = ? WHERE id = ?",
                    "ii", now, run);
    if (!rc)
        rc = tide_sql_do(s->writer, e,
                         "UPDATE builds SET used_ns = ?"
                         " WHERE id = (SELECT build FROM runs WHERE id = ?)",
                         "ii", now, run);
    return tide_store_commit(s, rc, e);
}

enum tide_rc tide_store_set_percent(struct tide_store *s, int64_t run, int percent,
                                    struct tide_error *e)
{
    UPDATE(s, e, "UPDATE runs SET percent = ? WHERE id = ?", "ii", (int64_t)percent, run);
}

static enum tide_rc write_outcome(sqlite3 *db, int64_t run, const struct tide_outcome *o,
                                  const void *log, size_t log_size, struct tide_error *e)
{
    return tide_sql_do(
        db, e,
        "UPDATE runs SET status = ?2, outside = ?19, error = ?3, percent = iif(?3 IS NULL, 100, "
        "percent),"
        " finished_ns = ?4, base = ?5, original = ?6, tide_mark = ?7, end = ?8,"
        " floor = ?9, wall_ns = ?10, cpu_ns = ?11, events = ?12, samples = ?13,"
        " missed_ticks = ?14, expected = ?15, environment = ?16, exit = ?17, log = ?18,"
        " page_faults = ?20, leak = ?21"
        " WHERE id = ?1",
        "ittinnnnnnnnnntttbinr", run,
        o->cancelled ? "cancelled"
        : o->error   ? "failed"
                     : "done",
        o->error, tide_clock_unix_ns(), o->base, o->original, o->tide_mark, o->end, o->floor,
        o->wall_ns, o->cpu_ns, o->events, o->samples, o->missed_ticks, o->expected, o->environment,
        o->exit, log, log_size, (int64_t)o->outside, o->page_faults, o->leak);
}

static enum tide_rc close_batch(sqlite3 *db, int64_t run, bool *done, struct tide_error *e)
{
    enum tide_rc rc =
        tide_sql_do(db, e,
                    "UPDATE batches SET finished_ns = ?1, tell = EXISTS (SELECT 1 FROM runs"
                    "  WHERE batch = batches.id AND status = 'failed') WHERE id = (SELECT batch "
                    "FROM runs WHERE id = ?2)"
                    " AND NOT EXISTS (SELECT 1 FROM runs WHERE batch = batches.id"
                    " AND status IN ('queued', 'building', 'running'))",
                    "ii", tide_clock_unix_ns(), run);
    *done = !rc && sqlite3_changes(db) > 0;
    return rc;
}

enum tide_rc tide_store_end_run(struct tide_store *s, int64_t run, const struct tide_outcome *o,
                                bool *batch_done, struct tide_error *e)
{
    void *log = NULL;
    size_t log_size = 0;
    *batch_done = false;
    enum tide_rc rc = tide_log_pack(o->log ? o->log : "", o->log_size, &log, &log_size, e);
    if (rc) return rc;
    rc = tide_store_begin(s, e);
    if (!rc) {
        rc = write_outcome(s->writer, run, o, log, log_size, e);
        if (!rc) rc = tide_store_summarise(s->writer, run, e);
        if (!rc) rc = close_batch(s->writer, run, batch_done, e);
        rc = tide_store_commit(s, rc, e);
    }
    free(log);
    return rc;
}
