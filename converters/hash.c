/* hash.c - sets and dicts as hash containers.
 *
 * Entries stand in insertion order in one block:
 *
 *   our hash (8) | key | Python's cached hash (8, str and bytes only) | value
 *
 * The index is a table of entry numbers with linear probing, at most two thirds full; a handful of
 * entries goes without. Keys of the library's own types come out of a Python set or dict, so they
 * are known to differ: they are indexed in one pass behind the reading, with the slots prefetched.
 * A drain drops the index first. */
#include "internal.h"

enum { SCANNED = 8, AHEAD = 16, PAUSE_EVERY = 1 << 16, KEY_AT = sizeof(uint64_t) };

static size_t key_size(const struct tideconv_type *type)
{
    return ALIGNED(type->size);
}

static char *entry_at(const struct tideconv_hash *hash, size_t i)
{
    return hash->entries + i * hash->entry_size;
}

static uint64_t hash_of(const char *entry)
{
    return *(const uint64_t *)entry;
}

void tideconv_hash_init(struct tideconv_hash *hash, const struct tideconv_type *key_type,
                        const struct tideconv_type *value_type)
{
    memset(hash, 0, sizeof *hash);
    hash->key_type = key_type;
    hash->value_type = value_type;
    hash->value_at = KEY_AT + key_size(key_type) + tideconv_cached_size(key_type);
    hash->entry_size = hash->value_at + (value_type ? ALIGNED(value_type->size) : 0);
}

static void drop_index(struct tideconv_hash *hash)
{
    tideconv_block_free(hash->index, (hash->mask + 1) * sizeof *hash->index);
    hash->index = NULL;
    hash->mask = 0;
}

void tideconv_hash_clear(struct tideconv_hash *hash)
{
    if (!hash->key_type) return;
    drop_index(hash);
    tideconv_destroy(hash->key_type, hash->entries + KEY_AT, hash->entry_size, hash->count);
    tideconv_destroy(hash->value_type, hash->entries + hash->value_at, hash->entry_size,
                     hash->count);
    tideconv_block_free(hash->entries, hash->capacity * hash->entry_size);
    tideconv_arena_clear(&hash->key_strings);
    tideconv_arena_clear(&hash->value_strings);
    tideconv_hash_init(hash, hash->key_type, hash->value_type);
}

/* ---- index
 * --------------------------------------------------------------------------------------- */

/* An empty index with room for `count` entries. */
static int new_index(struct tideconv_hash *hash, size_t count)
{
    size_t size = 2 * SCANNED;
    uint32_t *index;

    if (count > UINT32_MAX - 1) return -1;
    while (size * 2 < count * 3)
        size *= 2;
    index = tideconv_block_new(size * sizeof *index);
    if (!index) return -1;
    memset(index, 0, size * sizeof *index);
    drop_index(hash);
    hash->index = index;
    hash->mask = size - 1;
    return 0;
}

/* Index an entry whose key is known to be new. */
static void index_entry(struct tideconv_hash *hash, size_t i)
{
    size_t slot = hash_of(entry_at(hash, i)) & hash->mask;

    while (hash->index[slot])
        slot = (slot + 1) & hash->mask;
    hash->index[slot] = (uint32_t)(i + 1);
}

static void index_entries(struct tideconv_hash *hash, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        if (i + AHEAD < hash->count)
            __builtin_prefetch(&hash->index[hash_of(entry_at(hash, i + AHEAD)) & hash->mask], 1);
        index_entry(hash, i);
    }
}

static ptrdiff_t find_hashed(const struct tideconv_hash *hash, const void *key, uint64_t value)
{
    if (!hash->index) {
        for (size_t i = 0; i < hash->count; i++) {
            const char *entry = entry_at(hash, i);
            if (hash_of(entry) == value && tideconv_equal(hash->key_type, key, entry + KEY_AT))
                return (ptrdiff_t)i;
        }
        return -1;
    }
    for (size_t slot = value & hash->mask; hash->index[slot]; slot = (slot + 1) & hash->mask) {
        const char *entry = entry_at(hash, hash->index[slot] - 1);
        if (hash_of(entry) == value && tideconv_equal(hash->key_type, key, entry + KEY_AT))
            return hash->index[slot] - 1;
    }
    return -1;
}

ptrdiff_t tideconv_hash_find(const struct tideconv_hash *hash, const void *key)
{
    uint64_t value;

    tideconv_hash_values(hash->key_type, key, 0, 1, (char *)&value);
    return find_hashed(hash, key, value);
}

const void *tideconv_hash_key(const struct tideconv_hash *hash, size_t i)
{
    return entry_at(hash, i) + KEY_AT;
}

