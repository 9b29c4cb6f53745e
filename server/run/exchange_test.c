/* exchange_test.c - runs to files and back, and files that are no runs. */
#include "run/testing.h"

#include "run/export.h"
#include "run/import.h"
#include "run/series.h"

static struct tide_str file, other;

static enum tide_rc gather(void *context, const void *bytes, size_t n, struct tide_error *e)
{
    tide_str_add(context, bytes, n);
    return ((struct tide_str *)context)->failed ? tide_fail(e, TIDE_NOMEM, "gather") : TIDE_OK;
}

static void ingest_good_run(void)
{
    bool done;
    struct tide_outcome outcome;
    put_good_run();
    struct tide_ingest *in = tide_ingest_new(store, feed, run, batch);
    EXPECT_OK(tide_ingest_feed(in, stream.at, stream.length, &error));
    EXPECT_OK(tide_ingest_finish(in, &outcome, &error));
    EXPECT_OK(tide_store_end_run(store, run, &outcome, &done, &error));
    tide_ingest_free(in);
}

/* `name` as a file of the run, in *out. */
static void export_as(int64_t id, const char *name, struct tide_str *out)
{
    enum tide_format format;
    tide_str_free(out);
    EXPECT_OK(tide_export_format(name, &format, &error));
    assert_non_null(strchr(tide_export_type(format), '/'));
    EXPECT_OK(tide_export(store, id, format, gather, out, &error));
}

static int64_t import_text(const char *name, const char *bytes)
{
    int64_t id = 0;
    EXPECT_OK(tide_import(store, feed, name, bytes, strlen(bytes), &id, &error));
    return id;
}

static int64_t rows(void)
{
    return ask("SELECT (SELECT count(*) FROM runs) + (SELECT count(*) FROM batches)"
               " + (SELECT count(*) FROM cells) + (SELECT count(*) FROM names)"
               " + (SELECT count(*) FROM event_chunks) + (SELECT count(*) FROM curve_chunks)"
               " + (SELECT count(*) FROM scenarios) + (SELECT count(*) FROM commits)"
               " + (SELECT count(*) FROM pythons) + (SELECT count(*) FROM projects)");
}

/* Refused as a fault of the file's, with these words, and without a row. */
static void expect_refusal(const void *bytes, size_t n, const char *words)
{
    int64_t id = 0, before = rows();
    assert_rc(tide_import(store, feed, "x", bytes, n, &id, &error), TIDE_INVALID, &error);
    assert_contains(error.text, words);
    assert_int_equal(rows(), before);
}

static json_t *run_json_of(int64_t id)
{
    struct tide_str text = {0};
    EXPECT_OK(tide_store_run_json(store, id, true, &text, &error));
    return parsed(&text);
}

static void expect_same_measurements(int64_t a, int64_t b)
{
    const struct tide_event_filter filter = {.window = {0, INT64_MAX}, .limit = 1000};
    struct tide_str x = {0}, y = {0};
    struct tide_points p, q;
    EXPECT_OK(tide_series_events(store, a, &filter, &x, &error));
    EXPECT_OK(tide_series_events(store, b, &filter, &y, &error));
    assert_string_equal(x.at, y.at);
    EXPECT_OK(tide_series_curve(store, a, (struct tide_window){0, INT64_MAX}, 1000, &p, &error));
    EXPECT_OK(tide_series_curve(store, b, (struct tide_window){0, INT64_MAX}, 1000, &q, &error));
    assert_int_equal(p.n, q.n);
    for (size_t i = 0; i < p.n; i++) {
        assert_int_equal(p.at[i].t_ns, q.at[i].t_ns);
        assert_int_equal(p.at[i].rss, q.at[i].rss);
    }
    tide_points_free(&p);
    tide_points_free(&q);
    tide_str_free(&x);
    tide_str_free(&y);
}

