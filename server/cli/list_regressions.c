/* list_regressions.c - `tidemark regressions` and `tidemark accept`: where the level of a metric
 * changed along the history, and which of these changes are meant. */
#include "base/str.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/request.h"
#include "cli/terminal.h"
#include "stats/verdict.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_ALL = 1000, KEY_BETTER, KEY_UNDO, KEY_BY };

struct arguments {
    struct tide_common common;
    const char *project, *scenario, *python, *metric, *status;
    bool all, better;
    int64_t limit;
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case 'p': a->project = value; return 0;
    case 's': a->scenario = value; return 0;
    case 'P': a->python = value; return 0;
    case 'm': a->metric = value; return 0;
    case 't': a->status = value; return 0;
    case 'l': a->limit = tide_cli_number(state, "--limit", value, 1, 1000); return 0;
    case KEY_ALL: a->all = true; return 0;
    case KEY_BETTER: a->better = true; return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"project", 'p', "PROJECT", 0, "This project only", 0},
    {"scenario", 's', "SCENARIO", 0, "This scenario only", 0},
    {"python", 'P', "PYTHON", 0, "This Python only, by its name", 0},
    {"metric", 'm', "METRIC", 0, "This metric only", 0},
    {"status", 't', "suspect|confirmed|dropped", 0, "These only (default: all but dropped)", 0},
    {"all", KEY_ALL, 0, 0, "Accepted ones and changes for the better too", 0},
    {"better", KEY_BETTER, 0, 0, "Changes for the better only", 0},
    {"limit", 'l', "N", 0, "The newest N (default: 50)", 0},
    {0},
};

static void put_row(struct tide_table *t, const json_t *change)
{
    const char *unit = tide_json_text(change, "unit"), *status = tide_json_text(change, "status");
    const json_t *commit = json_object_get(change, "commit");
    const json_t *accepted = json_object_get(change, "accepted");
    const json_t *percent = json_object_get(change, "percent");
    bool worse = !strcmp(tide_json_text(change, "verdict"), "worse");
    bool alarm = worse && !json_is_object(accepted) && !strcmp(status, "confirmed");
    char effect[40];
    tide_verdict_write(json_number_value(json_object_get(change, "effect")), unit, effect,
                       sizeof effect);
    tide_table_put(t, TIDE_PLAIN, "%lld", tide_json_number(change, "id"));
    tide_table_put(t, alarm ? TIDE_RED : TIDE_PLAIN, "%s%s", status,
                   json_is_object(accepted) ? ", accepted" : "");
    tide_table_put(t, TIDE_PLAIN, "%.12s", tide_json_text(commit, "sha"));
    tide_table_put(t, TIDE_PLAIN, "%s", tide_json_text(change, "scenario"));
    tide_table_put(t, TIDE_PLAIN, "%s", tide_json_text(json_object_get(change, "python"), "name"));
    tide_table_put(t, TIDE_PLAIN, "%s", tide_json_text(change, "metric"));
    tide_table_put(t, worse ? TIDE_RED : TIDE_GREEN, "%s%s", worse ? "+" : "", effect);
    tide_table_put(t, TIDE_PLAIN, json_is_number(percent) ? "%+.2f %%" : "",
                   json_number_value(percent));
    tide_table_put(t, TIDE_DIM, "%s", tide_json_text(commit, "subject"));
}

static void print_changes(const json_t *changes)
{
    struct tide_table t;
    size_t i;
    json_t *change;
    if (!json_array_size(changes)) {
        puts("No regression.");
        return;
    }
    tide_table_begin(&t, ">ID|STATUS|COMMIT|SCENARIO|PYTHON|METRIC|>EFFECT|>PERCENT|SUBJECT");
    json_array_foreach((json_t *)changes, i, change)
    {
        put_row(&t, change);
    }
    tide_table_end(&t);
}

