/* pythons_test.c - discovery on this very machine, and what it says of interpreters that misbehave.
 *
 * The misbehaving ones are scripts: for discovery an interpreter is a file that answers a question,
 * and these answer as broken, foreign, old or half-installed ones do. */
#include "base/testing.h"

#include "build/probe.h"
#include "build/pythons.h"

#include <stdatomic.h>
#include <time.h>

static struct tide_pythons machine; /* as found once, with the test's own environment untouched */

static int discover_machine(void **state)
{
    struct tide_error e = {0};
    if (make_test_folder(state)) return -1;
    if (!tide_pythons_discover(NULL, NULL, &machine, &e)) return 0;
    fprintf(stderr, "%s\n", e.text);
    return -1;
}

static int forget_machine(void **state)
{
    tide_pythons_free(&machine);
    return remove_test_folder(state);
}

static const struct tide_python *first_usable(void)
{
    for (size_t i = 0; i < machine.n; i++)
        if (!machine.at[i].reason) return &machine.at[i];
    fail_msg("no usable CPython on this machine: `make deps` installs one");
    return NULL;
}

static const struct tide_python *find_program(const struct tide_pythons *p, const char *part)
{
    for (size_t i = 0; i < p->n; i++)
        if (strstr(p->at[i].program, part)) return &p->at[i];
    return NULL;
}

/* A file that answers with this JSON. */
static void write_fake(const char *name, const char *version, const char *more)
{
    char *path = tide_format("%s/bin/python3", name);
    char *prefix = in_folder(name);
    char *script = tide_format(
        "#!/bin/sh\ncat <<'END'\n"
        "{\"version\": \"%s\", \"prefix\": \"%s\", \"program\": \"%s/bin/python3\", %s}\nEND\n",
        version, prefix, prefix, more);
    write_file(path, script, 0755);
    free(path);
    free(prefix);
    free(script);
}

#define FACTS(implementation, marks, include, library)                         \
    "\"implementation\": \"" implementation "\", \"marks\": \"" marks          \
    "\", \"abi\": \"cpython-99\", "                                            \
    "\"virtual\": false, \"base\": \"\", \"build\": \"now\", \"link\": \"\", " \
    "\"include\": \"" include "\", \"libpython\": \"" library "\""
#define WHOLE FACTS("cpython", "", "/include", "/lib/libpython.so")

/* Discover with these configured, by names in the test's folder. */
static void discover(const char *const *names, struct tide_pythons *out)
{
    struct tide_python_entry configured[8] = {0};
    struct tide_python_search search = {.entries = configured};
    struct tide_error e = {0};
    for (; names[search.n]; search.n++)
        configured[search.n].path = in_folder(names[search.n]);
    assert_rc(tide_pythons_discover(&search, NULL, out, &e), TIDE_OK, &e);
    while (search.n--)
        free((char *)configured[search.n].path);
}

/* The reason that discovery gives for this one, in new memory. */
static char *find_reason(const char *name)
{
    struct tide_pythons found;
    discover((const char *const[]){name, NULL}, &found);
    const struct tide_python *p = find_program(&found, name);
    char *source = p ? strdup(p->source) : NULL;
    char *reason = p && p->reason ? strdup(p->reason) : NULL;
    assert_non_null(source);
    assert_string_equal(source, "configuration");
    free(source);
    tide_pythons_free(&found);
    return reason;
}

static void expect_reason(const char *name, const char *part)
{
    char *reason = find_reason(name);
    assert_contains(reason, part);
    free(reason);
}

static void lists_the_machine(void **state)
{
    (void)state;
    (void)first_usable();
    for (size_t i = 0; i < machine.n; i++) {
        const struct tide_python *p = &machine.at[i];
        printf("# %-10s %-28s %s\n", p->name, p->prefix, p->reason ? p->reason : "usable");
        assert_null(strstr(p->program, "/shims/"));
        assert_int_equal(strlen(p->identity), TIDE_HASH_TEXT - 1);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(p->name, machine.at[j].name);
            assert_string_not_equal(p->identity, machine.at[j].identity);
            assert_true(tide_probe_version_number(machine.at[j].version) >=
                        tide_probe_version_number(p->version));
        }
        if (p->reason) continue;
        assert_true(tide_probe_version_number(p->version) >= tide_probe_version_number("3.8"));
        char *header = tide_format("%s/Python.h", p->include);
        assert_true(tide_file_exists(header));
        assert_true(tide_file_exists(p->libpython));
        assert_true(tide_file_exists(p->program));
        free(header);
    }
}

static void lists_the_same_twice(void **state)
{
    (void)state;
    struct tide_pythons again;
    discover((const char *const[]){NULL}, &again);
    assert_int_equal(again.n, machine.n);
    for (size_t i = 0; i < again.n; i++) {
        assert_string_equal(again.at[i].name, machine.at[i].name);
        assert_string_equal(again.at[i].identity, machine.at[i].identity);
        assert_string_equal(again.at[i].source, machine.at[i].source);
    }
    tide_pythons_free(&again);
}

