/* cli.c - finds the command that was asked for, parses its options by its table, reports. */
#include "base/file.h"
#include "base/str.h"
#include "cli/alone.h"
#include "cli/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const tide_exit_meanings[TIDE_EXIT_CODES] = {
    [TIDE_EXIT_FINE] = "fine",
    [TIDE_EXIT_REGRESSION] = "a regression was found",
    [TIDE_EXIT_USAGE] = "usage: a wrong option or argument, or one that the daemon refused",
    [TIDE_EXIT_FAILED] = "could not be done, or something could not be measured",
    [TIDE_EXIT_INCONCLUSIVE] = "inconclusive: more samples would decide",
};

enum {
    KEY_DB = 0x1000,
    KEY_DATA = 'd',
    KEY_JSON = 'j',
    KEY_YES = 'y',
    KEY_HELP = 'h',
    KEY_HELP_TOO = '?'
};

#define SHARED_GROUP 100

static const struct shared {
    unsigned takes;
    struct argp_option option;
} shared[] = {
    {TIDE_TAKES_YES, {"yes", KEY_YES, 0, 0, "Do not ask", SHARED_GROUP}},
    {TIDE_TAKES_JSON, {"json", KEY_JSON, 0, 0, "Print JSON, for programs", SHARED_GROUP}},
    {TIDE_TAKES_DATA,
     {"data", KEY_DATA, "DIR", 0, "Data folder (default: $XDG_DATA_HOME/tidemark)", SHARED_GROUP}},
    {TIDE_TAKES_DATA,
     {"db", KEY_DB, "FILE", 0,
      "A database file instead; where no daemon serves it, this program does its work",
      SHARED_GROUP}},
    {0, {"help", KEY_HELP, 0, 0, "Explain this command", SHARED_GROUP}},
    {0, {NULL, KEY_HELP_TOO, 0, OPTION_ALIAS | OPTION_HIDDEN, NULL, SHARED_GROUP}},
};

#define N_SHARED (sizeof shared / sizeof *shared)

struct parsing { /* what argp carries through */
    const struct tide_cli *c;
    struct tide_common *common;
    void *input;
};

const char *tide_cli_word(const struct tide_cli *c)
{
    const char *space = strrchr(c->title, ' ');
    return space ? space + 1 : c->title;
}

const struct tide_cli *tide_cli_verb(const struct tide_cli *c, const char *word)
{
    for (const struct tide_cli *const *v = c->verbs; v && *v; v++)
        if (!strcmp(tide_cli_word(*v), word)) return *v;
    return NULL;
}

int tide_cli_run(const struct tide_cli *c, int argc, char **argv)
{
    const struct tide_cli *verb = argc > 1 ? tide_cli_verb(c, argv[1]) : NULL;
    if (verb) return tide_cli_run(verb, argc - 1, argv + 1);
    argp_err_exit_status = TIDE_EXIT_USAGE;
    argv[0] = (char *)c->title; /* argp names it in errors */
    return c->run(c, argc, argv);
}

unsigned tide_cli_exits(const struct tide_cli *c)
{
    if (c == &tide_program) return (1u << TIDE_EXIT_CODES) - 1;
    return c->exits | 1u << TIDE_EXIT_FINE | 1u << TIDE_EXIT_USAGE | 1u << TIDE_EXIT_FAILED;
}

enum tide_option_kind tide_option_kind(const struct argp_option *o)
{
    if (!o->name && !o->key) return o->doc ? TIDE_OPTION_HEADING : TIDE_OPTION_END;
    return o->flags & OPTION_HIDDEN ? TIDE_OPTION_HIDDEN : TIDE_OPTION;
}

char tide_option_letter(const struct argp_option *o)
{
    return o->key > ' ' && o->key < 127 ? (char)o->key : '\0';
}

struct argp_option *tide_cli_options(const struct tide_cli *c)
{
    size_t n = 0, at = 0;
    while (c->options && tide_option_kind(&c->options[n]) != TIDE_OPTION_END)
        n++;
    struct argp_option *all = calloc(n + N_SHARED + 1, sizeof *all);
    if (!all) {
        fprintf(stderr, "%s: memory ended\n", c->title);
        exit(TIDE_EXIT_FAILED);
    }
    for (; at < n; at++)
        all[at] = c->options[at];
    for (size_t i = 0; i < N_SHARED; i++)
        if (!shared[i].takes || (shared[i].takes & c->takes)) all[at++] = shared[i].option;
    return all;
}

