/* series.c - see series.h. Columns are arrays over the positions of the line; NAN and NULL are
 * null. */
#include "stats/series.h"

#include "base/json.h"
#include "stats/changes.h"
#include "store/changes.h"
#include "store/histories.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct place { /* of a commit on the line; sorted by commit */
    int64_t commit;
    size_t position;
};

struct line {
    const struct tide_line_commit *commits;
    struct tide_line_commit *own; /* the same where it was read here */
    struct place *places;
    size_t n, first, last; /* first, last: of what is asked for */
};

struct columns { /* of one series, over the whole line */
    int64_t *cell;
    double *n, *median, *minimum, *maximum, *low, *high;
    const char **status;
    double *numbers; /* where the six stand */
};

/* ---- writing ---- */

static void put_name(struct tide_str *out, const char *name, bool first)
{
    tide_str_printf(out, "%s\"%s\":", first ? "" : ",", name);
}

static void put_column(struct tide_str *out, const char *name, const double *values,
                       const struct line *line)
{
    put_name(out, name, false);
    for (size_t i = line->first; i <= line->last && line->n; i++) {
        tide_str_add(out, i == line->first ? "[" : ",", 1);
        tide_json_put_number(out, values[i]);
    }
    tide_str_put(out, line->n ? "]" : "[]");
}

/* ---- the line ---- */

static int compare_places(const void *a, const void *b)
{
    int64_t left = ((const struct place *)a)->commit, right = ((const struct place *)b)->commit;
    return (left > right) - (left < right);
}

/* Its position; line->n when it is not on the line. */
static size_t find_place(const struct line *line, int64_t commit)
{
    const struct place key = {.commit = commit};
    const struct place *found = bsearch(&key, line->places, line->n, sizeof key, compare_places);
    return found ? found->position : line->n;
}

static enum tide_rc find_end(const struct line *line, const char *field, const char *sha,
                             size_t *out, struct tide_error *e)
{
    size_t n = strlen(sha), found = line->n;
    for (size_t i = 0; i < line->n && n >= 4; i++) {
        if (strncmp(line->commits[i].sha, sha, n) != 0) continue;
        if (found < line->n)
            return tide_fail_field(e, field, "\"%.40s\" names several commits", sha);
        found = i;
    }
    if (found == line->n)
        return tide_fail_field(e, field, "\"%.40s\" names no commit of the line by its hash", sha);
    *out = found;
    return TIDE_OK;
}

static enum tide_rc read_line(struct tide_store *s, int64_t project,
                              const struct tide_series_request *r, struct line *line,
                              struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    line->commits = r->line;
    line->n = r->n_line;
    if (!r->line) {
        rc = tide_store_line_commits(s, project, &line->own, &line->n, e);
        line->commits = line->own;
    }
    if (!rc && !(line->places = calloc(line->n + 1, sizeof *line->places)))
        rc = tide_fail(e, TIDE_NOMEM, "read a history");
    for (size_t i = 0; i < line->n && !rc; i++)
        line->places[i] = (struct place){line->commits[i].id, i};
    if (rc) return rc;
    if (line->n) qsort(line->places, line->n, sizeof *line->places, compare_places);
    line->last = line->n ? line->n - 1 : 0;
    if (r->from) rc = find_end(line, "from", r->from, &line->first, e);
    if (!rc && r->to) rc = find_end(line, "to", r->to, &line->last, e);
    if (!rc && line->first > line->last)
        rc = tide_fail_field(e, "from", "it stands after `to` on the line");
    return rc;
}

static void clear_line(struct line *line)
{
    if (line->own) tide_line_commits_free(line->own, line->n);
    free(line->places);
}

static void put_commits(struct tide_str *out, const struct line *line, const json_t *tags)
{
    static const char *const names[] = {"sha", "subject", "committed_ns", "tag"};
    tide_str_put(out, "\"commits\":{");
    for (int c = 0; c < 4; c++) {
        put_name(out, names[c], c == 0);
        tide_str_put(out, "[");
        for (size_t i = line->first; i <= line->last && line->n; i++) {
            const struct tide_line_commit *commit = &line->commits[i];
            if (i > line->first) tide_str_add(out, ",", 1);
            if (c == 0) tide_str_printf(out, "\"%s\"", commit->sha);
            if (c == 1) tide_json_put_text(out, commit->subject);
            if (c == 2) tide_json_put_integer(out, commit->committed_ns);
            if (c == 3)
                tide_json_put_text(out, json_string_value(json_object_get(tags, commit->sha)));
        }
        tide_str_put(out, "]");
    }
    tide_str_put(out, "}");
}

/* ---- one series ---- */

