/* manage_projects.c - `tidemark projects`: lists them; add, rename, disable, enable and remove
 * change them.
 *
 * Each is one request to the daemon (docs/API.md), which alone judges it: a field is refused here
 * in the same words as everywhere. */
#include "base/str.h"
#include "cli/asv.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/confirm.h"
#include "cli/terminal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TARGET "/api/v1/projects"

struct arguments {
    struct tide_common common;
    const char *names[2]; /* of projects, in order */
    int n, wanted;
    json_t *wish;    /* of `add`: the body of its request */
    const char *asv; /* of `add`: a file of asv's to begin with */
};

enum {
    KEY_REPO = 1,
    KEY_VERSIONS,
    KEY_ASV,
    KEY_BRANCH,
    KEY_RECIPE,
    KEY_FOLDER,
    KEY_FLAG,
    KEY_LINE,
    KEY_SCENARIOS
};

/* ---- arguments ---- */

static json_t *recipe_in(json_t *wish)
{
    if (!json_object_get(wish, "recipe")) json_object_set_new(wish, "recipe", json_object());
    return json_object_get(wish, "recipe");
}

static void append(json_t *recipe, const char *name, const char *value)
{
    if (!json_object_get(recipe, name)) json_object_set_new(recipe, name, json_array());
    json_array_append_new(json_object_get(recipe, name), json_string(value));
}

/* Of a project that is on this machine, the path is meant from here: the daemon stands elsewhere.
 */
static void put_repo(json_t *wish, const char *value)
{
    char *repo = tide_config_repo(value, NULL);
    if (repo) json_object_set_new(wish, "repo", json_string(repo));
    free(repo);
}

static void put_versions(json_t *wish, const char *value, struct argp_state *state)
{
    char *folder = realpath(value, NULL);
    if (!folder) argp_failure(state, TIDE_EXIT_USAGE, errno, "--versions %s", value);
    json_object_set_new(wish, "versions", json_string(folder));
    free(folder);
}

/* Where a line is told and no recipe, it is the recipe `command`. */
static void put_line(json_t *recipe, const char *value)
{
    append(recipe, "commands", value);
    if (!json_object_get(recipe, "kind"))
        json_object_set_new(recipe, "kind", json_string("command"));
}

static error_t parse_wish(int key, char *value, struct argp_state *state)
{
    json_t *wish = ((struct arguments *)state->input)->wish;
    switch (key) {
    case KEY_REPO: put_repo(wish, value); return 0;
    case KEY_ASV: ((struct arguments *)state->input)->asv = value; return 0;
    case KEY_VERSIONS: put_versions(wish, value, state); return 0;
    case KEY_BRANCH: json_object_set_new(wish, "branch", json_string(value)); return 0;
    case KEY_SCENARIOS: json_object_set_new(wish, "scenarios", json_string(value)); return 0;
    case KEY_RECIPE: json_object_set_new(recipe_in(wish), "kind", json_string(value)); return 0;
    case KEY_FOLDER: json_object_set_new(recipe_in(wish), "folder", json_string(value)); return 0;
    case KEY_FLAG: append(recipe_in(wish), "flags", value); return 0;
    case KEY_LINE: put_line(recipe_in(wish), value); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (a->n == a->wanted) argp_error(state, "unexpected argument \"%s\"", value);
        a->names[a->n++] = value;
        return 0;
    case ARGP_KEY_END:
        if (a->n < a->wanted) argp_error(state, "name %s", a->n ? "its new name" : "the project");
        return 0;
    default: return parse_wish(key, value, state);
    }
}

