/* asv.c - see asv.h; the keys are those of asv's documentation, "asv.conf.json reference". */
#include "cli/asv.h"

#include "base/file.h"
#include "base/str.h"
#include "cli/config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (1u << 20)

/* ---- the text ---- */

/* The end of the string, comment or character at `p`. */
static const char *skip(const char *p, bool *comment)
{
    *comment = !strncmp(p, "//", 2) || !strncmp(p, "/*", 2);
    if (!strncmp(p, "//", 2)) return p + strcspn(p, "\n");
    if (*comment) {
        const char *end = strstr(p + 2, "*/");
        return end ? end + 2 : p + strlen(p);
    }
    if (*p != '"') return p + 1;
    for (p++; *p && *p != '"'; p++)
        if (*p == '\\' && p[1]) p++;
    return *p ? p + 1 : p;
}

static void blank(char *from, size_t n)
{
    for (; n; n--, from++)
        if (*from != '\n') *from = ' ';
}

char *tide_asv_plain(const char *text)
{
    char *out = strdup(text), *comma = NULL;
    if (!out) return NULL;
    for (const char *p = text; *p;) {
        bool comment;
        const char *end = skip(p, &comment);
        char *here = out + (p - text);
        if (comment)
            blank(here, (size_t)(end - p));
        else if (*p == ',')
            comma = here;
        else if ((*p == ']' || *p == '}') && comma)
            *comma = ' ';
        if (!comment && *p != ',' && !isspace((unsigned char)*p)) comma = NULL;
        p = end;
    }
    return out;
}

static enum tide_rc load(const char *path, json_t **out, struct tide_error *e)
{
    char *text = NULL;
    size_t n = 0;
    json_error_t wrong = {0};
    *out = NULL;
    if (!tide_file_exists(path)) return tide_fail(e, TIDE_INVALID, "there is no file %s", path);
    enum tide_rc rc = tide_file_read(path, FILE_MAX, &text, &n, e);
    if (rc) return rc;
    char *plain = tide_asv_plain(text);
    free(text);
    if (!plain) return tide_fail(e, TIDE_NOMEM, "read %s", path);
    *out = json_loads(plain, 0, &wrong);
    free(plain);
    if (json_is_object(*out)) return TIDE_OK;
    json_decref(*out);
    *out = NULL;
    return tide_fail(e, TIDE_INVALID, "%s, line %d: %s", path, wrong.line,
                     *wrong.text ? wrong.text : "it is no JSON object");
}

/* ---- where things stand ---- */

struct place {
    char *folder; /* of the file, absolute */
    char *top;    /* of the repository that the file is in; NULL: none */
    char *repo;   /* as POST /projects takes it */
};

static void clear_place(struct place *p)
{
    free(p->folder);
    free(p->top);
    free(p->repo);
}

/* The nearest folder from `folder` up that is a git checkout; NULL for none. */
static char *find_top(const char *folder)
{
    char *at = strdup(folder);
    while (at && *at) {
        char *git = tide_format("%s/.git", at);
        bool found = git && tide_file_exists(git);
        free(git);
        if (found) return at;
        char *slash = strrchr(at, '/');
        if (slash) *slash = '\0';
    }
    free(at);
    return NULL;
}

static enum tide_rc find_place(const char *path, const json_t *conf, struct place *p,
                               struct tide_error *e)
{
    const char *repo = json_string_value(json_object_get(conf, "repo"));
    if (!repo || !*repo) return tide_fail(e, TIDE_INVALID, "%s names no \"repo\"", path);
    if (!strncmp(repo, "hg+", 3) || !strncmp(repo, "ssh://hg@", 9))
        return tide_fail(e, TIDE_INVALID, "%s: %s is a Mercurial repository; projects are git's",
                         path, repo);
    char *real = realpath(path, NULL), *slash = real ? strrchr(real, '/') : NULL;
    if (slash) *slash = '\0';
    p->folder = real;
    p->repo = real ? tide_config_repo(repo, *real ? real : "/") : NULL;
    p->top = real ? find_top(real) : NULL;
    return p->repo ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "read %s", path);
}

