/* hosts_test.c - hosts are told apart, and of runs that recorded less the rest is null. */
#include "store/testing.h"

#include "store/hosts.h"

/* A run that is done, with this environment. */
static void measure(const char *environment)
{
    int64_t batch = 0, run = claim_new_run(&batch);
    bool done;
    const struct tide_outcome outcome = {.environment = environment, NO_FIGURES};
    EXPECT_OK(tide_store_end_run(store, run, &outcome, &done, &error));
}

static json_t *hosts(void)
{
    struct tide_str text = {0};
    EXPECT_OK(tide_store_hosts_json(store, &text, &error));
    json_t *answer = json_loads(text.at, 0, NULL);
    json_t *list = json_incref(json_object_get(answer, "hosts"));
    json_decref(answer);
    tide_str_free(&text);
    return list;
}

static void test_cores_and_memory_are_told_where_they_were_recorded(void **state)
{
    (void)state;
    measure("{\"kernel\":\"5.4\",\"cpu\":\"an old one\",\"thp\":\"never\"}");
    measure("{\"kernel\":\"6.1\",\"cpu\":\"a new one\",\"thp\":\"never\",\"cores\":8,"
            "\"memory\":16777216000}");
    json_t *list = hosts(), *now = json_array_get(list, 0), *before = json_array_get(list, 1);
    assert_int_equal(json_array_size(list), 2);
    assert_int_equal(json_integer_value(json_object_get(now, "cores")), 8);
    assert_int_equal(json_integer_value(json_object_get(now, "memory")), 16777216000);
    assert_true(json_is_true(json_object_get(now, "current")));
    assert_true(json_is_null(json_object_get(before, "cores")));
    assert_true(json_is_null(json_object_get(before, "memory")));
    json_decref(list);
}

static void test_more_memory_is_the_same_host(void **state)
{
    (void)state;
    measure("{\"kernel\":\"6.1\",\"cpu\":\"a\",\"thp\":\"never\",\"cores\":2,\"memory\":1024}");
    measure("{\"kernel\":\"6.1\",\"cpu\":\"a\",\"thp\":\"never\",\"cores\":4,\"memory\":2048}");
    json_t *list = hosts();
    assert_int_equal(json_array_size(list), 1);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "cores")), 4);
    json_decref(list);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_cores_and_memory_are_told_where_they_were_recorded),
        STORE_TEST(test_more_memory_is_the_same_host),
    };
    return cmocka_run_group_tests_name("hosts", tests, make_test_folder, remove_test_folder);
}
