/* module.c - the built-in module "tidemark": what scenarios and the harness say to the instrument.
 *
 * Scenarios use mark() and iterations(); the harness the rest. Calls of these functions are not
 * events. The template is CPython's Modules/_json.c, but for the state: there is one worker in a
 * process, lent by embed.c before the interpreter exists. */
#include "worker.h"

#include <stdio.h>

static struct tide_worker *worker;

/* ---- iterations ---- */

/* A loop of many iterations has marks before each n/256th of them: a mark takes microseconds and
 * a place in the stream, and what is kept from one to the next shows as well. */
#define MARKS_MOST 256

struct iterations {
    PyObject_HEAD Py_ssize_t next, total;
    Py_ssize_t marked, marks; /* those set, and the number of the last one, at the end */
    Py_ssize_t place;         /* the iteration before which the next one stands */
    PyObject *name;           /* "iteration" */
};

static void iterations_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    Py_XDECREF(((struct iterations *)self)->name);
    type->tp_free(self);
    Py_DECREF(type); /* instances of heap types own their type (bpo-35810) */
}

/* Where mark number k stands: k / marks of the way. */
static Py_ssize_t iterations_place(const struct iterations *it, Py_ssize_t k)
{
    return it->total / it->marks * k + it->total % it->marks * k / it->marks;
}

static PyObject *iterations_next(PyObject *self)
{
    struct iterations *it = (struct iterations *)self;

    if (it->next > it->total) return NULL;
    if (it->next == it->place) {
        tide_tracer_mark(worker, it->name, it->next);
        it->place = it->marked < it->marks ? iterations_place(it, ++it->marked) : it->total;
    }
    if (it->next++ == it->total) return NULL;
    return PyLong_FromSsize_t(it->next - 1);
}

static PyType_Slot iterations_slots[] = {
    {Py_tp_dealloc, (void *)iterations_dealloc},
    {Py_tp_iter, (void *)PyObject_SelfIter},
    {Py_tp_iternext, (void *)iterations_next},
    {Py_tp_doc, (void *)"The numbers 0 to n - 1, with marks before them and after the last."},
    {0, NULL},
};

static PyType_Spec iterations_spec = {
    .name = "tidemark.Iterations",
    .basicsize = sizeof(struct iterations),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = iterations_slots,
};

PyDoc_STRVAR(iterations_doc,
             "iterations(n, /)\n--\n\n"
             "Iterate over 0 to n - 1, with a mark \"iteration\" of that value before each (where\n"
             "n is above 256, before each n/256th) and one of value n at the end: the run's\n"
             "progress, and what it keeps of each iteration, are read from them.");

static PyObject *tidemark_iterations(PyObject *module, PyObject *arg)
{
    Py_ssize_t total = PyNumber_AsSsize_t(arg, PyExc_OverflowError);
    PyTypeObject *type;
    struct iterations *it;
    char json[48];

    if (total == -1 && PyErr_Occurred()) return NULL;
    if (total < 0) return PyErr_Format(PyExc_ValueError, "iterations: %zd is negative", total);
    int n = snprintf(json, sizeof json, "{\"total\":%zd}", total);
    if (tide_tracer_meta(worker, "iterations", json, (size_t)n)) return NULL;
    type = (PyTypeObject *)PyObject_GetAttrString(module, "Iterations");
    if (!type) return NULL;
    it = (struct iterations *)type->tp_alloc(type, 0);
    Py_DECREF(type);
    if (!it) return NULL;
    it->total = total;
    it->marks = total < 1 ? 1 : total < MARKS_MOST ? total : MARKS_MOST;
    it->name = PyUnicode_InternFromString("iteration");
    if (!it->name) Py_CLEAR(it);
    return (PyObject *)it;
}

/* ---- functions ---- */

PyDoc_STRVAR(mark_doc,
             "mark(name, value=0, /)\n--\n\n"
             "Record that a phase of the run ends here and the next begins: the time, the\n"
             "RSS, and the highest RSS since the mark before.");

static PyObject *tidemark_mark(PyObject *module, PyObject *args)
{
    PyObject *name;
    long long value = 0;
    (void)module;

    if (!PyArg_ParseTuple(args, "U|L:mark", &name, &value)) return NULL;
    tide_tracer_mark(worker, name, value);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(meta_doc, "meta(key, json, /)\n--\n\nRecord a fact about the run.");

static PyObject *tidemark_meta(PyObject *module, PyObject *args)
{
    const char *key, *json;
    Py_ssize_t length;
    (void)module;

    if (!PyArg_ParseTuple(args, "ss#:meta", &key, &json, &length)) return NULL;
    if (tide_tracer_meta(worker, key, json, (size_t)length)) return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(trace_doc,
             "_trace(function, args, /)\n--\n\nCall function(*args) with the tracer on.");

static PyObject *tidemark_trace(PyObject *module, PyObject *args)
{
    PyObject *function, *arguments;
    (void)module;

    if (!PyArg_ParseTuple(args, "OO!:_trace", &function, &PyTuple_Type, &arguments)) return NULL;
    return tide_tracer_run(worker, function, arguments);
}

PyDoc_STRVAR(rss_at_doc, "_rss_at(name, /)\n--\n\n"
                         "RSS in bytes where the mark was passed first, None when it never was.");

static PyObject *tidemark_rss_at(PyObject *module, PyObject *name)
{
    const struct tide_name_entry *entry;
    (void)module;

    if (!PyUnicode_Check(name)) return PyErr_Format(PyExc_TypeError, "_rss_at: name must be str");
    entry = tide_names_mark(&worker->names, name);
    if (!entry->passed) Py_RETURN_NONE;
    return PyLong_FromUnsignedLongLong((unsigned long long)entry->first_rss * worker->gauge.page);
}

static PyMethodDef methods[] = {
    {"mark", tidemark_mark, METH_VARARGS, mark_doc},
    {"iterations", tidemark_iterations, METH_O, iterations_doc},
    {"meta", tidemark_meta, METH_VARARGS, meta_doc},
    {"_trace", tidemark_trace, METH_VARARGS, trace_doc},
    {"_rss_at", tidemark_rss_at, METH_O, rss_at_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "tidemark",
    .m_doc = "The instrument that this interpreter is embedded in.",
    .m_size = -1,
    .m_methods = methods,
};

static PyObject *init_tidemark(void)
{
    PyObject *module = PyModule_Create(&definition), *type;

    if (!module) return NULL;
    type = PyType_FromSpec(&iterations_spec);
    if (!type || PyModule_AddObject(module, "Iterations", type) < 0) { /* takes `type` on success */
        Py_XDECREF(type);
        Py_DECREF(module);
        return NULL;
    }
    return module;
}

int tide_module_install(struct tide_worker *w)
{
    worker = w;
    return PyImport_AppendInittab("tidemark", init_tidemark);
}