/* What `path` is called from `top`, "" for itself; NULL where it is not below. Points into path. */
static const char *below(const char *path, const char *top)
{
    size_t n = top ? strlen(top) : 0;
    if (!n || strncmp(path, top, n) != 0 || (path[n] && path[n] != '/')) return NULL;
    return path[n] ? path + n + 1 : path + n;
}

/* ---- what is carried over ---- */

static void leave_out(json_t *left_out, const char *key, const char *why)
{
    json_array_append_new(left_out, json_pack("{s:s, s:s}", "key", key, "why", why));
}

static void put_branch(const json_t *conf, json_t *wish, json_t *left_out)
{
    const json_t *branches = json_object_get(conf, "branches");
    const char *first = json_string_value(json_array_get(branches, 0));
    if (first && !json_object_get(wish, "branch"))
        json_object_set_new(wish, "branch", json_string(first));
    for (size_t i = 1; i < json_array_size(branches); i++) {
        char *key = tide_format("branches: %s", json_string_value(json_array_get(branches, i)));
        leave_out(left_out, key, "a project has one branch: add another project for it");
        free(key);
    }
}

/* Versions are taken; a program of asv's own choosing is not told by its path. */
static void put_pythons(const json_t *conf, json_t *wish, json_t *left_out)
{
    json_t *taken = json_array(), *entry;
    size_t i;
    json_array_foreach(json_object_get(conf, "pythons"), i, entry)
    {
        const char *text = json_string_value(entry);
        if (text && isdigit((unsigned char)*text) && strcmp(text, "2") != 0 &&
            strncmp(text, "2.", 2) != 0) {
            json_array_append(taken, entry);
            continue;
        }
        char *key = tide_format("pythons: %s", text ? text : "?");
        leave_out(left_out, key,
                  "no version of CPython 3: name it in the configuration of the "
                  "daemon (docs/PYTHONS.md)");
        free(key);
    }
    if (json_array_size(taken) && !json_object_get(wish, "pythons"))
        json_object_set(wish, "pythons", taken);
    json_decref(taken);
}

static void put_scenarios(const json_t *conf, const struct place *p, json_t *wish, json_t *left_out)
{
    const char *named = json_string_value(json_object_get(conf, "benchmark_dir"));
    char *path = tide_format("%s/%s", p->folder, named ? named : "benchmarks");
    char *real = path ? realpath(path, NULL) : NULL;
    const char *folder = real ? below(real, tide_config_is_url(p->repo) ? p->top : p->repo) : NULL;
    if (folder && *folder && !json_object_get(wish, "scenarios"))
        json_object_set_new(wish, "scenarios", json_string(folder));
    else if (!json_object_get(wish, "scenarios"))
        leave_out(left_out, "benchmark_dir",
                  real ? "it is not in the repository: scenarios are taken from a commit"
                       : "there is no such folder");
    free(path);
    free(real);
}

/* The recipe's part that is not in the commands. */
static enum tide_rc put_recipe(const json_t *conf, const struct place *p, json_t *wish,
                               json_t *left_out, struct tide_error *e)
{
    json_t *recipe = NULL;
    const char *subdir = json_string_value(json_object_get(conf, "repo_subdir"));
    const json_t *timeout = json_object_get(conf, "install_timeout");
    if (json_object_get(wish, "recipe")) {
        leave_out(left_out, "build_command, install_command, repo_subdir",
                  "the recipe is told on the command line");
        return TIDE_OK;
    }
    enum tide_rc rc = tide_asv_recipe(conf, p->folder, &recipe, e);
    if (rc) return rc;
    if (!recipe) recipe = json_object();
    if (subdir && *subdir) json_object_set_new(recipe, "folder", json_string(subdir));
    if (json_is_integer(timeout)) json_object_set(recipe, "deadline_s", (json_t *)timeout);
    if (json_object_size(recipe)) json_object_set(wish, "recipe", recipe);
    json_decref(recipe);
    return TIDE_OK;
}

