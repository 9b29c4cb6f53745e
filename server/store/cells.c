/* cells.c - cells as the REST interface shows them (docs/API.md). */
#include "store/internal.h"
#include "store/lists.h"

#include <string.h>

#define CELL_FIELDS                                                                             \
    "'id', l.id, 'project', p.name, 'commit', json_object('sha', c.sha, 'subject', c.subject,"  \
    " 'committed_ns', c.committed_ns),"                                                         \
    " 'python', json_object('id', y.id, 'name', y.name, 'version', y.version),"                 \
    " 'scenario', json_object('name', s.name, 'title', s.description ->> 'title',"              \
    " 'version', s.version), 'params', json(l.params), 'allocator', l.allocator,"               \
    " 'measure', json(l.measure),"                                                              \
    " 'runs', (SELECT json_object('done', count(*) FILTER (WHERE status = 'done'),"             \
    "  'failed', count(*) FILTER (WHERE status = 'failed'),"                                    \
    "  'unfinished', count(*) FILTER (WHERE status IN ('queued', 'building', 'running')))"      \
    "  FROM runs WHERE cell = l.id),"                                                           \
    " 'metrics', (SELECT json_group_object(m.name, json_object('n', u.n, 'minimum', u.minimum," \
    "  'maximum', u.maximum, 'median', u.median, 'low', u.low, 'high', u.high))"                \
    "  FROM metrics m CROSS JOIN summaries u ON u.series = l.series AND u.metric = m.id"        \
    "  AND u.commit_id = l.commit_id)"
#define CELL_FROM                                                                          \
    " FROM cells l JOIN commits c ON c.id = l.commit_id JOIN pythons y ON y.id = l.python" \
    " JOIN scenarios s ON s.id = l.scenario JOIN projects p ON p.id = s.project WHERE"

/* Which cells are listed; all values of the filter are bound, used or not. The + keeps SQLite from
 * gathering cells by an index and sorting them all: they are walked in the order of the list until
 * a page is full. Those of a commit are few. */
static void put_pick(const struct tide_cell_filter *f, struct tide_str *sql)
{
    const char *sort = f->page.sort ? f->page.sort : "";
    tide_str_put(sql, "FROM cells l");
    if (strstr(sort, "committed_ns"))
        tide_str_put(sql, " CROSS JOIN commits c ON c.id = l.commit_id");
    if (strstr(sort, "scenario")) tide_str_put(sql, " CROSS JOIN scenarios s ON s.id = l.scenario");
    if (strstr(sort, "python")) tide_str_put(sql, " CROSS JOIN pythons y ON y.id = l.python");
    tide_str_put(sql, " WHERE true");
    if (f->commit)
        tide_str_put(sql, " AND l.commit_id IN (SELECT id FROM commits WHERE"
                          " substr(sha, 1, length(?2)) = ?2)");
    if (f->project || f->scenario)
        tide_str_put(sql, " AND +l.scenario IN (SELECT s.id FROM scenarios s"
                          " JOIN projects p ON p.id = s.project WHERE"
                          " (?1 IS NULL OR p.name = ?1) AND (?4 IS NULL OR s.name = ?4))");
    if (f->python) tide_str_put(sql, " AND +l.python IN (SELECT id FROM pythons WHERE name = ?3)");
    if (f->allocator) tide_str_put(sql, " AND l.allocator = ?5");
}

enum tide_rc tide_store_cells_json(struct tide_store *s, const struct tide_cell_filter *f,
                                   struct tide_str *out, struct tide_error *e)
{
    struct tide_str pick = {0};
    put_pick(f, &pick);
    const struct tide_list list = {
        .name = "cells",
        .row = "json_object(" CELL_FIELDS ")",
        .from = CELL_FROM " true",
        .pick = pick.at,
        .id = "l.id",
        .sorts = (const struct tide_sort[]){{"committed_ns", "c.committed_ns"},
                                            {"scenario", "s.name"},
                                            {"python", "y.name"},
                                            {NULL, NULL}},
        .sort = "-id",
    };
    enum tide_rc rc = pick.failed
                          ? tide_fail(e, TIDE_NOMEM, "list the cells")
                          : tide_store_list(s, &list, &f->page, out, e, "ttttt", f->project,
                                            f->commit, f->python, f->scenario, f->allocator);
    tide_str_free(&pick);
    return rc;
}

enum tide_rc tide_store_cell_json(struct tide_store *s, int64_t cell, struct tide_str *out,
                                  struct tide_error *e)
{
    return tide_store_put_one(
        s, "cell", cell, out, e,
        "SELECT json_object(" CELL_FIELDS ", 'run_ids', (SELECT json_group_array(id) FROM"
        " (SELECT id FROM runs WHERE cell = l.id ORDER BY id)))" CELL_FROM " l.id = ?",
        "i", cell);
}