static void test_a_stream_comes_back_whole(void **state)
{
    (void)state;
    int64_t id = 0;
    ingest_good_run();
    export_as(run, "tide", &file);
    assert_int_equal(file.length, stream.length);
    assert_memory_equal(file.at, stream.at, file.length);
    EXPECT_OK(tide_import(store, feed, "/some/where/good.tide", file.at, file.length, &id, &error));
    expect_same_measurements(run, id);
    json_t *told = run_json_of(id);
    assert_true(json_is_true(field(told, "imported")));
    assert_string_equal(text_of(told, "status"), "done");
    assert_string_equal(text_of(told, "scenario"), "good.tide");
    assert_string_equal(text_of(told, "project"), "imported");
    assert_int_equal(number_of(told, "tide_mark"), 999 * 4096);
    json_decref(told);
    export_as(id, "tide", &other);
    assert_memory_equal(file.at, other.at, file.length);
}

static void test_the_same_file_is_the_same_cell(void **state)
{
    (void)state;
    static const char text[] = "CMDLINE x\nMEM 1.5 1700000000.25\n";
    json_t *a = run_json_of(import_text("a.dat", text)),
           *b = run_json_of(import_text("a.dat", text));
    assert_int_equal(number_of(a, "cell"), number_of(b, "cell"));
    json_decref(a);
    json_decref(b);
}

static void test_cut_and_changed_streams_are_refused(void **state)
{
    (void)state;
    uint64_t seed = 42;
    ingest_good_run();
    export_as(run, "tide", &file);
    for (size_t n = 7; n < file.length; n++)
        expect_refusal(file.at, n, "");
    for (int i = 0; i < 200; i++) {
        size_t at = 8 + random_below(&seed, file.length - 8);
        file.at[at] ^= (char)(1 + random_below(&seed, 255));
        expect_refusal(file.at, file.length, "");
        tide_str_free(&file);
        export_as(run, "tide", &file);
    }
    file.at[7] = 99;
    expect_refusal(file.at, file.length, "newer");
}

