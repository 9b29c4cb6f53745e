/* projects.c - see projects.h.
 *
 * An entry stands for each project that was used, with the newest catalog of it. Its own lock is
 * held while a catalog is made, which may take long; the lock of the list never is. A repository
 * that does not answer holds that lock for as long as whoever fetches is patient: others wait for
 * it no longer than they would fetch, and not at all for a catalog that still holds. */
#include "schedule/projects.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "build/scratch.h"
#include "schedule/belongings.h"
#include "schedule/discovery.h"
#include "schedule/line.h"
#include "schedule/moved.h"
#include "schedule/settings.h"
#include "schedule/settle.h"
#include "schedule/suite.h"
#include "schedule/triggers.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DEFAULT_RECIPE "{\"folder\":\"converters\",\"kind\":\"cmake\"}"

struct entry {
    struct entry *next;
    int64_t project;
    pthread_mutex_t lock;    /* of who makes a catalog; guards what follows */
    int64_t silent_until_ns; /* requests do not try before: the repository did not answer */
    struct tide_catalog
        *newest; /* is changed with the lock of the list too, and read with either */
};

struct tide_projects {
    const struct tide_places *places;
    struct tide_store *store;
    const atomic_bool *stop;
    json_t *own; /* Tidemark's scenarios, as described */
    struct tide_discoveries *discoveries;
    atomic_bool trying;   /* a request to add or change a project fetches */
    pthread_mutex_t lock; /* guards what follows */
    struct entry *entries;
};

static enum tide_rc open_repo(const struct tide_projects *s, const struct tide_project *row,
                              const char *mirror, struct tide_repo **out, struct tide_error *e)
{
    char *worktrees = tide_format("%s/worktrees", s->places->data);
    enum tide_rc rc;
    if (!worktrees || !mirror)
        rc = tide_fail(e, TIDE_NOMEM, "open a project");
    else if (*row->versions)
        rc = tide_repo_open_versions(row->versions, mirror, worktrees, s->stop, out, e);
    else
        rc = tide_repo_open(row->repo, row->branch, mirror, worktrees, s->stop, out, e);
    free(worktrees);
    return rc;
}

/* ---- catalogs ---- */

static bool is_same(const char *a, const char *b)
{
    return !strcmp(a, b);
}

/* Whether the row, and the pythons found last, are still what the catalog was made of. */
static bool is_current(const struct tide_projects *s, const struct tide_catalog *c,
                       const struct tide_project *row)
{
    const int64_t *ids;
    (void)tide_discoveries_newest(s->discoveries, &ids);
    const struct tide_project *old = &c->row;
    return is_same(old->name, row->name) && is_same(old->repo, row->repo) &&
           is_same(old->branch, row->branch) && is_same(old->recipe, row->recipe) &&
           is_same(old->scenarios, row->scenarios) && is_same(old->pythons, row->pythons) &&
           is_same(old->versions, row->versions) && old->enabled == row->enabled &&
           c->python_ids == ids;
}
static enum tide_rc copy_row(const struct tide_project *row, struct tide_project *out,
                             struct tide_error *e)
{
    const char *const from[] = {row->name,      row->repo,    row->branch,  row->recipe,
                                row->scenarios, row->pythons, row->versions};
    char **const to[] = {&out->name,      &out->repo,    &out->branch,  &out->recipe,
                         &out->scenarios, &out->pythons, &out->versions};
    out->id = row->id;
    out->enabled = row->enabled;
    for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
        *to[i] = strdup(from[i]);
        if (!*to[i]) return tide_fail(e, TIDE_NOMEM, "open a project");
    }
    return TIDE_OK;
}

/* A catalog of the row, without scenarios; `repo` is taken over, on failure too. */
static enum tide_rc make_catalog(struct tide_projects *s, const struct tide_project *row,
                                 struct tide_repo *repo, struct tide_catalog **out,
                                 struct tide_error *e)
{
    struct tide_catalog *c = calloc(1, sizeof *c);
    *out = NULL;
    if (!c) {
        tide_repo_close(repo);
        return tide_fail(e, TIDE_NOMEM, "open a project");
    }
    c->references = 1;
    c->project = row->id;
    c->repo = repo;
    c->pythons = *tide_discoveries_newest(s->discoveries, &c->python_ids);
    enum tide_rc rc = copy_row(row, &c->row, e);
    if (!rc) rc = tide_recipe_parse(row->recipe, &c->recipe, e);
    if (rc)
        tide_catalog_drop(c);
    else
        *out = c;
    return rc;
}

