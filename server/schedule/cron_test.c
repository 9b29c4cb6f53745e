/* cron_test.c - cron expressions come when their calendar says, also where clocks change. */
#include "base/testing.h"

#include "schedule/cron.h"

#include <time.h>

static struct tide_error error;

/* "2024-03-31 01:00" as UTC. */
static int64_t utc(const char *text)
{
    struct tm parts = {0};
    assert_non_null(strptime(text, "%Y-%m-%d %H:%M", &parts));
    return timegm(&parts);
}

static struct tide_zone *zone(const char *name)
{
    struct tide_zone *z = NULL;
    assert_rc(tide_zone_open(name, &z, &error), TIDE_OK, &error);
    return z;
}

/* The next times, in UTC, of the expression in the zone. */
static void expect(const char *name, const char *text, const char *after, const char *const *times)
{
    struct tide_cron c;
    struct tide_zone *z = zone(name);
    int64_t at = utc(after);
    assert_rc(tide_cron_parse(text, &c, &error), TIDE_OK, &error);
    for (; *times; times++) {
        char shown[32];
        assert_rc(tide_cron_next(&c, z, at, &at, &error), TIDE_OK, &error);
        strftime(shown, sizeof shown, "%Y-%m-%d %H:%M", gmtime(&(time_t){at}));
        if (strcmp(shown, *times) != 0)
            fail_msg("%s in %s: %s instead of %s", text, name, shown, *times);
    }
    tide_zone_close(z);
}

#define EXPECT(zone, text, after, ...) \
    expect(zone, text, after, (const char *const[]){__VA_ARGS__, NULL})

static void test_plain_times(void **state)
{
    (void)state;
    EXPECT("UTC", "0 3 * * *", "2024-01-01 02:59", "2024-01-01 03:00", "2024-01-02 03:00");
    EXPECT("UTC", "*/20 * * * *", "2024-01-01 00:00", "2024-01-01 00:20", "2024-01-01 00:40",
           "2024-01-01 01:00");
    EXPECT("UTC", "5,10-12 8-18/5 * * *", "2024-01-01 08:10", "2024-01-01 08:11",
           "2024-01-01 08:12", "2024-01-01 13:05");
    EXPECT("UTC", "0 0 29 2 *", "2024-02-29 00:00", "2028-02-29 00:00");
    EXPECT("UTC", "0 0 29 2 *", "2096-02-29 00:00", "2104-02-29 00:00"); /* 2100 is no leap year */
    EXPECT("UTC", "59 23 31 DEC *", "2024-01-01 00:00", "2024-12-31 23:59");
    EXPECT("UTC", "@weekly", "2024-01-01 00:00", "2024-01-07 00:00");
    EXPECT("UTC", "@yearly", "2024-01-01 00:00", "2025-01-01 00:00");
    EXPECT("UTC", "@hourly", "2024-01-01 00:00", "2024-01-01 01:00");
    EXPECT("UTC", "0 12 * * mon-fri", "2024-01-05 12:00", "2024-01-08 12:00");
    EXPECT("UTC", "0 12 * * 7", "2024-01-01 00:00", "2024-01-07 12:00");
}

/* Where both day fields are restricted either is enough. */
static void test_day_of_month_or_of_week(void **state)
{
    (void)state;
    EXPECT("UTC", "0 0 13 * FRI", "2024-09-01 00:00", "2024-09-06 00:00", "2024-09-13 00:00",
           "2024-09-20 00:00", "2024-09-27 00:00", "2024-10-04 00:00", "2024-10-11 00:00",
           "2024-10-13 00:00");
    EXPECT("UTC", "0 0 */10 * FRI", "2024-09-01 00:00", "2024-10-11 00:00"); /* it begins with * */
    EXPECT("UTC", "0 0 13 * *", "2024-09-01 00:00", "2024-09-13 00:00");
}

static void test_clocks_go_forward(void **state)
{
    (void)state;
    /* Berlin, 31 March 2024: after 01:59 CET (00:59 UTC) comes 03:00 CEST. */
    EXPECT("Europe/Berlin", "30 2 * * *", "2024-03-30 00:00", "2024-03-30 01:30",
           "2024-03-31 01:00", "2024-04-01 00:30");
    EXPECT("Europe/Berlin", "0,30 2 * * *", "2024-03-30 02:00", "2024-03-31 01:00",
           "2024-04-01 00:00");
    EXPECT("Europe/Berlin", "30 * * * *", "2024-03-30 23:45", "2024-03-31 00:30",
           "2024-03-31 01:30");
    EXPECT("America/New_York", "15 2 * * *", "2024-03-09 12:00", "2024-03-10 07:00",
           "2024-03-11 06:15");
    EXPECT("America/New_York", "0 9 * * *", "2024-03-09 12:00", "2024-03-09 14:00",
           "2024-03-10 13:00");
}

