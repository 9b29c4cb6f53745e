/* series_test.c - what was fed is read back: the curve and the events of a run, in any window.
 *
 * A random run is kept beside the store as plain records, and every answer is compared with it. */
#include "run/testing.h"

#include "run/series.h"
#include "run/stack.h"

#define RECORDS_MAX 20000

static struct fed { /* what was fed, in order of time */
    struct tide_record record;
    struct tide_point point;
} fed[RECORDS_MAX];
static size_t n_fed, chunk_start;

static const struct tide_window whole = {INT64_MIN, INT64_MAX};
static const char *const functions[] = {
    [PYTHON_F] = "f", [C_SORT] = "tideconv.sort", [C_NEW] = "tideconv.new"};

/* Put the records of the chunk in order of time, as a reader of the store gets them. */
static void end_chunk(void)
{
    for (size_t i = chunk_start + 1; i < n_fed; i++)
        for (size_t k = i; k > chunk_start && fed[k - 1].point.t_ns > fed[k].point.t_ns; k--) {
            struct fed kept = fed[k];
            fed[k] = fed[k - 1];
            fed[k - 1] = kept;
        }
    chunk_start = n_fed;
    close_chunk();
}

static void feed_record(struct tide_record r, struct tide_stack *stack)
{
    put(&r);
    tide_stack_follow(stack, &r);
    fed[n_fed++] =
        (struct fed){r, {(int64_t)(r.t_ns - ORIGIN), r.rss, tide_stack_name_at(stack, &r)}};
}

static struct tide_record random_record(uint64_t *seed, uint64_t t_ns, uint64_t pages)
{
    struct tide_record r = {.kind = (enum tide_kind)(TIDE_SAMPLE + random_below(seed, 7)),
                            .t_ns = ORIGIN + t_ns,
                            .rss = pages * 4096};
    if (random_below(seed, 5) == 0) r.peak = (pages + random_below(seed, 9)) * 4096;
    if (r.kind == TIDE_SAMPLE) return r;
    r.thread = 7;
    r.line = (uint32_t)random_below(seed, 900);
    r.name = r.kind == TIDE_MARK ? MARK_ITERATION : PYTHON_F + (uint32_t)random_below(seed, 3);
    r.value = r.kind == TIDE_MARK ? (int64_t)random_below(seed, 100) : 0;
    return r;
}

/* A run of n records, its chunks and ticks anywhere; samples come late by a little, as from the
 * probe. */
static void feed_random_run(uint64_t seed, size_t n)
{
    struct tide_ingest *in = tide_ingest_new(store, feed, run, batch);
    struct tide_stack stack = {0};
    struct tide_outcome out;
    uint64_t t_ns = 0, pages = 1000;
    assert_non_null(in);
    n_fed = chunk_start = 0;
    put_opening();
    for (size_t i = 0; i < n; i++) {
        t_ns += 20 + random_below(&seed, random_below(&seed, 10) ? 100 : 100000);
        pages = random_below(&seed, 10) ? pages + random_below(&seed, 5)
                                        : 500 + random_below(&seed, 9000);
        feed_record(random_record(&seed, t_ns - random_below(&seed, 20), pages), &stack);
        if (random_below(&seed, 200) == 0) end_chunk();
        if (random_below(&seed, 500) == 0) {
            EXPECT_OK(tide_ingest_feed(in, stream.at, stream.length, &error));
            EXPECT_OK(tide_ingest_tick(in, &error));
            stream.length = 0;
        }
    }
    end_chunk();
    put_ending();
    EXPECT_OK(tide_ingest_feed(in, stream.at, stream.length, &error));
    EXPECT_OK(tide_ingest_finish(in, &out, &error));
    assert_int_equal(out.events + out.samples, n);
    tide_ingest_free(in);
}

static struct tide_window random_window(uint64_t *seed)
{
    int64_t a = fed[random_below(seed, n_fed)].point.t_ns;
    int64_t b = fed[random_below(seed, n_fed)].point.t_ns;
    return (struct tide_window){a < b ? a : b, a < b ? b : a};
}

