/* reader.c - a Python list, tuple, set or dict, handed out batch by batch.
 *
 * Objects of a batch are borrowed as long as no Python code can run, which is until the next batch;
 * where a user's callback may run some, they come one by one and with a reference. Signals are
 * served between batches, and what a handler or another thread did to the container then is noticed
 * by its size (or its table) and raised as a RuntimeError, as CPython's own iterators do. */
#include "internal.h"

#define MIB (size_t)(1024 * 1024)

static bool is_kind(enum container kind, PyObject *object)
{
    switch (kind) {
    case LIST: return PyList_CheckExact(object);
    case TUPLE: return PyTuple_CheckExact(object);
    case SET: return Py_TYPE(object) == &PySet_Type;
    case FROZENSET: return PyFrozenSet_CheckExact(object);
    case DICT: return PyDict_CheckExact(object);
    }
    return false;
}

static const char *kind_name(enum container kind)
{
    static const char *const names[] = {"list", "tuple", "set", "frozenset", "dict"};

    return names[kind];
}

static Py_ssize_t current_size(const struct reader *reader)
{
    switch (reader->kind) {
    case LIST: return PyList_Size(reader->container);
    case TUPLE: return PyTuple_GET_SIZE(reader->container);
    case DICT: return PyDict_Size(reader->container);
    default: return PySet_Size(reader->container);
    }
}

int tideconv_reader_open(struct reader *reader, enum container kind, PyObject *container,
                         const struct tideconv_type *key_type,
                         const struct tideconv_type *value_type)
{
    if (!is_kind(kind, container)) {
        PyErr_Format(PyExc_TypeError, "expected a %s, got %.200s", kind_name(kind),
                     Py_TYPE(container)->tp_name);
        return -1;
    }
    reader->container = container;
    reader->kind = kind;
    reader->count = current_size(reader);
    reader->at = 0;
    reader->cursor = 0;
    reader->batch = 8;
    reader->seen = 0;
    reader->one_by_one = !key_type->kernel || (value_type && !value_type->kernel);
    reader->held = 0;
    reader->iterator = NULL;
#if TIDECONV_FAST
    if (kind == SET || kind == FROZENSET) reader->table = ((PySetObject *)container)->table;
#else
    if (kind == SET || kind == FROZENSET) {
        reader->iterator = PyObject_GetIter(container);
        if (!reader->iterator) return -1;
    }
#endif
    return 0;
}

static void drop_batch(struct reader *reader)
{
    for (Py_ssize_t i = 0; i < reader->held; i++) {
        Py_DECREF(reader->keys[i]);
        if (reader->kind == DICT) Py_DECREF(reader->values[i]);
    }
    reader->held = 0;
}

/* Keep the batch's objects alive until the next one. */
static void hold_batch(struct reader *reader, Py_ssize_t count)
{
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_INCREF(reader->keys[i]);
        if (reader->kind == DICT) Py_INCREF(reader->values[i]);
    }
    reader->held = count;
}

static Py_ssize_t changed(const struct reader *reader)
{
    PyErr_Format(PyExc_RuntimeError, "%s changed during conversion", kind_name(reader->kind));
    return -1;
}

static Py_ssize_t next_of_sequence(struct reader *reader, Py_ssize_t count)
{
    PyObject **items;

#if PY_VERSION_HEX >= 0x030D0000 && !TIDECONV_FAST
    if (reader->kind == LIST) {
        for (Py_ssize_t i = 0; i < count; i++) {
            reader->key_buffer[i] = PyList_GetItemRef(reader->container, reader->at + i);
            if (!reader->key_buffer[i]) return changed(reader); /* it has become shorter */
            reader->held = i + 1;
        }
        return count;
    }
#endif
    items = PySequence_Fast_ITEMS(reader->container) + reader->at;
    if (!reader->one_by_one && TIDECONV_FAST) {
        reader->keys = items;
        for (Py_ssize_t i = 0; i < count; i++)
            __builtin_prefetch(items[i]);
        return count;
    }
    for (Py_ssize_t i = 0; i < count; i++)
        reader->key_buffer[i] = items[i];
    hold_batch(reader, count);
    return count;
}

static Py_ssize_t next_of_dict(struct reader *reader, Py_ssize_t count)
{
    Py_ssize_t got = 0;

#if PY_VERSION_HEX >= 0x030D0000
    Py_BEGIN_CRITICAL_SECTION(reader->container);
#endif
    while (got < count && PyDict_Next(reader->container, &reader->cursor, &reader->key_buffer[got],
                                      &reader->value_buffer[got])) {
        __builtin_prefetch(reader->key_buffer[got]);
        __builtin_prefetch(reader->value_buffer[got]);
        got++;
    }
    if (reader->one_by_one || !TIDECONV_FAST) hold_batch(reader, got);
#if PY_VERSION_HEX >= 0x030D0000
    Py_END_CRITICAL_SECTION();
#endif
    return got == count ? count : changed(reader);
}

