/* gc.c - see gc.h. The scheduler's lock is held where files of the cache go or the database is
 * written anew: no run is claimed meanwhile, and whatever is at work is seen. */
#include "schedule/gc.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "build/cache.h"
#include "build/scratch.h"
#include "schedule/internal.h"
#include "store/sweep.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#define DAY_NS      INT64_C(86400000000000)
#define SLACK_LEAST (INT64_C(1) << 20) /* for less the database is not written anew */

struct sweep {
    struct tide_scheduler *s;
    const struct tide_gc_wish *wish;
    json_t *removed, *left;
    int64_t bytes;
};

/* ---- what is told ---- */

static void tell(struct sweep *w, const char *what, int64_t n, int64_t bytes)
{
    if (!n && !bytes) return;
    json_array_append_new(w->removed, json_pack("{s:s, s:I, s:I}", "what", what, "n", (json_int_t)n,
                                                "bytes", (json_int_t)bytes));
    w->bytes += bytes;
}

static void leave(struct sweep *w, const char *what, const char *why)
{
    json_array_append_new(w->left, json_pack("{s:s, s:s}", "what", what, "why", why));
}

/* With the lock held. */
static bool is_at_work(struct tide_scheduler *s)
{
    for (size_t i = 0; i < s->n_slots; i++)
        if (s->slots[i].run) return true;
    return s->measuring || s->building;
}

/* ---- folders ---- */

/* Whether the entry of a folder goes. */
typedef enum tide_rc judge_fn(struct sweep *w, const char *name, bool *goes, struct tide_error *e);

static enum tide_rc sweep_entry(struct sweep *w, const char *folder, const char *name,
                                struct tide_swept *gone, struct tide_error *e)
{
    int64_t bytes = 0;
    char *path = tide_format("%s/%s", folder, name);
    enum tide_rc rc =
        path ? tide_file_tree_size(path, &bytes, e) : tide_fail(e, TIDE_NOMEM, "sweep %s", folder);
    if (!rc && !w->wish->dry) rc = tide_file_remove_tree(path, e);
    if (!rc) {
        gone->n++;
        gone->bytes += bytes;
    }
    free(path);
    return rc;
}

/* Remove the entries of `folder` that `judge` names; one that is absent has none. Takes `folder`
 * over. */
static enum tide_rc sweep_folder(struct sweep *w, char *folder, const char *what, judge_fn *judge,
                                 struct tide_error *e)
{
    struct tide_swept gone = {0};
    enum tide_rc rc = folder ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "sweep a folder");
    DIR *d = folder ? opendir(folder) : NULL;
    for (struct dirent *entry; !rc && d && (entry = readdir(d));) {
        bool goes = false;
        if (*entry->d_name == '.') continue;
        rc = judge(w, entry->d_name, &goes, e);
        if (!rc && goes) rc = sweep_entry(w, folder, entry->d_name, &gone, e);
    }
    if (d) closedir(d);
    free(folder);
    tell(w, what, gone.n, gone.bytes);
    return rc;
}

static enum tide_rc judge_build(struct sweep *w, const char *name, bool *goes, struct tide_error *e)
{
    return tide_store_build_gone(w->s->store, name, goes, e);
}

/* ID or ID.git */
static enum tide_rc judge_project(struct sweep *w, const char *name, bool *goes,
                                  struct tide_error *e)
{
    char *end;
    long long id = strtoll(name, &end, 10);
    *goes = false;
    if (end == name || (*end && strcmp(end, ".git") != 0)) return TIDE_OK;
    return tide_store_project_gone(w->s->store, id, goes, e);
}

static enum tide_rc judge_any(struct sweep *w, const char *name, bool *goes, struct tide_error *e)
{
    (void)w;
    (void)name;
    (void)e;
    *goes = true;
    return TIDE_OK;
}

/* What a killed process left in a folder that nobody holds now: counted, then swept under the
 * folder's own lock. Takes `folder` over. */
static enum tide_rc sweep_scratch(struct sweep *w, char *folder, const char *what,
                                  struct tide_error *e)
{
    const struct tide_gc_wish look = {.dry = true};
    struct sweep counting = *w;
    bool held = false;
    counting.wish = &look;
    enum tide_rc rc = folder ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "sweep a folder");
    if (!rc && tide_file_exists(folder)) rc = tide_scratch_is_held(folder, &held, e);
    if (!rc && folder && !held) rc = sweep_folder(&counting, strdup(folder), what, judge_any, e);
    if (!rc && !held && !w->wish->dry) rc = tide_scratch_sweep(folder, e);
    w->bytes = counting.bytes;
    free(folder);
    return rc;
}

/* ---- the cache ---- */

/* Of idle builds those that make up the bytes that are too many, oldest use first. */
static enum tide_rc count_excess(struct sweep *w, const struct tide_str *keys, int64_t excess,
                                 struct tide_cache_gone *gone, struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    for (size_t at = 0; !rc && at < keys->length && gone->bytes < excess;
         at += strlen(keys->at + at) + 1) {
        int64_t bytes = 0;
        char *folder = tide_format("%s/builds/%s", w->s->places->cache, keys->at + at);
        rc = folder ? tide_file_tree_size(folder, &bytes, e)
                    : tide_fail(e, TIDE_NOMEM, "measure a build");
        free(folder);
        gone->builds += bytes > 0;
        gone->bytes += bytes;
    }
    return rc;
}

