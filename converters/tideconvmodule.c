/* tideconvmodule.c - the extension module tideconv: every cell as a round trip.
 *
 * new_PYTHON_NATIVE_TYPE converts a Python container to its native one and that, drained, to a new
 * Python container. The functions, their names and their help texts are generated from cells.h. */
#include "internal.h"

/* In these tables bool is a name like the others, not the macro of stdbool.h. */
#undef bool

/* ---- round trips
 * --------------------------------------------------------------------------------- */

static PyObject *list_array(PyObject *list, const struct tideconv_type *type)
{
    struct tideconv_array array;

    if (tideconv_array_from_list(&array, type, list) < 0) return NULL;
    return tideconv_array_take_list(&array);
}

static PyObject *tuple_array(PyObject *tuple, const struct tideconv_type *type)
{
    struct tideconv_array array;

    if (tideconv_array_from_tuple(&array, type, tuple) < 0) return NULL;
    return tideconv_array_take_tuple(&array);
}

static PyObject *list_linked(PyObject *list, const struct tideconv_type *type)
{
    struct tideconv_linked linked;

    if (tideconv_linked_from_list(&linked, type, list) < 0) return NULL;
    return tideconv_linked_take_list(&linked);
}

static PyObject *tuple_linked(PyObject *tuple, const struct tideconv_type *type)
{
    struct tideconv_linked linked;

    if (tideconv_linked_from_tuple(&linked, type, tuple) < 0) return NULL;
    return tideconv_linked_take_tuple(&linked);
}

static PyObject *set_hash(PyObject *set, const struct tideconv_type *type)
{
    struct tideconv_hash hash;

    if (tideconv_hash_from_set(&hash, type, set) < 0) return NULL;
    return tideconv_hash_take_set(&hash);
}

static PyObject *frozenset_hash(PyObject *frozenset, const struct tideconv_type *type)
{
    struct tideconv_hash hash;

    if (tideconv_hash_from_frozenset(&hash, type, frozenset) < 0) return NULL;
    return tideconv_hash_take_frozenset(&hash);
}

static PyObject *dict_hash(PyObject *dict, const struct tideconv_type *key_type,
                           const struct tideconv_type *value_type)
{
    struct tideconv_hash hash;

    if (tideconv_hash_from_dict(&hash, key_type, value_type, dict) < 0) return NULL;
    return tideconv_hash_take_dict(&hash);
}

static PyObject *dict_ordered(PyObject *dict, const struct tideconv_type *key_type,
                              const struct tideconv_type *value_type)
{
    struct tideconv_ordered ordered;

    if (tideconv_ordered_from_dict(&ordered, key_type, value_type, dict) < 0) return NULL;
    return tideconv_ordered_take_dict(&ordered);
}

/* ---- the cells
 * ----------------------------------------------------------------------------------- */

#define DEFINE_CELL(container, native, type)                                          \
    static PyObject *new_##container##_##native##_##type(PyObject *Py_UNUSED(module), \
                                                         PyObject *argument)          \
    {                                                                                 \
        return container##_##native(argument, &tideconv_type_##type);                 \
    }

#define DEFINE_SEQUENCES(type, ctype) \
    DEFINE_CELL(list, array, type)    \
    DEFINE_CELL(list, linked, type)   \
    DEFINE_CELL(tuple, array, type)   \
    DEFINE_CELL(tuple, linked, type)
TIDECONV_TYPES(DEFINE_SEQUENCES)

#define DEFINE_SETS(type)        \
    DEFINE_CELL(set, hash, type) \
    DEFINE_CELL(frozenset, hash, type)
TIDECONV_SET_TYPES(DEFINE_SETS)

#define DEFINE_DICT(native, key, value)                                               \
    static PyObject *new_dict_##native##_##key##_##value(PyObject *Py_UNUSED(module), \
                                                         PyObject *argument)          \
    {                                                                                 \
        return dict_##native(argument, &tideconv_type_##key, &tideconv_type_##value); \
    }

#define DEFINE_DICTS(key, value)  \
    DEFINE_DICT(hash, key, value) \
    DEFINE_DICT(ordered, key, value)