/* Takes `c` over, which may be NULL. */
static void set_newest(struct tide_projects *s, struct entry *entry, struct tide_catalog *c)
{
    pthread_mutex_lock(&s->lock);
    struct tide_catalog *old = entry->newest;
    entry->newest = c;
    pthread_mutex_unlock(&s->lock);
    tide_catalog_drop(old);
}

static enum tide_rc renew(struct tide_projects *s, struct entry *entry,
                          const struct tide_project *row, bool sync, int patience_s,
                          struct tide_error *e)
{
    struct tide_catalog *old = entry->newest, *c = NULL;
    struct tide_repo *repo = NULL;
    enum tide_rc rc = TIDE_OK;
    bool same = old && is_same(old->row.repo, row->repo) && is_same(old->row.branch, row->branch) &&
                is_same(old->row.versions, row->versions);
    char *mirror = tide_belongings_mirror(s->places, row->id);
    if (same)
        repo = tide_repo_ref(old->repo);
    else
        rc = open_repo(s, row, mirror, &repo, e);
    free(mirror);
    if (!rc) rc = make_catalog(s, row, repo, &c, e);
    bool synced = sync || (!same && *row->scenarios);
    if (!rc && synced) rc = tide_catalog_sync(c, patience_s, e);
    if (!rc && synced) rc = tide_moved_follow(c, s->store, e);
    if (!rc && synced) rc = tide_line_follow(s->store, c, e);
    if (!rc) rc = tide_suite_find(s->places, s->store, s->own, old, s->stop, c, e);
    if (rc) {
        tide_catalog_drop(c);
        return rc;
    }
    set_newest(s, entry, c);
    return TIDE_OK;
}

/* ---- entries ---- */

static struct entry *find_entry(struct tide_projects *s, int64_t project)
{
    pthread_mutex_lock(&s->lock);
    struct entry *found = s->entries;
    while (found && found->project != project)
        found = found->next;
    if (!found) {
        found = calloc(1, sizeof *found);
        if (found) {
            *found = (struct entry){.next = s->entries, .project = project};
            pthread_mutex_init(&found->lock, NULL);
            s->entries = found;
        }
    }
    pthread_mutex_unlock(&s->lock);
    return found;
}

/* The newest catalog as it is, where it is of this row; NULL else. */
static struct tide_catalog *take_current(struct tide_projects *s, const struct entry *entry,
                                         const struct tide_project *row)
{
    struct tide_catalog *c = NULL;
    pthread_mutex_lock(&s->lock);
    if (entry->newest && is_current(s, entry->newest, row)) c = tide_catalog_ref(entry->newest);
    pthread_mutex_unlock(&s->lock);
    return c;
}

static enum tide_rc lock_entry(struct entry *entry, const char *name, int patience_s,
                               struct tide_error *e)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += patience_s;
    if (!pthread_mutex_clocklock(&entry->lock, CLOCK_MONOTONIC, &until)) return TIDE_OK;
    return tide_fail(e, TIDE_BUSY, "the repository of %s is being fetched for longer than %d s",
                     name, patience_s);
}

/* Make the catalog anew. The entry is locked. */
static enum tide_rc make_newest(struct tide_projects *s, struct entry *entry,
                                const struct tide_project *row, bool sync, int patience_s,
                                struct tide_error *e)
{
    bool asked = patience_s <= TIDE_ASKED_PATIENCE_S;
    if (asked && tide_clock_monotonic_ns() < entry->silent_until_ns)
        return tide_fail(e, TIDE_BUSY,
                         "the repository of %s did not answer just now: ask again in %d s",
                         row->name, TIDE_SILENCE_S);
    enum tide_rc rc = renew(s, entry, row, sync, patience_s, e);
    bool silent = rc == TIDE_BUSY;
    entry->silent_until_ns =
        silent ? tide_clock_monotonic_ns() + TIDE_SILENCE_S * INT64_C(1000000000) : 0;
    return rc;
}

