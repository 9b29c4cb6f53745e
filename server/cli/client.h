/* client.h - a request to a running daemon of the same user, found by its data folder. */
#ifndef TIDE_CLIENT_H
#define TIDE_CLIENT_H

#include "base/str.h"

#include <jansson.h>

/* POST the n bytes to `target` (path and query) of the daemon that serves `data`, with its token.
 * *answer is the JSON of its answer, owned by the caller. INVALID with the daemon's words when it
 * refuses, FAILED when it could not; ABSENT when no daemon answers there. BUSY when what stands is
 * in the way (409): *answer then holds what it said of that. Otherwise *answer is NULL on failure.
 */
TIDE_CHECK enum tide_rc tide_client_post(const char *data, const char *target, const char *type,
                                         const void *bytes, size_t n, json_t **answer,
                                         struct tide_error *e);

/* The same with JSON as the body. */
TIDE_CHECK enum tide_rc tide_client_post_json(const char *data, const char *target,
                                              const json_t *body, json_t **answer,
                                              struct tide_error *e);

/* PATCH `target` with JSON as the body; the rest as above. */
TIDE_CHECK enum tide_rc tide_client_patch_json(const char *data, const char *target,
                                               const json_t *body, json_t **answer,
                                               struct tide_error *e);

/* DELETE `target`; an answer without a body is null as JSON. */
TIDE_CHECK enum tide_rc tide_client_delete(const char *data, const char *target, json_t **answer,
                                           struct tide_error *e);

/* GET `target`; the rest as above. */
TIDE_CHECK enum tide_rc tide_client_get(const char *data, const char *target, json_t **answer,
                                        struct tide_error *e);

/* The same, given up when nothing comes for so many milliseconds (IO); 0: never. */
TIDE_CHECK enum tide_rc tide_client_get_within(const char *data, const char *target,
                                               int patience_ms, json_t **answer,
                                               struct tide_error *e);

/* GET a text (a log), appended to *out. Errors as above. */
TIDE_CHECK enum tide_rc tide_client_text(const char *data, const char *target, struct tide_str *out,
                                         struct tide_error *e);

/* Send GET `target` with these further header lines ("" for none); the answer is to be read from
 * *fd, which the caller closes. */
TIDE_CHECK enum tide_rc tide_client_open(const char *data, const char *target, const char *headers,
                                         int *fd, struct tide_error *e);

/* The daemon's address as it stands in DATA/url, freed by the caller. */
TIDE_CHECK enum tide_rc tide_client_url(const char *data, char **out, struct tide_error *e);

/* Append `text`, percent-encoded for a query. */
void tide_client_escape(struct tide_str *out, const char *text);

#endif
