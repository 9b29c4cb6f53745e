/* types.c - the library's own element types: the only code that knows what a float or a str is.
 *
 * Each type is a kernel of loops over a batch: objects to native values, native values to objects,
 * hashes, order. A user's type has no kernel; the functions at the end run its callbacks instead.
 */
#include "internal.h"

#include <math.h>
#include <stdio.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#if PY_VERSION_HEX >= 0x030D0000 && defined(Py_GIL_DISABLED)
#    define LOCK(object)   Py_BEGIN_CRITICAL_SECTION(object)
#    define UNLOCK(object) Py_END_CRITICAL_SECTION()
#else
#    define LOCK(object)
#    define UNLOCK(object)
#endif

/* ---- hashing of scalars
 * -------------------------------------------------------------------------- */

__extension__ typedef unsigned __int128 uint128;

/* Folded 64 x 64 -> 128 bit product: without the seed, no one can say which inputs collide. */
static uint64_t mix(uint64_t value, uint64_t seed)
{
    uint128 product = (uint128)(value ^ seed) * (UINT64_C(0x9E3779B97F4A7C15) ^ (seed << 1));

    product = (product ^ (product >> 64)) & UINT64_MAX;
    product *= UINT64_C(0xD6E8FEB86659FD93);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t float_bits(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Equal numbers hash alike, so -0.0 as 0.0. A NaN equals nothing: its address keeps NaNs apart, or
 * a million of them would stand in one line of probes. */
static uint64_t hash_double(const double *value, uint64_t seed)
{
    if (isnan(*value)) return mix(float_bits(*value) ^ (uintptr_t)value, seed);
    return mix(float_bits(*value + 0.0), seed);
}

/* ---- order
 * --------------------------------------------------------------------------------------- */

static int compare_double(double left, double right)
{
    uint64_t left_bits, right_bits;

    if (left < right) return -1;
    if (left > right) return 1;
    if (left == right) return 0;
    if (!isnan(left)) return -1;
    if (!isnan(right)) return 1;
    left_bits = float_bits(left);
    right_bits = float_bits(right);
    return (left_bits > right_bits) - (left_bits < right_bits);
}

static uint64_t prefix_double(double value)
{
    uint64_t bits = float_bits(value + 0.0);

    if (isnan(value)) return UINT64_MAX;
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

/* ---- bool
 * ---------------------------------------------------------------------------------------- */

static Py_ssize_t load_bool(struct load *Py_UNUSED(load), PyObject *const *objects,
                            Py_ssize_t count, char *values, size_t stride)
{
    for (Py_ssize_t i = 0; i < count; i++, values += stride) {
        if (!PyBool_Check(objects[i])) return i;
        *(bool *)values = objects[i] == Py_True;
    }
    return count;
}

static Py_ssize_t store_bool(const char *values, size_t stride, Py_ssize_t count,
                             PyObject **objects)
{
    for (Py_ssize_t i = 0; i < count; i++, values += stride)
        objects[i] = PyBool_FromLong(*(const bool *)values);
    return count;
}

static void hash_bool(const char *values, size_t stride, Py_ssize_t count, char *hashes,
                      uint64_t seed)
{
    for (Py_ssize_t i = 0; i < count; i++)
        *(uint64_t *)(hashes + i * stride) = mix(*(const bool *)(values + i * stride), seed);
}

static bool equal_bool(const void *left, const void *right)
{
    return *(const bool *)left == *(const bool *)right;
}

static int compare_bool(const void *left, const void *right)
{
    return *(const bool *)left - *(const bool *)right;
}

static uint64_t prefix_bool(const void *value, size_t Py_UNUSED(skip))
{
    return *(const bool *)value;
}

static const struct tideconv_kernel kernel_bool = {
    .load = load_bool,
    .store = store_bool,
    .hash = hash_bool,
    .equal = equal_bool,
    .compare = compare_bool,
    .prefix = prefix_bool,
};

/* ---- int
 * ----------------------------------------------------------------------------------------- */

/* The value of an int of up to 63 bits, which nearly all are; false for the others. */
static inline bool read_int(PyObject *object, int64_t *value)
{
#if TIDECONV_FAST && PYLONG_BITS_IN_DIGIT == 30
    const PyLongObject *number = (const PyLongObject *)object;
#    if PY_VERSION_HEX >= 0x030C0000
    const digit *digits = number->long_value.ob_digit;
    size_t count = number->long_value.lv_tag >> 3;
    int64_t sign = 1 - (int64_t)(number->long_value.lv_tag & 3);
#    else
    const digit *digits = number->ob_digit;
    size_t count = (size_t)Py_ABS(Py_SIZE(object));
    int64_t sign = Py_SIZE(object) < 0 ? -1 : 1;
#    endif
    uint64_t magnitude = count > 0 ? digits[0] : 0;

    if (count > 1) magnitude |= (uint64_t)digits[1] << 30;
    if (count > 2) magnitude |= (uint64_t)digits[2] << 60;
    *value = sign * (int64_t)(magnitude & INT64_MAX);
    return count < 3 || (count == 3 && digits[2] < 1 << 3);
#else
    (void)object;
    (void)value;
    return false;
#endif
}

static Py_ssize_t load_int(struct load *load, PyObject *const *objects, Py_ssize_t count,
                           char *values, size_t stride)
{
    for (Py_ssize_t i = 0; i < count; i++, values += stride) {
        int overflow;
        if (!PyLong_CheckExact(objects[i])) return i;
        if (read_int(objects[i], (int64_t *)values)) continue;
        *(int64_t *)values = PyLong_AsLongLongAndOverflow(objects[i], &overflow);
        if (overflow) {
            load->exception = PyExc_OverflowError;
            snprintf(load->problem, sizeof load->problem, "int does not fit in 64 bits");
            return i;
        }
    }
    return count;
}

static Py_ssize_t store_int(const char *values, size_t stride, Py_ssize_t count, PyObject **objects)
{
    for (Py_ssize_t i = 0; i < count; i++, values += stride) {
        objects[i] = PyLong_FromLongLong(*(const int64_t *)values);
        if (!objects[i]) return i;
    }
    return count;
}

static void hash_int(const char *values, size_t stride, Py_ssize_t count, char *hashes,
                     uint64_t seed)
{
    for (Py_ssize_t i = 0; i < count; i++)
        *(uint64_t *)(hashes + i * stride) = mix(*(const uint64_t *)(values + i * stride), seed);
}

static bool equal_int(const void *left, const void *right)
{
    return *(const int64_t *)left == *(const int64_t *)right;
}

static int compare_int(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;

    return (a > b) - (a < b);
}

static uint64_t prefix_int(const void *value, size_t Py_UNUSED(skip))
{
    return *(const uint64_t *)value ^ UINT64_C(1) << 63;
}

static const struct tideconv_kernel kernel_int = {
    .load = load_int,
    .store = store_int,
    .hash = hash_int,
    .equal = equal_int,
    .compare = compare_int,
    .prefix = prefix_int,
};

/* ---- float
 * --------------------------------------------------------------------------------------- */

static Py_ssize_t load_float(struct load *Py_UNUSED(load), PyObject *const *objects,
                             Py_ssize_t count, char *values, size_t stride)
{
    for (Py_ssize_t i = 0; i < count; i++, values += stride) {
        if (!PyFloat_CheckExact(objects[i])) return i;
        *(double *)values = PyFloat_AS_DOUBLE(objects[i]);
    }
    return count;
}

static Py_ssize_t store_float(const char *values, size_t stride, Py_ssize_t count,
                              PyObject **objects)
{
    for (Py_ssize_t i = 0; i < count; i++, values += stride) {
        objects[i] = PyFloat_FromDouble(*(const double *)values);
        if (!objects[i]) return i;
    }
    return count;
}

static void hash_float(const char *values, size_t stride, Py_ssize_t count, char *hashes,
                       uint64_t seed)
{
    for (Py_ssize_t i = 0; i < count; i++)
        *(uint64_t *)(hashes + i * stride) =
            hash_double((const double *)(values + i * stride), seed);
}

static bool equal_float(const void *left, const void *right)
{
    return *(const double *)left == *(const double *)right;
}

static int compare_float(const void *left, const void *right)
{
    return compare_double(*(const double *)left, *(const double *)right);
}

static uint64_t prefix_float(const void *value, size_t Py_UNUSED(skip))
{
    return prefix_double(*(const double *)value);
}

static const struct tideconv_kernel kernel_float = {
    .load = load_float,
    .store = store_float,
    .hash = hash_float,
    .equal = equal_float,
    .compare = compare_float,
    .prefix = prefix_float,
};

/* ---- complex
 * ------------------------------------------------------------------------------------- */

static Py_ssize_t load_complex(struct load *Py_UNUSED(load), PyObject *const *objects,
                               Py_ssize_t count, char *values, size_t stride)
{
    for (Py_ssize_t i = 0; i < count; i++, values += stride) {
        struct tideconv_complex *value = (struct tideconv_complex *)values;
        if (!PyComplex_CheckExact(objects[i])) return i;
        value->real = ((PyComplexObject *)objects[i])->cval.real;
        value->imag = ((PyComplexObject *)objects[i])->cval.imag;
    }
    return count;
}

static Py_ssize_t store_complex(const char *values, size_t stride, Py_ssize_t count,
                                PyObject **objects)
{
    for (Py_ssize_t i = 0; i < count; i++, values += stride) {
        const struct tideconv_complex *value = (const struct tideconv_complex *)values;
        objects[i] = PyComplex_FromDoubles(value->real, value->imag);
        if (!objects[i]) return i;
    }
    return count;
}

static void hash_complex(const char *values, size_t stride, Py_ssize_t count, char *hashes,
                         uint64_t seed)
{
    for (Py_ssize_t i = 0; i < count; i++) {
        const struct tideconv_complex *value = (const void *)(values + i * stride);
        uint64_t real = hash_double(&value->real, seed);
        *(uint64_t *)(hashes + i * stride) = hash_double(&value->imag, real | 1);
    }
}

static bool equal_complex(const void *left, const void *right)
{
    const struct tideconv_complex *a = left;
    const struct tideconv_complex *b = right;

    return a->real == b->real && a->imag == b->imag;
}

static int compare_complex(const void *left, const void *right)
{
    const struct tideconv_complex *a = left;
    const struct tideconv_complex *b = right;
    int order = compare_double(a->real, b->real);

    return order ? order : compare_double(a->imag, b->imag);
}

static uint64_t prefix_complex(const void *value, size_t Py_UNUSED(skip))
{
    return prefix_double(((const struct tideconv_complex *)value)->real);
}

static const struct tideconv_kernel kernel_complex = {
    .load = load_complex,
    .store = store_complex,
    .hash = hash_complex,
    .equal = equal_complex,
    .compare = compare_complex,
    .prefix = prefix_complex,
};

/* ---- bytes and bytearray
 * ------------------------------------------------------------------------- */

/* Copy a string into the arena, or let it point at the object where that may be borrowed. */
static inline bool own(struct load *load, struct tideconv_bytes *value, char *data, size_t size)
{
    value->size = size;
    value->data = load->borrow ? data : tideconv_arena_copy(load->arena, data, size);
    if (!value->data) PyErr_NoMemory();
    return value->data != NULL;
}

static Py_ssize_t load_bytes(struct load *load, PyObject *const *objects, Py_ssize_t count,
                             char *values, size_t stride)
{
    for (Py_ssize_t i = 0; i < count; i++, values += stride) {
        PyObject *object = objects[i];
        if (!PyBytes_CheckExact(object)) return i;
        if (!own(load, (void *)values, PyBytes_AS_STRING(object), (size_t)Py_SIZE(object)))
            return i;
    }
    return count;
}

static Py_ssize_t store_bytes(const char *values, size_t stride, Py_ssize_t count,
                              PyObject **objects)
{
    for (Py_ssize_t i = 0; i < count; i++, values += stride) {
        const struct tideconv_bytes *value = (const struct tideconv_bytes *)values;
        objects[i] = PyBytes_FromStringAndSize(value->data, (Py_ssize_t)value->size);
        if (!objects[i]) return i;
    }
    return count;
}

static Py_ssize_t load_bytearray(struct load *load, PyObject *const *objects, Py_ssize_t count,
                                 char *values, size_t stride)
{
    bool owned = true;

    for (Py_ssize_t i = 0; i < count; i++, values += stride) {
        PyObject *object = objects[i];
        if (!PyByteArray_CheckExact(object)) return i;
        LOCK(object);
        owned = own(load, (void *)values, PyByteArray_AS_STRING(object), (size_t)Py_SIZE(object));
        UNLOCK(object);
        if (!owned) return i;
    }
    return count;
}

static Py_ssize_t store_bytearray(const char *values, size_t stride, Py_ssize_t count,
                                  PyObject **objects)
{
    for (Py_ssize_t i = 0; i < count; i++, values += stride) {
        const struct tideconv_bytes *value = (const struct tideconv_bytes *)values;
        objects[i] = PyByteArray_FromStringAndSize(value->data, (Py_ssize_t)value->size);
        if (!objects[i]) return i;
    }
    return count;
}

static void hash_string(const char *values, size_t stride, Py_ssize_t count, char *hashes,
                        uint64_t seed)
{
    for (Py_ssize_t i = 0; i < count; i++) {
        const struct tideconv_bytes *value = (const void *)(values + i * stride);
        *(uint64_t *)(hashes + i * stride) = XXH3_64bits_withSeed(value->data, value->size, seed);
    }
}

static bool equal_string(const void *left, const void *right)
{
    const struct tideconv_bytes *a = left;
    const struct tideconv_bytes *b = right;

    return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

/* By bytes: for UTF-8 that is the order of code points, as in Python. */
static int compare_string(const void *left, const void *right)
{
    const struct tideconv_bytes *a = left;
    const struct tideconv_bytes *b = right;
    int order = memcmp(a->data, b->data, a->size < b->size ? a->size : b->size);

    return order ? order : (a->size > b->size) - (a->size < b->size);
}

/* The first eight bytes after `skip`, big end first; what is missing counts as zeros. */
static uint64_t prefix_string(const void *value, size_t skip)
{
    const struct tideconv_bytes *string = value;
    uint64_t prefix = 0;

    if (string->size <= skip) return 0;
    if (string->size - skip >= sizeof prefix) {
        memcpy(&prefix, string->data + skip, sizeof prefix);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        prefix = __builtin_bswap64(prefix);
#endif
        return prefix;
    }
    for (size_t i = 0; i < string->size - skip; i++)
        prefix |= (uint64_t)(unsigned char)string->data[skip + i] << (56 - 8 * i);
    return prefix;
}

#if TIDECONV_FAST
/* The field is deprecated from 3.11 on, yet it is where the hash is cached up to 3.13. */
#    pragma GCC diagnostic push
#    pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static void get_bytes_hashes(PyObject *const *objects, Py_ssize_t count, char *hashes,
                             size_t stride)
{
    for (Py_ssize_t i = 0; i < count; i++)
        *(Py_hash_t *)(hashes + i * stride) = ((PyBytesObject *)objects[i])->ob_shash;
}

static void set_bytes_hashes(PyObject *const *objects, Py_ssize_t count, const char *hashes,
                             size_t stride)
{
    for (Py_ssize_t i = 0; i < count; i++)
        ((PyBytesObject *)objects[i])->ob_shash = *(const Py_hash_t *)(hashes + i * stride);
}
#    pragma GCC diagnostic pop

static void get_str_hashes(PyObject *const *objects, Py_ssize_t count, char *hashes, size_t stride)
{
    for (Py_ssize_t i = 0; i < count; i++)
        *(Py_hash_t *)(hashes + i * stride) = ((PyASCIIObject *)objects[i])->hash;
}

static void set_str_hashes(PyObject *const *objects, Py_ssize_t count, const char *hashes,
                           size_t stride)
{
    for (Py_ssize_t i = 0; i < count; i++)
        ((PyASCIIObject *)objects[i])->hash = *(const Py_hash_t *)(hashes + i * stride);
}
#endif

static const struct tideconv_kernel kernel_bytes = {
    .load = load_bytes,
    .store = store_bytes,
    .hash = hash_string,
    .equal = equal_string,
    .compare = compare_string,
    .prefix = prefix_string,
    .strings = true,
#if TIDECONV_FAST
    .get_hashes = get_bytes_hashes,
    .set_hashes = set_bytes_hashes,
#endif
};

static const struct tideconv_kernel kernel_bytearray = {
    .load = load_bytearray,
    .store = store_bytearray,
    .hash = hash_string,
    .equal = equal_string,
    .compare = compare_string,
    .prefix = prefix_string,
    .strings = true,
};

/* ---- str
 * ----------------------------------------------------------------------------------------- */

/* Write one code point as UTF-8 and return where the next goes. */
static inline char *put_code_point(char *out, Py_UCS4 c)
{
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xC0 | c >> 6);
        *out++ = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        *out++ = (char)(0xE0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 0x3F));
        *out++ = (char)(0x80 | (c & 0x3F));
    } else {
        *out++ = (char)(0xF0 | c >> 18);
        *out++ = (char)(0x80 | (c >> 12 & 0x3F));
        *out++ = (char)(0x80 | (c >> 6 & 0x3F));
        *out++ = (char)(0x80 | (c & 0x3F));
    }
    return out;
}

