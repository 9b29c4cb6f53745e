/* import_file.c - `tidemark import`: a file as a run. */
#include "base/file.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "run/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct arguments {
    struct tide_common common;
    const char *file;
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (a->file) argp_error(state, "one file at a time");
        a->file = value;
        return 0;
    case ARGP_KEY_END:
        if (!a->file) argp_error(state, "which file?");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static enum tide_rc send_file(const char *data, const char *name, const void *bytes, size_t n,
                              int64_t *run, struct tide_error *e)
{
    struct tide_str target = {0};
    json_t *answer = NULL;
    const char *last = strrchr(name, '/');
    tide_str_put(&target, "/api/v1/imports?name=");
    tide_client_escape(&target, last ? last + 1 : name);
    enum tide_rc rc = target.failed ? tide_fail(e, TIDE_NOMEM, "import a file")
                                    : tide_client_post(data, target.at, "application/octet-stream",
                                                       bytes, n, &answer, e);
    *run = json_integer_value(json_object_get(answer, "id"));
    json_decref(answer);
    tide_str_free(&target);
    return rc;
}

static enum tide_rc read_input(const char *path, char **bytes, size_t *n, struct tide_error *e)
{
    struct stat facts;
    if (stat(path, &facts)) return tide_fail_errno(e, "open %s", path);
    if (!S_ISREG(facts.st_mode)) return tide_fail(e, TIDE_INVALID, "%s is not a file", path);
    if (facts.st_size > (off_t)TIDE_IMPORT_MAX)
        return tide_fail(e, TIDE_INVALID, "%s is larger than %u MiB", path, TIDE_IMPORT_MAX >> 20);
    return tide_file_read(path, TIDE_IMPORT_MAX, bytes, n, e);
}

static enum tide_rc import_file(void *context, const char *data, struct tide_error *e)
{
    const struct arguments *a = context;
    char *bytes = NULL;
    size_t n = 0;
    int64_t run = 0;
    struct tide_error why;
    enum tide_rc rc = read_input(a->file, &bytes, &n, &why);
    if (!rc) rc = send_file(data, a->file, bytes, n, &run, &why);
    if (rc)
        tide_fail(e, rc, "%s: %s", a->file, why.text);
    else
        printf(a->common.json ? "{\"id\": %lld}\n" : "%lld\n", (long long)run);
    free(bytes);
    return rc;
}

static int run(const struct tide_cli *c, int argc, char **argv)
{
    struct arguments a = {0};
    tide_cli_parse(c, argc, argv, &a.common, &a);
    return tide_cli_on_data(c, &a.common, import_file, &a);
}

const struct tide_cli tide_command_import = {
    .title = "tidemark import",
    .summary = "read a run from a file: tide, cPyMemTrace, mprof or psrecord",
    .arguments = "FILE",
    .about =
        "Read a run from a file and print its number. Which format it has is told from its "
        "content: a tide stream, a cPyMemTrace log, memory_profiler's mprof .dat or a psrecord "
        "log.",
    .notes =
        "The run is like any other, marked as imported. A file of more than 64 MiB is refused.",
    .takes = TIDE_TAKES_DATA | TIDE_MAKES_DATA | TIDE_TAKES_JSON,
    .parse = parse,
    .examples =
        (const struct tide_example[]){
            {"tidemark import run12.tide", NULL},
            {"mprof run ./program.py && tidemark import mprofile_*.dat", NULL},
            {0}},
    .run = run,
};
