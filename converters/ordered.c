/* ordered.c - dicts as maps in key order.
 *
 * Entries stand sorted in one block:
 *
 *   key | Python's cached hash (8, str and bytes only) | value
 *
 * A dict whose strings are few is read once, front to back, and its entries are sorted afterwards:
 * its strings stay in the order of the dict. A larger one is gathered first, as references and keys
 * (strings are only borrowed from their objects), sorted, and then copied into the packed storage
 * in key order. That way a drain reads the storage front to back and can give it back as it goes.
 */
#include "internal.h"

static char *entry_at(const struct tideconv_ordered *ordered, size_t i)
{
    return ordered->entries + i * ordered->entry_size;
}

void tideconv_ordered_init(struct tideconv_ordered *ordered, const struct tideconv_type *key_type,
                           const struct tideconv_type *value_type)
{
    memset(ordered, 0, sizeof *ordered);
    ordered->key_type = key_type;
    ordered->value_type = value_type;
    ordered->value_at = ALIGNED(key_type->size) + tideconv_cached_size(key_type);
    ordered->entry_size = ordered->value_at + ALIGNED(value_type->size);
}

void tideconv_ordered_clear(struct tideconv_ordered *ordered)
{
    if (!ordered->key_type) return;
    tideconv_destroy(ordered->key_type, ordered->entries, ordered->entry_size, ordered->count);
    tideconv_destroy(ordered->value_type, ordered->entries + ordered->value_at, ordered->entry_size,
                     ordered->count);
    tideconv_block_free(ordered->entries, ordered->capacity * ordered->entry_size);
    tideconv_arena_clear(&ordered->key_strings);
    tideconv_arena_clear(&ordered->value_strings);
    tideconv_ordered_init(ordered, ordered->key_type, ordered->value_type);
}

/* ---- from C
 * -------------------------------------------------------------------------------------- */

