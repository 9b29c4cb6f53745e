/* sort.c - the order of an ordered map's keys: a stable sort of 64-bit prefixes.
 *
 * A radix sort by the first bytes of the prefix, as many as can tell most prefixes apart (bytes in
 * which all agree cost nothing), then a merge sort of every run that these bytes leave together.
 * Keys that differ in their first eight significant bytes are never compared at all. */
#include "internal.h"

enum { FEW = 24, DIGITS = 8, VALUES = 256, PAUSE_EVERY = 1 << 16 };

static int before(const struct order *order, const struct slot *left, const struct slot *right)
{
    if (left->prefix != right->prefix) return left->prefix < right->prefix;
    return order->compare(order, left->number, right->number) < 0;
}

static void insertion_sort(struct slot *slots, size_t count, const struct order *order)
{
    for (size_t i = 1; i < count; i++) {
        struct slot slot = slots[i];
        size_t at = i;
        for (; at > 0 && before(order, &slot, &slots[at - 1]); at--)
            slots[at] = slots[at - 1];
        slots[at] = slot;
    }
}

/* Merge two sorted halves; `scratch` has room for the left one. */
static void merge(struct slot *slots, struct slot *scratch, size_t half, size_t count,
                  const struct order *order)
{
    size_t left = 0, right = half, out = 0;

    if (!before(order, &slots[half], &slots[half - 1])) return;
    memcpy(scratch, slots, half * sizeof *slots);
    while (left < half && right < count)
        slots[out++] =
            before(order, &slots[right], &scratch[left]) ? slots[right++] : scratch[left++];
    memcpy(&slots[out], &scratch[left], (half - left) * sizeof *slots);
}

static int merge_sort(struct slot *slots, struct slot *scratch, size_t count,
                      const struct order *order)
{
    size_t half = count / 2;

    if (count <= FEW) {
        insertion_sort(slots, count, order);
        return 0;
    }
    if (merge_sort(slots, scratch, half, order) != 0) return -1;
    if (merge_sort(slots + half, scratch, count - half, order) != 0) return -1;
    merge(slots, scratch, half, count, order);
    /* Tested where a merge is long enough to be worth it and short enough to answer soon. */
    return count >= PAUSE_EVERY / 16 ? order->pause() : 0;
}

/* One pass by one byte, from `in` to `out`. `starts` are the counts of its values. */
static int radix_pass(const struct slot *in, struct slot *out, size_t count, unsigned shift,
                      const size_t *counts, const struct order *order)
{
    size_t at[VALUES];
    size_t sum = 0;

    for (size_t value = 0; value < VALUES; value++) {
        at[value] = sum;
        sum += counts[value];
    }
    for (size_t i = 0; i < count; i++) {
        if (i % PAUSE_EVERY == PAUSE_EVERY - 1 && order->pause() != 0) return -1;
        out[at[in[i].prefix >> shift & (VALUES - 1)]++] = in[i];
    }
    return 0;
}

/* The lowest digit to sort by: from the top, digits are taken until their values, if they were
 * independent, were 16 times as many as the slots. */
static unsigned lowest_digit(size_t counts[DIGITS][VALUES], size_t count)
{
    double combinations = 1;
    unsigned digit = DIGITS;

    while (digit > 0 && combinations < 16.0 * (double)count) {
        size_t values = 0;
        digit--;
        for (size_t value = 0; value < VALUES; value++)
            values += counts[digit][value] > 0;
        combinations *= (double)values;
    }
    return digit;
}

/* Sort by the digits from the lowest that is worth it; its shift is left in `*shift`. */
static int radix_sort(struct slot *slots, struct slot *scratch, size_t count,
                      const struct order *order, unsigned *shift)
{
    size_t counts[DIGITS][VALUES] = {{0}};
    struct slot *in = slots, *out = scratch;
    unsigned digit;

    for (size_t i = 0; i < count; i++) {
        for (digit = 0; digit < DIGITS; digit++)
            counts[digit][slots[i].prefix >> 8 * digit & (VALUES - 1)]++;
    }
    digit = lowest_digit(counts, count);
    *shift = 8 * digit;
    for (; digit < DIGITS; digit++) {
        struct slot *swap = in;
        if (counts[digit][slots[0].prefix >> 8 * digit & (VALUES - 1)] == count) continue;
        if (radix_pass(in, out, count, 8 * digit, counts[digit], order) != 0) return -1;
        in = out;
        out = swap;
    }
    if (in != slots) memcpy(slots, in, count * sizeof *slots);
    return 0;
}

int tideconv_sort(struct slot *slots, struct slot *scratch, size_t count, const struct order *order)
{
    unsigned shift;

    if (count <= FEW) {
        insertion_sort(slots, count, order);
        return 0;
    }
    if (radix_sort(slots, scratch, count, order, &shift) != 0) return -1;
    for (size_t start = 0, end; start < count; start = end) {
        uint64_t run = slots[start].prefix >> shift;
        for (end = start + 1; end < count && slots[end].prefix >> shift == run;)
            end++;
        if (merge_sort(slots + start, scratch, end - start, order) != 0) return -1;
    }
    return 0;
}
