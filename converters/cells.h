/* cells.h - the one description that all conversions are generated from.
 *
 * A new element type is one line in TIDECONV_TYPES (and its kernel in types.c), plus one in the
 * lists of the containers that may hold it; a new container is one list of cells. The header, the
 * module's functions, their help texts and the tests' tables all follow from here. */
#ifndef TIDECONV_CELLS_H
#define TIDECONV_CELLS_H

/* X(type, C type of one native value) */
#define TIDECONV_TYPES(X)               \
    X(bool, bool)                       \
    X(int, int64_t)                     \
    X(float, double)                    \
    X(complex, struct tideconv_complex) \
    X(bytes, struct tideconv_bytes)     \
    X(bytearray, struct tideconv_bytes) \
    X(str, struct tideconv_str)

/* X(type): what a set can hold; a bytearray has no hash */
#define TIDECONV_SET_TYPES(X) \
    X(bool)                   \
    X(int)                    \
    X(float)                  \
    X(complex)                \
    X(bytes)                  \
    X(str)

/* X(key, value): every pair that a dict cell is made for */
#define TIDECONV_DICT_VALUES(X, key) \
    X(key, int)                      \
    X(key, float)                    \
    X(key, complex)                  \
    X(key, bytes)                    \
    X(key, str)

#define TIDECONV_DICT_TYPES(X)       \
    TIDECONV_DICT_VALUES(X, int)     \
    TIDECONV_DICT_VALUES(X, float)   \
    TIDECONV_DICT_VALUES(X, complex) \
    TIDECONV_DICT_VALUES(X, bytes)   \
    TIDECONV_DICT_VALUES(X, str)

#endif
