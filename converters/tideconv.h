/* tideconv.h - Python containers to plain C containers and back.
 *
 * A conversion reads a Python container into a C container that owns all its data: from then on it
 * can be read and changed without the GIL and after every Python object is gone. The way back is a
 * copy (`_to_`, the C container stays) or a drain (`_take_`, the C container's memory is given back
 * while the result is built, so that the two need not both stand in full; it is empty afterwards).
 *
 *   list, tuple     <-> struct tideconv_array    contiguous
 *                   <-> struct tideconv_linked   doubly linked
 *   set, frozenset  <-> struct tideconv_hash     hash set (value_type is NULL), insertion order
 * kept dict            <-> struct tideconv_hash     hash map, insertion order kept
 *                   <-> struct tideconv_ordered  map in key order
 *
 * What an element is, a struct tideconv_type says: one of the seven below or one of your own.
 *
 * GIL:     functions that take or return a PyObject need it, no other does.
 * Threads: a C container may be read by many threads at once, or changed by one.
 * Errors:  functions that take or return a PyObject fail with a Python exception set, -1 or NULL;
 * all others fail only for want of memory, with -1 or NULL. After any failure of `_from_` the C
 *          container is empty and needs no clearing; the Python container is never changed.
 * Memory:  clear what you have filled, once; clearing a zeroed or cleared container is a no-op. */
#ifndef TIDECONV_H
#define TIDECONV_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cells.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TIDECONV_VERSION "1.0.0"

/* The native values. Strings end with a NUL that `size` does not count; bytes may hold NULs too. */
struct tideconv_complex {
    double real;
    double imag;
};

struct tideconv_bytes {
    char *data;
    size_t size;
};

struct tideconv_str {
    char *data;    /* UTF-8 */
    size_t size;   /* bytes */
    size_t length; /* code points; equal to `size` when all are ASCII */
};

struct tideconv_kernel; /* inner loops of the library's own types */

/* A type of element. For one of your own fill in the callbacks and leave `kernel` NULL. Values are
 * moved with memcpy, aligned to 8 bytes. Only `check`, `to_native` and `from_native` run with the
 * GIL held; the others must not touch Python. */
struct tideconv_type {
    const char *name;                                /* for messages: "expected NAME, got ..." */
    size_t size;                                     /* bytes of one native value */
    int (*check)(PyObject *object);                  /* 1: is one, 0: is not */
    int (*to_native)(PyObject *object, void *value); /* 0, or -1 with an exception set */
    PyObject *(*from_native)(const void *value);     /* new reference, or NULL with one set */
    uint64_t (*hash)(const void *value);             /* for sets and maps; else NULL */
    int (*compare)(const void *left, const void *right); /* total order, 0 where equal; or NULL */
    void (*destroy)(void *value);                        /* frees what the value owns; or NULL */
    const struct tideconv_kernel *kernel;
};

#define TIDECONV_DECLARE_TYPE(name, ctype) extern const struct tideconv_type tideconv_type_##name;
TIDECONV_TYPES(TIDECONV_DECLARE_TYPE)
#undef TIDECONV_DECLARE_TYPE

/* Packed storage of strings, in chunks that are filled in order. Its fields are the library's. */
struct tideconv_chunk;
struct tideconv_arena {
    struct tideconv_chunk *first;
    struct tideconv_chunk *last;
    char *at;
    char *end;
    size_t total; /* bytes of all chunks so far */
    size_t hint;  /* how many items are expected */
};

struct tideconv_array {
    const struct tideconv_type *type;
    void *items; /* `count` values of `type->size` bytes */
    size_t count;
    size_t capacity;
    struct tideconv_arena strings;
};

struct tideconv_node {
    struct tideconv_node *previous;
    struct tideconv_node *next;
    /* the value follows */
};

