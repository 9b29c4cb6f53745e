/* tracer.c - turns what the interpreter reports into events, marks, peaks and totals on the ring.
 *
 * Calls and lines come from calls.c, threads and collections from hooks.c, marks from module.c.
 * They become events only while the scenario's function runs: what the harness does before and
 * after is not traced.
 *
 * Cost. What decides is how often RSS is read, since that is a system call. In the precision
 * `bounded` it is read only when the gate has passed since the last reading: the time that the host
 * needs at the least to move RSS by the bound. A call that takes longer than that is thereby always
 * read after, and calls into the module under test are read in any case.
 *
 * Recording `changes`. An event is put when RSS has moved by the threshold against the value put
 * last, and the event before it is put too, if it was not. That one waits on the ring
 * (tide_ring_hold), where the probe takes it at its next tick: a call that lasts is in the stream
 * before the samples that were taken during it.
 *
 * Totals. What RSS moved by between two readings counts for the function that ran just before the
 * second.
 *
 * Peaks. The kernel keeps one mark, which is read and reset at the bounds of what we want to know:
 * at each mark, and where a call into the module under test begins. Each reading counts for all
 * that is open at that moment: the phase, and every open call of every thread (C code may call back
 * into Python and be entered again). So a phase is never lower than a call within it, and a call
 * that spans a mark carries nothing from before the mark into the new phase. */
#include "worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

_Thread_local struct tide_thread *tide_thread;

/* ---- peaks ---- */

/* Count a size for all that is open. */
static void fold(struct tide_worker *w, uint32_t pages)
{
    uint32_t depth = w->depth < TIDE_DEPTH_MAX ? w->depth : TIDE_DEPTH_MAX;

    if (pages > w->phase_peak) w->phase_peak = pages;
    for (uint32_t i = 0; i < depth; i++)
        if (pages > w->open[i].peak) w->open[i].peak = pages;
}

/* Read the mark and count it for all that is open. */
static void fold_peak(struct tide_worker *w, uint32_t rss)
{
    fold(w, tide_gauge_mark(&w->gauge, rss));
}

/* What begins begins at the present RSS, which the kernel's reset may take for somewhat less. */
static void enter_tested(struct tide_worker *w, uint32_t thread, uint32_t rss)
{
    fold_peak(w, rss);
    if (w->depth < TIDE_DEPTH_MAX) w->open[w->depth] = (struct tide_open_call){thread, rss};
    w->depth++;
    tide_gauge_reset(&w->gauge);
}

/* Returns the peak of the call that ends, 0 when it was nested too deep to be measured. */
static uint32_t leave_tested(struct tide_worker *w, uint32_t thread, uint32_t rss)
{
    uint32_t i, peak;

    if (w->depth == 0) return 0;
    fold_peak(w, rss);
    if (w->depth-- > TIDE_DEPTH_MAX) return 0;
    for (i = w->depth; i > 0 && w->open[i].thread != thread; i--) {}
    peak = w->open[i].peak;
    memmove(&w->open[i], &w->open[i + 1], (w->depth - i) * sizeof w->open[0]);
    return peak;
}

/* ---- the stack of a thread ---- */

static struct tide_name_entry *top(struct tide_worker *w, const struct tide_thread *t)
{
    if (t->depth == 0 || t->depth > TIDE_STACK_MAX) return tide_names_other(&w->names);
    return t->stack[t->depth - 1];
}

static void push(struct tide_thread *t, struct tide_name_entry *entry)
{
    if (t->depth < TIDE_STACK_MAX) t->stack[t->depth] = entry;
    t->depth++;
}

/* The entry may be missing (it was called before the tracing began) or lie deeper (an interpreter
 * that does not report every return). */
static void pop(struct tide_thread *t, const struct tide_name_entry *entry)
{
    uint32_t i = t->depth;

    if (i > TIDE_STACK_MAX) {
        t->depth--;
        return;
    }
    while (i > 0 && t->stack[i - 1] != entry)
        i--;
    if (i > 0) t->depth = i - 1;
}

/* ---- lines ---- */

/* The line of a place, which CPython searches a table of the code for at every call. */
static uint32_t line_of(struct tide_worker *w, const struct tide_place *at, bool remember)
{
    size_t hash = ((size_t)(uintptr_t)at->code >> 4) ^ ((size_t)at->instruction * 31);
    struct tide_line *l = &w->lines[hash % TIDE_LINES];
    int line;

    if (l->code == at->code && l->instruction == at->instruction) return (uint32_t)l->line;
    line = tide_place_line(at);
    if (line < 0) line = 0;
    if (remember) *l = (struct tide_line){at->code, at->instruction, line};
    return (uint32_t)line;
}

