/* main.c - the subcommands of `tidemark`. */
#include "commands.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>

#define PROGRAM "tidemark "

static const struct command {
    const char *title, *summary; /* the title is what a command's messages begin with */
    int (*run)(int argc, char **argv);
} commands[] = {
    {PROGRAM "serve", "run the daemon: queue, builds, runs, REST and dashboard",
     tide_command_serve},
    {PROGRAM "run", "measure commits: show the plan, start it, watch it to its end",
     tide_command_run},
    {PROGRAM "pythons", "list the CPythons of this machine, and why one cannot be used",
     tide_command_pythons},
    {PROGRAM "projects", "list projects; add, rename, disable, enable, remove one",
     tide_command_projects},
    {PROGRAM "export", "write a run to a file: tide, csv, json, pymemtrace or chrome",
     tide_command_export},
    {PROGRAM "import", "read a run from a file: tide, cPyMemTrace, mprof or psrecord",
     tide_command_import},
    {PROGRAM "changepoints", "find where the level of any series changes, from CSV or JSON",
     tide_command_changepoints},
};

static const char *name_of(const struct command *c)
{
    return c->title + sizeof PROGRAM - 1;
}

/* Run with the title as argv[0]: argp names it in help and errors. */
static int run(const struct command *c, int argc, char **argv)
{
    argp_err_exit_status = TIDE_EXIT_USAGE;
    argv[0] = (char *)c->title;
    return c->run(argc, argv);
}

static void help(FILE *to)
{
    fputs("Tidemark measures what a commit, or a Python release, did to an extension's memory.\n\n"
          "usage: tidemark COMMAND [OPTION...]\n\n",
          to);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(to, "  %-12s %s\n", name_of(&commands[i]), commands[i].summary);
    fputs("\n`tidemark COMMAND --help` explains one, with examples.\n"
          "Exit codes: 0 fine, 1 regression, 2 usage, 3 could not be done.\n",
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
        if (!strcmp(name_of(&commands[i]), name)) return run(&commands[i], argc - 1, argv + 1);
    if (*name) fprintf(stderr, "tidemark: no command \"%s\"\n\n", name);
    help(stderr);
    return TIDE_EXIT_USAGE;
}