/* Read one code point of UTF-8 that is known to be well-formed. */
static inline Py_UCS4 get_code_point(const unsigned char **in)
{
    const unsigned char *p = *in;
    Py_UCS4 c = *p;

    if (c < 0x80) {
        *in = p + 1;
        return c;
    }
    if (c < 0xE0) {
        *in = p + 2;
        return (c & 0x1F) << 6 | (p[1] & 0x3F);
    }
    if (c < 0xF0) {
        *in = p + 3;
        return (c & 0x0F) << 12 | (Py_UCS4)(p[1] & 0x3F) << 6 | (p[2] & 0x3F);
    }
    *in = p + 4;
    return (c & 0x07) << 18 | (Py_UCS4)(p[1] & 0x3F) << 12 | (Py_UCS4)(p[2] & 0x3F) << 6 |
           (p[3] & 0x3F);
}

static bool refuse_surrogate(struct load *load, Py_UCS4 c, Py_ssize_t at)
{
    load->exception = PyExc_ValueError;
    snprintf(load->problem, sizeof load->problem,
             "surrogate U+%04X at character %zd has no UTF-8 form", (unsigned)c, at);
    return false;
}

/* Encode what is not all ASCII. Room for the longest form is reserved, what it really takes is
 * kept. */
static bool encode(struct load *load, struct tideconv_str *value, PyObject *object)
{
    int kind = (int)PyUnicode_KIND(object);
    const void *data = PyUnicode_DATA(object);
    Py_ssize_t length = PyUnicode_GET_LENGTH(object);
    size_t longest = kind == PyUnicode_1BYTE_KIND ? 2 : kind == PyUnicode_2BYTE_KIND ? 3 : 4;
    char *out = tideconv_arena_reserve(load->arena, (size_t)length * longest + 1);

    if (!out) {
        PyErr_NoMemory();
        return false;
    }
    value->data = out;
    value->length = (size_t)length;
    for (Py_ssize_t i = 0; i < length; i++) {
        Py_UCS4 c = PyUnicode_READ(kind, data, i);
        if (Py_UNICODE_IS_SURROGATE(c)) return refuse_surrogate(load, c, i);
        out = put_code_point(out, c);
    }
    *out = '\0';
    value->size = (size_t)(out - value->data);
    load->arena->at = out + 1;
    return true;
}

