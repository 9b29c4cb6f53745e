/* start_runs.c - `tidemark run`: asks the daemon for runs, shows their plan and progress, and tells
 * by name what could not be measured. Where no daemon serves the data folder one runs in this
 * process until the batch has ended (alone.h).
 *
 * The request is made of the options as they stand; the daemon alone judges it, so that a field is
 * refused here in the same words as everywhere. */
#include "base/str.h"
#include "cli/alone.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/request.h"
#include "cli/terminal.h"
#include "cli/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COMMITS_SHOWN  12
#define FAILURES_SHOWN 50

enum {
    KEY_PROJECT = 'p',
    KEY_COMMITS = 'c',
    KEY_PYTHONS = 'y',
    KEY_SCENARIOS = 's',
    KEY_SAMPLES = 'n',
    KEY_SINCE = 1,
    KEY_UNTIL,
    KEY_EVERY,
    KEY_PARAM,
    KEY_SIZE,
    KEY_ALLOCATOR,
    KEY_RECORDING,
    KEY_THRESHOLD,
    KEY_PRECISION,
    KEY_BOUND,
    KEY_INTERVAL,
    KEY_SEED,
    KEY_RETRY,
    KEY_DRY,
    KEY_DETACH,
    KEY_PRIORITY,
    KEY_REPO,
    KEY_CONFIG,
};

struct arguments {
    struct tide_common common;
    json_t *request;
    const char *repo, *config;
    bool dry_run, detach;
    bool alone; /* no daemon does it */
};