void *tideconv_hash_value(const struct tideconv_hash *hash, size_t i)
{
    return entry_at(hash, i) + hash->value_at;
}

/* ---- insertion from C
 * ---------------------------------------------------------------------------- */

static int make_room(struct tideconv_hash *hash)
{
    size_t capacity = hash->capacity ? hash->capacity * 2 : SCANNED;
    char *entries;

    if (hash->count == hash->capacity) {
        entries = tideconv_block_resize(hash->entries, hash->capacity * hash->entry_size,
                                        capacity * hash->entry_size);
        if (!entries) return -1;
        hash->entries = entries;
        hash->capacity = capacity;
    }
    if (hash->count < SCANNED || (hash->index && (hash->count + 1) * 3 <= (hash->mask + 1) * 2))
        return 0;
    if (new_index(hash, hash->count * 2) < 0) return -1;
    index_entries(hash, 0, hash->count);
    return 0;
}

static int put_new(struct tideconv_hash *hash, const void *key, const void *value, uint64_t hashed)
{
    char *entry;

    if (make_room(hash) < 0) return -1;
    entry = entry_at(hash, hash->count);
    *(uint64_t *)entry = hashed;
    memcpy(entry + KEY_AT, key, hash->key_type->size);
    if (tideconv_adopt(hash->key_type, &hash->key_strings, entry + KEY_AT) < 0) return -1;
    if (tideconv_cached_size(hash->key_type))
        *(Py_hash_t *)(entry + KEY_AT + key_size(hash->key_type)) = -1;
    if (hash->value_type) {
        memcpy(entry + hash->value_at, value, hash->value_type->size);
        if (tideconv_adopt(hash->value_type, &hash->value_strings, entry + hash->value_at) < 0)
            return -1;
    }
    hash->count++;
    if (hash->index) index_entry(hash, hash->count - 1);
    return 0;
}

int tideconv_hash_put(struct tideconv_hash *hash, const void *key, const void *value)
{
    uint64_t hashed;
    ptrdiff_t at;

    tideconv_hash_values(hash->key_type, key, 0, 1, (char *)&hashed);
    at = find_hashed(hash, key, hashed);
    if (at < 0) return put_new(hash, key, value, hashed);
    if (!hash->value_type) return 0;
    return tideconv_replace(hash->value_type, &hash->value_strings,
                            tideconv_hash_value(hash, (size_t)at), value);
}

/* ---- from Python
 * --------------------------------------------------------------------------------- */

/* Load one batch behind the entries so far; what a failed one left there is destroyed. */
static int load_batch(struct tideconv_hash *hash, struct reader *reader, Py_ssize_t count)
{
    char *entry = entry_at(hash, hash->count);
    char *keys = entry + KEY_AT;
    struct load load = {.arena = &hash->key_strings};

    if (tideconv_reader_load(reader, hash->key_type, &load, count, false, keys, hash->entry_size) <
        0)
        return -1;
    if (tideconv_cached_size(hash->key_type))
        hash->key_type->kernel->get_hashes(reader->keys, count, keys + key_size(hash->key_type),
                                           hash->entry_size);
    load.arena = &hash->value_strings;
    if (hash->value_type && tideconv_reader_load(reader, hash->value_type, &load, count, true,
                                                 entry + hash->value_at, hash->entry_size) < 0) {
        tideconv_destroy(hash->key_type, keys, hash->entry_size, (size_t)count);
        return -1;
    }
    tideconv_hash_values(hash->key_type, keys, hash->entry_size, count, entry);
    return 0;
}

/* A user's keys may equal each other natively though they did not in Python: the first key and the
 * last value stay, as in a dict. They come one by one; this one stands behind the entries. */
static void accept_one(struct tideconv_hash *hash)
{
    char *entry = entry_at(hash, hash->count);
    ptrdiff_t at = find_hashed(hash, entry + KEY_AT, hash_of(entry));

    if (at < 0) {
        hash->count++;
        if (hash->index) index_entry(hash, hash->count - 1);
        return;
    }
    tideconv_destroy(hash->key_type, entry + KEY_AT, 0, 1);
    if (hash->value_type) {
        void *value = tideconv_hash_value(hash, (size_t)at);
        tideconv_destroy(hash->value_type, value, 0, 1);
        memcpy(value, entry + hash->value_at, hash->value_type->size);
    }
}