static void test_what_is_no_run_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } files[] = {
        {"", "neither"},
        {"\n\n", "neither"},
        {"hello\n", "neither"},
        {"CMDLINE x\n", "no sample"},
        {"CMDLINE x\nMEM 1.5 17", "line 2: the file was cut"},
        {"CMDLINE x\nMEM one 17.0\n", "line 2"},
        {"CMDLINE x\nMEM -1 17.0\n", "line 2"},
        {"CMDLINE x\nMEM nan 17.0\n", "line 2"},
        {"CMDLINE x\nMEM 1e300 17.0\n", "line 2"},
        {"CMDLINE x\nFUNC f 1.0 2.0 3.0\n", "line 2: FUNC"},
        {"CMDLINE x\nCHLD x 1.0 2.0\n", "line 2: CHLD"},
        {"CMDLINE x\nnoise\n", "line 2: does not begin"},
        {"# Elapsed time CPU (%) Real (MB) Virtual (MB)\n1 2\n", "line 2: a sample"},
        {"NEXT: 0 +0 0.1 CALL a.py # 1 f 100\n", "line 1: RSS"},
        {"NEXT: 0 +0 0.1 CALL a.py # 1 f -100 0\n", "line 1: RSS"},
        {"NEXT: 0 +0 0.1 WALK a.py # 1 f 100 0\n", "line 1: no such kind"},
        {"NEXT: 0 +0 0.1 CALL a.py 1 f x 100 0\n", "line 1: file"},
        {"NEXT: x +0 0.1 CALL a.py # 1 f 100 0\n", "line 1: the event"},
        {"NEXT: 0 +0 soon CALL a.py # 1 f 100 0\n", "line 1: the clock"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        expect_refusal(files[i].text, strlen(files[i].text), files[i].words);
    expect_refusal("CMDLINE x\nMEM\0 1 1\n", 19, "NUL");
}

static json_t *events_of(int64_t id)
{
    const struct tide_event_filter filter = {.window = {0, INT64_MAX}, .limit = 1000};
    struct tide_str text = {0};
    EXPECT_OK(tide_series_events(store, id, &filter, &text, &error));
    return parsed(&text);
}

static void test_a_pymemtrace_log(void **state)
{
    (void)state;
    json_t *told = events_of(import_text(
        "log",
        "      Event dEvent  Clock        What     File    #line Function     RSS         dRSS\n"
        "NEXT: 0     +0      0.066718     CALL     test.py #   9 new_str  9101312      9101312\n"
        "PREV: 4     +3      0.067285     C_CALL   a b#1.py #  10 str.join 9101312           0\n"
        "NEXT: 5     +1      0.067777     C_RETURN a b#1.py #  10 str.join 11206656      -1052672\n"
        "      6     +1      0.067800     EXCEPT   test.py #  11 new_str 11206656      0\n"
        "NEXT: 9     +3      0.068356     RETURN   test.py #  10 new_str 10153984      1052672\n"));
    json_t *list = field(told, "events"), *second = json_array_get(list, 1);
    assert_int_equal(json_array_size(list), 5);
    assert_string_equal(text_of(second, "function"), "str.join");
    assert_string_equal(text_of(second, "file"), "a b#1.py");
    assert_int_equal(number_of(second, "line"), 10);
    assert_int_equal(number_of(second, "t_ns"), 67285000);
    assert_int_equal(number_of(json_array_get(list, 2), "rss"), 11206656);
    assert_string_equal(text_of(json_array_get(list, 3), "kind"), "SAMPLE");
    json_decref(told);
}

static void test_an_mprof_file(void **state)
{
    (void)state;
    struct tide_points points;
    uint64_t *children = NULL;
    int64_t id =
        import_text("mprofile.dat", "CMDLINE python x.py\nMEM 10.5 1700000000.0\n"
                                    "CHLD 1 2.0 1700000000.4\nMEM 12.0 1700000001.0\n"
                                    "FUNC __main__.f 10.5 1700000000.2 11.0 1700000000.3 1\n");
    EXPECT_OK(
        tide_series_curve(store, id, (struct tide_window){0, INT64_MAX}, 100, &points, &error));
    assert_int_equal(points.n, 4);
    assert_int_equal(points.at[0].t_ns, 0);
    assert_int_equal(points.at[0].rss, 11010048);
    assert_int_equal(points.at[2].rss, 11 << 20);
    assert_int_equal(points.at[3].rss, 12 << 20);
    EXPECT_OK(tide_series_children(store, id, points.at, points.n, &children, &error));
    assert_int_equal(children[2], 0);
    assert_int_equal(children[3], 2 << 20);
    free(children);
    tide_points_free(&points);
    json_t *told = run_json_of(id);
    assert_string_equal(text_of(told, "status"), "done");
    assert_int_equal(number_of(told, "tide_mark"), 12 << 20);
    json_decref(told);
}

static void test_a_psrecord_log(void **state)
{
    (void)state;
    json_t *told =
        events_of(import_text("log.txt", "# Elapsed time   CPU (%)     Real (MB)   Virtual (MB)\n"
                                         "       0.000        0.000        1.500       26.070\n"
                                         "       0.500      100.000        3.000       26.070\n"));
    json_t *second = json_array_get(field(told, "events"), 1);
    assert_int_equal(number_of(second, "t_ns"), 500000000);
    assert_int_equal(number_of(second, "rss"), 3 << 20);
    json_decref(told);
}

static void test_json_and_csv(void **state)
{
    (void)state;
    ingest_good_run();
    export_as(run, "json", &file);
    json_t *told = parsed(&file), *listed = events_of(run);
    assert_true(json_equal(field(told, "events"), field(listed, "events")));
    assert_int_equal(number_of(field(told, "run"), "id"), run);
    export_as(run, "csv", &file);
    size_t lines = 0;
    for (const char *at = file.at; (at = strstr(at, "\r\n")); at += 2)
        lines++;
    assert_int_equal(lines, 1 + json_array_size(field(listed, "events")));
    assert_contains(file.at,
                    "80,C_RETURN,7,\"tideconv.sort\",\"\",4,1228800,-1638400,3686400,0\r\n");
    json_decref(told);
    json_decref(listed);
}

static void test_a_pymemtrace_log_comes_back(void **state)
{
    (void)state;
    ingest_good_run();
    export_as(run, "pymemtrace", &file);
    export_as(import_text("x.log", file.at), "pymemtrace", &other);
    /* The first change of a run counts from nothing, so only the kinds and figures must agree. */
    assert_int_equal(file.length, other.length);
    assert_contains(other.at, "C_EXCEPTION");
}

static void test_chrome_slices_nest(void **state)
{
    (void)state;
    ingest_good_run();
    export_as(run, "chrome", &file);
    json_t *told = parsed(&file), *event;
    size_t i, counters = 0;
    int depth = 0;
    json_array_foreach(field(told, "traceEvents"), i, event)
    {
        const char *phase = text_of(event, "ph");
        assert_true(json_is_real(field(event, "ts")));
        depth += *phase == 'B' ? 1 : *phase == 'E' ? -1 : 0;
        counters += *phase == 'C';
        assert_true(depth >= 0);
    }
    assert_int_equal(depth, 0);
    assert_true(counters >= 12);
    json_decref(told);
}

static void test_chrome_without_partners(void **state)
{
    (void)state;
    export_as(import_text("l", "NEXT: 0 +0 0.1 RETURN a.py # 1 never_called 100 0\n"
                               "NEXT: 1 +0 0.2 CALL a.py # 1 outer 100 0\n"
                               "NEXT: 2 +0 0.3 CALL a.py # 1 lost 100 0\n"
                               "NEXT: 3 +0 0.4 RETURN a.py # 1 outer 100 0\n"
                               "NEXT: 4 +0 0.5 CALL a.py # 1 open \"\\ 100 0\n"),
              "chrome", &file);
    json_t *told = parsed(&file), *event;
    size_t i;
    char phases[32] = "";
    json_array_foreach(field(told, "traceEvents"), i, event)
    {
        if (*text_of(event, "ph") != 'C') strncat(phases, text_of(event, "ph"), 1);
    }
    assert_string_equal(phases, "BBEEBE");
    json_decref(told);
}

static void test_nothing_to_export(void **state)
{
    (void)state;
    enum tide_format format;
    assert_rc(tide_export_format("xml", &format, &error), TIDE_INVALID, &error);
    assert_rc(tide_export_format(NULL, &format, &error), TIDE_INVALID, &error);
    assert_rc(tide_export(store, run, TIDE_AS_CSV, gather, &file, &error), TIDE_INVALID, &error);
    assert_contains(error.text, "measured nothing");
    assert_rc(tide_export(store, 99, TIDE_AS_CSV, gather, &file, &error), TIDE_ABSENT, &error);
}

static void test_an_import_that_was_interrupted_is_forgotten(void **state)
{
    (void)state;
    int64_t id = 0, its_batch = 0, before = ask("SELECT count(*) FROM runs");
    const struct tide_import_row row = {"f", "0123456789012345678901234567890123456789", "3.12",
                                        "tide"};
    EXPECT_OK(tide_store_begin_import(store, &row, &id, &its_batch, &error));
    tide_store_close(store);
    EXPECT_OK(tide_store_open(store_path, &store, &error));
    assert_int_equal(ask("SELECT count(*) FROM runs"), before);
    assert_int_equal(ask("SELECT count(*) FROM runs WHERE status = 'queued'"),
                     1); /* the measured one */
}

static void test_reading_beside_a_writer(void **state)
{
    (void)state;
    struct tide_store *reader = NULL;
    ingest_good_run();
    EXPECT_OK(tide_store_open_reader(store_path, &reader, &error));
    tide_str_free(&file);
    EXPECT_OK(tide_export(reader, run, TIDE_AS_TIDE, gather, &file, &error));
    assert_memory_equal(file.at, stream.at, stream.length);
    tide_store_close(reader);
    assert_rc(tide_store_open_reader("/nonexistent/x.db", &reader, &error), TIDE_IO, &error);
    assert_null(reader);
}

static int close_all_of_it(void **state)
{
    tide_str_free(&file);
    tide_str_free(&other);
    return close_run(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_run, close_all_of_it)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_stream_comes_back_whole),
        TEST(test_the_same_file_is_the_same_cell),
        TEST(test_cut_and_changed_streams_are_refused),
        TEST(test_what_is_no_run_is_refused),
        TEST(test_a_pymemtrace_log),
        TEST(test_an_mprof_file),
        TEST(test_a_psrecord_log),
        TEST(test_json_and_csv),
        TEST(test_a_pymemtrace_log_comes_back),
        TEST(test_chrome_slices_nest),
        TEST(test_chrome_without_partners),
        TEST(test_nothing_to_export),
        TEST(test_an_import_that_was_interrupted_is_forgotten),
        TEST(test_reading_beside_a_writer),
    };
    return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
