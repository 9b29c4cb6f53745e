/* list_pythons.c - `tidemark pythons`: discovery, printed. */
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/fetch_pythons.h"
#include "cli/terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arguments {
    struct tide_common common;
    const char *config;
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case 'c': a->config = value; return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"config", 'c', "FILE", 0, "Configuration (JSON); \"pythons\" in it lists further interpreters",
     0},
    {0},
};
static const char *or_dash(const char *text)
{
    return text && *text ? text : "-";
}

static void print_words(const char *title, char *const *words)
{
    if (words) printf("  %-9s", title);
    for (char *const *word = words; word && *word; word++)
        printf(" %s", *word);
    if (words) putchar('\n');
}

static void print_table(const struct tide_pythons *p)
{
    printf("%-18s %-32s %-13s %s\n", "NAME", "ABI", "SOURCE", "PREFIX");
    for (size_t i = 0; i < p->n; i++) {
        const struct tide_python *y = &p->at[i];
        printf("%-18s %-32s %-13s %s\n", y->name, or_dash(y->abi), y->source, or_dash(y->prefix));
        if (y->reason)
            printf("  cannot be used: %s\n", y->reason);
        else
            printf("  libpython %s\n  headers   %s\n", or_dash(y->libpython), or_dash(y->include));
        print_words("launcher", y->launcher);
        print_words("libraries", y->library_path);
        if (y->no_site) puts("  without site-packages");
    }
}

static json_t *describe(const struct tide_python *y)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:s?}", "name", y->name,
                     "version", y->version, "abi", y->abi, "program", y->program, "prefix",
                     y->prefix, "libpython", y->libpython, "include", y->include, "source",
                     y->source, "usable", !y->reason, "reason", y->reason);
}

static void print_json(const struct tide_pythons *p)
{
    json_t *list = json_array();
    for (size_t i = 0; i < p->n; i++)
        json_array_append_new(list, describe(&p->at[i]));
    json_t *all = json_pack("{s:o}", "pythons", list);
    tide_print_json(all);
    json_decref(all);
}

static int run(const struct tide_cli *c, int argc, char **argv)
{
    struct arguments a = {0};
    struct tide_config config;
    struct tide_pythons pythons = {0};
    struct tide_error e;
    tide_cli_parse(c, argc, argv, &a.common, &a);
    enum tide_rc rc = tide_config_settle(a.common.data, NULL, a.config, &config, &e);
    if (!rc) rc = tide_pythons_discover(&config.places.pythons, NULL, &pythons, &e);
    if (!rc && a.common.json)
        print_json(&pythons);
    else if (!rc)
        print_table(&pythons);
    tide_pythons_free(&pythons);
    tide_config_clear(&config);
    return tide_cli_end(c, rc == TIDE_ABSENT ? TIDE_INVALID : rc, &e);
}

static const struct tide_cli *const verbs[] = {&tide_command_pythons_get,
                                               &tide_command_pythons_remove, NULL};

const struct tide_cli tide_command_pythons = {
    .title = "tidemark pythons",
    .summary = "list the CPythons of this machine, and why one cannot be used",
    .about =
        "List the CPythons of this machine: version, ABI, prefix, library and headers, and for "
        "each one that cannot be used, why.",
    .notes = "Looks at PATH, VIRTUAL_ENV, Debian's python3.x, pyenv, uv and conda, at what the "
             "configuration names and at what was fetched.",
    .options = options,
    .takes = TIDE_TAKES_DATA | TIDE_TAKES_JSON,
    .parse = parse,
    .examples =
        (const struct tide_example[]){
            {"tidemark pythons", NULL},
            {"tidemark pythons get 3.14", "Fetch one of a newer Debian release"},
            {"tidemark pythons --json | jq '.pythons[] | select(.usable).name'", NULL},
            {0}},
    .verbs = verbs,
    .run = run,
};