static enum tide_rc make_columns(size_t n, struct columns *c, struct tide_error *e)
{
    double **columns[] = {&c->n, &c->median, &c->minimum, &c->maximum, &c->low, &c->high};
    *c = (struct columns){.cell = calloc(n + 1, sizeof *c->cell),
                          .status = calloc(n + 1, sizeof *c->status),
                          .numbers = calloc(6 * (n + 1), sizeof *c->numbers)};
    if (!c->cell || !c->status || !c->numbers) return tide_fail(e, TIDE_NOMEM, "read a history");
    for (size_t i = 0; i < 6 * (n + 1); i++)
        c->numbers[i] = NAN;
    for (int i = 0; i < 6; i++)
        *columns[i] = c->numbers + (size_t)i * (n + 1);
    return TIDE_OK;
}

static void clear_columns(struct columns *c)
{
    free(c->cell);
    free(c->status);
    free(c->numbers);
}

static enum tide_rc read_points(struct tide_store *s, int64_t series, enum tide_metric metric,
                                const struct line *line, struct columns *c, struct tide_error *e)
{
    struct tide_series_point *points = NULL;
    size_t n = 0;
    enum tide_rc rc = tide_store_series_points(s, series, metric, &points, &n, e);
    for (size_t i = 0; i < n && !rc; i++) {
        const struct tide_summary *u = &points[i].summary;
        size_t at = find_place(line, points[i].commit);
        if (at == line->n) continue;
        c->cell[at] = points[i].cell;
        c->n[at] = (double)u->n;
        c->median[at] = u->median;
        c->minimum[at] = u->minimum;
        c->maximum[at] = u->maximum;
        c->low[at] = u->low;
        c->high[at] = u->high;
        c->status[at] = "done";
    }
    free(points);
    return rc;
}

/* Commits whose build is known to fail, and cells of which no run has the metric. */
static enum tide_rc read_gaps(struct tide_store *s, int64_t project,
                              const struct tide_series_row *row, const struct line *line,
                              struct columns *c, struct tide_error *e)
{
    struct tide_cell_place *cells = NULL;
    int64_t *broken = NULL;
    size_t n = 0, n_broken = 0;
    enum tide_rc rc = tide_store_broken(s, project, row->python_id, &broken, &n_broken, e);
    for (size_t i = 0; i < n_broken && !rc; i++) {
        size_t at = find_place(line, broken[i]);
        if (at < line->n && !c->status[at]) c->status[at] = "build_failed";
    }
    if (!rc) rc = tide_store_cells_of(s, row->id, &cells, &n, e);
    for (size_t i = 0; i < n && !rc; i++) {
        size_t at = find_place(line, cells[i].commit);
        if (at == line->n || c->cell[at]) continue;
        c->cell[at] = cells[i].cell;
        if (!c->status[at]) rc = tide_store_cell_status(s, cells[i].cell, &c->status[at], e);
    }
    free(cells);
    free(broken);
    return rc;
}

/* The series of `empty` that goes with this one: the same python, allocator, and the most points.
 */
static const struct tide_series_row *find_empty(const struct tide_series_row *empties, size_t n,
                                                const struct tide_series_row *row)
{
    const struct tide_series_row *best = NULL;
    for (size_t i = 0; i < n; i++)
        if (empties[i].python_id == row->python_id &&
            !strcmp(empties[i].allocator, row->allocator) &&
            (!best || empties[i].points > best->points))
            best = &empties[i];
    return best;
}

/* The value nearest to `at`; NAN where there is none. */
static double nearest(const double *values, size_t n, size_t at)
{
    for (size_t d = 0; d < n; d++) {
        if (at >= d && !isnan(values[at - d])) return values[at - d];
        if (at + d < n && !isnan(values[at + d])) return values[at + d];
    }
    return NAN;
}

/* Take the medians of `empty` off; where it was never measured nothing can be told. */
static enum tide_rc take_off(struct tide_store *s, const struct tide_series_row *empty,
                             const struct tide_series_request *r, const struct line *line,
                             struct columns *c, struct tide_error *e)
{
    struct columns off;
    double *const columns[] = {c->median, c->minimum, c->maximum, c->low, c->high};
    enum tide_rc rc = make_columns(line->n, &off, e);
    if (!rc && empty) rc = read_points(s, empty->id, r->metric.id, line, &off, e);
    for (size_t i = 0; i < line->n && !rc; i++) {
        if (isnan(c->median[i])) continue;
        double by = nearest(off.median, line->n, i);
        for (int k = 0; k < 5; k++)
            columns[k][i] -= by;
    }
    clear_columns(&off);
    return rc;
}

/* ---- changes ---- */

