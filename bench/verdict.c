/* verdict.c - how often the verdict on two samples is wrong, and how often it finds what is there.
 *
 *     bench-verdict [--trials N] [--seed S] [--json FILE]
 *
 * Prints a table for each question, a row a kind of noise and a column a number of samples a side,
 * and writes the same numbers as JSON: name, value, unit, goal, met. Samples are made up, by
 * splitmix64 (Steele, Lea and Flood, OOPSLA 2014) and the method of Box and Muller; trial i is made
 * from seed S + i, S = 1 being the committed one. */
#include "random.h"

#include "stats/leak.h"
#include "stats/verdict.h"

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIB   1024.0
#define MIB   (1024 * KIB)
#define PAGE  4096.0
#define LEVEL (64 * MIB)
#define MOST  10
#define POOL  200 /* A/A differences, where they are known */
#define MARKS 257

/* ---- one sample, in whole pages ---- */

static double none(void)
{
    return LEVEL;
}

static double bell(void)
{
    return LEVEL + PAGE * round(10 * normal());
}

static double flicker(void) /* 132 KiB more in one run of five: an arena that is taken or not */
{
    return LEVEL + (uniform() < 0.2 ? 132 * KIB : 0);
}

static double coin(void) /* the same in every other run */
{
    return LEVEL + (uniform() < 0.5 ? 132 * KIB : 0);
}

static double spikes(void) /* one run of fifty is off by far */
{
    return LEVEL + PAGE * round(2 * normal()) + (uniform() < 0.02 ? 8 * MIB : 0);
}

static const struct noise {
    const char *name;
    double (*draw)(void);
    double deviation;
} noises[] = {
    {"no noise", none, 0},
    {"normal noise of 10 pages", bell, 10 * PAGE},
    {"132 KiB more in 20 % of the runs", flicker, 0.4 * 132 * KIB},
    {"132 KiB more in 50 % of the runs", coin, 0.5 * 132 * KIB},
    {"8 MiB more in 2 % of the runs", spikes, 2 * PAGE},
};
#define NOISES (sizeof noises / sizeof *noises)

static const size_t sizes[] = {1, 2, 3, 4, 5, 7, 10};
#define SIZES (sizeof sizes / sizeof *sizes)

struct question {
    const char *name;
    double effect; /* bytes, and deviations of the noise */
    double deviations;
    bool (*counts)(enum tide_verdict v);
    double goal[SIZES]; /* NAN: none */
    bool known;         /* the noise of the host is */
    bool at_most;
};

static bool is_change(enum tide_verdict v)
{
    return v == TIDE_WORSE || v == TIDE_BETTER;
}

static bool is_worse(enum tide_verdict v)
{
    return v == TIDE_WORSE;
}

static bool is_same(enum tide_verdict v)
{
    return v == TIDE_SAME;
}

#define NO_GOAL                           \
    {                                     \
        NAN, NAN, NAN, NAN, NAN, NAN, NAN \
    }
#define RARE                                     \
    {                                            \
        0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05 \
    }

static const struct question questions[] = {
    {"A/A called worse or better, noise known", 0, 0, is_change, RARE, true, true},
    {"A/A called worse or better, noise not known", 0, 0, is_change, RARE, false, true},
    {"A/A called the same, noise known", 0, 0, is_same, NO_GOAL, true, false},
    {"1 MiB called worse, noise known", MIB, 0, is_worse, NO_GOAL, true, false},
    {"1 MiB called worse, noise not known", MIB, 0, is_worse, NO_GOAL, false, false},
    {"72 KiB and 5 deviations called worse, noise known", 72 * KIB, 5, is_worse, NO_GOAL, true,
     false},
};

static enum tide_verdict ask(const struct question *q, const struct noise *noise, size_t n)
{
    double base[MOST], head[MOST], aa[POOL];
    struct tide_judgement j;
    struct tide_error e;
    double effect = q->effect + ceil(q->deviations * noise->deviation / PAGE) * PAGE;
    for (size_t i = 0; i < n; i++) {
        base[i] = noise->draw();
        head[i] = noise->draw() + effect;
    }
    for (size_t i = 0; i < POOL && q->known; i++)
        aa[i] = fabs(noise->draw() - noise->draw());
    if (tide_verdict_judge((struct tide_sample){base, n}, (struct tide_sample){head, n},
                           (struct tide_sample){aa, q->known ? POOL : 0},
                           tide_floors_of("tide_mark"), "bytes", &j, &e)) {
        fprintf(stderr, "bench-verdict: %s\n", e.text);
        exit(3);
    }
    return j.verdict;
}

static void put(json_t *list, const char *name, const char *noise, size_t n, double value,
                double goal, bool at_most)
{
    char whole[160], wanted[32];
    snprintf(whole, sizeof whole, "%s: %s, %zu a side", name, noise, n);
    json_t *row = json_pack("{s:s, s:f, s:s}", "name", whole, "value", value, "unit", "pairs");
    if (!isnan(goal)) {
        snprintf(wanted, sizeof wanted, "%s %g", at_most ? "<=" : ">=", goal);
        json_object_set_new(row, "goal", json_string(wanted));
        json_object_set_new(row, "met", json_boolean(at_most ? value <= goal : value >= goal));
    }
    json_array_append_new(list, row);
}

