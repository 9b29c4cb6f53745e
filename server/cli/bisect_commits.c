/* bisect_commits.c - `tidemark bisect`: has the daemon search for the commit that changed a metric,
 * and tells each step.
 *
 * The daemon does the work and keeps it; this program only watches, and may be left at any time. */
#include "base/str.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/request.h"
#include "cli/terminal.h"
#include "stats/verdict.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    KEY_PROJECT = 'p',
    KEY_PYTHON = 'y',
    KEY_SCENARIO = 's',
    KEY_METRIC = 'm',
    KEY_SAMPLES = 'n',
    KEY_WORSE = 'w',
    KEY_PARAM = 1,
    KEY_SIZE,
    KEY_ALLOCATOR,
    KEY_DETACH,
    KEY_WATCH,
    KEY_CANCEL,
};

struct arguments {
    struct tide_common common;
    const char *id; /* of a search that is there already */
    json_t *request;
    bool detach, cancel;
    int commits;
};

static volatile sig_atomic_t interrupted;

static void note_interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

static void put_commit(struct arguments *a, const char *text, struct argp_state *state)
{
    static const char *const ends[] = {"good", "bad"};
    if (a->commits == 2) argp_error(state, "two commits, not more: \"%s\"", text);
    if (a->commits < 2) json_object_set_new(a->request, ends[a->commits++], json_string(text));
}

static void check_whole(const struct arguments *a, struct argp_state *state)
{
    if (a->id && a->commits) argp_error(state, "commits, or the number of a search: not both");
    if (a->id) return;
    if (a->commits != 2)
        argp_error(state, "which commits? One that is good, and a later one that is bad");
    if (!json_object_get(a->request, "scenario")) argp_error(state, "--scenario is missing");
    if (!json_object_get(a->request, "python")) argp_error(state, "--python is missing");
}

