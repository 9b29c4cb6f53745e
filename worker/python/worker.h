/* worker.h - what the files of tidemark-worker share.
 *
 * One process is one run: there is one struct tide_worker, owned by embed.c and lent to the rest.
 * Threads: everything here is called with the GIL held; events come from the main thread only.
 * Memory: whatever grows with the number of events is in the ring; tables are made and touched
 * before the base is taken. */
#ifndef TIDE_WORKER_H
#define TIDE_WORKER_H

#include "compat.h"

#include "../ring.h"

#define TIDE_INSTRUMENT_VERSION "1"

/* ---- gauge.c: RSS of this process and its tide mark ---- */

struct tide_gauge {
    int statm, status, clear_refs; /* files of /proc/self */
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

/* ---- names.c: what the ids of events stand for ---- */

struct tide_name_entry {
    const void *what; /* code object, PyMethodDef, or the string of a mark */
    PyObject *owner;  /* strong; keeps `what` from being freed and its address from being reused */
    uint32_t id;
    uint32_t first_rss; /* marks: pages when it was passed first */
    bool tested;        /* a C function of the module under test */
    bool ours;          /* a function of the instrument: no event */
    bool passed;        /* marks: first_rss is set */
};

struct tide_names {
    struct tide_ring *ring; /* where definitions go; borrowed */
    const char *module;     /* the module under test; borrowed */
    struct tide_name_entry *entries;
    uint32_t count;
};

int tide_names_open(struct tide_names *n, struct tide_ring *ring, const char *module);
void tide_names_close(
    struct tide_names *n); /* leaves the objects: the interpreter is gone by then */

/* Each finds the entry or makes it, putting its NAME on the ring. Never NULL, never an exception:
 * when the table is full, or a name cannot be had, it is the entry of "(other)". */
struct tide_name_entry *tide_names_code(struct tide_names *n, PyCodeObject *code);
struct tide_name_entry *tide_names_function(struct tide_names *n, PyObject *function);
struct tide_name_entry *tide_names_mark(struct tide_names *n, PyObject *text);

/* ---- tracer.c: events, marks, peaks ---- */

#define TIDE_DEPTH_MAX 64

struct tide_worker {
    struct tide_ring ring;
    struct tide_gauge gauge;
    struct tide_names names;
    uint32_t thread;                /* kernel id of the main thread */
    bool off;                       /* a child that the scenario has forked: it writes nothing */
    uint32_t phase_peak;            /* pages, since the last mark */
    uint32_t depth;                 /* calls into the module under test that are open */
    uint32_t peaks[TIDE_DEPTH_MAX]; /* pages, the peak within each of them */
};

/* Call function(*args) with the tracer on. A new reference, or NULL and the call's exception. */
PyObject *tide_tracer_run(struct tide_worker *w, PyObject *function, PyObject *args);

void tide_tracer_mark(struct tide_worker *w, PyObject *name, int64_t value);

/* Put META. Text that the format cannot hold (too long, NUL) raises ValueError: -1. */
int tide_tracer_meta(struct tide_worker *w, const char *key, const char *json, size_t length);

/* ---- module.c: the built-in module "tidemark" ---- */

/* To be called before the interpreter is made; `w` is borrowed by the module. -1 without memory. */
int tide_module_install(struct tide_worker *w);

/* ---- environment.c ---- */

/* Put META "environment": all that moves a result and that only the process itself can tell.
 * -1 and an exception. */
int tide_environment_put(struct tide_worker *w, unsigned long hash_seed);

#endif