size_t tideconv_ordered_lower_bound(const struct tideconv_ordered *ordered, const void *key)
{
    size_t low = 0, high = ordered->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tideconv_compare(ordered->key_type, entry_at(ordered, middle), key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

ptrdiff_t tideconv_ordered_find(const struct tideconv_ordered *ordered, const void *key)
{
    size_t at = tideconv_ordered_lower_bound(ordered, key);

    if (at == ordered->count) return -1;
    if (tideconv_compare(ordered->key_type, entry_at(ordered, at), key) != 0) return -1;
    return (ptrdiff_t)at;
}

const void *tideconv_ordered_key(const struct tideconv_ordered *ordered, size_t i)
{
    return entry_at(ordered, i);
}

void *tideconv_ordered_value(const struct tideconv_ordered *ordered, size_t i)
{
    return entry_at(ordered, i) + ordered->value_at;
}

/* One entry more, and one beyond it for moving it into its place. */
static int make_room(struct tideconv_ordered *ordered)
{
    size_t capacity = ordered->capacity > 4 ? ordered->capacity * 2 : 8;
    char *entries;

    if (ordered->count + 2 <= ordered->capacity) return 0;
    entries = tideconv_block_resize(ordered->entries, ordered->capacity * ordered->entry_size,
                                    capacity * ordered->entry_size);
    if (!entries) return -1;
    ordered->entries = entries;
    ordered->capacity = capacity;
    return 0;
}

int tideconv_ordered_put(struct tideconv_ordered *ordered, const void *key, const void *value)
{
    ptrdiff_t found = tideconv_ordered_find(ordered, key);
    size_t at;
    char *last;

    if (found >= 0)
        return tideconv_replace(ordered->value_type, &ordered->value_strings,
                                tideconv_ordered_value(ordered, (size_t)found), value);
    if (make_room(ordered) < 0) return -1;
    /* Built behind the last entry, where a failure leaves nothing that counts, then moved. */
    last = entry_at(ordered, ordered->count);
    memcpy(last, key, ordered->key_type->size);
    if (tideconv_adopt(ordered->key_type, &ordered->key_strings, last) < 0) return -1;
    if (tideconv_cached_size(ordered->key_type))
        *(Py_hash_t *)(last + ALIGNED(ordered->key_type->size)) = -1;
    memcpy(last + ordered->value_at, value, ordered->value_type->size);
    if (tideconv_adopt(ordered->value_type, &ordered->value_strings, last + ordered->value_at) < 0)
        return -1;
    at = tideconv_ordered_lower_bound(ordered, last);
    memmove(entry_at(ordered, at + 1), entry_at(ordered, at),
            (ordered->count - at + 1) * ordered->entry_size);
    memcpy(entry_at(ordered, at), last + ordered->entry_size, ordered->entry_size);
    ordered->count++;
    return 0;
}

/* ---- from Python, in key order
 * --------------------------------------------------------------------------------- */

/* A dict on its way into order. */
struct gathered {
    const struct tideconv_type *key_type;
    size_t count;
    size_t capacity;
    PyObject **objects; /* key and value in turn, with a reference to each */
    char *keys;         /* native keys; strings are borrowed, or encoded into `scratch` */
    size_t stride;
    struct slot *slots; /* twice the capacity: the second half is for the sort */
    struct tideconv_arena scratch;
};

static void gathered_free(struct gathered *g)
{
    for (size_t i = 0; i < 2 * g->count; i++)
        Py_DECREF(g->objects[i]);
    tideconv_block_free(g->objects, 2 * g->capacity * sizeof *g->objects);
    tideconv_block_free(g->keys, g->capacity * g->stride);
    tideconv_block_free(g->slots, 2 * g->capacity * sizeof *g->slots);
    tideconv_arena_clear(&g->scratch);
}

static int gather_batch(struct gathered *g, struct reader *reader, Py_ssize_t count)
{
    struct load load = {.arena = &g->scratch, .borrow = true};
    char *keys = g->keys + g->count * g->stride;

    if (tideconv_reader_load(reader, g->key_type, &load, count, false, keys, g->stride) < 0)
        return -1;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject **pair = &g->objects[2 * (g->count + (size_t)i)];
        Py_INCREF(reader->keys[i]);
        Py_INCREF(reader->values[i]);
        pair[0] = reader->keys[i];
        pair[1] = reader->values[i];
    }
    g->count += (size_t)count;
    return 0;
}

static int gather(struct gathered *g, struct reader *reader)
{
    Py_ssize_t count;

    g->capacity = (size_t)reader->count;
    g->stride = ALIGNED(g->key_type->size);
    g->scratch.hint = g->capacity;
    g->objects = tideconv_block_new(2 * g->capacity * sizeof *g->objects);
    g->keys = tideconv_block_new(g->capacity * g->stride);
    g->slots = tideconv_block_new(2 * g->capacity * sizeof *g->slots);
    if (!g->objects || !g->keys || !g->slots) {
        PyErr_NoMemory();
        return -1;
    }
    while ((count = tideconv_reader_next(reader, g->scratch.total)) > 0) {
        if (gather_batch(g, reader, count) < 0) return -1;
    }
    return (int)count;
}

/* How many first bytes all string keys share: they say nothing about the order. */
static size_t shared_bytes(const struct gathered *g)
{
    const struct tideconv_bytes *first = (const void *)g->keys;
    size_t shared = first->size;

    for (size_t i = 1; i < g->count && shared > 0; i++) {
        const struct tideconv_bytes *key = (const void *)(g->keys + i * g->stride);
        if (key->size < shared) shared = key->size;
        if (memcmp(key->data, first->data, shared) == 0) continue;
        for (size_t same = 0; same < shared; same++) {
            if (key->data[same] != first->data[same]) shared = same;
        }
    }
    return shared;
}

static int compare_numbers(const struct order *order, uint64_t left, uint64_t right)
{
    const struct gathered *g = order->context;

    return tideconv_compare(g->key_type, g->keys + left * g->stride, g->keys + right * g->stride);
}

static int sort(struct gathered *g)
{
    const struct tideconv_kernel *kernel = g->key_type->kernel;
    const struct order order = {compare_numbers, PyErr_CheckSignals, g};
    size_t skip = kernel && kernel->strings ? shared_bytes(g) : 0;

    for (size_t i = 0; i < g->count; i++) {
        g->slots[i].number = i;
        g->slots[i].prefix = kernel ? kernel->prefix(g->keys + i * g->stride, skip) : 0;
    }
    return tideconv_sort(g->slots, g->slots + g->capacity, g->count, &order);
}

/* A user's keys may compare equal though they differed in Python: the first key and the last value
 * stay, as in a dict. Equal keys are neighbours, in the order of the dict. */
static size_t drop_equal(struct gathered *g)
{
    size_t kept = 0;

    if (g->key_type->kernel) return g->count;
    for (size_t i = 0; i < g->count; i++) {
        size_t number = g->slots[i].number;
        size_t last = kept ? g->slots[kept - 1].number : 0;
        if (kept == 0 || compare_numbers(&(struct order){.context = g}, last, number) != 0) {
            g->slots[kept++] = g->slots[i];
            continue;
        }
        tideconv_destroy(g->key_type, g->keys + number * g->stride, 0, 1);
        PyObject *value = g->objects[2 * last + 1];
        g->objects[2 * last + 1] = g->objects[2 * number + 1];
        g->objects[2 * number + 1] = value;
    }
    return kept;
}

/* Copy the keys into their final places. On failure those of a user's type are still in `g`. */
static int place_keys(struct tideconv_ordered *ordered, const struct gathered *g, size_t count)
{
    enum { AHEAD = 8 };
    const struct tideconv_kernel *kernel = ordered->key_type->kernel;

    for (size_t i = 0; i < count; i++) {
        size_t number = g->slots[i].number;
        char *entry = entry_at(ordered, i);
        if (i + 2 * AHEAD < count)
            __builtin_prefetch(g->keys + g->slots[i + 2 * AHEAD].number * g->stride);
        if (i + AHEAD < count && kernel && kernel->strings)
            __builtin_prefetch(*(char *const *)(g->keys + g->slots[i + AHEAD].number * g->stride));
        memcpy(entry, g->keys + number * g->stride, ordered->key_type->size);
        if (tideconv_adopt(ordered->key_type, &ordered->key_strings, entry) < 0) {
            PyErr_NoMemory();
            return -1;
        }
        if (tideconv_cached_size(ordered->key_type))
            kernel->get_hashes(&g->objects[2 * number], 1, entry + ALIGNED(ordered->key_type->size),
                               0);
        if (i % BATCH == BATCH - 1 && PyErr_CheckSignals() < 0) return -1;
    }
    return 0;
}

/* Load the values in key order; the number that are loaded is left in `*loaded`. */
static int place_values(struct tideconv_ordered *ordered, const struct gathered *g, size_t count,
                        struct reader *reader, size_t *loaded)
{
    enum { VALUES = 32 };
    struct load load = {.arena = &ordered->value_strings};

    reader->keys = reader->key_buffer;
    reader->values = reader->value_buffer;
    for (*loaded = 0; *loaded < count;) {
        size_t batch = count - *loaded < VALUES ? count - *loaded : VALUES;
        for (size_t i = 0; i < batch; i++) {
            PyObject **pair = &g->objects[2 * g->slots[*loaded + i].number];
            reader->key_buffer[i] = pair[0];
            reader->value_buffer[i] = pair[1];
            __builtin_prefetch(pair[1]);
            if (*loaded + i + VALUES < count)
                __builtin_prefetch(&g->objects[2 * g->slots[*loaded + i + VALUES].number]);
        }
        if (tideconv_reader_load(reader, ordered->value_type, &load, (Py_ssize_t)batch, true,
                                 entry_at(ordered, *loaded) + ordered->value_at,
                                 ordered->entry_size) < 0)
            return -1;
        *loaded += batch;
        if (PyErr_CheckSignals() < 0) return -1;
    }
    return 0;
}

static int place(struct tideconv_ordered *ordered, const struct gathered *g, size_t count,
                 struct reader *reader)
{
    size_t loaded = 0;
    int failed;

    ordered->key_strings.hint = count;
    ordered->value_strings.hint = count;
    failed =
        place_keys(ordered, g, count) < 0 || place_values(ordered, g, count, reader, &loaded) < 0;
    if (failed)
        tideconv_destroy(ordered->value_type, ordered->entries + ordered->value_at,
                         ordered->entry_size, loaded);
    else
        ordered->count = count;
    return failed ? -1 : 0;
}

static int gather_and_place(struct tideconv_ordered *ordered, struct reader *reader)
{
    struct gathered g = {.key_type = ordered->key_type};
    size_t count = 0;
    int failed = gather(&g, reader) < 0;

    if (!failed) failed = sort(&g) != 0;
    if (failed) {
        tideconv_destroy(g.key_type, g.keys, g.stride, g.count);
        gathered_free(&g);
        return -1;
    }
    count = drop_equal(&g);
    ordered->entries = tideconv_block_new(count * ordered->entry_size);
    if (ordered->entries) {
        ordered->capacity = count;
        failed = place(ordered, &g, count, reader) < 0;
    } else {
        PyErr_NoMemory();
        failed = 1;
    }
    if (failed) {
        for (size_t i = 0; i < count; i++)
            tideconv_destroy(g.key_type, g.keys + g.slots[i].number * g.stride, 0, 1);
    }
    gathered_free(&g);
    return failed ? -1 : 0;
}

/* ---- from Python, straight into entries
 * ---------------------------------------------------------------- */

/* Strings up to this many bytes may lie in the dict's order rather than in that of the keys: they
 * are read once, front to back, but stay until the last of them has been written. */
#define DIRECT_LIMIT ((size_t)32 << 20)

static int load_batch(struct tideconv_ordered *ordered, struct reader *reader, Py_ssize_t count)
{
    struct load load = {.arena = &ordered->key_strings};
    const struct tideconv_type *key_type = ordered->key_type;
    char *entry = entry_at(ordered, ordered->count);

    if (tideconv_reader_load(reader, key_type, &load, count, false, entry, ordered->entry_size) < 0)
        return -1;
    if (tideconv_cached_size(key_type))
        key_type->kernel->get_hashes(reader->keys, count, entry + ALIGNED(key_type->size),
                                     ordered->entry_size);
    load.arena = &ordered->value_strings;
    if (tideconv_reader_load(reader, ordered->value_type, &load, count, true,
                             entry + ordered->value_at, ordered->entry_size) < 0)
        return -1;
    ordered->count += (size_t)count;
    return 0;
}

/* The entries in the order of the slots, in a block of their own. */
static int permute(struct tideconv_ordered *ordered, const struct slot *slots)
{
    enum { AHEAD = 16 };
    size_t size = ordered->entry_size;
    char *entries = tideconv_block_new(ordered->count * size);

    if (!entries) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t i = 0; i < ordered->count; i++) {
        if (i + AHEAD < ordered->count)
            __builtin_prefetch(entry_at(ordered, slots[i + AHEAD].number));
        memcpy(entries + i * size, entry_at(ordered, slots[i].number), size);
    }
    tideconv_block_free(ordered->entries, ordered->capacity * size);
    ordered->entries = entries;
    ordered->capacity = ordered->count;
    return 0;
}

