/* watch.c - `tidemark watch`: the event stream in words, and a bar. What has ended is told by the
 * resources, which are asked when an event came; the stream only wakes, so that nothing is missed
 * where it was cut. */
#include "cli/watch.h"

#include "base/clock.h"
#include "base/str.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/follow.h"
#include "cli/progress.h"
#include "cli/show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define AWAY_S      60   /* that the daemon may be gone */
#define PATIENCE_MS 1000 /* between looks at the progress */
#define LOG_LINES   15

struct state {
    struct tide_watch *w;
    const char *data;
    char *url;
    struct tide_follow follow;
    struct tide_progress progress;
    bool over;
};

/* ---- what is told ---- */

/* The last lines of a log, indented. */
static void print_tail(const char *log)
{
    const char *at = log + strlen(log);
    int lines = 0;
    if (at > log && at[-1] == '\n') at--;
    while (at > log && lines < LOG_LINES)
        if (*--at == '\n') lines++;
    if (*at == '\n') at++;
    while (*at) {
        size_t n = strcspn(at, "\n");
        char *line = strndup(at, n), *clean = line ? tide_terminal_clean(line) : NULL;
        printf("    %s\n", clean ? clean : "");
        free(line);
        free(clean);
        at += n + (at[n] == '\n');
    }
}

static void tell_build(struct state *s, const json_t *build)
{
    const char *status = tide_json_text(build, "status");
    struct tide_str log = {0};
    char target[64];
    printf("%s%-9s%s build %lld of %.10s for Python %s%s%s\n",
           tide_hue_on(stdout, tide_status_hue(status)), status,
           tide_hue_off(stdout, tide_status_hue(status)), tide_json_number(build, "id"),
           tide_json_text(json_object_get(build, "commit"), "sha"),
           tide_json_text(json_object_get(build, "python"), "name"),
           json_is_string(json_object_get(build, "error")) ? ": " : "",
           tide_json_text(build, "error"));
    if (strcmp(status, "failed") != 0) return;
    snprintf(target, sizeof target, "/api/v1/builds/%lld/log", tide_json_number(build, "id"));
    if (!tide_client_text(s->data, target, &log, NULL) && log.at) print_tail(log.at);
    tide_str_free(&log);
}

/* Whether the event is of the run alone that is watched, or any where none is. */
static bool is_wanted(const struct state *s, const char *name, const json_t *data)
{
    if (!strcmp(name, "batch") || !strcmp(name, "curve")) return false;
    return !s->w->run || !strcmp(name, "build") || tide_json_number(data, "id") == s->w->run;
}

static bool has_ended(const char *status)
{
    return !strcmp(status, "done") || !strcmp(status, "failed") || !strcmp(status, "cancelled");
}

static void tell(struct state *s, const struct tide_follow_event *event)
{
    json_t *data = json_loads(event->data, 0, NULL);
    if (s->w->voice == TIDE_WATCH_JSON) {
        printf("{\"id\":%lld,\"event\":\"%s\",\"data\":%s}\n", (long long)event->id, event->name,
               event->data);
        fflush(stdout);
    } else if (s->w->voice == TIDE_WATCH_LINES && is_wanted(s, event->name, data)) {
        bool build = !strcmp(event->name, "build");
        if (build || has_ended(event->name)) tide_progress_clear(&s->progress);
        if (build)
            tell_build(s, data);
        else if (has_ended(event->name))
            tide_show_run_line(data);
    }
    bool counts = !s->w->batch && !s->w->run;
    if (counts && (!strcmp(event->name, "failed") || !strcmp(event->name, "cancelled")))
        s->w->failed++;
    json_decref(data);
}

/* ---- how far it is ---- */

static bool speaks(const struct state *s)
{
    return s->w->voice == TIDE_WATCH_LINES || s->w->voice == TIDE_WATCH_BAR;
}

static enum tide_rc look_at_batch(struct state *s, struct tide_error *e)
{
    char target[64];
    json_t *batch = NULL;
    snprintf(target, sizeof target, "/api/v1/batches/%lld", s->w->batch);
    enum tide_rc rc = tide_client_get(s->data, target, &batch, e);
    if (rc) return rc;
    if (speaks(s)) tide_progress_batch(&s->progress, batch, s->w->nowhere ? NULL : s->url);
    if (!json_is_null(json_object_get(batch, "finished_ns"))) {
        s->over = true;
        s->w->failed = tide_json_number(batch, "failed") + tide_json_number(batch, "cancelled");
        s->w->ended = json_incref(batch);
    }
    json_decref(batch);
    return TIDE_OK;
}

static enum tide_rc look_at_run(struct state *s, struct tide_error *e)
{
    char target[64];
    json_t *run = NULL;
    snprintf(target, sizeof target, "/api/v1/runs/%lld", s->w->run);
    enum tide_rc rc = tide_client_get(s->data, target, &run, e);
    if (rc) return rc;
    const char *status = tide_json_text(run, "status");
    if (speaks(s)) tide_progress_run(&s->progress, run);
    if (has_ended(status)) {
        s->over = true;
        s->w->failed = strcmp(status, "done") != 0;
        s->w->ended = json_incref(run);
        tide_progress_clear(&s->progress);
        if (speaks(s)) tide_show_run_line(run);
    }
    json_decref(run);
    return TIDE_OK;
}

