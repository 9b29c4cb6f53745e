/* list_pythons.c - `tidemark pythons`: discovery, printed. */
#include "commands.h"
#include "config.h"
#include "fetch_pythons.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arguments {
    const char *config, *data;
    bool json;
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case 'c': a->config = value; return 0;
    case 'd': a->data = value; return 0;
    case 'j': a->json = true; return 0;
    case ARGP_KEY_ARG: argp_error(state, "unexpected argument \"%s\"", value); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"config", 'c', "FILE", 0, "Configuration (JSON); \"pythons\" in it lists further interpreters",
     0},
    {"data", 'd', "DIR", 0, "Data folder of the daemon, which holds those that were fetched", 0},
    {"json", 'j', 0, 0, "Print JSON, as GET /api/v1/pythons answers", 0},
    {0},
};
static const struct argp parser = {
    .options = options,
    .parser = parse,
    .doc = "List the CPythons of this machine: version, ABI, prefix, library and headers, and for "
           "each one that cannot be used, why.\v"
           "Looks at PATH, VIRTUAL_ENV, Debian's python3.x, pyenv, uv and conda, at what the "
           "configuration names and at what was fetched.\n\n"
           "tidemark pythons get VERSION    fetches one of a newer Debian release (get --help)\n"
           "tidemark pythons remove NAME    takes it away again\n\n"
           "Examples:\n  tidemark pythons\n  tidemark pythons get 3.14\n  tidemark pythons --json "
           "| jq "
           "'.pythons[] | select(.usable).name'",
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
    json_dumpf(all, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(all);
}

int tide_command_pythons(int argc, char **argv)
{
    struct arguments a = {0};
    struct tide_config config;
    struct tide_pythons pythons = {0};
    struct tide_error e;
    const char *word = argc > 1 ? argv[1] : "";
    if (!strcmp(word, "get")) return tide_command_pythons_get(argc - 1, argv + 1);
    if (!strcmp(word, "remove")) return tide_command_pythons_remove(argc - 1, argv + 1);
    argp_parse(&parser, argc, argv, 0, NULL, &a);
    enum tide_rc rc = tide_config_settle(a.data, NULL, a.config, &config, &e);
    if (!rc) rc = tide_pythons_discover(&config.places.pythons, NULL, &pythons, &e);
    if (rc)
        fprintf(stderr, "tidemark pythons: %s\n", e.text);
    else if (a.json)
        print_json(&pythons);
    else
        print_table(&pythons);
    tide_pythons_free(&pythons);
    tide_config_clear(&config);
    if (!rc) return TIDE_EXIT_FINE;
    return rc == TIDE_INVALID || rc == TIDE_ABSENT ? TIDE_EXIT_USAGE : TIDE_EXIT_FAILED;
}
