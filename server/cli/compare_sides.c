/* compare_sides.c - `tidemark compare`: two commits, Pythons or allocators, cell by cell, and more
 * samples of what is not decided yet. */
#include "cli/compare_sides.h"
#include "base/clock.h"
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

#define RUNS_DEFAULT 60
#define ROUND_MOST   8 /* further samples a side, before it is looked again */
#define MINUTE_NS    INT64_C(60000000000)

enum { KEY_AXIS = 1000, KEY_COMMIT, KEY_SUBTRACT, KEY_DECIDE, KEY_RUNS, KEY_MINUTES, KEY_MARKDOWN };

struct arguments {
    struct tide_common common;
    const char *base, *head, *axis, *project, *metric, *commit, *python, *scenario, *allocator;
    bool subtract, decide, markdown;
    int64_t runs, minutes; /* the budget of --decide */
    int code;
};

static const struct argp_option options[] = {
    {0, 0, 0, 0, "What:", 1},
    {"axis", KEY_AXIS, "commit|python|allocator", 0, "What BASE and HEAD are (default: commit)", 0},
    {"project", 'p', "PROJECT", 0, "Project (default: converters)", 0},
    {"metric", 'm', "METRIC", 0, "What is compared (default: tide_mark)", 0},
    {"commit", KEY_COMMIT, "REV", 0, "Where Pythons or allocators are compared (default: HEAD)", 0},
    {"python", 'P', "PYTHON", 0, "This Python only", 0},
    {"scenario", 's', "SCENARIO", 0, "This scenario only", 0},
    {"allocator", 'a', "ALLOCATOR", 0, "This allocator only", 0},
    {"subtract-empty", KEY_SUBTRACT, 0, 0,
     "Take off what the scenario `empty` needs on the same Python", 0},
    {0, 0, 0, 0, "More samples:", 2},
    {"decide", KEY_DECIDE, 0, 0,
     "Measure what is inconclusive again, base and head in turns, until it is decided", 0},
    {"runs", KEY_RUNS, "N", 0, "... by so many runs at the most (default: 60)", 0},
    {"minutes", KEY_MINUTES, "N", 0, "... and begin none after so many minutes", 0},
    {0, 0, 0, 0, "How it is shown:", 3},
    {"markdown", KEY_MARKDOWN, 0, 0, "As Markdown, for a pull request", 0},
    {0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case KEY_AXIS: a->axis = value; return 0;
    case 'p': a->project = value; return 0;
    case 'm': a->metric = value; return 0;
    case KEY_COMMIT: a->commit = value; return 0;
    case 'P': a->python = value; return 0;
    case 's': a->scenario = value; return 0;
    case 'a': a->allocator = value; return 0;
    case KEY_SUBTRACT: a->subtract = true; return 0;
    case KEY_DECIDE: a->decide = true; return 0;
    case KEY_RUNS: a->runs = tide_cli_number(state, "--runs", value, 2, 10000); return 0;
    case KEY_MINUTES: a->minutes = tide_cli_number(state, "--minutes", value, 1, 100000); return 0;
    case KEY_MARKDOWN: a->markdown = true; return 0;
    case ARGP_KEY_ARG:
        if (a->head) argp_error(state, "two sides are compared, not three");
        *(a->base ? &a->head : &a->base) = value;
        return 0;
    case ARGP_KEY_END:
        if (!a->head) argp_error(state, "name two sides: BASE and HEAD");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

/* ---- asking ---- */

static void put_side(struct tide_str *target, const char *name, const char *axis, const char *value)
{
    struct tide_str side = {0};
    tide_str_printf(&side, "%s%s%s", axis ? axis : "", axis ? ":" : "", value);
    tide_request_query(target, name, side.at);
    target->failed = target->failed || side.failed;
    tide_str_free(&side);
}

static enum tide_rc ask(const struct arguments *a, const char *data, json_t **out,
                        struct tide_error *e)
{
    struct tide_str target = {0};
    tide_str_put(&target, "/api/v1/compare");
    put_side(&target, "base", a->axis, a->base);
    put_side(&target, "head", a->axis, a->head);
    tide_request_query(&target, "project", a->project);
    tide_request_query(&target, "metric", a->metric);
    tide_request_query(&target, "commit", a->commit);
    tide_request_query(&target, "python", a->python);
    tide_request_query(&target, "scenario", a->scenario);
    tide_request_query(&target, "allocator", a->allocator);
    tide_request_query(&target, "subtract", a->subtract ? "empty" : NULL);
    return tide_request_get(data, &target, out, e);
}

/* ---- measuring more ---- */

/* [of base, of head], or the one that both have. */
static json_t *both(const json_t *base, const json_t *head, const char *of_cell)
{
    const char *b = json_string_value(base), *h = json_string_value(head);
    if (!b || !h) return json_pack("[s]", of_cell);
    return strcmp(b, h) ? json_pack("[s, s]", b, h) : json_pack("[s]", b);
}

static json_t *sha_of(const json_t *side)
{
    return json_object_get(json_object_get(side, "commit"), "sha");
}

/* A request for `samples` more of both cells; one batch, so that they are measured in turns. */
static json_t *make_request(const json_t *compared, const json_t *cell, int64_t samples)
{
    const json_t *base = json_object_get(compared, "base"),
                 *head = json_object_get(compared, "head");
    const char *name;
    json_t *value,
        *request = json_pack(
            "{s:O, s:o, s:o, s:o, s:[O], s:O, s:I, s:s}", "project",
            json_object_get(compared, "project"), "commits", both(sha_of(base), sha_of(head), ""),
            "pythons",
            both(json_object_get(base, "python"), json_object_get(head, "python"),
                 tide_json_text(cell, "python")),
            "allocators",
            both(json_object_get(base, "allocator"), json_object_get(head, "allocator"),
                 tide_json_text(cell, "allocator")),
            "scenarios", json_object_get(cell, "scenario"), "params",
            json_object_get(cell, "params"), "samples", (json_int_t)samples, "reason", "remeasure");
    json_object_foreach(json_object_get(cell, "measure"), name, value)
    {
        if (!json_is_null(value)) json_object_set(request, name, value);
    }
    return request;
}

static bool is_verdict(const json_t *cell, enum tide_verdict v)
{
    return !strcmp(tide_json_text(cell, "verdict"), tide_verdict_name(v));
}

enum tide_rc tide_compare_more(const char *data, const json_t *compared, const json_t *cell,
                               bool silent, int64_t *left, struct tide_error *e)
{
    int64_t samples = tide_json_number(cell, "needs");
    json_t *batch = NULL, *request;
    if (samples > ROUND_MOST) samples = ROUND_MOST;
    if (samples > *left / 2) samples = *left / 2;
    if (samples < 1) return TIDE_OK;
    request = make_request(compared, cell, samples);
    enum tide_rc rc = tide_client_post_json(data, "/api/v1/runs", request, &batch, e);
    struct tide_watch w = {.batch = tide_json_number(batch, "id"),
                           .voice = silent ? TIDE_WATCH_SILENT : TIDE_WATCH_BAR};
    *left -= 2 * samples;
    if (!rc) rc = tide_watch(&w, data, e);
    json_decref(w.ended);
    json_decref(batch);
    json_decref(request);
    return rc;
}

/* One round: more samples of every cell that is inconclusive. *measured: whether there were any. */
static enum tide_rc measure_round(const struct arguments *a, const char *data,
                                  const json_t *compared, int64_t *left, bool *measured,
                                  struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    int64_t before = *left;
    size_t i;
    json_t *cell;
    json_array_foreach(json_object_get(compared, "cells"), i, cell)
    {
        if (!rc && is_verdict(cell, TIDE_INCONCLUSIVE))
            rc = tide_compare_more(data, compared, cell, a->common.json || a->markdown, left, e);
    }
    *measured = *left < before;
    return rc;
}

static enum tide_rc decide(const struct arguments *a, const char *data, json_t **compared,
                           struct tide_error *e)
{
    int64_t left = a->runs, end = tide_clock_unix_ns() + a->minutes * MINUTE_NS;
    bool measured = true;
    enum tide_rc rc = TIDE_OK;
    while (!rc && measured && (!a->minutes || tide_clock_unix_ns() < end)) {
        rc = measure_round(a, data, *compared, &left, &measured, e);
        if (rc || !measured) break;
        json_decref(*compared);
        *compared = NULL;
        rc = ask(a, data, compared, e);
    }
    return rc;
}

/* ---- showing ---- */

static void write_value(const json_t *value, const char *unit, char *out, size_t room)
{
    if (json_is_number(value))
        tide_verdict_write(json_number_value(value), unit, out, room);
    else
        snprintf(out, room, "–");
}

void tide_compare_row(const json_t *compared, const json_t *cell, struct tide_compare_row *r)
{
    const char *unit = tide_json_text(compared, "unit");
    const json_t *percent = json_object_get(cell, "percent"),
                 *effect = json_object_get(cell, "effect");
    char low[40], high[40], value[40];
    char *params = json_dumps(json_object_get(cell, "params"), JSON_COMPACT);
    snprintf(r->scenario, sizeof r->scenario, "%s %s", tide_json_text(cell, "scenario"),
             params && strcmp(params, "{}") != 0 ? params : "");
    free(params);
    write_value(json_object_get(json_object_get(cell, "base"), "median"), unit, r->base,
                sizeof r->base);
    write_value(json_object_get(json_object_get(cell, "head"), "median"), unit, r->head,
                sizeof r->head);
    write_value(effect, unit, value, sizeof value);
    snprintf(r->effect, sizeof r->effect, "%s%s", json_number_value(effect) > 0 ? "+" : "", value);
    if (json_is_number(percent)) {
        size_t used = strlen(r->effect);
        snprintf(r->effect + used, sizeof r->effect - used, " (%+.2f %%)",
                 json_number_value(percent));
    }
    write_value(json_object_get(cell, "low"), unit, low, sizeof low);
    write_value(json_object_get(cell, "high"), unit, high, sizeof high);
    snprintf(r->interval, sizeof r->interval, "%s to %s", low, high);
}

static enum tide_hue hue_of(const json_t *cell)
{
    if (is_verdict(cell, TIDE_WORSE)) return TIDE_RED;
    if (is_verdict(cell, TIDE_BETTER)) return TIDE_GREEN;
    return is_verdict(cell, TIDE_SAME) ? TIDE_PLAIN : TIDE_YELLOW;
}

static void print_reasons(const json_t *cells)
{
    size_t i, k;
    json_t *cell, *difference;
    json_array_foreach((json_t *)cells, i, cell)
    {
        const json_t *differences = json_object_get(cell, "differences");
        long long needs = tide_json_number(cell, "needs");
        if (is_verdict(cell, TIDE_SAME) && !json_array_size(differences)) continue;
        printf("%s on %s: %s", tide_json_text(cell, "scenario"), tide_json_text(cell, "python"),
               tide_json_text(cell, "why"));
        if (needs) printf("; about %lld more samples a side would decide", needs);
        puts("");
        json_array_foreach((json_t *)differences, k, difference)
        {
            char *b = json_dumps(json_object_get(difference, "base"), JSON_ENCODE_ANY),
                 *h = json_dumps(json_object_get(difference, "head"), JSON_ENCODE_ANY);
            printf("  beside that, %s differs: %s against %s\n", tide_json_text(difference, "what"),
                   b ? b : "", h ? h : "");
            free(b);
            free(h);
        }
    }
}

static void print_missing(const json_t *missing)
{
    size_t i;
    json_t *one;
    json_array_foreach((json_t *)missing, i, one)
    {
        char *why = tide_terminal_clean(tide_json_text(one, "why"));
        printf("missing: %s on %s, %s: %s\n", tide_json_text(one, "scenario"),
               tide_json_text(one, "python"), tide_json_text(one, "side"), why ? why : "");
        free(why);
    }
}

static void print_table(const json_t *compared)
{
    struct tide_table t;
    size_t i;
    json_t *cell;
    tide_table_begin(&t, "VERDICT|SCENARIO|PYTHON|>BASE|>HEAD|>EFFECT|95 % INTERVAL");
    json_array_foreach(json_object_get(compared, "cells"), i, cell)
    {
        struct tide_compare_row r;
        tide_compare_row(compared, cell, &r);
        tide_table_put(&t, hue_of(cell), "%s", tide_json_text(cell, "verdict"));
        tide_table_put(&t, TIDE_PLAIN, "%s", r.scenario);
        tide_table_put(&t, TIDE_PLAIN, "%s", tide_json_text(cell, "python"));
        tide_table_put(&t, TIDE_PLAIN, "%s", r.base);
        tide_table_put(&t, TIDE_PLAIN, "%s", r.head);
        tide_table_put(&t, hue_of(cell), "%s", r.effect);
        tide_table_put(&t, TIDE_DIM, "%s", r.interval);
    }
    tide_table_end(&t);
    print_reasons(json_object_get(compared, "cells"));
    print_missing(json_object_get(compared, "missing"));
}

static void print_markdown(const json_t *compared)
{
    size_t i;
    json_t *cell, *one;
    printf("### %s: %.12s against %.12s\n\n"
           "| verdict | scenario | Python | base | head | effect | 95 %% interval |\n"
           "| --- | --- | --- | ---: | ---: | ---: | --- |\n",
           tide_json_text(compared, "metric"),
           tide_json_text(json_object_get(compared, "head"), "label"),
           tide_json_text(json_object_get(compared, "base"), "label"));
    json_array_foreach(json_object_get(compared, "cells"), i, cell)
    {
        struct tide_compare_row r;
        bool calm = is_verdict(cell, TIDE_SAME);
        tide_compare_row(compared, cell, &r);
        printf("| %s%s%s | `%s` | %s | %s | %s | %s | %s |\n", calm ? "" : "**",
               tide_json_text(cell, "verdict"), calm ? "" : "**", r.scenario,
               tide_json_text(cell, "python"), r.base, r.head, r.effect, r.interval);
    }
    json_array_foreach(json_object_get(compared, "missing"), i, one)
    {
        printf("%s- missing: `%s` on %s, %s: %s\n", i ? "" : "\n", tide_json_text(one, "scenario"),
               tide_json_text(one, "python"), tide_json_text(one, "side"),
               tide_json_text(one, "why"));
    }
}

/* Worse before all; then what could not be measured, on head or at all; then what is not decided.
 */
static int code_of(const json_t *compared)
{
    const json_t *summary = json_object_get(compared, "summary");
    size_t i;
    json_t *one;
    if (tide_json_number(summary, "worse")) return TIDE_EXIT_REGRESSION;
    if (!json_array_size(json_object_get(compared, "cells"))) return TIDE_EXIT_FAILED;
    json_array_foreach(json_object_get(compared, "missing"), i, one)
    {
        if (!strcmp(tide_json_text(one, "side"), "head")) return TIDE_EXIT_FAILED;
    }
    return tide_json_number(summary, "inconclusive") ? TIDE_EXIT_INCONCLUSIVE : TIDE_EXIT_FINE;
}

/* ---- the command ---- */

static enum tide_rc act(void *context, const char *data, struct tide_error *e)
{
    struct arguments *a = context;
    json_t *compared = NULL;
    enum tide_rc rc = ask(a, data, &compared, e);
    if (!rc && a->decide) rc = decide(a, data, &compared, e);
    if (!rc) {
        a->code = code_of(compared);
        if (a->common.json)
            tide_print_json(compared);
        else if (a->markdown)
            print_markdown(compared);
        else
            print_table(compared);
    }
    json_decref(compared);
    return rc;
}

static int run(const struct tide_cli *c, int argc, char **argv)
{
    struct arguments a = {.runs = RUNS_DEFAULT};
    struct tide_error e;
    tide_cli_parse(c, argc, argv, &a.common, &a);
    const struct tide_daemon_options wanted = {.idle = !a.decide};
    enum tide_rc rc = tide_alone_do(a.common.data, wanted, act, &a, &e);
    int code = tide_cli_end(c, rc, &e);
    return code ? code : a.code;
}

const struct tide_cli tide_command_compare = {
    .title = "tidemark compare",
    .summary = "say what differs between two commits, Pythons or allocators, and how surely",
    .arguments = "BASE HEAD",
    .about =
        "Compare two commits, Pythons or allocators, cell by cell: same, better, worse or "
        "inconclusive, with the effect, its interval of 95 % and the reason.\n\n"
        "With --decide, cells that are inconclusive are measured again, base and head in turns in "
        "one batch, until they are decided or the budget is spent.",
    .options = options,
    .takes = TIDE_TAKES_DATA | TIDE_TAKES_JSON,
    .parse = parse,
    .examples =
        (const struct tide_example[]){
            {"tidemark compare HEAD~1 HEAD", "What the newest commit did"},
            {"tidemark compare v1.0 HEAD --scenario list_bytes --decide --runs 40",
             "Measure until it is decided, 40 runs at the most"},
            {"tidemark compare 3.11 3.12 --axis python --subtract-empty",
             "What a Python release did, less what the interpreter needs for itself"},
            {"tidemark compare origin/main HEAD --markdown", "For a pull request"},
            {0}},
    .exits = 1 << TIDE_EXIT_REGRESSION | 1 << TIDE_EXIT_INCONCLUSIVE,
    .run = run,
};
