/* resources.c - the resources of the REST interface (docs/API.md), one query each.
 *
 * SQLite makes the JSON, so the shape of a resource stands in its query and nowhere else. */
#include "store/internal.h"
#include "store/triggers.h"

#include "base/clock.h"
#include "store/lists.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define LOG_CEILING (16u << 20)

/* A run as lists and the event stream show it; needs the joins of RUN_FROM. */
#define RUN_FIELDS                                                                          \
    "'id', r.id, 'batch', r.batch, 'cell', r.cell, 'project', p.name,"                      \
    " 'commit', json_object('sha', c.sha, 'subject', c.subject),"                           \
    " 'python', json_object('id', y.id, 'name', y.name),"                                   \
    " 'scenario', s.name, 'params', json(l.params), 'allocator', l.allocator,"              \
    " 'measure', json(l.measure), 'sample', r.sample,"                                      \
    " 'status', r.status, 'percent', r.percent, 'queued_ns', r.queued_ns,"                  \
    " 'started_ns', r.started_ns, 'finished_ns', r.finished_ns,"                            \
    " 'build', json(iif(b.id IS NULL, NULL, json_object('id', b.id, 'status', b.status)))," \
    " 'base', r.base, 'original', r.original, 'tide_mark', r.tide_mark, 'end', r.end,"      \
    " 'floor', r.floor, 'wall_ns', r.wall_ns, 'cpu_ns', r.cpu_ns,"                          \
    " 'page_faults', r.page_faults, 'leak', r.leak, 'error', r.error,"                      \
    " 'attempt', r.attempt, 'waiting', r.waiting,"                                          \
    " 'outside', json(iif(r.outside, 'true', 'false')),"                                    \
    " 'imported', json(iif(r.imported, 'true', 'false'))"
#define RUN_FROM                                                                      \
    " FROM runs r JOIN cells l ON l.id = r.cell JOIN commits c ON c.id = l.commit_id" \
    " JOIN pythons y ON y.id = l.python JOIN scenarios s ON s.id = l.scenario"        \
    " JOIN projects p ON p.id = s.project LEFT JOIN builds b ON b.id = r.build"

#define BATCH_QUERY                                                                              \
    "SELECT json_object('id', id, 'project', (SELECT p.name FROM runs r JOIN cells l ON l.id = " \
    "r.cell"                                                                                     \
    "  JOIN scenarios s ON s.id = l.scenario JOIN projects p ON p.id = s.project"                \
    "  WHERE r.batch = q.id LIMIT 1), 'status', iif(finished_ns IS NOT NULL, 'done',"            \
    "  iif(building + running + ended > 0, 'running', 'queued')),"                               \
    " 'queued_ns', queued_ns, 'finished_ns', finished_ns, 'seed', seed,"                         \
    " 'retry_failed', json(iif(retry_failed, 'true', 'false')),"                                 \
    " 'priority', priority, 'reason', reason, 'by', asked_by,"                                   \
    " 'runs', runs, 'queued', queued, 'building', building, 'running', running,"                 \
    " 'done', done, 'failed', failed, 'cancelled', cancelled,"                                   \
    " 'percent', iif(runs = 0, 100, share / runs),"                                              \
    " 'eta_ns', iif(ended > 0 AND finished_ns IS NULL,"                                          \
    "   (?1 - started_ns) / ended * (runs - ended), NULL))"                                      \
    " FROM (SELECT b.*, count(r.id) AS runs,"                                                    \
    "  sum(r.status = 'queued') AS queued, sum(r.status = 'building') AS building,"              \
    "  sum(r.status = 'running') AS running, sum(r.status = 'done') AS done,"                    \
    "  sum(r.status = 'failed') AS failed, sum(r.status = 'cancelled') AS cancelled,"            \
    "  sum(r.status IN ('done', 'failed', 'cancelled')) AS ended,"                               \
    "  sum(iif(r.status IN ('failed', 'cancelled'), 100, r.percent)) AS share,"                  \
    "  min(r.started_ns) AS started_ns FROM batches b LEFT JOIN runs r ON r.batch = b.id"