static inline bool ready(PyObject *object)
{
#if PY_VERSION_HEX < 0x030C0000
    return PyUnicode_READY(object) == 0;
#else
    (void)object;
    return true;
#endif
}

static Py_ssize_t load_str(struct load *load, PyObject *const *objects, Py_ssize_t count,
                           char *values, size_t stride)
{
    for (Py_ssize_t i = 0; i < count; i++, values += stride) {
        PyObject *object = objects[i];
        struct tideconv_str *value = (struct tideconv_str *)values;
        if (!PyUnicode_CheckExact(object) || !ready(object)) return i;
        if (PyUnicode_IS_ASCII(object)) {
            value->length = (size_t)PyUnicode_GET_LENGTH(object);
            if (!own(load, (void *)value, PyUnicode_DATA(object), value->length)) return i;
        } else if (!encode(load, value, object)) {
            return i;
        }
    }
    return count;
}

/* The highest byte of well-formed UTF-8 says how wide its widest code point is. */
static Py_UCS4 widest(const unsigned char *data, size_t size)
{
    unsigned char highest = 0;

    for (size_t i = 0; i < size; i++)
        highest = data[i] > highest ? data[i] : highest;
    return highest <= 0xC3 ? 0xFF : highest <= 0xEF ? 0xFFFF : 0x10FFFF;
}