static void put_change(struct tide_str *out, const struct tide_kept_change *c, size_t index,
                       size_t end, bool first)
{
    tide_str_printf(out, "%s{\"id\":", first ? "" : ",");
    tide_json_put_number(out, c->id ? (double)c->id : NAN);
    tide_str_printf(out, ",\"index\":%zu,\"end\":%zu,\"kind\":\"%s\",\"status\":\"%s\"", index, end,
                    c->creep ? "creep" : "step", c->confirmed ? "confirmed" : "suspect");
    const struct {
        const char *name;
        double value;
    } numbers[] = {{"before", c->before},
                   {"after", c->after},
                   {"effect", c->effect},
                   {"low", c->low},
                   {"high", c->high},
                   {"percent", c->before != 0 ? 100 * c->effect / fabs(c->before) : NAN}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        put_name(out, numbers[i].name, false);
        tide_json_put_number(out, numbers[i].value);
    }
    tide_str_printf(out, ",\"verdict\":\"%s\",\"accepted\":%s}", c->effect > 0 ? "worse" : "better",
                    c->accepted ? c->accepted : "null");
}

static enum tide_rc put_kept(struct tide_store *s, const struct tide_series_row *row,
                             enum tide_metric metric, const struct line *line, struct tide_str *out,
                             struct tide_error *e)
{
    struct tide_kept_change *changes = NULL;
    size_t n = 0, shown = 0;
    enum tide_rc rc = tide_store_kept_changes(s, row->id, metric, &changes, &n, e);
    for (size_t i = 0; i < n && !rc; i++) {
        size_t at = find_place(line, changes[i].commit), end = find_place(line, changes[i].last);
        if (at < line->first || at > line->last) continue;
        if (end > line->last) end = line->last;
        put_change(out, &changes[i], at - line->first, end - line->first, shown++ == 0);
    }
    tide_kept_changes_free(changes, n);
    return rc;
}

/* Of a series whose changes are not kept: found now. */
static enum tide_rc put_found(const struct columns *c, const struct line *line,
                              struct tide_str *out, struct tide_error *e)
{
    struct tide_change *changes = NULL;
    size_t n = 0, shown = 0;
    struct tide_change_options options = tide_change_defaults(c->median, line->n);
    enum tide_rc rc = tide_changes_find(c->median, line->n, &options, &changes, &n, e);
    for (size_t i = 0; i < n && !rc; i++) {
        const struct tide_change *f = &changes[i];
        if (f->index < line->first || f->index > line->last) continue;
        const struct tide_kept_change change = {
            .creep = f->kind == TIDE_CREEP,
            .confirmed = f->status == TIDE_CONFIRMED,
            .before = f->before,
            .after = f->after,
            .effect = f->effect,
            .low = isfinite(f->low) ? f->low : NAN,
            .high = isfinite(f->high) ? f->high : NAN,
        };
        size_t end = f->end > line->last ? line->last : f->end;
        put_change(out, &change, f->index - line->first, end - line->first, shown++ == 0);
    }
    free(changes);
    return rc;
}

static bool is_kept(const struct tide_series_request *r)
{
    for (int i = 0; i < TIDE_KEPT_METRICS; i++)
        if (tide_kept_metrics[i] == r->metric.id) return !r->subtract_empty && !r->line;
    return false;
}

/* ---- the whole ---- */

static void put_status(struct tide_str *out, const char *const *status, const struct line *line)
{
    tide_str_put(out, ",\"status\":[");
    for (size_t i = line->first; i <= line->last && line->n; i++) {
        if (i > line->first) tide_str_add(out, ",", 1);
        if (status[i]) tide_str_add(out, "\"", 1);
        tide_str_put(out, status[i] ? status[i] : "null");
        if (status[i]) tide_str_add(out, "\"", 1);
    }
    tide_str_put(out, "]");
}

static void put_cells(struct tide_str *out, const int64_t *cells, const struct line *line)
{
    tide_str_put(out, ",\"cell\":[");
    for (size_t i = line->first; i <= line->last && line->n; i++) {
        if (i > line->first) tide_str_add(out, ",", 1);
        tide_json_put_number(out, cells[i] ? (double)cells[i] : NAN);
    }
    tide_str_put(out, "]");
}

