/* internal.h - what the files of the scheduler share: its state, and the place where runs are
 * measured. */
#ifndef TIDE_SCHEDULE_INTERNAL_H
#define TIDE_SCHEDULE_INTERNAL_H

#include "schedule/builds.h"
#include "schedule/scheduler.h"
#include "store/control.h"

#include <pthread.h>

struct tide_slot { /* a place where one run at a time is measured, with a thread of its own */
    struct tide_scheduler *scheduler;
    const char *cpus; /* that its runs are pinned to; NULL: none */
    pthread_t thread;
    bool started;
    int64_t run, batch;    /* at work, 0 for none; guarded by the scheduler's lock, as is: */
    int64_t need;          /* bytes that it will want */
    atomic_bool stop;      /* what is at work is to end: it is cancelled, or the daemon stops */
    atomic_bool cancelled; /* it is cancelled */
};

struct tide_scheduler {
    const struct tide_places *places;
    struct tide_store *store;
    struct tide_feed *feed;
    bool demo;
    int64_t started_ns;
    struct tide_slot slots[TIDE_CPU_SETS_MAX];
    size_t n_slots;
    atomic_bool stop;
    pthread_mutex_t lock; /* guards what follows; held while a run is claimed */
    pthread_cond_t changed;
    bool discovered;
    enum tide_rc discovery;         /* how it ended */
    struct tide_error trouble;      /* why nothing can be measured; no text: nothing is wrong */
    unsigned news;                  /* goes up when something is queued, or the queue resumed */
    unsigned measuring;             /* slots that measure */
    unsigned building;              /* slots that build, or wait to */
    struct tide_projects *projects; /* NULL until discovered */
    struct tide_builder builder;
    struct tide_builds *builds;
    char *harness;
    pthread_mutex_t supplying; /* held from when a build is seen in the cache until its run is known
                                  to need it, and while builds go out of the cache */
    pthread_mutex_t choosing;  /* one slot chooses at a time; guards what follows */
    int64_t overtaken_run;     /* the first that waits */
    unsigned overtaken;        /* by how many */
};

/* ---- admission.c: which run is started next ---- */

struct tide_choice {
    int64_t run, need;
    struct tide_error never; /* why it can never be started; no text: it can be, now */
};
/* The slot's next run. ABSENT: the queue is empty. BUSY: whatever is in it waits for memory. */
TIDE_CHECK enum tide_rc tide_admission_choose(struct tide_slot *slot, struct tide_choice *out,
                                              struct tide_error *e);
/* Whether the run in the slot fits now; BUSY says what it waits for. */
TIDE_CHECK enum tide_rc tide_admission_check(struct tide_slot *slot, struct tide_error *e);

/* ---- turns.c: builds and measured runs of several slots keep out of each other's way ---- */

/* Wait until no run is measured, so that builds may begin; measured runs wait meanwhile. STOPPED
 * when the slot is to end. Where builds are made beside runs nobody waits. */
TIDE_CHECK enum tide_rc tide_turns_begin_build(struct tide_slot *slot, struct tide_error *e);
void tide_turns_end_build(struct tide_slot *slot);
TIDE_CHECK enum tide_rc tide_turns_begin_run(struct tide_slot *slot, struct tide_error *e);
void tide_turns_end_run(struct tide_slot *slot);

/* ---- publish.c: what the feed is told ---- */

void tide_publish_run(struct tide_scheduler *s, const char *name, int64_t run, int64_t batch);
void tide_publish_batch(struct tide_scheduler *s, int64_t batch);
void tide_publish_queue(struct tide_scheduler *s);
/* A batch that was queued, and each of its runs. */
void tide_publish_queued(struct tide_scheduler *s, int64_t batch);
/* Each run that was changed under its new status, and their batches. */
void tide_publish_changes(struct tide_scheduler *s, const char *name,
                          const struct tide_touched *changes);

/* ---- supply.c: the builds that runs need ---- */

/* The python that the run was queued for; NULL when it is gone. It stays until the scheduler is
 * freed. */
const struct tide_python *tide_supply_python(struct tide_scheduler *s, const struct tide_job *job);
/* The build that the run of the slot needs: from the cache, or made now. FAILED with *own set when
 * the commit does not build, now or before. STOPPED when the slot is to end. */
TIDE_CHECK enum tide_rc tide_supply_build(struct tide_slot *slot, const struct tide_job *job,
                                          struct tide_catalog *c, const struct tide_python *python,
                                          struct tide_build *plan, bool *own, struct tide_error *e);
/* Begin what the queue's next runs need, as far as there is room. */
void tide_supply_ahead(struct tide_scheduler *s);
/* Remove builds from the cache down to its limit. Only while nothing uses a build but a run whose
 * build is set. A fault is told, and no run's. */
void tide_supply_trim(struct tide_scheduler *s);

/* ---- slot.c: runs, one after the other ---- */

/* Take runs off the queue until the daemon stops. */
void tide_slot_work(struct tide_slot *slot);

/* ---- scheduler.c ---- */

/* Tell whoever waits that there is work. */
void tide_scheduler_wake(struct tide_scheduler *s);
/* Wait for discovery; its result. */
TIDE_CHECK enum tide_rc tide_scheduler_await(struct tide_scheduler *s, struct tide_error *e);

#endif
