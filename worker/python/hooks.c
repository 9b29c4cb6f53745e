/* hooks.c - how threads and collections of garbage come to the tracer.
 *
 * A thread has a beginning and an end in the stream, and before 3.12 needs a hook of its own:
 * threading.setprofile calls a Python object per event. So the functions of the module _thread that
 * start a thread are replaced, before any scenario is loaded, by ones that wrap what the thread is
 * to call: it enters, calls, and leaves. Every thread that Python code starts comes by there, also
 * those of the module threading. A thread that C code makes does not: see calls.c.
 *
 * Collections are told by gc.callbacks, which CPython calls from C, so that the calls are no events
 * themselves. */
#include "worker.h"

#include <string.h>

static struct tide_worker *worker;

enum { STARTERS = 3 };
static const char *const STARTER_NAMES[STARTERS] = {"start_new_thread", "start_new",
                                                    "start_joinable_thread"};
static PyObject *starters[STARTERS]; /* those of CPython, strong; NULL where it has none */
static uint64_t started;

uint64_t tide_hooks_started(void)
{
    return started;
}

/* ---- threads ---- */

/* What a new thread calls: self is the function that it was to call. */
static PyObject *run_thread(PyObject *function, PyObject *args, PyObject *kwargs)
{
    PyObject *result;

    tide_calls_enter_thread(worker);
    result = PyObject_Call(function, args, kwargs);
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    tide_calls_leave_thread(worker);
    PyErr_Restore(type, value, traceback);
    return result;
}

static PyMethodDef run_thread_definition = {"_run_thread", (PyCFunction)(void (*)(void))run_thread,
                                            METH_VARARGS | METH_KEYWORDS, NULL};

/* args and kwargs with the function in them wrapped; both become new references. -1 and an
 * exception. What is not callable is left for CPython to refuse. */
static int wrap(PyObject **args, PyObject **kwargs)
{
    bool by_name = PyTuple_GET_SIZE(*args) == 0;
    PyObject *function = !by_name  ? PyTuple_GET_ITEM(*args, 0)
                         : *kwargs ? PyDict_GetItemString(*kwargs, "function")
                                   : NULL; /* borrowed */
    PyObject *wrapper = NULL;
    int rc = 0;

    if (function && PyCallable_Check(function)) {
        wrapper = PyCFunction_NewEx(&run_thread_definition, function, NULL);
        if (!wrapper) return -1;
    }
    *args = PyTuple_GetSlice(*args, 0, PyTuple_GET_SIZE(*args)); /* may be the same object */
    *kwargs = *kwargs ? PyDict_Copy(*kwargs) : PyDict_New();
    if (!*args || !*kwargs) rc = -1;
    if (!rc && wrapper && by_name) {
        rc = PyDict_SetItemString(*kwargs, "function", wrapper);
    } else if (!rc && wrapper) {
        PyObject *rest = PyTuple_GetSlice(*args, 1, PyTuple_GET_SIZE(*args));
        PyObject *first = rest ? PyTuple_Pack(1, wrapper) : NULL;
        PyObject *all = first ? PySequence_Concat(first, rest) : NULL;

        Py_XDECREF(rest);
        Py_XDECREF(first);
        Py_DECREF(*args);
        *args = all;
        rc = all ? 0 : -1;
    }
    Py_XDECREF(wrapper);
    return rc;
}

static PyObject *start(PyObject *number, PyObject *args, PyObject *kwargs)
{
    PyObject *starter = starters[PyLong_AsLong(number)], *result = NULL;

    if (wrap(&args, &kwargs) == 0) result = PyObject_Call(starter, args, kwargs);
    /* where the system has no thread to give, CPython has made its state all the same */
    if (result || PyErr_ExceptionMatches(PyExc_RuntimeError)) started++;
    Py_XDECREF(args);
    Py_XDECREF(kwargs);
    return result;
}

/* One for each, named as what it stands for. */
static PyMethodDef start_definitions[STARTERS] = {
    {"start_new_thread", (PyCFunction)(void (*)(void))start, METH_VARARGS | METH_KEYWORDS, NULL},
    {"start_new", (PyCFunction)(void (*)(void))start, METH_VARARGS | METH_KEYWORDS, NULL},
    {"start_joinable_thread", (PyCFunction)(void (*)(void))start, METH_VARARGS | METH_KEYWORDS,
     NULL},
};

/* The module threading may have been imported by a site package: it holds them under own names. */
static int replace(PyObject *thread, PyObject *threading, int i)
{
    PyObject *number = PyLong_FromLong(i), *module = PyUnicode_FromString("_thread");
    PyObject *ours =
        number && module ? PyCFunction_NewEx(&start_definitions[i], number, module) : NULL;
    PyObject *own = PyUnicode_FromFormat("_%s", STARTER_NAMES[i]);
    int rc = ours && own ? PyObject_SetAttrString(thread, STARTER_NAMES[i], ours) : -1;

    if (!rc && threading && PyObject_HasAttr(threading, own))
        rc = PyObject_SetAttr(threading, own, ours);
    Py_XDECREF(number);
    Py_XDECREF(module);
    Py_XDECREF(ours);
    Py_XDECREF(own);
    return rc;
}

int tide_hooks_install(struct tide_worker *w)
{
    PyObject *thread = PyImport_ImportModule("_thread"); /* built in */
    PyObject *modules = PySys_GetObject("modules");      /* borrowed */
    PyObject *threading = modules ? PyDict_GetItemString(modules, "threading") : NULL;
    int rc = thread ? 0 : -1;

    worker = w;
    for (int i = 0; !rc && i < STARTERS; i++) {
        if (!PyObject_HasAttrString(thread, STARTER_NAMES[i])) continue;
        starters[i] = PyObject_GetAttrString(thread, STARTER_NAMES[i]);
        rc = starters[i] ? replace(thread, threading, i) : -1;
    }
    Py_XDECREF(thread);
    return rc;
}

/* ---- collections of garbage ---- */

static int64_t number_in(PyObject *info, const char *key)
{
    PyObject *value = PyDict_Check(info) ? PyDict_GetItemString(info, key) : NULL; /* borrowed */

    return value && PyLong_Check(value) ? PyLong_AsLongLong(value) : 0;
}

static PyObject *on_collection(PyObject *module, PyObject *args)
{
    const char *phase;
    PyObject *info;
    bool starts;
    (void)module;

    if (!PyArg_ParseTuple(args, "sO", &phase, &info)) return NULL;
    starts = strcmp(phase, "start") == 0;
    tide_tracer_event(worker, TIDE_GC, (uint32_t)number_in(info, "generation"),
                      starts ? -1 : number_in(info, "collected"));
    Py_RETURN_NONE;
}

static PyMethodDef on_collection_definition = {"_on_collection", on_collection, METH_VARARGS, NULL};

int tide_hooks_watch_gc(bool on)
{
    PyObject *gc, *callbacks, *callback;
    int rc = -1;

    if (!on) return 0;
    gc = PyImport_ImportModule("gc");
    callbacks = gc ? PyObject_GetAttrString(gc, "callbacks") : NULL;
    callback = callbacks ? PyCFunction_NewEx(&on_collection_definition, NULL, NULL) : NULL;
    if (callback) rc = PyList_Append(callbacks, callback);
    Py_XDECREF(gc);
    Py_XDECREF(callbacks);
    Py_XDECREF(callback);
    return rc;
}
