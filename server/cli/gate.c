/* gate.c - `tidemark gate`: whether a branch needs more memory than where it left another, for CI.
 *
 * It asks the daemon for the merge base, for what is not measured yet of both commits, and for the
 * comparison; where no daemon serves the folder it runs one in this process. The exit code is the
 * verdict. */
#include "base/file.h"
#include "base/str.h"
#include "cli/alone.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/compare_sides.h"
#include "cli/config.h"
#include "cli/gate_report.h"
#include "cli/request.h"
#include "cli/terminal.h"
#include "cli/watch.h"
#include "stats/limit.h"

#include <stdlib.h>
#include <string.h>

#define RUNS_DEFAULT 60
#define PRIORITY     10 /* of its batch: a build of CI waits for it */

enum {
    KEY_BASE = 1000,
    KEY_HEAD,
    KEY_SIZE,
    KEY_RUNS,
    KEY_FRESH,
    KEY_ACCEPT,
    KEY_MARKDOWN,
    KEY_JUNIT,
    KEY_REPO,
    KEY_CONFIG,
};

struct arguments {
    struct tide_common common;
    const char *base, *head, *project, *metric, *worse_than, *markdown, *junit, *repo, *config;
    json_t *request;  /* fields of POST /runs */
    json_t *accepted; /* reasons by scenario */
    struct tide_limit limit;
    int64_t runs; /* that may be spent on what is inconclusive */
    bool fresh;
    int code; /* what the program ends with */
};

/* ---- arguments ---- */

static void put_list(json_t *request, const char *name, const char *text)
{
    json_t *list = json_array();
    while (*text) {
        size_t n = strcspn(text, ",");
        if (n) json_array_append_new(list, json_stringn(text, n));
        text += n + (text[n] == ',');
    }
    json_object_set_new(request, name, list);
}

