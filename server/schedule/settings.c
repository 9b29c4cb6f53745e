/* settings.c - see settings.h. */
#include "schedule/settings.h"

#include "build/recipe.h"
#include "schedule/triggers.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_LONGEST 1000
#define BASELINE_MAX 200 /* bytes */
#define PYTHONS_MAX  100

static enum tide_rc set(char **text, const char *value, struct tide_error *e)
{
    free(*text);
    *text = strdup(value);
    return *text ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "read a project");
}

/* A text that may be null, which is "". */
static enum tide_rc read_text(const json_t *value, const char *field, const char **out,
                              struct tide_error *e)
{
    *out = json_is_null(value) ? "" : json_string_value(value);
    if (!*out || strlen(*out) > TEXT_LONGEST)
        return tide_fail_field(e, field, "must be a string of at most %d bytes, or null",
                               TEXT_LONGEST);
    for (const char *p = *out; *p; p++)
        if (iscntrl((unsigned char)*p))
            return tide_fail_field(e, field, "holds a control character");
    return TIDE_OK;
}

static enum tide_rc read_name(const json_t *value, struct tide_project *p, struct tide_error *e)
{
    const char *name = json_string_value(value);
    size_t n = name ? strlen(name) : 0;
    bool fine = n > 0 && n <= TIDE_PROJECT_NAME_MAX && isalnum((unsigned char)*name);
    for (size_t i = 0; fine && i < n; i++)
        fine = isalnum((unsigned char)name[i]) || strchr("._-", name[i]);
    if (!fine)
        return tide_fail_field(e, "name",
                               "must be 1 to %d letters, digits, dots, dashes and underscores, "
                               "beginning with a letter or digit",
                               TIDE_PROJECT_NAME_MAX);
    return set(&p->name, name, e);
}

/* A path of the daemon's machine must be absolute: the daemon's own folder is nobody's business. */
static enum tide_rc read_repo(const json_t *value, struct tide_project *p, struct tide_error *e)
{
    const char *text = NULL;
    enum tide_rc rc = read_text(value, "repo", &text, e);
    if (!rc && *text && *text != '/' && (!strchr(text, ':') || *text == '.' || *text == '-'))
        rc = tide_fail_field(e, "repo", "must be an absolute path or a URL");
    return rc ? rc : set(&p->repo, text, e);
}

/* A folder of the daemon's machine. */
static enum tide_rc read_versions(const json_t *value, struct tide_project *p, struct tide_error *e)
{
    const char *text = NULL;
    enum tide_rc rc = read_text(value, "versions", &text, e);
    if (!rc && *text && *text != '/')
        rc = tide_fail_field(e, "versions", "must be the absolute path of a folder");
    return rc ? rc : set(&p->versions, text, e);
}

static enum tide_rc read_branch(const json_t *value, struct tide_project *p, struct tide_error *e)
{
    const char *text = NULL;
    enum tide_rc rc = read_text(value, "branch", &text, e);
    return rc ? rc : set(&p->branch, text, e);
}

static enum tide_rc read_folder(const json_t *value, struct tide_project *p, struct tide_error *e)
{
    const char *text = NULL;
    enum tide_rc rc = read_text(value, "scenarios", &text, e);
    if (!rc) rc = tide_recipe_check_folder(text, "scenarios", e);
    return rc ? rc : set(&p->scenarios, text, e);
}

/* null: it is told from the tree. */
static enum tide_rc read_recipe(const json_t *value, struct tide_project *p, struct tide_error *e)
{
    struct tide_recipe recipe = {0};
    if (json_is_null(value)) return set(&p->recipe, "{}", e);
    enum tide_rc rc = tide_recipe_read(value, &recipe, e);
    if (rc) return rc;
    free(p->recipe);
    p->recipe = tide_recipe_text(&recipe);
    tide_recipe_clear(&recipe);
    return p->recipe ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "read a project");
}

