/* tidetestmodule.c - the extension under test of tests/worker: C functions that use memory and end
 * in ways that are known beforehand. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>

/* Map and touch `size` bytes. NULL and MemoryError when there are none. */
static char *take(Py_ssize_t size)
{
    char *at = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at == MAP_FAILED) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < size; i += 4096)
        at[i] = 1;
    return at;
}

/* peak(size): hold so many bytes, but only within this call. */
static PyObject *tidetest_peak(PyObject *module, PyObject *arg)
{
    Py_ssize_t size = PyLong_AsSsize_t(arg);
    char *at;
    (void)module;

    if (size <= 0) return PyErr_Format(PyExc_ValueError, "peak: size must be positive");
    at = take(size);
    if (!at) return NULL;
    munmap(at, (size_t)size);
    Py_RETURN_NONE;
}

/* touch(size): take so many bytes and keep them. */
static PyObject *tidetest_touch(PyObject *module, PyObject *arg)
{
    Py_ssize_t size = PyLong_AsSsize_t(arg);
    (void)module;

    if (size <= 0) return PyErr_Format(PyExc_ValueError, "touch: size must be positive");
    if (!take(size)) return NULL;
    Py_RETURN_NONE;
}

/* statm(): RSS in bytes, read here and now. */
static PyObject *tidetest_statm(PyObject *module, PyObject *unused)
{
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    (void)module, (void)unused;

    if (!file || fscanf(file, "%*u %llu", &pages) != 1) pages = 0;
    if (file) fclose(file);
    return PyLong_FromUnsignedLongLong(pages * 4096);
}

/* call(function): call back into Python. */
static PyObject *tidetest_call(PyObject *module, PyObject *function)
{
    (void)module;
    return PyObject_CallObject(function, NULL);
}

struct foreign {
    PyObject *function, *arg;
};

static void *run_foreign(void *context)
{
    const struct foreign *f = context;
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *result = PyObject_CallFunctionObjArgs(f->function, f->arg, NULL);

    if (!result) PyErr_WriteUnraisable(f->function);
    Py_XDECREF(result);
    PyGILState_Release(state);
    return NULL;
}

/* foreign(function, arg): call it in a thread that no Python code has made. */
static PyObject *tidetest_foreign(PyObject *module, PyObject *args)
{
    struct foreign f;
    pthread_t thread;
    int rc;
    (void)module;

    if (!PyArg_ParseTuple(args, "OO:foreign", &f.function, &f.arg)) return NULL;
    Py_BEGIN_ALLOW_THREADS
    rc = pthread_create(&thread, NULL, run_foreign, &f);
    if (!rc) pthread_join(thread, NULL);
    Py_END_ALLOW_THREADS
    if (rc) return PyErr_Format(PyExc_OSError, "foreign: no thread (%d)", rc);
    Py_RETURN_NONE;
}

/* spin(ms): use the processor and hold the GIL. */
static PyObject *tidetest_spin(PyObject *module, PyObject *arg)
{
    long ms = PyLong_AsLong(arg);
    struct timespec start, now;
    (void)module;

    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < ms);
    Py_RETURN_NONE;
}

/* fail(): raise. */
static PyObject *tidetest_fail(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    return PyErr_Format(PyExc_ValueError, "failed as asked");
}

/* crash(size): die of SIGSEGV while holding so many bytes, after a while that sampling needs. */
static PyObject *tidetest_crash(PyObject *module, PyObject *arg)
{
    const struct timespec pause = {.tv_nsec = 100000000};

    (void)module;
    if (!take(PyLong_AsSsize_t(arg))) return NULL;
    nanosleep(&pause, NULL);
    raise(SIGSEGV);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"peak", tidetest_peak, METH_O, NULL},
    {"call", tidetest_call, METH_O, NULL},
    {"spin", tidetest_spin, METH_O, NULL},
    {"fail", tidetest_fail, METH_NOARGS, NULL},
    {"crash", tidetest_crash, METH_O, NULL},
    {"touch", tidetest_touch, METH_O, NULL},
    {"statm", tidetest_statm, METH_NOARGS, NULL},
    {"foreign", tidetest_foreign, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "tidetest", .m_size = -1,
                                        .m_methods = methods};

PyMODINIT_FUNC PyInit_tidetest(void)
{
    return PyModule_Create(&definition);
}
