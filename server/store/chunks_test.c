/* chunks_test.c - what a run measured is appended whole and walked in order,
 * by window and level. */
#include "store/testing.h"

static int64_t run;

static int open_with_run(void **state)
{
    if (open_store(state)) return -1;
    run = claim_new_run(NULL);
    return 0;
}

/* A chunk of `count` points over [from, to]; its data says its level and number. */
static struct tide_chunk_row chunk(int level, int64_t seq, int64_t from, int64_t to, int64_t count)
{
    static char data[64][8];
    static size_t used;
    char *text = data[used++ % 64];
    snprintf(text, sizeof data[0], "%d/%lld", level, (long long)seq);
    return (struct tide_chunk_row){
        .level = level,
        .seq = seq,
        .from_ns = from,
        .to_ns = to,
        .count = count,
        .stack = level ? NULL : "[1,2]",
        .data = text,
        .size = strlen(text),
    };
}

static void append_chunks(struct tide_chunk_row *rows, size_t n)
{
    const struct tide_measured m = {.chunks = rows, .n_chunks = n, .origin_ns = 77};
    EXPECT_OK(tide_store_append(store, run, &m, &error));
}

/* What a walk met, as "level/seq level/seq ". */
static enum tide_rc note(void *context, const struct tide_chunk_row *row, struct tide_error *e)
{
    (void)e;
    tide_str_add(context, row->data, row->size);
    tide_str_put(context, " ");
    if (row->level)
        assert_null(row->stack);
    else
        assert_string_equal(row->stack, "[1,2]");
    return TIDE_OK;
}

static void expect_walk(int level, int64_t from, int64_t to, int64_t seq, const char *expected)
{
    struct tide_str met = {0};
    EXPECT_OK(tide_store_chunks(store, run, level, from, to, seq, note, &met, &error));
    assert_string_equal(met.at ? met.at : "", expected);
    tide_str_free(&met);
}

static void append_rows_of_three_levels(void)
{
    struct tide_chunk_row rows[] = {
        chunk(0, 0, 0, 9, 5),    chunk(0, 1, 10, 19, 5),   chunk(0, 2, 20, 29, 5),
        chunk(1, 0, 0, 14, 100), chunk(1, 1, 15, 29, 100), chunk(2, 0, 0, 29, 20),
    };
    append_chunks(rows, 6);
}

static void test_walk_by_window(void **state)
{
    (void)state;
    append_rows_of_three_levels();
    expect_walk(0, INT64_MIN, INT64_MAX, 0, "0/0 0/1 0/2 ");
    expect_walk(0, 9, 10, 0, "0/0 0/1 ");
    expect_walk(0, 10, 10, 0, "0/1 ");
    expect_walk(0, 30, INT64_MAX, 0, "");
    expect_walk(0, INT64_MIN, -1, 0, "");
    expect_walk(0, 0, 29, 1, "0/1 0/2 ");
    expect_walk(1, 0, 29, 0, "1/0 1/1 ");
    expect_walk(1, 15, 15, 0, "1/1 ");
    expect_walk(2, 5, 6, 0, "2/0 ");
    expect_walk(3, 0, 29, 0, "");
}

static void test_walk_is_in_order_over_appends(void **state)
{
    (void)state;
    struct tide_chunk_row later = chunk(0, 3, 30, 39, 1), earlier = chunk(0, 2, 20, 29, 1);
    append_chunks(&later, 1);
    append_chunks(&earlier, 1);
    expect_walk(0, INT64_MIN, INT64_MAX, 0, "0/2 0/3 ");
}

static enum tide_rc give_up(void *context, const struct tide_chunk_row *row, struct tide_error *e)
{
    ++*(int *)context;
    return row->seq == 1 ? tide_fail(e, TIDE_CORRUPT, "enough") : TIDE_OK;
}

static void test_walk_ends_with_the_callers_error(void **state)
{
    (void)state;
    int met = 0;
    append_rows_of_three_levels();
    assert_int_equal(tide_store_chunks(store, run, 0, 0, 29, 0, give_up, &met, &error),
                     TIDE_CORRUPT);
    assert_string_equal(error.text, "enough");
    assert_int_equal(met, 2);
    expect_walk(2, 0, 29, 0, "2/0 "); /* its connection was given back */
}

