/* show_matrix.c - `tidemark matrix`: scenario by Python at one commit, and what is missing in it.
 */
#include "cli/alone.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/request.h"
#include "cli/terminal.h"
#include "cli/watch.h"
#include "stats/verdict.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_COMMIT = 1000, KEY_BASELINE, KEY_SUBTRACT, KEY_FILL, KEY_SAMPLES };

struct arguments {
    struct tide_common common;
    const char *project, *commit, *baseline, *metric;
    bool subtract, fill;
    int64_t samples;
    int code;
};

static const struct argp_option options[] = {
    {"project", 'p', "PROJECT", 0, "Project (default: converters)", 0},
    {"commit", KEY_COMMIT, "REV", 0, "Where (default: HEAD)", 0},
    {"baseline", KEY_BASELINE, "PYTHON", 0,
     "Against what: PYTHON, @COMMIT or PYTHON@COMMIT (default: the project's, else the oldest "
     "Python measured)",
     0},
    {"metric", 'm', "METRIC", 0, "What is compared (default: tide_mark)", 0},
    {"subtract-empty", KEY_SUBTRACT, 0, 0,
     "Take off what the scenario `empty` needs on the same Python", 0},
    {"fill", KEY_FILL, 0, 0, "Measure the cells that are missing, and no other", 0},
    {"samples", KEY_SAMPLES, "N", 0, "... so often each (default: 1)", 0},
    {0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case 'p': a->project = value; return 0;
    case KEY_COMMIT: a->commit = value; return 0;
    case KEY_BASELINE: a->baseline = value; return 0;
    case 'm': a->metric = value; return 0;
    case KEY_SUBTRACT: a->subtract = true; return 0;
    case KEY_FILL: a->fill = true; return 0;
    case KEY_SAMPLES: a->samples = tide_cli_number(state, "--samples", value, 1, 100); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static enum tide_rc ask(const struct arguments *a, const char *data, json_t **out,
                        struct tide_error *e)
{
    struct tide_str target = {0};
    tide_str_put(&target, "/api/v1/matrix");
    tide_request_query(&target, "project", a->project);
    tide_request_query(&target, "commit", a->commit);
    tide_request_query(&target, "baseline", a->baseline);
    tide_request_query(&target, "metric", a->metric);
    tide_request_query(&target, "subtract", a->subtract ? "empty" : NULL);
    return tide_request_get(data, &target, out, e);
}

/* ---- filling ---- */

/* A request for the cells of the row that are missing; NULL when none is. */
static json_t *make_request(const struct arguments *a, const json_t *matrix, const json_t *row)
{
    json_t *pythons = json_array(), *cell, *value, *request;
    const char *name;
    size_t i;
    json_array_foreach(json_object_get(row, "cells"), i, cell)
    {
        if (json_is_null(cell))
            json_array_append(
                pythons,
                json_object_get(json_array_get(json_object_get(matrix, "pythons"), i), "name"));
    }
    if (!json_array_size(pythons)) {
        json_decref(pythons);
        return NULL;
    }
    request = json_pack("{s:O, s:[O], s:o, s:[O], s:[O], s:O, s:I, s:s}", "project",
                        json_object_get(matrix, "project"), "commits",
                        json_object_get(json_object_get(matrix, "commit"), "sha"), "pythons",
                        pythons, "allocators", json_object_get(row, "allocator"), "scenarios",
                        json_object_get(row, "scenario"), "params", json_object_get(row, "params"),
                        "samples", (json_int_t)a->samples, "reason", "python");
    json_object_foreach(json_object_get(row, "measure"), name, value)
    {
        if (!json_is_null(value)) json_object_set(request, name, value);
    }
    return request;
}

/* A row that cannot be measured (an allocator that a Python lacks) is told of, and the others are.
 */
static enum tide_rc fill_row(const struct arguments *a, const char *data, json_t *request,
                             struct tide_error *e)
{
    json_t *batch = NULL;
    enum tide_rc rc = tide_client_post_json(data, "/api/v1/runs", request, &batch, e);
    if (rc == TIDE_INVALID) {
        fprintf(stderr, "not measured: %s: %s\n",
                json_string_value(json_array_get(json_object_get(request, "scenarios"), 0)),
                e->text);
        return TIDE_OK;
    }
    struct tide_watch w = {.batch = tide_json_number(batch, "id"),
                           .voice = a->common.json ? TIDE_WATCH_SILENT : TIDE_WATCH_BAR};
    if (!rc) rc = tide_watch(&w, data, e);
    json_decref(w.ended);
    json_decref(batch);
    return rc;
}

static enum tide_rc fill(const struct arguments *a, const char *data, const json_t *matrix,
                         struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(matrix, "rows"), i, row)
    {
        json_t *request = rc ? NULL : make_request(a, matrix, row);
        if (request) rc = fill_row(a, data, request, e);
        json_decref(request);
    }
    return rc;
}

/* ---- showing ---- */

static enum tide_hue hue_of(const json_t *cell)
{
    const char *verdict = tide_json_text(cell, "verdict");
    if (!strcmp(verdict, "worse")) return TIDE_RED;
    if (!strcmp(verdict, "better")) return TIDE_GREEN;
    return !strcmp(verdict, "inconclusive") ? TIDE_YELLOW : TIDE_PLAIN;
}

/* "23 MiB", "23 MiB +4.1 %", or what its status is. */
static void put_cell(struct tide_table *t, const json_t *cell, const char *unit)
{
    const json_t *median = json_object_get(json_object_get(cell, "M"), "median"),
                 *percent = json_object_get(cell, "percent");
    char value[40];
    if (!json_is_number(median)) {
        tide_table_put(t, TIDE_DIM, "%s",
                       json_is_object(cell) ? tide_json_text(cell, "status") : "–");
        return;
    }
    tide_verdict_write(json_number_value(median), unit, value, sizeof value);
    if (json_is_number(percent) && hue_of(cell) != TIDE_PLAIN)
        tide_table_put(t, hue_of(cell), "%s %+.1f %%", value, json_number_value(percent));
    else
        tide_table_put(t, TIDE_PLAIN, "%s", value);
}

static void print_heading(struct tide_table *t, const json_t *pythons)
{
    struct tide_str heading = {0};
    size_t i;
    json_t *python;
    tide_str_put(&heading, "SCENARIO");
    json_array_foreach((json_t *)pythons, i, python)
    {
        if (i + 2 < TIDE_COLUMNS_MAX)
            tide_str_printf(&heading, "|>%s", tide_json_text(python, "name"));
    }
    tide_str_put(&heading, "|MOVED FIRST");
    tide_table_begin(t, heading.failed ? "" : heading.at);
    tide_str_free(&heading);
}

/* As many Pythons as a table has columns for, oldest first; --json has all. */
static void print_table(const json_t *matrix)
{
    const json_t *baseline = json_object_get(matrix, "baseline");
    struct tide_table t;
    size_t i, k;
    json_t *row, *cell;
    printf("%s at %.12s, against %s\n", tide_json_text(matrix, "metric"),
           tide_json_text(json_object_get(matrix, "commit"), "sha"),
           *tide_json_text(baseline, "text") ? tide_json_text(baseline, "text") : "nothing");
    print_heading(&t, json_object_get(matrix, "pythons"));
    json_array_foreach(json_object_get(matrix, "rows"), i, row)
    {
        const char *moved = tide_json_text(row, "moved");
        tide_table_put(&t, TIDE_PLAIN, "%s", tide_json_text(row, "scenario"));
        json_array_foreach(json_object_get(row, "cells"), k, cell)
        {
            if (k + 2 < TIDE_COLUMNS_MAX) put_cell(&t, cell, tide_json_text(matrix, "unit"));
        }
        tide_table_put(&t, TIDE_PLAIN, "%s%s%s", tide_json_text(row, "first_moved"),
                       *moved ? ": " : "", moved);
    }
    tide_table_end(&t);
}

static bool has_worse(const json_t *matrix)
{
    size_t i, k;
    json_t *row, *cell;
    json_array_foreach(json_object_get(matrix, "rows"), i, row)
    {
        json_array_foreach(json_object_get(row, "cells"), k, cell)
        {
            if (!strcmp(tide_json_text(cell, "verdict"), "worse")) return true;
        }
    }
    return false;
}

/* ---- the command ---- */

static enum tide_rc act(void *context, const char *data, struct tide_error *e)
{
    struct arguments *a = context;
    json_t *matrix = NULL;
    enum tide_rc rc = ask(a, data, &matrix, e);
    if (!rc && a->fill) {
        rc = fill(a, data, matrix, e);
        json_decref(matrix);
        matrix = NULL;
        if (!rc) rc = ask(a, data, &matrix, e);
    }
    if (!rc && a->common.json)
        tide_print_json(matrix);
    else if (!rc)
        print_table(matrix);
    if (!rc) a->code = has_worse(matrix) ? TIDE_EXIT_REGRESSION : TIDE_EXIT_FINE;
    json_decref(matrix);
    return rc;
}

static int run(const struct tide_cli *c, int argc, char **argv)
{
    struct arguments a = {.samples = 1};
    struct tide_error e;
    tide_cli_parse(c, argc, argv, &a.common, &a);
    const struct tide_daemon_options wanted = {.idle = !a.fill};
    enum tide_rc rc = tide_alone_do(a.common.data, wanted, act, &a, &e);
    int code = tide_cli_end(c, rc, &e);
    return code ? code : a.code;
}

const struct tide_cli tide_command_matrix = {
    .title = "tidemark matrix",
    .summary = "show every scenario on every Python at one commit, against a baseline",
    .about = "Show every scenario on every Python at one commit, each judged against a baseline, "
             "the first release that moved, and whether the extension or the interpreter did.\n\n"
             "With --fill, cells that were never queued are measured first: what a Python that is "
             "new on this machine lacks, and nothing else.",
    .options = options,
    .takes = TIDE_TAKES_DATA | TIDE_TAKES_JSON,
    .parse = parse,
    .examples =
        (const struct tide_example[]){
            {"tidemark matrix", NULL},
            {"tidemark matrix --baseline 3.11 --subtract-empty",
             "What each release did to the extension alone"},
            {"tidemark matrix --baseline @v1.0", "Each Python against itself at v1.0"},
            {"tidemark matrix --fill --samples 3", "Measure what is missing first"},
            {0}},
    .exits = 1 << TIDE_EXIT_REGRESSION,
    .run = run,
};
