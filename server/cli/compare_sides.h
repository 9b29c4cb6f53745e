/* compare_sides.h - what `tidemark compare` and `tidemark gate` share: how a compared cell is
 * shown, and more samples of one that is not decided. `compared` and its cells: docs/API.md, GET
 * /compare. */
#ifndef TIDE_COMPARE_SIDES_H
#define TIDE_COMPARE_SIDES_H

#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct tide_compare_row { /* a cell in words */
    char scenario[160], base[40], head[40], effect[64], interval[96];
};
void tide_compare_row(const json_t *compared, const json_t *cell, struct tide_compare_row *r);

/* Measure as many more samples of both sides as the cell needs, in one batch, by *left runs at the
 * most, which goes down by what was spent; watched to its end, unless silent without a word. */
TIDE_CHECK enum tide_rc tide_compare_more(const char *data, const json_t *compared,
                                          const json_t *cell, bool silent, int64_t *left,
                                          struct tide_error *e);

#endif
