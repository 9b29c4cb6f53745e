/* linked.c - lists and tuples as doubly linked lists.
 *
 * The nodes of a conversion stand side by side in one piece, so that walking them is as good as
 * walking an array until they are relinked; runs of neighbours are converted as one batch. */
#include "internal.h"

static size_t node_size(const struct tideconv_type *type)
{
    return sizeof(struct tideconv_node) + ALIGNED(type->size);
}

void tideconv_linked_init(struct tideconv_linked *linked, const struct tideconv_type *type)
{
    memset(linked, 0, sizeof *linked);
    linked->type = type;
}

void tideconv_linked_clear(struct tideconv_linked *linked)
{
    if (!linked->type) return;
    if (linked->type->destroy) {
        for (struct tideconv_node *node = linked->first; node; node = node->next)
            linked->type->destroy(tideconv_node_value(node));
    }
    tideconv_arena_clear(&linked->nodes);
    tideconv_arena_clear(&linked->strings);
    tideconv_linked_init(linked, linked->type);
}

static struct tideconv_node *new_node(struct tideconv_linked *linked)
{
    size_t size = node_size(linked->type);
    struct tideconv_node *node = linked->spare;

    if (node) {
        linked->spare = node->next;
        return node;
    }
    if (linked->nodes.hint == 0) linked->nodes.hint = 8;
    node = (void *)tideconv_arena_reserve(&linked->nodes, size);
    if (node) linked->nodes.at += size;
    return node;
}

struct tideconv_node *tideconv_linked_insert(struct tideconv_linked *linked,
                                             struct tideconv_node *position, const void *value)
{
    struct tideconv_node *node = new_node(linked);

    if (!node) return NULL;
    memcpy(tideconv_node_value(node), value, linked->type->size);
    if (tideconv_adopt(linked->type, &linked->strings, tideconv_node_value(node)) < 0) {
        node->next = linked->spare;
        linked->spare = node;
        return NULL;
    }
    node->next = position;
    node->previous = position ? position->previous : linked->last;
    *(node->previous ? &node->previous->next : &linked->first) = node;
    *(position ? &position->previous : &linked->last) = node;
    linked->count++;
    return node;
}

void tideconv_linked_remove(struct tideconv_linked *linked, struct tideconv_node *node)
{
    *(node->previous ? &node->previous->next : &linked->first) = node->next;
    *(node->next ? &node->next->previous : &linked->last) = node->previous;
    tideconv_destroy(linked->type, tideconv_node_value(node), 0, 1);
    node->next = linked->spare;
    linked->spare = node;
    linked->count--;
}

void tideconv_linked_reverse(struct tideconv_linked *linked)
{
    struct tideconv_node *node = linked->first;

    linked->first = linked->last;
    linked->last = node;
    while (node) {
        struct tideconv_node *next = node->next;
        node->next = node->previous;
        node->previous = next;
        node = next;
    }
}

/* Hang `count` nodes that stand side by side onto the end of the list. */
static void link_run(struct tideconv_linked *linked, char *run, size_t count)
{
    size_t size = node_size(linked->type);
    struct tideconv_node *previous = linked->last;

    for (size_t i = 0; i < count; i++, run += size) {
        struct tideconv_node *node = (struct tideconv_node *)run;
        node->previous = previous;
        node->next = (struct tideconv_node *)(run + size);
        previous = node;
    }
    previous->next = NULL;
    linked->last = previous;
    linked->count += count;
}

static int read_all(struct tideconv_linked *linked, struct reader *reader)
{
    size_t size = node_size(linked->type);
    struct load load = {.arena = &linked->strings};
    char *node = tideconv_arena_reserve(&linked->nodes, (size_t)reader->count * size);
    Py_ssize_t count;

    if (!node) {
        PyErr_NoMemory();
        return -1;
    }
    linked->strings.hint = (size_t)reader->count;
    while ((count = tideconv_reader_next(reader, linked->strings.total)) > 0) {
        char *values = node + sizeof(struct tideconv_node);
        if (tideconv_reader_load(reader, linked->type, &load, count, false, values, size) < 0)
            return -1;
        if (linked->last)
            linked->last->next = (struct tideconv_node *)node;
        else
            linked->first = (struct tideconv_node *)node;
        link_run(linked, node, (size_t)count);
        node += (size_t)count * size;
        linked->nodes.at = node;
    }
    return (int)count;
}

