/* query.h - query parameters, checked. */
#ifndef TIDE_HTTP_QUERY_H
#define TIDE_HTTP_QUERY_H

#include "http/internal.h"

/* The integer in the parameter `name`, or `fallback` where it is absent. False: the answer is a
 * problem that names it and its range. */
bool tide_query_integer(struct tide_request *r, const char *name, int64_t low, int64_t high,
                        int64_t fallback, int64_t *out);

/* The text of the parameter, NULL where it is absent; borrowed from the request. */
const char *tide_query_text(const struct tide_request *r, const char *name);

/* True when every parameter is one of `known` (NULL-terminated); else the answer is a problem. */
bool tide_query_known(struct tide_request *r, const char *const *known);

#endif
