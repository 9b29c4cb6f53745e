/* list_runs.c - `tidemark runs`: what was measured; one run in detail, and its log. */
#include "base/str.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/show.h"

#include <stdlib.h>
#include <string.h>

struct arguments {
    struct tide_common common;
    struct tide_str query; /* filters */
    int64_t run;           /* 0: a list */
    bool log;
};

/* Filters of GET /api/v1/runs by the option's key. */
static const struct filter {
    int key;
    const char *name;
} filters[] = {{'b', "batch"},  {'s', "scenario"}, {'c', "commit"},
               {'y', "python"}, {'t', "status"},   {'l', "limit"}};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
        if (filters[i].key == key) {
            tide_str_printf(&a->query, "%c%s=", a->query.length ? '&' : '?', filters[i].name);
            tide_client_escape(&a->query, value);
            return 0;
        }
    switch (key) {
    case 'L': a->log = true; return 0;
    case ARGP_KEY_ARG:
        if (a->run) argp_error(state, "one run at a time");
        a->run = tide_cli_number(state, "RUN", value, 1, INT64_MAX);
        return 0;
    case ARGP_KEY_END:
        if (a->log && !a->run) argp_error(state, "the log of which run?");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

/* ---- one run ---- */

static void print_size(const json_t *run, const char *title, const char *key)
{
    char text[24];
    const json_t *value = json_object_get(run, key);
    if (!json_is_integer(value)) return;
    printf("  %-11s %10s  %lld bytes\n", title, tide_size_text(json_integer_value(value), text),
           (long long)json_integer_value(value));
}

static void print_identity(const json_t *run)
{
    const json_t *commit = json_object_get(run, "commit");
    const char *status = tide_json_text(run, "status");
    char *params = json_dumps(json_object_get(run, "params"), JSON_COMPACT | JSON_SORT_KEYS);
    char *subject = tide_terminal_clean(tide_json_text(commit, "subject"));
    char *error = tide_terminal_clean(tide_json_text(run, "error"));
    printf("Run %lld: %s%s%s, sample %lld of batch %lld\n", tide_json_number(run, "id"),
           tide_hue_on(stdout, tide_status_hue(status)), status,
           tide_hue_off(stdout, tide_status_hue(status)), tide_json_number(run, "sample"),
           tide_json_number(run, "batch"));
    printf("  scenario    %s %s of %s\n", tide_json_text(run, "scenario"), params ? params : "",
           tide_json_text(run, "project"));
    printf("  commit      %.12s %s\n", tide_json_text(commit, "sha"), subject ? subject : "");
    printf("  python      %s, %s\n", tide_json_text(json_object_get(run, "python"), "name"),
           tide_json_text(run, "allocator"));
    if (error && *error) printf("  error       %s\n", error);
    free(params);
    free(subject);
    free(error);
}

static void print_figures(const json_t *run)
{
    char wall[24], cpu[24];
    print_size(run, "base", "base");
    print_size(run, "original", "original");
    print_size(run, "tide mark", "tide_mark");
    print_size(run, "end", "end");
    print_size(run, "floor", "floor");
    if (!json_is_integer(json_object_get(run, "wall_ns"))) return;
    printf("  time        %10s  of which CPU %s\n",
           tide_time_text(tide_json_number(run, "wall_ns"), wall),
           tide_time_text(tide_json_number(run, "cpu_ns"), cpu));
    printf("  recorded    %10lld events, %lld samples\n", tide_json_number(run, "events"),
           tide_json_number(run, "samples_taken"));
}

static void print_phases(const json_t *phases)
{
    struct tide_table t;
    char text[24];
    size_t i;
    json_t *phase;
    if (!json_array_size(phases)) return;
    putchar('\n');
    tide_table_begin(&t, "PHASE|>AT|>RSS|>PEAK");
    json_array_foreach((json_t *)phases, i, phase)
    {
        tide_table_put(&t, TIDE_PLAIN, "%s", tide_json_text(phase, "name"));
        tide_table_put(&t, TIDE_PLAIN, "%s", tide_time_text(tide_json_number(phase, "t_ns"), text));
        tide_table_put(&t, TIDE_PLAIN, "%s", tide_size_text(tide_json_number(phase, "rss"), text));
        tide_table_put(&t, TIDE_PLAIN, "%s", tide_size_text(tide_json_number(phase, "peak"), text));
    }
    tide_table_end(&t);
}

static enum tide_rc show_log(const struct arguments *a, const char *data, struct tide_error *e)
{
    char target[64];
    struct tide_str text = {0};
    snprintf(target, sizeof target, "/api/v1/runs/%lld/log", (long long)a->run);
    enum tide_rc rc = tide_client_text(data, target, &text, e);
    if (!rc && text.at) fputs(text.at, stdout);
    tide_str_free(&text);
    return rc;
}

static enum tide_rc show_one(const struct arguments *a, const char *data, struct tide_error *e)
{
    json_t *answer = NULL;
    char target[64];
    snprintf(target, sizeof target, "/api/v1/runs/%lld", (long long)a->run);
    enum tide_rc rc = tide_client_get(data, target, &answer, e);
    if (!rc && a->common.json) {
        tide_print_json(answer);
    } else if (!rc) {
        print_identity(answer);
        print_figures(answer);
        print_phases(json_object_get(answer, "phases"));
    }
    json_decref(answer);
    return rc;
}

/* ---- the command ---- */

static enum tide_rc list_all(struct arguments *a, const char *data, struct tide_error *e)
{
    json_t *answer = NULL;
    char *target =
        a->query.failed ? NULL : tide_format("/api/v1/runs%s", a->query.at ? a->query.at : "");
    enum tide_rc rc = target ? tide_client_get(data, target, &answer, e)
                             : tide_fail(e, TIDE_NOMEM, "list the runs");
    if (!rc && a->common.json) {
        tide_print_json(answer);
    } else if (!rc) {
        tide_show_runs(json_object_get(answer, "runs"));
        if (!json_is_null(json_object_get(answer, "next"))) puts("There are older ones: --limit N");
    }
    json_decref(answer);
    free(target);
    return rc;
}

static enum tide_rc list(void *context, const char *data, struct tide_error *e)
{
    struct arguments *a = context;
    if (a->log) return show_log(a, data, e);
    return a->run ? show_one(a, data, e) : list_all(a, data, e);
}

static int run(const struct tide_cli *c, int argc, char **argv)
{
    struct arguments a = {0};
    tide_cli_parse(c, argc, argv, &a.common, &a);
    int code = tide_cli_on_data(c, &a.common, list, &a);
    tide_str_free(&a.query);
    return code;
}

static const struct argp_option options[] = {
    {"batch", 'b', "BATCH", 0, "Of this batch", 0},
    {"status", 't', "queued|building|running|done|failed|cancelled", 0, "In this state", 0},
    {"scenario", 's', "SCENARIO", 0, "Of this scenario", 0},
    {"commit", 'c', "SHA", 0, "Of commits whose hash begins so", 0},
    {"python", 'y', "PYTHON", 0, "On this Python", 0},
    {"limit", 'l', "N", 0, "The newest N (default: 100, at most 1000)", 0},
    {"log", 'L', 0, 0, "Print the log of RUN: of its build where that failed, then of its worker",
     0},
    {0},
};

const struct tide_cli tide_command_runs = {
    .title = "tidemark runs",
    .summary = "list runs with what they measured; one in detail, or its log",
    .arguments = "[RUN]",
    .about =
        "List the newest runs with what they measured. With RUN, that one in detail: figures and "
        "phases; all that is on record of it with --json.",
    .options = options,
    .takes = TIDE_TAKES_DATA | TIDE_TAKES_JSON,
    .parse = parse,
    .examples =
        (const struct tide_example[]){
            {"tidemark runs --scenario list_bytes --python 3.12.1", NULL},
            {"tidemark runs --status failed --limit 20", NULL},
            {"tidemark runs 31", "One run: figures and phases"},
            {"tidemark runs 31 --log", "What it and its build had to say"},
            {0}},
    .run = run,
};
