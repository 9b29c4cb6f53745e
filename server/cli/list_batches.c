/* list_batches.c - `tidemark batches`: what was asked for, and how far it is. */
#include "base/str.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/show.h"

#include <stdlib.h>

struct arguments {
    struct tide_common common;
    struct tide_str query; /* filters */
    int64_t batch;         /* 0: all */
    int64_t limit;
};

/* Filters of GET /api/v1/batches by the option's key. */
static const struct filter {
    int key;
    const char *name;
} filters[] = {{'p', "project"}, {'t', "status"}, {'r', "reason"}};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
        if (filters[i].key == key) {
            tide_str_printf(&a->query, "&%s=", filters[i].name);
            tide_client_escape(&a->query, value);
            return 0;
        }
    switch (key) {
    case 'l': a->limit = tide_cli_number(state, "--limit", value, 1, 1000); return 0;
    case ARGP_KEY_ARG:
        if (a->batch) argp_error(state, "one batch at a time");
        a->batch = tide_cli_number(state, "BATCH", value, 1, INT64_MAX);
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static void put_row(struct tide_table *t, const json_t *batch)
{
    static const char *const counts[] = {"runs", "done", "failed", "cancelled"};
    char text[24];
    const char *status = tide_json_text(batch, "status"), *reason = tide_json_text(batch, "reason");
    const json_t *left = json_object_get(batch, "eta_ns");
    tide_table_put(t, TIDE_PLAIN, "%lld", tide_json_number(batch, "id"));
    tide_table_put(t, tide_status_hue(status), "%s", status);
    tide_table_put(t, TIDE_PLAIN, "%lld %%", tide_json_number(batch, "percent"));
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        tide_table_put(t, TIDE_PLAIN, "%lld", tide_json_number(batch, counts[i]));
    tide_table_put(t, TIDE_PLAIN, "%s",
                   tide_instant_text(tide_json_number(batch, "queued_ns"), text));
    tide_table_put(t, TIDE_PLAIN, "%s",
                   json_is_integer(left) ? tide_time_text(json_integer_value(left), text) : "-");
    tide_table_put(t, TIDE_PLAIN, "%s", *reason ? reason : "-");
}

static void print_batches(const json_t *batches)
{
    struct tide_table t;
    size_t i;
    json_t *batch;
    tide_table_begin(&t, ">BATCH|STATUS|>DONE|>RUNS|>FINE|>FAILED|>CANCELLED|QUEUED|>LEFT|REASON");
    json_array_foreach((json_t *)batches, i, batch)
    {
        put_row(&t, batch);
    }
    tide_table_end(&t);
}

static enum tide_rc list_all(const struct arguments *a, const char *data, struct tide_error *e)
{
    json_t *answer = NULL;
    struct tide_str target = {0};
    tide_str_printf(&target, "/api/v1/batches?limit=%lld%s", (long long)a->limit,
                    a->query.at ? a->query.at : "");
    enum tide_rc rc = tide_client_get(data, target.at, &answer, e);
    tide_str_free(&target);
    if (!rc && a->common.json)
        tide_print_json(answer);
    else if (!rc)
        print_batches(json_object_get(answer, "batches"));
    json_decref(answer);
    return rc;
}

/* The batch and its runs. */
static enum tide_rc show_one(const struct arguments *a, const char *data, struct tide_error *e)
{
    json_t *batch = NULL, *runs = NULL;
    char target[96];
    snprintf(target, sizeof target, "/api/v1/batches/%lld", (long long)a->batch);
    enum tide_rc rc = tide_client_get(data, target, &batch, e);
    snprintf(target, sizeof target, "/api/v1/runs?batch=%lld&limit=1000", (long long)a->batch);
    if (!rc && !a->common.json) rc = tide_client_get(data, target, &runs, e);
    if (!rc && a->common.json) {
        tide_print_json(batch);
    } else if (!rc) {
        json_t *list = json_pack("[O]", batch);
        print_batches(list);
        putchar('\n');
        tide_show_runs(json_object_get(runs, "runs"));
        json_decref(list);
    }
    json_decref(batch);
    json_decref(runs);
    return rc;
}

static enum tide_rc list(void *context, const char *data, struct tide_error *e)
{
    const struct arguments *a = context;
    return a->batch ? show_one(a, data, e) : list_all(a, data, e);
}

static int run(const struct tide_cli *c, int argc, char **argv)
{
    struct arguments a = {.limit = 20};
    tide_cli_parse(c, argc, argv, &a.common, &a);
    int code = tide_cli_on_data(c, &a.common, list, &a);
    tide_str_free(&a.query);
    return code;
}

static const struct argp_option options[] = {
    {"project", 'p', "NAME", 0, "Of this project", 0},
    {"status", 't', "queued|running|done", 0, "In this state", 0},
    {"reason", 'r', "import|rest|cli|cron|commit|webhook|bisect|remeasure|python|gate", 0,
     "Asked for by this", 0},
    {"limit", 'l', "N", 0, "The newest N batches (default: 20)", 0},
    {0},
};

const struct tide_cli tide_command_batches = {
    .title = "tidemark batches",
    .group = "Results:",
    .summary = "list what was asked for and how far it is; one batch with its runs",
    .arguments = "[BATCH]",
    .options = options,
    .takes = TIDE_TAKES_DATA | TIDE_TAKES_JSON,
    .parse = parse,
    .examples =
        (const struct tide_example[]){
            {"tidemark batches", NULL},
            {"tidemark batches 12", "The batch and each of its runs"},
            {"tidemark batches --reason cron --status done", "What was measured at night"},
            {"tidemark batches --json | jq '.batches[] | select(.failed > 0).id'", NULL},
            {0}},
    .run = run,
};
