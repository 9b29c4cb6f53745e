/* verdict_test.c - when a difference is one. */
#include "base/testing.h"

#include "stats/verdict.h"

#include <math.h>

#define KIB 1024.0
#define MIB (1024 * KIB)

static struct tide_error error;

#define SAMPLE(...)                                      \
    ((struct tide_sample){(const double[]){__VA_ARGS__}, \
                          sizeof((double[]){__VA_ARGS__}) / sizeof(double)})
static const struct tide_sample unknown = {NULL, 0};
static const double silence[64];

static struct tide_sample quiet(size_t n)
{
    return (struct tide_sample){silence, n};
}

static struct tide_judgement judge(struct tide_sample base, struct tide_sample head,
                                   struct tide_sample aa)
{
    struct tide_judgement j;
    assert_rc(tide_verdict_judge(base, head, aa, tide_floors_of("tide_mark"), "bytes", &j, &error),
              TIDE_OK, &error);
    assert_true(*j.why);
    return j;
}

static void test_one_sample_a_side_needs_known_noise(void **state)
{
    (void)state;
    struct tide_judgement j = judge(SAMPLE(10 * MIB), SAMPLE(12 * MIB), unknown);
    assert_int_equal(j.verdict, TIDE_INCONCLUSIVE);
    assert_true(isnan(j.low) && isnan(j.noise));
    assert_int_equal(j.needs, 2);
    assert_true(j.effect == 2 * MIB && j.percent == 20);
    assert_int_equal(judge(SAMPLE(10 * MIB), SAMPLE(12 * MIB), quiet(19)).verdict,
                     TIDE_INCONCLUSIVE);
    j = judge(SAMPLE(10 * MIB), SAMPLE(12 * MIB), quiet(20));
    assert_int_equal(j.verdict, TIDE_WORSE);
    assert_true(j.low == 2 * MIB && j.high == 2 * MIB && j.noise == 0);
    assert_contains(j.why, "against 20 repeated ones");
    assert_int_equal(judge(SAMPLE(12 * MIB), SAMPLE(10 * MIB), quiet(20)).verdict, TIDE_BETTER);
    assert_int_equal(judge(SAMPLE(12 * MIB), SAMPLE(12 * MIB + 4096), quiet(20)).verdict,
                     TIDE_SAME);
}

static void test_noise_of_the_host_swallows_what_is_below_it(void **state)
{
    (void)state;
    double aa[40];
    for (size_t i = 0; i < 40; i++)
        aa[i] = (double)(i % 20) * 8 * KIB; /* 152 KiB at the most */
    const struct tide_sample noisy = {aa, 40};
    struct tide_judgement j = judge(SAMPLE(10 * MIB), SAMPLE(10 * MIB + 100 * KIB), noisy);
    assert_int_equal(j.verdict, TIDE_INCONCLUSIVE);
    assert_in_range(j.needs, 1, 20);
    assert_int_equal(judge(SAMPLE(10 * MIB), SAMPLE(11 * MIB), noisy).verdict, TIDE_WORSE);
}

static void test_equal_samples_are_judged_by_the_floors(void **state)
{
    (void)state;
    const struct tide_sample base = SAMPLE(10 * MIB, 10 * MIB, 10 * MIB);
    struct tide_judgement j =
        judge(base, SAMPLE(10 * MIB + 32 * KIB, 10 * MIB + 32 * KIB, 10 * MIB + 32 * KIB), unknown);
    assert_int_equal(j.verdict, TIDE_WORSE);
    assert_contains(j.why, "the 3 samples of base are equal");
    j = judge(base, SAMPLE(10 * MIB + 28 * KIB, 10 * MIB + 28 * KIB, 10 * MIB + 28 * KIB), unknown);
    assert_int_equal(j.verdict, TIDE_SAME);
    assert_int_equal(judge(base, base, unknown).verdict, TIDE_SAME);
    /* The share is the larger floor of a gibibyte. */
    const double high = 1024 * MIB;
    j = judge(SAMPLE(high, high, high), SAMPLE(high + MIB, high + MIB, high + MIB), unknown);
    assert_int_equal(j.verdict, TIDE_SAME);
    /* Two a side: two equal pairs are no proof. */
    j = judge(SAMPLE(10 * MIB, 10 * MIB), SAMPLE(11 * MIB, 11 * MIB), unknown);
    assert_int_equal(j.verdict, TIDE_INCONCLUSIVE);
    assert_int_equal(j.needs, 1);
    assert_int_equal(
        judge(SAMPLE(10 * MIB, 10 * MIB), SAMPLE(11 * MIB, 11 * MIB), quiet(4)).verdict,
        TIDE_WORSE);
}