static int from(struct tideconv_linked *linked, const struct tideconv_type *type,
                enum container kind, PyObject *sequence)
{
    struct reader reader;
    int failed;

    tideconv_linked_init(linked, type);
    if (tideconv_reader_open(&reader, kind, sequence, type, NULL) < 0) return -1;
    failed = reader.count ? read_all(linked, &reader) : 0;
    tideconv_reader_close(&reader);
    if (failed) tideconv_linked_clear(linked);
    return failed;
}

/* Write up to `count` nodes from `node` on, in runs of neighbours; the node after them, or NULL. */
static const struct tideconv_node *write_runs(const struct tideconv_linked *linked,
                                              struct writer *writer, struct column *column,
                                              const struct tideconv_node *node, Py_ssize_t count,
                                              int *failed)
{
    size_t size = node_size(linked->type);

    while (count > 0 && !*failed) {
        const char *start = (const char *)node;
        Py_ssize_t run = 1;
        while (run < count && (const char *)node->next == start + (size_t)run * size) {
            node = node->next;
            run++;
        }
        node = node->next;
        column->entries = start + sizeof *node;
        *failed = tideconv_writer_write(writer, column, NULL, run);
        count -= run;
    }
    return node;
}

static PyObject *to(const struct tideconv_linked *linked, struct tideconv_arena *drain,
                    enum container kind)
{
    struct column column = {linked->type, drain, NULL, node_size(linked->type), 0};
    const struct tideconv_node *node = linked->first;
    struct writer writer;
    Py_ssize_t count = -1;
    int failed = 0;

    if (tideconv_writer_open(&writer, kind, linked->count, linked->strings.total, &column, NULL) <
        0)
        return NULL;
    while (!failed && (count = tideconv_writer_next(&writer)) > 0)
        node = write_runs(linked, &writer, &column, node, count, &failed);
    return tideconv_writer_close(&writer, failed || count < 0);
}

static bool in_order(const struct tideconv_linked *linked)
{
    size_t size = node_size(linked->type);
    const struct tideconv_node *first = linked->first;
    const struct tideconv_node *node = first;

    if (!linked->strings.first) return true;
    /* Only nodes that still stand as they were read can be checked as one run. */
    for (size_t i = 0; i < linked->count; i++, node = node->next) {
        if ((const char *)node != (const char *)first + i * size) return false;
    }
    return tideconv_in_order(linked->type, &linked->strings, (const char *)(first + 1), size,
                             linked->count);
}

static PyObject *take(struct tideconv_linked *linked, enum container kind)
{
    PyObject *result = to(linked, in_order(linked) ? &linked->strings : NULL, kind);

    tideconv_linked_clear(linked);
    return result;
}

int tideconv_linked_from_list(struct tideconv_linked *linked, const struct tideconv_type *type,
                              PyObject *list)
{
    return from(linked, type, LIST, list);
}

int tideconv_linked_from_tuple(struct tideconv_linked *linked, const struct tideconv_type *type,
                               PyObject *tuple)
{
    return from(linked, type, TUPLE, tuple);
}

PyObject *tideconv_linked_to_list(const struct tideconv_linked *linked)
{
    return to(linked, NULL, LIST);
}

PyObject *tideconv_linked_to_tuple(const struct tideconv_linked *linked)
{
    return to(linked, NULL, TUPLE);
}

PyObject *tideconv_linked_take_list(struct tideconv_linked *linked)
{
    return take(linked, LIST);
}

PyObject *tideconv_linked_take_tuple(struct tideconv_linked *linked)
{
    return take(linked, TUPLE);
}
