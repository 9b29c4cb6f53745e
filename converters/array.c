/* array.c - lists and tuples as contiguous arrays: one block of values, strings packed behind it.
 */
#include "internal.h"

void tideconv_array_init(struct tideconv_array *array, const struct tideconv_type *type)
{
    memset(array, 0, sizeof *array);
    array->type = type;
}

void tideconv_array_clear(struct tideconv_array *array)
{
    if (!array->type) return;
    tideconv_destroy(array->type, array->items, array->type->size, array->count);
    tideconv_block_free(array->items, array->capacity * array->type->size);
    tideconv_arena_clear(&array->strings);
    tideconv_array_init(array, array->type);
}

int tideconv_array_push(struct tideconv_array *array, const void *value)
{
    size_t size = array->type->size;
    char *slot;

    if (array->count == array->capacity) {
        size_t capacity = array->capacity ? array->capacity * 2 : 8;
        void *items = tideconv_block_resize(array->items, array->capacity * size, capacity * size);
        if (!items) return -1;
        array->items = items;
        array->capacity = capacity;
    }
    slot = (char *)array->items + array->count * size;
    memcpy(slot, value, size);
    if (tideconv_adopt(array->type, &array->strings, slot) < 0) return -1;
    array->count++;
    return 0;
}

void tideconv_array_reverse(struct tideconv_array *array)
{
    size_t size = array->type->size;
    char *low = array->items;
    char *high = low + (array->count ? array->count - 1 : 0) * size;

    for (; low < high; low += size, high -= size) {
        for (size_t i = 0; i < size; i++) {
            char byte = low[i];
            low[i] = high[i];
            high[i] = byte;
        }
    }
}

static int read_all(struct tideconv_array *array, struct reader *reader)
{
    size_t size = array->type->size;
    struct load load = {.arena = &array->strings};
    Py_ssize_t count;

    array->items = tideconv_block_new((size_t)reader->count * size);
    if (!array->items) {
        PyErr_NoMemory();
        return -1;
    }
    array->capacity = (size_t)reader->count;
    array->strings.hint = array->capacity;
    while ((count = tideconv_reader_next(reader, array->strings.total)) > 0) {
        char *out = (char *)array->items + array->count * size;
        if (tideconv_reader_load(reader, array->type, &load, count, false, out, size) < 0)
            return -1;
        array->count += (size_t)count;
    }
    return (int)count;
}

static int from(struct tideconv_array *array, const struct tideconv_type *type, enum container kind,
                PyObject *sequence)
{
    struct reader reader;
    int failed;

    tideconv_array_init(array, type);
    if (tideconv_reader_open(&reader, kind, sequence, type, NULL) < 0) return -1;
    failed = reader.count ? read_all(array, &reader) : 0;
    tideconv_reader_close(&reader);
    if (failed) tideconv_array_clear(array);
    return failed;
}

static PyObject *to(const struct tideconv_array *array, struct tideconv_arena *drain,
                    enum container kind)
{
    struct column column = {array->type, drain, array->items, array->type->size, 0};

    return tideconv_write_all(kind, &column, NULL, array->count, array->strings.total);
}

static PyObject *take(struct tideconv_array *array, enum container kind)
{
    bool drain = tideconv_in_order(array->type, &array->strings, array->items, array->type->size,
                                   array->count);
    PyObject *result = to(array, drain ? &array->strings : NULL, kind);

    tideconv_array_clear(array);
    return result;
}

int tideconv_array_from_list(struct tideconv_array *array, const struct tideconv_type *type,
                             PyObject *list)
{
    return from(array, type, LIST, list);
}

int tideconv_array_from_tuple(struct tideconv_array *array, const struct tideconv_type *type,
                              PyObject *tuple)
{
    return from(array, type, TUPLE, tuple);
}

PyObject *tideconv_array_to_list(const struct tideconv_array *array)
{
    return to(array, NULL, LIST);
}

PyObject *tideconv_array_to_tuple(const struct tideconv_array *array)
{
    return to(array, NULL, TUPLE);
}

PyObject *tideconv_array_take_list(struct tideconv_array *array)
{
    return take(array, LIST);
}

PyObject *tideconv_array_take_tuple(struct tideconv_array *array)
{
    return take(array, TUPLE);
}
