/* hooked_module.c - tideconv under another name, with allocations that are counted and can fail.
 *
 * fail_at(n) makes the library's nth allocation from now on fail; live() says what it has not given
 * back. With huge pages on, that counts the arenas that it has handed to CPython. */
#include "../../converters/tideconvmodule.c"

#include <stdlib.h>

static struct tideconv_system original;
static long countdown;
static long long live_blocks;
static long long live_bytes;

static int fails(void)
{
    return countdown > 0 && --countdown == 0;
}

static void *counted_allocate(size_t size)
{
    void *memory = fails() ? NULL : original.allocate(size);

    live_blocks += memory != NULL;
    return memory;
}

static void *counted_reallocate(void *memory, size_t size)
{
    void *moved = fails() ? NULL : original.reallocate(memory, size);

    live_blocks += moved && !memory;
    return moved;
}

static void counted_release(void *memory)
{
    live_blocks -= memory != NULL;
    original.release(memory);
}

static void *counted_map(size_t size)
{
    void *memory = fails() ? NULL : original.map(size);

    live_bytes += memory ? (long long)size : 0;
    return memory;
}

static void counted_unmap(void *memory, size_t size)
{
    live_bytes -= (long long)size;
    original.unmap(memory, size);
}

static PyObject *fail_at(PyObject *Py_UNUSED(module), PyObject *number)
{
    countdown = PyLong_AsLong(number);
    if (countdown == -1 && PyErr_Occurred()) return NULL;
    Py_RETURN_NONE;
}

static PyObject *live(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    return Py_BuildValue("LL", live_blocks, live_bytes);
}

static PyObject *huge_pages(PyObject *Py_UNUSED(module), PyObject *on)
{
    tideconv_use_huge_pages(PyObject_IsTrue(on) == 1);
    Py_RETURN_NONE;
}

static PyMethodDef hook_methods[] = {
    {"huge_pages", huge_pages, METH_O, NULL},
    {"fail_at", fail_at, METH_O, NULL},
    {"live", live, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static int add_hooks(PyObject *module)
{
    original = tideconv_system;
    tideconv_system = (struct tideconv_system){counted_allocate, counted_reallocate,
                                               counted_release, counted_map, counted_unmap};
    return PyModule_AddFunctions(module, hook_methods);
}

static PyModuleDef_Slot hooked_slots[] = {
    {Py_mod_exec, __extension__(void *) add_hooks},
    {0, NULL},
};

static struct PyModuleDef hooked_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "tideconv_hooked",
    .m_methods = methods,
    .m_slots = hooked_slots,
};

PyMODINIT_FUNC PyInit_tideconv_hooked(void)
{
    return PyModuleDef_Init(&hooked_def);
}