/* ---- readings and events ---- */

/* Read RSS and count what it moved by for `ran`. */
static void read_rss(struct tide_worker *w, uint64_t ticks, struct tide_name_entry *ran)
{
    uint32_t rss = tide_gauge_rss(&w->gauge);

    if (w->tracing && rss > w->rss) ran->gained += rss - w->rss;
    if (w->tracing && rss < w->rss) ran->released += w->rss - rss;
    w->rss = rss;
    w->read_ticks = ticks;
    fold(w, rss);
}

/* Stamp the slot and give it its RSS. `must`: whatever the gate says. */
static inline void gauge_event(struct tide_worker *w, struct tide_slot *slot,
                               struct tide_name_entry *ran, bool must)
{
    uint64_t ticks = tide_clock_ticks(&w->clock);

    if (must || ticks - w->read_ticks >= w->gate) {
        slot->t_ns = tide_clock_anchor(&w->clock, ticks);
        read_rss(w, ticks, ran);
    } else {
        slot->t_ns = tide_clock_reckon(&w->clock, ticks);
    }
    slot->rss_pages = w->rss;
}

static inline bool has_moved(const struct tide_worker *w)
{
    uint32_t moved = w->rss > w->reported ? w->rss - w->reported : w->reported - w->rss;

    return moved >= w->threshold;
}

/* Put the event before this one, if this one shows that it matters, and forget it. */
static inline void put_before(struct tide_worker *w)
{
    if (w->plan.recording == TIDE_CHANGES) tide_ring_release(&w->ring, has_moved(w));
    w->reported = w->rss;
}

static inline void put_or_hold(struct tide_worker *w, const struct tide_slot *slot, bool must)
{
    if (w->plan.recording == TIDE_CHANGES && !must && !has_moved(w)) {
        tide_ring_hold(&w->ring, slot);
        return;
    }
    put_before(w);
    tide_ring_put_slot(&w->ring, slot);
}

/* ---- calls ---- */

/* `ran`: the function that ran before the event. */
static inline void put_call(struct tide_worker *w, struct tide_thread *t, enum tide_kind kind,
                            const struct tide_place *at, struct tide_name_entry *entry,
                            struct tide_name_entry *ran)
{
    struct tide_slot slot = {.kind = (uint8_t)kind, .span = 1, .thread = t->id, .name = entry->id};

    slot.line = line_of(w, at, entry->what == at->code || top(w, t)->what == at->code);
    tide_ring_begin(&w->ring);
    gauge_event(w, &slot, ran, entry->tested);
    if (entry->tested) {
        if (kind == TIDE_C_CALL)
            enter_tested(w, t->id, slot.rss_pages);
        else
            slot.peak_pages = leave_tested(w, t->id, slot.rss_pages);
        if (slot.peak_pages > entry->peak) entry->peak = slot.peak_pages;
    }
    put_or_hold(w, &slot, entry->tested);
}

static inline void enter(struct tide_worker *w, struct tide_thread *t, enum tide_kind kind,
                         const struct tide_place *at, struct tide_name_entry *entry)
{
    struct tide_name_entry *ran = top(w, t);

    entry->calls++;
    push(t, entry);
    put_call(w, t, kind, at, entry, ran);
}

static inline void leave(struct tide_worker *w, struct tide_thread *t, enum tide_kind kind,
                         const struct tide_place *at, struct tide_name_entry *entry)
{
    pop(t, entry);
    put_call(w, t, kind, at, entry, entry);
}

void tide_tracer_python(struct tide_worker *w, struct tide_thread *t, enum tide_kind kind,
                        const struct tide_place *at)
{
    struct tide_name_entry *last = top(w, t);

    if (kind == TIDE_CALL)
        enter(w, t, kind, at, tide_names_code(&w->names, at->code));
    else
        leave(w, t, kind, at, last->what == at->code ? last : tide_names_code(&w->names, at->code));
}

void tide_tracer_c(struct tide_worker *w, struct tide_thread *t, enum tide_kind kind,
                   const struct tide_place *at, PyObject *function, PyObject *self)
{
    struct tide_name_entry *entry = tide_names_function(&w->names, function, self);

    if (!entry || entry->ours) return;
    if (kind == TIDE_C_CALL)
        enter(w, t, kind, at, entry);
    else
        leave(w, t, kind, at, entry);
}