static void says_why_one_cannot_be_used(void **state)
{
    (void)state;
    write_file("rubbish/bin/python3", "#!/bin/sh\necho hello\n", 0755);
    write_file("half/bin/python3", "#!/bin/sh\necho '{\"version\": \"3.12.1\"}'\n", 0755);
    write_file("exits/bin/python3", "#!/bin/sh\necho first >&2\necho no libfoo.so >&2\nexit 1\n",
               0755);
    write_file("floods/bin/python3", "#!/bin/sh\nyes 2>/dev/null | head -c 4000000 >&2\nexit 3\n",
               0755);
    write_file("talks/bin/python3", "#!/bin/sh\nexec yes\n", 0755);
    write_file("text/bin/python3", "not a program\n", 0644);
    write_fake("old", "3.7.16", WHOLE);
    write_fake("pypy", "3.10.14", FACTS("pypy", "", "/include", "/lib/libpypy.so"));
    write_fake("headless", "3.12.1", FACTS("cpython", "", "", "/lib/libpython.so"));
    write_fake("bookless", "3.12.1", FACTS("cpython", "", "/include", ""));
    expect_reason("rubbish", "does not answer as a Python does");
    expect_reason("half", "does not answer as a Python does");
    expect_reason("exits", "it does not start: no libfoo.so");
    expect_reason("floods", "it does not start: y");
    expect_reason("talks", "more output than allowed");
    expect_reason("text/bin/python3", "it does not start");
    expect_reason("nowhere/bin/python3", "there is no file");
    expect_reason("old", "CPython 3.7.16 is older than 3.8, the oldest that Tidemark runs");
    expect_reason("pypy", "pypy 3.10.14 is not CPython");
    expect_reason("headless", "no Python.h");
    expect_reason("bookless", "no libpython");
}

static void gives_up_on_one_that_hangs(void **state)
{
    (void)state;
    write_file("hangs/bin/python3", "#!/bin/sh\nsleep 100\n", 0755);
    time_t before = time(NULL);
    expect_reason("hangs", "passed its deadline of 10 s");
    assert_in_range(time(NULL) - before, 9, 20);
}

static void advises_by_installation(void **state)
{
    (void)state;
    struct tide_pythons found;
    char *root = in_folder("pyenv");
    char *kept = keep_variable("PYENV_ROOT");
    write_fake("pyenv/versions/3.12.9", "3.12.9", FACTS("cpython", "", "/include", ""));
    write_fake("share/uv/python/cpython-3.12.9", "3.12.8", FACTS("cpython", "", "", ""));
    setenv("PYENV_ROOT", root, 1);
    discover((const char *const[]){"share/uv/python/cpython-3.12.9", NULL}, &found);
    const struct tide_python *pyenv = find_program(&found, "pyenv/versions/3.12.9");
    const struct tide_python *uv = find_program(&found, "uv/python");
    assert_string_equal(pyenv->source, "pyenv");
    assert_contains(pyenv->reason, "pyenv install --force 3.12.9");
    assert_string_equal(uv->source, "uv");
    assert_contains(uv->reason, "uv python install --reinstall 3.12.8");
    tide_pythons_free(&found);
    restore_variable("PYENV_ROOT", kept);
    free(root);
}

/* A wrapper leads to a Python that is listed already. Of an environment the base does, and it is
 * listed besides, once for all its links. */
static void drops_doubles(void **state)
{
    (void)state;
    const struct tide_python *real = first_usable();
    struct tide_pythons found;
    char *wrapper = tide_format("#!/bin/sh\necho welcome\nexec %s \"$@\"\n", real->program);
    char *make = tide_format("%s -m venv --without-pip environment &&"
                             " %s -m venv --without-pip --copies copied",
                             real->program, real->program);
    write_file("wrapped/bin/python3", wrapper, 0755);
    run_shell(make);
    discover((const char *const[]){"wrapped", "environment", "environment/bin/python",
                                   "copied/bin/python3", NULL},
             &found);
    assert_int_equal(found.n, machine.n + 2);
    size_t bases = 0;
    for (size_t i = 0; i < found.n; i++) {
        bool is_environment = strstr(found.at[i].program, test_folder) != NULL;
        assert_int_equal(!strcmp(found.at[i].source, "venv"), is_environment);
        bases += !is_environment;
        assert_null(is_environment ? found.at[i].reason : NULL);
    }
    assert_int_equal(bases, machine.n);
    tide_pythons_free(&found);
    free(wrapper);
    free(make);
}

static void ignores_shims_that_lead_nowhere(void **state)
{
    (void)state;
    struct tide_pythons found;
    char *kept = keep_variable("PATH");
    char *path = tide_format("%s/tool/shims:relative:/nonexistent:%s", test_folder, kept);
    write_file("tool/shims/python3.12", "#!/bin/sh\necho no version is set >&2\nexit 126\n", 0755);
    write_file("tool/shims/python3-config", "#!/bin/sh\n", 0755);
    setenv("PATH", path, 1);
    discover((const char *const[]){NULL}, &found);
    assert_int_equal(found.n, machine.n);
    tide_pythons_free(&found);
    restore_variable("PATH", kept);
    free(path);
}

