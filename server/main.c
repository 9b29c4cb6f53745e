/* main.c - the commands of `tidemark`. */
#include "cli/commands.h"

#include <stdio.h>

/* A row a command, so that they can be added side by side. */
/* clang-format off */
static const struct tide_cli *const commands[] = {
    &tide_command_serve,
    &tide_command_run,
    &tide_command_watch,
    &tide_command_cancel,
    &tide_command_retry,
    &tide_command_pause,
    &tide_command_resume,

    &tide_command_batches,
    &tide_command_runs,
    &tide_command_compare,
    &tide_command_matrix,
    &tide_command_changepoints,
    &tide_command_gate,
    &tide_command_bisect,
    &tide_command_regressions,
    &tide_command_accept,
    &tide_command_export,
    &tide_command_import,

    &tide_command_projects,
    &tide_command_scenarios,
    &tide_command_pythons,
    &tide_command_tokens,

    &tide_command_doctor,
    &tide_command_config,
    &tide_command_gc,
    &tide_command_backup,
    &tide_command_restore,

    &tide_command_completion,
    &tide_command_help,
    &tide_command_complete,
    NULL,
};
/* clang-format on */

static const struct argp_option options[] = {
    {"version", 'V', 0, 0, "Print the version", 0},
    {0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    switch (key) {
    case 'V': *(bool *)state->input = true; return 0;
    case ARGP_KEY_ARG: argp_error(state, "there is no command \"%s\"", value); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static int run(const struct tide_cli *c, int argc, char **argv)
{
    bool version = false;
    tide_cli_parse(c, argc, argv, NULL, &version);
    if (version) {
        puts("tidemark " TIDEMARK_VERSION);
        return TIDE_EXIT_FINE;
    }
    tide_help_print(c, stderr);
    return TIDE_EXIT_USAGE;
}

const struct tide_cli tide_program = {
    .title = "tidemark",
    .summary = "measure what a commit, or a Python release, did to an extension's memory",
    .about = "Tidemark measures what a commit, or a Python release, did to an extension's memory.",
    .options = options,
    .parse = parse,
    .verbs = commands,
    .run = run,
};

int main(int argc, char **argv)
{
    return tide_cli_run(&tide_program, argc, argv);
}
