/* json.h - values of JSON appended to a text, for answers of so many numbers that a tree of them
 * would cost more than the rest.
 *
 * Threads: any. Errors are the text's own (`failed`). */
#ifndef TIDE_JSON_H
#define TIDE_JSON_H

#include "base/str.h"

#include <stdint.h>

void tide_json_put_integer(struct tide_str *out, int64_t value);
/* The same without a sign: up to 2^64 - 1. */
void tide_json_put_size(struct tide_str *out, uint64_t value);
/* Of a whole number below 1e15 no fraction or exponent is written; of others 15 digits. NAN is
 * null. */
void tide_json_put_number(struct tide_str *out, double value);
/* Quoted; NULL, and what is not UTF-8, is null. */
void tide_json_put_text(struct tide_str *out, const char *text);

#endif