static void finds_conda_and_its_environments(void **state)
{
    (void)state;
    struct tide_pythons found;
    char *prefix = in_folder("conda");
    char *kept = keep_variable("CONDA_PREFIX");
    write_fake("conda", "3.99.3", WHOLE);
    write_fake("conda/envs/science", "3.99.2", WHOLE);
    run_shell("mkdir conda/conda-meta conda/envs/science/conda-meta");
    setenv("CONDA_PREFIX", prefix, 1);
    discover((const char *const[]){NULL}, &found);
    assert_int_equal(found.n, machine.n + 2);
    assert_string_equal(found.at[0].source, "conda");
    assert_string_equal(found.at[1].name, "3.99.2");
    tide_pythons_free(&found);
    restore_variable("CONDA_PREFIX", kept);
    free(prefix);
}

/* Of installations with one version the better source keeps the plain name; builds are told apart
 * by marks. */
static void names_and_orders(void **state)
{
    (void)state;
    static const char *const names[] = {"3.99.1rc2", "3.99.1t", "3.99.1d", "b", "a", "9.9.9", NULL};
    static const char *const wanted[] = {"9.9.9",   "3.99.1",  "3.99.1@configuration",
                                         "3.99.1d", "3.99.1t", "3.99.1rc2"};
    struct tide_pythons found;
    write_fake("a", "3.99.1", WHOLE);
    write_fake("b", "3.99.1", WHOLE);
    write_fake("3.99.1t", "3.99.1", FACTS("cpython", "t", "/include", "/lib/libpython.so"));
    write_fake("3.99.1d", "3.99.1", FACTS("cpython", "d", "/include", "/lib/libpython.so"));
    write_fake("3.99.1rc2", "3.99.1rc2", WHOLE);
    write_fake("9.9.9", "9.9.9", FACTS("cpython", "", "", ""));
    discover(names, &found);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        assert_string_equal(found.at[i].name, wanted[i]);
    assert_contains(found.at[1].program, "/a/bin/python3");

    struct tide_error e = {0};
    assert_ptr_equal(tide_pythons_find(&found, "3.99", &e), &found.at[1]);
    assert_ptr_equal(tide_pythons_find(&found, "3.99.1", &e), &found.at[1]);
    assert_ptr_equal(tide_pythons_find(&found, "3.99.1@configuration", &e), &found.at[2]);
    assert_ptr_equal(tide_pythons_find(&found, found.at[2].program, &e), &found.at[2]);
    assert_ptr_equal(tide_pythons_find(&found, "3.99d", &e), &found.at[3]);
    assert_ptr_equal(tide_pythons_find(&found, "3.99.1rc2", &e), &found.at[5]);
    assert_null(tide_pythons_find(&found, "9.9", &e));
    assert_int_equal(e.rc, TIDE_INVALID);
    assert_string_equal(e.field, "pythons");
    assert_contains(e.text, "no usable Python matches \"9.9\": no Python.h");
    assert_null(tide_pythons_find(&found, "3.99t", &e));
    assert_contains(e.text, "is free-threaded");
    tide_pythons_free(&found);
}

static void says_which_are_usable(void **state)
{
    (void)state;
    static const char *const unknown[] = {"", "3", "3.", "3.9999", "3.12.1.", "%s", "latest"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        struct tide_error e = {0};
        assert_null(tide_pythons_find(&machine, unknown[i], &e));
        assert_int_equal(e.rc, TIDE_INVALID);
        assert_contains(e.text, first_usable()->name);
    }
    assert_null(tide_pythons_find(&(struct tide_pythons){0}, "3.12", NULL));
}

static void notices_a_rebuilt_python(void **state)
{
    (void)state;
    struct tide_pythons before, after;
    write_fake("changes", "3.99.7", WHOLE);
    discover((const char *const[]){"changes", NULL}, &before);
    run_shell("echo >> changes/bin/python3");
    discover((const char *const[]){"changes", NULL}, &after);
    assert_string_equal(before.at[0].name, after.at[0].name);
    assert_string_not_equal(before.at[0].identity, after.at[0].identity);
    tide_pythons_free(&before);
    tide_pythons_free(&after);
}

static void stops(void **state)
{
    (void)state;
    atomic_bool stop = true;
    struct tide_pythons found;
    struct tide_error e = {0};
    assert_rc(tide_pythons_discover(NULL, &stop, &found, &e), TIDE_STOPPED, &e);
    assert_null(found.at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_the_machine),
        cmocka_unit_test(lists_the_same_twice),
        cmocka_unit_test(says_why_one_cannot_be_used),
        cmocka_unit_test(gives_up_on_one_that_hangs),
        cmocka_unit_test(advises_by_installation),
        cmocka_unit_test(drops_doubles),
        cmocka_unit_test(ignores_shims_that_lead_nowhere),
        cmocka_unit_test(finds_conda_and_its_environments),
        cmocka_unit_test(names_and_orders),
        cmocka_unit_test(says_which_are_usable),
        cmocka_unit_test(notices_a_rebuilt_python),
        cmocka_unit_test(stops),
    };
    return cmocka_run_group_tests(tests, discover_machine, forget_machine);
}
