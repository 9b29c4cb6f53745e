/* robust.h - order statistics and the noise of a series; no input moves them by being far off.
 *
 * Pure: no allocation, no state. Functions that reorder their argument say so. */
#ifndef TIDE_STATS_ROBUST_H
#define TIDE_STATS_ROBUST_H

#include <stddef.h>

/* The k-th smallest (from 0) of n > k numbers. Reorders: what stands before k is no larger, what
 * stands after it no smaller. */
double tide_robust_select(double *at, size_t n, size_t k);

/* The median, between the two middle ones when n is even; NAN when n is 0. Reorders. */
double tide_robust_median(double *at, size_t n);

/* The standard deviation of the noise of n values in order of position, from their first
 * differences, so that steps and slow trends count little: the mean of the smallest four fifths of
 * the absolute differences, scaled to be right for normal noise. 0 when four fifths of the
 * neighbours are equal: the series shows no noise. `room` is n numbers of scratch. */
double tide_robust_noise(const double *x, size_t n, double *room);

/* The least noise of values that come in quanta: that of the smallest difference between neighbours
 * if it came as often as all differences, but for one, come; 0 where but one neighbour differs. */
double tide_robust_flicker(const double *x, size_t n);

#endif