static int sort_entries(struct tideconv_ordered *ordered)
{
    struct gathered g = {.key_type = ordered->key_type,
                         .count = ordered->count,
                         .capacity = ordered->count,
                         .keys = ordered->entries,
                         .stride = ordered->entry_size};
    size_t size = 2 * g.capacity * sizeof *g.slots;
    int failed;

    g.slots = tideconv_block_new(size);
    if (!g.slots) {
        PyErr_NoMemory();
        return -1;
    }
    failed = sort(&g) != 0 || permute(ordered, g.slots) < 0;
    tideconv_block_free(g.slots, size);
    return failed ? -1 : 0;
}

/* Read entries of built-in types as they come and put them into order afterwards; 1 if there are
 * too many strings for that, with nothing kept. */
static int read_direct(struct tideconv_ordered *ordered, struct reader *reader)
{
    size_t strings = 0;
    Py_ssize_t count;

    ordered->entries = tideconv_block_new((size_t)reader->count * ordered->entry_size);
    if (!ordered->entries) {
        PyErr_NoMemory();
        return -1;
    }
    ordered->capacity = (size_t)reader->count;
    ordered->key_strings.hint = ordered->capacity;
    ordered->value_strings.hint = ordered->capacity;
    while ((count = tideconv_reader_next(reader, strings)) > 0) {
        if (load_batch(ordered, reader, count) < 0) return -1;
        strings = ordered->key_strings.total + ordered->value_strings.total;
        if (strings > DIRECT_LIMIT) {
            tideconv_ordered_clear(ordered);
            return 1;
        }
    }
    return count < 0 ? -1 : sort_entries(ordered);
}

