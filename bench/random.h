/* random.h - made-up numbers that a seed gives again: SplitMix64 (Steele, Lea and Flood 2014), and
 * normal ones from them by Box and Muller. One state a program. */
#ifndef TIDE_BENCH_RANDOM_H
#define TIDE_BENCH_RANDOM_H

#include <math.h>
#include <stdint.h>

static uint64_t state; /* the seed, when it is set */

static uint64_t next(void)
{
    uint64_t z = (state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Between 0 and 1, neither of them. */
static double uniform(void)
{
    return ((double)(next() >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(void)
{
    double u = uniform(), v = uniform();
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

#endif
