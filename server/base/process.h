/* process.h - other programs: started in a process group of their own, read, awaited, killed.
 *
 * A child gets /dev/null as its standard input unless it is given a file, default signals and no
 * descriptor but 0, 1 and 2. It is killed with all that it has started, in whatever process group
 * or session, when the thread that started it ends (PR_SET_PDEATHSIG), so nothing of it outlives
 * the daemon, however that dies.
 */
#ifndef TIDE_PROCESS_H
#define TIDE_PROCESS_H

#include "base/str.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

/* What a child exits with whose program could not be started, as a shell has it. */
#define TIDE_PROCESS_NO_START 127

struct tide_command {
    const char *const *argv;        /* NULL-terminated; argv[0] is searched in PATH */
    const char *folder;             /* working folder; NULL: ours */
    const char *const *environment; /* NULL-terminated NAME=VALUE set in the child; may be NULL */
    const char *input;              /* file that is its standard input; NULL: /dev/null */
    int log;                        /* descriptor for its standard error; -1: /dev/null */
    bool log_output;                /* its standard output goes to `log` too, nothing is read */
    int deadline_s;                 /* 0: none */
    const atomic_bool *stop;        /* when it turns true the child is killed; may be NULL */
    int *status;                    /* gets the wait status of what was started; may be NULL */
};

struct tide_process {
    pid_t pid; /* 0: none */
    int out;   /* its standard output, non-blocking, close-on-exec; -1 when logged */
};

/* Start the program. On success the caller owns *p and ends it with tide_process_end. */
TIDE_CHECK enum tide_rc tide_process_start(const struct tide_command *c, struct tide_process *p,
                                           struct tide_error *e);

/* Wait for its end, or (`now`) kill it; whatever it has started and left behind is killed either
 * way, in other groups and sessions too. Reap it, close its output. Returns the wait status; a
 * zeroed *p is a no-op that returns 0. */
int tide_process_end(struct tide_process *p, bool now);

/* Whether it has ended; it is not reaped, so that tide_process_end still does. */
bool tide_process_has_ended(const struct tide_process *p);

/* Run to the end. Standard output is appended to *out (may be NULL: dropped). FAILED when it cannot
 * be started, exits other than 0, is killed, passes its deadline or its output passes out's
 * ceiling; STOPPED when *c->stop turned true. */
TIDE_CHECK enum tide_rc tide_process_run(const struct tide_command *c, struct tide_str *out,
                                         struct tide_error *e);

#endif