static void put_accepted(struct arguments *a, const char *text, struct argp_state *state)
{
    const char *equals = strchr(text, '=');
    char *name =
        equals && equals > text && equals[1] ? strndup(text, (size_t)(equals - text)) : NULL;
    if (!name) argp_error(state, "--accept takes SCENARIO=REASON, not \"%s\"", text);
    if (name) json_object_set_new(a->accepted, name, json_string(equals + 1));
    free(name);
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    struct tide_error e;
    switch (key) {
    case KEY_BASE: a->base = value; return 0;
    case KEY_HEAD: a->head = value; return 0;
    case 'p': a->project = value; return 0;
    case 'm': a->metric = value; return 0;
    case 'w':
        a->worse_than = value;
        if (tide_limit_parse(value, &a->limit, &e)) argp_error(state, "--worse-than: %s", e.text);
        return 0;
    case 'y': put_list(a->request, "pythons", value); return 0;
    case 's': put_list(a->request, "scenarios", value); return 0;
    case 'n':
        json_object_set_new(a->request, "samples",
                            json_integer(tide_cli_number(state, "--samples", value, 1, 100)));
        return 0;
    case KEY_SIZE: json_object_set_new(a->request, "size", json_string(value)); return 0;
    case KEY_RUNS: a->runs = tide_cli_number(state, "--runs", value, 0, 10000); return 0;
    case KEY_FRESH: a->fresh = true; return 0;
    case KEY_ACCEPT: put_accepted(a, value, state); return 0;
    case KEY_MARKDOWN: a->markdown = value; return 0;
    case KEY_JUNIT: a->junit = value; return 0;
    case KEY_REPO: a->repo = value; return 0;
    case KEY_CONFIG: a->config = value; return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {0, 0, 0, 0, "What:", 1},
    {"base", KEY_BASE, "REV", 0, "The branch that it goes into (default: origin/main)", 0},
    {"head", KEY_HEAD, "REV", 0, "What is to go into it (default: HEAD)", 0},
    {"worse-than", 'w', "LIMIT", 0,
     "What is too much: a share and an amount, both of which must be reached (default: 2%,256KiB)",
     0},
    {"project", 'p', "PROJECT", 0, "Project (default: converters)", 0},
    {"pythons", 'y', "PYTHON,...", 0, "Versions or names (default: the project's)", 0},
    {"scenarios", 's', "SCENARIO,...", 0, "Names (default: all of the project)", 0},
    {"metric", 'm', "METRIC", 0, "What is compared (default: tide_mark)", 0},
    {"accept", KEY_ACCEPT, "SCENARIO=REASON", 0,
     "The scenario may need more, and why; may be repeated", 0},
    {0, 0, 0, 0, "How it is measured:", 2},
    {"samples", 'n', "N", 0, "Runs of each cell (default: 5)", 0},
    {"size", KEY_SIZE, "demo|full", 0, "Which defaults the parameters have", 0},
    {"runs", KEY_RUNS, "N", 0, "Further runs for what is inconclusive (default: 60)", 0},
    {"fresh", KEY_FRESH, 0, 0, "Measure both commits anew, whatever is on record", 0},
    {0, 0, 0, 0, "How it is told:", 3},
    {"markdown", KEY_MARKDOWN, "FILE", 0, "Write Markdown too, for a pull request", 0},
    {"junit", KEY_JUNIT, "FILE", 0, "Write JUnit XML too", 0},
    {0, 0, 0, 0, "Where no daemon does it:", 4},
    {"repo", KEY_REPO, "PATH|URL", 0, "Repository of the project `converters`", 0},
    {"config", KEY_CONFIG, "FILE", 0, "Configuration (JSON)", 0},
    {0},
};

/* ---- asking ---- */

static enum tide_rc find_merge_base(const struct arguments *a, const char *data, json_t **out,
                                    struct tide_error *e)
{
    struct tide_str target = {0};
    tide_str_put(&target, "/api/v1/projects/");
    tide_client_escape(&target, a->project);
    tide_str_put(&target, "/merge-base");
    tide_request_query(&target, "base", a->base);
    tide_request_query(&target, "head", a->head);
    return tide_request_get(data, &target, out, e);
}

static const char *sha_of(const json_t *parted, const char *side)
{
    return tide_json_text(json_object_get(parted, side), "sha");
}

/* All of the project's, where none are named. */
static enum tide_rc name_scenarios(const struct arguments *a, const char *data,
                                   struct tide_error *e)
{
    struct tide_str target = {0};
    json_t *answer = NULL, *scenario, *names = json_array();
    size_t i;
    enum tide_rc rc = TIDE_OK;
    if (json_object_get(a->request, "scenarios")) goto out;
    tide_str_put(&target, "/api/v1/scenarios");
    tide_request_query(&target, "project", a->project);
    rc = tide_request_get(data, &target, &answer, e);
    json_array_foreach(json_object_get(answer, "scenarios"), i, scenario)
    {
        json_array_append(names, json_object_get(scenario, "name"));
    }
    if (!rc && !json_array_size(names))
        rc = tide_fail_field(e, "scenarios", "the project %s has none", a->project);
    if (!rc) json_object_set(a->request, "scenarios", names);
out:
    json_decref(names);
    json_decref(answer);
    return rc;
}

/* The commits of the request: what both lack, or (whole) both as they are. */
static void name_commits(const struct arguments *a, const json_t *parted, bool whole)
{
    const char *base = sha_of(parted, "merge_base"), *head = sha_of(parted, "head");
    json_t *commits = json_array();
    char range[140];
    for (int i = 0; i < 2; i++) {
        const char *sha = i ? head : base;
        snprintf(range, sizeof range, whole ? "%s" : "%s^..%s", sha, sha);
        json_array_append_new(commits, json_string(range));
    }
    if (!whole) json_array_append_new(commits, json_string("missing"));
    json_object_set_new(a->request, "commits", commits);
}

/* Queue what is to be measured; *batch stays NULL where all of it is on record. The first commit of
 * a history has no range of its own: then both are measured whole. */
static enum tide_rc queue(const struct arguments *a, const char *data, const json_t *parted,
                          json_t **batch, struct tide_error *e)
{
    *batch = NULL;
    name_commits(a, parted, a->fresh);
    enum tide_rc rc = tide_client_post_json(data, "/api/v1/runs", a->request, batch, e);
    if (a->fresh || rc != TIDE_INVALID || strncmp(e->field, "commits", 7) != 0) return rc;
    if (strstr(e->text, "names nothing")) return TIDE_OK;
    name_commits(a, parted, true);
    return tide_client_post_json(data, "/api/v1/runs", a->request, batch, e);
}

static enum tide_rc measure(const struct arguments *a, const char *data, const json_t *parted,
                            struct tide_error *e)
{
    json_t *batch = NULL;
    enum tide_rc rc = name_scenarios(a, data, e);
    if (!rc) rc = queue(a, data, parted, &batch, e);
    if (!rc && batch) {
        struct tide_watch w = {.batch = tide_json_number(batch, "id"),
                               .voice = a->common.json ? TIDE_WATCH_SILENT : TIDE_WATCH_BAR};
        rc = tide_watch(&w, data, e);
        json_decref(w.ended);
    }
    json_decref(batch);
    return rc;
}

static enum tide_rc compare(const struct arguments *a, const char *data, const json_t *parted,
                            json_t **out, struct tide_error *e)
{
    struct tide_str target = {0};
    tide_str_put(&target, "/api/v1/compare");
    tide_request_query(&target, "base", sha_of(parted, "merge_base"));
    tide_request_query(&target, "head", sha_of(parted, "head"));
    tide_request_query(&target, "project", a->project);
    tide_request_query(&target, "metric", a->metric);
    json_decref(*out);
    *out = NULL;
    return tide_request_get(data, &target, out, e);
}

/* Names of the pythons that were asked for: a plan tells them. */
static enum tide_rc name_pythons(const struct arguments *a, const char *data, const json_t *parted,
                                 json_t **out, struct tide_error *e)
{
    json_t *plan = NULL;
    name_commits(a, parted, true);
    enum tide_rc rc =
        tide_client_post_json(data, "/api/v1/runs?dry_run=true", a->request, &plan, e);
    *out = json_incref(json_object_get(plan, "pythons"));
    json_decref(plan);
    return rc;
}

/* ---- judging ---- */

static bool holds(const json_t *list, const char *text)
{
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)list, i, item)
    {
        if (json_is_string(item) && !strcmp(json_string_value(item), text)) return true;
    }
    return false;
}

