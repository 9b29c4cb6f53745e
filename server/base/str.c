/* str.c - see str.h. */
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool reserve(struct tide_str *s, size_t more)
{
    size_t ceiling = s->ceiling ? s->ceiling : TIDE_STR_DEFAULT_CEILING;
    if (s->failed || more > ceiling || s->length + more > ceiling) {
        s->failed = true;
        return false;
    }
    size_t needed = s->length + more + 1;
    if (needed <= s->capacity) return true;
    size_t capacity = s->capacity ? s->capacity : 64;
    while (capacity < needed)
        capacity *= 2;
    char *at = realloc(s->at, capacity);
    if (!at) {
        s->failed = true;
        return false;
    }
    s->at = at;
    s->capacity = capacity;
    return true;
}

void tide_str_add(struct tide_str *s, const void *bytes, size_t n)
{
    if (!reserve(s, n)) return;
    if (n) memcpy(s->at + s->length, bytes, n);
    s->length += n;
    s->at[s->length] = '\0';
}

void tide_str_put(struct tide_str *s, const char *text)
{
    tide_str_add(s, text, strlen(text));
}

void tide_str_printf(struct tide_str *s, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (n < 0 || !reserve(s, (size_t)n)) {
        s->failed = true;
        return;
    }
    va_start(arguments, format);
    vsnprintf(s->at + s->length, (size_t)n + 1, format, arguments);
    va_end(arguments);
    s->length += (size_t)n;
}

void tide_str_free(struct tide_str *s)
{
    size_t ceiling = s->ceiling;
    free(s->at);
    *s = (struct tide_str){.ceiling = ceiling};
}

char *tide_str_take(struct tide_str *s)
{
    char *at = NULL;
    if (!s->failed) {
        tide_str_add(s, "", 0); /* an empty text still gets its terminator */
        at = s->at;
        s->at = NULL;
    }
    tide_str_free(s);
    return at;
}

char *tide_format(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0) text = NULL;
    va_end(arguments);
    return text;
}