static const struct tide_request_field fields[] = {
    {"project", KEY_PROJECT, TIDE_REQUEST_TEXT},
    {"commits", KEY_COMMITS, TIDE_REQUEST_ENTRY},
    {"since", KEY_SINCE, TIDE_REQUEST_TEXT},
    {"until", KEY_UNTIL, TIDE_REQUEST_TEXT},
    {"every", KEY_EVERY, TIDE_REQUEST_VALUE},
    {"pythons", KEY_PYTHONS, TIDE_REQUEST_WORDS},
    {"scenarios", KEY_SCENARIOS, TIDE_REQUEST_WORDS},
    {"samples", KEY_SAMPLES, TIDE_REQUEST_VALUE},
    {"size", KEY_SIZE, TIDE_REQUEST_TEXT},
    {"allocators", KEY_ALLOCATOR, TIDE_REQUEST_WORDS},
    {"recording", KEY_RECORDING, TIDE_REQUEST_TEXT},
    {"threshold", KEY_THRESHOLD, TIDE_REQUEST_VALUE},
    {"precision", KEY_PRECISION, TIDE_REQUEST_TEXT},
    {"bound", KEY_BOUND, TIDE_REQUEST_VALUE},
    {"interval_us", KEY_INTERVAL, TIDE_REQUEST_VALUE},
    {"seed", KEY_SEED, TIDE_REQUEST_VALUE},
    {"retry_failed", KEY_RETRY, TIDE_REQUEST_FLAG},
    {"priority", KEY_PRIORITY, TIDE_REQUEST_VALUE},
    {0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    if (tide_request_take(a->request, fields, key, value)) return 0;
    switch (key) {
    case KEY_DRY: a->dry_run = true; return 0;
    case KEY_DETACH: a->detach = true; return 0;
    case KEY_REPO: a->repo = value; return 0;
    case KEY_CONFIG: a->config = value; return 0;
    case KEY_PARAM: tide_request_param(a->request, value, state); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {0, 0, 0, 0, "What:", 1},
    {"project", KEY_PROJECT, "PROJECT", 0, "Project (default: converters)", 0},
    {"commits", KEY_COMMITS, "REV|RANGE", 0,
     "A commit (v1.0, HEAD~2), a range (v1.0..HEAD), or tags, new, missing; may be repeated "
     "(default: HEAD)",
     0},
    {"since", KEY_SINCE, "DATE", 0, "Of ranges, or of the history of HEAD: from that day on", 0},
    {"until", KEY_UNTIL, "DATE", 0, "... to that day", 0},
    {"every", KEY_EVERY, "N", 0, "... every Nth, counted from the newest", 0},
    {"pythons", KEY_PYTHONS, "PYTHON,...", 0, "Versions or names, with commas (default: all)", 0},
    {"scenarios", KEY_SCENARIOS, "SCENARIO,...", 0, "Names, with commas", 0},
    {"param", KEY_PARAM, "NAME=VALUE", 0, "Parameter of the scenarios; may be repeated", 0},
    {"size", KEY_SIZE, "demo|full", 0, "Which defaults the other parameters have", 0},
    {"samples", KEY_SAMPLES, "N", 0, "Runs of each cell (default: 1)", 0},
    {"allocator", KEY_ALLOCATOR, "pymalloc|malloc|mimalloc|jemalloc|tcmalloc,...", 0,
     "Allocators of the Python (default: each one's own)", 0},
    {0, 0, 0, 0, "How it is measured:", 2},
    {"recording", KEY_RECORDING, "changes|all|marks", 0, "Which events are kept", 0},
    {"threshold", KEY_THRESHOLD, "BYTES", 0, "What counts as a change (default: 4096)", 0},
    {"precision", KEY_PRECISION, "bounded|exact", 0, "How exact the RSS of an event is", 0},
    {"bound", KEY_BOUND, "BYTES", 0, "... within this (default: 262144)", 0},
    {"interval-us", KEY_INTERVAL, "N", 0, "Microseconds between samples (default: 1000)", 0},
    {0, 0, 0, 0, "How it is done:", 3},
    {"dry-run", KEY_DRY, 0, 0, "Show the plan and start nothing", 0},
    {"retry-failed", KEY_RETRY, 0, 0, "Try builds again that failed before", 0},
    {"seed", KEY_SEED, "N", 0, "Order of the runs, as a batch showed it", 0},
    {"detach", KEY_DETACH, 0, 0, "Start it and do not wait", 0},
    {"priority", KEY_PRIORITY, "N", 0, "-100 to 100; higher ones are done first (default: 0)", 0},
    {0, 0, 0, 0, "Where no daemon does it:", 4},
    {"repo", KEY_REPO, "PATH|URL", 0, "Repository of the project `converters`", 0},
    {"config", KEY_CONFIG, "FILE", 0, "Configuration (JSON)", 0},
    {0},
};
/* ---- the plan ---- */

static void print_commits(const json_t *commits)
{
    size_t n = json_array_size(commits), first = n > COMMITS_SHOWN ? n - COMMITS_SHOWN : 0;
    if (first) printf("  commits   %zu older ones, then\n", first);
    for (size_t i = first; i < n; i++) {
        const json_t *c = json_array_get(commits, i);
        printf("  %-9s %.12s  %s\n", i ? "" : "commits", tide_json_text(c, "sha"),
               tide_json_text(c, "subject"));
    }
}

static void print_names(const char *title, const json_t *names)
{
    size_t i;
    json_t *name;
    printf("  %-9s ", title);
    json_array_foreach((json_t *)names, i, name)
    {
        printf("%s%s", i ? ", " : "", json_string_value(name));
    }
    putchar('\n');
}

static void print_time(const json_t *estimate)
{
    const json_t *seconds = json_object_get(estimate, "seconds");
    long long runs = tide_json_number(estimate, "unknown_runs"),
              builds = tide_json_number(estimate, "unknown_builds");
    if (json_is_number(seconds))
        printf("  time      about %lld s", (long long)(json_number_value(seconds) + 0.999));
    else
        printf("  time      not known: nothing like it was done before");
    if (json_is_number(seconds) && (runs || builds))
        printf(", without %lld runs and %lld builds of which nothing is known", runs, builds);
    putchar('\n');
}

static void print_memory(const json_t *memory)
{
    long long largest = tide_json_number(memory, "largest");
    if (largest > 0) printf("  memory    up to %.1f MiB a run\n", (double)largest / (1 << 20));
}

static void print_plan(const json_t *plan)
{
    const json_t *builds = json_object_get(plan, "builds");
    size_t i;
    json_t *item;
    printf("%lld runs of %lld cells, in project %s\n", tide_json_number(plan, "runs"),
           tide_json_number(plan, "cells"), tide_json_text(plan, "project"));
    print_commits(json_object_get(plan, "commits"));
    print_names("pythons", json_object_get(plan, "pythons"));
    print_names("scenarios", json_object_get(plan, "scenarios"));
    printf("  builds    %lld to make, %lld in the cache, %lld known to fail\n",
           tide_json_number(builds, "needed"), tide_json_number(builds, "cached"),
           tide_json_number(builds, "failed"));
    json_array_foreach(json_object_get(plan, "known_failures"), i, item)
    {
        printf("            %.12s for %s fails: %s\n", tide_json_text(item, "commit"),
               tide_json_text(item, "python"), tide_json_text(item, "error"));
    }
    json_array_foreach(json_object_get(plan, "left_out"), i, item)
    {
        printf("  left out  %s: %s\n", tide_json_text(item, "what"), tide_json_text(item, "why"));
    }
    print_time(json_object_get(plan, "estimate"));
    print_memory(json_object_get(plan, "memory"));
    fflush(stdout);
}

/* ---- what became of it ---- */

/* Whether an earlier run of the list failed with the same build. */
static bool is_told(const json_t *failed, size_t i, long long build)
{
    for (size_t k = 0; build && k < i; k++)
        if (tide_json_number(json_object_get(json_array_get(failed, k), "build"), "id") == build)
            return true;
    return false;
}

/* `url` as in print_failures. */
static void print_failure(const json_t *run, const char *url)
{
    const json_t *build = json_object_get(run, "build"), *commit = json_object_get(run, "commit");
    const char *python = tide_json_text(json_object_get(run, "python"), "name");
    bool broken = !strcmp(tide_json_text(build, "status"), "failed");
    char *subject = tide_terminal_clean(tide_json_text(commit, "subject"));
    char *error = tide_terminal_clean(tide_json_text(run, "error"));
    if (broken)
        printf("does not build: %.12s %s, for %s: %s\n", tide_json_text(commit, "sha"),
               subject ? subject : "", python, error ? error : "");
    else
        printf("failed: %s at %.12s %s on %s, sample %lld: %s\n", tide_json_text(run, "scenario"),
               tide_json_text(commit, "sha"), subject ? subject : "", python,
               tide_json_number(run, "sample"), error ? error : "");
    if (url)
        printf("  %s/api/v1/%s/%lld/log\n", url, broken ? "builds" : "runs",
               tide_json_number(broken ? build : run, "id"));
    else
        printf("  tidemark runs %lld --log\n", tide_json_number(run, "id"));
    free(subject);
    free(error);
}

/* By name, a build that several runs wanted once. `url`: the daemon's; NULL: it ends with us. */
static void print_failures(const json_t *failed, const char *url)
{
    size_t i, shown = 0;
    json_t *run;
    json_array_foreach((json_t *)failed, i, run)
    {
        const json_t *build = json_object_get(run, "build");
        bool broken = !strcmp(tide_json_text(build, "status"), "failed");
        if (broken && is_told(failed, i, tide_json_number(build, "id"))) continue;
        if (shown++ < FAILURES_SHOWN) print_failure(run, url);
    }
    if (shown > FAILURES_SHOWN) printf("and %zu more\n", shown - FAILURES_SHOWN);
}

/* See the batch to its end; *batch is its last state. */
static enum tide_rc watch(const struct arguments *a, const char *data, json_t **batch,
                          struct tide_error *e)
{
    struct tide_watch w = {.batch = tide_json_number(*batch, "id"),
                           .voice = a->common.json ? TIDE_WATCH_SILENT : TIDE_WATCH_BAR,
                           .nowhere = a->alone};
    enum tide_rc rc = tide_watch(&w, data, e);
    if (!rc) {
        json_decref(*batch);
        *batch = w.ended;
    }
    return rc;
}

static enum tide_rc tell_failures(const struct arguments *a, const char *data, const char *url,
                                  const json_t *plan, const json_t *batch, struct tide_error *e)
{
    json_t *answer = NULL;
    char target[96];
    snprintf(target, sizeof target, "/api/v1/runs?batch=%lld&status=failed&limit=1000",
             tide_json_number(batch, "id"));
    enum tide_rc rc = tide_client_get(data, target, &answer, e);
    const json_t *failed = json_object_get(answer, "runs");
    if (!rc && a->common.json) {
        json_t *all = json_pack("{s:O, s:O, s:O}", "plan", plan, "batch", batch, "failed", failed);
        tide_print_json(all);
        json_decref(all);
    } else if (!rc) {
        print_failures(failed, a->alone ? NULL : url);
    }
    json_decref(answer);
    return rc;
}

/* ---- the command ---- */

static enum tide_rc detach(const struct arguments *a, const json_t *batch, const char *url)
{
    if (a->common.json) {
        tide_print_json(batch);
    } else
        printf("batch %lld is queued: %s/#/trigger?batch=%lld\n", tide_json_number(batch, "id"),
               url, tide_json_number(batch, "id"));
    return TIDE_OK;
}

/* Start it and, unless it is detached, see it through. *failed: runs that failed. */
static enum tide_rc start(const struct arguments *a, const char *data, const json_t *plan,
                          long long *failed, struct tide_error *e)
{
    json_t *batch = NULL;
    char *url = NULL;
    enum tide_rc rc = tide_client_url(data, &url, e);
    if (!rc) rc = tide_client_post_json(data, "/api/v1/runs", a->request, &batch, e);
    if (!rc && a->detach) {
        rc = detach(a, batch, url);
    } else if (!rc) {
        rc = watch(a, data, &batch, e);
        *failed = tide_json_number(batch, "failed") + tide_json_number(batch, "cancelled");
        if (!rc) rc = tell_failures(a, data, url, plan, batch, e);
    }
    json_decref(batch);
    free(url);
    return rc;
}

/* A daemon that was just started does not know yet what can be measured. */
static enum tide_rc await_discovery(const char *data, struct tide_error *e)
{
    const struct timespec pause = {.tv_nsec = 50000000};
    bool discovering = true;
    enum tide_rc rc = TIDE_OK;
    while (!rc && discovering) {
        json_t *status = NULL;
        rc = tide_client_get(data, "/api/v1/status", &status, e);
        discovering = json_is_true(json_object_get(status, "discovering"));
        json_decref(status);
        if (discovering) nanosleep(&pause, NULL);
    }
    return rc;
}

static enum tide_rc carry_out(const struct arguments *a, const char *data, long long *failed,
                              struct tide_error *e)
{
    json_t *plan = NULL;
    enum tide_rc rc = a->alone ? await_discovery(data, e) : TIDE_OK;
    if (!rc) rc = tide_client_post_json(data, "/api/v1/runs?dry_run=true", a->request, &plan, e);
    if (!rc && !a->common.json) print_plan(plan);
    if (!rc && a->common.json && a->dry_run) tide_print_json(plan);
    if (!rc && !json_object_get(a->request, "seed")) /* the order that the plan was made with */
        json_object_set(a->request, "seed", json_object_get(plan, "seed"));
    if (!rc && !a->dry_run) rc = start(a, data, plan, failed, e);
    json_decref(plan);
    return rc;
}

/* By the daemon of the folder; where there is none, and the work is not to outlast us, by one of
 * our own. */
static enum tide_rc find_worker(struct arguments *a, const char *data, struct tide_alone **alone,
                                struct tide_error *e)
{
    const struct tide_daemon_options wanted = {
        .data = data, .repo = a->repo, .config = a->config, .idle = a->dry_run};
    bool served = tide_alone_served(data);
    if (served && (a->repo || a->config))
        return tide_fail(e, TIDE_INVALID,
                         "a daemon serves %s: --repo and --config are its own to be started with",
                         data);
    a->alone = !served && !a->detach;
    if (!a->alone) return TIDE_OK;
    fprintf(stderr, "No daemon serves %s: this program does the work.\n",
            a->common.db ? a->common.db : data);
    return tide_alone_begin(&wanted, alone, e);
}

static int run(const struct tide_cli *c, int argc, char **argv)
{
    struct arguments a = {.request = json_pack("{s:s}", "reason", "cli")};
    struct tide_alone *alone = NULL;
    struct tide_error e;
    long long failed = 0;
    tide_cli_parse(c, argc, argv, &a.common, &a);
    char *data = tide_config_data(a.common.data);
    enum tide_rc rc = data ? find_worker(&a, data, &alone, &e)
                           : tide_fail(&e, TIDE_NOMEM, "find the data folder");
    if (!rc) rc = carry_out(&a, data, &failed, &e);
    tide_alone_end(alone);
    free(data);
    json_decref(a.request);
    int code = tide_cli_end(c, rc, &e);
    return !code && failed ? TIDE_EXIT_FAILED : code;
}

const struct tide_cli tide_command_run = {
    .title = "tidemark run",
    .summary = "measure commits: show the plan, start it, watch it to its end",
    .about = "Measure commits: show the plan, start it, watch it to its end.\n\n"
             "A daemon (`tidemark serve`) does the work, and goes on when this program is "
             "interrupted. Where no daemon serves the data folder, or the database of --db, this "
             "program does it itself: what is not done when it is interrupted stays queued.",
    .options = options,
    .takes = TIDE_TAKES_DATA | TIDE_MAKES_DATA | TIDE_TAKES_JSON,
    .parse = parse,
    .examples =
        (const struct tide_example[]){
            {"tidemark run --scenarios list_bytes --size demo", NULL},
            {"tidemark run --scenarios list_bytes --commits v1.0..HEAD --every 10 --dry-run",
             "What would be measured, and how long it may take"},
            {"tidemark run --scenarios list_bytes --commits missing --samples 5 --since 2024-01-01",
             "Bring every commit since then to five samples"},
            {"tidemark run --db memory.db --repo . --scenarios list_bytes --size demo",
             "Without a daemon; `tidemark runs --db memory.db` lists what was measured"},
            {"tidemark run --scenarios list_bytes,list_float_array --pythons 3.11,3.12 --param "
             "count=65536",
             NULL},
            {0}},
    .run = run,
};