enum tide_rc tide_store_put_one(struct tide_store *s, const char *what, int64_t id,
                                struct tide_str *out, struct tide_error *e, const char *sql,
                                const char *types, ...)
{
    sqlite3_stmt *q = NULL;
    va_list values;
    sqlite3 *db = tide_store_lend(s);
    va_start(values, types);
    enum tide_rc rc = tide_sql_prepare_list(db, &q, e, sql, types, &values);
    va_end(values);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) tide_str_put(out, (const char *)sqlite3_column_text(q, 0));
    if (rc == TIDE_ABSENT) tide_fail(e, rc, "no %s %lld", what, (long long)id);
    if (!rc && out->failed) rc = tide_fail(e, TIDE_NOMEM, "answer with a %s", what);
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc;
}

/* The conditions of a filter on what it tells of a cell `l`; ?3 to ?6 as in tide_store_runs_json.
 * The + keeps SQLite from gathering the rows by an index and sorting them all: they are walked in
 * the order of the list until a page is full. */
static void put_cell_conditions(const struct tide_run_filter *f, struct tide_str *sql)
{
    if (f->python) tide_str_put(sql, " AND +l.python IN (SELECT id FROM pythons WHERE name = ?4)");
    if (f->scenario || f->project)
        tide_str_put(sql, " AND +l.scenario IN (SELECT s.id FROM scenarios s"
                          " JOIN projects p ON p.id = s.project WHERE"
                          " (?5 IS NULL OR s.name = ?5) AND (?6 IS NULL OR p.name = ?6))");
}

/* Whether any cell can be of the filter's names: else all runs would be looked at in vain. */
static enum tide_rc is_any(struct tide_store *s, const struct tide_run_filter *f, bool *any,
                           struct tide_error *e)
{
    struct tide_str sql = {0};
    int64_t found = 0;
    *any = true;
    if (!f->commit && !f->python && !f->scenario && !f->project) return TIDE_OK;
    tide_str_put(&sql, "SELECT (?3 IS NULL OR EXISTS (SELECT 1 FROM commits WHERE"
                       " substr(sha, 1, length(?3)) = ?3)) AND"
                       " EXISTS (SELECT 1 FROM series l WHERE true");
    put_cell_conditions(f, &sql);
    tide_str_put(&sql, ") FROM (SELECT ?1, ?2, ?4, ?5, ?6)");
    sqlite3 *db = tide_store_lend(s);
    enum tide_rc rc = sql.failed
                          ? tide_fail(e, TIDE_NOMEM, "list the runs")
                          : tide_sql_integer(db, &found, e, sql.at, "ittttt", f->batch, f->status,
                                             f->commit, f->python, f->scenario, f->project);
    tide_store_give(s, db);
    tide_str_free(&sql);
    *any = found;
    return rc == TIDE_ABSENT ? TIDE_OK : rc;
}

/* As the index of unfinished runs says it, which is used only then. */
#define UNFINISHED " AND r.status IN ('queued', 'building', 'running')"

/* Which runs are listed. A status is written out where an index holds those that have it. */
static void put_pick(const struct tide_run_filter *f, bool any, struct tide_str *sql)
{
    static const struct {
        const char *status, *condition;
    } indexed[] = {
        {"queued", UNFINISHED " AND r.status = 'queued'"},
        {"building", UNFINISHED " AND r.status = 'building'"},
        {"running", UNFINISHED " AND r.status = 'running'"},
        {"failed", " AND r.status = 'failed'"},
        {"cancelled", " AND r.status = 'cancelled'"},
    };
    bool sorted = f->page.sort && strstr(f->page.sort, "scenario");
    tide_str_put(sql, "FROM runs r");
    if (f->python || f->scenario || f->project || sorted)
        tide_str_put(sql, " CROSS JOIN cells l ON l.id = r.cell");
    if (sorted) tide_str_put(sql, " CROSS JOIN scenarios s ON s.id = l.scenario");
    tide_str_put(sql, any ? " WHERE true" : " WHERE false");
    if (f->batch) tide_str_put(sql, " AND r.batch = ?1");
    if (f->commit)
        tide_str_put(sql, " AND r.cell IN (SELECT id FROM cells WHERE commit_id IN"
                          " (SELECT id FROM commits WHERE substr(sha, 1, length(?3)) = ?3))");
    put_cell_conditions(f, sql);
    const char *condition = f->status ? " AND r.status = ?2" : "";
    for (size_t i = 0; i < sizeof indexed / sizeof *indexed && f->status; i++)
        if (!strcmp(f->status, indexed[i].status)) condition = indexed[i].condition;
    tide_str_put(sql, condition);
}

