/* history.c - what histories cost, on the database of bench/history_database.c.
 *
 *   bench-history DATABASE [--json FILE]
 *
 * Rows: the change points of the metric tide_mark of every series from scratch, and of all kept
 * metrics; one series anew after a run, the slowest of all; one history as GET /api/v1/series
 * answers, the median of eleven. Times are seconds of CPU of the one thread that does it, so that a
 * busy machine gives the same; waiting for the disk is not in them. Goals: docs/STATISTICS.md. */
#include "schedule/history.h"
#include "stats/changes.h"
#include "stats/series.h"
#include "store/changes.h"
#include "store/histories.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REPEATS 11

static struct tide_error error;

struct row {
    const char *name, *unit;
    double value, goal;
};

/* Of the CPU, by this thread: what other programs do beside it takes none. */
static int64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static double seconds_since(int64_t began)
{
    return (double)(cpu_ns() - began) / 1e9;
}

static void check(enum tide_rc rc)
{
    if (!rc) return;
    fprintf(stderr, "bench-history: %s\n", error.text);
    exit(1);
}

static int compare_numbers(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* The ids of all series; their number in *n. */
static int64_t *list_series(struct tide_store *s, size_t *n)
{
    int64_t *ids = NULL;
    *n = 0;
    for (int i = 0; i < 100000; i++) {
        char name[32];
        struct tide_series_row *rows;
        size_t found;
        snprintf(name, sizeof name, "made_up_%d", i);
        check(
            tide_store_series_of(s, "made-up", name, TIDE_METRIC_TIDE_MARK, &rows, &found, &error));
        if (!found) break;
        ids = realloc(ids, (*n + found) * sizeof *ids);
        if (!ids) exit(1);
        for (size_t k = 0; k < found; k++)
            ids[(*n)++] = rows[k].id;
        tide_series_rows_free(rows, found);
    }
    return ids;
}

/* Read, analyse and count, without keeping anything. */
static double analyse(struct tide_store *s, const int64_t *series, size_t n)
{
    int64_t began = cpu_ns();
    size_t all = 0;
    for (size_t i = 0; i < n; i++) {
        struct tide_series_point *points;
        struct tide_change *changes;
        size_t n_points, count;
        check(tide_store_line_points(s, series[i], TIDE_METRIC_TIDE_MARK, &points, &n_points,
                                     &error));
        double *values = calloc(n_points + 1, sizeof *values);
        if (!values) exit(1);
        for (size_t k = 0; k < n_points; k++)
            values[k] = points[k].summary.median;
        struct tide_change_options options = tide_change_defaults(values, n_points);
        check(tide_changes_find(values, n_points, &options, &changes, &count, &error));
        all += count;
        free(changes);
        free(values);
        free(points);
    }
    double seconds = seconds_since(began);
    printf("%zu change points in %zu series\n", all, n);
    return seconds;
}

/* As the daemon does after a run: all kept metrics, written and synced. *slowest of the series. */
static double refresh(struct tide_store *s, const int64_t *series, size_t n, double *slowest)
{
    int64_t began = cpu_ns();
    *slowest = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t one = cpu_ns();
        check(tide_history_refresh(s, series[i], &error));
        double seconds = seconds_since(one);
        if (seconds > *slowest) *slowest = seconds;
    }
    return seconds_since(began);
}

static double answer(struct tide_store *s, const char *scenario)
{
    double times[REPEATS];
    struct tide_series_request r = {.project = "made-up", .scenario = scenario};
    check(tide_store_metric(s, "tide_mark", &r.metric, &error));
    for (int i = 0; i < REPEATS; i++) {
        struct tide_str out = {0};
        int64_t began = cpu_ns();
        check(tide_series_history(s, &r, &out, &error));
        times[i] = seconds_since(began);
        if (!i) printf("a history is %.1f MB of JSON\n", (double)out.length / 1e6);
        tide_str_free(&out);
    }
    qsort(times, REPEATS, sizeof *times, compare_numbers);
    return times[REPEATS / 2];
}

static void print(const struct row *rows, size_t n, const char *path)
{
    FILE *json = path ? fopen(path, "we") : NULL;
    if (path && !json) {
        perror(path);
        exit(1);
    }
    if (json) fputs("[\n", json);
    for (size_t i = 0; i < n; i++) {
        bool met = rows[i].value < rows[i].goal;
        printf("%-62s %9.4f %-2s goal < %g: %s\n", rows[i].name, rows[i].value, rows[i].unit,
               rows[i].goal, met ? "met" : "missed");
        if (json)
            fprintf(json,
                    "  {\"name\": \"%s\", \"value\": %.6f, \"unit\": \"%s\", \"goal\": %g, "
                    "\"met\": %s}%s\n",
                    rows[i].name, rows[i].value, rows[i].unit, rows[i].goal, met ? "true" : "false",
                    i + 1 < n ? "," : "");
    }
    if (json) fputs("]\n", json);
    if (json) fclose(json);
}

int main(int argc, char **argv)
{
    struct tide_store *s = NULL;
    size_t n = 0;
    double slowest = 0;
    if ((argc != 2 && argc != 4) || (argc == 4 && strcmp(argv[2], "--json") != 0)) {
        fprintf(stderr, "usage: %s DATABASE [--json FILE]\n", argv[0]);
        return 2;
    }
    check(tide_store_open(argv[1], &s, &error));
    int64_t *series = list_series(s, &n);
    double scratch = analyse(s, series, n);
    double kept = refresh(s, series, n, &slowest);
    double again = refresh(s, series, n, &slowest);
    double noiseless = answer(s, "made_up_0"), noisy = answer(s, "made_up_1");
    const struct row rows[] = {
        {"change points of tide_mark of every series, from scratch", "s", scratch, 10},
        {"change points of every series and kept metric, found and kept", "s", kept, 20},
        {"the same once more: all are known", "s", again, 20},
        {"one series anew after a run, the slowest", "s", slowest, 0.05},
        {"GET /api/v1/series of a scenario without noise", "s", noiseless, 0.1},
        {"GET /api/v1/series of a noisy scenario", "s", noisy, 0.1},
    };
    print(rows, sizeof rows / sizeof *rows, argc == 4 ? argv[3] : NULL);
    free(series);
    tide_store_close(s);
    return 0;
}