#if TIDECONV_FAST
/* Straight from the table. A slot that is free or was freed holds no key or the hash -1. */
static Py_ssize_t next_of_set(struct reader *reader, Py_ssize_t count)
{
    PySetObject *set = (PySetObject *)reader->container;
    Py_ssize_t got = 0;

    if (set->table != reader->table) return changed(reader);
    while (got < count && reader->cursor <= set->mask) {
        const setentry *entry = &set->table[reader->cursor++];
        if (!entry->key || entry->hash == -1) continue;
        __builtin_prefetch(entry->key);
        reader->key_buffer[got++] = entry->key;
    }
    if (reader->one_by_one) hold_batch(reader, got);
    return got == count ? count : changed(reader);
}
#else
static Py_ssize_t next_of_set(struct reader *reader, Py_ssize_t count)
{
    for (Py_ssize_t i = 0; i < count; i++) {
        reader->key_buffer[i] = PyIter_Next(reader->iterator);
        if (!reader->key_buffer[i]) return PyErr_Occurred() ? -1 : changed(reader);
        reader->held = i + 1;
    }
    return count;
}
#endif

/* Larger batches while strings are short, smaller ones when a batch brought in megabytes. */
static void pace(struct reader *reader, size_t bytes)
{
    if (bytes - reader->seen > 4 * MIB)
        reader->batch = reader->batch > 4 ? reader->batch / 4 : 1;
    else if (reader->batch < BATCH)
        reader->batch *= 2;
    if (reader->one_by_one) reader->batch = 1;
    reader->seen = bytes;
}

Py_ssize_t tideconv_reader_next(struct reader *reader, size_t bytes)
{
    Py_ssize_t count = reader->count - reader->at;

    drop_batch(reader);
    if (count == 0) return 0;
    if (reader->at > 0) {
        if (PyErr_CheckSignals() < 0) return -1;
        if (current_size(reader) != reader->count) return changed(reader);
    }
    pace(reader, bytes);
    if (count > reader->batch) count = reader->batch;
    reader->keys = reader->key_buffer;
    reader->values = reader->value_buffer;
    if (reader->kind == DICT)
        count = next_of_dict(reader, count);
    else if (reader->kind == LIST || reader->kind == TUPLE)
        count = next_of_sequence(reader, count);
    else
        count = next_of_set(reader, count);
    if (count > 0) reader->at += count;
    return count;
}

void tideconv_reader_close(struct reader *reader)
{
    drop_batch(reader);
    Py_CLEAR(reader->iterator);
}

/* Raise what is wrong with element `i` of the batch, saying which one it is. */
static void report(const struct reader *reader, const struct load *load, const char *expected,
                   Py_ssize_t first, Py_ssize_t i, bool value)
{
    PyObject *key = reader->keys[i];
    PyObject *object = value ? reader->values[i] : key;
    PyObject *where;

    /* repr() of a key runs any code, which may drop the container. */
    Py_INCREF(key);
    Py_INCREF(object);
    if (reader->kind == LIST || reader->kind == TUPLE)
        where = PyUnicode_FromFormat("%s item %zd", kind_name(reader->kind), first + i);
    else if (reader->kind == DICT)
        where = PyUnicode_FromFormat("%s key %.100R", value ? "value of dict" : "dict", key);
    else
        where = PyUnicode_FromFormat("%s element %.100R", kind_name(reader->kind), key);
    if (where && load->exception)
        PyErr_Format(load->exception, "%U: %s", where, load->problem);
    else if (where)
        PyErr_Format(PyExc_TypeError, "%U: expected %s, got %.200s", where, expected,
                     Py_TYPE(object)->tp_name);
    Py_XDECREF(where);
    Py_DECREF(object);
    Py_DECREF(key);
}

int tideconv_reader_load(struct reader *reader, const struct tideconv_type *type, struct load *load,
                         Py_ssize_t count, bool values, char *out, size_t stride)
{
    PyObject *const *objects = values ? reader->values : reader->keys;
    Py_ssize_t done;

    load->exception = NULL;
    done = tideconv_load(type, load, objects, count, out, stride);
    if (done == count) return 0;
    if (!PyErr_Occurred()) report(reader, load, type->name, reader->at - count, done, values);
    return -1;
}