struct tideconv_linked {
    const struct tideconv_type *type;
    struct tideconv_node *first;
    struct tideconv_node *last;
    size_t count;
    struct tideconv_arena nodes;
    struct tideconv_arena strings;
    struct tideconv_node *spare; /* removed nodes, to be used again */
};

/* Entries stand in insertion order in one block; `index` finds them by hash. */
struct tideconv_hash {
    const struct tideconv_type *key_type;
    const struct tideconv_type *value_type; /* NULL: a set */
    char *entries;
    size_t count;
    size_t capacity;
    size_t entry_size;
    size_t value_at; /* offset of the value in an entry */
    uint32_t *index; /* entry number + 1, or 0; NULL while few enough to be scanned */
    size_t mask;
    struct tideconv_arena key_strings;
    struct tideconv_arena value_strings;
};

/* Entries stand in key order in one block: a lookup is a binary search, an insertion moves what is
 * behind it. Built for being filled at once and read often. */
struct tideconv_ordered {
    const struct tideconv_type *key_type;
    const struct tideconv_type *value_type;
    char *entries;
    size_t count;
    size_t capacity;
    size_t entry_size;
    size_t value_at;
    struct tideconv_arena key_strings;
    struct tideconv_arena value_strings;
};

/* Arrays. `push` copies the value, and the bytes that it points to, to the end. */
void tideconv_array_init(struct tideconv_array *array, const struct tideconv_type *type);
void tideconv_array_clear(struct tideconv_array *array);
int tideconv_array_push(struct tideconv_array *array, const void *value);
void tideconv_array_reverse(struct tideconv_array *array);
int tideconv_array_from_list(struct tideconv_array *array, const struct tideconv_type *type,
                             PyObject *list);
int tideconv_array_from_tuple(struct tideconv_array *array, const struct tideconv_type *type,
                              PyObject *tuple);
PyObject *tideconv_array_to_list(const struct tideconv_array *array);
PyObject *tideconv_array_to_tuple(const struct tideconv_array *array);
PyObject *tideconv_array_take_list(struct tideconv_array *array);
PyObject *tideconv_array_take_tuple(struct tideconv_array *array);

/* Linked lists. `insert` puts a copy of the value before `position` (NULL: at the end) and returns
 * its node; `remove` frees a node for later use. */
void tideconv_linked_init(struct tideconv_linked *linked, const struct tideconv_type *type);
void tideconv_linked_clear(struct tideconv_linked *linked);
struct tideconv_node *tideconv_linked_insert(struct tideconv_linked *linked,
                                             struct tideconv_node *position, const void *value);
void tideconv_linked_remove(struct tideconv_linked *linked, struct tideconv_node *node);
void tideconv_linked_reverse(struct tideconv_linked *linked);
int tideconv_linked_from_list(struct tideconv_linked *linked, const struct tideconv_type *type,
                              PyObject *list);
int tideconv_linked_from_tuple(struct tideconv_linked *linked, const struct tideconv_type *type,
                               PyObject *tuple);
PyObject *tideconv_linked_to_list(const struct tideconv_linked *linked);
PyObject *tideconv_linked_to_tuple(const struct tideconv_linked *linked);
PyObject *tideconv_linked_take_list(struct tideconv_linked *linked);
PyObject *tideconv_linked_take_tuple(struct tideconv_linked *linked);

static inline void *tideconv_node_value(struct tideconv_node *node)
{
    return node + 1;
}

/* Hash sets and hash maps. `put` copies key and value in, or replaces the value of a key that is
 * there. `find` returns the entry number, or -1. A NaN equals nothing, itself included: each is
 * kept and none is found, as with distinct NaN objects in Python. */
void tideconv_hash_init(struct tideconv_hash *hash, const struct tideconv_type *key_type,
                        const struct tideconv_type *value_type);
void tideconv_hash_clear(struct tideconv_hash *hash);
int tideconv_hash_put(struct tideconv_hash *hash, const void *key, const void *value);
ptrdiff_t tideconv_hash_find(const struct tideconv_hash *hash, const void *key);
int tideconv_hash_from_set(struct tideconv_hash *hash, const struct tideconv_type *key_type,
                           PyObject *set);
