/* tracer.c - turns what the interpreter reports into events, marks and peaks on the ring.
 *
 * The hook is that of PyEval_SetProfile, installed for the one call of the scenario's function, on
 * the main thread: what the harness does before and after is not traced.
 *
 * Peaks. The kernel keeps one mark, which is read and reset at the bounds of what we want to know:
 * at each mark, and where a call into the module under test begins. Each reading counts for all
 * that is open at that moment: the phase, and every call on the stack of calls (C code may call
 * back into Python and be entered again). So a phase is never lower than a call within it, and a
 * call that spans a mark carries nothing from before the mark into the new phase. */
#include "worker.h"

#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct tide_worker
    *current; /* while tide_tracer_run is on: the hook's argument is an object */

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Count a size for all that is open. */
static void fold(struct tide_worker *w, uint32_t pages)
{
    uint32_t depth = w->depth < TIDE_DEPTH_MAX ? w->depth : TIDE_DEPTH_MAX;

    if (pages > w->phase_peak) w->phase_peak = pages;
    for (uint32_t i = 0; i < depth; i++)
        if (pages > w->peaks[i]) w->peaks[i] = pages;
}

/* Read the mark and count it for all that is open. */
static void fold_peak(struct tide_worker *w, uint32_t rss)
{
    fold(w, tide_gauge_mark(&w->gauge, rss));
}

/* What begins begins at the present RSS, which the kernel's reset may take for somewhat less. */
static void enter_tested(struct tide_worker *w, uint32_t rss)
{
    fold_peak(w, rss);
    if (w->depth < TIDE_DEPTH_MAX) w->peaks[w->depth] = rss;
    w->depth++;
    tide_gauge_reset(&w->gauge);
}

/* Returns the peak of the call that ends, 0 when it was nested too deep to be measured. */
static uint32_t leave_tested(struct tide_worker *w, uint32_t rss)
{
    if (w->depth == 0) return 0;
    fold_peak(w, rss);
    w->depth--;
    return w->depth < TIDE_DEPTH_MAX ? w->peaks[w->depth] : 0;
}

static int hook(PyObject *unused, PyFrameObject *frame, int what, PyObject *arg)
{
    static const uint8_t KINDS[8] = {
        [PyTrace_CALL] = TIDE_CALL,
        [PyTrace_RETURN] = TIDE_RETURN,
        [PyTrace_C_CALL] = TIDE_C_CALL,
        [PyTrace_C_RETURN] = TIDE_C_RETURN,
        [PyTrace_C_EXCEPTION] = TIDE_C_EXCEPTION,
    };
    struct tide_worker *w = current;
    struct tide_slot slot = {.kind = KINDS[what & 7], .span = 1};
    const struct tide_name_entry *name;
    (void)unused;

    if (!w || w->off || !slot.kind) return 0;
    name = slot.kind >= TIDE_C_CALL ? tide_names_function(&w->names, arg)
                                    : tide_names_code(&w->names, tide_frame_code(frame));
    if (name->ours) return 0;
    slot.thread = w->thread;
    slot.name = name->id;
    slot.line = (uint32_t)PyFrame_GetLineNumber(frame);
    tide_ring_begin(&w->ring);
    slot.t_ns = clock_ns(CLOCK_MONOTONIC);
    slot.rss_pages = tide_gauge_rss(&w->gauge);
    fold(w, slot.rss_pages);
    if (name->tested) {
        if (slot.kind == TIDE_C_CALL)
            enter_tested(w, slot.rss_pages);
        else
            slot.peak_pages = leave_tested(w, slot.rss_pages);
    }
    tide_ring_put_slot(&w->ring, &slot);
    return 0;
}

void tide_tracer_mark(struct tide_worker *w, PyObject *name, int64_t value)
{
    struct tide_record r = {.kind = TIDE_MARK, .value = value};
    PyFrameObject *frame = PyEval_GetFrame();
    struct tide_name_entry *entry;
    uint32_t rss;

    if (w->off) return;
    entry = tide_names_mark(&w->names, name);
    r.name = entry->id;
    r.thread = (uint32_t)syscall(SYS_gettid); /* a mark may come from any thread */
    r.line = frame ? (uint32_t)PyFrame_GetLineNumber(frame) : 0;
    tide_ring_begin(&w->ring);
    r.t_ns = clock_ns(CLOCK_MONOTONIC);
    rss = tide_gauge_rss(&w->gauge);
    fold_peak(w, rss);
    r.rss = (uint64_t)rss * w->gauge.page;
    r.peak = (uint64_t)w->phase_peak * w->gauge.page;
    tide_ring_put(&w->ring, &r); /* a mark has no text and always fits */
    if (!entry->passed) {
        entry->passed = true;
        entry->first_rss = rss;
    }
    w->phase_peak = rss;
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

static void put_usage(struct tide_worker *w, uint64_t cpu_ns, uint64_t wall_ns)
{
    char json[96];
    int n = snprintf(json, sizeof json, "{\"cpu_ns\":%llu,\"wall_ns\":%llu}",
                     (unsigned long long)cpu_ns, (unsigned long long)wall_ns);

    tide_tracer_meta(w, "usage", json, (size_t)n); /* short: cannot fail */
}

PyObject *tide_tracer_run(struct tide_worker *w, PyObject *function, PyObject *args)
{
    uint64_t cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID), wall = clock_ns(CLOCK_MONOTONIC);
    PyObject *result;

    current = w;
    PyEval_SetProfile(hook, NULL);
    result = PyObject_Call(function, args, NULL);
    PyEval_SetProfile(NULL, NULL);
    current = NULL;
    w->depth = 0;
    put_usage(w, clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu, clock_ns(CLOCK_MONOTONIC) - wall);
    return result;
}