static void test_clocks_go_back(void **state)
{
    (void)state;
    /* Berlin, 27 October 2024: after 02:59 CEST (00:59 UTC) comes 02:00 CET. */
    EXPECT("Europe/Berlin", "30 2 * * *", "2024-10-26 01:00", "2024-10-27 00:30",
           "2024-10-28 01:30");
    EXPECT("Europe/Berlin", "30 */1 * * *", "2024-10-26 23:45", "2024-10-27 00:30",
           "2024-10-27 01:30", "2024-10-27 02:30");
    EXPECT("America/New_York", "30 1 * * *", "2024-11-02 12:00", "2024-11-03 05:30",
           "2024-11-04 06:30");
    EXPECT("America/New_York", "*/30 * * * *", "2024-11-03 05:00", "2024-11-03 05:30",
           "2024-11-03 06:00", "2024-11-03 06:30", "2024-11-03 07:00");
}

/* Beyond the years that a file lists its footer rules; half hours and the south too. */
static void test_far_years_and_odd_zones(void **state)
{
    (void)state;
    EXPECT("Europe/Berlin", "30 2 * * *", "2060-03-27 02:00", "2060-03-28 01:00");
    EXPECT("Asia/Kolkata", "0 3 * * *", "2024-01-01 00:00", "2024-01-01 21:30");
    EXPECT("Australia/Lord_Howe", "15 2 * * *", "2024-10-05 00:00", "2024-10-05 15:30");
    EXPECT("Australia/Sydney", "30 2 * * *", "2024-10-05 00:00", "2024-10-05 16:00");
}

/* The offsets are the C library's, which reads the same files. */
static void test_offsets_are_those_of_the_c_library(void **state)
{
    (void)state;
    static const char *const names[] = {"UTC",
                                        "Europe/Berlin",
                                        "America/New_York",
                                        "Asia/Kolkata",
                                        "Australia/Lord_Howe",
                                        "America/Sao_Paulo",
                                        "Africa/Casablanca",
                                        "Europe/Dublin",
                                        "Pacific/Apia"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct tide_zone *z = zone(names[i]);
        setenv("TZ", names[i], 1);
        tzset();
        for (int64_t at = 0; at < INT64_C(5000000000); at += 86400 * 5 + 3571) {
            struct tm local;
            localtime_r(&(time_t){at}, &local);
            if (local.tm_gmtoff != tide_zone_offset(z, at))
                fail_msg("%s at %lld: %ld, not %lld", names[i], (long long)at, local.tm_gmtoff,
                         (long long)tide_zone_offset(z, at));
        }
        tide_zone_close(z);
    }
    unsetenv("TZ");
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *text, *hint;
    } cases[] = {
        {"", "five fields"},
        {"0 3 * *", "five fields"},
        {"0 3 * * * *", "after the fifth"},
        {"60 * * * *", "minute"},
        {"* 24 * * *", "hour"},
        {"* * 0 * *", "day of the month"},
        {"* * * 13 *", "month"},
        {"* * * * 8", "day of the week"},
        {"*/0 * * * *", "minute"},
        {"5/10 * * * *", "minute"},
        {"9-5 * * * *", "minute"},
        {"a * * * *", "minute"},
        {"1, * * * *", "minute"},
        {"* * * foo *", "month"},
        {"@reboot", "@daily"},
        {"1.5 * * * *", "minute"},
        {"-1 * * * *", "minute"},
        {"* * * * monday", "day of the week"},
    };
    struct tide_cron c;
    struct tide_zone *z = NULL;
    int64_t at;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(tide_cron_parse(cases[i].text, &c, &error), TIDE_INVALID);
        assert_contains(error.text, cases[i].hint);
    }
    const char *const names[] = {"", "Europe/Nowhere", "../../etc/passwd", "/etc/localtime",
                                 "Europe"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(tide_zone_open(names[i], &z, &error), TIDE_INVALID);
        assert_string_equal(error.field, "timezone");
    }
    z = zone("UTC");
    assert_rc(tide_cron_parse("0 0 31 2 *", &c, &error), TIDE_OK, &error);
    assert_int_equal(tide_cron_next(&c, z, 0, &at, &error), TIDE_ABSENT);
    tide_zone_close(z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_times),
        cmocka_unit_test(test_day_of_month_or_of_week),
        cmocka_unit_test(test_clocks_go_forward),
        cmocka_unit_test(test_clocks_go_back),
        cmocka_unit_test(test_far_years_and_odd_zones),
        cmocka_unit_test(test_offsets_are_those_of_the_c_library),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests_name("cron", tests, NULL, NULL);
}