int tideconv_hash_from_frozenset(struct tideconv_hash *hash, const struct tideconv_type *key_type,
                                 PyObject *frozenset);
int tideconv_hash_from_dict(struct tideconv_hash *hash, const struct tideconv_type *key_type,
                            const struct tideconv_type *value_type, PyObject *dict);
PyObject *tideconv_hash_to_set(const struct tideconv_hash *hash);
PyObject *tideconv_hash_to_frozenset(const struct tideconv_hash *hash);
PyObject *tideconv_hash_to_dict(const struct tideconv_hash *hash);
PyObject *tideconv_hash_take_set(struct tideconv_hash *hash);
PyObject *tideconv_hash_take_frozenset(struct tideconv_hash *hash);
PyObject *tideconv_hash_take_dict(struct tideconv_hash *hash);

/* Entry `i` in insertion order, 0 <= i < count. */
const void *tideconv_hash_key(const struct tideconv_hash *hash, size_t i);
void *tideconv_hash_value(const struct tideconv_hash *hash, size_t i);

/* Ordered maps. Numbers stand in numeric order, complex by real and then imaginary part, bytes by
 * byte, str by code point; every NaN comes after all other numbers, NaNs among each other by their
 * bits, so that the order is total. `lower_bound` is the first entry whose key is not less than
 * `key`, `count` if there is none; `find` returns the entry number, or -1. */
void tideconv_ordered_init(struct tideconv_ordered *ordered, const struct tideconv_type *key_type,
                           const struct tideconv_type *value_type);
void tideconv_ordered_clear(struct tideconv_ordered *ordered);
int tideconv_ordered_put(struct tideconv_ordered *ordered, const void *key, const void *value);
ptrdiff_t tideconv_ordered_find(const struct tideconv_ordered *ordered, const void *key);
size_t tideconv_ordered_lower_bound(const struct tideconv_ordered *ordered, const void *key);
int tideconv_ordered_from_dict(struct tideconv_ordered *ordered,
                               const struct tideconv_type *key_type,
                               const struct tideconv_type *value_type, PyObject *dict);
PyObject *tideconv_ordered_to_dict(const struct tideconv_ordered *ordered);
PyObject *tideconv_ordered_take_dict(struct tideconv_ordered *ordered);

const void *tideconv_ordered_key(const struct tideconv_ordered *ordered, size_t i);
void *tideconv_ordered_value(const struct tideconv_ordered *ordered, size_t i);

/* Typed views: tideconv_array_float(&array)[i], *tideconv_linked_float(node). */
#define TIDECONV_DECLARE_VIEWS(name, ctype)                                        \
    static inline ctype *tideconv_array_##name(const struct tideconv_array *array) \
    {                                                                              \
        return (ctype *)array->items;                                              \
    }                                                                              \
    static inline ctype *tideconv_linked_##name(struct tideconv_node *node)        \
    {                                                                              \
        return (ctype *)tideconv_node_value(node);                                 \
    }
TIDECONV_TYPES(TIDECONV_DECLARE_VIEWS)
#undef TIDECONV_DECLARE_VIEWS

/* Large results are built in huge pages where the system has them on request: see CONVERTERS.md. It
 * is on at first; switch it off in a process whose heap must not be advised. Needs the GIL. */
void tideconv_use_huge_pages(bool on);

/* All memory of the library comes through this table; a test replaces entries to make them fail. */
struct tideconv_system {
    void *(*allocate)(size_t size);
    void *(*reallocate)(void *memory, size_t size);
    void (*release)(void *memory);
    void *(*map)(size_t size); /* zeroed, of whole pages; NULL on failure */
    void (*unmap)(void *memory, size_t size);
};
extern struct tideconv_system tideconv_system;

#ifdef __cplusplus
}
#endif

#endif
