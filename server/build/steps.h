/* steps.h - a build's steps: programs run one after another with all that they say in one log.
 *
 * Each is announced in the log by a line "$ command", runs at low priority in an environment of our
 * own making (so that a build is the same from any shell) and has a deadline. */
#ifndef TIDE_BUILD_STEPS_H
#define TIDE_BUILD_STEPS_H

#include "base/process.h"

#include <jansson.h>

struct tide_steps {
    int log;            /* descriptor, open for appending; -1: none yet */
    const char *path;   /* of the log */
    const char *folder; /* the commands run in it; its name is cut from error lines. Absolute */
    const char *place;  /* where they run instead, when it is not NULL */
    const char *tools;  /* folder in front of PATH; may be NULL */
    const char *const *environment; /* NULL-terminated NAME=VALUE beside our own; may be NULL */
    int deadline_s;                 /* for each step */
    int cpus; /* that make and CMake may use, where they are asked to build; 0: theirs to choose */
    const atomic_bool *stop;
    json_t
        *done; /* of each step {"command", "exit", "signal", "wall_ns"}; exit or signal is null */
};

/* Create the log at `path`. End with tide_steps_close. */
TIDE_CHECK enum tide_rc tide_steps_open(struct tide_steps *s, struct tide_error *e);
void tide_steps_close(struct tide_steps *s);

/* A line of our own in the log. */
void tide_steps_note(const struct tide_steps *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Append the word as a shell takes it. */
void tide_steps_quote(struct tide_str *out, const char *word);

/* Run the command. FAILED with the line of the log that says best why, when it fails or passes its
 * deadline. */
TIDE_CHECK enum tide_rc tide_steps_run(const struct tide_steps *s, const char *const *argv,
                                       struct tide_error *e);

#endif
