/* internal.h - what the files of the library share and no one else sees.
 *
 * A conversion runs in batches: a reader hands out some objects of the Python container, the kernel
 * of the element's type turns them into native values in place (or back), a writer takes finished
 * objects into the result. All per-type code lies in the kernels' loops; the containers know a type
 * only by its size and its kernel, and pay one indirect call a batch. Between two batches signals
 * are served, so that nothing borrowed lives longer than a batch. */
#ifndef TIDECONV_INTERNAL_H
#define TIDECONV_INTERNAL_H

#include "tideconv.h"

#include <string.h>

/* The struct layouts of CPython that the short cuts rely on are checked up to 3.13; elsewhere, on
 * free-threaded builds and on request only the public interface is used. */
#if PY_VERSION_HEX < 0x030E0000 && !defined(Py_GIL_DISABLED) && !defined(PYPY_VERSION) && \
    !defined(TIDECONV_PORTABLE)
#    define TIDECONV_FAST 1
#else
#    define TIDECONV_FAST 0
#endif

enum { BATCH = 128 };

/* Values in entries and nodes begin at multiples of eight bytes. */
#define ALIGNED(size) (((size) + 7) / 8 * 8)

/* memory.c */
void *tideconv_block_new(size_t size);
void tideconv_block_free(void *block, size_t size);
void *tideconv_block_resize(void *block, size_t old_size, size_t size);
char *tideconv_arena_reserve(struct tideconv_arena *arena, size_t size);
void tideconv_arena_release_before(struct tideconv_arena *arena, const char *data);
void tideconv_arena_clear(struct tideconv_arena *arena);
uint64_t tideconv_seed(void);

/* Copy a string to the end of the arena, with a NUL behind it; NULL when memory runs out. */
static inline char *tideconv_arena_copy(struct tideconv_arena *arena, const char *data, size_t size)
{
    char *copy = arena->at;

    if ((size_t)(arena->end - arena->at) <= size || !copy) {
        copy = tideconv_arena_reserve(arena, size + 1);
        if (!copy) return NULL;
    }
    memcpy(copy, data, size);
    copy[size] = '\0';
    arena->at = copy + size + 1;
    return copy;
}

/* What a load needs besides the objects, and what it says of the one that failed. */
struct load {
    struct tideconv_arena *arena;
    bool borrow;         /* strings may point into the objects, for as long as these live */
    PyObject *exception; /* borrowed; NULL: a wrong type, or an exception is set already */
    char problem[80];
};

/* The inner loops of a type. `load` and `store` return how many they did: fewer than `count` means
 * that the next one failed. */
struct tideconv_kernel {
    Py_ssize_t (*load)(struct load *load, PyObject *const *objects, Py_ssize_t count, char *values,
                       size_t stride);
    Py_ssize_t (*store)(const char *values, size_t stride, Py_ssize_t count, PyObject **objects);
    void (*hash)(const char *values, size_t stride, Py_ssize_t count, char *hashes, uint64_t seed);
    bool (*equal)(const void *left, const void *right);
    int (*compare)(const void *left, const void *right);
    /* sort key: order-preserving as far as it reaches; strings are read from byte `skip` on */
    uint64_t (*prefix)(const void *value, size_t skip);
    bool strings; /* the value starts like struct tideconv_bytes */
    /* CPython caches the hash of these objects: carried along, so that it need not be computed anew
     */
    void (*get_hashes)(PyObject *const *objects, Py_ssize_t count, char *hashes, size_t stride);
    void (*set_hashes)(PyObject *const *objects, Py_ssize_t count, const char *hashes,
                       size_t stride);
};

/* types.c: one type's part of a batch, whether the library's own or a user's */
Py_ssize_t tideconv_load(const struct tideconv_type *type, struct load *load,
                         PyObject *const *objects, Py_ssize_t count, char *values, size_t stride);
Py_ssize_t tideconv_store(const struct tideconv_type *type, const char *values, size_t stride,
                          Py_ssize_t count, PyObject **objects);
void tideconv_hash_values(const struct tideconv_type *type, const char *values, size_t stride,
                          Py_ssize_t count, char *hashes);
bool tideconv_equal(const struct tideconv_type *type, const void *left, const void *right);
int tideconv_compare(const struct tideconv_type *type, const void *left, const void *right);
int tideconv_adopt(const struct tideconv_type *type, struct tideconv_arena *arena, void *value);
/* Put a copy of `value` in the place of one that is there; on failure that one stays. */
int tideconv_replace(const struct tideconv_type *type, struct tideconv_arena *arena, void *place,
                     const void *value);
/* Bytes in an entry for the hash that CPython caches in objects of this type. */
static inline size_t tideconv_cached_size(const struct tideconv_type *type)
{
    return type->kernel && type->kernel->get_hashes ? sizeof(Py_hash_t) : 0;
}
void tideconv_destroy(const struct tideconv_type *type, char *values, size_t stride, size_t count);

/* reader.c: a Python container, read batch by batch */
enum container { LIST, TUPLE, SET, FROZENSET, DICT };