static const struct argp_option add_options[] = {
    {"repo", KEY_REPO, "URL|PATH", 0, "Git repository", 0},
    {"versions", KEY_VERSIONS, "DIR", 0,
     "Folder of released versions in the place of a repository: sdists (NAME-1.2.tar.gz, .zip), "
     "wheels, unpacked folders NAME-1.2",
     0},
    {"asv", KEY_ASV, "FILE", 0,
     "Take repository, branch, Pythons, recipe and scenarios from an asv.conf.json, as far as "
     "other "
     "options do not tell them",
     0},
    {"branch", KEY_BRANCH, "NAME", 0, "Whose tip is HEAD (default: HEAD of the repository)", 0},
    {"recipe", KEY_RECIPE, "cmake|setup.py|pip|wheel|command", 0,
     "How a commit is built (default: told from what stands in the folder)", 0},
    {"folder", KEY_FOLDER, "DIR", 0, "Part of the repository that is built (default: all)", 0},
    {"flag", KEY_FLAG, "FLAG", 0, "Further argument of the recipe; may be repeated", 0},
    {"command", KEY_LINE, "LINE", 0,
     "Line for a shell, of the recipe command, with {src}, {prefix}, {python}, {commit}; may be "
     "repeated",
     0},
    {"scenarios", KEY_SCENARIOS, "DIR", 0,
     "Folder of the repository (of versions: beside them) with its scenarios (default: Tidemark's "
     "own)",
     0},
    {0},
};
/* ---- what is shown ---- */

static const char *or_dash(const json_t *object, const char *key)
{
    const char *value = tide_json_text(object, key);
    return *value ? value : "-";
}

static void print_project(const json_t *project)
{
    const json_t *recipe = json_object_get(project, "recipe");
    const char *folder = tide_json_text(recipe, "folder");
    const char *repo = tide_json_text(project, "repo");
    printf("%-18s %-9s %-12s %s%s%s\n", tide_json_text(project, "name"), or_dash(recipe, "kind"),
           or_dash(project, "branch"), *repo ? repo : tide_json_text(project, "versions"),
           *folder ? ", folder " : "", folder);
    if (json_is_string(json_object_get(project, "scenarios")))
        printf("  scenarios %s\n", tide_json_text(project, "scenarios"));
    if (json_is_string(json_object_get(project, "baseline")))
        printf("  baseline %s\n", tide_json_text(project, "baseline"));
    if (json_is_false(json_object_get(project, "enabled"))) puts("  disabled");
}

static void print_projects(const json_t *projects)
{
    size_t i;
    json_t *project;
    printf("%-18s %-9s %-12s %s\n", "NAME", "RECIPE", "BRANCH", "REPOSITORY");
    json_array_foreach((json_t *)projects, i, project)
    {
        print_project(project);
    }
}

static void print_left_out(const json_t *files)
{
    size_t i;
    json_t *file;
    json_array_foreach((json_t *)files, i, file)
    {
        printf("  left out  %s: %s\n", tide_json_text(file, "file"), tide_json_text(file, "error"));
    }
}

static void print_holdings(const char *name, const json_t *held)
{
    printf("%s holds %lld runs (%lld unfinished) of %lld cells, %lld builds of %lld commits, %lld "
           "scenarios;\n%.1f MiB of measurements and %.1f MiB of builds would go.\n",
           name, tide_json_number(held, "runs"), tide_json_number(held, "unfinished"),
           tide_json_number(held, "cells"), tide_json_number(held, "builds"),
           tide_json_number(held, "commits"), tide_json_number(held, "scenarios"),
           (double)tide_json_number(held, "bytes") / (1 << 20),
           (double)tide_json_number(held, "cache_bytes") / (1 << 20));
    fflush(stdout);
}

/* ---- requests ---- */

/* TARGET/NAME; NULL when memory ends. The caller frees it. */
static char *target_of(const char *name, bool confirmed)
{
    struct tide_str target = {0};
    tide_str_put(&target, TARGET "/");
    tide_client_escape(&target, name);
    if (confirmed) {
        tide_str_put(&target, "?confirm=");
        tide_client_escape(&target, name);
    }
    return tide_str_take(&target);
}

