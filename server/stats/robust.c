/* robust.c - see robust.h. Selection is Hoare's (Communications of the ACM 4, 1961), with the
 * median of three as pivot. */
#include "stats/robust.h"

#include <math.h>

/* The mean of the smallest four fifths of |a - b|, a and b standard normal: with q the 0.9 quantile
 * of the normal, sqrt(2) * 2 * (phi(0) - phi(q)) / 0.8. */
static const double NORMAL_TRIMMED = 0.789993;

static double middle_of(double a, double b, double c)
{
    return fmax(fmin(a, b), fmin(fmax(a, b), c));
}

/* Part at[low..high] so that nothing up to the returned index is above anything behind it; the
 * index is below `high`. */
static size_t part(double *at, size_t low, size_t high)
{
    double pivot = middle_of(at[low], at[low + (high - low) / 2], at[high]);
    size_t i = low, j = high;
    for (;; i++, j--) {
        while (at[i] < pivot)
            i++;
        while (at[j] > pivot)
            j--;
        if (i >= j) return j;
        double t = at[i];
        at[i] = at[j];
        at[j] = t;
    }
}

double tide_robust_select(double *at, size_t n, size_t k)
{
    size_t low = 0, high = n - 1;
    while (low < high) {
        size_t j = part(at, low, high);
        if (k <= j)
            high = j;
        else
            low = j + 1;
    }
    return at[k];
}

double tide_robust_median(double *at, size_t n)
{
    if (!n) return NAN;
    double upper = tide_robust_select(at, n, n / 2);
    if (n % 2) return upper;
    double lower = at[0];
    for (size_t i = 1; i < n / 2; i++)
        lower = fmax(lower, at[i]);
    return lower + (upper - lower) / 2;
}

double tide_robust_noise(const double *x, size_t n, double *room)
{
    if (n < 3) return 0;
    size_t differences = n - 1, kept = differences * 4 / 5;
    for (size_t i = 0; i < differences; i++)
        room[i] = fabs(x[i + 1] - x[i]);
    tide_robust_select(room, differences, kept);
    double sum = 0;
    for (size_t i = 0; i < kept; i++)
        sum += room[i];
    return sum / (double)kept / NORMAL_TRIMMED;
}

double tide_robust_flicker(const double *x, size_t n)
{
    double quantum = INFINITY;
    size_t changes = 0;
    for (size_t i = 1; i < n; i++) {
        if (x[i] == x[i - 1]) continue;
        quantum = fmin(quantum, fabs(x[i] - x[i - 1]));
        changes++;
    }
    return changes > 1 ? quantum * sqrt((double)(changes - 1) / (double)(n - 1) / 2) : 0;
}