struct reader {
    PyObject *container;
    enum container kind;
    Py_ssize_t count;      /* elements when it was opened; it must not change */
    Py_ssize_t at;         /* elements handed out so far */
    Py_ssize_t cursor;     /* position in the dict or in the set's table */
    Py_ssize_t batch;      /* how many the next batch may hold */
    size_t seen;           /* arena bytes at the last batch, to pace by */
    bool one_by_one;       /* a callback may run Python code: hold each object while it does */
    Py_ssize_t held;       /* how many of the batch it holds references to */
    const void *table;     /* of the set, to see a change */
    PyObject *iterator;    /* of the set, where its table is not read */
    PyObject *const *keys; /* the batch */
    PyObject **values;
    PyObject *key_buffer[BATCH];
    PyObject *value_buffer[BATCH];
};

int tideconv_reader_open(struct reader *reader, enum container kind, PyObject *container,
                         const struct tideconv_type *key_type,
                         const struct tideconv_type *value_type);
/* The size of the next batch, 0 at the end, -1 with an exception set. */
Py_ssize_t tideconv_reader_next(struct reader *reader, size_t bytes);
void tideconv_reader_close(struct reader *reader);
/* Load the batch's keys or values into a column of entries; -1 with an exception that names which.
 */
int tideconv_reader_load(struct reader *reader, const struct tideconv_type *type, struct load *load,
                         Py_ssize_t count, bool values, char *out, size_t stride);

/* heap.c: huge pages under a large result */
struct heap {
    bool arenas;  /* the arena hook is in use */
    bool grows;   /* the heap's top is advised ahead of the objects */
    char *end;    /* as far as it is */
    size_t bytes; /* written since then */
};

/* Around the making of an empty container with room for `count` elements. */
bool tideconv_tables_begin(size_t count);
void tideconv_tables_end(bool begun);
/* `strings`: bytes of all strings; `payload`: of these and all other native values. */
void tideconv_heap_begin(struct heap *heap, size_t count, size_t strings, size_t payload);
void tideconv_heap_follow(struct heap *heap, const void *object, size_t bytes);
void tideconv_heap_end(struct heap *heap);

/* table.c: the tables of new sets and dicts. Filling takes the references over, also where it
 * fails; all keys must be of built-in types and differ from each other and from those that are
 * there, and all values must be of built-in types. */
#if TIDECONV_FAST
int tideconv_table_presize_set(PyObject *set, size_t count);
void tideconv_table_fill_set(PyObject *set, PyObject *const *keys, Py_ssize_t count);
/* `expected`: how many the dict will hold in the end. */
int tideconv_table_fill_dict(PyObject *dict, PyObject *const *keys, PyObject *const *values,
                             Py_ssize_t count, Py_ssize_t expected);
#endif

/* writer.c: a Python container, built batch by batch */
struct writer {
    struct heap heap;
    PyObject *result;
    enum container kind;
    bool distinct;    /* all keys differ, and neither they nor the values can be in a cycle */
    Py_ssize_t count; /* elements that the result will have */
    Py_ssize_t at;    /* elements that are in it */
    Py_ssize_t batch;
    size_t bytes; /* of strings in the last batch, to pace by */
    PyObject *keys[BATCH];
    PyObject *values[BATCH];
};

/* One column of entries that lie `stride` bytes apart. */
struct column {
    const struct tideconv_type *type;
    struct tideconv_arena *arena; /* its strings, to be released on the way; NULL: they stay */
    const char *entries;
    size_t stride;
    Py_ssize_t hashes_at; /* offset of the cached Python hashes from the column, 0 where none are */
};

/* `strings` are the bytes that the columns' arenas hold. */
int tideconv_writer_open(struct writer *writer, enum container kind, size_t count, size_t strings,
                         const struct column *keys, const struct column *values);
/* How many to write next, 0 when all are; serves signals: -1 with an exception set. */
Py_ssize_t tideconv_writer_next(struct writer *writer);
/* Write `count` elements and step the columns over them; `values` is NULL but for a dict. */
int tideconv_writer_write(struct writer *writer, struct column *keys, struct column *values,
                          Py_ssize_t count);
/* The result, or NULL after a failure. */
PyObject *tideconv_writer_close(struct writer *writer, int failed);
/* All of these at once. */
PyObject *tideconv_write_all(enum container kind, struct column *keys, struct column *values,
                             size_t count, size_t strings);

/* Whether the column's strings lie in its arena in the order of its entries. */
bool tideconv_in_order(const struct tideconv_type *type, const struct tideconv_arena *arena,
                       const char *values, size_t stride, size_t count);

/* sort.c: stable; `prefix` first, then `compare` on the numbers of equal ones */
struct slot {
    uint64_t prefix;
    uint64_t number;
};

struct order {
    int (*compare)(const struct order *order, uint64_t left, uint64_t right);
    int (*pause)(void); /* called every few milliseconds; other than 0 ends the sort */
    const void *context;
};
int tideconv_sort(struct slot *slots, struct slot *scratch, size_t count,
                  const struct order *order);

#endif
