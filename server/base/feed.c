/* feed.c - see feed.h: a ring of the newest events under one mutex. */
#include "base/feed.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BATCHES 64 /* whose projects are remembered */

struct entry {
    char *text; /* name and data as they go out, without the id line */
    int64_t batch;
    uint64_t project; /* hash of its name; 0: none is known */
};

struct tide_feed {
    pthread_mutex_t lock;
    struct entry held[TIDE_FEED_HELD]; /* id i stands at i % TIDE_FEED_HELD */
    int64_t first, next;               /* ids: the oldest held, the one to give next */
    struct entry batches[BATCHES];     /* batch and project, at batch % BATCHES */
    pthread_mutex_t calling;           /* guards what follows, while listeners are called too */
    struct listener {
        void (*wake)(void *);
        void *context; /* NULL: nobody */
    } listeners[TIDE_FEED_LISTENERS];
};

struct tide_feed *tide_feed_new(void)
{
    struct tide_feed *f = calloc(1, sizeof *f);
    if (!f) return NULL;
    pthread_mutex_init(&f->lock, NULL);
    pthread_mutex_init(&f->calling, NULL);
    f->first = f->next = tide_clock_unix_ns() / 1000;
    return f;
}

void tide_feed_free(struct tide_feed *f)
{
    if (!f) return;
    for (size_t i = 0; i < TIDE_FEED_HELD; i++)
        free(f->held[i].text);
    pthread_mutex_destroy(&f->calling);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

/* The hash of the project that the data names; 0: it names none. */
static uint64_t named_project(const char *data)
{
    static const char field[] = "\"project\":\"";
    const char *at = strstr(data, field);
    if (!at) return 0;
    at += sizeof field - 1;
    return tide_hash_64(at, strcspn(at, "\""));
}

/* The project of an event, which its batch is remembered by. */
static uint64_t settle_project(struct tide_feed *f, int64_t batch, const char *data)
{
    struct entry *known = &f->batches[(uint64_t)batch % BATCHES];
    uint64_t project = named_project(data);
    if (!batch) return project;
    if (project) *known = (struct entry){.batch = batch, .project = project};
    return known->batch == batch ? known->project : 0;
}

void tide_feed_publish(struct tide_feed *f, const char *name, int64_t batch, const char *data)
{
    char *text = tide_format("event: %s\ndata: %s\n\n", name, data);
    if (!text) {
        tide_log(TIDE_LOG_WARN, "feed", "memory ended: dropped an event %s", name);
        return;
    }
    pthread_mutex_lock(&f->lock);
    struct entry *slot = &f->held[f->next % TIDE_FEED_HELD];
    free(slot->text);
    *slot = (struct entry){text, batch, settle_project(f, batch, data)};
    f->next++;
    if (f->next - f->first > TIDE_FEED_HELD) f->first = f->next - TIDE_FEED_HELD;
    pthread_mutex_unlock(&f->lock);
    pthread_mutex_lock(&f->calling);
    for (size_t i = 0; i < TIDE_FEED_LISTENERS; i++)
        if (f->listeners[i].context) f->listeners[i].wake(f->listeners[i].context);
    pthread_mutex_unlock(&f->calling);
}

int64_t tide_feed_newest(struct tide_feed *f)
{
    pthread_mutex_lock(&f->lock);
    int64_t id = f->next - 1;
    pthread_mutex_unlock(&f->lock);
    return id;
}

int64_t tide_feed_read(struct tide_feed *f, int64_t id, const struct tide_feed_filter *filter,
                       size_t room, struct tide_str *out)
{
    int64_t batch = filter ? filter->batch : 0;
    const char *name = filter ? filter->project : NULL;
    uint64_t project = name ? tide_hash_64(name, strlen(name)) : 0;
    pthread_mutex_lock(&f->lock);
    if (id >= f->next) id = f->next - 1; /* an id from nowhere: go on from now */
    if (id < f->first - 1) id = f->first - 1;
    for (; id + 1 < f->next && out->length < room; id++) {
        const struct entry *entry = &f->held[(id + 1) % TIDE_FEED_HELD];
        if (batch && entry->batch != batch) continue;
        if (name && entry->project != project) continue;
        tide_str_printf(out, "id: %lld\n%s", (long long)id + 1, entry->text);
    }
    pthread_mutex_unlock(&f->lock);
    return id;
}

void tide_feed_listen(struct tide_feed *f, void (*wake)(void *), void *context)
{
    size_t i = 0;
    pthread_mutex_lock(&f->calling);
    while (i < TIDE_FEED_LISTENERS && f->listeners[i].context)
        i++;
    assert(i < TIDE_FEED_LISTENERS);
    f->listeners[i] = (struct listener){wake, context};
    pthread_mutex_unlock(&f->calling);
}

void tide_feed_unlisten(struct tide_feed *f, void *context)
{
    pthread_mutex_lock(&f->calling);
    for (size_t i = 0; i < TIDE_FEED_LISTENERS; i++)
        if (f->listeners[i].context == context) f->listeners[i] = (struct listener){0};
    pthread_mutex_unlock(&f->calling);
}
