/* tideconvmodule.c - the extension module tideconv: Python list to C array and back.
 *
 * Each function copies its list into an array that owns its data, then builds a new list from that
 * array alone. The bytes of all items lie end to end in one mapping, which is given back to the
 * system piece by piece while the new list is built: array and list never both stand in full.
 * Every failure raises a Python exception, leaves the input as it was and frees the array. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* So much is drained before it is unmapped: few system calls, little that stands twice. */
enum { DRAIN_STEP = 1 << 20 };

struct bytes_array {
    char *data;   /* mapping of `capacity` bytes, the items end to end */
    size_t *ends; /* item i ends where item i + 1 begins */
    Py_ssize_t count;
    size_t capacity;
    size_t released; /* bytes at the front that are unmapped already */
};

struct float_array {
    double *items;
    Py_ssize_t count;
};

static int wrong_item(const char *expected, Py_ssize_t index, PyObject *item)
{
    PyErr_Format(PyExc_TypeError, "list item %zd: expected %s, got %.200s", index, expected,
                 Py_TYPE(item)->tp_name);
    return -1;
}

static int check_list(PyObject *list)
{
    if (PyList_CheckExact(list)) return 0;
    PyErr_Format(PyExc_TypeError, "expected a list, got %.200s", Py_TYPE(list)->tp_name);
    return -1;
}

/* malloc that returns a pointer for zero bytes too, so that NULL always means failure. */
static void *allocate(Py_ssize_t count, size_t size)
{
    void *memory = calloc(count ? (size_t)count : 1, size);

    if (!memory) PyErr_NoMemory();
    return memory;
}

static void bytes_array_free(struct bytes_array *array)
{
    if (array->capacity > array->released)
        munmap(array->data + array->released, array->capacity - array->released);
    free(array->ends);
}

/* Check every item and note where it will end, so that the data is mapped once, at its size. */
static int bytes_array_measure(struct bytes_array *array, PyObject *list)
{
    size_t end = 0;

    for (Py_ssize_t i = 0; i < array->count; i++) {
        PyObject *value = PyList_GET_ITEM(list, i);
        if (!PyBytes_CheckExact(value)) return wrong_item("bytes", i, value);
        end += (size_t)PyBytes_GET_SIZE(value);
        array->ends[i] = end;
    }
    if (end == 0) return 0;
    array->data = mmap(NULL, end, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (array->data == MAP_FAILED) {
        PyErr_NoMemory();
        return -1;
    }
    array->capacity = end;
    return 0;
}

static int bytes_array_from_list(struct bytes_array *array, PyObject *list)
{
    size_t start = 0;

    array->count = PyList_GET_SIZE(list);
    array->ends = allocate(array->count, sizeof *array->ends);
    if (!array->ends || bytes_array_measure(array, list) < 0) return -1;
    for (Py_ssize_t i = 0; i < array->count; i++) {
        memcpy(array->data + start, PyBytes_AS_STRING(PyList_GET_ITEM(list, i)),
               array->ends[i] - start);
        start = array->ends[i];
    }
    return 0;
}

/* Everything before `offset` has been read: unmap it once it has grown to a step. */
static void bytes_array_release(struct bytes_array *array, size_t offset)
{
    size_t ready = (offset - array->released) / DRAIN_STEP * DRAIN_STEP;

    if (ready == 0) return;
    munmap(array->data + array->released, ready);
    array->released += ready;
}

/* Build the list, consuming the array's data. */
static PyObject *bytes_array_take_list(struct bytes_array *array)
{
    PyObject *list = PyList_New(array->count);
    size_t start = 0;

    if (!list) return NULL;
    for (Py_ssize_t i = 0; i < array->count; i++) {
        PyObject *value =
            PyBytes_FromStringAndSize(array->data + start, (Py_ssize_t)(array->ends[i] - start));
        if (!value) {
            Py_DECREF(list);
            return NULL;
        }
        PyList_SET_ITEM(list, i, value);
        start = array->ends[i];
        bytes_array_release(array, start);
    }
    return list;
}

static int float_array_from_list(struct float_array *array, PyObject *list)
{
    array->count = PyList_GET_SIZE(list);
    array->items = allocate(array->count, sizeof *array->items);
    if (!array->items) return -1;
    for (Py_ssize_t i = 0; i < array->count; i++) {
        PyObject *value = PyList_GET_ITEM(list, i);
        if (!PyFloat_CheckExact(value)) return wrong_item("float", i, value);
        array->items[i] = PyFloat_AS_DOUBLE(value);
    }
    return 0;
}

static PyObject *float_array_to_list(const struct float_array *array)
{
    PyObject *list = PyList_New(array->count);

    if (!list) return NULL;
    for (Py_ssize_t i = 0; i < array->count; i++) {
        PyObject *value = PyFloat_FromDouble(array->items[i]);
        if (!value) {
            Py_DECREF(list);
            return NULL;
        }
        PyList_SET_ITEM(list, i, value);
    }
    return list;
}

PyDoc_STRVAR(new_list_bytes_doc, "new_list_bytes($module, list, /)\n--\n\n"
                                 "Copy a list of bytes to a C array and return a new list of it.");

static PyObject *new_list_bytes(PyObject *Py_UNUSED(module), PyObject *list)
{
    struct bytes_array array = {0};
    PyObject *result = NULL;

    if (check_list(list) < 0) return NULL;
    if (bytes_array_from_list(&array, list) == 0) result = bytes_array_take_list(&array);
    bytes_array_free(&array);
    return result;
}

PyDoc_STRVAR(new_list_float_doc, "new_list_float($module, list, /)\n--\n\n"
                                 "Copy a list of float to a C array and return a new list of it.");

static PyObject *new_list_float(PyObject *Py_UNUSED(module), PyObject *list)
{
    struct float_array array = {NULL, 0};
    PyObject *result = NULL;

    if (check_list(list) < 0) return NULL;
    if (float_array_from_list(&array, list) == 0) result = float_array_to_list(&array);
    free(array.items);
    return result;
}

static PyMethodDef methods[] = {
    {"new_list_bytes", new_list_bytes, METH_O, new_list_bytes_doc},
    {"new_list_float", new_list_float, METH_O, new_list_float_doc},
    {NULL, NULL, 0, NULL},
};

/* The module keeps no state, so there is nothing to execute: an empty table is multi-phase init. */
static PyModuleDef_Slot slots[] = {
    {0, NULL},
};

static struct PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "tideconv",
    .m_doc = "Convert Python containers to C containers and back.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit_tideconv(void)
{
    return PyModuleDef_Init(&module_def);
}
