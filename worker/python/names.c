/* names.c - an open-addressing table from code objects and C functions to the ids of their names.
 *
 * A Python function is known by its code object; a C function by its PyMethodDef and its owner, the
 * module or type it belongs to, since types inherit methods and a name says whose it is. The table
 * holds a strong reference to the code or the owner, so that an address is never met again as
 * something else; it never holds the object that a method is bound to, whose memory is being
 * measured.
 *
 * The table is of fixed size and touched when it is made. When it is full, what comes new is
 * "(other)". */
#include "worker.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum { SLOTS = 1 << 15, COUNT_MAX = SLOTS / 8 * 7, OTHER = SLOTS };

#define TABLE_BYTES ((SLOTS + 1) * sizeof(struct tide_name_entry))

static const char OURS[] = "tidemark";

/* Text for the stream out of any str: lone surrogates as \udcxx, NUL as '?', cut at the ceiling.
 * A new reference to bytes; NULL with an exception. */
static PyObject *encode(PyObject *text)
{
    PyObject *bytes = PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace");
    Py_ssize_t n;
    char *at;

    if (!bytes) return NULL;
    n = PyBytes_GET_SIZE(bytes);
    at = PyBytes_AS_STRING(bytes);
    if (memchr(at, 0, (size_t)n) || n > (Py_ssize_t)TIDE_STREAM_TEXT_MAX) {
        PyObject *copy; /* the encoder may hand out a shared object */
        if (n > (Py_ssize_t)TIDE_STREAM_TEXT_MAX) n = TIDE_STREAM_TEXT_MAX;
        while (n < PyBytes_GET_SIZE(bytes) && ((unsigned char)at[n] & 0xc0) == 0x80)
            n--;
        copy = PyBytes_FromStringAndSize(at, n);
        Py_DECREF(bytes);
        if (!copy) return NULL;
        bytes = copy;
        for (at = PyBytes_AS_STRING(bytes); n-- > 0; at++)
            if (!*at) *at = '?';
    }
    return bytes;
}

static struct tide_text text_of(PyObject *bytes)
{
    struct tide_text t = {NULL, 0};

    if (bytes) {
        t.at = PyBytes_AS_STRING(bytes);
        t.length = (uint32_t)PyBytes_GET_SIZE(bytes);
    }
    return t;
}

/* Put the NAME of `id`. -1 with an exception. */
static int define(struct tide_names *n, uint32_t id, enum tide_name_kind kind, PyObject *text,
                  PyObject *file, int line)
{
    PyObject *text_bytes = encode(text), *file_bytes = file ? encode(file) : NULL;
    struct tide_record r = {.kind = TIDE_NAME, .name_kind = kind, .name = id};
    int rc = -1;

    if (text_bytes && (!file || file_bytes)) {
        r.line = line > 0 ? (uint32_t)line : 0;
        r.text = text_of(text_bytes);
        r.file = text_of(file_bytes);
        rc = tide_ring_put(n->ring, &r) ? -1 : 0;
    }
    Py_XDECREF(text_bytes);
    Py_XDECREF(file_bytes);
    return rc;
}

static size_t hash(const void *what, const void *owner)
{
    uint64_t h = (uint64_t)(uintptr_t)what * 0x9e3779b97f4a7c15u;

    h ^= (uint64_t)(uintptr_t)owner * 0xc2b2ae3d27d4eb4fu;
    return (size_t)(h >> 40) % SLOTS;
}

/* The entry of the key, or the free one where it belongs; NULL when a new one has no room. */
static struct tide_name_entry *find(struct tide_names *n, const void *what, const void *owner)
{
    for (size_t i = hash(what, owner);; i = (i + 1) % SLOTS) {
        struct tide_name_entry *e = &n->entries[i];
        if (e->what == what && e->owner == owner) return e;
        if (!e->what) return n->count < COUNT_MAX ? e : NULL;
    }
}

static struct tide_name_entry *claim(struct tide_names *n, struct tide_name_entry *e,
                                     const void *what, PyObject *owner)
{
    Py_XINCREF(owner);
    e->what = what;
    e->owner = owner;
    e->id = 2 + n->count++; /* 1 is "(other)" */
    return e;
}

/* Names are made in the middle of any event, also while an exception is on its way. */
struct pending {
    PyObject *type, *value, *traceback;
};

static struct pending put_aside(void)
{
    struct pending p;

    PyErr_Fetch(&p.type, &p.value, &p.traceback);
    return p;
}

static void take_up(struct pending p)
{
    PyErr_Restore(p.type, p.value, p.traceback); /* whatever is set now goes */
}

struct tide_name_entry *tide_names_code(struct tide_names *n, PyCodeObject *code)
{
    struct tide_name_entry *e = find(n, code, (PyObject *)code);

    if (!e) return &n->entries[OTHER];
    if (!e->what) {
        struct pending p = put_aside();
        int rc = define(n, 2 + n->count, TIDE_NAME_PYTHON, tide_code_name(code), code->co_filename,
                        code->co_firstlineno);
        take_up(p);
        if (rc) return &n->entries[OTHER];
        claim(n, e, code, (PyObject *)code);
    }
    return e;
}

struct tide_name_entry *tide_names_mark(struct tide_names *n, PyObject *text)
{
    struct tide_name_entry *e;
    struct pending p = put_aside();

