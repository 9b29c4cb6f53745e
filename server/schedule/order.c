/* order.c - see order.h. Fisher and Yates' shuffle, over numbers from SplitMix64 (Steele, Lea and
 * Flood 2014): its whole definition stands here, so that an order can be had again anywhere. */
#include "schedule/order.h"

#include <stdlib.h>
#include <sys/random.h>

static uint64_t next_number(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* From 0 to n - 1, each equally likely: what would favour the small ones is drawn again. */
static size_t number_below(uint64_t *state, size_t n)
{
    uint64_t most = UINT64_MAX - UINT64_MAX % n, drawn;
    do
        drawn = next_number(state);
    while (drawn >= most);
    return (size_t)(drawn % n);
}

static void shuffle(struct tide_run_key *runs, size_t n, uint64_t *state)
{
    for (size_t i = n; i > 1; i--) {
        size_t k = number_below(state, i);
        struct tide_run_key moved = runs[k];
        runs[k] = runs[i - 1];
        runs[i - 1] = moved;
    }
}

enum tide_rc tide_order_runs(const int *samples, size_t n, int64_t seed, struct tide_run_key **out,
                             size_t *n_runs, struct tide_error *e)
{
    uint64_t state = (uint64_t)seed;
    size_t total = 0, begun = 1;
    for (size_t i = 0; i < n; i++)
        total += (size_t)samples[i];
    *n_runs = 0;
    *out = calloc(total + 1, sizeof **out);
    if (!*out) return tide_fail(e, TIDE_NOMEM, "put runs in order");
    for (int round = 1; begun; round++) {
        struct tide_run_key *first = *out + *n_runs;
        begun = 0;
        for (size_t i = 0; i < n; i++)
            if (samples[i] >= round) first[begun++] = (struct tide_run_key){i, round};
        shuffle(first, begun, &state);
        *n_runs += begun;
    }
    return TIDE_OK;
}

enum tide_rc tide_order_draw_seed(int64_t *seed, struct tide_error *e)
{
    uint64_t drawn = 0;
    if (getrandom(&drawn, sizeof drawn, 0) != (ssize_t)sizeof drawn)
        return tide_fail_errno(e, "draw a random seed");
    *seed = (int64_t)(drawn & (uint64_t)TIDE_SEED_MAX);
    return TIDE_OK;
}