static bool is_in(struct tide_window w, int64_t t_ns)
{
    return t_ns >= w.from_ns && t_ns <= w.to_ns;
}

/* ---- the curve ---- */

static void check_whole_curve(struct tide_window w)
{
    struct tide_points p;
    size_t k = 0;
    EXPECT_OK(tide_series_curve(store, run, w, RECORDS_MAX, &p, &error));
    for (size_t i = 0; i < n_fed; i++) {
        if (!is_in(w, fed[i].point.t_ns)) continue;
        assert_true(k < p.n);
        assert_int_equal(p.at[k].t_ns, fed[i].point.t_ns);
        assert_int_equal(p.at[k].rss, fed[i].point.rss);
        assert_int_equal(p.at[k].name, fed[i].point.name);
        k++;
    }
    assert_int_equal(p.n, k);
    tide_points_free(&p);
}

static void test_curve_is_what_was_fed(void **state)
{
    (void)state;
    uint64_t seed = 0xc07e;
    feed_random_run(0x1, 3000);
    check_whole_curve(whole);
    for (int i = 0; i < 30; i++)
        check_whole_curve(random_window(&seed));
    check_whole_curve((struct tide_window){-100, -1});
    check_whole_curve((struct tide_window){INT64_MAX - 1, INT64_MAX});
}

static bool was_fed(const struct tide_point *p)
{
    for (size_t i = 0; i < n_fed; i++)
        if (fed[i].point.t_ns == p->t_ns && fed[i].point.rss == p->rss &&
            fed[i].point.name == p->name)
            return true;
    return false;
}

/* Whatever the window and the limit, its lowest and its highest point are there. */
static void check_thinned_curve(struct tide_window w, size_t limit)
{
    struct tide_points p;
    uint64_t low = UINT64_MAX, high = 0, low_got = UINT64_MAX, high_got = 0;
    EXPECT_OK(tide_series_curve(store, run, w, limit, &p, &error));
    assert_true(p.n <= limit);
    for (size_t i = 0; i < n_fed; i++) {
        if (!is_in(w, fed[i].point.t_ns)) continue;
        if (fed[i].point.rss < low) low = fed[i].point.rss;
        if (fed[i].point.rss > high) high = fed[i].point.rss;
    }
    for (size_t i = 0; i < p.n; i++) {
        assert_true(is_in(w, p.at[i].t_ns));
        assert_true(i == 0 || p.at[i - 1].t_ns <= p.at[i].t_ns);
        assert_true(was_fed(&p.at[i]));
        if (p.at[i].rss < low_got) low_got = p.at[i].rss;
        if (p.at[i].rss > high_got) high_got = p.at[i].rss;
    }
    assert_int_equal(high_got, high);
    assert_int_equal(low_got, low);
    tide_points_free(&p);
}

static void test_curve_keeps_lowest_and_highest_of_any_window(void **state)
{
    (void)state;
    uint64_t seed = 0x3ea1;
    const struct tide_outcome outcome = {NO_FIGURES};
    bool done;
    feed_random_run(0x2, RECORDS_MAX);
    for (int i = 0; i < 20; i++)
        check_thinned_curve(random_window(&seed), 2 + random_below(&seed, 200));
    EXPECT_OK(tide_store_end_run(store, run, &outcome, &done, &error));
    for (size_t limit = 2; limit < 3000; limit = limit * 3 / 2 + 1)
        check_thinned_curve(whole, limit);
    for (int i = 0; i < 40; i++)
        check_thinned_curve(random_window(&seed), 2 + random_below(&seed, 200));
}

static void test_curve_of_a_run_without_points(void **state)
{
    (void)state;
    struct tide_points p;
    EXPECT_OK(tide_series_curve(store, run, whole, 100, &p, &error));
    assert_int_equal(p.n, 0);
    tide_points_free(&p);
    assert_int_equal(tide_series_curve(store, 4711, whole, 100, &p, &error), TIDE_ABSENT);
    assert_int_equal(p.n, 0);
}