/* Whether the key was one of the shared options. */
static bool take_shared(const struct parsing *p, int key, const char *value)
{
    if (key == KEY_HELP || key == KEY_HELP_TOO) {
        tide_help_print(p->c, stdout);
        exit(TIDE_EXIT_FINE);
    }
    for (size_t i = 0; i < N_SHARED; i++)
        if ((shared[i].takes & p->c->takes) && shared[i].option.key == key) {
            if (key == KEY_DATA) p->common->data = value;
            if (key == KEY_DB) p->common->db = value;
            if (key == KEY_JSON) p->common->json = true;
            if (key == KEY_YES) p->common->yes = true;
            return true;
        }
    return false;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct parsing *p = state->input;
    error_t told = ARGP_ERR_UNKNOWN;
    if (take_shared(p, key, value)) return 0;
    if (p->c->parse) {
        state->input = p->input;
        told = p->c->parse(key, value, state);
        state->input = p;
    }
    if (told == ARGP_ERR_UNKNOWN && key == ARGP_KEY_ARG && !p->c->arguments)
        argp_error(state, "unexpected argument \"%s\"", value);
    return told;
}

/* --db names a data folder too. */
static void settle_database(const struct tide_cli *c, struct tide_common *common)
{
    struct tide_error e;
    if (common->data) {
        fprintf(stderr, "%s: --data or --db, not both\n", c->title);
        exit(TIDE_EXIT_USAGE);
    }
    enum tide_rc rc = tide_alone_folder(common->db, c->takes & TIDE_MAKES_DATA, common->folder, &e);
    if (rc) exit(tide_cli_end(c, rc, &e));
    common->data = common->folder;
}

void tide_cli_parse(const struct tide_cli *c, int argc, char **argv, struct tide_common *common,
                    void *input)
{
    struct argp_option *options = tide_cli_options(c);
    struct argp argp = {.options = options, .parser = parse, .args_doc = c->arguments};
    struct parsing p = {c, common, input};
    argp_parse(&argp, argc, argv, 0, NULL, &p);
    free(options);
    if (common && common->db) settle_database(c, common);
}

int64_t tide_cli_number(struct argp_state *state, const char *what, const char *value, int64_t low,
                        int64_t high)
{
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    bool wrong = errno || end == value || *end || number < low || number > high;
    if (wrong && high == INT64_MAX)
        argp_error(state, "%s must be a whole number from %lld on, not \"%s\"", what,
                   (long long)low, value);
    else if (wrong)
        argp_error(state, "%s must be a whole number from %lld to %lld, not \"%s\"", what,
                   (long long)low, (long long)high, value);
    return number;
}

static bool has_database(const char *data)
{
    char *path = tide_format("%s/tidemark.db", data);
    bool there = path && tide_file_exists(path);
    free(path);
    return there;
}

int tide_cli_on_data(const struct tide_cli *c, const struct tide_common *common,
                     tide_cli_data_fn *act, void *context)
{
    struct tide_error e;
    struct tide_alone *alone = NULL;
    char *data = tide_config_data(common->data);
    const struct tide_daemon_options options = {.data = data, .idle = true};
    enum tide_rc rc = data ? TIDE_OK : tide_fail(&e, TIDE_NOMEM, "find the data folder");
    bool ours = (c->takes & TIDE_MAKES_DATA) || (data && has_database(data));
    if (!rc && ours && !tide_alone_served(data)) rc = tide_alone_begin(&options, &alone, &e);
    if (!rc) rc = act(context, data, &e);
    tide_alone_end(alone);
    free(data);
    return tide_cli_end(c, rc, &e);
}

int tide_cli_end(const struct tide_cli *c, enum tide_rc rc, const struct tide_error *e)
{
    fflush(stdout);
    if (!rc) return TIDE_EXIT_FINE;
    fprintf(stderr, "%s: %s%s%s\n", c->title, e->field, *e->field ? ": " : "", e->text);
    return rc == TIDE_INVALID ? TIDE_EXIT_USAGE : TIDE_EXIT_FAILED;
}