/* The catalog of the row; `sync` brings it up to date. */
static enum tide_rc get(struct tide_projects *s, const struct tide_project *row, bool sync,
                        int patience_s, struct tide_catalog **out, struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    assert(row->recipe);
    if (!*row->recipe)
        return tide_fail(e, TIDE_ABSENT, "project %s holds runs from files: it has no repository",
                         row->name);
    struct entry *entry = find_entry(s, row->id);
    if (!entry) return tide_fail(e, TIDE_NOMEM, "open a project");
    if (!sync && (*out = take_current(s, entry, row))) return TIDE_OK;
    rc = lock_entry(entry, row->name, patience_s, e);
    if (rc) return rc;
    if (sync || !entry->newest || !is_current(s, entry->newest, row))
        rc = make_newest(s, entry, row, sync, patience_s, e);
    if (!rc) *out = tide_catalog_ref(entry->newest);
    pthread_mutex_unlock(&entry->lock);
    /* A source that cannot be had is no fault of the request that needs it. */
    if (rc == TIDE_INVALID && e) {
        e->rc = rc = TIDE_FAILED;
        *e->field = '\0';
    }
    return rc;
}

static enum tide_rc find(struct tide_projects *s, const char *name, bool sync, int patience_s,
                         struct tide_catalog **out, struct tide_error *e)
{
    struct tide_project row;
    *out = NULL;
    enum tide_rc rc = tide_store_find_project(s->store, name, &row, e);
    if (!rc) rc = get(s, &row, sync, patience_s, out, e);
    tide_project_clear(&row);
    return rc;
}

enum tide_rc tide_projects_take(struct tide_projects *s, const char *name,
                                struct tide_catalog **out, struct tide_error *e)
{
    return find(s, name, false, TIDE_ASKED_PATIENCE_S, out, e);
}

enum tide_rc tide_projects_sync(struct tide_projects *s, const char *name, int patience_s,
                                struct tide_catalog **out, struct tide_error *e)
{
    return find(s, name, true, patience_s, out, e);
}

enum tide_rc tide_projects_require(struct tide_projects *s, const char *name,
                                   struct tide_catalog **out, struct tide_error *e)
{
    struct tide_project row;
    *out = NULL;
    enum tide_rc rc = tide_store_find_project(s->store, name, &row, e);
    if (!rc && !row.enabled)
        rc = tide_fail(e, TIDE_ABSENT,
                       "project %s is disabled: PATCH it with {\"enabled\": true} first", name);
    if (!rc) rc = get(s, &row, true, TIDE_ASKED_PATIENCE_S, out, e);
    tide_project_clear(&row);
    if (rc == TIDE_ABSENT && e) {
        e->rc = rc = TIDE_INVALID;
        snprintf(e->field, sizeof e->field, "project");
    }
    return rc;
}

/* ---- add ---- */

/* Fetch into the mirror and try everything that the row says. One at a time: a source that does not
 * answer holds a thread of those that answer requests. */
static enum tide_rc try_row(struct tide_projects *s, const char *mirror, struct tide_project *row,
                            struct tide_error *e)
{
    struct tide_repo *repo = NULL;
    if (atomic_exchange(&s->trying, true))
        return tide_fail(e, TIDE_BUSY,
                         "another project is being added or changed: try again when that is done");
    enum tide_rc rc = open_repo(s, row, mirror, &repo, e);
    if (!rc) rc = tide_settle(repo, row, e);
    tide_repo_close(repo);
    s->trying = false;
    return rc;
}

