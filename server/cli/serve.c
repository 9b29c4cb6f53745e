/* serve.c - `tidemark serve`: a daemon until a signal comes. */
#include "base/log.h"
#include "cli/commands.h"
#include "cli/daemon.h"
#include "cli/progress.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#define TRUSTED_MAX 8

struct arguments {
    struct tide_common common;
    const char *repo, *config, *listen, *certificate, *key;
    const char *trusted[TRUSTED_MAX + 1];
    size_t n_trusted;
    bool demo, verbose, require_token;
};

enum {
    KEY_LISTEN = 'l',
    KEY_REPO = 'r',
    KEY_CONFIG = 'c',
    KEY_VERBOSE = 'v',
    KEY_DEMO = 1,
    KEY_REQUIRE,
    KEY_TRUST,
    KEY_CERTIFICATE,
    KEY_PRIVATE,
};

static error_t add_trusted(struct arguments *a, const char *value, struct argp_state *state)
{
    if (a->n_trusted == TRUSTED_MAX)
        argp_error(state, "--trusted-origin may be given %d times", TRUSTED_MAX);
    else
        a->trusted[a->n_trusted++] = value;
    return 0;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case KEY_LISTEN: a->listen = value; return 0;
    case KEY_REPO: a->repo = value; return 0;
    case KEY_CONFIG: a->config = value; return 0;
    case KEY_DEMO: a->demo = true; return 0;
    case KEY_VERBOSE: a->verbose = true; return 0;
    case KEY_REQUIRE: a->require_token = true; return 0;
    case KEY_TRUST: return add_trusted(a, value, state);
    case KEY_CERTIFICATE: a->certificate = value; return 0;
    case KEY_PRIVATE: a->key = value; return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"listen", KEY_LISTEN, "HOST:PORT", 0,
     "Numeric address, or localhost (default 127.0.0.1:8421; port 0 takes a free one); beyond the "
     "loopback with --require-token only",
     0},
    {"require-token", KEY_REQUIRE, 0, 0, "Reading needs a token too, from this machine as well", 0},
    {"trusted-origin", KEY_TRUST, "URL", 0,
     "Another name of the daemon, as browsers have it: https://tidemark.example of a proxy before "
     "it; may be repeated; with --require-token only",
     0},
    {"tls-cert", KEY_CERTIFICATE, "FILE", 0,
     "Serve HTTPS with this certificate (PEM, with its chain)", 0},
    {"tls-key", KEY_PRIVATE, "FILE", 0, "Its private key (PEM)", 0},
    {"repo", KEY_REPO, "PATH|URL", 0,
     "Git repository of the project `converters` (default: where this program was built from)", 0},
    {"config", KEY_CONFIG, "FILE", 0, "Configuration (JSON)", 0},
    {"demo", KEY_DEMO, 0, 0,
     "Queue the demo suite: the newest and the oldest commit of the extension on every python", 0},
    {"verbose", KEY_VERBOSE, 0, 0, "Log more", 0},
    {0},
};

/* Signals are taken by sigtimedwait in this thread alone; every other thread inherits the blocked
 * mask. */
static void prepare_process(sigset_t *awaited)
{
    struct rlimit files;
    sigemptyset(awaited);
    sigaddset(awaited, SIGINT);
    sigaddset(awaited, SIGTERM);
    sigaddset(awaited, SIGHUP);
    pthread_sigmask(SIG_BLOCK, awaited, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (!getrlimit(RLIMIT_NOFILE, &files)) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

static void wait_for_signal(struct tide_daemon *d, const sigset_t *awaited, bool demo)
{
    struct tide_progress progress = {.enabled = demo};
    const struct timespec quarter = {.tv_nsec = 250000000};
    int number;
    while ((number = sigtimedwait(awaited, NULL, &quarter)) < 0 || number == SIGHUP)
        if (number == SIGHUP)
            tide_daemon_reload(d);
        else
            tide_progress_show(&progress, tide_daemon_store(d), tide_daemon_url(d));
    tide_progress_end(&progress);
}

static int run(const struct tide_cli *c, int argc, char **argv)
{
    struct arguments a = {0};
    struct tide_daemon *d = NULL;
    struct tide_error e;
    sigset_t awaited;
    tide_cli_parse(c, argc, argv, &a.common, &a);
    if (a.verbose) tide_log_set_level(TIDE_LOG_DEBUG);
    if (a.demo && isatty(STDERR_FILENO)) tide_log_set_level(TIDE_LOG_WARN);
    prepare_process(&awaited);
    const struct tide_daemon_options options_of = {.data = a.common.data,
                                                   .repo = a.repo,
                                                   .config = a.config,
                                                   .listen = a.listen ? a.listen : "127.0.0.1:8421",
                                                   .require_token = a.require_token,
                                                   .trusted = a.trusted,
                                                   .certificate = a.certificate,
                                                   .key = a.key,
                                                   .demo = a.demo};
    enum tide_rc rc = tide_daemon_start(&options_of, &d, &e);
    if (!rc) {
        printf("Tidemark serves %s\n\n  open  %s/?token=%s\n\nData in %s. Stop with Ctrl-C.\n",
               tide_daemon_url(d), tide_daemon_url(d), tide_daemon_token(d), tide_daemon_data(d));
        fflush(stdout);
        wait_for_signal(d, &awaited, a.demo);
    }
    tide_daemon_stop(d);
    return tide_cli_end(c, rc == TIDE_ABSENT ? TIDE_INVALID : rc, &e);
}

const struct tide_cli tide_command_serve = {
    .title = "tidemark serve",
    .group = "Measure:",
    .summary = "run the daemon: queue, builds, runs, REST and dashboard",
    .about = "Run the Tidemark daemon until it is interrupted (Ctrl-C, SIGTERM).",
    .notes = "Its address on this machine is written to DATA/url, its token (mode 0600) to "
             "DATA/token. docs/SECURITY.md says how to let others in: tokens, TLS, proxies.",
    .options = options,
    .takes = TIDE_TAKES_DATA | TIDE_MAKES_DATA,
    .parse = parse,
    .examples =
        (const struct tide_example[]){
            {"tidemark serve --demo",
             "Measure the demo suite; the printed URL opens the dashboard"},
            {"tidemark serve --data /tmp/try --listen 127.0.0.1:0", "A daemon of its own"},
            {"tidemark serve --require-token --trusted-origin https://tidemark.example",
             "Behind a proxy that serves this name"},
            {"curl -H \"Authorization: Bearer $(cat /tmp/try/token)\" -H 'Content-Type: "
             "application/json' -d '{\"scenarios\":[\"list_bytes\"],\"size\":\"demo\"}' $(cat "
             "/tmp/try/url)/api/v1/runs",
             "Ask it for a run; `tidemark run` does the same"},
            {0}},
    .run = run,
};
