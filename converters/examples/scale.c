/* scale.c - a whole extension module on the library: scale(list_of_float, factor). */
#include <tideconv.h>

static PyObject *scale(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    struct tideconv_array array;
    PyObject *list;
    double factor;

    if (!PyArg_ParseTuple(arguments, "Od", &list, &factor)) return NULL;
    if (tideconv_array_from_list(&array, &tideconv_type_float, list) < 0) return NULL;
    Py_BEGIN_ALLOW_THREADS
    for (size_t i = 0; i < array.count; i++)
        tideconv_array_float(&array)[i] *= factor;
    Py_END_ALLOW_THREADS
    return tideconv_array_take_list(&array);
}
static PyMethodDef methods[] = {{"scale", scale, METH_VARARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "scale",
                                        .m_methods = methods};
PyMODINIT_FUNC PyInit_scale(void)
{
    return PyModuleDef_Init(&definition);
}
