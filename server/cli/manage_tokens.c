/* manage_tokens.c - `tidemark tokens`: who else may talk to the daemon, and what they may do. */
#include "base/clock.h"
#include "base/str.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/confirm.h"
#include "cli/terminal.h"

#include <stdlib.h>
#include <string.h>

#define TARGET "/api/v1/tokens"
#define DAY_NS INT64_C(86400000000000)

struct arguments {
    struct tide_common common;
    const char *name; /* of the new one */
    int64_t id, days; /* 0: none */
    json_t *scopes;
    bool adds, revokes;
};

static void add_scopes(json_t *scopes, const char *text)
{
    while (*text) {
        size_t n = strcspn(text, ",");
        if (n) json_array_append_new(scopes, json_stringn(text, n));
        text += n + (text[n] == ',');
    }
}

static void take_argument(struct arguments *a, const char *value, struct argp_state *state)
{
    if (a->name || a->id) argp_error(state, "one token at a time");
    if (a->revokes)
        a->id = tide_cli_number(state, "TOKEN", value, 1, INT64_MAX);
    else
        a->name = value;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case 's': add_scopes(a->scopes, value); return 0;
    case 'e': a->days = tide_cli_number(state, "--days", value, 1, 36500); return 0;
    case ARGP_KEY_ARG:
        if (!a->adds && !a->revokes) return ARGP_ERR_UNKNOWN;
        take_argument(a, value, state);
        return 0;
    case ARGP_KEY_END:
        if (a->adds && !a->name) argp_error(state, "name it");
        if (a->revokes && !a->id) argp_error(state, "which one? `tidemark tokens` lists them");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

/* ---- list ---- */

static void put_row(struct tide_table *t, const json_t *token)
{
    struct tide_str scopes = {0};
    const json_t *list = json_object_get(token, "scopes");
    const json_t *expires = json_object_get(token, "expires_ns");
    char text[24];
    for (size_t i = 0; i < json_array_size(list); i++)
        tide_str_printf(&scopes, "%s%s", i ? "," : "", json_string_value(json_array_get(list, i)));
    bool gone = json_is_integer(expires) && json_integer_value(expires) < tide_clock_unix_ns();
    tide_table_put(t, TIDE_PLAIN, "%lld", tide_json_number(token, "id"));
    tide_table_put(t, TIDE_PLAIN, "%s%s", tide_json_text(token, "name"),
                   json_is_true(json_object_get(token, "own")) ? " (DATA/token)" : "");
    tide_table_put(t, TIDE_PLAIN, "%s", scopes.at ? scopes.at : "-");
    tide_table_put(t, TIDE_PLAIN, "%s",
                   tide_instant_text(tide_json_number(token, "created_ns"), text));
    tide_table_put(t, gone ? TIDE_RED : TIDE_PLAIN, "%s%s",
                   json_is_integer(expires) ? tide_instant_text(json_integer_value(expires), text)
                                            : "never",
                   gone ? " (over)" : "");
    tide_table_put(t, TIDE_PLAIN, "%s",
                   tide_instant_text(tide_json_number(token, "used_ns"), text));
    tide_str_free(&scopes);
}

static enum tide_rc list(void *context, const char *data, struct tide_error *e)
{
    const struct arguments *a = context;
    struct tide_table t;
    json_t *answer = NULL, *token;
    size_t i;
    enum tide_rc rc = tide_client_get(data, TARGET "?limit=1000", &answer, e);
    if (!rc && a->common.json) {
        tide_print_json(answer);
    } else if (!rc) {
        tide_table_begin(&t, ">TOKEN|NAME|SCOPES|CREATED|EXPIRES|USED");
        json_array_foreach(json_object_get(answer, "tokens"), i, token)
        {
            put_row(&t, token);
        }
        tide_table_end(&t);
    }
    json_decref(answer);
    return rc;
}

/* ---- add, revoke ---- */

static enum tide_rc add(void *context, const char *data, struct tide_error *e)
{
    const struct arguments *a = context;
    json_t *answer = NULL;
    json_t *wish = json_pack("{s:s, s:O}", "name", a->name, "scopes", a->scopes);
    if (!wish) return tide_fail(e, TIDE_INVALID, "the name is no text in UTF-8");
    if (a->days)
        json_object_set_new(wish, "expires_ns",
                            json_integer(tide_clock_unix_ns() + a->days * DAY_NS));
    enum tide_rc rc = tide_client_post_json(data, TARGET, wish, &answer, e);
    if (!rc && a->common.json)
        tide_print_json(answer);
    else if (!rc)
        printf("%s\n", tide_json_text(answer, "token"));
    if (!rc && !a->common.json)
        fprintf(stderr, "Token %lld, \"%s\". Its text is told this once.\n",
                tide_json_number(answer, "id"), tide_json_text(answer, "name"));
    json_decref(wish);
    json_decref(answer);
    return rc;
}

static enum tide_rc revoke(void *context, const char *data, struct tide_error *e)
{
    const struct arguments *a = context;
    json_t *answer = NULL;
    char target[64], question[64];
    snprintf(target, sizeof target, TARGET "/%lld", (long long)a->id);
    snprintf(question, sizeof question, "Revoke token %lld?", (long long)a->id);
    enum tide_rc rc = a->common.yes ? TIDE_OK : tide_confirm(question, e);
    if (!rc) rc = tide_client_delete(data, target, &answer, e);
    if (!rc && a->common.json)
        printf("{\"revoked\": %lld}\n", (long long)a->id);
    else if (!rc)
        printf("token %lld is revoked\n", (long long)a->id);
    json_decref(answer);
    return rc;
}

/* ---- the commands ---- */

static int carry_out(const struct tide_cli *c, int argc, char **argv, tide_cli_data_fn *act)
{
    struct arguments a = {.scopes = json_array(), .adds = act == add, .revokes = act == revoke};
    tide_cli_parse(c, argc, argv, &a.common, &a);
    if (!json_array_size(a.scopes)) json_array_append_new(a.scopes, json_string("read"));
    int code = tide_cli_on_data(c, &a.common, act, &a);
    json_decref(a.scopes);
    return code;
}

static int run_list(const struct tide_cli *c, int argc, char **argv)
{
    return carry_out(c, argc, argv, list);
}

static int run_add(const struct tide_cli *c, int argc, char **argv)
{
    return carry_out(c, argc, argv, add);
}

static int run_revoke(const struct tide_cli *c, int argc, char **argv)
{
    return carry_out(c, argc, argv, revoke);
}

static const struct argp_option add_options[] = {
    {"scope", 's', "read|trigger|upload|admin,...", 0, "What it may do (default: read)", 0},
    {"days", 'e', "N", 0, "It expires after so many days (default: never)", 0},
    {0},
};

static const struct tide_cli add_command = {
    .title = "tidemark tokens add",
    .summary = "make a token and print its text, which is told this once",
    .arguments = "NAME",
    .options = add_options,
    .takes = TIDE_TAKES_DATA | TIDE_TAKES_JSON,
    .parse = parse,
    .examples =
        (const struct tide_example[]){
            {"tidemark tokens add ci --scope read,trigger --days 90 > ci.token",
             "For a build server that starts runs"},
            {"tidemark tokens add dashboard", "One that may only read"},
            {0}},
    .run = run_add,
};
static const struct tide_cli revoke_command = {
    .title = "tidemark tokens revoke",
    .summary = "make a token worthless",
    .arguments = "TOKEN",
    .notes = "It asks first; where there is no terminal it needs --yes.",
    .takes = TIDE_TAKES_DATA | TIDE_TAKES_JSON | TIDE_TAKES_YES,
    .parse = parse,
    .examples = (const struct tide_example[]){{"tidemark tokens revoke 3", NULL},
                                              {"tidemark tokens revoke 3 --yes", NULL},
                                              {0}},
    .run = run_revoke,
};
static const struct tide_cli *const verbs[] = {&add_command, &revoke_command, NULL};

const struct tide_cli tide_command_tokens = {
    .title = "tidemark tokens",
    .summary = "list the tokens of the daemon; add, revoke one",
    .about =
        "List the tokens that the daemon takes: what each may do, when it expires, when it was "
        "used last.",
    .takes = TIDE_TAKES_DATA | TIDE_TAKES_JSON,
    .parse = parse,
    .examples =
        (const struct tide_example[]){
            {"tidemark tokens", NULL},
            {"tidemark tokens add ci --scope read,trigger --days 90", NULL},
            {"tidemark tokens --json | jq '.tokens[] | select(.used_ns == null).name'", NULL},
            {0}},
    .verbs = verbs,
    .run = run_list,
};
