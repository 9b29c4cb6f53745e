/* discovery.c - see discovery.h. */
#include "schedule/discovery.h"

#include "base/log.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

/* The pythons of one discovery. */
struct discovery {
    struct discovery *before;
    struct tide_pythons pythons;
    int64_t *ids;       /* of pythons.at[i], in the store */
    int64_t fetched_ns; /* when the folder of the fetched ones was last written to */
};

struct tide_discoveries {
    const struct tide_places *places;
    struct tide_store *store;
    const atomic_bool *stop;
    pthread_mutex_t search; /* held while pythons are looked for; guards what follows */
    struct tide_python_search where;
    pthread_mutex_t lock;    /* guards what follows */
    struct discovery *found; /* the newest */
};

static const struct discovery *newest(struct tide_discoveries *s)
{
    pthread_mutex_lock(&s->lock);
    const struct discovery *found = s->found;
    pthread_mutex_unlock(&s->lock);
    return found;
}

/* 0 while nothing was fetched. */
static int64_t written_ns(const struct tide_places *p)
{
    struct stat facts;
    if (!p->pythons.fetched || stat(p->pythons.fetched, &facts)) return 0;
    return facts.st_mtim.tv_sec * INT64_C(1000000000) + facts.st_mtim.tv_nsec;
}

static void free_discovery(struct discovery *d)
{
    if (!d) return;
    tide_pythons_free(&d->pythons);
    free(d->ids);
    free(d);
}

static enum tide_rc put_pythons(struct tide_discoveries *s, struct discovery *d,
                                struct tide_error *e)
{
    size_t n = d->pythons.n;
    struct tide_python_row *rows = calloc(n + 1, sizeof *rows);
    d->ids = calloc(n + 1, sizeof *d->ids);
    if (!rows || !d->ids) {
        free(rows);
        return tide_fail(e, TIDE_NOMEM, "list the pythons");
    }
    for (size_t i = 0; i < n; i++) {
        const struct tide_python *y = &d->pythons.at[i];
        rows[i] =
            (struct tide_python_row){y->name,      y->version, y->abi,    y->prefix,   y->program,
                                     y->libpython, y->include, y->source, y->identity, y->reason};
    }
    enum tide_rc rc = tide_store_put_pythons(s->store, rows, n, d->ids, e);
    free(rows);
    return rc;
}

static enum tide_rc find_pythons(struct tide_discoveries *s, struct tide_error *e)
{
    struct discovery *d = calloc(1, sizeof *d);
    if (!d) return tide_fail(e, TIDE_NOMEM, "look for Pythons");
    d->fetched_ns = written_ns(s->places); /* first: what is fetched meanwhile is found next time */
    enum tide_rc rc = tide_pythons_discover(&s->where, s->stop, &d->pythons, e);
    if (!rc) rc = put_pythons(s, d, e);
    if (rc) {
        free_discovery(d);
        return rc;
    }
    pthread_mutex_lock(&s->lock);
    d->before = s->found;
    s->found = d;
    pthread_mutex_unlock(&s->lock);
    return TIDE_OK;
}

static bool is_stale(const struct tide_discoveries *s, const struct discovery *d)
{
    if (written_ns(s->places) != d->fetched_ns) return true;
    for (size_t i = 0; i < d->pythons.n; i++)
        if (tide_python_check(&d->pythons.at[i], NULL)) return true;
    return false;
}

enum tide_rc tide_discoveries_refresh(struct tide_discoveries *s, bool always, struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    pthread_mutex_lock(&s->search);
    if (always || is_stale(s, newest(s))) {
        rc = find_pythons(s, e);
        if (!rc)
            tide_log(TIDE_LOG_INFO, "schedule", "looked again, found pythons=%zu",
                     newest(s)->pythons.n);
    }
    pthread_mutex_unlock(&s->search);
    return rc;
}

enum tide_rc tide_discoveries_configure(struct tide_discoveries *s,
                                        const struct tide_python_search *where,
                                        struct tide_error *e)
{
    pthread_mutex_lock(&s->search);
    s->where.entries = where->entries;
    s->where.n = where->n;
    pthread_mutex_unlock(&s->search);
    return tide_discoveries_refresh(s, true, e);
}

enum tide_rc tide_discoveries_open(const struct tide_places *p, struct tide_store *store,
                                   const atomic_bool *stop, struct tide_discoveries **out,
                                   struct tide_error *e)
{
    *out = NULL;
    struct tide_discoveries *s = calloc(1, sizeof *s);
    if (!s) return tide_fail(e, TIDE_NOMEM, "look for Pythons");
    s->places = p;
    s->where = p->pythons;
    s->store = store;
    s->stop = stop;
    pthread_mutex_init(&s->search, NULL);
    pthread_mutex_init(&s->lock, NULL);
    enum tide_rc rc = find_pythons(s, e);
    if (rc)
        tide_discoveries_close(s);
    else
        *out = s;
    return rc;
}

void tide_discoveries_close(struct tide_discoveries *s)
{
    if (!s) return;
    while (s->found) {
        struct discovery *d = s->found;
        s->found = d->before;
        free_discovery(d);
    }
    pthread_mutex_destroy(&s->search);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

const struct tide_pythons *tide_discoveries_newest(struct tide_discoveries *s, const int64_t **ids)
{
    const struct discovery *found = newest(s);
    if (ids) *ids = found->ids;
    return &found->pythons;
}
