/* check_config.c - `tidemark config check`: whether a configuration file would be taken. */
#include "base/file.h"
#include "commands.h"
#include "config.h"
#include "terminal.h"

#include <stdlib.h>

struct arguments {
    struct tide_common common;
    const char *file;
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    if (key != ARGP_KEY_ARG) return ARGP_ERR_UNKNOWN;
    if (a->file) argp_error(state, "one FILE at a time");
    a->file = value;
    return 0;
}

/* `config` NULL: there is no such file. */
static void tell(const struct arguments *a, const char *path, const struct tide_config *config)
{
    bool at_start = config && json_object_get(config->file, TIDE_CONFIG_AT_START);
    if (a->common.json) {
        json_t *told = json_pack("{s:s, s:b, s:o}", "file", path, "there", config != NULL,
                                 "at_start", json_array());
        if (at_start)
            json_array_append_new(json_object_get(told, "at_start"),
                                  json_string(TIDE_CONFIG_AT_START));
        tide_print_json(told);
        json_decref(told);
        return;
    }
    printf("%s: %s\n", path, config ? "fine" : "there is none, so the defaults hold");
    if (at_start)
        puts(TIDE_CONFIG_AT_START
             " is taken over when a daemon starts, everything else on SIGHUP too");
}

static enum tide_rc check_file(const struct arguments *a, const char *path, struct tide_error *e)
{
    struct tide_config config;
    enum tide_rc rc = tide_config_check(path, &config, e);
    if (!rc) tell(a, path, &config);
    tide_config_clear(&config);
    return rc;
}

/* The one that the daemon reads, where it is there. */
static enum tide_rc check_standard(const struct arguments *a, struct tide_error *e)
{
    char *path = tide_config_file();
    enum tide_rc rc = path ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "check a configuration");
    if (!rc && !tide_file_exists(path))
        tell(a, path, NULL);
    else if (!rc)
        rc = check_file(a, path, e);
    free(path);
    return rc;
}

static int run(const struct tide_cli *c, int argc, char **argv)
{
    struct arguments a = {0};
    struct tide_error e;
    tide_cli_parse(c, argc, argv, &a.common, &a);
    enum tide_rc rc = a.file ? check_file(&a, a.file, &e) : check_standard(&a, &e);
    return tide_cli_end(c, rc == TIDE_ABSENT ? TIDE_INVALID : rc, &e);
}

static const struct tide_cli check = {
    .title = "tidemark config check",
    .summary = "say whether a configuration file would be taken, and which line is wrong",
    .arguments = "[FILE]",
    .about =
        "Without FILE it is the one that the daemon reads: "
        "$XDG_CONFIG_HOME/tidemark/config.json. A daemon that runs takes a changed file over "
        "on SIGHUP, but for " TIDE_CONFIG_AT_START ", which needs a restart (docs/OPERATING.md).",
    .takes = TIDE_TAKES_JSON,
    .parse = parse,
    .examples = (const struct tide_example[]){{"tidemark config check", NULL},
                                              {"tidemark config check ./config.json && kill -HUP "
                                               "$(pidof tidemark)",
                                               NULL},
                                              {"tidemark config check --json | jq .at_start",
                                               "What needs a restart"},
                                              {0}},
    .run = run,
};

static const struct tide_cli *const verbs[] = {&check, NULL};

const struct tide_cli tide_command_config = {
    .title = "tidemark config",
    .summary = "check the configuration file",
    .about =
        "Checks the file that the daemon reads, $XDG_CONFIG_HOME/tidemark/config.json. Its entries "
        "are in docs/API.md.",
    .examples = (const struct tide_example[]){{"tidemark config", NULL},
                                              {"tidemark config check ./config.json", NULL},
                                              {0}},
    .verbs = verbs,
    .run = run,
};