static const struct tide_list runs_list = {
    .name = "runs",
    .row = "json_object(" RUN_FIELDS ")",
    .from = RUN_FROM " WHERE true",
    .id = "r.id",
    .sorts = (const struct tide_sort[]){{"status", "r.status"},
                                        {"started_ns", "coalesce(r.started_ns, 0)"},
                                        {"finished_ns", "coalesce(r.finished_ns, 0)"},
                                        {"tide_mark", "coalesce(r.tide_mark, 0)"},
                                        {"wall_ns", "coalesce(r.wall_ns, 0)"},
                                        {"scenario", "s.name"},
                                        {NULL, NULL}},
    .sort = "-id",
};

enum tide_rc tide_store_runs_json(struct tide_store *s, const struct tide_run_filter *f,
                                  struct tide_str *out, struct tide_error *e)
{
    struct tide_list list = runs_list;
    struct tide_str pick = {0};
    bool any = true;
    enum tide_rc rc = is_any(s, f, &any, e);
    put_pick(f, any, &pick);
    list.pick = pick.at;
    if (!rc && pick.failed) rc = tide_fail(e, TIDE_NOMEM, "list the runs");
    if (!rc)
        rc = tide_store_list(s, &list, &f->page, out, e, "ittttt", f->batch, f->status, f->commit,
                             f->python, f->scenario, f->project);
    tide_str_free(&pick);
    return rc;
}

static const char full_run[] =
    "SELECT json_object(" RUN_FIELDS ", 'expected', json(r.expected),"
    " 'phases', json((SELECT json_group_array(json_object('name', h.name, 't_ns', h.t_ns,"
    "   'value', h.value, 'rss', h.rss, 'peak', h.peak, 'pss', o.pss, 'uss', o.uss, 'swap', "
    "o.swap))"
    "   FROM (SELECT * FROM phases WHERE run = r.id ORDER BY seq) h"
    "   LEFT JOIN proportions o ON o.run = h.run AND o.seq = h.seq)),"
    " 'samples_taken', r.samples, 'events', r.events, 'missed_ticks', r.missed_ticks,"
    " 'attempts', json((SELECT json_group_array(json_object('attempt', a.attempt,"
    "   'outcome', a.outcome, 'error', a.error, 'started_ns', a.started_ns, 'ended_ns', "
    "a.ended_ns))"
    "   FROM (SELECT * FROM attempts WHERE run = r.id ORDER BY attempt) a)),"
    " 'environment', json(r.environment), 'exit', json(r.exit))" RUN_FROM " WHERE r.id = ?";
static const char short_run[] = "SELECT json_object(" RUN_FIELDS ")" RUN_FROM " WHERE r.id = ?";

enum tide_rc tide_store_run_json(struct tide_store *s, int64_t run, bool full, struct tide_str *out,
                                 struct tide_error *e)
{
    return tide_store_put_one(s, "run", run, out, e, full ? full_run : short_run, "i", run);
}

/* A row is counted only once its batch is known to be shown. */
static const struct tide_list batches_list = {
    .name = "batches",
    .row = "(" BATCH_QUERY " WHERE b.id = x.id GROUP BY b.id) q)",
    .from = "FROM batches x WHERE (?2 IS NULL OR ?2 = (SELECT p.name FROM runs r"
            "  JOIN cells l ON l.id = r.cell JOIN scenarios s ON s.id = l.scenario"
            "  JOIN projects p ON p.id = s.project WHERE r.batch = x.id LIMIT 1))"
            " AND (?3 IS NULL OR ?3 = iif(x.finished_ns IS NOT NULL, 'done',"
            "  iif(EXISTS (SELECT 1 FROM runs WHERE batch = x.id AND status <> 'queued'),"
            "   'running', 'queued'))) AND (?4 IS NULL OR x.reason = ?4)",
    .id = "x.id",
    .sorts = (const struct tide_sort[]){{"queued_ns", "x.queued_ns"},
                                        {"finished_ns", "coalesce(x.finished_ns, 0)"},
                                        {NULL, NULL}},
    .sort = "-id",
};