/* The smallest effect that is too much for the cell. */
static double limit_of(const struct arguments *a, const json_t *cell)
{
    const json_t *base = json_object_get(cell, "base");
    return tide_limit_from(&a->limit, json_number_value(json_object_get(base, "median")));
}

static const char *judge(const struct arguments *a, const json_t *cell)
{
    const char *verdict = tide_json_text(cell, "verdict");
    const json_t *high = json_object_get(cell, "high");
    double limit = limit_of(a, cell);
    if (!strcmp(verdict, "inconclusive"))
        return json_is_number(high) && json_number_value(high) < limit ? "within" : "inconclusive";
    if (strcmp(verdict, "worse") != 0) return verdict;
    return json_number_value(json_object_get(cell, "effect")) < limit ? "within" : "worse";
}

/* Why the cell may be worse: a regression of a commit in between that was accepted, or --accept;
 * NULL: it may not. */
static const char *find_accepted(const struct arguments *a, const json_t *cell,
                                 const json_t *regressions, const json_t *commits)
{
    size_t i;
    json_t *change;
    const char *scenario = tide_json_text(cell, "scenario");
    json_array_foreach((json_t *)regressions, i, change)
    {
        const json_t *python = json_object_get(change, "python");
        if (!strcmp(tide_json_text(change, "scenario"), scenario) &&
            !strcmp(tide_json_text(python, "name"), tide_json_text(cell, "python")) &&
            !strcmp(tide_json_text(change, "allocator"), tide_json_text(cell, "allocator")) &&
            json_equal(json_object_get(change, "params"), json_object_get(cell, "params")) &&
            holds(commits, tide_json_text(json_object_get(change, "commit"), "sha")))
            return tide_json_text(json_object_get(change, "accepted"), "reason");
    }
    return json_string_value(json_object_get(a->accepted, scenario));
}

static bool is_asked(const struct arguments *a, const json_t *cell, const json_t *pythons)
{
    return holds(json_object_get(a->request, "scenarios"), tide_json_text(cell, "scenario")) &&
           holds(pythons, tide_json_text(cell, "python"));
}

/* Give each cell that was asked for its outcome. */
static json_t *judge_cells(const struct arguments *a, const json_t *compared, const json_t *pythons,
                           const json_t *regressions, const json_t *commits)
{
    json_t *cells = json_array(), *cell;
    size_t i;
    json_array_foreach(json_object_get(compared, "cells"), i, cell)
    {
        if (!is_asked(a, cell, pythons)) continue;
        const char *outcome = judge(a, cell);
        const char *why =
            !strcmp(outcome, "worse") ? find_accepted(a, cell, regressions, commits) : NULL;
        json_object_set_new(cell, "outcome", json_string(why ? "accepted" : outcome));
        json_object_set_new(cell, "accepted", why ? json_string(why) : json_null());
        json_array_append(cells, cell);
    }
    return cells;
}

static json_t *keep_missing(const struct arguments *a, const json_t *compared,
                            const json_t *pythons)
{
    json_t *list = json_array(), *one;
    size_t i;
    json_array_foreach(json_object_get(compared, "missing"), i, one)
    {
        if (is_asked(a, one, pythons)) json_array_append(list, one);
    }
    return list;
}