static PyObject *decode(const struct tideconv_str *value)
{
    const unsigned char *in = (const unsigned char *)value->data;
    Py_ssize_t length = (Py_ssize_t)value->length;
    PyObject *object = PyUnicode_New(length, widest(in, value->size));
    int kind;
    void *data;

    if (!object) return NULL;
    kind = (int)PyUnicode_KIND(object);
    data = PyUnicode_DATA(object);
    for (Py_ssize_t i = 0; i < length; i++)
        PyUnicode_WRITE(kind, data, i, get_code_point(&in));
    return object;
}

static PyObject *store_one_str(const struct tideconv_str *value)
{
    PyObject *object;

    /* CPython shares the objects of strings this short. */
    if (value->length <= 1)
        return PyUnicode_FromStringAndSize(value->data, (Py_ssize_t)value->size);
    if (value->length != value->size) return decode(value);
    object = PyUnicode_New((Py_ssize_t)value->length, 0x7F);
    if (object) memcpy(PyUnicode_DATA(object), value->data, value->size);
    return object;
}

static Py_ssize_t store_str(const char *values, size_t stride, Py_ssize_t count, PyObject **objects)
{
    for (Py_ssize_t i = 0; i < count; i++, values += stride) {
        objects[i] = store_one_str((const struct tideconv_str *)values);
        if (!objects[i]) return i;
    }
    return count;
}

