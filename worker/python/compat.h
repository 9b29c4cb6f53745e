/* compat.h - the differences between CPython 3.8 and 3.13 that the worker meets, in one place.
 *
 * Included before any system header, since Python.h defines _GNU_SOURCE and others
 * (docs.python.org, "Include Files"). */
#ifndef TIDE_COMPAT_H
#define TIDE_COMPAT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <frameobject.h>

#if PY_VERSION_HEX < 0x03080000
#    error "Tidemark measures CPython 3.8 and later (PEP 587)"
#endif

#ifndef Py_IS_TYPE
#    define Py_IS_TYPE(object, type) (Py_TYPE(object) == (type)) /* before 3.9 */
#endif

/* The code of a frame, borrowed from the frame. Frames became opaque in 3.11. */
static inline PyCodeObject *tide_frame_code(PyFrameObject *frame)
{
#if PY_VERSION_HEX < 0x030B0000
    return frame->f_code;
#else
    PyCodeObject *code = PyFrame_GetCode(frame);
    Py_DECREF(code); /* the frame keeps it */
    return code;
#endif
}

/* The instruction a frame is at: with the code it determines the line. */
static inline int tide_frame_instruction(PyFrameObject *frame)
{
#if PY_VERSION_HEX < 0x030B0000
    return frame->f_lasti;
#else
    return PyFrame_GetLasti(frame);
#endif
}

/* Where code is at an event. */
struct tide_place {
    PyCodeObject *code;   /* borrowed */
    int instruction;      /* with the code it determines the line; the unit is the version's */
    PyFrameObject *frame; /* NULL from 3.12 on */
};

static inline int tide_place_line(const struct tide_place *at)
{
#if PY_VERSION_HEX < 0x030C0000
    return PyFrame_GetLineNumber(at->frame);
#else
    return PyCode_Addr2Line(at->code, at->instruction);
#endif
}

/* Who reports calls. */
#if PY_VERSION_HEX < 0x030C0000
#    define TIDE_HOOK "PyEval_SetProfile"
#else
#    define TIDE_HOOK "sys.monitoring"
#endif

/* The name with its classes and functions around it, borrowed; before 3.11 code has the bare one.
 */
static inline PyObject *tide_code_name(PyCodeObject *code)
{
#if PY_VERSION_HEX < 0x030B0000
    return code->co_name;
#else
    return code->co_qualname;
#endif
}

#endif