/* null, "all" and ["all"] are every usable python, whichever there are. */
static enum tide_rc read_pythons(const json_t *value, struct tide_project *p, struct tide_error *e)
{
    size_t i;
    json_t *item;
    const char *word = json_string_value(json_is_array(value) ? json_array_get(value, 0) : value);
    bool all = word && !strcmp(word, "all") && json_array_size(value) < 2;
    if (json_is_null(value) || all) return set(&p->pythons, "", e);
    if (!json_is_array(value) || !json_array_size(value) || json_array_size(value) > PYTHONS_MAX)
        return tide_fail_field(e, "pythons", "must be a list of 1 to %d names or versions",
                               PYTHONS_MAX);
    json_array_foreach((json_t *)value, i, item)
    {
        char field[32];
        snprintf(field, sizeof field, "pythons[%zu]", i);
        if (!json_string_length(item))
            return tide_fail_field(e, field, "must be a string that is not empty");
    }
    free(p->pythons);
    p->pythons = json_dumps(value, JSON_COMPACT);
    return p->pythons ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "read a project");
}

/* PYTHON, @COMMIT or PYTHON@COMMIT; whether they are there is seen when it is used. */
static enum tide_rc read_baseline(const json_t *value, struct tide_project *p, struct tide_error *e)
{
    const char *text = json_is_null(value) ? "" : json_string_value(value);
    const char *at = text ? strchr(text, '@') : NULL;
    bool fine =
        text && strlen(text) <= BASELINE_MAX && (!at || at[1]) && (json_is_null(value) || *text);
    if (fine) return set(&p->baseline, text, e);
    return tide_fail_field(e, "baseline",
                           "must be a python, a commit behind an @, or both, like 3.11, @v1.2 or "
                           "3.11@v1.2; null: none");
}

static enum tide_rc read_field(const char *name, const json_t *value, bool adding,
                               struct tide_project *p, struct tide_error *e)
{
    if (!strcmp(name, "name")) return read_name(value, p, e);
    if (!strcmp(name, "branch")) return read_branch(value, p, e);
    if (!strcmp(name, "recipe")) return read_recipe(value, p, e);
    if (!strcmp(name, "scenarios")) return read_folder(value, p, e);
    if (!strcmp(name, "pythons")) return read_pythons(value, p, e);
    if (!strcmp(name, "baseline")) return read_baseline(value, p, e);
    if (!strcmp(name, "enabled")) {
        p->enabled = json_is_true(value);
        return json_is_boolean(value) ? TIDE_OK : tide_fail_field(e, name, "must be true or false");
    }
    if (tide_triggers_own(name)) return TIDE_OK; /* checked together */
    if (adding && !strcmp(name, "repo")) return read_repo(value, p, e);
    if (adding && !strcmp(name, "versions")) return read_versions(value, p, e);
    return tide_fail_field(e, name,
                           "no such field; allowed are name, %sbranch, recipe, scenarios, "
                           "pythons, baseline, enabled, cron, timezone, poll_s, webhook_secret, "
                           "on_new_python, trigger, notify",
                           adding ? "repo, versions, " : "");
}

/* One of a repository and a folder of versions, which has no branches. */
static enum tide_rc check_source(const struct tide_project *p, struct tide_error *e)
{
    if (*p->repo && *p->versions)
        return tide_fail_field(e, "versions", "there is a repo too: a project has one of them");
    if (*p->versions && *p->branch)
        return tide_fail_field(e, "branch", "a folder of versions has no branches");
    if (!*p->repo && !*p->versions)
        return tide_fail_field(e, "repo",
                               "is missing: name a git repository, or a folder of released "
                               "versions as \"versions\"");
    return TIDE_OK;
}

enum tide_rc tide_settings_read(const json_t *wish, bool adding, struct tide_project *p,
                                struct tide_error *e)
{
    const char *name;
    json_t *value;
    char **const texts[] = {&p->repo,    &p->branch,   &p->recipe,  &p->scenarios,
                            &p->pythons, &p->versions, &p->baseline};
    enum tide_rc rc = TIDE_OK;
    if (!json_is_object(wish)) return tide_fail_field(e, "", "the body must be a JSON object");
    for (size_t i = 0; !rc && i < sizeof texts / sizeof *texts; i++)
        if (!*texts[i]) rc = set(texts[i], "", e);
    json_object_foreach((json_t *)wish, name, value)
    {
        if (!rc) rc = read_field(name, value, adding, p, e);
    }
    if (!rc) rc = tide_triggers_check(wish, e);
    if (!rc && !p->name) rc = tide_fail_field(e, "name", "is missing");
    if (!rc) rc = check_source(p, e);
    if (!rc && adding && !*p->recipe) rc = set(&p->recipe, "{}", e);
    return rc;
}