enum tide_rc tide_store_batches_json(struct tide_store *s, const struct tide_batch_filter *f,
                                     struct tide_str *out, struct tide_error *e)
{
    return tide_store_list(s, &batches_list, &f->page, out, e, "ittt", tide_clock_unix_ns(),
                           f->project, f->status, f->reason);
}

enum tide_rc tide_store_batch_json(struct tide_store *s, int64_t batch, struct tide_str *out,
                                   struct tide_error *e)
{
    return tide_store_put_one(s, "batch", batch, out, e,
                              BATCH_QUERY " WHERE b.id = ?2 GROUP BY b.id) q", "ii",
                              tide_clock_unix_ns(), batch);
}

#define BUILD_ROW                                                             \
    "json_object('id', b.id, 'project', p.name,"                              \
    " 'commit', json_object('sha', c.sha, 'subject', c.subject),"             \
    " 'python', json_object('id', y.id, 'name', y.name), 'status', b.status," \
    " 'flags', b.flags, 'compiler', b.compiler, 'started_ns', b.started_ns,"  \
    " 'finished_ns', b.finished_ns, 'error', b.error, 'steps', json(b.steps))"
#define BUILD_FROM                                                                          \
    " FROM builds b JOIN commits c ON c.id = b.commit_id JOIN pythons y ON y.id = b.python" \
    " JOIN projects p ON p.id = c.project"

enum tide_rc tide_store_build_json(struct tide_store *s, int64_t build, struct tide_str *out,
                                   struct tide_error *e)
{
    return tide_store_put_one(s, "build", build, out, e,
                              "SELECT " BUILD_ROW BUILD_FROM " WHERE b.id = ?", "i", build);
}

static const struct tide_list builds_list = {
    .name = "builds",
    .row = BUILD_ROW,
    .from = BUILD_FROM
    " WHERE (?1 IS NULL OR p.name = ?1) AND (?2 IS NULL OR b.status = ?2)"
    " AND (?3 IS NULL OR substr(c.sha, 1, length(?3)) = ?3) AND (?4 IS NULL OR y.name = ?4)",
    .id = "b.id",
    .sorts = (const struct tide_sort[]){{"status", "b.status"},
                                        {"started_ns", "b.started_ns"},
                                        {"finished_ns", "coalesce(b.finished_ns, 0)"},
                                        {NULL, NULL}},
    .sort = "-id",
};

enum tide_rc tide_store_builds_json(struct tide_store *s, const struct tide_build_filter *f,
                                    struct tide_str *out, struct tide_error *e)
{
    return tide_store_list(s, &builds_list, &f->page, out, e, "tttt", f->project, f->status,
                           f->commit, f->python);
}

static const struct tide_list pythons_list = {
    .name = "pythons",
    .row = "json_object('id', id, 'name', name, 'version', version, 'abi', abi,"
           " 'program', program, 'prefix', prefix, 'libpython', libpython,"
           " 'include', include, 'source', source,"
           " 'usable', json(iif(reason IS NULL, 'true', 'false')), 'reason', reason)",
    .from = "FROM pythons WHERE present AND (?1 IS NULL OR (?1 = 'true') = (reason IS NULL))",
    .id = "id",
    .sorts = (const struct tide_sort[]){{"version", "-position"}, {"name", "name"}, {NULL, NULL}},
    .sort = "-version",
};

enum tide_rc tide_store_pythons_json(struct tide_store *s, const char *usable,
                                     const struct tide_page *page, struct tide_str *out,
                                     struct tide_error *e)
{
    return tide_store_list(s, &pythons_list, page, out, e, "t", usable);
}

#define PROJECT_ROW                                                            \
    "json_object('name', name, 'repo', iif(versions = '', repo, NULL),"        \
    " 'versions', nullif(versions, ''), 'branch', nullif(branch, ''),"         \
    " 'recipe', json(nullif(recipe, '')), 'scenarios', nullif(scenarios, '')," \
    " 'pythons', json(iif(pythons = '', '[\"all\"]', pythons)),"               \
    " 'baseline', nullif(baseline, ''),"                                       \
    " 'enabled', json(iif(enabled, 'true', 'false'))," TIDE_TRIGGER_FIELDS ")"

static const struct tide_list projects_list = {
    .name = "projects",
    .row = PROJECT_ROW,
    .from = "FROM projects WHERE (?1 IS NULL OR (?1 = 'true') = (enabled <> 0))",
    .id = "id",
    .sorts = (const struct tide_sort[]){{"name", "name"}, {NULL, NULL}},
    .sort = "name",
};

