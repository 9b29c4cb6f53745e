/* calls.c - where the events of calls come from, and which threads have them.
 *
 * From CPython 3.12 on, sys.monitoring (PEP 669) with objects whose vectorcall is a C function; up
 * to 3.11 the hook of PyEval_SetProfile. On 3.12 and later the latter is emulated by the former,
 * which makes a frame object for each Python call and a bound method for each method of C: the
 * direct way costs less than half (docs/MEASURING.md). The rules of the emulation
 * (Python/legacy_tracing.c) hold here too, so that every version reports the same events. No
 * location is ever disabled: what is called there next may be another function. Lines come by
 * PyEval_SetTrace on every version: it reports a backward jump within a line, which
 * sys.monitoring's LINE does not.
 *
 * Threads. sys.monitoring reports calls of every thread, also of those that C code made and let in
 * with PyGILState_Ensure: such a one is taken up at its first event, and its end is told by an
 * object in its thread's dict, which CPython clears when the thread goes. PyEval_SetProfile holds
 * for one thread and can be set by no other: there they are counted, by the numbers that CPython
 * gives to thread states. */
#include "worker.h"

#include <sys/syscall.h>
#include <unistd.h>

static struct tide_worker *worker;
static _Thread_local bool closed; /* this thread found no place, or has left for good */

/* ---- threads ---- */

/* Give this thread its place: NULL when there is none. */
static struct tide_thread *take_place(struct tide_worker *w)
{
    struct tide_thread *t = w->threads, *end = w->threads + TIDE_THREADS_MAX;

    if (tide_thread || closed) return tide_thread;
    while (t < end && t->id)
        t++;
    closed = t == end;
    w->threads_missed += closed;
    if (closed) return NULL;
    t->id = (uint32_t)syscall(SYS_gettid);
    t->depth = 0;
    return tide_thread = t;
}

/* ---- lines ---- */

static int on_line(PyObject *unused, PyFrameObject *frame, int what, PyObject *arg)
{
    struct tide_worker *w = worker;
    (void)unused, (void)arg;

    if (what == PyTrace_LINE && tide_thread && w->tracing && !w->off)
        tide_tracer_line(w, tide_thread, tide_frame_code(frame), PyFrame_GetLineNumber(frame));
    return 0;
}

#if PY_VERSION_HEX >= 0x030C0000

/* ---- sys.monitoring ---- */

enum { TOOL = 4 }; /* of six, one that PEP 669 gives to nobody */

static const char THREAD_KEY[] = "tidemark.thread";
static PyObject *monitoring, *missing; /* sys.monitoring and its MISSING, strong */

/* The dict of a thread that C code made is cleared: by itself, or by another that cleans up. */
static void end_foreign(PyObject *capsule)
{
    struct tide_thread *t = PyCapsule_GetPointer(capsule, THREAD_KEY);

    if (t == tide_thread)
        tide_calls_leave_thread(worker);
    else
        t->id = 0;
    closed = false; /* it may come again */
}

/* A thread that has not entered: C code made it. It may be anywhere, but no exception is set. */
static struct tide_thread *take_up_foreign(struct tide_worker *w)
{
    struct tide_thread *t = take_place(w);
    PyObject *dict = t ? PyThreadState_GetDict() : NULL; /* borrowed */
    PyObject *capsule = dict ? PyCapsule_New(t, THREAD_KEY, end_foreign) : NULL;

    if (!capsule || PyDict_SetItemString(dict, THREAD_KEY, capsule)) PyErr_Clear();
    Py_XDECREF(capsule);
    if (tide_thread) tide_tracer_event(w, TIDE_THREAD, 0, 1);
    return tide_thread;
}

/* The thread of an event that counts, else NULL. */
static inline struct tide_thread *wanted(struct tide_worker *w)
{
    if (!w->tracing || w->off) return NULL;
    return tide_thread ? tide_thread : take_up_foreign(w);
}

static inline struct tide_place place_of(PyObject *const *args)
{
    return (struct tide_place){
        (PyCodeObject *)args[0],
        (int)PyUnstable_Long_CompactValue((PyLongObject *)args[1]),
        NULL,
    };
}

static inline PyObject *report(enum tide_kind kind, PyObject *const *args)
{
    struct tide_thread *t = wanted(worker);
    struct tide_place at = place_of(args);

    if (t) tide_tracer_python(worker, t, kind, &at);
    Py_RETURN_NONE;
}