/* ---- events ---- */

static json_t *read_events(struct tide_event_filter f)
{
    struct tide_str out = {0};
    EXPECT_OK(tide_series_events(store, run, &f, &out, &error));
    return parsed(&out);
}

/* Every event that the filter lets through, page after page. */
static json_t *read_pages(struct tide_event_filter f)
{
    json_t *all = json_array();
    do {
        json_t *page = read_events(f), *events = field(page, "events");
        assert_true(json_array_size(events) <= f.limit);
        assert_true(json_array_size(events) == f.limit || json_is_null(field(page, "next")));
        f.cursor = json_integer_value(field(page, "next"));
        json_array_extend(all, events);
        json_decref(page);
    } while (f.cursor);
    return all;
}

static void check_event(const json_t *event, const struct fed *is, uint64_t rss_before)
{
    const struct tide_record *r = &is->record;
    assert_int_equal(number_of(event, "index"), is - fed);
    assert_int_equal(number_of(event, "t_ns"), is->point.t_ns);
    assert_string_equal(text_of(event, "kind"), tide_kind_name(r->kind));
    assert_int_equal(number_of(event, "thread"), r->thread);
    assert_int_equal(number_of(event, "line"), r->line);
    assert_int_equal(number_of(event, "rss"), r->rss);
    assert_int_equal(number_of(event, "drss"), rss_before ? (int64_t)(r->rss - rss_before) : 0);
    if (r->peak)
        assert_int_equal(number_of(event, "peak"), r->peak);
    else
        assert_true(json_is_null(field(event, "peak")));
    if (r->kind == TIDE_SAMPLE)
        assert_true(json_is_null(field(event, "function")));
    else
        assert_string_equal(text_of(event, "function"),
                            r->kind == TIDE_MARK ? "iteration" : functions[r->name]);
}

static bool is_wanted(const struct fed *is, const struct tide_event_filter *f, uint32_t name)
{
    if (is - fed < f->from_event) return false;
    if (!is_in(f->window, is->point.t_ns)) return false;
    if (f->kinds && !(f->kinds >> is->record.kind & 1)) return false;
    return !name || (is->record.name == name && is->record.kind != TIDE_SAMPLE);
}

/* The pages under the filter hold what was fed, once and in order;
 * `name` is the id for f.function. */
static void check_events(struct tide_event_filter f, uint32_t name)
{
    json_t *all = read_pages(f);
    size_t k = 0;
    for (size_t i = 0; i < n_fed; i++) {
        if (!is_wanted(&fed[i], &f, name)) continue;
        check_event(json_array_get(all, k), &fed[i], i ? fed[i - 1].record.rss : 0);
        k++;
    }
    assert_int_equal(json_array_size(all), k);
    json_decref(all);
}

static void test_events_are_what_was_fed(void **state)
{
    (void)state;
    feed_random_run(0x3, 3000);
    check_events((struct tide_event_filter){.window = whole, .limit = 10000}, 0);
}

static void test_pages_hold_every_event_once(void **state)
{
    (void)state;
    feed_random_run(0x4, 1000);
    for (size_t limit = 1; limit <= 1001; limit = limit * 2 + 5)
        check_events((struct tide_event_filter){.window = whole, .limit = limit}, 0);
}

static void test_events_by_window_kind_and_function(void **state)
{
    (void)state;
    uint64_t seed = 0xf117;
    feed_random_run(0x5, 2000);
    for (int i = 0; i < 30; i++) {
        struct tide_event_filter f = {.window = random_window(&seed),
                                      .kinds = (unsigned)random_below(&seed, 1 << 10),
                                      .limit = 1 + random_below(&seed, 300)};
        check_events(f, 0);
        f.function = i % 2 ? "sort" : "tideconv.sort";
        check_events(f, C_SORT);
        f.function = "f";
        check_events(f, PYTHON_F);
        f.function = "tideconv";
        json_t *none = read_pages(f);
        assert_int_equal(json_array_size(none), 0);
        json_decref(none);
    }
}

