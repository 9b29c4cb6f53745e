/* worker.h - what the files of tidemark-worker share.
 *
 * One process is one run: there is one struct tide_worker, owned by embed.c and lent to the rest.
 * Threads: everything here is called with the GIL held.
 * Memory: whatever grows with the number of events is in the ring; tables are made and touched
 * before the base is taken. */
#ifndef TIDE_WORKER_H
#define TIDE_WORKER_H

#include "compat.h"

#include "../ring.h"

#include <time.h>

#define TIDE_INSTRUMENT_VERSION "1"

/* ---- gauge.c: RSS of this process and its tide mark ---- */

struct tide_gauge {
    int statm, status, clear_refs, smaps; /* files of /proc/self */
    uint32_t page;
    bool fast; /* the mark comes from getrusage; else from VmHWM */
};

int tide_gauge_open(struct tide_gauge *g); /* 0 or an errno */
void tide_gauge_close(struct tide_gauge *g);

uint32_t tide_gauge_rss(const struct tide_gauge *g); /* pages */

/* The highest RSS since the last reset, in pages; `rss` is the reading made just before. */
uint32_t tide_gauge_mark(const struct tide_gauge *g, uint32_t rss);
void tide_gauge_reset(const struct tide_gauge *g);
const char *tide_gauge_source(const struct tide_gauge *g); /* "ru_maxrss" or "VmHWM"; static */

/* PSS, USS and swap of this process into *r; false when the kernel does not tell. */
bool tide_gauge_smaps(const struct tide_gauge *g, struct tide_record *r);

/* How exact the gauge is on this host. Measured once, by mapping, touching and unmapping memory. */
struct tide_errors {
    uint64_t rss;  /* bytes that statm was off by at the most */
    uint64_t mark; /* bytes that the tide mark was below a peak that had gone again */
    double rate;   /* bytes a nanosecond: as fast as RSS was made to move, up or down */
};
struct tide_errors tide_gauge_measure(const struct tide_gauge *g);

/* ---- clock.c: CLOCK_MONOTONIC, and between two readings of it the time-stamp counter ---- */

struct tide_clock {
    uint64_t anchor_ns, anchor_ticks; /* read together */
    uint64_t last_ns;                 /* stamped last: no stamp is earlier */
    uint64_t scale;                   /* nanoseconds a tick, times 2^32 */
    bool counter;                     /* ticks are those of the invariant counter of x86 */
};

void tide_clock_open(struct tide_clock *c);
uint64_t tide_clock_read(clockid_t clock); /* nanoseconds */

static inline uint64_t tide_clock_ticks(const struct tide_clock *c)
{
#if defined(__x86_64__)
    if (c->counter) return __builtin_ia32_rdtsc();
#endif
    (void)c;
    return tide_clock_read(CLOCK_MONOTONIC);
}

/* Read the clock itself; what is stamped until the next time is reckoned from here. */
static inline uint64_t tide_clock_anchor(struct tide_clock *c, uint64_t ticks)
{
    uint64_t now = tide_clock_read(CLOCK_MONOTONIC);

    c->anchor_ns = now;
    c->anchor_ticks = ticks;
    return c->last_ns = now > c->last_ns ? now : c->last_ns;
}

/* The time at `ticks`, which is not long after the anchor. */
static inline uint64_t tide_clock_reckon(struct tide_clock *c, uint64_t ticks)
{
    uint64_t now = c->anchor_ns + (((ticks - c->anchor_ticks) * c->scale) >> 32);

    return c->last_ns = now > c->last_ns ? now : c->last_ns;
}

/* ---- names.c: what the ids of events stand for ---- */

struct tide_name_entry {
    const void *what; /* code object, PyMethodDef, or the string of a mark */
    PyObject *owner;  /* strong; keeps `what` from being freed and its address from being reused */
    uint32_t id;
    uint32_t first_rss; /* marks: pages when it was passed first */
    uint64_t calls;
    uint64_t gained, released; /* pages, while it ran itself */
    uint32_t peak;             /* pages, the highest of its calls; of the module under test */
    bool tested;               /* a C function of the module under test */
    bool ours;                 /* a function of the instrument: no event */
    bool passed;               /* marks: first_rss is set */
};

struct tide_names {
    struct tide_ring *ring; /* where definitions go; borrowed */
    const char *module;     /* the module under test; borrowed */
    struct tide_name_entry *entries, *other;
    uint32_t count;
};

int tide_names_open(struct tide_names *n, struct tide_ring *ring, const char *module);
void tide_names_close(
    struct tide_names *n); /* leaves the objects: the interpreter is gone by then */

/* Each finds the entry or makes it, putting its NAME on the ring. Never an exception: when the
 * table is full, or a name cannot be had, it is the entry of "(other)". */
struct tide_name_entry *tide_names_code(struct tide_names *n, PyCodeObject *code);
struct tide_name_entry *tide_names_mark(struct tide_names *n, PyObject *text);

/* NULL for what is no C function. `self`: what a method descriptor is called on, NULL for nothing.
 */
struct tide_name_entry *tide_names_function(struct tide_names *n, PyObject *callable,
                                            PyObject *self);

static inline struct tide_name_entry *tide_names_other(struct tide_names *n)
{
    return n->other;
}

