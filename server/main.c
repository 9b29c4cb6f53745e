/* main.c - the subcommands of `tidemark`. */
#include "commands.h"

#include <stdio.h>
#include <string.h>

static const struct command {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"serve", "run the daemon: queue, builds, runs, REST and dashboard", tide_command_serve},
    {"pythons", "list the CPythons of this machine, and why one cannot be used",
     tide_command_pythons},
    {"export", "write a run to a file: tide, csv, json, pymemtrace or chrome", tide_command_export},
    {"import", "read a run from a file: tide, cPyMemTrace, mprof or psrecord", tide_command_import},
};

static void help(FILE *to)
{
    fputs("Tidemark measures what a commit, or a Python release, did to an extension's memory.\n\n"
          "usage: tidemark COMMAND [OPTION...]\n\n",
          to);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fputs("\n`tidemark COMMAND --help` explains one, with examples.\n"
          "Exit codes: 0 fine, 2 usage, 3 could not be done.\n",
          to);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
        help(stdout);
        return TIDE_EXIT_FINE;
    }
    if (!strcmp(name, "--version")) {
        puts("tidemark " TIDEMARK_VERSION);
        return TIDE_EXIT_FINE;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (!strcmp(commands[i].name, name)) return commands[i].run(argc - 1, argv + 1);
    if (*name) fprintf(stderr, "tidemark: no command \"%s\"\n\n", name);
    help(stderr);
    return TIDE_EXIT_USAGE;
}
