/* list_scenarios.c - `tidemark scenarios`: what can be measured of a project. */
#include "base/str.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/terminal.h"

#include <stdlib.h>
#include <string.h>

struct arguments {
    struct tide_common common;
    const char *project, *scenario;
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case 'p': a->project = value; return 0;
    case ARGP_KEY_ARG:
        if (a->scenario) argp_error(state, "one scenario at a time");
        a->scenario = value;
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const char *value_text(const json_t *value, char out[32])
{
    char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    snprintf(out, 32, "%s", text && !json_is_null(value) ? text : "-");
    free(text);
    return out;
}

static void print_list(const json_t *scenarios)
{
    struct tide_table t;
    size_t i, k;
    json_t *scenario, *param;
    char text[32];
    tide_table_begin(&t, "SCENARIO|PARAMETERS|TITLE");
    json_array_foreach((json_t *)scenarios, i, scenario)
    {
        struct tide_str params = {0};
        json_array_foreach(json_object_get(scenario, "params"), k, param)
        {
            tide_str_printf(&params, "%s%s=%s", k ? " " : "", tide_json_text(param, "name"),
                            value_text(json_object_get(param, "default"), text));
        }
        tide_table_put(&t, TIDE_PLAIN, "%s", tide_json_text(scenario, "name"));
        tide_table_put(&t, TIDE_PLAIN, "%s", params.at ? params.at : "-");
        tide_table_put(&t, TIDE_PLAIN, "%s", tide_json_text(scenario, "title"));
        tide_str_free(&params);
    }
    tide_table_end(&t);
}

static void print_one(const json_t *scenario)
{
    static const char *const fields[] = {"default", "demo", "minimum", "maximum", "values"};
    struct tide_table t;
    size_t i;
    json_t *param;
    char text[32];
    printf("%s: %s\n  module   %s\n  version  %s\n", tide_json_text(scenario, "name"),
           tide_json_text(scenario, "title"), tide_json_text(scenario, "module"),
           tide_json_text(scenario, "version"));
    if (!json_array_size(json_object_get(scenario, "params"))) return;
    putchar('\n');
    tide_table_begin(&t, "PARAMETER|TYPE|>DEFAULT|>DEMO|>LEAST|>MOST|VALUES");
    json_array_foreach(json_object_get(scenario, "params"), i, param)
    {
        tide_table_put(&t, TIDE_PLAIN, "%s", tide_json_text(param, "name"));
        tide_table_put(&t, TIDE_PLAIN, "%s", tide_json_text(param, "type"));
        for (size_t k = 0; k < sizeof fields / sizeof *fields; k++)
            tide_table_put(&t, TIDE_PLAIN, "%s",
                           value_text(json_object_get(param, fields[k]), text));
    }
    tide_table_end(&t);
}

/* The scenario of the list with that name; INVALID when there is none. */
static enum tide_rc find_one(const json_t *scenarios, const char *name, json_t **out,
                             struct tide_error *e)
{
    size_t i;
    json_array_foreach((json_t *)scenarios, i, *out)
    {
        if (!strcmp(tide_json_text(*out, "name"), name)) return TIDE_OK;
    }
    *out = NULL;
    return tide_fail(e, TIDE_INVALID, "no scenario \"%s\": `tidemark scenarios` lists them", name);
}

static enum tide_rc list(void *context, const char *data, struct tide_error *e)
{
    const struct arguments *a = context;
    struct tide_str target = {0};
    json_t *answer = NULL, *one = NULL;
    tide_str_put(&target, "/api/v1/scenarios?project=");
    tide_client_escape(&target, a->project);
    enum tide_rc rc = target.failed ? tide_fail(e, TIDE_NOMEM, "list the scenarios")
                                    : tide_client_get(data, target.at, &answer, e);
    const json_t *all = json_object_get(answer, "scenarios");
    if (!rc && a->scenario) rc = find_one(all, a->scenario, &one, e);
    if (!rc && a->common.json)
        tide_print_json(one ? one : answer);
    else if (!rc && one)
        print_one(one);
    else if (!rc)
        print_list(all);
    json_decref(answer);
    tide_str_free(&target);
    return rc;
}

static int run(const struct tide_cli *c, int argc, char **argv)
{
    struct arguments a = {.project = TIDE_DEFAULT_PROJECT};
    tide_cli_parse(c, argc, argv, &a.common, &a);
    return tide_cli_on_data(c, &a.common, list, &a);
}

static const struct argp_option options[] = {
    {"project", 'p', "PROJECT", 0, "Of this project (default: " TIDE_DEFAULT_PROJECT ")", 0},
    {0},
};

const struct tide_cli tide_command_scenarios = {
    .title = "tidemark scenarios",
    .summary = "list the scenarios of a project; one with its parameters",
    .arguments = "[SCENARIO]",
    .options = options,
    .takes = TIDE_TAKES_DATA | TIDE_TAKES_JSON,
    .parse = parse,
    .examples =
        (const struct tide_example[]){
            {"tidemark scenarios", NULL},
            {"tidemark scenarios list_bytes", "Its parameters, with what they may be"},
            {"tidemark scenarios --project tiny --json | jq -r '.scenarios[].name'", NULL},
            {0}},
    .run = run,
};
