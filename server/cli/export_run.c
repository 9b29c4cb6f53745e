/* export_run.c - `tidemark export`: a run as a file. Reads the database by a connection of its own,
 * so it works beside a daemon and without one. */
#include "base/str.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "run/export.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct arguments {
    struct tide_common common;
    const char *output, *format;
    int64_t run;
};

struct target {
    FILE *file;
    const char *path; /* for messages */
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    char *end;
    switch (key) {
    case 'o': a->output = value; return 0;
    case 'f': a->format = value; return 0;
    case ARGP_KEY_ARG:
        errno = 0;
        a->run = a->run ? 0 : strtoll(value, &end, 10);
        if (a->run < 1 || *end || errno)
            argp_error(state, "\"%s\" is not the number of one run", value);
        return 0;
    case ARGP_KEY_END:
        if (!a->run) argp_error(state, "which run?");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"format", 'f', "tide|csv|json|pymemtrace|chrome", 0, "Format of the file (default: tide)", 0},
    {"output", 'o', "FILE", 0, "Where to write (default: standard output)", 0},
    {0},
};
static enum tide_rc write_bytes(void *context, const void *bytes, size_t n, struct tide_error *e)
{
    struct target *t = context;
    if (fwrite(bytes, 1, n, t->file) == n) return TIDE_OK;
    return tide_fail_errno(e, "write %s", t->path);
}

static enum tide_rc write_file(struct tide_store *store, const struct arguments *a,
                               enum tide_format format, struct tide_error *e)
{
    struct target t = {stdout, "standard output"};
    if (a->output) {
        t = (struct target){fopen(a->output, "wbe"), a->output};
        if (!t.file) return tide_fail_errno(e, "open %s", a->output);
    }
    enum tide_rc rc = tide_export(store, a->run, format, write_bytes, &t, e);
    if (fflush(t.file) && !rc) rc = tide_fail_errno(e, "write %s", t.path);
    if (!a->output) return rc;
    if (fclose(t.file) && !rc) rc = tide_fail_errno(e, "write %s", t.path);
    if (rc) unlink(a->output); /* half a file would pass for a whole one */
    return rc;
}

static int run(const struct tide_cli *c, int argc, char **argv)
{
    struct arguments a = {.format = "tide"};
    struct tide_config config = {0};
    struct tide_store *store = NULL;
    struct tide_error e;
    enum tide_format format = TIDE_AS_TIDE;
    char *path = NULL;
    tide_cli_parse(c, argc, argv, &a.common, &a);
    enum tide_rc rc = tide_export_format(a.format, &format, &e);
    if (!rc) rc = tide_config_settle(a.common.data, NULL, NULL, &config, &e);
    if (!rc) path = tide_format("%s/tidemark.db", config.places.data);
    if (!rc && !path) rc = tide_fail(&e, TIDE_NOMEM, "export a run");
    if (!rc) rc = tide_store_open_reader(path, &store, &e);
    if (!rc) rc = write_file(store, &a, format, &e);
    tide_store_close(store);
    tide_config_clear(&config);
    free(path);
    return tide_cli_end(c, rc, &e);
}

const struct tide_cli tide_command_export = {
    .title = "tidemark export",
    .summary = "write a run to a file: tide, csv, json, pymemtrace or chrome",
    .arguments = "RUN",
    .about =
        "Write what a run measured to a file. It reads the database itself, beside a daemon or "
        "without one.",
    .notes = "tide can be imported again without loss; chrome opens in https://ui.perfetto.dev.",
    .options = options,
    .takes = TIDE_TAKES_DATA,
    .parse = parse,
    .examples =
        (const struct tide_example[]){
            {"tidemark export 12 --output run12.tide", NULL},
            {"tidemark export 12 --format chrome --output run12.json", "For Perfetto"},
            {"tidemark export 12 --format csv | head", NULL},
            {0}},
    .run = run,
};