TIDECONV_DICT_TYPES(DEFINE_DICTS)

#define ARRAY_TEXT   "a contiguous C array"
#define LINKED_TEXT  "a doubly linked C list"
#define HASH_TEXT    "a C hash table, which keeps the order of insertion,"
#define ORDERED_TEXT "a C map in key order"

#define DOCUMENT(name, container, elements, text, order)                                \
    name "($module, " container ", /)\n--\n\n"                                          \
         "Copy a " container " of " elements " to " text " and return a new " container \
         " built from it.\n\n" order                                                    \
         "Raises TypeError when anything else is in it, and never changes its argument."

/* A cell under its full name, and under the short one where it is the container's default. */
#define CELL_AS(name, container, native, type, text)    \
    {name, new_##container##_##native##_##type, METH_O, \
     DOCUMENT(name, #container, #type, text, "")},

#define LIST_SEQUENCES(type, ctype)                                    \
    CELL_AS("new_list_" #type, list, array, type, ARRAY_TEXT)          \
    CELL_AS("new_list_array_" #type, list, array, type, ARRAY_TEXT)    \
    CELL_AS("new_list_linked_" #type, list, linked, type, LINKED_TEXT) \
    CELL_AS("new_tuple_" #type, tuple, array, type, ARRAY_TEXT)        \
    CELL_AS("new_tuple_array_" #type, tuple, array, type, ARRAY_TEXT)  \
    CELL_AS("new_tuple_linked_" #type, tuple, linked, type, LINKED_TEXT)

#define LIST_SETS(type)                                               \
    CELL_AS("new_set_" #type, set, hash, type, HASH_TEXT)             \
    CELL_AS("new_set_hash_" #type, set, hash, type, HASH_TEXT)        \
    CELL_AS("new_frozenset_" #type, frozenset, hash, type, HASH_TEXT) \
    CELL_AS("new_frozenset_hash_" #type, frozenset, hash, type, HASH_TEXT)

#define DICT_AS(name, native, key, value, text, order)  \
    {name, new_dict_##native##_##key##_##value, METH_O, \
     DOCUMENT(name, "dict", #key " keys and " #value " values", text, order)},

#define HASH_ORDER    "The new dict has the order of the old one.\n\n"
#define ORDERED_ORDER "The new dict is in key order; NaN keys come last.\n\n"

#define LIST_DICTS(key, value)                                                         \
    DICT_AS("new_dict_" #key "_" #value, hash, key, value, HASH_TEXT, HASH_ORDER)      \
    DICT_AS("new_dict_hash_" #key "_" #value, hash, key, value, HASH_TEXT, HASH_ORDER) \
    DICT_AS("new_dict_ordered_" #key "_" #value, ordered, key, value, ORDERED_TEXT, ORDERED_ORDER)

/* ---- examples of work on the native side
 * --------------------------------------------------------- */

/* The library's type that fits an object, NULL with TypeError if there is none. */
static const struct tideconv_type *type_of(PyObject *object)
{
#define TRY_TYPE(type, ctype) \
    if (strcmp(Py_TYPE(object)->tp_name, #type) == 0) return &tideconv_type_##type;
    TIDECONV_TYPES(TRY_TYPE)
#undef TRY_TYPE
    PyErr_Format(PyExc_TypeError, "no native type for %.200s", Py_TYPE(object)->tp_name);
    return NULL;
}

static int overflow(const char *what)
{
    PyErr_Format(PyExc_OverflowError, "%s: the result does not fit in 64 bits", what);
    return -1;
}

/* Add `other` (or `*value` itself where it is NULL) to a native int or float. */
static int add(const struct tideconv_type *type, void *value, int64_t other, int twice)
{
    if (type == &tideconv_type_float) {
        *(double *)value += twice ? *(double *)value : (double)other;
        return 0;
    }
    if (twice) other = *(int64_t *)value;
    return __builtin_add_overflow(*(int64_t *)value, other, (int64_t *)value) ? -1 : 0;
}

static int is_number(const struct tideconv_type *type)
{
    if (type == &tideconv_type_int || type == &tideconv_type_float) return 1;
    PyErr_Format(PyExc_TypeError, "expected int or float, got %s", type->name);
    return 0;
}

static PyObject *list_x2(PyObject *Py_UNUSED(module), PyObject *list)
{
    const struct tideconv_type *type = &tideconv_type_float;
    struct tideconv_array array;

    if (PyList_CheckExact(list) && PyList_GET_SIZE(list) > 0) {
        type = type_of(PyList_GET_ITEM(list, 0));
        if (!type || !is_number(type)) return NULL;
    }
    if (tideconv_array_from_list(&array, type, list) < 0) return NULL;
    for (size_t i = 0; i < array.count; i++) {
        if (add(type, (char *)array.items + i * type->size, 0, 1) < 0) {
            overflow("list_x2");
            tideconv_array_clear(&array);
            return NULL;
        }
    }
    return tideconv_array_take_list(&array);
}

static PyObject *tuple_reverse(PyObject *Py_UNUSED(module), PyObject *tuple)
{
    const struct tideconv_type *type = &tideconv_type_float;
    struct tideconv_array array;

    if (PyTuple_CheckExact(tuple) && PyTuple_GET_SIZE(tuple) > 0) {
        type = type_of(PyTuple_GET_ITEM(tuple, 0));
        if (!type) return NULL;
    }
    if (tideconv_array_from_tuple(&array, type, tuple) < 0) return NULL;
    tideconv_array_reverse(&array);
    return tideconv_array_take_tuple(&array);
}

static PyObject *dict_inc(PyObject *Py_UNUSED(module), PyObject *dict)
{
    const struct tideconv_type *key_type = &tideconv_type_str;
    const struct tideconv_type *value_type = &tideconv_type_int;
    struct tideconv_hash hash;
    PyObject *key, *value;
    Py_ssize_t position = 0;

    if (PyDict_CheckExact(dict) && PyDict_Next(dict, &position, &key, &value)) {
        key_type = type_of(key);
        value_type = key_type ? type_of(value) : NULL;
        if (!value_type || !is_number(value_type)) return NULL;
    }
    if (tideconv_hash_from_dict(&hash, key_type, value_type, dict) < 0) return NULL;
    for (size_t i = 0; i < hash.count; i++) {
        if (add(value_type, tideconv_hash_value(&hash, i), 1, 0) < 0) {
            overflow("dict_inc");
            tideconv_hash_clear(&hash);
            return NULL;
        }
    }
    return tideconv_hash_take_dict(&hash);
}

PyDoc_STRVAR(list_x2_doc, "list_x2($module, list, /)\n--\n\n"
                          "Return a new list with every int or float doubled by C code.");
PyDoc_STRVAR(tuple_reverse_doc, "tuple_reverse($module, tuple, /)\n--\n\n"
                                "Return a new tuple that C code has put in reverse order.");
PyDoc_STRVAR(dict_inc_doc, "dict_inc($module, dict, /)\n--\n\n"
                           "Return a new dict with 1 added by C code to every int or float value.");

/* ---- module
 * -------------------------------------------------------------------------------------- */

static PyMethodDef methods[] = {
    TIDECONV_TYPES(LIST_SEQUENCES) TIDECONV_SET_TYPES(LIST_SETS)
        TIDECONV_DICT_TYPES(LIST_DICTS){"list_x2", list_x2, METH_O, list_x2_doc},
    {"tuple_reverse", tuple_reverse, METH_O, tuple_reverse_doc},
    {"dict_inc", dict_inc, METH_O, dict_inc_doc},
    {NULL, NULL, 0, NULL},
};

static int add_version(PyObject *module)
{
    return PyModule_AddStringConstant(module, "__version__", TIDECONV_VERSION);
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, __extension__(void *) add_version},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "tideconv",
    .m_doc = "Round trips of Python containers through native C containers.\n\n"
             "new_PYTHON_NATIVE_TYPE(container) for every cell, such as new_list_array_float,\n"
             "new_set_hash_bytes or new_dict_ordered_str_str; without NATIVE, the usual one.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit_tideconv(void)
{
    return PyModuleDef_Init(&module_def);
}
