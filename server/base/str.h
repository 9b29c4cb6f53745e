/* str.h - a growing, always terminated byte string with a ceiling.
 *
 * A zeroed struct is an empty text. Appending past the ceiling or out of memory sets `failed` and
 * leaves the text as it was; check once at the end instead of after every append. */
#ifndef TIDE_STR_H
#define TIDE_STR_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define TIDE_STR_DEFAULT_CEILING (64u << 20)

struct tide_str {
    char *at; /* NULL while empty, else terminated */
    size_t length, capacity;
    size_t ceiling; /* 0: TIDE_STR_DEFAULT_CEILING */
    bool failed;
};

void tide_str_add(struct tide_str *s, const void *bytes, size_t n);
void tide_str_put(struct tide_str *s, const char *text);
void tide_str_printf(struct tide_str *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void tide_str_free(struct tide_str *s); /* leaves it empty and usable */

/* Hand the bytes over to the caller, who frees them; NULL when an append failed. An empty text
 * gives "". */
char *tide_str_take(struct tide_str *s);

/* printf into new memory; NULL when memory ends. The caller frees it. */
char *tide_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
