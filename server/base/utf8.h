/* utf8.h - text from outside (git, URLs, cut messages) made fit for JSON. */
#ifndef TIDE_UTF8_H
#define TIDE_UTF8_H

#include <stddef.h>

/* How many bytes the character at `at` has; 0 when it is none. */
size_t tide_utf8_measure(const char *at);

/* A copy with every byte that is not UTF-8 (RFC 3629) replaced by U+FFFD; the caller frees it. NULL
 * when memory ends. */
char *tide_utf8_copy(const char *text);

#endif