static enum tide_rc put_row(struct tide_projects *s, const char *mirror, struct tide_project *row,
                            struct tide_error *e)
{
    struct tide_catalog *c = NULL;
    enum tide_rc rc = tide_store_set_project(s->store, row, e);
    if (rc) return rc;
    char *place = tide_belongings_mirror(s->places, row->id);
    if (!place)
        rc = tide_fail(e, TIDE_NOMEM, "add a project");
    else if (rename(mirror, place))
        rc = tide_fail_errno(e, "rename %s to %s", mirror, place);
    if (!rc) rc = get(s, row, false, TIDE_FETCH_DEADLINE_S, &c, e);
    if (rc) {
        struct tide_error ignored;
        enum tide_rc undone = tide_store_remove_project(s->store, row->id, &ignored);
        if (undone) tide_log(TIDE_LOG_ERROR, "schedule", "project %s: %s", row->name, ignored.text);
    }
    tide_catalog_drop(c);
    free(place);
    return rc;
}

static enum tide_rc refuse_taken(struct tide_projects *s, const char *name, struct tide_error *e)
{
    struct tide_project other;
    enum tide_rc rc = tide_store_find_project(s->store, name, &other, e);
    tide_project_clear(&other);
    if (rc == TIDE_ABSENT) return TIDE_OK;
    return rc ? rc : tide_fail_field(e, "name", "there is a project \"%s\" already", name);
}

static enum tide_rc add_row(struct tide_projects *s, struct tide_project *row, struct tide_error *e)
{
    char *folder = NULL, *repos = tide_format("%s/repos", s->places->data);
    enum tide_rc rc = repos ? refuse_taken(s, row->name, e) : tide_fail(e, TIDE_NOMEM, "add");
    if (!rc) rc = tide_file_make_folder(repos, 0755, e);
    if (!rc) rc = tide_scratch_make(repos, "new", &folder, e);
    if (!rc) rc = try_row(s, folder, row, e);
    if (!rc) rc = put_row(s, folder, row, e);
    if (folder && tide_file_remove_tree(folder, NULL)) {} /* swept at the next start */
    free(folder);
    free(repos);
    return rc;
}

enum tide_rc tide_projects_add(struct tide_projects *s, const json_t *wish, struct tide_error *e)
{
    struct tide_project row = {.enabled = true};
    enum tide_rc rc = tide_settings_read(wish, true, &row, e);
    if (!rc) rc = tide_triggers_try(s->store, 0, wish, e);
    if (!rc) rc = add_row(s, &row, e);
    if (!rc) rc = tide_triggers_keep(s->store, row.id, wish, e);
    if (!rc)
        tide_log(TIDE_LOG_INFO, "schedule", "project %s added: %s recipe=%s", row.name,
                 *row.versions ? row.versions : row.repo, row.recipe);
    tide_project_clear(&row);
    return rc;
}

/* ---- change, remove ---- */

/* Tidemark's own is found by its name, and runs from files belong to one. */
static enum tide_rc refuse_fixed(const struct tide_project *row, const char *what,
                                 struct tide_error *e)
{
    if (is_same(row->name, TIDE_DEFAULT_PROJECT) || !*row->recipe)
        return tide_fail_field(e, "name", "%s is Tidemark's own project and cannot be %s%s",
                               row->name, what, *row->recipe ? "; it can be disabled" : "");
    return TIDE_OK;
}

enum tide_rc tide_projects_change(struct tide_projects *s, const char *name, const json_t *wish,
                                  struct tide_error *e)
{
    struct tide_project row;
    struct tide_catalog *c = NULL;
    enum tide_rc rc = tide_store_find_project(s->store, name, &row, e);
    if (rc) return rc;
    char *mirror = tide_belongings_mirror(s->places, row.id);
    if (json_object_get(wish, "name") || !*row.recipe) rc = refuse_fixed(&row, "renamed", e);
    if (!rc) rc = tide_settings_read(wish, false, &row, e);
    if (!rc) rc = tide_triggers_try(s->store, row.id, wish, e);
    if (!rc && !mirror) rc = tide_fail(e, TIDE_NOMEM, "change a project");
    bool tried = json_object_get(wish, "branch") || json_object_get(wish, "recipe") ||
                 json_object_get(wish, "scenarios");
    if (!rc && tried) rc = try_row(s, mirror, &row, e);
    if (!rc) rc = tide_store_set_project(s->store, &row, e);
    if (!rc) rc = tide_triggers_keep(s->store, row.id, wish, e);
    if (!rc) rc = get(s, &row, false, TIDE_FETCH_DEADLINE_S, &c, e);
    tide_catalog_drop(c);
    free(mirror);
    tide_project_clear(&row);
    return rc;
}

