/* capi_test.c - the C interface, called from C: each function checks one container and returns
 * None.
 *
 * The type "boxed" owns memory and counts what it owns, and two of its values are equal when they
 * are equal modulo 100, so that keys which differ in Python meet natively. */
#include "tideconv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                     \
    do {                                                                                     \
        if (!(condition)) {                                                                  \
            PyErr_Format(PyExc_AssertionError, "%s:%d: %s", __FILE__, __LINE__, #condition); \
            goto out;                                                                        \
        }                                                                                    \
    } while (0)

static long boxes;

static int boxed_check(PyObject *object)
{
    return PyLong_CheckExact(object);
}

static int boxed_to_native(PyObject *object, void *value)
{
    long number = PyLong_AsLong(object);
    long *box;

    if (number == -1 && PyErr_Occurred()) return -1;
    if (number == 13) {
        PyErr_SetString(PyExc_LookupError, "thirteen");
        return -1;
    }
    box = malloc(sizeof *box);
    if (!box) {
        PyErr_NoMemory();
        return -1;
    }
    *box = number;
    *(long **)value = box;
    boxes++;
    return 0;
}

static PyObject *boxed_from_native(const void *value)
{
    long number = **(long *const *)value;

    if (number == 666) {
        PyErr_SetString(PyExc_LookupError, "beast");
        return NULL;
    }
    return PyLong_FromLong(number);
}

static uint64_t boxed_hash(const void *value)
{
    return (uint64_t)(**(long *const *)value % 100);
}

static int boxed_compare(const void *left, const void *right)
{
    return (int)(**(long *const *)left % 100 - **(long *const *)right % 100);
}

static void boxed_destroy(void *value)
{
    free(*(long **)value);
    boxes--;
}

static const struct tideconv_type type_boxed = {
    "boxed",       sizeof(long *), boxed_check, boxed_to_native, boxed_from_native, boxed_hash,
    boxed_compare, boxed_destroy,  NULL,
};

static struct tideconv_bytes bytes_of(char *text)
{
    return (struct tideconv_bytes){text, strlen(text)};
}

static PyObject *arrays(PyObject *Py_UNUSED(module), PyObject *list)
{
    struct tideconv_array array;
    struct tideconv_bytes item = bytes_of("pushed");
    PyObject *copy = NULL, *taken = NULL, *result = NULL;

    tideconv_array_init(&array, &tideconv_type_bytes);
    tideconv_array_clear(&array);
    if (tideconv_array_from_list(&array, &tideconv_type_bytes, list) < 0) return NULL;
    copy = tideconv_array_to_list(&array);
    CHECK(copy && PyObject_RichCompareBool(copy, list, Py_EQ) == 1);
    for (int i = 0; i < 1000; i++)
        CHECK(tideconv_array_push(&array, &item) == 0);
    CHECK(array.count == (size_t)PyList_GET_SIZE(list) + 1000);
    CHECK(tideconv_array_bytes(&array)[array.count - 1].data != item.data);
    CHECK(tideconv_array_bytes(&array)[array.count - 1].data[6] == '\0');
    tideconv_array_reverse(&array);
    taken = tideconv_array_take_list(&array);
    CHECK(taken && array.count == 0 && array.items == NULL);
    CHECK(strcmp(PyBytes_AS_STRING(PyList_GET_ITEM(taken, 0)), "pushed") == 0);
    if (PyList_GET_SIZE(list))
        CHECK(PyObject_RichCompareBool(PyList_GET_ITEM(taken, PyList_GET_SIZE(taken) - 1),
                                       PyList_GET_ITEM(list, 0), Py_EQ) == 1);
    result = Py_None;
out:
    tideconv_array_clear(&array);
    Py_XDECREF(copy);
    Py_XDECREF(taken);
    Py_XINCREF(result);
    return result;
}

/* Whether both directions of the list's links say the same, and as many as its count. */
static bool well_linked(const struct tideconv_linked *linked)
{
    const struct tideconv_node *previous = NULL;
    size_t count = 0;

    for (const struct tideconv_node *node = linked->first; node; node = node->next) {
        if (node->previous != previous) return false;
        previous = node;
        count++;
    }
    return linked->last == previous && linked->count == count;
}

/* Takes a tuple of at least three str; gives it back changed in known ways. */
static PyObject *linkeds(PyObject *Py_UNUSED(module), PyObject *tuple)
{
    struct tideconv_linked linked;
    struct tideconv_str word = {"word", 4, 4};
    struct tideconv_node *node;
    PyObject *copy = NULL, *result = NULL;

    if (tideconv_linked_from_tuple(&linked, &tideconv_type_str, tuple) < 0) return NULL;
    CHECK(well_linked(&linked));
    copy = tideconv_linked_to_tuple(&linked);
    CHECK(copy && PyObject_RichCompareBool(copy, tuple, Py_EQ) == 1);
    node = linked.first->next;
    tideconv_linked_remove(&linked, linked.first);
    CHECK(well_linked(&linked) && linked.first == node);
    tideconv_linked_remove(&linked, linked.last);
    CHECK(well_linked(&linked));
    CHECK(tideconv_linked_insert(&linked, linked.first, &word) == linked.first);
    CHECK(tideconv_linked_insert(&linked, NULL, &word) == linked.last);
    CHECK(tideconv_linked_insert(&linked, linked.last, &word) == linked.last->previous);
    CHECK(well_linked(&linked));
    tideconv_linked_reverse(&linked);
    CHECK(well_linked(&linked));
    CHECK(strcmp(tideconv_linked_str(linked.last)->data, "word") == 0);
    result = tideconv_linked_take_tuple(&linked);
    CHECK(result && linked.count == 0 && !linked.first);
out:
    tideconv_linked_clear(&linked);
    Py_XDECREF(copy);
    if (PyErr_Occurred()) Py_CLEAR(result);
    return result;
}

static PyObject *hashes(PyObject *Py_UNUSED(module), PyObject *dict)
{
    struct tideconv_hash hash;
    PyObject *copy = NULL, *result = NULL;
    const int64_t count = 5000;

    if (tideconv_hash_from_dict(&hash, &tideconv_type_int, &tideconv_type_bytes, dict) < 0)
        return NULL;
    for (size_t i = 0; i < hash.count; i++)
        CHECK(tideconv_hash_find(&hash, tideconv_hash_key(&hash, i)) == (ptrdiff_t)i);
    copy = tideconv_hash_to_dict(&hash);
    CHECK(copy && PyObject_RichCompareBool(copy, dict, Py_EQ) == 1);
    tideconv_hash_clear(&hash);
    for (int64_t key = 0; key < count; key++) {
        char text[32];
        snprintf(text, sizeof text, "value %d", (int)key);
        struct tideconv_bytes value = bytes_of(text);
        CHECK(tideconv_hash_put(&hash, &key, &value) == 0);
        CHECK(tideconv_hash_put(&hash, &key, &value) == 0);
    }
    CHECK(hash.count == (size_t)count);
    for (int64_t key = 0; key < count; key++) {
        ptrdiff_t at = tideconv_hash_find(&hash, &key);
        struct tideconv_bytes *value;
        CHECK(at == key);
        value = tideconv_hash_value(&hash, (size_t)at);
        CHECK(strtoll(value->data + 6, NULL, 10) == key);
    }
    CHECK(tideconv_hash_find(&hash, &count) == -1);
    result = tideconv_hash_take_dict(&hash);
out:
    tideconv_hash_clear(&hash);
    Py_XDECREF(copy);
    if (PyErr_Occurred()) Py_CLEAR(result);
    return result;
}

static PyObject *ordereds(PyObject *Py_UNUSED(module), PyObject *dict)
{
    struct tideconv_ordered ordered;
    struct tideconv_str high = {"zzzz", 4, 4}, low = {"", 0, 0};
    PyObject *copy = NULL, *result = NULL;
    int64_t number = 7;
    size_t before;

    if (tideconv_ordered_from_dict(&ordered, &tideconv_type_str, &tideconv_type_int, dict) < 0)
        return NULL;
    before = ordered.count;
    copy = tideconv_ordered_to_dict(&ordered);
    CHECK(copy && PyObject_RichCompareBool(copy, dict, Py_EQ) == 1);
    for (size_t i = 0; i < ordered.count; i++) {
        const void *key = tideconv_ordered_key(&ordered, i);
        CHECK(tideconv_ordered_find(&ordered, key) == (ptrdiff_t)i);
        CHECK(tideconv_ordered_lower_bound(&ordered, key) == i);
    }
    CHECK(tideconv_ordered_find(&ordered, &high) == -1);
    CHECK(tideconv_ordered_put(&ordered, &high, &number) == 0);
    CHECK(tideconv_ordered_put(&ordered, &low, &number) == 0);
    number = 8;
    CHECK(tideconv_ordered_put(&ordered, &low, &number) == 0);
    CHECK(ordered.count == before + 2);
    CHECK(tideconv_ordered_find(&ordered, &low) == 0);
    CHECK(tideconv_ordered_find(&ordered, &high) == (ptrdiff_t)before + 1);
    CHECK(*(int64_t *)tideconv_ordered_value(&ordered, 0) == 8);
    result = tideconv_ordered_take_dict(&ordered);
out:
    tideconv_ordered_clear(&ordered);
    Py_XDECREF(copy);
    if (PyErr_Occurred()) Py_CLEAR(result);
    return result;
}

/* Round trips of the user's type, by container and native name: ("list", "array", x). */
static PyObject *boxed(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    const char *native;
    PyObject *x;

    if (!PyArg_ParseTuple(arguments, "sO", &native, &x)) return NULL;
    if (strcmp(native, "array") == 0) {
        struct tideconv_array array;
        if (tideconv_array_from_list(&array, &type_boxed, x) < 0) return NULL;
        return tideconv_array_take_list(&array);
    }
    if (strcmp(native, "linked") == 0) {
        struct tideconv_linked linked;
        if (tideconv_linked_from_list(&linked, &type_boxed, x) < 0) return NULL;
        return tideconv_linked_take_list(&linked);
    }
    if (strcmp(native, "ordered") == 0) {
        struct tideconv_ordered ordered;
        if (tideconv_ordered_from_dict(&ordered, &type_boxed, &type_boxed, x) < 0) return NULL;
        return tideconv_ordered_take_dict(&ordered);
    }
    struct tideconv_hash hash;
    if (PyDict_Check(x)) {
        if (tideconv_hash_from_dict(&hash, &type_boxed, &type_boxed, x) < 0) return NULL;
        return tideconv_hash_take_dict(&hash);
    }
    if (tideconv_hash_from_set(&hash, &type_boxed, x) < 0) return NULL;
    return tideconv_hash_take_set(&hash);
}

static PyObject *live_boxes(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    return PyLong_FromLong(boxes);
}

static PyMethodDef methods[] = {
    {"arrays", arrays, METH_O, NULL},
    {"linkeds", linkeds, METH_O, NULL},
    {"hashes", hashes, METH_O, NULL},
    {"ordereds", ordereds, METH_O, NULL},
    {"boxed", boxed, METH_VARARGS, NULL},
    {"live_boxes", live_boxes, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "capi_test",
    .m_methods = methods,
};

PyMODINIT_FUNC PyInit_capi_test(void)
{
    return PyModuleDef_Init(&definition);
}
