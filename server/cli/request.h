/* request.h - what the options of a command become in its requests to the daemon.
 *
 * The daemon alone judges what stands there, so that a field is refused in the same words however
 * it was given. */
#ifndef TIDE_REQUEST_H
#define TIDE_REQUEST_H

#include "base/error.h"
#include "base/str.h"

#include <argp.h>
#include <jansson.h>

enum tide_request_kind {
    TIDE_REQUEST_TEXT,
    TIDE_REQUEST_VALUE, /* a number or a truth value where the text is one, else the text itself */
    TIDE_REQUEST_WORDS, /* appended to a list: what stands between commas */
    TIDE_REQUEST_ENTRY, /* appended to a list whole */
    TIDE_REQUEST_FLAG,  /* true */
};

/* What an option puts into the body of a request. */
struct tide_request_field {
    const char *name; /* NULL ends a list of them */
    int key;          /* of the option */
    enum tide_request_kind kind;
};

/* Put the option's text where the fields say; false when its key is not among them. */
bool tide_request_take(json_t *request, const struct tide_request_field *fields, int key,
                       const char *text);

/* Put NAME=VALUE into the request's `params`; a text of another shape ends the program. */
void tide_request_param(json_t *request, const char *text, struct argp_state *state);

/* Append a query parameter to a path, escaped; a value of NULL is left out. */
void tide_request_query(struct tide_str *target, const char *name, const char *value);

/* GET the target, which is freed. The answer is the caller's. Errors as tide_client_get, NOMEM. */
TIDE_CHECK enum tide_rc tide_request_get(const char *data, struct tide_str *target, json_t **out,
                                         struct tide_error *e);

#endif
