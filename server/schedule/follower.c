/* follower.c - see follower.h. */
#include "schedule/follower.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define PAUSE_MS 200

struct tide_follower {
    struct tide_feed *feed;
    struct tide_scheduler *scheduler;
    tide_follower_fn *round;
    void *context;
    atomic_bool stop;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    bool woken;
};

static void wake(void *context)
{
    struct tide_follower *f = context;
    pthread_mutex_lock(&f->lock);
    f->woken = true;
    pthread_cond_signal(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

void tide_follower_wake(struct tide_follower *f)
{
    wake(f);
}

const atomic_bool *tide_follower_stop(const struct tide_follower *f)
{
    return &f->stop;
}

static void wait_for_news(struct tide_follower *f)
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
    pthread_mutex_lock(&f->lock);
    while (!f->woken && !f->stop)
        pthread_cond_wait(&f->changed, &f->lock);
    f->woken = false;
    pthread_mutex_unlock(&f->lock);
    if (!f->stop) nanosleep(&pause, NULL);
}

static void *work(void *context)
{
    struct tide_follower *f = context;
    struct tide_projects *projects;
    enum tide_rc rc = TIDE_BUSY;
    while (rc == TIDE_BUSY && !f->stop) /* until it is known what can be measured */
        rc = tide_scheduler_projects(f->scheduler, &projects, NULL);
    while (!rc && !f->stop) {
        f->round(f->context, &f->stop);
        wait_for_news(f);
    }
    return NULL;
}

static enum tide_rc start_thread(struct tide_follower *f, const char *name, struct tide_error *e)
{
    sigset_t all, before; /* signals are the main thread's */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&f->thread, NULL, work, f);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = failed;
    return failed ? tide_fail_errno(e, "start the %s", name) : TIDE_OK;
}

static void free_parts(struct tide_follower *f)
{
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

enum tide_rc tide_follower_start(const char *name, struct tide_feed *feed,
                                 struct tide_scheduler *scheduler, tide_follower_fn *round,
                                 void *context, struct tide_follower **out, struct tide_error *e)
{
    struct tide_follower *f = calloc(1, sizeof *f);
    *out = NULL;
    if (!f) return tide_fail(e, TIDE_NOMEM, "start the %s", name);
    f->feed = feed;
    f->scheduler = scheduler;
    f->round = round;
    f->context = context;
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, NULL);
    enum tide_rc rc = start_thread(f, name, e);
    if (rc) {
        free_parts(f);
        return rc;
    }
    tide_feed_listen(feed, wake, f);
    *out = f;
    return TIDE_OK;
}

void tide_follower_interrupt(struct tide_follower *f)
{
    if (!f) return;
    tide_feed_unlisten(f->feed, f);
    f->stop = true;
    wake(f);
}

void tide_follower_free(struct tide_follower *f)
{
    if (!f) return;
    tide_follower_interrupt(f);
    pthread_join(f->thread, NULL);
    free_parts(f);
}