static enum tide_rc look_at_all(struct state *s, struct tide_error *e)
{
    json_t *status = NULL;
    enum tide_rc rc = tide_client_get(s->data, "/api/v1/status", &status, e);
    if (rc) return rc;
    const json_t *queue = json_object_get(status, "queue");
    long long left = tide_json_number(queue, "queued") + tide_json_number(queue, "building") +
                     tide_json_number(queue, "running");
    if (speaks(s)) tide_progress_queue(&s->progress, queue);
    s->over = !left && !json_is_true(json_object_get(status, "discovering"));
    json_decref(status);
    return TIDE_OK;
}

static enum tide_rc look(struct state *s, struct tide_error *e)
{
    if (s->w->run) return look_at_run(s, e);
    return s->w->batch ? look_at_batch(s, e) : look_at_all(s, e);
}

/* ---- the stream ---- */

static enum tide_rc open_stream(struct state *s, struct tide_error *e)
{
    char target[64] = "/api/v1/stream";
    if (s->w->batch) snprintf(target, sizeof target, "/api/v1/stream?batch=%lld", s->w->batch);
    return tide_follow_open(&s->follow, s->data, target, e);
}

/* The daemon has gone: ask for it each second, until it is back or the minute is over. */
static enum tide_rc reopen_stream(struct state *s, struct tide_error *e)
{
    const struct timespec second = {.tv_sec = 1};
    int64_t end = tide_clock_monotonic_ns() + AWAY_S * INT64_C(1000000000);
    bool told = false;
    enum tide_rc rc = open_stream(s, e);
    while (rc && tide_clock_monotonic_ns() < end) {
        tide_progress_clear(&s->progress);
        if (!told) fprintf(stderr, "The daemon has gone; waiting for it.\n");
        told = true;
        nanosleep(&second, NULL);
        rc = open_stream(s, e);
    }
    if (told && !rc) fprintf(stderr, "The daemon is back.\n");
    return rc;
}

/* Events that are here already, all of them, then wait for one more. */
static enum tide_rc read_events(struct state *s, struct tide_error *e)
{
    struct tide_follow_event event;
    int patience = PATIENCE_MS;
    enum tide_rc rc;
    while (!(rc = tide_follow_next(&s->follow, patience, &event, e))) {
        tell(s, &event);
        tide_follow_event_clear(&event);
        patience = 0;
    }
    if (rc == TIDE_BUSY) return TIDE_OK;
    return rc == TIDE_ABSENT ? reopen_stream(s, e) : rc;
}

enum tide_rc tide_watch(struct tide_watch *w, const char *data, struct tide_error *e)
{
    struct state s = {.w = w, .data = data, .follow = {.fd = -1}, .progress = {0}};
    w->failed = 0;
    enum tide_rc rc = open_stream(&s, e);
    if (!rc) rc = tide_client_url(data, &s.url, e);
    if (!rc) rc = look(&s, e);
    while (!rc && !s.over) {
        rc = read_events(&s, e);
        enum tide_rc looked = rc ? TIDE_OK : look(&s, e);
        if (looked == TIDE_ABSENT || looked == TIDE_IO) looked = reopen_stream(&s, e);
        rc = rc ? rc : looked;
    }
    tide_progress_end(&s.progress);
    tide_follow_close(&s.follow);
    free(s.url);
    return rc;
}

/* ---- the command ---- */

struct arguments {
    struct tide_common common;
    struct tide_watch watch;
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case 'r': a->watch.run = tide_cli_number(state, "--run", value, 1, INT64_MAX); return 0;
    case ARGP_KEY_ARG:
        if (a->watch.batch) argp_error(state, "one batch at a time");
        a->watch.batch = tide_cli_number(state, "BATCH", value, 1, INT64_MAX);
        return 0;
    case ARGP_KEY_END:
        if (a->watch.batch && a->watch.run) argp_error(state, "a batch or a run, not both");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

/* Never by a daemon of its own: it would be an idle one, and there is no end to what it does. */
static int run(const struct tide_cli *c, int argc, char **argv)
{
    struct arguments a = {0};
    struct tide_error e;
    tide_cli_parse(c, argc, argv, &a.common, &a);
    if (a.common.json) a.watch.voice = TIDE_WATCH_JSON;
    char *data = tide_config_data(a.common.data);
    enum tide_rc rc =
        data ? tide_watch(&a.watch, data, &e) : tide_fail(&e, TIDE_NOMEM, "find the data folder");
    free(data);
    json_decref(a.watch.ended);
    int code = tide_cli_end(c, rc, &e);
    return !code && a.watch.failed ? TIDE_EXIT_FAILED : code;
}

static const struct argp_option options[] = {
    {"run", 'r', "RUN", 0, "Watch one run", 0},
    {0},
};

const struct tide_cli tide_command_watch = {
    .title = "tidemark watch",
    .summary = "follow a batch, a run or everything queued to its end",
    .arguments = "[BATCH]",
    .about =
        "Follow a batch, a run, or everything that is queued, to its end: builds (with the end of "
        "the log of one that fails), runs with what they measured, percent, time left.",
    .notes =
        "It goes on where it was when the daemon is started anew within a minute. Interrupting it "
        "stops nothing but this program. With --json each event is one line: id, event, data.",
    .options = options,
    .takes = TIDE_TAKES_DATA | TIDE_TAKES_JSON,
    .parse = parse,
    .examples =
        (const struct tide_example[]){
            {"tidemark watch", "Until the queue is empty"},
            {"tidemark watch 12 && echo fine", "A batch; exit code 3 when one of its runs failed"},
            {"tidemark watch --run 31", NULL},
            {"tidemark watch 12 --json | jq -c 'select(.event == \"failed\").data.error'", NULL},
            {0}},
    .run = run,
};
