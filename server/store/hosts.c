/* hosts.c - the machines that runs were measured on, as GET /hosts tells them.
 *
 * A host is told from another by what moves a measurement: kernel, CPU and mode of huge pages, as
 * each run's environment has them. The newest runs are looked at: what was measured on a kernel of
 * years ago says little of today, and a database may hold millions of runs. */
#include "store/hosts.h"

#include "store/internal.h"

static const char opening[] =
    "WITH recent AS MATERIALIZED (SELECT id, cell, status, base, original, tide_mark,"
    "  end - base AS retained, wall_ns, cpu_ns, environment, environment ->> 'kernel' AS kernel,"
    "  environment ->> 'cpu' AS cpu, environment ->> 'thp' AS thp FROM runs"
    "  WHERE id > (SELECT max(id) FROM runs) - 5000 AND environment IS NOT NULL AND NOT imported),"
    " hosts AS (SELECT kernel, cpu, thp, max(id) AS newest, count(*) AS runs FROM recent"
    "  GROUP BY 1, 2, 3)"
    " SELECT json_object('hosts', json_group_array(json(host))) FROM (SELECT json_object("
    "  'id', h.newest, 'name', coalesce(h.cpu, 'unknown CPU'), 'kernel', h.kernel,"
    "  'cpu', h.cpu, 'cpus_allowed', r.environment ->> 'cpus_allowed', 'thp', h.thp,"
    "  'cores', r.environment ->> 'cores', 'memory', nullif(r.environment ->> 'memory', 0),"
    "  'mark_error', r.environment ->> 'mark_error',"
    "  'page_size', r.environment ->> 'page_size', 'runs', h.runs, 'newest_run', h.newest,"
    "  'current', json(iif(h.newest = max(h.newest) OVER (), 'true', 'false')),"
    "  'noise', json_object(";

/* Of a metric, which %s names: 95 of 100 runs differ by less from the run of their cell before. */
static const char noise[] =
    "'%s', (SELECT d FROM (SELECT d, row_number() OVER (ORDER BY d) AS place,"
    "  count(*) OVER () AS n FROM (SELECT abs(%s - lag(%s) OVER (PARTITION BY cell ORDER BY id))"
    "  AS d FROM recent WHERE kernel IS h.kernel AND cpu IS h.cpu AND thp IS h.thp"
    "  AND status = 'done') WHERE d IS NOT NULL) WHERE place >= n * 0.95 ORDER BY place LIMIT 1)";

static const char closing[] =
    ")) AS host FROM hosts h JOIN recent r ON r.id = h.newest ORDER BY h.newest DESC)";

static const char *const metrics[] = {"tide_mark", "base",    "original",
                                      "retained",  "wall_ns", "cpu_ns"};

static void put_query(struct tide_str *sql)
{
    tide_str_put(sql, opening);
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
        if (i) tide_str_put(sql, ", ");
        tide_str_printf(sql, noise, metrics[i], metrics[i], metrics[i]);
    }
    tide_str_put(sql, closing);
}

enum tide_rc tide_store_hosts_json(struct tide_store *s, struct tide_str *out, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    struct tide_str sql = {0};
    put_query(&sql);
    sqlite3 *db = tide_store_lend(s);
    enum tide_rc rc = sql.failed ? tide_fail(e, TIDE_NOMEM, "read the hosts")
                                 : tide_sql_prepare(db, &q, e, sql.at, "");
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) tide_str_put(out, (const char *)sqlite3_column_text(q, 0));
    sqlite3_finalize(q);
    tide_store_give(s, db);
    tide_str_free(&sql);
    return rc;
}