static json_t *summarise(const json_t *cells, const json_t *missing)
{
    static const char *const outcomes[] = {"worse",  "accepted", "within",
                                           "better", "same",     "inconclusive"};
    json_t *summary = json_object(), *cell;
    size_t i;
    for (size_t k = 0; k < sizeof outcomes / sizeof *outcomes; k++) {
        json_int_t n = 0;
        json_array_foreach((json_t *)cells, i, cell)
        {
            n += !strcmp(tide_json_text(cell, "outcome"), outcomes[k]);
        }
        json_object_set_new(summary, outcomes[k], json_integer(n));
    }
    json_object_set_new(summary, "missing", json_integer((json_int_t)json_array_size(missing)));
    return summary;
}

/* Worse before all; then what could not be measured; then what is not decided. */
static int code_of(const json_t *report)
{
    const json_t *summary = json_object_get(report, "summary");
    if (tide_json_number(summary, "worse")) return TIDE_EXIT_REGRESSION;
    if (tide_json_number(summary, "missing") || !json_array_size(json_object_get(report, "cells")))
        return TIDE_EXIT_FAILED;
    return tide_json_number(summary, "inconclusive") ? TIDE_EXIT_INCONCLUSIVE : TIDE_EXIT_FINE;
}

static json_t *make_report(const struct arguments *a, const json_t *parted, json_t *compared,
                           const json_t *pythons, const json_t *regressions)
{
    static const char *const verdicts[] = {[TIDE_EXIT_FINE] = "pass",
                                           [TIDE_EXIT_REGRESSION] = "fail",
                                           [TIDE_EXIT_FAILED] = "not measured",
                                           [TIDE_EXIT_INCONCLUSIVE] = "inconclusive"};
    json_t *cells =
        judge_cells(a, compared, pythons, regressions, json_object_get(parted, "commits"));
    json_t *missing = keep_missing(a, compared, pythons);
    json_t *report =
        json_pack("{s:s, s:s, s:O, s:s, s:s, s:O, s:O, s:o, s:o, s:o}", "project", a->project,
                  "metric", a->metric, "unit", json_object_get(compared, "unit"), "worse_than",
                  a->worse_than, "base", a->base, "head", json_object_get(parted, "head"),
                  "merge_base", json_object_get(parted, "merge_base"), "summary",
                  summarise(cells, missing), "cells", cells, "missing", missing);
    if (!report) return NULL;
    int code = code_of(report);
    json_object_set_new(report, "verdict", json_string(verdicts[code]));
    json_object_set_new(report, "exit", json_integer(code));
    return report;
}

/* Of a head that the base holds already. */
static json_t *report_nothing(const struct arguments *a, const json_t *parted)
{
    json_t *nothing = json_pack("{s:s}", "unit", "");
    json_t *report = make_report(a, parted, nothing, NULL, NULL);
    json_object_set_new(report, "verdict", json_string("pass"));
    json_object_set_new(report, "exit", json_integer(TIDE_EXIT_FINE));
    json_decref(nothing);
    return report;
}

static enum tide_rc get_accepted(const struct arguments *a, const char *data, json_t **out,
                                 struct tide_error *e)
{
    struct tide_str target = {0};
    json_t *answer = NULL;
    tide_str_put(&target, "/api/v1/regressions?accepted=true&limit=1000");
    tide_request_query(&target, "project", a->project);
    tide_request_query(&target, "metric", a->metric);
    enum tide_rc rc = tide_request_get(data, &target, &answer, e);
    *out = json_incref(json_object_get(answer, "regressions"));
    json_decref(answer);
    return rc;
}

/* Measure what is inconclusive again, as far as the budget goes; *more: something was. */
static enum tide_rc decide(const struct arguments *a, const char *data, const json_t *compared,
                           const json_t *pythons, int64_t *left, bool *more, struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    int64_t before = *left;
    size_t i;
    json_t *cell;
    json_array_foreach(json_object_get(compared, "cells"), i, cell)
    {
        if (!rc && is_asked(a, cell, pythons) && !strcmp(judge(a, cell), "inconclusive"))
            rc = tide_compare_more(data, compared, cell, a->common.json, left, e);
    }
    *more = *left < before;
    return rc;
}

static enum tide_rc compare_both(const struct arguments *a, const char *data, const json_t *parted,
                                 json_t **report, struct tide_error *e)
{
    json_t *compared = NULL, *pythons = NULL, *accepted = NULL;
    int64_t left = a->runs;
    bool more = true;
    enum tide_rc rc = measure(a, data, parted, e);
    if (!rc) rc = name_pythons(a, data, parted, &pythons, e);
    if (!rc) rc = compare(a, data, parted, &compared, e);
    while (!rc && more) {
        rc = decide(a, data, compared, pythons, &left, &more, e);
        if (!rc && more) rc = compare(a, data, parted, &compared, e);
    }
    if (!rc) rc = get_accepted(a, data, &accepted, e);
    if (!rc) *report = make_report(a, parted, compared, pythons, accepted);
    json_decref(compared);
    json_decref(pythons);
    json_decref(accepted);
    return rc;
}

