/* daemon.h - store, scheduler and HTTP side together on one data folder: what `tidemark serve` runs
 * until it is stopped, and a command without a daemon for as long as it needs one.
 *
 * Threads: start and stop from one thread, the rest from any. */
#ifndef TIDE_DAEMON_H
#define TIDE_DAEMON_H

#include "cli/config.h"

struct tide_daemon;

struct tide_daemon_options {
    const char *data, *repo, *config; /* as tide_config_settle takes them */
    const char *listen;               /* HOST:PORT */
    bool require_token;               /* reading needs one too */
    const char *const *trusted;       /* more names of its own, ended by NULL; NULL: none */
    const char *certificate, *key;    /* PEM files for TLS; NULL: plain */
    bool demo;                        /* queue the demo suite */
    bool idle;                        /* only answer: what is queued stays queued */
};

/* Start. DATA/url and DATA/token say where it is. BUSY when another serves the folder; INVALID and
 * ABSENT when an option is at fault. The caller owns *out. */
TIDE_CHECK enum tide_rc tide_daemon_start(const struct tide_daemon_options *o,
                                          struct tide_daemon **out, struct tide_error *e);
/* A run in work is killed and stays queued. NULL is a no-op. */
void tide_daemon_stop(struct tide_daemon *d);

/* Read the configuration file again and take it over, but for TIDE_CONFIG_AT_START, of which a line
 * of the log says so. One that is wrong is a line of the log, and changes nothing. Returns at once;
 * what takes long (a project that is fetched) goes on beside. */
void tide_daemon_reload(struct tide_daemon *d);

/* Take the data folder, which is there, for this process alone: two daemons would be two writers of
 * one database. Given back by closing *lock, -1 on failure. BUSY when another has it. */
TIDE_CHECK enum tide_rc tide_daemon_lock(const char *data, int *lock, struct tide_error *e);

/* Of a daemon that was started; owned by it. */
const char *tide_daemon_url(const struct tide_daemon *d);
const char *tide_daemon_token(const struct tide_daemon *d);
const char *tide_daemon_data(const struct tide_daemon *d);
struct tide_store *tide_daemon_store(struct tide_daemon *d);

#endif
