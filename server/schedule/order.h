/* order.h - the order in which the runs of a batch are done: random, and the same for the same
 * seed.
 *
 * Rounds: the first holds one run of every cell, the second of every cell that wants two, and so
 * on; each is shuffled by itself. So the samples of any two cells alternate, whatever drifts on the
 * host meanwhile meets both alike, and a batch that is cut short has as many samples of each.
 * Threads: any. */
#ifndef TIDE_SCHEDULE_ORDER_H
#define TIDE_SCHEDULE_ORDER_H

#include "store/store.h"

#define TIDE_SEED_MAX INT64_C(9007199254740991) /* 2^53 - 1: exact in JSON wherever it is read */

/* *out: every run of n cells, of which cell i wants samples[i], in their order; freed by the
 * caller. */
TIDE_CHECK enum tide_rc tide_order_runs(const int *samples, size_t n, int64_t seed,
                                        struct tide_run_key **out, size_t *n_runs,
                                        struct tide_error *e);

/* A seed from the kernel's random numbers. */
TIDE_CHECK enum tide_rc tide_order_draw_seed(int64_t *seed, struct tide_error *e);

#endif
