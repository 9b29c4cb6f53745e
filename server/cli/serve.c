/* serve.c - `tidemark serve`: opens the store, starts scheduler and HTTP side,
 * waits for a signal. */
#include "base/file.h"
#include "base/log.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/progress.h"
#include "http/server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOKEN_BYTES 24
#define TOKEN_TEXT  (2 * TOKEN_BYTES + 1)

struct arguments {
    struct tide_common common;
    const char *repo, *config, *listen;
    bool demo, verbose;
};

struct daemon {
    struct tide_config config;
    struct tide_http_config http_config;
    struct tide_store *store;
    struct tide_feed *feed;
    struct tide_scheduler *scheduler;
    struct tide_http *http;
    int lock;
    char token[TOKEN_TEXT];
    char host[64];
    char *url_file;
};

enum { KEY_LISTEN = 'l', KEY_REPO = 'r', KEY_CONFIG = 'c', KEY_DEMO = 1, KEY_VERBOSE = 'v' };

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case KEY_LISTEN: a->listen = value; return 0;
    case KEY_REPO: a->repo = value; return 0;
    case KEY_CONFIG: a->config = value; return 0;
    case KEY_DEMO: a->demo = true; return 0;
    case KEY_VERBOSE: a->verbose = true; return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"listen", KEY_LISTEN, "HOST:PORT", 0,
     "Address of the loopback (default 127.0.0.1:8421; port 0 takes a free one)", 0},
    {"repo", KEY_REPO, "PATH|URL", 0,
     "Git repository of the project `converters` (default: where this program was built from)", 0},
    {"config", KEY_CONFIG, "FILE", 0, "Configuration (JSON)", 0},
    {"demo", KEY_DEMO, 0, 0,
     "Queue the demo suite: the newest and the oldest commit of the extension on every python", 0},
    {"verbose", KEY_VERBOSE, 0, 0, "Log more", 0},
    {0},
};
/* Digits only, to 65535; -1 when it is no port. */
static int read_port(const char *text)
{
    size_t n = strspn(text, "0123456789");
    if (!n || n > 5 || text[n]) return -1;
    long port = strtol(text, NULL, 10);
    return port <= 65535 ? (int)port : -1;
}

/* HOST:PORT, [IPv6]:PORT. */
static enum tide_rc read_address(const char *text, struct daemon *d, struct tide_error *e)
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

/* One daemon per data folder: two would be two writers of one database. */
static enum tide_rc lock_data(struct daemon *d, struct tide_error *e)
{
    char *path = tide_format("%s/lock", d->config.places.data);
    if (!path) return tide_fail(e, TIDE_NOMEM, "start");
    enum tide_rc rc = TIDE_OK;
    d->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (d->lock < 0)
        rc = tide_fail_errno(e, "open %s", path);
    else if (flock(d->lock, LOCK_EX | LOCK_NB))
        rc = tide_fail(e, TIDE_BUSY,
                       "another daemon serves %s (its address is in %s/url): use that "
                       "one, stop it, or name another --data",
                       d->config.places.data, d->config.places.data);
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
static enum tide_rc settle_token(struct daemon *d, struct tide_error *e)
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

static enum tide_rc open_store(struct daemon *d, struct tide_error *e)
{
    char *path = tide_format("%s/tidemark.db", d->config.places.data);
    if (!path) return tide_fail(e, TIDE_NOMEM, "start");
    enum tide_rc rc = tide_store_open(path, &d->store, e);
    free(path);
    if (rc) return rc;
    d->feed = tide_feed_new();
    return d->feed ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "start");
}

static enum tide_rc write_url(struct daemon *d, struct tide_error *e)
{
    const char *url = tide_http_url(d->http);
    d->url_file = tide_format("%s/url", d->config.places.data);
    if (!d->url_file) return tide_fail(e, TIDE_NOMEM, "start");
    return tide_file_replace(d->url_file, url, strlen(url), 0644, e);
}

