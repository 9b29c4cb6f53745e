/* daemon.c - see daemon.h. */
#include "cli/daemon.h"

#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "http/server.h"
#include "schedule/history.h"
#include "schedule/notifier.h"
#include "schedule/timekeeper.h"

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOKEN_BYTES 32
#define TOKEN_TEXT  (2 * TOKEN_BYTES + 1)

/* A configuration that was read later. Requests and runs at work may look at its texts, so that
 * each stays until the daemon ends. */
struct later {
    struct later *before;
    struct tide_config config;
};

struct tide_daemon {
    struct tide_config config;
    struct later *later; /* the newest; NULL: the first one holds */
    struct tide_http_config http_config;
    struct tide_store *store;
    struct tide_feed *feed;
    struct tide_scheduler *scheduler;
    struct tide_bisects *bisects;
    struct tide_notifier *notifier;
    struct tide_timekeeper *timekeeper;
    struct tide_history *history;
    struct tide_http *http;
    struct tide_daemon_options options;
    pthread_t reloader;
    bool reloading;    /* the thread was started */
    atomic_bool taken; /* it is done */
    int lock;
    char token[TOKEN_TEXT];
    char host[64];
    char *url_file;
};

/* ---- reload ---- */

/* Whether both files say the same in an entry. */
static bool is_same(const struct tide_config *a, const struct tide_config *b, const char *entry)
{
    json_t *one = json_object_get(a->file, entry), *other = json_object_get(b->file, entry);
    return one == other || (one && other && json_equal(one, other));
}

static enum tide_rc take_over(struct tide_daemon *d, const struct tide_config *old,
                              const struct tide_config *fresh, struct tide_error *e)
{
    struct tide_projects *projects = NULL;
    tide_config_take_limits(&d->config, fresh);
    tide_http_set_cors(d->http, fresh->cors);
    enum tide_rc rc = tide_scheduler_projects(d->scheduler, &projects, e);
    if (!rc && !is_same(old, fresh, "pythons"))
        rc = tide_projects_look_for(projects, &fresh->places.pythons, e);
    if (!rc && tide_projects_configure(projects, fresh->places.projects))
        rc = tide_fail(e, TIDE_STOPPED, "the daemon is stopping");
    if (!rc)
        tide_log(TIDE_LOG_INFO, "serve", "the configuration was read again%s",
                 is_same(&d->config, fresh, "measure_cpus") ? ""
                                                            : "; its " TIDE_CONFIG_AT_START
                                                              " holds from the next start");
    return rc;
}

/* This thread keeps off the CPUs of runs, which are allowed in the file all the same. */
static enum tide_rc settle_later(struct tide_daemon *d, struct later *l, struct tide_error *e)
{
    const struct tide_daemon_options *o = &d->options;
    tide_cpus_use_all(&d->config.places.cpus);
    enum tide_rc rc = tide_config_settle(o->data, o->repo, o->config, &l->config, e);
    tide_cpus_keep_off(&d->config.places.cpus);
    return rc;
}

static void free_later(struct later *l)
{
    tide_config_clear(&l->config);
    free(l);
}

static enum tide_rc read_again(struct tide_daemon *d, struct tide_error *e)
{
    struct later *l = calloc(1, sizeof *l);
    if (!l) return tide_fail(e, TIDE_NOMEM, "read the configuration");
    enum tide_rc rc = settle_later(d, l, e);
    if (rc) {
        free_later(l);
        return rc;
    }
    l->before = d->later;
    d->later = l;
    return take_over(d, l->before ? &l->before->config : &d->config, &l->config, e);
}

static void *reload(void *context)
{
    struct tide_daemon *d = context;
    struct tide_error e;
    if (read_again(d, &e))
        tide_log(TIDE_LOG_WARN, "serve", "the configuration stays as it was: %s", e.text);
    d->taken = true;
    return NULL;
}

void tide_daemon_reload(struct tide_daemon *d)
{
    if (d->reloading && !d->taken) {
        tide_log(TIDE_LOG_WARN, "serve",
                 "the configuration is being read already: ask again later");
        return;
    }
    if (d->reloading) pthread_join(d->reloader, NULL);
    d->taken = false;
    d->reloading = !pthread_create(&d->reloader, NULL, reload, d); /* signals are blocked here */
}