enum tide_rc tide_projects_holdings(struct tide_projects *s, const char *name, json_t **out,
                                    struct tide_error *e)
{
    struct tide_project row;
    *out = NULL;
    enum tide_rc rc = tide_store_find_project(s->store, name, &row, e);
    if (!rc && is_same(name, TIDE_DEFAULT_PROJECT)) rc = refuse_fixed(&row, "removed", e);
    if (!rc) rc = tide_belongings_count(s->places, s->store, row.id, out, e);
    tide_project_clear(&row);
    return rc;
}

enum tide_rc tide_projects_remove(struct tide_projects *s, const char *name, struct tide_error *e)
{
    struct tide_project row;
    enum tide_rc rc = tide_store_find_project(s->store, name, &row, e);
    if (!rc && is_same(name, TIDE_DEFAULT_PROJECT)) rc = refuse_fixed(&row, "removed", e);
    struct entry *entry = rc ? NULL : find_entry(s, row.id);
    if (!rc && !entry) rc = tide_fail(e, TIDE_NOMEM, "remove a project");
    if (!rc) {
        assert(entry);
        rc = lock_entry(entry, name, TIDE_ASKED_PATIENCE_S, e);
    }
    if (!rc) {
        rc = tide_belongings_remove(s->places, s->store, row.id, e);
        set_newest(s, entry, NULL);
        pthread_mutex_unlock(&entry->lock);
    }
    if (!rc) tide_log(TIDE_LOG_INFO, "schedule", "project %s removed", name);
    tide_project_clear(&row);
    return rc;
}

/* ---- open and close ---- */

/* The project that is always there: this repository's converters, with Tidemark's scenarios. */
static enum tide_rc put_default(struct tide_projects *s, struct tide_error *e)
{
    struct tide_project row;
    struct tide_catalog *c = NULL;
    int64_t id = 0;
    enum tide_rc rc =
        tide_store_put_project(s->store, TIDE_DEFAULT_PROJECT, s->places->repo, &id, e);
    if (!rc) rc = tide_store_find_project(s->store, TIDE_DEFAULT_PROJECT, &row, e);
    if (rc) return rc;
    if (!*row.recipe) {
        free(row.recipe);
        row.recipe = strdup(DEFAULT_RECIPE);
        rc = row.recipe ? tide_store_set_project(s->store, &row, e)
                        : tide_fail(e, TIDE_NOMEM, "open the project");
    }
    if (!rc) rc = get(s, &row, false, TIDE_FETCH_DEADLINE_S, &c, e);
    tide_catalog_drop(c);
    tide_project_clear(&row);
    return rc;
}

/* One that is there already is made what the configuration says. */
static enum tide_rc put_configured(struct tide_projects *s, const json_t *wish,
                                   struct tide_error *e)
{
    struct tide_project row = {.enabled = true}, old = {0};
    enum tide_rc rc = tide_settings_read(wish, true, &row, e);
    if (!rc) rc = tide_store_find_project(s->store, row.name, &old, e);
    if (!rc && !(is_same(old.repo, row.repo) && is_same(old.versions, row.versions)))
        rc = tide_fail_field(e, *row.versions ? "versions" : "repo",
                             "project %s is made of %s: remove it first", row.name,
                             *old.versions ? old.versions : old.repo);
    bool known = !rc;
    if (rc == TIDE_ABSENT) {
        rc = tide_triggers_try(s->store, 0, wish, e);
        if (!rc) rc = add_row(s, &row, e);
        if (!rc) rc = tide_triggers_keep(s->store, row.id, wish, e);
    }
    if (!rc && known) {
        json_t *changes = json_copy((json_t *)wish);
        json_object_del(changes, "repo");
        json_object_del(changes, "versions");
        json_object_del(changes, "name");
        rc = tide_projects_change(s, row.name, changes, e);
        json_decref(changes);
    }
    tide_project_clear(&row);
    tide_project_clear(&old);
    return rc;
}

