/* collect_garbage.c - `tidemark gc`: has the daemon take away what is in nobody's use. */
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/terminal.h"

struct arguments {
    struct tide_common common;
    bool dry;
    int64_t days;
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case 'n': a->dry = true; return 0;
    case 'l': a->days = tide_cli_number(state, "--logs", value, 1, 36500); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static void print_removed(const json_t *answer, bool dry)
{
    struct tide_table t;
    size_t i;
    json_t *one;
    char size[24];
    tide_table_begin(&t, ">BYTES|>SIZE|>NUMBER|WHAT");
    json_array_foreach(json_object_get(answer, "removed"), i, one)
    {
        long long n = tide_json_number(one, "n");
        tide_table_put(&t, TIDE_PLAIN, "%lld", tide_json_number(one, "bytes"));
        tide_table_put(&t, TIDE_PLAIN, "%s", tide_size_text(tide_json_number(one, "bytes"), size));
        if (n)
            tide_table_put(&t, TIDE_PLAIN, "%lld", n);
        else
            tide_table_put(&t, TIDE_PLAIN, "-");
        tide_table_put(&t, TIDE_PLAIN, "%s", tide_json_text(one, "what"));
    }
    if (i)
        tide_table_end(&t);
    else
        tide_table_drop(&t);
    printf("%lld bytes (%s) %s.\n", tide_json_number(answer, "bytes"),
           tide_size_text(tide_json_number(answer, "bytes"), size), dry ? "would go" : "are gone");
    json_array_foreach(json_object_get(answer, "left"), i, one)
    {
        printf("Left as they are: %s; %s.\n", tide_json_text(one, "what"),
               tide_json_text(one, "why"));
    }
}

static enum tide_rc collect(void *context, const char *data, struct tide_error *e)
{
    const struct arguments *a = context;
    json_t *answer = NULL;
    json_t *wish = json_pack("{s:b}", "dry_run", a->dry);
    if (a->days) json_object_set_new(wish, "logs_days", json_integer(a->days));
    enum tide_rc rc = tide_client_post_json(data, "/api/v1/gc", wish, &answer, e);
    if (!rc && a->common.json)
        tide_print_json(answer);
    else if (!rc)
        print_removed(answer, a->dry);
    json_decref(wish);
    json_decref(answer);
    return rc;
}

static int run(const struct tide_cli *c, int argc, char **argv)
{
    struct arguments a = {0};
    tide_cli_parse(c, argc, argv, &a.common, &a);
    return tide_cli_on_data(c, &a.common, collect, &a);
}

static const struct argp_option options[] = {
    {"dry-run", 'n', 0, 0, "Only tell what would go", 0},
    {"logs", 'l', "DAYS", 0, "Logs of what was done longer ago go too (failures keep theirs)", 0},
    {0},
};

const struct tide_cli tide_command_gc = {
    .title = "tidemark gc",
    .summary = "take away what is in nobody's use, and say how much that was",
    .about =
        "Take away builds beyond the limit of the cache (cache_bytes) and those of no run on "
        "record, what killed builds left, orphaned worktrees, mirrors and scenarios of removed "
        "projects, measurements of no run; and write the database anew where 1 MiB of it or "
        "more is free.",
    .notes = "No run on record goes. Safe beside a daemon, which does it; what needs quiet is left "
             "while runs are at work.",
    .options = options,
    .takes = TIDE_TAKES_DATA | TIDE_TAKES_JSON,
    .parse = parse,
    .examples = (const struct tide_example[]){{"tidemark gc --dry-run", NULL},
                                              {"tidemark gc", NULL},
                                              {"tidemark gc --logs 90", "Old logs too"},
                                              {0}},
    .run = run,
};