static const struct tideconv_kernel kernel_str = {
    .load = load_str,
    .store = store_str,
    .hash = hash_string,
    .equal = equal_string,
    .compare = compare_string,
    .prefix = prefix_string,
    .strings = true,
#if TIDECONV_FAST
    .get_hashes = get_str_hashes,
    .set_hashes = set_str_hashes,
#endif
};

#define DEFINE_TYPE(type, ctype)                        \
    const struct tideconv_type tideconv_type_##type = { \
        .name = #type, .size = sizeof(ctype), .kernel = &kernel_##type};
TIDECONV_TYPES(DEFINE_TYPE)

/* ---- any type
 * ------------------------------------------------------------------------------------ */

Py_ssize_t tideconv_load(const struct tideconv_type *type, struct load *load,
                         PyObject *const *objects, Py_ssize_t count, char *values, size_t stride)
{
    if (type->kernel) return type->kernel->load(load, objects, count, values, stride);
    for (Py_ssize_t i = 0; i < count; i++, values += stride) {
        if (!type->check(objects[i]) || type->to_native(objects[i], values) < 0) {
            tideconv_destroy(type, values - (size_t)i * stride, stride, (size_t)i);
            return i;
        }
    }
    return count;
}

Py_ssize_t tideconv_store(const struct tideconv_type *type, const char *values, size_t stride,
                          Py_ssize_t count, PyObject **objects)
{
    if (type->kernel) return type->kernel->store(values, stride, count, objects);
    for (Py_ssize_t i = 0; i < count; i++, values += stride) {
        objects[i] = type->from_native(values);
        if (!objects[i]) return i;
    }
    return count;
}