static enum tide_rc list(void *context, const char *data, struct tide_error *e)
{
    const struct arguments *a = context;
    struct tide_str target = {0};
    json_t *answer = NULL;
    tide_str_printf(&target, "/api/v1/regressions?limit=%lld", (long long)a->limit);
    tide_request_query(&target, "project", a->project);
    tide_request_query(&target, "scenario", a->scenario);
    tide_request_query(&target, "python", a->python);
    tide_request_query(&target, "metric", a->metric);
    tide_request_query(&target, "status", a->status);
    tide_request_query(&target, "verdict", a->better ? "better" : a->all ? NULL : "worse");
    tide_request_query(&target, "accepted", a->all || a->better ? NULL : "false");
    enum tide_rc rc = tide_request_get(data, &target, &answer, e);
    if (!rc && a->common.json)
        tide_print_json(answer);
    else if (!rc)
        print_changes(json_object_get(answer, "regressions"));
    json_decref(answer);
    return rc;
}

static int run(const struct tide_cli *c, int argc, char **argv)
{
    struct arguments a = {.limit = 50};
    tide_cli_parse(c, argc, argv, &a.common, &a);
    return tide_cli_on_data(c, &a.common, list, &a);
}

const struct tide_cli tide_command_regressions = {
    .title = "tidemark regressions",
    .summary = "list where a metric changed along the history",
    .about = "List where the level of a metric changed along the first parents of a project's "
             "branch: for the worse and not accepted, unless more is asked for.",
    .options = options,
    .takes = TIDE_TAKES_DATA | TIDE_TAKES_JSON,
    .parse = parse,
    .examples =
        (const struct tide_example[]){
            {"tidemark regressions", NULL},
            {"tidemark regressions --project converters --status confirmed", NULL},
            {"tidemark regressions --all --json | jq '.regressions[].commit.sha'",
             "What changed at all, accepted or for the better too"},
            {0}},
    .run = run,
};

/* ---- tidemark accept ---- */

struct acceptance {
    struct tide_common common;
    const char *reason, *by;
    int64_t id;
    bool undo;
};

static error_t parse_acceptance(int key, char *value, struct argp_state *state)
{
    struct acceptance *a = state->input;
    switch (key) {
    case 'r': a->reason = value; return 0;
    case KEY_BY: a->by = value; return 0;
    case KEY_UNDO: a->undo = true; return 0;
    case ARGP_KEY_ARG:
        if (a->id) argp_error(state, "one regression at a time");
        a->id = tide_cli_number(state, "ID", value, 1, INT64_MAX);
        return 0;
    case ARGP_KEY_END:
        if (!a->id) argp_error(state, "which one? `tidemark regressions` lists them");
        if (!a->undo && !a->reason) argp_error(state, "--reason is missing: why is it meant?");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option acceptance_options[] = {
    {"reason", 'r', "TEXT", 0, "Why the change is meant", 0},
    {"by", KEY_BY, "NAME", 0, "Who says so (default: $USER)", 0},
    {"undo", KEY_UNDO, 0, 0, "It is not accepted any more", 0},
    {0},
};

static enum tide_rc accept_change(void *context, const char *data, struct tide_error *e)
{
    const struct acceptance *a = context;
    char target[80];
    json_t *answer = NULL;
    snprintf(target, sizeof target, "/api/v1/regressions/%lld/accept", (long long)a->id);
    json_t *body = json_pack("{s:s*, s:s*}", "reason", a->reason, "by", a->by);
    enum tide_rc rc = a->undo ? tide_client_delete(data, target, &answer, e)
                              : tide_client_post_json(data, target, body, &answer, e);
    if (!rc && a->common.json)
        tide_print_json(answer);
    else if (!rc)
        printf("regression %lld is %s\n", (long long)a->id,
               a->undo ? "not accepted any more" : "accepted");
    json_decref(body);
    json_decref(answer);
    return rc;
}

static int run_acceptance(const struct tide_cli *c, int argc, char **argv)
{
    struct acceptance a = {.by = getenv("USER")};
    tide_cli_parse(c, argc, argv, &a.common, &a);
    return tide_cli_on_data(c, &a.common, accept_change, &a);
}

const struct tide_cli tide_command_accept = {
    .title = "tidemark accept",
    .summary = "say that a change is meant: it is no alarm any more",
    .arguments = "ID",
    .options = acceptance_options,
    .takes = TIDE_TAKES_DATA | TIDE_TAKES_JSON,
    .parse = parse_acceptance,
    .examples =
        (const struct tide_example[]){{"tidemark accept 12 --reason 'the cache is worth it'", NULL},
                                      {"tidemark accept 12 --undo", NULL},
                                      {0}},
    .run = run_acceptance,
};
