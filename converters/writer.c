/* writer.c - a Python list, tuple, set or dict, built batch by batch.
 *
 * Lists and tuples are made at full length and filled in place; for sets and dicts see table.c. */
#include "internal.h"

static PyObject *new_set(enum container kind, size_t count)
{
    PyObject *set = kind == SET ? PySet_New(NULL) : PyFrozenSet_New(NULL);

#if TIDECONV_FAST
    if (set && tideconv_table_presize_set(set, count) < 0) Py_CLEAR(set);
#else
    (void)count;
#endif
    return set;
}

static PyObject *new_container(enum container kind, size_t count)
{
    switch (kind) {
    case LIST: return PyList_New((Py_ssize_t)count);
    case TUPLE: return PyTuple_New((Py_ssize_t)count);
    case DICT: return PyDict_New();
    default: return new_set(kind, count);
    }
}

int tideconv_writer_open(struct writer *writer, enum container kind, size_t count, size_t strings,
                         const struct column *keys, const struct column *values)
{
    size_t native = keys->type->size + (values ? values->type->size : 0);
    bool tables = tideconv_tables_begin(count);

    writer->result = new_container(kind, count);
    tideconv_tables_end(tables);
    if (!writer->result) return -1;
    writer->kind = kind;
    writer->distinct = keys->type->kernel && (!values || values->type->kernel);
    writer->count = (Py_ssize_t)count;
    writer->at = 0;
    writer->batch = 8;
    writer->bytes = 0;
    tideconv_heap_begin(&writer->heap, count, strings, strings + count * native);
    return 0;
}

Py_ssize_t tideconv_writer_next(struct writer *writer)
{
    Py_ssize_t rest = writer->count - writer->at;

    if (rest == 0) return 0;
    if (writer->at > 0 && PyErr_CheckSignals() < 0) return -1;
    if (writer->bytes > (size_t)4 << 20)
        writer->batch = writer->batch > 4 ? writer->batch / 4 : 1;
    else if (writer->batch < BATCH)
        writer->batch *= 2;
    writer->bytes = 0;
    return rest < writer->batch ? rest : writer->batch;
}

/* Give back the chunks of strings that no later element needs. */
static void release(struct writer *writer, struct column *column, Py_ssize_t count)
{
    const struct tideconv_bytes *string = NULL;

    for (Py_ssize_t i = 0; i < count; i++) {
        const struct tideconv_bytes *value = (const void *)(column->entries + i * column->stride);
        writer->bytes += value->size;
        if (value->size) string = value;
    }
    if (string && column->arena) tideconv_arena_release_before(column->arena, string->data);
}

/* Strings that are not drained may lie in any order. */
static void prefetch_strings(const struct column *column, Py_ssize_t count)
{
    for (Py_ssize_t i = 0; i < count; i++)
        __builtin_prefetch(*(char *const *)(column->entries + i * column->stride));
}

/* Make the objects of one column and step over them; -1 with none left behind. */
static int store(struct writer *writer, struct column *column, Py_ssize_t count, PyObject **objects)
{
    const struct tideconv_kernel *kernel = column->type->kernel;
    Py_ssize_t done;

    if (kernel && kernel->strings && !column->arena) prefetch_strings(column, count);
    done = tideconv_store(column->type, column->entries, column->stride, count, objects);
    if (done < count) {
        for (Py_ssize_t i = 0; i < done; i++)
            Py_CLEAR(objects[i]);
        return -1;
    }
    if (column->hashes_at)
        kernel->set_hashes(objects, count, column->entries + column->hashes_at, column->stride);
    if (kernel && kernel->strings) {
        release(writer, column, count);
        tideconv_heap_follow(&writer->heap, objects[count - 1], writer->bytes);
    }
    column->entries += (size_t)count * column->stride;
    return 0;
}

static int add_to_set(struct writer *writer, Py_ssize_t count)
{
    int failed = 0;

#if TIDECONV_FAST
    if (writer->distinct) {
        tideconv_table_fill_set(writer->result, writer->keys, count);
        return 0;
    }
#endif
    for (Py_ssize_t i = 0; i < count; i++) {
        if (!failed) failed = PySet_Add(writer->result, writer->keys[i]);
        Py_DECREF(writer->keys[i]);
    }
    return failed;
}

static int add_to_dict(struct writer *writer, Py_ssize_t count)
{
    int failed = 0;

#if TIDECONV_FAST
    if (writer->distinct)
        return tideconv_table_fill_dict(writer->result, writer->keys, writer->values, count,
                                        writer->count);
#endif
    for (Py_ssize_t i = 0; i < count; i++) {
        if (!failed) failed = PyDict_SetItem(writer->result, writer->keys[i], writer->values[i]);
        Py_DECREF(writer->keys[i]);
        Py_DECREF(writer->values[i]);
    }
    return failed;
}

static int write_dict(struct writer *writer, struct column *keys, struct column *values,
                      Py_ssize_t count)
{
    if (store(writer, keys, count, writer->keys) < 0) return -1;
    if (store(writer, values, count, writer->values) < 0) {
        for (Py_ssize_t i = 0; i < count; i++)
            Py_DECREF(writer->keys[i]);
        return -1;
    }
    return add_to_dict(writer, count);
}

int tideconv_writer_write(struct writer *writer, struct column *keys, struct column *values,
                          Py_ssize_t count)
{
    int failed;

    if (writer->kind == LIST || writer->kind == TUPLE) {
        PyObject **items = PySequence_Fast_ITEMS(writer->result) + writer->at;
        failed = store(writer, keys, count, items);
    } else if (writer->kind == DICT) {
        failed = write_dict(writer, keys, values, count);
    } else {
        failed = store(writer, keys, count, writer->keys);
        if (!failed) failed = add_to_set(writer, count);
    }
    writer->at += count;
    return failed;
}

PyObject *tideconv_writer_close(struct writer *writer, int failed)
{
    tideconv_heap_end(&writer->heap);
    if (failed) Py_CLEAR(writer->result);
    return writer->result;
}

PyObject *tideconv_write_all(enum container kind, struct column *keys, struct column *values,
                             size_t count, size_t strings)
{
    struct writer writer;
    Py_ssize_t batch;

    if (tideconv_writer_open(&writer, kind, count, strings, keys, values) < 0) return NULL;
    while ((batch = tideconv_writer_next(&writer)) > 0) {
        if (tideconv_writer_write(&writer, keys, values, batch) < 0) break;
    }
    return tideconv_writer_close(&writer, batch != 0);
}