void tide_tracer_line(struct tide_worker *w, struct tide_thread *t, PyCodeObject *code, int line)
{
    struct tide_name_entry *entry = tide_names_code(&w->names, code);
    struct tide_slot slot = {.kind = TIDE_LINE,
                             .span = 1,
                             .thread = t->id,
                             .name = entry->id,
                             .line = line > 0 ? (uint32_t)line : 0};

    tide_ring_begin(&w->ring);
    gauge_event(w, &slot, entry, false);
    put_or_hold(w, &slot, false);
}

/* ---- what is no call ---- */

/* Where Python code runs just now; 0 outside of any. */
static uint32_t present_line(void)
{
    PyFrameObject *frame = PyEval_GetFrame();
    int line = frame ? PyFrame_GetLineNumber(frame) : 0;

    return line > 0 ? (uint32_t)line : 0;
}

static struct tide_name_entry *running(struct tide_worker *w)
{
    return tide_thread ? top(w, tide_thread) : tide_names_other(&w->names);
}

void tide_tracer_event(struct tide_worker *w, enum tide_kind kind, uint32_t generation,
                       int64_t value)
{
    struct tide_record r = {.kind = kind, .generation = generation, .value = value};
    struct tide_slot slot;

    if (!tide_thread || !w->tracing || w->off) return;
    r.thread = tide_thread->id;
    r.line = present_line();
    tide_ring_begin(&w->ring);
    gauge_event(w, &slot, running(w), true);
    r.t_ns = slot.t_ns;
    r.rss = (uint64_t)slot.rss_pages * w->gauge.page;
    put_before(w);
    tide_ring_put(&w->ring, &r); /* no text: it always fits */
}

/* ---- marks and metadata ---- */

/* Behind the mark, so that its time is not the scenario's. It walks all mapped pages: once per name
 * of a mark, not at every iteration. */
static void put_smaps(struct tide_worker *w, uint32_t name)
{
    struct tide_record r = {.kind = TIDE_SMAPS, .name = name};

    if (!tide_gauge_smaps(&w->gauge, &r)) return;
    tide_ring_begin(&w->ring);
    r.t_ns = tide_clock_anchor(&w->clock, tide_clock_ticks(&w->clock));
    tide_ring_put(&w->ring, &r);
}

void tide_tracer_mark(struct tide_worker *w, PyObject *name, int64_t value)
{
    struct tide_record r = {.kind = TIDE_MARK, .value = value};
    struct tide_name_entry *entry;
    struct tide_slot slot;

    if (w->off) return;
    entry = tide_names_mark(&w->names, name);
    r.name = entry->id;
    r.thread = (uint32_t)syscall(SYS_gettid); /* a mark may come from a thread without the hook */
    r.line = present_line();
    r.cpu_ns = tide_clock_read(CLOCK_PROCESS_CPUTIME_ID);
    tide_ring_begin(&w->ring);
    gauge_event(w, &slot, running(w), true);
    fold_peak(w, slot.rss_pages);
    r.t_ns = slot.t_ns;
    r.rss = (uint64_t)slot.rss_pages * w->gauge.page;
    r.peak = (uint64_t)w->phase_peak * w->gauge.page;
    put_before(w);
    tide_ring_put(&w->ring, &r);
    if (!entry->passed) {
        entry->passed = true;
        entry->first_rss = slot.rss_pages;
        put_smaps(w, entry->id);
    }
    w->phase_peak = slot.rss_pages;
    tide_gauge_reset(&w->gauge);
}

int tide_tracer_meta(struct tide_worker *w, const char *key, const char *json, size_t length)
{
    struct tide_record r = {.kind = TIDE_META};
    size_t key_length = strlen(key);

    if (w->off) return 0;
    if (key_length > TIDE_STREAM_TEXT_MAX || length > TIDE_STREAM_TEXT_MAX) {
        PyErr_Format(PyExc_ValueError, "metadata of %zu bytes: at most %u are allowed", length,
                     TIDE_STREAM_TEXT_MAX);
        return -1;
    }
    if (memchr(json, 0, length)) {
        PyErr_SetString(PyExc_ValueError, "metadata holds a NUL");
        return -1;
    }
    r.key = (struct tide_text){key, (uint32_t)key_length};
    r.text = (struct tide_text){json, (uint32_t)length};
    tide_ring_begin(&w->ring);
    tide_ring_put(&w->ring, &r);
    return 0;
}

