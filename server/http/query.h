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

/* A parameter that is one of these words (NULL-terminated); *out is NULL where it is absent. False:
 * the answer is a problem that lists them. */
bool tide_query_word(struct tide_request *r, const char *name, const char *const *words,
                     const char **out);

extern const char *const tide_query_truths[]; /* true, false */

/* A parameter that is true or false; absent: false. False: the answer is a problem. */
bool tide_query_flag(struct tide_request *r, const char *name, bool *out);

/* What every list knows beside its filters, for the names of tide_query_known. `fields` needs no
 * work of a handler: the router leaves the others out. */
#define TIDE_PAGE_PARAMETERS "limit", "cursor", "sort", "fields"
#define TIDE_LIST_MAX        1000

/* The page that `limit` (1 to TIDE_LIST_MAX), `cursor` and `sort` ask for. False: the answer is a
 * problem. */
bool tide_query_page(struct tide_request *r, int64_t fallback_limit, struct tide_page *out);

/* End the handler of a list: an error becomes the answer; INVALID is a wrong parameter (400). */
void tide_query_finish(struct tide_request *r, enum tide_rc rc, const struct tide_error *e);

/* True when every parameter is one of `known` (NULL-terminated); else the answer is a problem. */
bool tide_query_known(struct tide_request *r, const char *const *known);

#endif