static bool has_python(const json_t *pythons, const char *wanted)
{
    size_t i, n = strlen(wanted);
    json_t *python;
    json_array_foreach((json_t *)pythons, i, python)
    {
        const char *version = json_string_value(json_object_get(python, "version"));
        if (version && json_is_true(json_object_get(python, "usable")) &&
            !strncmp(version, wanted, n) && (version[n] == '.' || !version[n]))
            return true;
    }
    return false;
}

void tide_asv_check_pythons(const json_t *pythons, json_t *wish, json_t *left_out)
{
    json_t *wanted = json_object_get(wish, "pythons");
    for (size_t i = json_array_size(wanted); i-- > 0;) {
        const char *version = json_string_value(json_array_get(wanted, i));
        if (has_python(pythons, version)) continue;
        char *key = tide_format("pythons: %s", version);
        leave_out(left_out, key,
                  "no usable CPython of that version is here: see `tidemark pythons`");
        free(key);
        json_array_remove(wanted, i);
    }
    if (wanted && !json_array_size(wanted)) json_object_del(wish, "pythons");
}

/* Every other key of asv's, and why it has no place here. */
static const struct {
    const char *key, *why;
} without_place[] = {
    {"uninstall_command", "every build has a prefix of its own: nothing is uninstalled"},
    {"matrix",
     "there is no axis of requirements or variables: each Python is measured as it stands"},
    {"include", "there is no axis of requirements: each Python is measured as it stands"},
    {"exclude", "there is no axis of requirements: name pythons and commits in a run"},
    {"conda_environment_file", "no environments are made: Pythons are found (docs/PYTHONS.md)"},
    {"conda_channels", "no environments are made: Pythons are found (docs/PYTHONS.md)"},
    {"plugins", "plugins of asv are not loaded"},
    {"default_benchmark_timeout", "a scenario without `timeout` has 1,800 seconds"},
    {"regressions_first_commits", "not read: what is accepted as a change is said of each"},
    {"regressions_thresholds", "not read: verdicts are statistical (docs/STATISTICS.md)"},
};

/* What concerns asv's own files and pages: it changes nothing that is measured. */
static const char *const of_asv[] = {
    "version",          "project",          "project_url",   "show_commit_url", "dvcs",
    "environment_type", "env_dir",          "results_dir",   "html_dir",        "hash_length",
    "build_cache_size", "wheel_cache_size", "repo",          "repo_subdir",     "branches",
    "pythons",          "benchmark_dir",    "build_command", "install_command", "install_timeout",
};

static void name_the_rest(const json_t *conf, json_t *left_out)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)conf, key, value)
    {
        const char *why = "no key of asv's that is known here";
        for (size_t i = 0; i < sizeof without_place / sizeof *without_place; i++)
            if (!strcmp(without_place[i].key, key)) why = without_place[i].why;
        for (size_t i = 0; i < sizeof of_asv / sizeof *of_asv; i++)
            if (!strcmp(of_asv[i], key)) why = NULL;
        if (why) leave_out(left_out, key, why);
    }
}

enum tide_rc tide_asv_read(const char *path, json_t *wish, json_t **left_out, struct tide_error *e)
{
    json_t *conf = NULL;
    struct place p = {0};
    *left_out = json_array();
    enum tide_rc rc = load(path, &conf, e);
    if (!rc) rc = find_place(path, conf, &p, e);
    if (!rc && !json_object_get(wish, "repo"))
        json_object_set_new(wish, "repo", json_string(p.repo));
    if (!rc) put_branch(conf, wish, *left_out);
    if (!rc) put_pythons(conf, wish, *left_out);
    if (!rc) put_scenarios(conf, &p, wish, *left_out);
    if (!rc) rc = put_recipe(conf, &p, wish, *left_out, e);
    if (!rc) name_the_rest(conf, *left_out);
    clear_place(&p);
    json_decref(conf);
    if (!rc) return TIDE_OK;
    json_decref(*left_out);
    *left_out = NULL;
    return rc;
}