enum tide_rc tide_store_projects_json(struct tide_store *s, const char *enabled,
                                      const struct tide_page *page, struct tide_str *out,
                                      struct tide_error *e)
{
    return tide_store_list(s, &projects_list, page, out, e, "t", enabled);
}

enum tide_rc tide_store_project_json(struct tide_store *s, const char *name, struct tide_str *out,
                                     struct tide_error *e)
{
    enum tide_rc rc = tide_store_put_one(
        s, "project", 0, out, e, "SELECT " PROJECT_ROW " FROM projects WHERE name = ?", "t", name);
    return rc == TIDE_ABSENT ? tide_fail(e, rc, "no project \"%.80s\"", name) : rc;
}

static const struct tide_list scenarios_list = {
    .name = "scenarios",
    .row = "json_object('name', s.name, 'version', version,"
           " 'title', description ->> 'title', 'module', description ->> 'module',"
           " 'params', description -> 'params')",
    .from = "FROM scenarios s JOIN projects p ON p.id = s.project WHERE present AND p.name = ?1",
    .id = "s.id",
    .sorts = (const struct tide_sort[]){{"name", "s.name"}, {NULL, NULL}},
    .sort = "name",
};

enum tide_rc tide_store_scenarios_json(struct tide_store *s, const char *project,
                                       const struct tide_page *page, struct tide_str *out,
                                       struct tide_error *e)
{
    return tide_store_list(s, &scenarios_list, page, out, e, "t", project);
}

enum tide_rc tide_store_queue_json(struct tide_store *s, struct tide_str *out, struct tide_error *e)
{
    return tide_store_put_one(
        s, "queue", 0, out, e,
        "SELECT json_object('queued', count(*) FILTER (WHERE status = 'queued'),"
        " 'building', count(*) FILTER (WHERE status = 'building'),"
        " 'running', count(*) FILTER (WHERE status = 'running'),"
        " 'paused', (SELECT json(iif(paused, 'true', 'false')) FROM queue)) FROM runs"
        " WHERE status IN ('queued', 'building', 'running')",
        "");
}

static enum tide_rc unpack(const void *packed, size_t size, struct tide_str *out,
                           struct tide_error *e)
{
    if (!size) return TIDE_OK;
    unsigned long long n = ZSTD_getFrameContentSize(packed, size);
    if (n > LOG_CEILING) return tide_fail(e, TIDE_CORRUPT, "a stored log is damaged");
    char *text = malloc((size_t)n + 1);
    if (!text) return tide_fail(e, TIDE_NOMEM, "read a log");
    size_t got = ZSTD_decompress(text, (size_t)n, packed, size);
    if (!ZSTD_isError(got)) tide_str_add(out, text, got);
    free(text);
    return ZSTD_isError(got) ? tide_fail(e, TIDE_CORRUPT, "a stored log is damaged") : TIDE_OK;
}

/* Append every packed log that the columns of the one row hold. */
static enum tide_rc put_logs(struct tide_store *s, const char *sql, const char *what, int64_t id,
                             struct tide_str *out, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    enum tide_rc rc = tide_sql_prepare(db, &q, e, sql, "i", id);
    if (!rc) rc = tide_sql_step(q, e);
    if (rc == TIDE_ABSENT) tide_fail(e, rc, "no %s %lld", what, (long long)id);
    for (int i = 0; !rc && i < sqlite3_column_count(q); i++)
        rc = unpack(sqlite3_column_blob(q, i), (size_t)sqlite3_column_bytes(q, i), out, e);
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc;
}

enum tide_rc tide_store_run_log(struct tide_store *s, int64_t run, struct tide_str *out,
                                struct tide_error *e)
{
    return put_logs(s,
                    "SELECT iif(b.status = 'failed', b.log, NULL), r.log FROM runs r"
                    " LEFT JOIN builds b ON b.id = r.build WHERE r.id = ?",
                    "run", run, out, e);
}

enum tide_rc tide_store_build_log(struct tide_store *s, int64_t build, struct tide_str *out,
                                  struct tide_error *e)
{
    return put_logs(s, "SELECT log FROM builds WHERE id = ?", "build", build, out, e);
}
