/* commands.h - the subcommands of `tidemark`. Each takes its title ("tidemark serve") as argv[0]
 * and returns the exit code. */
#ifndef TIDE_COMMANDS_H
#define TIDE_COMMANDS_H

/* Exit codes, stable: scripts build on them. */
enum {
    TIDE_EXIT_FINE = 0,
    TIDE_EXIT_REGRESSION = 1,
    TIDE_EXIT_USAGE = 2,
    TIDE_EXIT_FAILED = 3, /* could not do what was asked */
};

int tide_command_serve(int argc, char **argv);        /* serve.c */
int tide_command_run(int argc, char **argv);          /* start_runs.c */
int tide_command_pythons(int argc, char **argv);      /* list_pythons.c */
int tide_command_projects(int argc, char **argv);     /* manage_projects.c */
int tide_command_export(int argc, char **argv);       /* export_run.c */
int tide_command_import(int argc, char **argv);       /* import_file.c */
int tide_command_changepoints(int argc, char **argv); /* changepoints.c */

#endif
