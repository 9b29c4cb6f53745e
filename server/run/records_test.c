/* records_test.c - totals, proportions, children, lines and collections: from the stream to what
 * REST tells. */
#include "run/testing.h"

#include "run/series.h"

static struct tide_str answer;

static void ingest_all(void)
{
    bool done;
    struct tide_outcome outcome;
    struct tide_ingest *in = tide_ingest_new(store, feed, run, batch);
    assert_non_null(in);
    EXPECT_OK(tide_ingest_feed(in, stream.at, stream.length, &error));
    EXPECT_OK(tide_ingest_finish(in, &outcome, &error));
    EXPECT_OK(tide_store_end_run(store, run, &outcome, &done, &error));
    tide_ingest_free(in);
}

static void put_child(uint64_t t_ns, uint32_t pid, uint64_t pages)
{
    put(&(struct tide_record){
        .kind = TIDE_CHILD, .t_ns = ORIGIN + t_ns, .thread = pid, .rss = pages * 4096});
}

static void put_run_with_all_kinds(void)
{
    put_opening();
    put_sample(10, 50);
    put_child(15, 100, 7);
    put_mark(20, MARK_BASE, 0, 100, 110);
    put(&(struct tide_record){.kind = TIDE_SMAPS,
                              .t_ns = ORIGIN + 21,
                              .name = MARK_BASE,
                              .pss = 4096,
                              .uss = 8192,
                              .swap = 12288});
    put_event(TIDE_CALL, 30, PYTHON_F, 101);
    put_child(31, 200, 5);
    put_event(TIDE_LINE, 32, PYTHON_F, 102);
    put(&(struct tide_record){.kind = TIDE_GC,
                              .t_ns = ORIGIN + 33,
                              .thread = 7,
                              .rss = UINT64_C(102) * 4096,
                              .generation = 2,
                              .value = -1});
    put_child(34, 100, 0);
    put_event(TIDE_RETURN, 40, PYTHON_F, 102);
    put_mark(130, MARK_END, 0, 120, 0);
    put(&(struct tide_record){
        .kind = TIDE_TOTAL, .t_ns = ORIGIN + 140, .name = PYTHON_F, .calls = 1, .gained = 4096});
    put(&(struct tide_record){.kind = TIDE_TOTAL,
                              .t_ns = ORIGIN + 140,
                              .name = C_SORT,
                              .gained = 8192,
                              .released = 4096,
                              .peak = 1u << 20});
    put_ending();
    ingest_all();
}

static void test_functions_have_their_totals(void **state)
{
    (void)state;
    put_run_with_all_kinds();
    EXPECT_OK(tide_store_functions_json(store, run, &answer, &error));
    json_t *told = parsed(&answer), *list = field(told, "functions");
    assert_int_equal(json_array_size(list), 2);
    const json_t *first = json_array_get(list, 0), *second = json_array_get(list, 1);
    assert_string_equal(text_of(first, "name"), "tideconv.sort");
    assert_string_equal(text_of(first, "kind"), "c");
    assert_int_equal(number_of(first, "gained"), 8192);
    assert_int_equal(number_of(first, "released"), 4096);
    assert_int_equal(number_of(first, "peak"), 1 << 20);
    assert_true(json_is_null(field(first, "calls")));
    assert_int_equal(number_of(second, "calls"), 1);
    assert_true(json_is_null(field(second, "peak")));
    json_decref(told);
    assert_rc(tide_store_functions_json(store, run + 1, &answer, &error), TIDE_ABSENT, &error);
}

static void test_phases_have_their_proportions(void **state)
{
    (void)state;
    put_run_with_all_kinds();
    EXPECT_OK(tide_store_run_json(store, run, true, &answer, &error));
    json_t *told = parsed(&answer), *phases = field(told, "phases");
    assert_int_equal(number_of(json_array_get(phases, 0), "pss"), 4096);
    assert_int_equal(number_of(json_array_get(phases, 0), "uss"), 8192);
    assert_int_equal(number_of(json_array_get(phases, 0), "swap"), 12288);
    assert_true(json_is_null(field(json_array_get(phases, 1), "pss")));
    assert_true(json_is_false(field(told, "imported")));
    assert_int_equal(number_of(told, "tide_mark"), 120 * 4096);
    assert_int_equal(number_of(told, "events"), 6);
    json_decref(told);
}

static void test_children_are_a_curve_of_their_own(void **state)
{
    (void)state;
    struct tide_points points;
    uint64_t *sums = NULL;
    put_run_with_all_kinds();
    EXPECT_OK(
        tide_series_curve(store, run, (struct tide_window){0, INT64_MAX}, 100, &points, &error));
    EXPECT_OK(tide_series_children(store, run, points.at, points.n, &sums, &error));
    const uint64_t pages[] = {0, 7, 7, 12, 12, 5, 5};
    assert_int_equal(points.n, 7);
    for (size_t i = 0; i < points.n; i++) {
        assert_int_equal(sums[i], pages[i] * 4096);
        assert_true(points.at[i].rss >= UINT64_C(50) * 4096);
    }
    free(sums);
    tide_points_free(&points);
}

static void test_lines_and_collections_are_events(void **state)
{
    (void)state;
    const struct tide_event_filter filter = {
        .window = {0, INT64_MAX}, .limit = 10, .kinds = 1u << TIDE_LINE | 1u << TIDE_GC};
    put_run_with_all_kinds();
    EXPECT_OK(tide_series_events(store, run, &filter, &answer, &error));
    json_t *told = parsed(&answer), *events = field(told, "events");
    assert_int_equal(json_array_size(events), 2);
    assert_string_equal(text_of(json_array_get(events, 0), "kind"), "LINE");
    assert_string_equal(text_of(json_array_get(events, 0), "function"), "f");
    assert_string_equal(text_of(json_array_get(events, 1), "kind"), "GC");
    json_decref(told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_functions_have_their_totals, open_run, close_run),
        cmocka_unit_test_setup_teardown(test_phases_have_their_proportions, open_run, close_run),
        cmocka_unit_test_setup_teardown(test_children_are_a_curve_of_their_own, open_run,
                                        close_run),
        cmocka_unit_test_setup_teardown(test_lines_and_collections_are_events, open_run, close_run),
    };
    return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