static void test_events_are_entered_anywhere(void **state)
{
    (void)state;
    uint64_t seed = 0xe7e7;
    feed_random_run(0x8, 3000);
    for (int i = 0; i < 40; i++) {
        struct tide_event_filter f = {.window = i % 4 ? whole : random_window(&seed),
                                      .kinds = i % 3 ? 0 : (unsigned)random_below(&seed, 1 << 10),
                                      .from_event = (int64_t)random_below(&seed, n_fed + 2),
                                      .limit = 1 + random_below(&seed, 900)};
        check_events(f, 0);
    }
    change("DELETE FROM event_places"); /* as an earlier version left it */
    const struct tide_event_filter f = {.window = whole, .from_event = 2000, .limit = 10};
    json_t *page = read_events(f), *event = json_array_get(field(page, "events"), 0);
    assert_int_equal(number_of(event, "t_ns"), fed[2000].point.t_ns);
    assert_true(json_is_null(field(event, "index")));
    json_decref(page);
}

static void test_events_of_a_run_without_any(void **state)
{
    (void)state;
    struct tide_str out = {0};
    const struct tide_event_filter f = {.window = whole, .limit = 10};
    json_t *page = read_events(f);
    assert_int_equal(json_array_size(field(page, "events")), 0);
    json_decref(page);
    assert_int_equal(tide_series_events(store, 4711, &f, &out, &error), TIDE_ABSENT);
    tide_str_free(&out);
}

/* A cursor is a number that a client sends: any must be survived. */
static void test_cursors_from_nowhere(void **state)
{
    (void)state;
    static const int64_t cursors[] = {-1, INT64_MIN, INT64_MAX, 999999, 1 << 20, 5000000};
    feed_random_run(0x6, 300);
    for (size_t i = 0; i < sizeof cursors / sizeof *cursors; i++) {
        const struct tide_event_filter f = {.window = whole, .cursor = cursors[i], .limit = 1000};
        json_decref(read_events(f));
    }
}

/* ---- damage ---- */

static void test_a_damaged_chunk_is_told(void **state)
{
    (void)state;
    struct tide_str out = {0};
    struct tide_points p;
    const struct tide_event_filter f = {.window = whole, .limit = 10};
    const struct tide_outcome outcome = {NO_FIGURES};
    bool done;
    feed_random_run(0x7, 3000);
    EXPECT_OK(tide_store_end_run(store, run, &outcome, &done, &error));
    tide_store_close(store);
    change("UPDATE event_chunks SET payload = substr(payload, 1, 20);"
           "UPDATE curve_chunks SET data = zeroblob(9)");
    EXPECT_OK(tide_store_open(store_path, &store, &error));
    assert_int_equal(tide_series_events(store, run, &f, &out, &error), TIDE_CORRUPT);
    assert_contains(error.text, "a stored chunk is damaged");
    tide_str_free(&out);
    assert_int_equal(tide_series_curve(store, run, whole, 10000, &p, &error), TIDE_CORRUPT);
    assert_int_equal(tide_series_curve(store, run, whole, 2, &p, &error), TIDE_CORRUPT);
    assert_contains(error.text, "a stored curve is damaged");
    tide_points_free(&p);
}

#define SERIES_TEST(name) cmocka_unit_test_setup_teardown(name, open_run, close_run)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERIES_TEST(test_curve_is_what_was_fed),
        SERIES_TEST(test_curve_keeps_lowest_and_highest_of_any_window),
        SERIES_TEST(test_curve_of_a_run_without_points),
        SERIES_TEST(test_events_are_what_was_fed),
        SERIES_TEST(test_pages_hold_every_event_once),
        SERIES_TEST(test_events_by_window_kind_and_function),
        SERIES_TEST(test_events_are_entered_anywhere),
        SERIES_TEST(test_events_of_a_run_without_any),
        SERIES_TEST(test_cursors_from_nowhere),
        SERIES_TEST(test_a_damaged_chunk_is_told),
    };
    return cmocka_run_group_tests_name("series", tests, make_test_folder, remove_test_folder);
}