void tideconv_hash_values(const struct tideconv_type *type, const char *values, size_t stride,
                          Py_ssize_t count, char *hashes)
{
    uint64_t seed = tideconv_seed();

    if (type->kernel) {
        type->kernel->hash(values, stride, count, hashes, seed);
        return;
    }
    for (Py_ssize_t i = 0; i < count; i++)
        *(uint64_t *)(hashes + i * stride) = mix(type->hash(values + i * stride), seed);
}

bool tideconv_equal(const struct tideconv_type *type, const void *left, const void *right)
{
    if (type->kernel) return type->kernel->equal(left, right);
    return type->compare(left, right) == 0;
}

int tideconv_compare(const struct tideconv_type *type, const void *left, const void *right)
{
    if (type->kernel) return type->kernel->compare(left, right);
    return type->compare(left, right);
}

/* Make a value that was copied or borrowed own its string. */
int tideconv_adopt(const struct tideconv_type *type, struct tideconv_arena *arena, void *value)
{
    struct tideconv_bytes *string = value;
    char *copy;

    if (!type->kernel || !type->kernel->strings) return 0;
    copy = tideconv_arena_copy(arena, string->data, string->size);
    if (!copy) return -1;
    string->data = copy;
    return 0;
}

int tideconv_replace(const struct tideconv_type *type, struct tideconv_arena *arena, void *place,
                     const void *value)
{
    if (type->kernel && type->kernel->strings) {
        const struct tideconv_bytes *string = value;
        char *copy = tideconv_arena_copy(arena, string->data, string->size);
        if (!copy) return -1;
        memcpy(place, value, type->size);
        ((struct tideconv_bytes *)place)->data = copy;
        return 0;
    }
    tideconv_destroy(type, place, 0, 1);
    memcpy(place, value, type->size);
    return 0;
}

void tideconv_destroy(const struct tideconv_type *type, char *values, size_t stride, size_t count)
{
    if (!type || !type->destroy) return;
    for (size_t i = 0; i < count; i++)
        type->destroy(values + i * stride);
}