int tide_tracer_describe(struct tide_worker *w)
{
    static const char *const RECORDINGS[] = {"changes", "all", "marks"};
    char json[512];
    int n = snprintf(json, sizeof json,
                     "{\"recording\":\"%s\",\"precision\":\"%s\",\"threshold\":%llu,"
                     "\"bound\":%llu,\"gate_ns\":%llu,\"bytes_per_us\":%.0f,\"lines\":%s,"
                     "\"clock\":\"%s\",\"hook\":\"%s\"}",
                     RECORDINGS[w->plan.recording], w->plan.exact ? "exact" : "bounded",
                     (unsigned long long)w->plan.threshold,
                     (unsigned long long)(w->plan.exact ? 0 : w->plan.bound),
                     (unsigned long long)((w->gate * w->clock.scale) >> 32), w->errors.rate * 1000,
                     w->plan.lines ? "true" : "false", w->clock.counter ? "tsc" : "monotonic",
                     TIDE_HOOK);

    return tide_tracer_meta(w, "tracer", json, (size_t)n);
}

struct usage { /* of the process, up to an instant */
    uint64_t cpu_ns, wall_ns, minor, major;
};

static struct usage read_usage(void)
{
    struct rusage faults;

    getrusage(RUSAGE_SELF, &faults); /* cannot fail (getrusage(2)) */
    return (struct usage){tide_clock_read(CLOCK_PROCESS_CPUTIME_ID),
                          tide_clock_read(CLOCK_MONOTONIC), (uint64_t)faults.ru_minflt,
                          (uint64_t)faults.ru_majflt};
}

static void put_usage(struct tide_worker *w, const struct usage *from, const struct usage *to)
{
    char json[256];
    int n = snprintf(json, sizeof json,
                     "{\"cpu_ns\":%llu,\"wall_ns\":%llu,\"minor_faults\":%llu,"
                     "\"major_faults\":%llu,\"threads_missed\":%u,\"threads_foreign\":%llu}",
                     (unsigned long long)(to->cpu_ns - from->cpu_ns),
                     (unsigned long long)(to->wall_ns - from->wall_ns),
                     (unsigned long long)(to->minor - from->minor),
                     (unsigned long long)(to->major - from->major), w->threads_missed,
                     (unsigned long long)tide_calls_foreign());

    tide_tracer_meta(w, "usage", json, (size_t)n); /* short: cannot fail */
}

static void put_total(void *context, const struct tide_name_entry *entry)
{
    struct tide_worker *w = context;
    uint64_t page = w->gauge.page;
    struct tide_record r = {.kind = TIDE_TOTAL, .name = entry->id, .calls = entry->calls};

    if (!entry->calls && !entry->gained && !entry->released) return;
    r.gained = entry->gained * page;
    r.released = entry->released * page;
    r.peak = entry->peak * page;
    tide_ring_begin(&w->ring);
    r.t_ns = tide_clock_anchor(&w->clock, tide_clock_ticks(&w->clock));
    tide_ring_put(&w->ring, &r);
}

void tide_tracer_open(struct tide_worker *w)
{
    /* Half the time: the rate was measured on a host that may have been busier than it will be. */
    double bound = (double)w->plan.bound / 2, ns = w->errors.rate > 0 ? bound / w->errors.rate : 0;

    w->threshold = (uint32_t)((w->plan.threshold + w->gauge.page - 1) / w->gauge.page);
    if (w->threshold == 0) w->threshold = 1;
    if (ns > 1e5) ns = 1e5; /* the clock is reckoned no further than this */
    w->gate = w->plan.exact ? 0 : (uint64_t)(ns * 4294967296.0 / (double)w->clock.scale);
    memset(w->lines, 0xff, sizeof w->lines);
    memset(w->lines, 0, sizeof w->lines);
    memset(w->threads, 0xff, sizeof w->threads);
    memset(w->threads, 0, sizeof w->threads);
    w->rss = w->reported = tide_gauge_rss(&w->gauge);
}

PyObject *tide_tracer_run(struct tide_worker *w, PyObject *function, PyObject *args)
{
    struct usage before, after;
    PyObject *result;

    if (tide_hooks_watch_gc(w->plan.recording != TIDE_MARKS) || tide_calls_start(w)) return NULL;
    before = read_usage();
    w->tracing = true;
    result = PyObject_Call(function, args, NULL);
    w->tracing = false;
    after = read_usage();
    tide_calls_stop(w);
    w->depth = 0;
    if (!w->off) tide_ring_release(&w->ring, true); /* the return of the function itself */
    put_usage(w, &before, &after);
    if (!w->off) tide_names_each(&w->names, put_total, w);
    return result;
}