static enum tide_rc put_series(struct tide_store *s, int64_t project,
                               const struct tide_series_row *row,
                               const struct tide_series_row *empty,
                               const struct tide_series_request *r, const struct line *line,
                               struct tide_str *out, struct tide_error *e)
{
    struct columns c;
    enum tide_rc rc = make_columns(line->n, &c, e);
    if (!rc) rc = read_points(s, row->id, r->metric.id, line, &c, e);
    if (!rc) rc = read_gaps(s, project, row, line, &c, e);
    if (!rc && r->subtract_empty) rc = take_off(s, empty, r, line, &c, e);
    if (!rc) {
        tide_str_printf(out, "{\"id\":%lld,\"python\":{\"id\":%lld,\"name\":", (long long)row->id,
                        (long long)row->python_id);
        tide_json_put_text(out, row->python);
        tide_str_put(out, ",\"version\":");
        tide_json_put_text(out, row->python_version);
        tide_str_put(out, "},\"version\":");
        tide_json_put_text(out, row->version);
        put_cells(out, c.cell, line);
        put_column(out, "n", c.n, line);
        put_column(out, "median", c.median, line);
        put_column(out, "minimum", c.minimum, line);
        put_column(out, "maximum", c.maximum, line);
        put_column(out, "low", c.low, line);
        put_column(out, "high", c.high, line);
        put_status(out, c.status, line);
        tide_str_put(out, ",\"changes\":[");
        rc =
            is_kept(r) ? put_kept(s, row, r->metric.id, line, out, e) : put_found(&c, line, out, e);
        tide_str_put(out, "]}");
    }
    clear_columns(&c);
    return rc;
}

static bool is_listed(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = list; at && *at;) {
        size_t n = strcspn(at, ",");
        if (n == length && !strncmp(at, name, n)) return true;
        at += n + (at[n] == ',');
    }
    return !list;
}

/* What the series that are shown have in common: params, allocator and measure of the one with the
 * most points among those that are asked for; NULL for none. */
static const struct tide_series_row *choose(const struct tide_series_row *rows, size_t n,
                                            const struct tide_series_request *r)
{
    const struct tide_series_row *best = NULL;
    for (size_t i = 0; i < n; i++)
        if ((!r->params || !strcmp(r->params, rows[i].params)) &&
            (!r->allocator || !strcmp(r->allocator, rows[i].allocator)) &&
            is_listed(r->pythons, rows[i].python) && (!best || rows[i].points > best->points))
            best = &rows[i];
    return best;
}

static enum tide_rc put_all(struct tide_store *s, int64_t project,
                            const struct tide_series_row *rows, size_t n,
                            const struct tide_series_row *empties, size_t n_empties,
                            const struct tide_series_request *r, const struct line *line,
                            struct tide_str *out, struct tide_error *e)
{
    const struct tide_series_row *like = choose(rows, n, r);
    enum tide_rc rc = TIDE_OK;
    bool first = true;
    tide_str_put(out, "{\"project\":");
    tide_json_put_text(out, r->project);
    tide_str_put(out, ",\"scenario\":");
    tide_json_put_text(out, r->scenario);
    tide_str_printf(out, ",\"metric\":\"%s\",\"unit\":\"%s\",\"params\":%s,\"allocator\":",
                    r->metric.name, r->metric.unit, like ? like->params : "null");
    tide_json_put_text(out, like ? like->allocator : r->allocator);
    tide_str_put(out, ",");
    put_commits(out, line, r->tags);
    tide_str_put(out, ",\"series\":[");
    for (size_t i = 0; i < n && like && !rc; i++) {
        const struct tide_series_row *row = &rows[i];
        if (strcmp(row->params, like->params) != 0 ||
            strcmp(row->allocator, like->allocator) != 0 ||
            strcmp(row->measure, like->measure) != 0 || !is_listed(r->pythons, row->python))
            continue;
        if (!first) tide_str_put(out, ",");
        first = false;
        rc = put_series(s, project, row, find_empty(empties, n_empties, row), r, line, out, e);
    }
    tide_str_put(out, "]}");
    return !rc && out->failed ? tide_fail(e, TIDE_NOMEM, "answer with a history") : rc;
}

enum tide_rc tide_series_history(struct tide_store *s, const struct tide_series_request *r,
                                 struct tide_str *out, struct tide_error *e)
{
    struct tide_project project = {0};
    struct tide_series_row *rows = NULL, *empties = NULL;
    size_t n = 0, n_empties = 0;
    struct line line = {0};
    enum tide_rc rc = tide_store_find_project(s, r->project, &project, e);
    if (!rc) rc = tide_store_series_of(s, r->project, r->scenario, r->metric.id, &rows, &n, e);
    if (!rc && r->subtract_empty)
        rc = tide_store_series_of(s, r->project, "empty", r->metric.id, &empties, &n_empties, e);
    if (!rc) rc = read_line(s, project.id, r, &line, e);
    if (!rc) rc = put_all(s, project.id, rows, n, empties, n_empties, r, &line, out, e);
    clear_line(&line);
    tide_series_rows_free(rows, n);
    tide_series_rows_free(empties, n_empties);
    tide_project_clear(&project);
    return rc;
}