static int read_all(struct tideconv_ordered *ordered, struct reader *reader)
{
    const struct tideconv_type *key_type = ordered->key_type, *value_type = ordered->value_type;
    int direct = 1;

    if (key_type->kernel && value_type->kernel) {
        direct = read_direct(ordered, reader);
        if (direct <= 0) return direct;
        tideconv_reader_close(reader);
        if (tideconv_reader_open(reader, DICT, reader->container, key_type, value_type) < 0)
            return -1;
    }
    return gather_and_place(ordered, reader);
}

int tideconv_ordered_from_dict(struct tideconv_ordered *ordered,
                               const struct tideconv_type *key_type,
                               const struct tideconv_type *value_type, PyObject *dict)
{
    struct reader reader;
    int failed;

    tideconv_ordered_init(ordered, key_type, value_type);
    if (tideconv_reader_open(&reader, DICT, dict, key_type, value_type) < 0) return -1;
    failed = reader.count ? read_all(ordered, &reader) : 0;
    tideconv_reader_close(&reader);
    if (failed) tideconv_ordered_clear(ordered);
    return failed;
}

/* ---- to Python
 * ----------------------------------------------------------------------------------- */

static PyObject *to(const struct tideconv_ordered *ordered, struct tideconv_arena *drain_keys,
                    struct tideconv_arena *drain_values)
{
    size_t cached = tideconv_cached_size(ordered->key_type);
    struct column keys = {ordered->key_type, drain_keys, ordered->entries, ordered->entry_size,
                          cached ? (Py_ssize_t)ALIGNED(ordered->key_type->size) : 0};
    struct column values = {ordered->value_type, drain_values, ordered->entries + ordered->value_at,
                            ordered->entry_size, 0};

    return tideconv_write_all(DICT, &keys, &values, ordered->count,
                              ordered->key_strings.total + ordered->value_strings.total);
}

PyObject *tideconv_ordered_to_dict(const struct tideconv_ordered *ordered)
{
    return to(ordered, NULL, NULL);
}

PyObject *tideconv_ordered_take_dict(struct tideconv_ordered *ordered)
{
    bool keys = tideconv_in_order(ordered->key_type, &ordered->key_strings, ordered->entries,
                                  ordered->entry_size, ordered->count);
    bool values = tideconv_in_order(ordered->value_type, &ordered->value_strings,
                                    ordered->entries + ordered->value_at, ordered->entry_size,
                                    ordered->count);
    PyObject *result =
        to(ordered, keys ? &ordered->key_strings : NULL, values ? &ordered->value_strings : NULL);

    tideconv_ordered_clear(ordered);
    return result;
}
