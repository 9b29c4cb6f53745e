/* tideconvmodule.c - the extension module tideconv: Python list to C array and back.
 *
 * Each function copies its list into an array that owns its data, then builds a new list from that
 * array alone. The two halves share nothing but the array, so the array could outlive the list.
 * Every failure raises a Python exception, leaves the input as it was and frees the array. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdlib.h>
#include <string.h>

struct bytes_item {
    char *data;
    Py_ssize_t size;
};

struct bytes_array {
    struct bytes_item *items;
    Py_ssize_t count; /* items that are filled in, so that a half-built array can be freed */
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
    for (Py_ssize_t i = 0; i < array->count; i++)
        free(array->items[i].data);
    free(array->items);
}

static int bytes_array_append(struct bytes_array *array, PyObject *value)
{
    struct bytes_item *item = &array->items[array->count];

    if (!PyBytes_CheckExact(value)) return wrong_item("bytes", array->count, value);
    item->size = PyBytes_GET_SIZE(value);
    item->data = allocate(item->size, 1);
    if (!item->data) return -1;
    memcpy(item->data, PyBytes_AS_STRING(value), (size_t)item->size);
    array->count++;
    return 0;
}

static int bytes_array_from_list(struct bytes_array *array, PyObject *list)
{
    Py_ssize_t count = PyList_GET_SIZE(list);

    array->count = 0;
    array->items = allocate(count, sizeof *array->items);
    if (!array->items) return -1;
    while (array->count < count) {
        if (bytes_array_append(array, PyList_GET_ITEM(list, array->count)) < 0) return -1;
    }
    return 0;
}

static PyObject *bytes_array_to_list(const struct bytes_array *array)
{
    PyObject *list = PyList_New(array->count);

    if (!list) return NULL;
    for (Py_ssize_t i = 0; i < array->count; i++) {
        PyObject *value = PyBytes_FromStringAndSize(array->items[i].data, array->items[i].size);
        if (!value) {
            Py_DECREF(list);
            return NULL;
        }
        PyList_SET_ITEM(list, i, value);
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
    struct bytes_array array = {NULL, 0};
    PyObject *result = NULL;

    if (check_list(list) < 0) return NULL;
    if (bytes_array_from_list(&array, list) == 0) result = bytes_array_to_list(&array);
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