/* ---- start ---- */

/* Digits only, to 65535; -1 when it is no port. */
static int read_port(const char *text)
{
    size_t n = strspn(text, "0123456789");
    if (!n || n > 5 || text[n]) return -1;
    long port = strtol(text, NULL, 10);
    return port <= 65535 ? (int)port : -1;
}

/* HOST:PORT, [IPv6]:PORT. */
static enum tide_rc read_address(const char *text, struct tide_daemon *d, struct tide_error *e)
{
    const char *colon = strrchr(text, ':');
    size_t n = colon ? (size_t)(colon - text) : 0;
    if (n > 1 && text[0] == '[' && text[n - 1] == ']') {
        text++;
        n -= 2;
    }
    int port = colon ? read_port(colon + 1) : -1;
    if (!n || n >= sizeof d->host || port < 0)
        return tide_fail(e, TIDE_INVALID, "--listen must be HOST:PORT, like 127.0.0.1:8421");
    memcpy(d->host, text, n);
    d->host[n] = '\0';
    d->http_config.host = d->host;
    d->http_config.port = port;
    return TIDE_OK;
}

enum tide_rc tide_daemon_lock(const char *data, int *lock, struct tide_error *e)
{
    char *path = tide_format("%s/lock", data);
    if (!path) return tide_fail(e, TIDE_NOMEM, "start");
    enum tide_rc rc = TIDE_OK;
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*lock < 0)
        rc = tide_fail_errno(e, "open %s", path);
    else if (flock(*lock, LOCK_EX | LOCK_NB))
        rc = tide_fail(e, TIDE_BUSY,
                       "another daemon serves %s (its address is in %s/url): use that "
                       "one, stop it, or name another --data",
                       data, data);
    if (rc && *lock >= 0) close(*lock);
    if (rc) *lock = -1;
    free(path);
    return rc;
}

static bool is_token(const char *text)
{
    return strlen(text) == TOKEN_TEXT - 1 && strspn(text, "0123456789abcdef") == TOKEN_TEXT - 1;
}

static enum tide_rc make_token(const char *path, char *token, struct tide_error *e)
{
    unsigned char bytes[TOKEN_BYTES];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return tide_fail_errno(e, "draw a random token");
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(token + 2 * i, 3, "%02x", bytes[i]);
    return tide_file_replace(path, token, TOKEN_TEXT - 1, 0600, e);
}

/* The token stays over restarts, so that a browser stays signed in. */
static enum tide_rc settle_token(struct tide_daemon *d, struct tide_error *e)
{
    char *path = tide_format("%s/token", d->config.places.data), *text = NULL;
    if (!path) return tide_fail(e, TIDE_NOMEM, "start");
    enum tide_rc rc = tide_file_read(path, 256, &text, NULL, e);
    if (!rc && is_token(text)) {
        memcpy(d->token, text, TOKEN_TEXT - 1);
        if (chmod(path, 0600)) rc = tide_fail_errno(e, "set the mode of %s", path);
    } else if (!rc || rc == TIDE_ABSENT)
        rc = make_token(path, d->token, e);
    free(text);
    free(path);
    return rc;
}

static enum tide_rc open_store(struct tide_daemon *d, struct tide_error *e)
{
    char *path = tide_format("%s/tidemark.db", d->config.places.data);
    if (!path) return tide_fail(e, TIDE_NOMEM, "start");
    enum tide_rc rc = tide_store_open(path, &d->store, e);
    free(path);
    if (rc) return rc;
    d->feed = tide_feed_new();
    return d->feed ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "start");
}

static enum tide_rc write_url(struct tide_daemon *d, struct tide_error *e)
{
    const char *url = tide_http_local_url(d->http);
    d->url_file = tide_format("%s/url", d->config.places.data);
    if (!d->url_file) return tide_fail(e, TIDE_NOMEM, "start");
    return tide_file_replace(d->url_file, url, strlen(url), 0644, e);
}