static void test_ranks_decide_from_four_samples_on(void **state)
{
    (void)state;
    const struct tide_sample base = SAMPLE(10 * MIB, 10.1 * MIB, 10.2 * MIB, 10.3 * MIB);
    struct tide_judgement j =
        judge(base, SAMPLE(10.6 * MIB, 10.7 * MIB, 10.8 * MIB, 10.9 * MIB), unknown);
    assert_int_equal(j.verdict, TIDE_WORSE);
    assert_contains(j.why, "by the ranks of 4 and 4 samples");
    assert_true(j.low > 0.29 * MIB && j.high < 0.91 * MIB);
    j = judge(base, SAMPLE(10.25 * MIB, 10.3 * MIB, 10.4 * MIB, 10.5 * MIB), unknown);
    assert_int_equal(j.verdict, TIDE_INCONCLUSIVE);
    assert_in_range(j.needs, 1, 30);
    /* Certain, but not worth it. */
    double a[50], b[50];
    for (int i = 0; i < 50; i++) {
        a[i] = 10 * MIB + i * 128;
        b[i] = a[i] + 9 * KIB;
    }
    j = judge((struct tide_sample){a, 50}, (struct tide_sample){b, 50}, unknown);
    assert_true(j.low > 0);
    assert_int_equal(j.verdict, TIDE_SAME);
}

/* As many more samples of the same kind as it asks for, again and again, decide soon. */
static void test_needs_lead_to_a_verdict(void **state)
{
    (void)state;
    double a[1100], b[1100];
    size_t n = 4, rounds = 0;
    struct tide_judgement j;
    for (int i = 0; i < 1100; i++) {
        a[i] = 10 * MIB + (i * 7 % 13) * 32 * KIB;
        b[i] = 10 * MIB + ((i + 6) * 7 % 13) * 32 * KIB + 100 * KIB;
    }
    for (;; n += (size_t)j.needs, rounds++) {
        j = judge((struct tide_sample){a, n}, (struct tide_sample){b, n}, unknown);
        if (j.verdict != TIDE_INCONCLUSIVE) break;
        assert_in_range(j.needs, 1, 100);
    }
    assert_int_equal(j.verdict, TIDE_WORSE);
    assert_in_range(rounds, 1, 5);
    assert_in_range(n, 5, 200);
}

static void test_turning_sides_turns_the_verdict(void **state)
{
    (void)state;
    const struct tide_sample a = SAMPLE(5e6, 5.2e6, 5.1e6), b = SAMPLE(7e6, 7.2e6, 7.3e6);
    struct tide_judgement j = judge(a, b, unknown), k = judge(b, a, unknown);
    assert_int_equal(j.verdict, TIDE_WORSE);
    assert_int_equal(k.verdict, TIDE_BETTER);
    assert_true(j.effect == -k.effect && fabs(j.low + k.high) < 1e-6);
}

static void test_of_zero(void **state)
{
    (void)state;
    struct tide_judgement j = judge(SAMPLE(0, 0, 0), SAMPLE(0, 0, 0), unknown);
    assert_int_equal(j.verdict, TIDE_SAME);
    assert_true(isnan(j.percent));
    j = judge(SAMPLE(0, 0, 0), SAMPLE(MIB, MIB, MIB), unknown);
    assert_int_equal(j.verdict, TIDE_WORSE);
}

static void test_values_in_words(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *unit, *words;
    } cases[] = {
        {0, "bytes", "0 bytes"},
        {1536, "bytes", "1.50 KiB"},
        {-3 * 1048576.0, "bytes", "-3 MiB"},
        {123.4e6, "ns", "123 ms"},
        {12.34, "bytes per iteration", "12.3 bytes"},
        {3.5, "ratio", "3.50"},
        {70000, "count", "70000"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[40];
        tide_verdict_write(cases[i].value, cases[i].unit, out, sizeof out);
        assert_string_equal(out, cases[i].words);
    }
    assert_string_equal(tide_verdict_name(TIDE_WORSE), "worse");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_sample_a_side_needs_known_noise),
        cmocka_unit_test(test_noise_of_the_host_swallows_what_is_below_it),
        cmocka_unit_test(test_equal_samples_are_judged_by_the_floors),
        cmocka_unit_test(test_ranks_decide_from_four_samples_on),
        cmocka_unit_test(test_needs_lead_to_a_verdict),
        cmocka_unit_test(test_turning_sides_turns_the_verdict),
        cmocka_unit_test(test_of_zero),
        cmocka_unit_test(test_values_in_words),
    };
    return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