static enum tide_rc start(struct daemon *d, const struct arguments *a, struct tide_error *e)
{
    enum tide_rc rc = read_address(a->listen ? a->listen : "127.0.0.1:8421", d, e);
    if (!rc) rc = tide_config_settle(a->common.data, a->repo, a->config, &d->config, e);
    if (!rc) rc = lock_data(d, e);
    if (!rc) rc = settle_token(d, e);
    if (!rc) rc = open_store(d, e);
    if (!rc)
        rc = tide_scheduler_start(&d->config.places, d->store, d->feed, a->demo, &d->scheduler, e);
    if (rc) return rc;
    d->http_config.token = d->token;
    d->http_config.store = d->store;
    d->http_config.feed = d->feed;
    d->http_config.scheduler = d->scheduler;
    d->http_config.cache = d->config.places.cache;
    rc = tide_http_start(&d->http_config, &d->http, e);
    return rc ? rc : write_url(d, e);
}

/* Requests in work use the scheduler, and some wait for it: it is interrupted first and freed after
 * them. */
static void stop(struct daemon *d)
{
    if (d->url_file) unlink(d->url_file);
    free(d->url_file);
    tide_scheduler_interrupt(d->scheduler);
    tide_http_stop(d->http);
    tide_scheduler_free(d->scheduler);
    tide_feed_free(d->feed);
    tide_store_close(d->store);
    if (d->lock >= 0) close(d->lock);
    tide_config_clear(&d->config);
}

/* Signals are taken by sigtimedwait in this thread alone; every other thread inherits the blocked
 * mask. */
static void prepare_process(sigset_t *awaited)
{
    struct rlimit files;
    sigemptyset(awaited);
    sigaddset(awaited, SIGINT);
    sigaddset(awaited, SIGTERM);
    pthread_sigmask(SIG_BLOCK, awaited, NULL);
    umask(0077); /* what lies in the data folder is this user's alone */
    signal(SIGPIPE, SIG_IGN);
    if (!getrlimit(RLIMIT_NOFILE, &files)) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

static void wait_for_signal(struct daemon *d, const sigset_t *awaited, bool demo)
{
    struct tide_progress progress = {.enabled = demo};
    const struct timespec quarter = {.tv_nsec = 250000000};
    while (sigtimedwait(awaited, NULL, &quarter) < 0)
        tide_progress_show(&progress, d->store, tide_http_url(d->http));
    tide_progress_end(&progress);
}

static int run(const struct tide_cli *c, int argc, char **argv)
{
    struct arguments a = {0};
    struct daemon d = {.lock = -1};
    struct tide_error e;
    sigset_t awaited;
    tide_cli_parse(c, argc, argv, &a.common, &a);
    if (a.verbose) tide_log_set_level(TIDE_LOG_DEBUG);
    if (a.demo && isatty(STDERR_FILENO)) tide_log_set_level(TIDE_LOG_WARN);
    prepare_process(&awaited);
    enum tide_rc rc = start(&d, &a, &e);
    if (!rc) {
        printf("Tidemark serves %s\n\n  open  %s/?token=%s\n\nData in %s. Stop with Ctrl-C.\n",
               tide_http_url(d.http), tide_http_url(d.http), d.token, d.config.places.data);
        fflush(stdout);
        wait_for_signal(&d, &awaited, a.demo);
    }
    stop(&d);
    return tide_cli_end(c, rc == TIDE_ABSENT ? TIDE_INVALID : rc, &e);
}

const struct tide_cli tide_command_serve = {
    .title = "tidemark serve",
    .group = "Measure:",
    .summary = "run the daemon: queue, builds, runs, REST and dashboard",
    .about = "Run the Tidemark daemon until it is interrupted (Ctrl-C, SIGTERM).",
    .notes = "Its address is written to DATA/url, its token (mode 0600) to DATA/token.",
    .options = options,
    .takes = TIDE_TAKES_DATA,
    .parse = parse,
    .examples =
        (const struct tide_example[]){
            {"tidemark serve --demo",
             "Measure the demo suite; the printed URL opens the dashboard"},
            {"tidemark serve --data /tmp/try --listen 127.0.0.1:0", "A daemon of its own"},
            {"curl -H \"Authorization: Bearer $(cat /tmp/try/token)\" -H 'Content-Type: "
             "application/json' -d '{\"scenarios\":[\"list_bytes\"],\"size\":\"demo\"}' $(cat "
             "/tmp/try/url)/api/v1/runs",
             "Ask it for a run; `tidemark run` does the same"},
            {0}},
    .run = run,
};