static enum tide_rc start(struct tide_daemon *d, const struct tide_daemon_options *o,
                          struct tide_error *e)
{
    enum tide_rc rc = read_address(o->listen, d, e);
    if (!rc) rc = tide_config_settle(o->data, o->repo, o->config, &d->config, e);
    d->config.places.idle = o->idle;
    if (!rc) rc = tide_daemon_lock(d->config.places.data, &d->lock, e);
    if (!rc) rc = settle_token(d, e);
    if (!rc) rc = open_store(d, e);
    if (!rc && !o->idle)
        tide_cpus_keep_off(&d->config.places.cpus); /* and all that is started here */
    if (!rc)
        rc = tide_scheduler_start(&d->config.places, d->store, d->feed, o->demo, &d->scheduler, e);
    if (!rc)
        rc = tide_bisects_start(&d->config.places, d->store, d->feed, d->scheduler, &d->bisects, e);
    if (!rc && !o->idle) rc = tide_notifier_start(d->store, &d->notifier, e);
    if (!rc && !o->idle) rc = tide_timekeeper_start(d->scheduler, d->store, &d->timekeeper, e);
    if (!rc && !o->idle) rc = tide_history_start(d->store, d->feed, d->scheduler, &d->history, e);
    if (rc) return rc;
    d->http_config.notifier = d->notifier;
    d->http_config.timekeeper = d->timekeeper;
    d->http_config.token = d->token;
    d->http_config.require_token = o->require_token;
    d->http_config.trusted = o->trusted;
    d->http_config.certificate = o->certificate;
    d->http_config.key = o->key;
    d->http_config.cors = d->config.cors;
    d->http_config.store = d->store;
    d->http_config.feed = d->feed;
    d->http_config.scheduler = d->scheduler;
    d->http_config.bisects = d->bisects;
    d->http_config.cache = d->config.places.cache;
    rc = tide_http_start(&d->http_config, &d->http, e);
    return rc ? rc : write_url(d, e);
}

enum tide_rc tide_daemon_start(const struct tide_daemon_options *o, struct tide_daemon **out,
                               struct tide_error *e)
{
    *out = NULL;
    struct tide_daemon *d = calloc(1, sizeof *d);
    if (!d) return tide_fail(e, TIDE_NOMEM, "start");
    d->lock = -1;
    d->options = *o;
    /* Each thread of a request would else keep a heap of its own at the size of its largest answer.
     */
    mallopt(M_ARENA_MAX, 2);
    umask(0077); /* what lies in the data folder is this user's alone */
    enum tide_rc rc = start(d, o, e);
    if (rc)
        tide_daemon_stop(d);
    else
        *out = d;
    return rc;
}

/* Requests in work use the scheduler, and some wait for it: it is interrupted first and freed after
 * them. */
void tide_daemon_stop(struct tide_daemon *d)
{
    if (!d) return;
    if (d->url_file) unlink(d->url_file);
    free(d->url_file);
    tide_history_interrupt(d->history);
    tide_bisects_interrupt(d->bisects);
    tide_scheduler_interrupt(d->scheduler);
    if (d->reloading) pthread_join(d->reloader, NULL);
    tide_http_stop(d->http);
    tide_history_free(d->history);
    tide_bisects_free(d->bisects);
    tide_timekeeper_stop(d->timekeeper);
    tide_notifier_stop(d->notifier);
    tide_scheduler_free(d->scheduler);
    tide_feed_free(d->feed);
    tide_store_close(d->store);
    if (d->lock >= 0) close(d->lock);
    while (d->later) {
        struct later *l = d->later;
        d->later = l->before;
        free_later(l);
    }
    tide_config_clear(&d->config);
    free(d);
}

const char *tide_daemon_url(const struct tide_daemon *d)
{
    return tide_http_url(d->http);
}

const char *tide_daemon_token(const struct tide_daemon *d)
{
    return d->token;
}

const char *tide_daemon_data(const struct tide_daemon *d)
{
    return d->config.places.data;
}

struct tide_store *tide_daemon_store(struct tide_daemon *d)
{
    return d->store;
}
