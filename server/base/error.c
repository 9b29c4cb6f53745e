/* error.c - see error.h. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#undef tide_fail /* what the analyser is told; see error.h */
#undef tide_fail_field
#undef tide_fail_errno

static void fill(struct tide_error *e, enum tide_rc rc, const char *field, const char *format,
                 va_list arguments)
{
    if (!e) return;
    e->rc = rc;
    snprintf(e->field, sizeof e->field, "%s", field);
    vsnprintf(e->text, sizeof e->text, format, arguments);
}

enum tide_rc tide_fail(struct tide_error *e, enum tide_rc rc, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(e, rc, "", format, arguments);
    va_end(arguments);
    return rc;
}

enum tide_rc tide_fail_field(struct tide_error *e, const char *field, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(e, TIDE_INVALID, field, format, arguments);
    va_end(arguments);
    return TIDE_INVALID;
}

enum tide_rc tide_fail_errno(struct tide_error *e, const char *format, ...)
{
    int number = errno;
    va_list arguments;
    va_start(arguments, format);
    fill(e, TIDE_IO, "", format, arguments);
    va_end(arguments);
    if (e) {
        size_t used = strlen(e->text);
        char reason[128];
        /* GNU's strerror_r may return a static string instead of filling the buffer. */
        snprintf(e->text + used, sizeof e->text - used, ": %s",
                 strerror_r(number, reason, sizeof reason));
    }
    return TIDE_IO;
}
