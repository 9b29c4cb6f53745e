/* fetch_pythons.c - `tidemark pythons get`: CPythons of newer Debian releases, put beside the
 * host's; `tidemark pythons remove` takes one away again. A daemon notices at its next discovery.
 */
#include "cli/fetch_pythons.h"

#include "base/str.h"
#include "build/command.h"
#include "build/fetch.h"
#include "cli/config.h"
#include "cli/confirm.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arguments {
    struct tide_common common;
    const char *suite, *mirror;
    char **names; /* what is to be fetched or removed; of argv */
    int n;
    bool debug, allow_expired, list;
};

enum { KEY_SUITE = 1, KEY_MIRROR, KEY_DEBUG, KEY_EXPIRED, KEY_LIST };

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case KEY_SUITE: a->suite = value; return 0;
    case KEY_MIRROR: a->mirror = value; return 0;
    case KEY_DEBUG: a->debug = true; return 0;
    case KEY_EXPIRED: a->allow_expired = true; return 0;
    case KEY_LIST: a->list = true; return 0;
    case ARGP_KEY_ARGS:
        a->names = state->argv + state->next;
        a->n = state->argc - state->next;
        return 0;
    case ARGP_KEY_END:
        if (!a->n && !a->list) argp_error(state, "name a version, like 3.14");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option get_options[] = {
    {"suite", KEY_SUITE, "SUITE", 0,
     "Debian suite to take it from (default: the first of trixie, forky, sid and experimental that "
     "has it)",
     0},
    {"with-debug", KEY_DEBUG, 0, 0, "Fetch the debug build too, as a python of its own", 0},
    {"list", KEY_LIST, 0, 0, "List what the suites have and what was fetched; fetch nothing", 0},
    {"mirror", KEY_MIRROR, "URI", 0, "Debian mirror (default: that of this machine's apt sources)",
     0},
    {"allow-expired", KEY_EXPIRED, 0, 0,
     "Take an index whose Valid-Until has passed; its signature is checked all the same", 0},
    {0},
};
static atomic_bool interrupted;

static void interrupt(int number)
{
    (void)number;
    interrupted = true;
}

static void tell(const char *line)
{
    printf("%s ...\n", line);
    fflush(stdout);
}

/* A version or a name that there is not is a fault of the request. */
static int end(const struct tide_cli *c, enum tide_rc rc, const struct tide_error *e)
{
    return tide_cli_end(c, rc == TIDE_ABSENT ? TIDE_INVALID : rc, e);
}

/* ---- get ---- */

static enum tide_rc get_one(const struct tide_fetch *f, const struct arguments *a,
                            const char *minor, bool debug, struct tide_error *e)
{
    char *prefix = NULL;
    bool fresh = false;
    enum tide_rc rc = tide_fetch_python(f, minor, a->suite, debug, &prefix, &fresh, e);
    if (!rc && fresh)
        printf("CPython %s stands in %s\n", strrchr(prefix, '/') + 1, prefix);
    else if (!rc)
        printf("CPython %s is there already: %s\n", strrchr(prefix, '/') + 1, prefix);
    free(prefix);
    return rc;
}

static enum tide_rc list_suite(const struct tide_fetch *f, const char *suite, struct tide_error *e)
{
    char **names = NULL;
    enum tide_rc rc = tide_debian_update(&f->debian, suite, e);
    if (!rc) rc = tide_debian_pythons(&f->debian, suite, &names, e);
    if (rc) return rc;
    printf("%-14s", suite);
    for (size_t i = 0; !rc && names && names[i]; i++) {
        char *version = NULL;
        rc = tide_debian_version(&f->debian, suite, names[i], &version, e);
        if (!rc) printf(" %s (%s)", names[i] + strlen("python"), version);
        free(version);
    }
    putchar('\n');
    tide_build_words_free(names);
    return rc;
}

