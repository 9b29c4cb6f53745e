/* lists_test.c - every order of a list visits every row once, whatever the page size and whatever
 * comes meanwhile; sorts and cursors that are none are refused by name. */
#include "store/lists.h"
#include "store/testing.h"

static json_t *read_page(const struct tide_page *page)
{
    struct tide_run_filter f = {.page = *page};
    struct tide_str text = {0};
    EXPECT_OK(tide_store_runs_json(store, &f, &text, &error));
    return parsed(&text);
}

/* Walk the list; how many rows there were, and that `order` holds from each to the next. */
static size_t walk(const char *sort, int limit, bool (*order)(const json_t *, const json_t *))
{
    char cursor[256];
    struct tide_page page = {.sort = sort, .limit = limit};
    json_t *before = NULL, *row;
    size_t seen = 0, i;
    do {
        json_t *list = read_page(&page);
        json_array_foreach(field(list, "runs"), i, row)
        {
            if (before) assert_true(order(before, row));
            json_decref(before);
            before = json_incref(row);
            seen++;
        }
        const char *next = json_string_value(field(list, "next"));
        snprintf(cursor, sizeof cursor, "%s", next ? next : "");
        page.cursor = next ? cursor : NULL;
        json_decref(list);
    } while (page.cursor);
    json_decref(before);
    return seen;
}

static bool by_scenario(const json_t *a, const json_t *b)
{
    int way = strcmp(text_of(a, "scenario"), text_of(b, "scenario"));
    return way < 0 || (way == 0 && number_of(a, "id") < number_of(b, "id"));
}

static bool by_scenario_down(const json_t *a, const json_t *b)
{
    return by_scenario(b, a);
}

/* None has a tide mark: every row ties, and the id decides. */
static bool by_id(const json_t *a, const json_t *b)
{
    return number_of(a, "id") < number_of(b, "id");
}

static void test_every_order_visits_every_row_once(void **state)
{
    (void)state;
    queue_all();
    for (int limit = 1; limit <= 25; limit++) {
        assert_int_equal(walk("scenario", limit, by_scenario), 24);
        assert_int_equal(walk("-scenario", limit, by_scenario_down), 24);
        assert_int_equal(walk("tide_mark", limit, by_id), 24);
        assert_int_equal(walk("id", limit, by_id), 24);
    }
}

static void test_a_list_without_limit_is_whole(void **state)
{
    (void)state;
    queue_all();
    assert_int_equal(walk("id", 0, by_id), 24);
}

static void refused(const char *sort, const char *cursor, const char *field, const char *words)
{
    struct tide_run_filter f = {.page = {.sort = sort, .cursor = cursor, .limit = 5}};
    struct tide_str text = {0};
    assert_int_equal(tide_store_runs_json(store, &f, &text, &error), TIDE_INVALID);
    assert_string_equal(error.field, field);
    assert_non_null(strstr(error.text, words));
    assert_int_equal(text.length, 0);
    tide_str_free(&text);
}

static void test_what_is_no_sort_or_cursor_is_refused(void **state)
{
    (void)state;
    queue_all();
    refused("", NULL, "sort", "allowed are id");
    refused("-", NULL, "sort", "scenario");
    refused("scenario; DROP TABLE runs", NULL, "sort", "allowed are id");
    refused("--id", NULL, "sort", "allowed are id");
    static const char *const by_id_only[] = {
        "", "0", "-1", "x", "5x", "5.", "5.scenario.t61", "99999999999999999999", "1 OR 1"};
    for (size_t i = 0; i < sizeof by_id_only / sizeof *by_id_only; i++)
        refused(NULL, by_id_only[i], "cursor", "next");
    static const char *const by_scenario_only[] = {"5",
                                                   "5.tide_mark.i3",
                                                   "5.scenario.",
                                                   "5.scenario.t6",
                                                   "5.scenario.tzz",
                                                   "5.scenario.t6100",
                                                   "5.scenario.i",
                                                   "5.scenario.i1x",
                                                   "5.scenario.b61"};
    for (size_t i = 0; i < sizeof by_scenario_only / sizeof *by_scenario_only; i++)
        refused("scenario", by_scenario_only[i], "cursor", "next");
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_every_order_visits_every_row_once),
        STORE_TEST(test_a_list_without_limit_is_whole),
        STORE_TEST(test_what_is_no_sort_or_cursor_is_refused),
    };
    return cmocka_run_group_tests_name("lists", tests, make_test_folder, remove_test_folder);
}