static enum tide_rc sweep_excess(struct sweep *w, struct tide_error *e)
{
    struct tide_str keys = {0};
    struct tide_cache_gone gone = {0};
    int64_t size = 0, limit = w->s->places->limits.cache;
    enum tide_rc rc = tide_cache_size(w->s->places->cache, &size, e);
    if (!rc && size > limit) rc = tide_store_idle_builds(w->s->store, &keys, e);
    if (!rc && size > limit && w->wish->dry)
        rc = count_excess(w, &keys, size - limit, &gone, e);
    else if (!rc && size > limit)
        rc = tide_cache_evict(w->s->places->cache, size - limit, keys.at, keys.length, &gone, e);
    tell(w, "builds beyond the limit of the cache", (int64_t)gone.builds, gone.bytes);
    tide_str_free(&keys);
    return rc;
}

/* With the lock held, and nothing at work. */
static enum tide_rc sweep_cache(struct sweep *w, struct tide_error *e)
{
    const struct tide_places *p = w->s->places;
    enum tide_rc rc = sweep_folder(w, tide_format("%s/builds", p->cache),
                                   "builds that no row of the database has", judge_build, e);
    if (!rc) rc = sweep_excess(w, e);
    if (!rc)
        rc = sweep_scratch(w, tide_format("%s/tmp", p->cache), "what interrupted builds left", e);
    return rc;
}

/* ---- the database ---- */

static bool has_room(const char *folder, int64_t bytes)
{
    struct statvfs facts;
    return !statvfs(folder, &facts) &&
           (int64_t)facts.f_bavail * (int64_t)facts.f_frsize > 2 * bytes;
}

/* With the lock held, and nothing at work. */
static enum tide_rc sweep_slack(struct sweep *w, struct tide_error *e)
{
    int64_t size = 0, unused = 0, after = 0, rest = 0;
    enum tide_rc rc = tide_store_slack(w->s->store, &size, &unused, e);
    if (rc || unused < SLACK_LEAST) return rc;
    if (!has_room(w->s->places->data, size)) {
        leave(w, "free pages of the database", "the disk has no room to write it anew");
        return TIDE_OK;
    }
    if (!w->wish->dry) rc = tide_store_vacuum(w->s->store, e);
    if (!rc && !w->wish->dry) rc = tide_store_slack(w->s->store, &after, &rest, e);
    if (!rc) tell(w, "free pages of the database", 0, w->wish->dry ? unused : size - after);
    return rc;
}

static enum tide_rc sweep_rows(struct sweep *w, struct tide_error *e)
{
    struct tide_swept gone = {0};
    enum tide_rc rc = tide_store_sweep_chunks(w->s->store, w->wish->dry, &gone, e);
    if (!rc) tell(w, "measurements of no run", gone.n, gone.bytes);
    if (rc || !w->wish->logs_days) return rc;
    rc = tide_store_sweep_logs(w->s->store, tide_clock_unix_ns() - w->wish->logs_days * DAY_NS,
                               w->wish->dry, &gone, e);
    if (!rc) tell(w, "old logs of what was done", gone.n, gone.bytes);
    return rc;
}

/* ---- all ---- */

static enum tide_rc sweep_all(struct sweep *w, struct tide_error *e)
{
    struct tide_scheduler *s = w->s;
    enum tide_rc rc = sweep_folder(w, tide_format("%s/repos", s->places->data),
                                   "mirrors of removed projects", judge_project, e);
    if (!rc)
        rc = sweep_folder(w, tide_format("%s/scenarios", s->places->data),
                          "scenarios of removed projects", judge_project, e);
    if (!rc)
        rc =
            sweep_scratch(w, tide_format("%s/worktrees", s->places->data), "orphaned worktrees", e);
    if (!rc) rc = sweep_rows(w, e);
    if (rc) return rc;
    pthread_mutex_lock(&s->lock);
    if (is_at_work(s))
        leave(w, "builds, free pages of the database", "runs are at work");
    else
        rc = sweep_cache(w, e);
    if (!rc && !is_at_work(s)) rc = sweep_slack(w, e);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

enum tide_rc tide_scheduler_gc(struct tide_scheduler *s, const struct tide_gc_wish *wish,
                               json_t **out, struct tide_error *e)
{
    struct sweep w = {s, wish, json_array(), json_array(), 0};
    *out = NULL;
    enum tide_rc rc = sweep_all(&w, e);
    if (!rc && !wish->dry)
        tide_log(TIDE_LOG_INFO, "schedule", "swept bytes=%lld", (long long)w.bytes);
    if (!rc) {
        *out = json_pack("{s:b, s:O, s:I, s:O}", "dry_run", wish->dry, "removed", w.removed,
                         "bytes", (json_int_t)w.bytes, "left", w.left);
        if (!*out) rc = tide_fail(e, TIDE_NOMEM, "tell what went");
    }
    json_decref(w.removed);
    json_decref(w.left);
    return rc;
}