static inline PyObject *report_c(enum tide_kind kind, PyObject *const *args)
{
    struct tide_thread *t = wanted(worker);
    struct tide_place at = place_of(args);

    if (t) tide_tracer_c(worker, t, kind, &at, args[2], args[3] == missing ? NULL : args[3]);
    Py_RETURN_NONE;
}

/* A frame that an exception leaves. What raises it again (finally, with, the end of a generator) is
 * where the event says it is, perhaps without a line; the frame knows where it was raised first, as
 * up to 3.11. */
static inline PyObject *report_unwind(enum tide_kind kind, PyObject *const *args)
{
    struct tide_thread *t = wanted(worker);
    struct tide_place at = place_of(args);
    PyFrameObject *frame = t ? PyEval_GetFrame() : NULL; /* borrowed */

    if (frame && tide_frame_code(frame) == at.code) at.instruction = tide_frame_instruction(frame);
    if (t) tide_tracer_python(worker, t, kind, &at);
    Py_RETURN_NONE;
}

#    define WATCHER(name, how, kind)                                                            \
        static PyObject *name(PyObject *self, PyObject *const *args, size_t n, PyObject *names) \
        {                                                                                       \
            (void)self, (void)n, (void)names;                                                   \
            return how(kind, args);                                                             \
        }

WATCHER(on_call, report, TIDE_CALL)
WATCHER(on_return, report, TIDE_RETURN)
WATCHER(on_unwind, report_unwind, TIDE_RETURN)
WATCHER(on_c_call, report_c, TIDE_C_CALL)
WATCHER(on_c_return, report_c, TIDE_C_RETURN)
WATCHER(on_c_exception, report_c, TIDE_C_EXCEPTION)

/* A callable of its own kind: a built-in function would count against the limit of recursion. */
struct watcher {
    PyObject_HEAD vectorcallfunc call;
};

static PyTypeObject watcher_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "tidemark.Watcher",
    .tp_basicsize = sizeof(struct watcher),
    .tp_vectorcall_offset = offsetof(struct watcher, call),
    .tp_call = PyVectorcall_Call,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL,
};

static struct {
    const char *event;
    struct watcher watcher;
} watchers[] = {
    {"PY_START", {PyObject_HEAD_INIT(&watcher_type) on_call}},
    {"PY_RESUME", {PyObject_HEAD_INIT(&watcher_type) on_call}},
    {"PY_THROW", {PyObject_HEAD_INIT(&watcher_type) on_call}},
    {"PY_RETURN", {PyObject_HEAD_INIT(&watcher_type) on_return}},
    {"PY_YIELD", {PyObject_HEAD_INIT(&watcher_type) on_return}},
    {"PY_UNWIND", {PyObject_HEAD_INIT(&watcher_type) on_unwind}},
    {"CALL", {PyObject_HEAD_INIT(&watcher_type) on_c_call}},
    {"C_RETURN", {PyObject_HEAD_INIT(&watcher_type) on_c_return}},
    {"C_RAISE", {PyObject_HEAD_INIT(&watcher_type) on_c_exception}},
};
static long all_events;

static int register_watcher(PyObject *events, const char *name, struct watcher *watcher)
{
    PyObject *number = PyObject_GetAttrString(events, name);
    PyObject *before = number ? PyObject_CallMethod(monitoring, "register_callback", "iOO", TOOL,
                                                    number, (PyObject *)watcher)
                              : NULL;

    if (before) all_events |= PyLong_AsLong(number);
    Py_XDECREF(number);
    Py_XDECREF(before);
    return before ? 0 : -1;
}

int tide_calls_install(struct tide_worker *w)
{
    PyObject *events = NULL, *done = NULL;
    int rc = -1;

    worker = w;
    monitoring = PySys_GetObject("monitoring"); /* borrowed, and made strong */
    Py_XINCREF(monitoring);
    if (monitoring && PyType_Ready(&watcher_type) == 0)
        missing = PyObject_GetAttrString(monitoring, "MISSING");
    if (missing) events = PyObject_GetAttrString(monitoring, "events");
    if (events) done = PyObject_CallMethod(monitoring, "use_tool_id", "is", TOOL, "tidemark");
    if (done) rc = 0;
    for (size_t i = 0; !rc && i < sizeof watchers / sizeof *watchers; i++)
        rc = register_watcher(events, watchers[i].event, &watchers[i].watcher);
    Py_XDECREF(events);
    Py_XDECREF(done);
    return rc;
}