static enum tide_rc list_all(const struct arguments *a, const char *data, struct tide_error *e)
{
    json_t *answer = NULL;
    enum tide_rc rc = tide_client_get(data, TARGET, &answer, e);
    if (!rc && a->common.json)
        tide_print_json(answer);
    else if (!rc)
        print_projects(json_object_get(answer, "projects"));
    json_decref(answer);
    return rc;
}

static void print_not_carried(const json_t *entries)
{
    size_t i;
    json_t *entry;
    json_array_foreach((json_t *)entries, i, entry)
    {
        printf("  not carried over  %s: %s\n", tide_json_text(entry, "key"),
               tide_json_text(entry, "why"));
    }
}

/* What the file of asv's says goes into the wish; *left_out stays NULL without one. */
static enum tide_rc read_asv(const struct arguments *a, const char *data, json_t **left_out,
                             struct tide_error *e)
{
    json_t *answer = NULL;
    if (!a->asv) return TIDE_OK;
    enum tide_rc rc = tide_asv_read(a->asv, a->wish, left_out, e);
    if (!rc) rc = tide_client_get(data, "/api/v1/pythons", &answer, e);
    if (!rc) tide_asv_check_pythons(json_object_get(answer, "pythons"), a->wish, *left_out);
    json_decref(answer);
    return rc;
}

static enum tide_rc add(const struct arguments *a, const char *data, struct tide_error *e)
{
    json_t *answer = NULL, *left_out = NULL;
    enum tide_rc rc = read_asv(a, data, &left_out, e);
    json_object_set_new(a->wish, "name", json_string(a->names[0]));
    if (!rc) rc = tide_client_post_json(data, TARGET, a->wish, &answer, e);
    if (!rc && left_out) json_object_set(answer, "not_carried_over", left_out);
    if (!rc && a->common.json) {
        tide_print_json(answer);
    } else if (!rc) {
        print_project(answer);
        print_left_out(json_object_get(answer, "left_out"));
        print_not_carried(left_out);
    }
    json_decref(left_out);
    json_decref(answer);
    return rc;
}

/* PATCH the project with `changes`, which are released. */
static enum tide_rc change(const struct arguments *a, const char *data, json_t *changes,
                           struct tide_error *e)
{
    json_t *answer = NULL;
    char *target = target_of(a->names[0], false);
    enum tide_rc rc = target ? tide_client_patch_json(data, target, changes, &answer, e)
                             : tide_fail(e, TIDE_NOMEM, "change a project");
    if (!rc && a->common.json)
        tide_print_json(answer);
    else if (!rc)
        print_project(answer);
    json_decref(changes);
    json_decref(answer);
    free(target);
    return rc;
}

static enum tide_rc rename_one(const struct arguments *a, const char *data, struct tide_error *e)
{
    return change(a, data, json_pack("{s:s}", "name", a->names[1]), e);
}

/* `none` lets the pinned one go. */
static enum tide_rc pin_baseline(const struct arguments *a, const char *data, struct tide_error *e)
{
    const char *baseline = strcmp(a->names[1], "none") ? a->names[1] : NULL;
    return change(a, data, json_pack("{s:s?}", "baseline", baseline), e);
}

static enum tide_rc disable(const struct arguments *a, const char *data, struct tide_error *e)
{
    return change(a, data, json_pack("{s:b}", "enabled", 0), e);
}

static enum tide_rc enable(const struct arguments *a, const char *data, struct tide_error *e)
{
    return change(a, data, json_pack("{s:b}", "enabled", 1), e);
}

/* What would go, as the daemon asks back. */
static enum tide_rc find_holdings(const char *data, const char *name, json_t **held,
                                  struct tide_error *e)
{
    json_t *answer = NULL;
    char *target = target_of(name, false);
    enum tide_rc rc = target ? tide_client_delete(data, target, &answer, e)
                             : tide_fail(e, TIDE_NOMEM, "remove a project");
    *held = json_incref(json_object_get(answer, "removes"));
    if (rc == TIDE_BUSY && *held) rc = TIDE_OK;
    json_decref(answer);
    free(target);
    return rc;
}

