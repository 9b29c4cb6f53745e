/* check_config.c - `tidemark config check`: whether a configuration file would be taken. */
#include "base/file.h"
#include "commands.h"
#include "config.h"

#include <stdlib.h>

static error_t parse(int key, char *value, struct argp_state *state)
{
    const char **file = state->input;
    if (key != ARGP_KEY_ARG) return ARGP_ERR_UNKNOWN;
    if (*file) argp_error(state, "one FILE at a time");
    *file = value;
    return 0;
}

static enum tide_rc check_file(const char *path, struct tide_error *e)
{
    struct tide_config config;
    enum tide_rc rc = tide_config_check(path, &config, e);
    if (!rc) printf("%s: fine\n", path);
    if (!rc && json_object_get(config.file, TIDE_CONFIG_AT_START))
        puts(TIDE_CONFIG_AT_START
             " is taken over when a daemon starts, everything else on SIGHUP too");
    tide_config_clear(&config);
    return rc;
}

/* The one that the daemon reads, where it is there. */
static enum tide_rc check_standard(struct tide_error *e)
{
    char *path = tide_config_file();
    enum tide_rc rc = path ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "check a configuration");
    if (!rc && !tide_file_exists(path))
        printf("%s: there is none, so the defaults hold\n", path);
    else if (!rc)
        rc = check_file(path, e);
    free(path);
    return rc;
}

static int run(const struct tide_cli *c, int argc, char **argv)
{
    const char *file = NULL;
    struct tide_error e;
    tide_cli_parse(c, argc, argv, NULL, &file);
    enum tide_rc rc = file ? check_file(file, &e) : check_standard(&e);
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
    .parse = parse,
    .examples = (const struct tide_example[]){{"tidemark config check", NULL},
                                              {"tidemark config check ./config.json && kill -HUP "
                                               "$(pidof tidemark)",
                                               NULL},
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