enum tide_rc tide_projects_configure(struct tide_projects *s, const json_t *list)
{
    size_t i;
    json_t *wish;
    struct tide_error e;
    json_array_foreach((json_t *)list, i, wish)
    {
        enum tide_rc rc = put_configured(s, wish, &e);
        if (rc == TIDE_STOPPED) return rc;
        if (rc)
            tide_log(TIDE_LOG_WARN, "schedule", "project %s of the configuration: %s%s%s",
                     json_string_value(json_object_get(wish, "name")), e.field,
                     *e.field ? ": " : "", e.text);
    }
    return TIDE_OK;
}

/* What a killed daemon left of projects that were being added. */
static enum tide_rc sweep(struct tide_projects *s, struct tide_error *e)
{
    char *repos = tide_format("%s/repos", s->places->data);
    enum tide_rc rc = repos ? tide_file_make_folder(repos, 0755, e)
                            : tide_fail(e, TIDE_NOMEM, "open the projects");
    if (!rc) rc = tide_file_remove_matching(repos, "new.*", e);
    free(repos);
    return rc;
}

static enum tide_rc describe_own(struct tide_projects *s, struct tide_error *e)
{
    char *folder = tide_format("%s/scenarios", s->places->source);
    enum tide_rc rc = folder ? tide_catalog_describe(s->places, tide_projects_pythons(s), folder,
                                                     s->stop, &s->own, e)
                             : tide_fail(e, TIDE_NOMEM, "list the scenarios");
    free(folder);
    return rc;
}

enum tide_rc tide_projects_open(const struct tide_places *p, struct tide_store *store,
                                const atomic_bool *stop, struct tide_projects **out,
                                struct tide_error *e)
{
    *out = NULL;
    struct tide_projects *s = calloc(1, sizeof *s);
    if (!s) return tide_fail(e, TIDE_NOMEM, "open the projects");
    s->places = p;
    s->store = store;
    s->stop = stop;
    pthread_mutex_init(&s->lock, NULL);
    enum tide_rc rc = sweep(s, e);
    if (!rc) rc = tide_discoveries_open(p, store, stop, &s->discoveries, e);
    if (!rc) rc = describe_own(s, e);
    if (!rc) rc = put_default(s, e);
    if (!rc) rc = tide_projects_configure(s, p->projects);
    if (rc)
        tide_projects_close(s);
    else
        *out = s;
    return rc;
}

void tide_projects_close(struct tide_projects *s)
{
    if (!s) return;
    while (s->entries) {
        struct entry *entry = s->entries;
        s->entries = entry->next;
        tide_catalog_drop(entry->newest);
        pthread_mutex_destroy(&entry->lock);
        free(entry);
    }
    tide_discoveries_close(s->discoveries);
    json_decref(s->own);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

const struct tide_pythons *tide_projects_pythons(struct tide_projects *s)
{
    return tide_discoveries_newest(s->discoveries, NULL);
}

enum tide_rc tide_projects_refresh(struct tide_projects *s, bool always, struct tide_error *e)
{
    return tide_discoveries_refresh(s->discoveries, always, e);
}

enum tide_rc tide_projects_look_for(struct tide_projects *s, const struct tide_python_search *where,
                                    struct tide_error *e)
{
    return tide_discoveries_configure(s->discoveries, where, e);
}

bool tide_projects_in_trouble(struct tide_projects *s, struct tide_error *e)
{
    struct tide_catalog *c = NULL;
    if (tide_projects_sync(s, TIDE_DEFAULT_PROJECT, TIDE_FETCH_DEADLINE_S, &c, e)) return true;
    assert(c);
    bool none = !c->n_scenarios;
    tide_catalog_drop(c);
    if (!tide_pythons_newest(tide_projects_pythons(s)))
        return tide_fail(e, TIDE_FAILED,
                         "no usable CPython was found on this machine: `tidemark pythons` says why "
                         "each one is not");
    return none && tide_fail(e, TIDE_FAILED, "no scenario was found");
}
