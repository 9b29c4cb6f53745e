/* commands.h - what a command of `tidemark` is, and which commands there are.
 *
 * A command is one table: its words, options and examples stand in it once, and its --help
 * (help.c), its man page (man.c) and its shell completion (complete.c) are made from it. A new
 * command is a file with its table and its function, a line below, and a row in main.c.
 *
 * The metavariable of an option or argument is its type for completion: FILE, DIR, PROJECT,
 * SCENARIO, PYTHON, RUN, BATCH, TOKEN (of these several with commas between them, when "," or
 * ",..." follows), a|b|c (one of those); whatever else is free text. "[BATCH|RUN]" takes either. */
#ifndef TIDE_COMMANDS_H
#define TIDE_COMMANDS_H

#include "base/error.h"

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Exit codes, stable: scripts build on them. What they mean stands in tide_exit_meanings. */
enum {
    TIDE_EXIT_FINE = 0,
    TIDE_EXIT_REGRESSION = 1,
    TIDE_EXIT_USAGE = 2,
    TIDE_EXIT_FAILED = 3,
    TIDE_EXIT_INCONCLUSIVE = 4,
    TIDE_EXIT_CODES
};
extern const char *const tide_exit_meanings[TIDE_EXIT_CODES];

/* Options that commands share; what a command takes of them is parsed for it. */
enum {
    TIDE_TAKES_DATA = 1, /* -d, --data DIR, and --db FILE */
    TIDE_TAKES_JSON = 2, /* -j, --json */
    TIDE_TAKES_YES = 4,  /* -y, --yes */
    TIDE_MAKES_DATA = 8, /* the data need not be there yet */
};
struct tide_common {
    const char *data; /* the folder; NULL: the default */
    const char *db;   /* as given; `data` is then its folder */
    bool json, yes;
    char folder[4096]; /* where `data` points then */
};

struct tide_example {
    const char *line, *why; /* `why` may be NULL */
};

struct tide_cli {
    const char *title;     /* "tidemark run", "tidemark projects add": what messages begin with */
    const char *group;     /* heading in the list of commands; NULL: that of the one before */
    const char *summary;   /* for lists: begins small, no full stop */
    const char *arguments; /* of the usage line: "RUN", "[BATCH|RUN]"; NULL: takes none */
    const char *about;     /* before the options; paragraphs have an empty line between them */
    const char *notes;     /* after the options; NULL: none */
    const struct argp_option *options;   /* its own, ended by {0}; NULL: none */
    unsigned takes;                      /* TIDE_TAKES_... */
    argp_parser_t parse;                 /* of its own options and arguments; NULL: has none */
    const struct tide_example *examples; /* two to four, ended by {0} */
    unsigned exits;                      /* 1 << TIDE_EXIT_..., beside fine, usage and failed */
    bool hidden;                         /* for programs: in no list */
    const struct tide_cli *const *verbs; /* commands under it, ended by NULL; NULL: none */
    int (*run)(const struct tide_cli *c, int argc, char **argv); /* argv[0] is the title */
};

extern const struct tide_cli tide_program; /* main.c: the whole of `tidemark` */

extern const struct tide_cli tide_command_serve;        /* serve.c */
extern const struct tide_cli tide_command_run;          /* start_runs.c */
extern const struct tide_cli tide_command_watch;        /* watch.c */
extern const struct tide_cli tide_command_batches;      /* list_batches.c */
extern const struct tide_cli tide_command_runs;         /* list_runs.c */
extern const struct tide_cli tide_command_cancel;       /* control.c */
extern const struct tide_cli tide_command_retry;        /* control.c */
extern const struct tide_cli tide_command_pause;        /* control.c */
extern const struct tide_cli tide_command_resume;       /* control.c */
extern const struct tide_cli tide_command_compare;      /* compare_sides.c */
extern const struct tide_cli tide_command_matrix;       /* show_matrix.c */
extern const struct tide_cli tide_command_changepoints; /* changepoints.c */
extern const struct tide_cli tide_command_gate;         /* gate.c */
extern const struct tide_cli tide_command_bisect;       /* bisect_commits.c */
extern const struct tide_cli tide_command_regressions;  /* list_regressions.c */
extern const struct tide_cli tide_command_accept;       /* list_regressions.c */
extern const struct tide_cli tide_command_export;       /* export_run.c */
extern const struct tide_cli tide_command_import;       /* import_file.c */
extern const struct tide_cli tide_command_projects;     /* manage_projects.c */
extern const struct tide_cli tide_command_scenarios;    /* list_scenarios.c */
extern const struct tide_cli tide_command_pythons;      /* list_pythons.c */
extern const struct tide_cli tide_command_tokens;       /* manage_tokens.c */
extern const struct tide_cli tide_command_doctor;       /* doctor.c */
extern const struct tide_cli tide_command_config;       /* check_config.c */
extern const struct tide_cli tide_command_gc;           /* collect_garbage.c */
extern const struct tide_cli tide_command_backup;       /* backup_data.c */
extern const struct tide_cli tide_command_restore;      /* backup_data.c */
extern const struct tide_cli tide_command_completion;   /* complete.c */
extern const struct tide_cli tide_command_help;         /* help.c */
extern const struct tide_cli tide_command_complete;     /* complete.c */

/* ---- for commands (cli.c) ---- */

/* Run the command, or the verb of it that argv[1] names; returns the exit code. */
int tide_cli_run(const struct tide_cli *c, int argc, char **argv);

/* Parse argv by the command's table: shared options into *common, the rest by c->parse with `input`
 * as its state->input. A wrong option or argument, and --help, end the program here. */
void tide_cli_parse(const struct tide_cli *c, int argc, char **argv, struct tide_common *common,
                    void *input);

/* The whole number that an option or argument, called `what` in the error, must be. */
int64_t tide_cli_number(struct argp_state *state, const char *what, const char *value, int64_t low,
                        int64_t high);

/* Do what a command does with the daemon of the data folder that *common names, and end as below.
 */
typedef enum tide_rc tide_cli_data_fn(void *context, const char *data, struct tide_error *e);
int tide_cli_on_data(const struct tide_cli *c, const struct tide_common *common,
                     tide_cli_data_fn *act, void *context);

/* Tell the error, if there is one, on standard error; returns the exit code: usage for INVALID,
 * failed for any other. */
int tide_cli_end(const struct tide_cli *c, enum tide_rc rc, const struct tide_error *e);

/* The command of `c` that the word names; NULL when there is none. */
const struct tide_cli *tide_cli_verb(const struct tide_cli *c, const char *word);
/* The last word of its title. */
const char *tide_cli_word(const struct tide_cli *c);
/* Its own options and then the shared ones, ended by {0}; freed by the caller. Ends the program
 * when memory ends. */
struct argp_option *tide_cli_options(const struct tide_cli *c) __attribute__((returns_nonnull));
/* Bits 1 << TIDE_EXIT_... of the codes that it ends with. */
unsigned tide_cli_exits(const struct tide_cli *c);

enum tide_option_kind { TIDE_OPTION_END, TIDE_OPTION_HEADING, TIDE_OPTION_HIDDEN, TIDE_OPTION };
enum tide_option_kind tide_option_kind(const struct argp_option *o);
/* Its letter, 0 for none. */
char tide_option_letter(const struct argp_option *o);

/* ---- help, man pages (help.c, man.c) ---- */

void tide_help_print(const struct tide_cli *c, FILE *to);
/* Write DIR/tidemark.1 and a page for each command. */
TIDE_CHECK enum tide_rc tide_man_write(const char *folder, struct tide_error *e);

#endif