/* -1 and an exception. */
static int watch(bool on)
{
    PyObject *done = PyObject_CallMethod(monitoring, "set_events", "il", TOOL, on ? all_events : 0);

    Py_XDECREF(done);
    return done ? 0 : -1;
}

static void watch_thread(bool on)
{
    (void)on;
}

uint64_t tide_calls_foreign(void)
{
    return 0;
}

#else

/* ---- PyEval_SetProfile ---- */

static uint64_t foreign_before; /* thread states that C code had made when the tracing began */

static int on_event(PyObject *unused, PyFrameObject *frame, int what, PyObject *arg)
{
    static const uint8_t KINDS[8] = {
        [PyTrace_CALL] = TIDE_CALL,
        [PyTrace_RETURN] = TIDE_RETURN,
        [PyTrace_C_CALL] = TIDE_C_CALL,
        [PyTrace_C_RETURN] = TIDE_C_RETURN,
        [PyTrace_C_EXCEPTION] = TIDE_C_EXCEPTION,
    };
    struct tide_worker *w = worker;
    struct tide_thread *t = tide_thread;
    enum tide_kind kind = (enum tide_kind)KINDS[what & 7];
    struct tide_place at;
    (void)unused;

    if (!t || !w->tracing || w->off || !kind) return 0;
    at = (struct tide_place){tide_frame_code(frame), tide_frame_instruction(frame), frame};
    if (kind <= TIDE_RETURN)
        tide_tracer_python(w, t, kind, &at);
    else
        tide_tracer_c(w, t, kind, &at, arg, NULL);
    return 0;
}

int tide_calls_install(struct tide_worker *w)
{
    worker = w;
    return 0;
}

/* Thread states made so far by others than threads that Python code started, this one's too. */
static uint64_t count_foreign(void)
{
    PyThreadState *made = PyThreadState_New(PyThreadState_Get()->interp);
    uint64_t number = made ? made->id : 0; /* counted up by CPython for each */

    if (!made) return 0;
    PyThreadState_Clear(made);
    PyThreadState_Delete(made);
    return number - tide_hooks_started();
}

static int watch(bool on)
{
    if (on) foreign_before = count_foreign();
    return 0;
}

static void watch_thread(bool on)
{
    PyEval_SetProfile(on ? on_event : NULL, NULL);
}

uint64_t tide_calls_foreign(void)
{
    uint64_t count = count_foreign();

    return count > foreign_before ? count - foreign_before - 1 : 0;
}

#endif

/* ---- the run and its threads ---- */

/* Where the recording wants no events, a thread has its place for GC and THREAD alone. */
static void hook_thread(const struct tide_worker *w, bool on)
{
    if (w->plan.recording == TIDE_MARKS) return;
    watch_thread(on);
    if (w->plan.lines) PyEval_SetTrace(on ? on_line : NULL, NULL);
}

static void leave_place(const struct tide_worker *w)
{
    if (!tide_thread) return;
    hook_thread(w, false);
    tide_thread->id = 0;
    tide_thread = NULL;
}

void tide_calls_enter_thread(struct tide_worker *w)
{
    if (take_place(w)) hook_thread(w, true);
    tide_tracer_event(w, TIDE_THREAD, 0, 1);
}

void tide_calls_leave_thread(struct tide_worker *w)
{
    tide_tracer_event(w, TIDE_THREAD, 0, 0);
    leave_place(w);
    closed = true;
}

int tide_calls_start(struct tide_worker *w)
{
    if (w->plan.recording != TIDE_MARKS && watch(true)) return -1;
    if (take_place(w)) hook_thread(w, true);
    return 0;
}

void tide_calls_stop(struct tide_worker *w)
{
    PyObject *type, *value, *traceback;

    leave_place(w);
    if (w->plan.recording == TIDE_MARKS) return;
    PyErr_Fetch(&type, &value, &traceback); /* of the scenario's function */
    if (watch(false)) PyErr_Clear();
    PyErr_Restore(type, value, traceback);
}