/* ---- the command ---- */

static enum tide_rc write_file(const char *path, void (*write)(const json_t *, struct tide_str *),
                               const json_t *report, struct tide_error *e)
{
    struct tide_str text = {0};
    if (!path) return TIDE_OK;
    write(report, &text);
    enum tide_rc rc = text.failed ? tide_fail(e, TIDE_NOMEM, "write %s", path)
                                  : tide_file_replace(path, text.at, text.length, 0644, e);
    tide_str_free(&text);
    return rc;
}

static enum tide_rc tell(const struct arguments *a, const json_t *report, struct tide_error *e)
{
    if (a->common.json)
        tide_print_json(report);
    else
        tide_gate_print(report);
    enum tide_rc rc = write_file(a->markdown, tide_gate_markdown, report, e);
    return rc ? rc : write_file(a->junit, tide_gate_junit, report, e);
}

static enum tide_rc act(void *context, const char *data, struct tide_error *e)
{
    struct arguments *a = context;
    json_t *parted = NULL, *report = NULL;
    enum tide_rc rc = find_merge_base(a, data, &parted, e);
    bool same = !rc && !strcmp(sha_of(parted, "merge_base"), sha_of(parted, "head"));
    if (!rc && !a->common.json) {
        printf("%.12s against %.12s, where it left %s%s\n", sha_of(parted, "head"),
               sha_of(parted, "merge_base"), a->base,
               same ? ": the same commit, there is nothing to judge" : "");
        fflush(stdout);
    }
    if (same)
        report = report_nothing(a, parted);
    else if (!rc)
        rc = compare_both(a, data, parted, &report, e);
    if (!rc && !report) rc = tide_fail(e, TIDE_NOMEM, "judge a branch");
    if (!rc) rc = tell(a, report, e);
    if (!rc) a->code = (int)tide_json_number(report, "exit");
    json_decref(parted);
    json_decref(report);
    return rc;
}

static int run(const struct tide_cli *c, int argc, char **argv)
{
    struct arguments a = {
        .base = "origin/main",
        .head = "HEAD",
        .project = TIDE_DEFAULT_PROJECT,
        .metric = TIDE_METRIC_DEFAULT,
        .worse_than = "2%,256KiB",
        .limit = {0.02, 262144},
        .runs = RUNS_DEFAULT,
        .request =
            json_pack("{s:i, s:s, s:i}", "samples", 5, "reason", "gate", "priority", PRIORITY),
        .accepted = json_object(),
    };
    struct tide_error e;
    tide_cli_parse(c, argc, argv, &a.common, &a);
    json_object_set_new(a.request, "project", json_string(a.project));
    const struct tide_daemon_options wanted = {.repo = a.repo, .config = a.config};
    enum tide_rc rc = tide_alone_do(a.common.data, wanted, act, &a, &e);
    json_decref(a.request);
    json_decref(a.accepted);
    int code = tide_cli_end(c, rc, &e);
    return code ? code : a.code;
}

const struct tide_cli tide_command_gate = {
    .title = "tidemark gate",
    .summary = "fail where a branch needs more memory than what it goes into",
    .about = "Judge a branch: compare its newest commit with the one where it left the branch that "
             "it is to go into. What is not measured of both is measured, in turns; what is "
             "inconclusive is measured further.",
    .notes = "Changes that were accepted (`tidemark accept`, --accept) do not fail it, and are "
             "named. docs/GATE.md has files for GitHub Actions and GitLab CI.",
    .options = options,
    .takes = TIDE_TAKES_DATA | TIDE_TAKES_JSON,
    .parse = parse,
    .examples =
        (const struct tide_example[]){
            {"tidemark gate --base origin/main --worse-than 2%,256KiB", NULL},
            {"tidemark gate --scenarios list_bytes --pythons 3.12 --markdown gate.md --junit "
             "gate.xml",
             "For CI: a comment and a test report"},
            {"tidemark gate --repo . --data .tidemark --accept 'list_bytes=holds an index now'",
             "Without a daemon; one scenario may need more"},
            {0}},
    .exits = 1 << TIDE_EXIT_REGRESSION | 1 << TIDE_EXIT_INCONCLUSIVE,
    .run = run,
};
