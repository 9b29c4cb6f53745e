/* alone.h - what a command does where no daemon serves its data folder: it runs one in this process
 * for as long as it takes, so that the folder is worked by the same code and locked alike, and
 * other commands can watch. */
#ifndef TIDE_ALONE_H
#define TIDE_ALONE_H

#include "cli/daemon.h"

struct tide_alone;

/* Whether a daemon, in whatever process, serves the folder. */
bool tide_alone_served(const char *data);

/* Run a daemon on o->data in this process (o->listen is chosen here). From here on SIGINT and
 * SIGTERM end it in good order and then the process; what was not done stays queued. */
TIDE_CHECK enum tide_rc tide_alone_begin(const struct tide_daemon_options *o,
                                         struct tide_alone **out, struct tide_error *e);
void tide_alone_end(struct tide_alone *a); /* NULL is a no-op */

/* Have `act` done on the data folder that `named` (NULL: the default) names, by the daemon that
 * serves it, else by one of our own that runs as `o` says meanwhile (o->data is set here). */
typedef enum tide_rc tide_alone_act(void *context, const char *data, struct tide_error *e);
TIDE_CHECK enum tide_rc tide_alone_do(const char *named, struct tide_daemon_options o,
                                      tide_alone_act *act, void *context, struct tide_error *e);

/* The data folder of a database file: the one that holds it where it is called tidemark.db, else
 * FILE.data, which is made and has a link to it. With `make` the file need not be there. INVALID
 * when it must be and is not. */
TIDE_CHECK enum tide_rc tide_alone_folder(const char *file, bool make, char folder[4096],
                                          struct tide_error *e);

#endif