static void answer(const struct question *q, unsigned trials, uint64_t seed, json_t *list)
{
    printf("\n%-44s", q->name);
    for (size_t s = 0; s < SIZES; s++)
        printf(" %7zu", sizes[s]);
    puts("");
    for (size_t k = 0; k < NOISES; k++) {
        printf("  %-42s", noises[k].name);
        for (size_t s = 0; s < SIZES; s++) {
            unsigned hits = 0;
            for (unsigned i = 0; i < trials; i++) {
                state = (seed + i) * UINT64_C(0x2545f4914f6cdd1d);
                hits += q->counts(ask(q, &noises[k], sizes[s]));
            }
            double rate = (double)hits / trials;
            bool met = isnan(q->goal[s]) || (q->at_most ? rate <= q->goal[s] : rate >= q->goal[s]);
            put(list, q->name, noises[k].name, sizes[s], rate, q->goal[s], q->at_most);
            printf(" %6.4f%s", rate, met ? " " : "!");
        }
        puts("");
    }
}

/* ---- leaks ---- */

static const struct leak_case {
    const char *name;
    double iterations, leak; /* bytes of each */
    double warm_up, jitter;  /* pages that come in the first twentieth; pages of noise, at most */
    double steps;            /* steps of 64 pages, anywhere */
    enum tide_leak_verdict right;
} leak_cases[] = {
    {"leak of 1 byte, 100,000 iterations", 1e5, 1, 200, 0, 0, TIDE_LEAK_FOUND},
    {"leak of 1 byte, noise of 2 pages", 1e5, 1, 200, 2, 0, TIDE_LEAK_FOUND},
    {"leak of 8 bytes, noise of 4 pages", 1e5, 8, 200, 4, 0, TIDE_LEAK_FOUND},
    {"leak of 64 bytes, noise of 40 pages", 1e5, 64, 200, 40, 0, TIDE_LEAK_FOUND},
    {"leak of 1,024 bytes, noise of 40 pages", 1e5, 1024, 200, 40, 0, TIDE_LEAK_FOUND},
    {"none: warm-up, 100,000 iterations", 1e5, 0, 2000, 2, 0, TIDE_LEAK_NONE},
    {"none: 1 step, 10,000,000 iterations", 1e7, 0, 2000, 2, 1, TIDE_LEAK_NONE},
    {"none: 3 steps, 10,000,000 iterations", 1e7, 0, 2000, 2, 3, TIDE_LEAK_NONE},
};

static double fraction(const struct leak_case *c, enum tide_leak_verdict wanted, unsigned trials,
                       uint64_t seed)
{
    unsigned hits = 0;
    for (unsigned i = 0; i < trials; i++) {
        struct tide_leak_mark marks[MARKS];
        struct tide_leak leak;
        struct tide_error e;
        double steps[8] = {0};
        state = (seed + i) * UINT64_C(0x2545f4914f6cdd1d);
        for (int k = 0; k < (int)c->steps; k++)
            steps[k] = uniform();
        for (size_t m = 0; m < MARKS; m++) {
            double share = (double)m / (MARKS - 1), done = floor(share * c->iterations);
            double pages = 4000 + floor(done * c->leak / PAGE) + floor(c->jitter * uniform()) +
                           floor(c->warm_up * fmin(1, share * 20));
            for (int k = 0; k < (int)c->steps; k++)
                pages += share >= steps[k] ? 64 : 0;
            marks[m] = (struct tide_leak_mark){done, pages * PAGE};
        }
        if (tide_leak_judge(marks, MARKS, TIDE_LEAK_LEAST, &leak, &e)) exit(3);
        hits += leak.verdict == wanted;
    }
    return (double)hits / trials;
}

static void answer_leaks(unsigned trials, uint64_t seed, json_t *list)
{
    printf("\n%-44s %9s %9s\n", "leaks", "right", "wrong");
    for (size_t i = 0; i < sizeof leak_cases / sizeof *leak_cases; i++) {
        const struct leak_case *c = &leak_cases[i];
        bool leaks = c->right == TIDE_LEAK_FOUND;
        double right = fraction(c, c->right, trials, seed),
               wrong = fraction(c, leaks ? TIDE_LEAK_NONE : TIDE_LEAK_FOUND, trials, seed);
        printf("  %-42s %9.4f %9.4f\n", c->name, right, wrong);
        json_array_append_new(list, json_pack("{s:s, s:f, s:s, s:s, s:b}", "name", c->name, "value",
                                              right, "unit", "runs", "goal", ">= 0.95", "met",
                                              right >= 0.95));
    }
}

int main(int argc, char **argv)
{
    unsigned trials = 2000;
    uint64_t seed = 1;
    const char *path = NULL;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--trials")) trials = (unsigned)strtoul(argv[i + 1], NULL, 10);
        if (!strcmp(argv[i], "--seed")) seed = strtoull(argv[i + 1], NULL, 10);
        if (!strcmp(argv[i], "--json")) path = argv[i + 1];
    }
    if (argc % 2 == 0 || !trials) {
        fputs("usage: bench-verdict [--trials N] [--seed S] [--json FILE]\n", stderr);
        return 2;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
        answer(&questions[i], trials, seed, list);
    answer_leaks(trials / 4 ? trials / 4 : 1, seed, list);
    int failed = path ? json_dump_file(list, path, JSON_INDENT(2)) : 0;
    json_decref(list);
    if (failed) fprintf(stderr, "bench-verdict: cannot write %s\n", path);
    return failed ? 3 : 0;
}