    Py_INCREF(text);
    PyUnicode_InternInPlace(&text);
    e = find(n, text, text);
    if (!e)
        e = &n->entries[OTHER];
    else if (!e->what) {
        if (define(n, 2 + n->count, TIDE_NAME_MARK, text, NULL, 0))
            e = &n->entries[OTHER];
        else
            claim(n, e, text, text);
    }
    Py_DECREF(text);
    take_up(p);
    return e;
}

/* ---- C functions ---- */

/* A C function that is called, by itself or as a method. All is borrowed, `self` may be NULL. */
struct c_function {
    PyMethodDef *method;
    PyObject *self, *module;
};

/* False for what calls no C function by a name: types, instances, Python functions. */
static bool resolve(PyObject *callable, PyObject *self, struct c_function *out)
{
    if (PyCFunction_Check(callable)) {
        const PyCFunctionObject *f = (const PyCFunctionObject *)callable;
        *out = (struct c_function){f->m_ml, f->m_self, f->m_module};
        return true;
    }
    if (!Py_IS_TYPE(callable, &PyMethodDescr_Type) || !self) return false;
    *out = (struct c_function){((PyMethodDescrObject *)callable)->d_method, self, NULL};
    return true;
}

/* Whose a C function is: its module, or the type of what it is bound to. Borrowed, may be NULL. */
static PyObject *owner_of(const struct c_function *function)
{
    PyObject *self = function->self;

    if (!self || PyModule_Check(self) || PyType_Check(self)) return self;
    return (PyObject *)Py_TYPE(self);
}

/* Name of the module that a C function comes from. A new reference to str; NULL, no exception. */
static PyObject *module_name(const struct c_function *function, PyObject *owner)
{
    PyObject *name = function->module;

    if (name && PyUnicode_Check(name)) {
        Py_INCREF(name);
        return name;
    }
    name = NULL;
    if (owner)
        name = PyObject_GetAttrString(owner, PyModule_Check(owner) ? "__name__" : "__module__");
    if (name && PyUnicode_Check(name)) return name;
    Py_XDECREF(name);
    PyErr_Clear();
    return NULL;
}

/* Whether `name` is one of the modules, separated by commas, or lies within one. */
static bool is_within(const char *name, const char *modules)
{
    while (*modules) {
        size_t n = strcspn(modules, ",");
        if (n && strncmp(name, modules, n) == 0 && (name[n] == 0 || name[n] == '.')) return true;
        modules += n + (modules[n] == ',');
    }
    return false;
}

/* "module.name", or "type.name" for a method. */
static PyObject *function_name(const struct c_function *function, PyObject *owner, PyObject *module)
{
    const char *name = function->method->ml_name;

    if (owner && PyType_Check(owner))
        return PyUnicode_FromFormat("%s.%s", ((PyTypeObject *)owner)->tp_name, name);
    return module ? PyUnicode_FromFormat("%U.%s", module, name) : PyUnicode_FromString(name);
}

static struct tide_name_entry *add_function(struct tide_names *n, struct tide_name_entry *e,
                                            const struct c_function *function, PyObject *owner)
{
    PyObject *module = module_name(function, owner);
    PyObject *text = function_name(function, owner, module);
    const char *where = module ? PyUnicode_AsUTF8(module) : NULL;
    bool ours = where && strcmp(where, OURS) == 0;

    if (!text || (!ours && define(n, 2 + n->count, TIDE_NAME_C, text, NULL, 0))) {
        e = &n->entries[OTHER];
    } else {
        claim(n, e, function->method, owner);
        e->tested = where && is_within(where, n->module);
        e->ours = ours;
    }
    Py_XDECREF(text);
    Py_XDECREF(module);
    return e;
}

struct tide_name_entry *tide_names_function(struct tide_names *n, PyObject *callable,
                                            PyObject *self)
{
    struct c_function function;
    struct tide_name_entry *e;
    PyObject *owner;

    if (!resolve(callable, self, &function)) return NULL;
    owner = owner_of(&function);
    e = find(n, function.method, owner);
    if (!e) return &n->entries[OTHER];
    if (!e->what) {
        struct pending p = put_aside();
        e = add_function(n, e, &function, owner);
        take_up(p);
    }
    return e;
}

int tide_names_open(struct tide_names *n, struct tide_ring *ring, const char *module)
{
    static const char other[] = "(other)";
    struct tide_record r = {.kind = TIDE_NAME, .name_kind = TIDE_NAME_C, .name = 1};

    n->ring = ring;
    n->module = module;
    n->entries = mmap(NULL, TABLE_BYTES, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (n->entries == MAP_FAILED) {
        n->entries = NULL;
        return errno;
    }
    n->other = &n->entries[OTHER];
    n->other->id = 1;
    r.text = (struct tide_text){other, sizeof other - 1};
    return tide_ring_put(ring, &r);
}

void tide_names_each(const struct tide_names *n,
                     void (*each)(void *context, const struct tide_name_entry *entry),
                     void *context)
{
    for (size_t i = 0; i <= OTHER; i++)
        if (n->entries[i].id) each(context, &n->entries[i]);
}

void tide_names_close(struct tide_names *n)
{
    if (n->entries) munmap(n->entries, TABLE_BYTES);
    n->entries = NULL;
}
