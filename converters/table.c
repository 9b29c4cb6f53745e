/* table.c - the tables of new Python sets and dicts.
 *
 * Left to itself CPython grows a table step by step and moves every element several times, and it
 * compares each new key with those in its way, each compare a cache miss. Here a new set or dict
 * gets room for all elements at once; and where its keys are known to differ, because they are of a
 * built-in type and out of a set, a dict or a map, they are put into the next free place, a batch
 * at a time, with the places fetched ahead. Places are probed in CPython's own order, or it would
 * not find them again.
 *
 * The layouts are those of 3.8 to 3.13; elsewhere the public interface alone is used. */
#include "internal.h"

#if TIDECONV_FAST
enum { PERTURB_SHIFT = 5, LINEAR_PROBES = 9 };
/* A dict of so few grows on its own sooner than it is given room. */
enum { GROWN = 16 };

static void get_hashes(PyObject *const *keys, Py_ssize_t count, Py_hash_t *hashes)
{
    for (Py_ssize_t i = 0; i < count; i++)
        hashes[i] = PyObject_Hash(keys[i]); /* cannot fail: they are of built-in types */
}

/* ---- sets
 * ---------------------------------------------------------------------------------------- */

/* The rule is that of set_add_entry(): a table grows once fill * 5 >= mask * 3. */
int tideconv_table_presize_set(PyObject *object, size_t count)
{
    PySetObject *set = (PySetObject *)object;
    size_t size = PySet_MINSIZE;
    setentry *table;

    while (count * 5 >= (size - 1) * 3)
        size *= 2;
    if (size == PySet_MINSIZE) return 0;
    table = PyMem_Calloc(size, sizeof *table);
    if (!table) {
        PyErr_NoMemory();
        return -1;
    }
    set->table = table;
    set->mask = (Py_ssize_t)size - 1;
    return 0;
}

/* As set_insert_clean(): a line of neighbours, then elsewhere. */
static setentry *free_place(setentry *table, size_t mask, Py_hash_t hash)
{
    size_t perturb = (size_t)hash;
    size_t at = perturb & mask;

    for (;;) {
        size_t last = at + LINEAR_PROBES <= mask ? at + LINEAR_PROBES : at;
        for (size_t i = at; i <= last; i++) {
            if (!table[i].key) return &table[i];
        }
        perturb >>= PERTURB_SHIFT;
        at = (at * 5 + 1 + perturb) & mask;
    }
}

void tideconv_table_fill_set(PyObject *object, PyObject *const *keys, Py_ssize_t count)
{
    PySetObject *set = (PySetObject *)object;
    Py_hash_t hashes[BATCH];

    get_hashes(keys, count, hashes);
    for (Py_ssize_t i = 0; i < count; i++)
        __builtin_prefetch(&set->table[hashes[i] & set->mask], 1);
    for (Py_ssize_t i = 0; i < count; i++) {
        setentry *place = free_place(set->table, (size_t)set->mask, hashes[i]);
        place->key = keys[i];
        place->hash = hashes[i];
    }
    set->fill += count;
    set->used += count;
}

/* ---- dicts
 * --------------------------------------------------------------------------------------- */

/* Exported by all of these versions, not declared by all. */
extern int _PyDict_SetItem_KnownHash(PyObject *, PyObject *, PyObject *, Py_hash_t);

/* What a dict refers to as ma_keys: a header, the index, and the entries in order of insertion. The
 * index holds numbers of entries, as wide as its size makes necessary, and -1 where it is free. */
struct keys {
    Py_ssize_t references;
#    if PY_VERSION_HEX >= 0x030B0000
    uint8_t log2_size;
    uint8_t log2_index_bytes;
    uint8_t kind; /* 0: any keys, each with its hash; 1: str alone, without */
    uint32_t version;
#    else
    Py_ssize_t size;
    void *lookup;
#    endif
    Py_ssize_t usable;
    Py_ssize_t count;
    char index[];
};

/* A table as `fill` needs it. */
struct table {
    struct keys *keys;
    size_t mask;
    unsigned width; /* bytes of a number in the index */
    bool hashes;    /* entries begin with the hash of the key */
    char *entries;
};