static enum tide_rc remove_confirmed(const char *data, const char *name, struct tide_error *e)
{
    json_t *answer = NULL;
    char *target = target_of(name, true);
    enum tide_rc rc = target ? tide_client_delete(data, target, &answer, e)
                             : tide_fail(e, TIDE_NOMEM, "remove a project");
    json_decref(answer);
    free(target);
    return rc;
}

static enum tide_rc remove_one(const struct arguments *a, const char *data, struct tide_error *e)
{
    const char *name = a->names[0];
    char question[100];
    json_t *held = NULL;
    enum tide_rc rc = find_holdings(data, name, &held, e);
    snprintf(question, sizeof question, "Remove project %.64s?", name);
    if (!rc && !a->common.json) print_holdings(name, held);
    if (!rc && !a->common.yes) rc = tide_confirm(question, e);
    if (!rc) rc = remove_confirmed(data, name, e);
    if (!rc && a->common.json) {
        json_t *removed = json_pack("{s:s, s:O}", "removed", name, "removes", held);
        tide_print_json(removed);
        json_decref(removed);
    } else if (!rc) {
        printf("removed project %s\n", name);
    }
    json_decref(held);
    return rc;
}

/* ---- the command ---- */

typedef enum tide_rc verb_fn(const struct arguments *a, const char *data, struct tide_error *e);

struct task {
    const struct arguments *arguments;
    verb_fn *verb;
};

static enum tide_rc do_task(void *context, const char *data, struct tide_error *e)
{
    const struct task *t = context;
    return t->verb(t->arguments, data, e);
}

/* Parse `wanted` names and the options, and do it. */
static int carry_out(const struct tide_cli *c, int argc, char **argv, int wanted, verb_fn *verb)
{
    struct arguments a = {.wanted = wanted, .wish = json_object()};
    struct task task = {&a, verb};
    tide_cli_parse(c, argc, argv, &a.common, &a);
    int code = tide_cli_on_data(c, &a.common, do_task, &task);
    json_decref(a.wish);
    return code;
}

static int run_list(const struct tide_cli *c, int argc, char **argv)
{
    return carry_out(c, argc, argv, 0, list_all);
}

static int run_add(const struct tide_cli *c, int argc, char **argv)
{
    return carry_out(c, argc, argv, 1, add);
}

static int run_rename(const struct tide_cli *c, int argc, char **argv)
{
    return carry_out(c, argc, argv, 2, rename_one);
}

static int run_baseline(const struct tide_cli *c, int argc, char **argv)
{
    return carry_out(c, argc, argv, 2, pin_baseline);
}

static int run_disable(const struct tide_cli *c, int argc, char **argv)
{
    return carry_out(c, argc, argv, 1, disable);
}

static int run_enable(const struct tide_cli *c, int argc, char **argv)
{
    return carry_out(c, argc, argv, 1, enable);
}

static int run_remove(const struct tide_cli *c, int argc, char **argv)
{
    return carry_out(c, argc, argv, 1, remove_one);
}