static void test_append_is_all_or_nothing(void **state)
{
    (void)state;
    struct tide_chunk_row rows[] = {chunk(0, 0, 0, 9, 1), chunk(1, 0, 0, 9, 1),
                                    chunk(0, 0, 0, 9, 1)};
    struct tide_name_row name = {.id = 1, .kind = 1, .text = "f", .file = ""};
    const struct tide_measured m = {.names = &name, .n_names = 1, .chunks = rows, .n_chunks = 3};
    assert_int_equal(tide_store_append(store, run, &m, &error), TIDE_IO);
    assert_int_equal(ask("SELECT (SELECT count(*) FROM event_chunks) + (SELECT count(*) FROM"
                         " curve_chunks) + (SELECT count(*) FROM names)"),
                     0);
    assert_int_equal(tide_store_append(store, 4711, &m, &error), TIDE_IO);
}

static void test_names_come_back_by_id(void **state)
{
    (void)state;
    struct tide_name_row rows[] = {
        {.id = 900, .kind = 2, .text = "tideconv.sort", .file = "", .line = 0},
        {.id = 3, .kind = 1, .text = "naïve \"f\"", .file = "/a b.py", .line = 4000000000u},
        {.id = 0, .kind = 3, .text = "base", .file = "", .line = 0},
    };
    const struct tide_measured m = {.names = rows, .n_names = 3};
    struct tide_name_row *names = NULL;
    size_t n = 0;
    EXPECT_OK(tide_store_append(store, run, &m, &error));
    EXPECT_OK(tide_store_names(store, run, &names, &n, &error));
    assert_int_equal(n, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(names[i].id, rows[2 - i].id);
        assert_int_equal(names[i].kind, rows[2 - i].kind);
        assert_string_equal(names[i].text, rows[2 - i].text);
        assert_string_equal(names[i].file, rows[2 - i].file);
        assert_int_equal(names[i].line, rows[2 - i].line);
    }
    tide_names_free(names, n);
    EXPECT_OK(tide_store_names(store, 4711, &names, &n, &error));
    assert_int_equal(n, 0);
    tide_names_free(names, n);
    tide_names_free(NULL, 0);
}

static void test_facts(void **state)
{
    (void)state;
    struct tide_run_facts facts;
    EXPECT_OK(tide_store_run_facts(store, run, &facts, &error));
    assert_string_equal(facts.status, "building");
    assert_int_equal(facts.origin_ns, 0);
    assert_int_equal(facts.end_ns, 0);
    append_rows_of_three_levels();
    EXPECT_OK(tide_store_run_facts(store, run, &facts, &error));
    assert_int_equal(facts.origin_ns, 77);
    assert_int_equal(facts.end_ns, 29);
    assert_int_equal(tide_store_run_facts(store, 4711, &facts, &error), TIDE_ABSENT);
    assert_string_equal(error.text, "no run 4711");
}

static void expect_level(int64_t from, int64_t to, int64_t points, int expected)
{
    int level = -1;
    EXPECT_OK(tide_store_pick_level(store, run, from, to, points, &level, &error));
    assert_int_equal(level, expected);
}

static void test_pick_level(void **state)
{
    (void)state;
    expect_level(0, 100, 10, 0); /* nothing stored yet */
    append_rows_of_three_levels();
    expect_level(0, 29, 2, 2);
    expect_level(0, 29, 20, 2);
    expect_level(0, 29, 21, 1);
    expect_level(0, 29, 200, 1);
    expect_level(0, 29, 201, 0);
    expect_level(0, 14, 20, 1); /* of level 2 about half lies in the window */
    expect_level(0, 14, 101, 0);
    expect_level(INT64_C(1) << 40, INT64_C(1) << 41, 1, 0);
    expect_level(-1000, 1000000, 20, 2);
}

/* The widest window that a request can have must not overflow the estimate. */
static void test_pick_level_in_the_widest_window(void **state)
{
    (void)state;
    append_rows_of_three_levels();
    expect_level(INT64_MIN, INT64_MAX, 20, 2);
    expect_level(0, INT64_MAX, 20, 2);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, open_with_run, close_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_walk_by_window),
        STORE_TEST(test_walk_is_in_order_over_appends),
        STORE_TEST(test_walk_ends_with_the_callers_error),
        STORE_TEST(test_append_is_all_or_nothing),
        STORE_TEST(test_names_come_back_by_id),
        STORE_TEST(test_facts),
        STORE_TEST(test_pick_level),
        STORE_TEST(test_pick_level_in_the_widest_window),
    };
    return cmocka_run_group_tests_name("chunks", tests, make_test_folder, remove_test_folder);
}