static const struct tide_request_field fields[] = {
    {"project", KEY_PROJECT, TIDE_REQUEST_TEXT},
    {"python", KEY_PYTHON, TIDE_REQUEST_TEXT},
    {"scenario", KEY_SCENARIO, TIDE_REQUEST_TEXT},
    {"metric", KEY_METRIC, TIDE_REQUEST_TEXT},
    {"size", KEY_SIZE, TIDE_REQUEST_TEXT},
    {"allocator", KEY_ALLOCATOR, TIDE_REQUEST_TEXT},
    {"worse_than", KEY_WORSE, TIDE_REQUEST_TEXT},
    {"samples", KEY_SAMPLES, TIDE_REQUEST_VALUE},
    {0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    if (tide_request_take(a->request, fields, key, value)) return 0;
    switch (key) {
    case KEY_DETACH: a->detach = true; return 0;
    case KEY_CANCEL:
        a->cancel = true;
        a->id = value;
        return 0;
    case KEY_WATCH: a->id = value; return 0;
    case KEY_PARAM: tide_request_param(a->request, value, state); return 0;
    case ARGP_KEY_ARG: put_commit(a, value, state); return 0;
    case ARGP_KEY_END: check_whole(a, state); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {0, 0, 0, 0, "What:", 1},
    {"scenario", KEY_SCENARIO, "SCENARIO", 0, "Scenario whose metric changed", 0},
    {"python", KEY_PYTHON, "PYTHON", 0, "Version or name of one Python", 0},
    {"project", KEY_PROJECT, "PROJECT", 0, "Project (default: converters)", 0},
    {"metric", KEY_METRIC, "NAME", 0, "What changed (default: tide_mark)", 0},
    {"param", KEY_PARAM, "NAME=VALUE", 0, "Parameter of the scenario; may be repeated", 0},
    {"size", KEY_SIZE, "demo|full", 0, "Which defaults the other parameters have", 0},
    {"allocator", KEY_ALLOCATOR, "pymalloc|malloc|mimalloc|jemalloc|tcmalloc", 0,
     "Allocator (default: the Python's own)", 0},
    {0, 0, 0, 0, "How:", 2},
    {"samples", KEY_SAMPLES, "N", 0, "Runs of a commit; more where they disagree (default: 2)", 0},
    {"worse-than", KEY_WORSE, "LIMIT", 0,
     "A commit that differs from GOOD by this is bad, like 2%,256KiB (default: by half of the way "
     "to BAD)",
     0},
    {"detach", KEY_DETACH, 0, 0, "Begin it and do not wait", 0},
    {0, 0, 0, 0, "Of a search that was begun:", 3},
    {"watch", KEY_WATCH, "ID", 0, "Tell its steps, to its end", 0},
    {"cancel", KEY_CANCEL, "ID", 0, "End it", 0},
    {0},
};

/* ---- telling ---- */

struct teller {
    size_t told; /* steps */
    bool open;   /* a line without its newline stands on the terminal */
};

static void close_line(struct teller *t)
{
    if (t->open) fputs("\r\033[K", stdout);
    t->open = false;
}

/* The value in words, with its sign when `sign`; "-" when there is none. Returns `out`. */
static const char *write_value(char *out, size_t room, const char *unit, const json_t *value,
                               bool sign)
{
    double number = json_number_value(value);
    bool plus = sign && number > 0;
    snprintf(out, room, plus ? "+" : "-");
    if (json_is_number(value)) tide_verdict_write(number, unit, out + plus, room - plus);
    return out;
}

static void tell_step(const json_t *step, const char *unit)
{
    char value[48];
    const json_t *commit = json_object_get(step, "commit");
    printf("  %-8s %.12s  %10s  %.60s\n", tide_json_text(step, "outcome"),
           tide_json_text(commit, "sha"),
           write_value(value, sizeof value, unit, json_object_get(step, "value"), false),
           tide_json_text(commit, "subject"));
    if (*tide_json_text(step, "why")) printf("           %s\n", tide_json_text(step, "why"));
}

/* New steps as lines; what goes on as a line that is overwritten, on a terminal. */
static void tell_progress(struct teller *t, const json_t *bisect)
{
    const json_t *steps = json_object_get(bisect, "steps"), *step;
    close_line(t);
    for (; t->told < json_array_size(steps); t->told++) {
        step = json_array_get(steps, t->told);
        if (!strcmp(tide_json_text(step, "outcome"), "measuring")) break;
        tell_step(step, tide_json_text(bisect, "unit"));
    }
    if (isatty(STDOUT_FILENO) && !strcmp(tide_json_text(bisect, "status"), "running")) {
        step = json_array_get(steps, t->told);
        printf("  measuring %.12s", tide_json_text(json_object_get(step, "commit"), "sha"));
        if (json_is_integer(json_object_get(bisect, "left")))
            printf(", %lld commits in question", tide_json_number(bisect, "left"));
        if (json_is_number(json_object_get(bisect, "eta_ns")))
            printf(", about %.0f s left",
                   json_number_value(json_object_get(bisect, "eta_ns")) / 1e9);
        t->open = true;
    }
    fflush(stdout);
}

static void tell_effect(const json_t *result, const char *unit)
{
    char effect[48], low[48], high[48];
    const json_t *before = json_object_get(result, "before");
    printf("%s", write_value(effect, sizeof effect, unit, json_object_get(result, "effect"), true));
    if (json_number_value(before) > 0)
        printf(" (%+.1f %%)", 100 * json_number_value(json_object_get(result, "effect")) /
                                  json_number_value(before));
    if (json_is_number(json_object_get(result, "low")))
        printf(", 95 %% interval %s to %s",
               write_value(low, sizeof low, unit, json_object_get(result, "low"), true),
               write_value(high, sizeof high, unit, json_object_get(result, "high"), true));
    putchar('\n');
}

static void tell_result(const json_t *bisect)
{
    const json_t *result = json_object_get(bisect, "result");
    const json_t *commit = json_object_get(result, "commit");
    if (commit) {
        printf("%.12s %s\n  changed %s by ", tide_json_text(commit, "sha"),
               tide_json_text(commit, "subject"), tide_json_text(bisect, "metric"));
        tell_effect(result, tide_json_text(bisect, "unit"));
    } else if (json_is_object(result)) {
        const json_t *from = json_object_get(result, "from"), *to = json_object_get(result, "to");
        printf("not one commit, but after %.12s %s\n  up to %.12s %s\n  together ",
               tide_json_text(from, "sha"), tide_json_text(from, "subject"),
               tide_json_text(to, "sha"), tide_json_text(to, "subject"));
        tell_effect(result, tide_json_text(bisect, "unit"));
    }
    if (*tide_json_text(result, "why")) printf("  %s\n", tide_json_text(result, "why"));
}

/* ---- the command ---- */

static enum tide_rc get(const char *data, long long id, json_t **bisect, struct tide_error *e)
{
    char target[64];
    snprintf(target, sizeof target, "/api/v1/bisects/%lld", id);
    return tide_client_get(data, target, bisect, e);
}

static enum tide_rc cancel(const char *data, long long id, struct tide_error *e)
{
    char target[64];
    json_t *answer = NULL, *nothing = json_object();
    snprintf(target, sizeof target, "/api/v1/bisects/%lld/cancel", id);
    enum tide_rc rc = tide_client_post_json(data, target, nothing, &answer, e);
    json_decref(nothing);
    json_decref(answer);
    return rc;
}

/* Asked on a terminal; otherwise nobody is there to say yes. */
static bool wants_cancel(long long id)
{
    char answer[16] = "";
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) return false;
    fprintf(stderr, "\nEnd the search %lld, which otherwise goes on in the daemon? [y/N] ", id);
    return fgets(answer, sizeof answer, stdin) && (*answer == 'y' || *answer == 'Y');
}

/* What Ctrl-C comes to: STOPPED. */
static enum tide_rc leave(const char *data, long long id, struct tide_error *e)
{
    struct sigaction usual = {.sa_handler = SIG_DFL};
    sigaction(SIGINT, &usual, NULL); /* a second one ends this program */
    if (wants_cancel(id)) {
        enum tide_rc rc = cancel(data, id, e);
        return rc ? rc : tide_fail(e, TIDE_STOPPED, "the search %lld is cancelled", id);
    }
    return tide_fail(e, TIDE_STOPPED,
                     "the search goes on in the daemon: `tidemark bisect --watch %lld` tells its "
                     "steps, `tidemark bisect --cancel %lld` ends it",
                     id, id);
}

static enum tide_rc watch(const struct arguments *a, const char *data, json_t **bisect,
                          struct tide_error *e)
{
    const struct timespec pause = {.tv_nsec = 300000000};
    struct sigaction handler = {.sa_handler = note_interrupt};
    struct teller teller = {0};
    long long id = tide_json_number(*bisect, "id");
    enum tide_rc rc = TIDE_OK;
    sigaction(SIGINT, &handler, NULL);
    if (!a->common.json) tell_progress(&teller, *bisect);
    while (!rc && !strcmp(tide_json_text(*bisect, "status"), "running")) {
        nanosleep(&pause, NULL);
        if (interrupted) {
            close_line(&teller);
            return leave(data, id, e);
        }
        json_decref(*bisect);
        rc = get(data, id, bisect, e);
        if (!rc && !a->common.json) tell_progress(&teller, *bisect);
    }
    close_line(&teller);
    return rc;
}

static void print_begun(const json_t *bisect)
{
    const json_t *good = json_object_get(bisect, "good"), *bad = json_object_get(bisect, "bad");
    printf("search %lld: %s of %s on %s, from %.12s to %.12s\n", tide_json_number(bisect, "id"),
           tide_json_text(bisect, "metric"), tide_json_text(bisect, "scenario"),
           tide_json_text(bisect, "python"), tide_json_text(good, "sha"),
           tide_json_text(bad, "sha"));
    fflush(stdout);
}

static int print_end(const struct arguments *a, const json_t *bisect)
{
    const char *status = tide_json_text(bisect, "status");
    if (a->common.json)
        tide_print_json(bisect);
    else
        tell_result(bisect);
    if (!strcmp(status, "running")) return TIDE_EXIT_FINE; /* it was detached */
    if (strcmp(status, "done") != 0) {
        fprintf(stderr, "tidemark bisect: the search %s%s%s\n", status,
                *tide_json_text(bisect, "error") ? ": " : "", tide_json_text(bisect, "error"));
        return TIDE_EXIT_FAILED;
    }
    return json_object_get(json_object_get(bisect, "result"), "commit") ? TIDE_EXIT_FINE
                                                                        : TIDE_EXIT_INCONCLUSIVE;
}

static enum tide_rc carry_out(const struct arguments *a, const char *data, int *code,
                              struct tide_error *e)
{
    json_t *bisect = NULL;
    long long id = a->id ? strtoll(a->id, NULL, 10) : 0;
    enum tide_rc rc = TIDE_OK;
    if (a->cancel) rc = cancel(data, id, e);
    if (rc) return rc;
    rc = a->id ? get(data, id, &bisect, e)
               : tide_client_post_json(data, "/api/v1/bisects", a->request, &bisect, e);
    if (!rc && a->cancel) {
        printf("search %lld is cancelled\n", id);
        json_decref(bisect);
        return TIDE_OK;
    }
    if (!rc && !a->common.json) print_begun(bisect);
    if (!rc && !a->detach) rc = watch(a, data, &bisect, e);
    if (!rc) *code = print_end(a, bisect);
    json_decref(bisect);
    return rc;
}

static int run(const struct tide_cli *c, int argc, char **argv)
{
    struct arguments a = {.request = json_object()};
    struct tide_config config = {0};
    struct tide_error e;
    int found = TIDE_EXIT_FINE;
    tide_cli_parse(c, argc, argv, &a.common, &a);
    enum tide_rc rc = tide_config_settle(a.common.data, NULL, NULL, &config, &e);
    if (!rc) rc = carry_out(&a, config.places.data, &found, &e);
    tide_config_clear(&config);
    json_decref(a.request);
    int code = tide_cli_end(c, rc, &e);
    return code ? code : found;
}

const struct tide_cli tide_command_bisect = {
    .title = "tidemark bisect",
    .summary = "find the commit that changed a metric, by binary search",
    .arguments = "[GOOD BAD]",
    .about = "Find the commit that changed a metric, by binary search along the first parents from "
             "GOOD to BAD.",
    .notes = "A daemon (`tidemark serve`) does the work. Builds that are in the cache are "
             "preferred, commits that do not build are skipped, and what was measured before is "
             "not measured again. When this program is interrupted the search goes on.",
    .options = options,
    .takes = TIDE_TAKES_DATA | TIDE_TAKES_JSON,
    .parse = parse,
    .examples =
        (const struct tide_example[]){
            {"tidemark bisect v1.0 HEAD --scenario list_bytes --python 3.12", NULL},
            {"tidemark bisect v1.0 v1.1 -s list_bytes -y 3.9 --metric retained --worse-than 64KiB",
             "The first commit that keeps 64 KiB more than v1.0"},
            {"tidemark bisect HEAD~200 HEAD -s list_bytes -y 3.12 --json | jq .result.commit.sha",
             NULL},
            {"tidemark bisect --watch 3", "Go on watching a search that was left"},
            {0}},
    .exits = 1u << TIDE_EXIT_INCONCLUSIVE,
    .run = run,
};
