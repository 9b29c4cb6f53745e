/* feed.c - see feed.h: a ring of the newest events under one mutex. */
#include "base/feed.h"

#include "base/clock.h"
#include "base/log.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    char *text; /* name and data as they go out, without the id line */
    int64_t batch;
};

struct tide_feed {
    pthread_mutex_t lock;
    struct entry held[TIDE_FEED_HELD]; /* id i stands at i % TIDE_FEED_HELD */
    int64_t first, next;               /* ids: the oldest held, the one to give next */
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
    *slot = (struct entry){.text = text, .batch = batch};
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

int64_t tide_feed_read(struct tide_feed *f, int64_t id, int64_t batch, size_t room,
                       struct tide_str *out)
{
    pthread_mutex_lock(&f->lock);
    if (id >= f->next) id = f->next - 1; /* an id from nowhere: go on from now */
    if (id < f->first - 1) id = f->first - 1;
    for (; id + 1 < f->next && out->length < room; id++) {
        const struct entry *entry = &f->held[(id + 1) % TIDE_FEED_HELD];
        if (batch && entry->batch != batch) continue;
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