static struct table table_of(PyObject *dict)
{
    struct table table = {.keys = (struct keys *)((PyDictObject *)dict)->ma_keys, .hashes = true};
#    if PY_VERSION_HEX >= 0x030B0000
    size_t size = (size_t)1 << table.keys->log2_size;
    table.hashes = table.keys->kind == 0;
#    else
    size_t size = (size_t)table.keys->size;
#    endif

    table.mask = size - 1;
    table.width = size <= 0xFF ? 1 : size <= 0xFFFF ? 2 : size <= 0xFFFFFFFF ? 4 : 8;
    table.entries = table.keys->index + size * table.width;
    return table;
}

static bool is_free(const struct table *table, size_t at)
{
    switch (table->width) {
    case 1: return ((int8_t *)table->keys->index)[at] < 0;
    case 2: return ((int16_t *)table->keys->index)[at] < 0;
    case 4: return ((int32_t *)table->keys->index)[at] < 0;
    default: return ((int64_t *)table->keys->index)[at] < 0;
    }
}

static void put_index(struct table *table, size_t at, Py_ssize_t number)
{
    switch (table->width) {
    case 1: ((int8_t *)table->keys->index)[at] = (int8_t)number; break;
    case 2: ((int16_t *)table->keys->index)[at] = (int16_t)number; break;
    case 4: ((int32_t *)table->keys->index)[at] = (int32_t)number; break;
    default: ((int64_t *)table->keys->index)[at] = number;
    }
}

/* As insertdict() does for a key that is not there, with find_empty_slot(). */
static void append(struct table *table, PyObject *key, Py_hash_t hash, PyObject *value)
{
    size_t perturb = (size_t)hash;
    size_t at = perturb & table->mask;
    void **entry = (void **)table->entries + table->keys->count * (table->hashes ? 3 : 2);

    while (!is_free(table, at)) {
        perturb >>= PERTURB_SHIFT;
        at = (at * 5 + perturb + 1) & table->mask;
    }
    put_index(table, at, table->keys->count);
    if (table->hashes) *(Py_hash_t *)entry++ = hash;
    entry[0] = key;
    entry[1] = value;
    table->keys->count++;
    table->keys->usable--;
}

/* Give a dict that holds this one item room for `count`. It is updated with another dict, which
 * claims to be that large: CPython then makes room once, ahead. _PyDict_NewPresized() does not go
 * beyond 87,381 elements, nor keep the compact form that str keys have. */
static int presize_dict(PyObject *dict, PyObject *key, PyObject *value, Py_ssize_t count)
{
    PyObject *other = PyDict_New();
    int failed = other ? PyDict_SetItem(other, key, value) : -1;

    if (!failed) {
        ((PyDictObject *)other)->ma_used = count;
        failed = PyDict_Update(dict, other);
        ((PyDictObject *)other)->ma_used = 1;
    }
    Py_XDECREF(other);
    return failed;
}

int tideconv_table_fill_dict(PyObject *dict, PyObject *const *keys, PyObject *const *values,
                             Py_ssize_t count, Py_ssize_t expected)
{
    struct table table;
    Py_hash_t hashes[BATCH];
    Py_ssize_t i = 0;
    int failed = 0;

    get_hashes(keys, count, hashes);
    if (PyDict_GET_SIZE(dict) == 0) {
        bool begun = tideconv_tables_begin((size_t)expected);
        failed = _PyDict_SetItem_KnownHash(dict, keys[0], values[0], hashes[0]);
        if (!failed && expected > GROWN) failed = presize_dict(dict, keys[0], values[0], expected);
        tideconv_tables_end(begun);
        Py_DECREF(keys[0]);
        Py_DECREF(values[0]);
        i = 1;
    }
    table = table_of(dict);
    for (Py_ssize_t ahead = i; ahead < count; ahead++)
        __builtin_prefetch(table.keys->index + ((size_t)hashes[ahead] & table.mask) * table.width,
                           1);
    for (; i < count; i++) {
        if (!failed && table.keys->usable > 0) {
            append(&table, keys[i], hashes[i], values[i]);
            ((PyDictObject *)dict)->ma_used++;
            continue;
        }
        if (!failed) failed = _PyDict_SetItem_KnownHash(dict, keys[i], values[i], hashes[i]);
        Py_DECREF(keys[i]);
        Py_DECREF(values[i]);
        table = table_of(dict);
    }
    return failed;
}
#endif