static const struct tide_cli add_command = {
    .title = "tidemark projects add",
    .summary = "add a repository, or released versions, whose extension is measured",
    .arguments = "NAME",
    .notes = "It is fetched and everything is tried before it is added; docs/PROJECTS.md explains "
             "the recipes.",
    .options = add_options,
    .takes = TIDE_TAKES_DATA | TIDE_TAKES_JSON,
    .parse = parse,
    .examples =
        (const struct tide_example[]){
            {"tidemark projects add tiny --repo ~/tiny --scenarios benchmarks", NULL},
            {"tidemark projects add fast --repo https://example.org/fast.git --branch main "
             "--recipe cmake --flag=-DFAST=ON",
             NULL},
            {"tidemark projects add mine --asv ~/mine/asv.conf.json",
             "What a suite of asv's says; what cannot be carried over is named"},
            {"tidemark projects add old --versions ~/downloads/old --scenarios benchmarks",
             "Released versions in the place of a repository"},
            {"tidemark projects add own --repo ~/own --command 'make PYTHON={python}' "
             "--command 'cp own*.so {prefix}'",
             "Built by lines for a shell"},
            {0}},
    .run = run_add,
};
static const struct tide_cli rename_command = {
    .title = "tidemark projects rename",
    .summary = "rename a project; what was measured stays",
    .arguments = "PROJECT NEW",
    .takes = TIDE_TAKES_DATA | TIDE_TAKES_JSON,
    .parse = parse,
    .examples = (const struct tide_example[]){{"tidemark projects rename tiny small", NULL}, {0}},
    .run = run_rename,
};
static const struct tide_cli disable_command = {
    .title = "tidemark projects disable",
    .summary = "measure nothing more of a project; what is queued is still done",
    .arguments = "PROJECT",
    .takes = TIDE_TAKES_DATA | TIDE_TAKES_JSON,
    .parse = parse,
    .examples = (const struct tide_example[]){{"tidemark projects disable tiny", NULL}, {0}},
    .run = run_disable,
};
static const struct tide_cli baseline_command = {
    .title = "tidemark projects baseline",
    .summary = "pin what releases and overviews are compared with; none: nothing",
    .arguments = "PROJECT BASELINE",
    .notes = "BASELINE is a Python, a commit behind an @, or both: 3.11, @v1.2, 3.11@v1.2.",
    .takes = TIDE_TAKES_DATA | TIDE_TAKES_JSON,
    .parse = parse,
    .examples =
        (const struct tide_example[]){{"tidemark projects baseline converters 3.11@v1.2", NULL},
                                      {"tidemark projects baseline converters none", NULL},
                                      {0}},
    .run = run_baseline,
};

static const struct tide_cli enable_command = {
    .title = "tidemark projects enable",
    .summary = "let a project be measured again",
    .arguments = "PROJECT",
    .takes = TIDE_TAKES_DATA | TIDE_TAKES_JSON,
    .parse = parse,
    .examples = (const struct tide_example[]){{"tidemark projects enable tiny", NULL}, {0}},
    .run = run_enable,
};
static const struct tide_cli remove_command = {
    .title = "tidemark projects remove",
    .summary = "remove a project with all that was measured of it",
    .arguments = "PROJECT",
    .about =
        "Remove a project with its runs, builds, commits and scenarios. Its repository is left "
        "alone.",
    .notes = "It shows what would go and asks; where there is no terminal it needs --yes.",
    .takes = TIDE_TAKES_DATA | TIDE_TAKES_JSON | TIDE_TAKES_YES,
    .parse = parse,
    .examples = (const struct tide_example[]){{"tidemark projects remove tiny", NULL},
                                              {"tidemark projects remove tiny --yes", NULL},
                                              {0}},
    .run = run_remove,
};

static const struct tide_cli *const verbs[] = {&add_command,
                                               &rename_command,
                                               &disable_command,
                                               &enable_command,
                                               &baseline_command,
                                               &remove_command,
                                               NULL};

const struct tide_cli tide_command_projects = {
    .title = "tidemark projects",
    .group = "Set up:",
    .summary = "list projects; add, rename, disable, enable, remove one",
    .about = "List the projects: name, recipe, branch and repository. They are the daemon's "
             "(`tidemark serve`).",
    .takes = TIDE_TAKES_DATA | TIDE_TAKES_JSON,
    .parse = parse,
    .examples =
        (const struct tide_example[]){
            {"tidemark projects", NULL},
            {"tidemark projects add tiny --repo ~/tiny --scenarios benchmarks", NULL},
            {"tidemark projects --json | jq -r '.projects[].name'", NULL},
            {0}},
    .verbs = verbs,
    .run = run_list,
};