/* Every entry in use, "(other)" too. */
void tide_names_each(const struct tide_names *n,
                     void (*each)(void *context, const struct tide_name_entry *entry),
                     void *context);

/* ---- tracer.c: events, marks, peaks ---- */

enum { TIDE_DEPTH_MAX = 64, TIDE_STACK_MAX = 256, TIDE_THREADS_MAX = 128, TIDE_LINES = 1024 };

enum tide_recording { TIDE_CHANGES, TIDE_ALL, TIDE_MARKS };

/* A thread whose events are put. */
struct tide_thread {
    uint32_t id;    /* kernel thread id; 0: the place is free */
    uint32_t depth; /* open calls; those beyond TIDE_STACK_MAX are counted only */
    struct tide_name_entry *stack[TIDE_STACK_MAX];
};

/* A call into the module under test that is open. */
struct tide_open_call {
    uint32_t thread, peak; /* pages */
};

/* The line of an instruction, remembered. */
struct tide_line {
    const PyCodeObject *code;
    int instruction, line;
};

struct tide_plan {
    enum tide_recording recording;
    bool exact, lines;
    uint64_t threshold, bound; /* bytes */
};

struct tide_worker {
    struct tide_ring ring;
    struct tide_gauge gauge;
    struct tide_names names;
    struct tide_clock clock;
    struct tide_errors errors;
    struct tide_plan plan;
    bool tracing;        /* the scenario's function runs */
    bool off;            /* a child that the scenario has forked: it writes nothing */
    uint64_t gate;       /* ticks after a reading of RSS within which it is not read again */
    uint64_t read_ticks; /* when RSS was read last */
    uint32_t rss;        /* pages, as read last */
    uint32_t reported;   /* pages, as put last */
    uint32_t threshold;  /* pages */
    uint32_t phase_peak; /* pages, since the last mark */
    uint32_t threads_missed;
    uint32_t depth; /* calls into the module under test that are open */
    struct tide_open_call open[TIDE_DEPTH_MAX];
    struct tide_line lines[TIDE_LINES];
    struct tide_thread threads[TIDE_THREADS_MAX];
};

/* Touch what events will write to and work out the gate. The plan must be set. */
void tide_tracer_open(struct tide_worker *w);

/* Call function(*args) with the tracer on. A new reference, or NULL and the call's exception. */
PyObject *tide_tracer_run(struct tide_worker *w, PyObject *function, PyObject *args);

void tide_tracer_mark(struct tide_worker *w, PyObject *name, int64_t value);

/* Put META. Text that the format cannot hold (too long, NUL) raises ValueError: -1. */
int tide_tracer_meta(struct tide_worker *w, const char *key, const char *json, size_t length);

/* Events of a thread while the scenario's function runs. A Python function is entered or left:
 * CALL, RETURN. */
void tide_tracer_python(struct tide_worker *w, struct tide_thread *t, enum tide_kind kind,
                        const struct tide_place *at);

/* One in C is called at that place, or ends: C_CALL, C_RETURN, C_EXCEPTION. What is none, and those
 * of the instrument, are no events. `self` as for tide_names_function. */
void tide_tracer_c(struct tide_worker *w, struct tide_thread *t, enum tide_kind kind,
                   const struct tide_place *at, PyObject *function, PyObject *self);

void tide_tracer_line(struct tide_worker *w, struct tide_thread *t, PyCodeObject *code, int line);

/* GC or THREAD, of the thread that calls. */
void tide_tracer_event(struct tide_worker *w, enum tide_kind kind, uint32_t generation,
                       int64_t value);

/* Put META "tracer": the plan and what came of it. -1 and an exception. */
int tide_tracer_describe(struct tide_worker *w);

/* ---- calls.c: where events of calls come from, and whose ---- */

/* The place of the thread that calls; NULL: it is not traced. */
extern _Thread_local struct tide_thread *tide_thread;

/* To be called once, before any scenario is loaded. -1 and an exception. */
int tide_calls_install(struct tide_worker *w);

/* Let the events of calls come, for the thread that calls and those that entered. -1 and an
 * exception. */
int tide_calls_start(struct tide_worker *w);
void tide_calls_stop(struct tide_worker *w);

/* The thread that calls is traced from here, or up to here, with its THREAD event. */
void tide_calls_enter_thread(struct tide_worker *w);
void tide_calls_leave_thread(struct tide_worker *w);

/* Threads that C code has let into the interpreter since tide_calls_start without being traced; one
 * that comes again counts again. */
uint64_t tide_calls_foreign(void);

/* ---- hooks.c: threads and collections of garbage ---- */

/* Let every thread that Python code starts from now on come to the tracer. -1 and an exception. */
int tide_hooks_install(struct tide_worker *w);
uint64_t tide_hooks_started(void); /* threads that were started that way so far */
int tide_hooks_watch_gc(bool on);  /* -1 and an exception */

/* ---- module.c: the built-in module "tidemark" ---- */

/* To be called before the interpreter is made; `w` is borrowed by the module. -1 without memory. */
int tide_module_install(struct tide_worker *w);

/* ---- environment.c ---- */

/* Put META "environment": all that moves a result and that only the process itself can tell.
 * -1 and an exception. */
int tide_environment_put(struct tide_worker *w, unsigned long hash_seed);

#endif