static enum tide_rc list_all(const struct tide_fetch *f, const char *suite, struct tide_error *e)
{
    const char *const one[] = {suite, NULL};
    const char *const *suites = suite ? one : tide_debian_suites;
    enum tide_rc rc = TIDE_OK;
    for (; !rc && *suites; suites++)
        rc = list_suite(f, *suites, e);
    char *there = rc ? NULL : tide_fetch_list(f);
    if (!rc && !there) return tide_fail(e, TIDE_NOMEM, "list the Pythons");
    if (!rc) printf("%-14s %s\n", "fetched", *there ? there : "none");
    free(there);
    return rc;
}

static int get(const struct tide_cli *c, int argc, char **argv)
{
    struct arguments a = {0};
    struct tide_config config;
    struct tide_error e = {0};
    tide_cli_parse(c, argc, argv, &a.common, &a);
    signal(SIGINT, interrupt);
    signal(SIGTERM, interrupt);
    enum tide_rc rc = tide_config_settle(a.common.data, NULL, NULL, &config, &e);
    const struct tide_fetch f = {.debian = {.cache = config.places.cache,
                                            .mirror = a.mirror,
                                            .allow_expired = a.allow_expired,
                                            .stop = &interrupted},
                                 .folder = config.places.pythons.fetched,
                                 .say = tell};
    if (!rc && a.list) rc = list_all(&f, a.suite, &e);
    for (int i = 0; !rc && !a.list && i < a.n; i++) {
        rc = get_one(&f, &a, a.names[i], false, &e);
        if (!rc && a.debug) rc = get_one(&f, &a, a.names[i], true, &e);
    }
    tide_config_clear(&config);
    return end(c, rc, &e);
}

const struct tide_cli tide_command_pythons_get = {
    .title = "tidemark pythons get",
    .summary = "fetch CPythons of newer Debian releases",
    .arguments = "VERSION...",
    .about =
        "Fetch CPythons of newer Debian releases and put each under a prefix of its own in the "
        "data folder, with its own C library and loader.",
    .notes =
        "apt does the work in a folder of its own, checks Debian's signatures with this "
        "machine's keyring, and leaves this machine's packages and lists as they are. What was "
        "fetched is listed by `tidemark pythons`.",
    .options = get_options,
    .takes = TIDE_TAKES_DATA,
    .parse = parse,
    .examples =
        (const struct tide_example[]){
            {"tidemark pythons get 3.14", NULL},
            {"tidemark pythons get 3.15 --suite forky --with-debug", NULL},
            {"tidemark pythons get --list", NULL},
            {0}},
    .run = get,
};

/* ---- remove ---- */

static enum tide_rc confirm(const struct arguments *a, const char *name, struct tide_error *e)
{
    char question[200];
    snprintf(question, sizeof question, "Remove CPython %.100s? Its runs stay.", name);
    return a->common.yes ? TIDE_OK : tide_confirm(question, e);
}

static int take_away(const struct tide_cli *c, int argc, char **argv)
{
    struct arguments a = {0};
    struct tide_config config;
    struct tide_error e = {0};
    tide_cli_parse(c, argc, argv, &a.common, &a);
    enum tide_rc rc = tide_config_settle(a.common.data, NULL, NULL, &config, &e);
    const struct tide_fetch f = {.folder = config.places.pythons.fetched};
    for (int i = 0; !rc && i < a.n; i++) {
        rc = confirm(&a, a.names[i], &e);
        if (!rc) rc = tide_fetch_remove(&f, a.names[i], &e);
        if (!rc) printf("removed CPython %s\n", a.names[i]);
    }
    tide_config_clear(&config);
    return end(c, rc, &e);
}

const struct tide_cli tide_command_pythons_remove = {
    .title = "tidemark pythons remove",
    .summary = "remove CPythons that were fetched",
    .arguments = "PYTHON...",
    .about = "Remove CPythons that `tidemark pythons get` fetched. Their runs stay.",
    .takes = TIDE_TAKES_DATA | TIDE_TAKES_YES,
    .parse = parse,
    .examples = (const struct tide_example[]){{"tidemark pythons remove 3.14.2", NULL},
                                              {"tidemark pythons remove 3.14.2 --yes", NULL},
                                              {0}},
    .run = take_away,
};
