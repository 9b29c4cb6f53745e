/* textlog.h - text logs of other memory profilers, turned into tide streams. */
#ifndef TIDE_RUN_TEXTLOG_H
#define TIDE_RUN_TEXTLOG_H

#include "base/str.h"

/* "pymemtrace", "mprof" or "psrecord" by the first line of the text, NULL when it is none of them.
 * Static. */
const char *tide_textlog_format(const char *text, size_t n);

/* Append the stream. INVALID, with the number of the line, when the text is out of shape or cut. */
TIDE_CHECK enum tide_rc tide_textlog_read(const char *text, size_t n, struct tide_str *out,
                                          struct tide_error *e);

#endif