static int allocate(struct tideconv_hash *hash, size_t count)
{
    hash->entries = tideconv_block_new(count * hash->entry_size);
    if (hash->entries) hash->capacity = count;
    if (!hash->entries || (count > SCANNED && new_index(hash, count) < 0)) {
        PyErr_NoMemory();
        return -1;
    }
    hash->key_strings.hint = count;
    hash->value_strings.hint = count;
    return 0;
}

static int read_all(struct tideconv_hash *hash, struct reader *reader)
{
    Py_ssize_t count;

    if (allocate(hash, (size_t)reader->count) < 0) return -1;
    while ((count = tideconv_reader_next(reader, hash->key_strings.total +
                                                     hash->value_strings.total)) > 0) {
        if (load_batch(hash, reader, count) < 0) return -1;
        if (hash->key_type->kernel)
            hash->count += (size_t)count;
        else
            accept_one(hash);
    }
    return (int)count;
}

static int index_all(struct tideconv_hash *hash)
{
    if (!hash->index || !hash->key_type->kernel) return 0;
    for (size_t first = 0; first < hash->count; first += PAUSE_EVERY) {
        size_t end = hash->count - first < PAUSE_EVERY ? hash->count : first + PAUSE_EVERY;
        index_entries(hash, first, end);
        if (PyErr_CheckSignals() < 0) return -1;
    }
    return 0;
}

static int from(struct tideconv_hash *hash, const struct tideconv_type *key_type,
                const struct tideconv_type *value_type, enum container kind, PyObject *container)
{
    struct reader reader;
    int failed;

    tideconv_hash_init(hash, key_type, value_type);
    if (tideconv_reader_open(&reader, kind, container, key_type, value_type) < 0) return -1;
    failed = reader.count ? read_all(hash, &reader) : 0;
    tideconv_reader_close(&reader);
    if (!failed) failed = index_all(hash);
    if (failed) tideconv_hash_clear(hash);
    return failed;
}

/* ---- to Python
 * ----------------------------------------------------------------------------------- */

static PyObject *to(const struct tideconv_hash *hash, struct tideconv_arena *drain_keys,
                    struct tideconv_arena *drain_values, enum container kind)
{
    size_t cached = tideconv_cached_size(hash->key_type);
    struct column keys = {hash->key_type, drain_keys, hash->entries + KEY_AT, hash->entry_size,
                          cached ? (Py_ssize_t)key_size(hash->key_type) : 0};
    struct column values = {hash->value_type, drain_values, hash->entries + hash->value_at,
                            hash->entry_size, 0};

    return tideconv_write_all(kind, &keys, hash->value_type ? &values : NULL, hash->count,
                              hash->key_strings.total + hash->value_strings.total);
}

static PyObject *take(struct tideconv_hash *hash, enum container kind)
{
    bool keys = tideconv_in_order(hash->key_type, &hash->key_strings, hash->entries + KEY_AT,
                                  hash->entry_size, hash->count);
    bool values = hash->value_type &&
                  tideconv_in_order(hash->value_type, &hash->value_strings,
                                    hash->entries + hash->value_at, hash->entry_size, hash->count);
    PyObject *result;

    drop_index(hash);
    result = to(hash, keys ? &hash->key_strings : NULL, values ? &hash->value_strings : NULL, kind);
    tideconv_hash_clear(hash);
    return result;
}

int tideconv_hash_from_set(struct tideconv_hash *hash, const struct tideconv_type *key_type,
                           PyObject *set)
{
    return from(hash, key_type, NULL, SET, set);
}

int tideconv_hash_from_frozenset(struct tideconv_hash *hash, const struct tideconv_type *key_type,
                                 PyObject *frozenset)
{
    return from(hash, key_type, NULL, FROZENSET, frozenset);
}

int tideconv_hash_from_dict(struct tideconv_hash *hash, const struct tideconv_type *key_type,
                            const struct tideconv_type *value_type, PyObject *dict)
{
    return from(hash, key_type, value_type, DICT, dict);
}

PyObject *tideconv_hash_to_set(const struct tideconv_hash *hash)
{
    return to(hash, NULL, NULL, SET);
}

PyObject *tideconv_hash_to_frozenset(const struct tideconv_hash *hash)
{
    return to(hash, NULL, NULL, FROZENSET);
}

PyObject *tideconv_hash_to_dict(const struct tideconv_hash *hash)
{
    return to(hash, NULL, NULL, DICT);
}

PyObject *tideconv_hash_take_set(struct tideconv_hash *hash)
{
    return take(hash, SET);
}

PyObject *tideconv_hash_take_frozenset(struct tideconv_hash *hash)
{
    return take(hash, FROZENSET);
}

PyObject *tideconv_hash_take_dict(struct tideconv_hash *hash)
{
    return take(hash, DICT);
}
