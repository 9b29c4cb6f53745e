/* builder_test.c - real commits built by real CMake for the CPythons of this machine, and workers
 * that embed them. */
#include "base/testing.h"

#include "build/builder.h"
#include "build/steps.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>

static struct tide_pythons machine;
static const struct tide_python *newest,
    *oldest; /* usable ones; the same where there is one only */
static struct tide_repo *repo;
static char *cache, *worktrees;

static enum tide_rc open_repository(struct tide_error *e)
{
    char *source = in_folder("source"), *mirror = in_folder("mirror");
    enum tide_rc rc = tide_repo_open(source, NULL, mirror, worktrees, NULL, &repo, e);
    if (!rc) rc = tide_repo_sync(repo, TIDE_FETCH_DEADLINE_S, e);
    free(source);
    free(mirror);
    return rc;
}

/* The tags that the repository below has. Each is what its name says. */
#define CMAKE_LISTS                                                             \
    "cmake_minimum_required(VERSION 3.25)\nproject(sample LANGUAGES C)\n"       \
    "find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)\n" \
    "Python_add_library(sample MODULE WITH_SOABI sample.c)\n"                   \
    "set_target_properties(sample PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})\n"
#define SAMPLE                                                                                  \
    "#include <Python.h>\n"                                                                     \
    "static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, \"sample\", 0, 0, 0, 0, 0, 0, " \
    "0};\n"                                                                                     \
    "PyMODINIT_FUNC PyInit_sample(void) { return PyModule_Create(&module); }\n"

static void make_repository(void)
{
    run_shell("git init -q -b main source; cd source; git commit -q --allow-empty -m nothing; "
              "git tag nothing");
    write_file("source/converters/CMakeLists.txt", CMAKE_LISTS, 0644);
    write_file("source/converters/sample.c", SAMPLE, 0644);
    run_shell("cd source; git add .; git commit -q -m good; git tag good");
    write_file("source/converters/sample.c", SAMPLE "int broken(void) { return nothing; }\n", 0644);
    run_shell("cd source; git commit -q -a -m broken; git tag broken");
    write_file("source/converters/sample.c",
               SAMPLE "int missing(void);\nint broken(void) "
                      "{ return missing(); }\n",
               0644);
    write_file("source/converters/CMakeLists.txt",
               CMAKE_LISTS "target_link_options(sample PRIVATE -Wl,--no-undefined)\n", 0644);
    run_shell("cd source; git commit -q -a -m unlinkable; git tag unlinkable");
    write_file("source/converters/CMakeLists.txt",
               CMAKE_LISTS "find_package(NoSuchThing REQUIRED)\n", 0644);
    run_shell("cd source; git commit -q -a -m needy; git tag needy");
    write_file("source/converters/CMakeLists.txt", CMAKE_LISTS "execute_process(COMMAND sleep 5)\n",
               0644);
    run_shell("cd source; git commit -q -a -m slow; git tag slow");
}

static struct tide_builder builder(const atomic_bool *stop)
{
    return (struct tide_builder){
        .cache = cache, .worker_source = TIDEMARK_SOURCE "/worker", .stop = stop};
}

static char *find_sha(const char *rev)
{
    struct tide_commit c;
    struct tide_error e = {0};
    assert_rc(tide_repo_resolve(repo, rev, &c, &e), TIDE_OK, &e);
    char *sha = strdup(c.sha);
    tide_commit_clear(&c);
    return sha;
}

static const struct tide_recipe recipe = {.kind = TIDE_RECIPE_CMAKE,
                                          .folder = (char *)"converters",
                                          .deadline_s = TIDE_RECIPE_DEADLINE_S};

static struct tide_subject subject_of(const char *sha)
{
    return (struct tide_subject){1, repo, &recipe, sha};
}

static struct tide_build planned(const char *rev, const struct tide_python *python)
{
    struct tide_builder b = builder(NULL);
    struct tide_build plan;
    struct tide_error e = {0};
    char *sha = find_sha(rev);
    const struct tide_subject subject = subject_of(sha);
    assert_rc(tide_builder_plan(&b, &subject, python, &plan, &e), TIDE_OK, &e);
    free(sha);
    return plan;
}

static enum tide_rc make(const char *rev, const struct tide_python *python, struct tide_build *plan,
                         const atomic_bool *stop, struct tide_error *e)
{
    struct tide_builder b = builder(stop);
    char *sha = find_sha(rev);
    const struct tide_subject subject = subject_of(sha);
    enum tide_rc rc = tide_builder_make(&b, &subject, python, plan, e);
    free(sha);
    return rc;
}

static char *read_log(const char *path)
{
    char *text;
    struct tide_error e = {0};
    assert_rc(tide_file_read(path, 1 << 20, &text, NULL, &e), TIDE_OK, &e);
    return text;
}

static int count_in_cache(const char *folder)
{
    char *path = tide_format("%s/%s", cache, folder);
    int n = count_entries(path);
    free(path);
    return n;
}

/* Nothing at work is left: no temporary folder, no worktree. */
static void assert_tidy(void)
{
    assert_int_equal(count_in_cache("tmp"), 0);
    assert_int_equal(count_entries(worktrees), 0);
}

static void assert_imports(const struct tide_python *python, const char *prefix)
{
    char *code = tide_format("import sys; sys.path.insert(0, %c%s%c); import sample; "
                             "print(sample.__file__)",
                             '"', prefix, '"');
    const char *const argv[] = {python->program, "-I", "-c", code, NULL};
    const struct tide_command c = {.argv = argv, .log = STDERR_FILENO};
    struct tide_str out = {0};
    struct tide_error e = {0};
    assert_rc(tide_process_run(&c, &out, &e), TIDE_OK, &e);
    assert_contains(out.at, prefix);
    tide_str_free(&out);
    free(code);
}

static void builds_and_keeps(void **state)
{
    (void)state;
    const struct tide_python *const pythons[] = {newest, oldest};
    for (size_t i = 0; i < 2; i++) {
        struct tide_error e = {0};
        struct tide_build plan = planned("good", pythons[i]);
        assert_int_equal(plan.cached, i == 1 && newest == oldest);
        assert_rc(make("good", pythons[i], &plan, NULL, &e), TIDE_OK, &e);
        assert_imports(pythons[i], plan.prefix);
        assert_int_equal(count_entries(plan.prefix), 1); /* the module alone */
        assert_int_equal(count_entries(plan.folder), 2);
        char *log = read_log(plan.log);
        assert_contains(log, "$ cmake -S source/converters -B build -DPython_EXECUTABLE=");
        assert_contains(log, "$ cmake --build build");
        assert_contains(log, plan.compiler);
        assert_tidy();

        struct tide_build again = planned("good", pythons[i]);
        assert_true(again.cached);
        assert_string_equal(again.key, plan.key);
        assert_rc(make("good", pythons[i], &again, NULL, &e), TIDE_OK, &e);
        tide_build_clear(&again);
        tide_build_clear(&plan);
        free(log);
    }
}

static void keys_differ_by_all_that_goes_in(void **state)
{
    (void)state;
    struct tide_builder b = builder(NULL);
    struct tide_build good = planned("good", newest), slow = planned("slow", newest), other;
    struct tide_error e = {0};
    struct tide_python rebuilt = *newest;
    char *sha = find_sha("good");
    assert_string_not_equal(good.key, slow.key);
    struct tide_subject subject = subject_of(sha);
    subject.project = 2;
    assert_rc(tide_builder_plan(&b, &subject, newest, &other, &e), TIDE_OK, &e);
    assert_string_not_equal(good.key, other.key);
    tide_build_clear(&other);
    rebuilt.identity[0] ^= 1;
    subject.project = 1;
    assert_rc(tide_builder_plan(&b, &subject, &rebuilt, &other, &e), TIDE_OK, &e);
    assert_string_not_equal(good.key, other.key);
    tide_build_clear(&other);
    tide_build_clear(&good);
    tide_build_clear(&slow);
    free(sha);
}

static void stores_a_failed_build(void **state)
{
    (void)state;
    static const struct {
        const char *rev, *text, *log;
    } cases[] = {
        {"broken", "converters/sample.c:4:", "$ cmake --build"},
        {"broken", "'nothing' undeclared", "[1/2]"},
        {"unlinkable", "undefined reference to `", "collect2"},
        {"needy", "CMake Error at CMakeLists.txt:6 (find_package):", "NoSuchThing"},
        {"nothing", "has no converters/CMakeLists.txt to build", "$ git worktree add"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tide_error e = {0};
        struct tide_build plan = planned(cases[i].rev, newest);
        assert_false(plan.cached);
        assert_rc(make(cases[i].rev, newest, &plan, NULL, &e), TIDE_FAILED, &e);
        printf("# %s: %s\n", cases[i].rev, e.text);
        assert_contains(e.text, cases[i].text);
        assert_null(strstr(e.text, cache));
        char *log = read_log(plan.log);
        if (strcmp(cases[i].log, "[1/2]") != 0) assert_contains(log, cases[i].log);
        assert_false(tide_file_exists(plan.prefix));
        assert_int_equal(count_entries(plan.folder), 1);
        assert_tidy();
        tide_build_clear(&plan);
        free(log);
    }
}

/* What a shell sets does not reach the build. */
static void builds_the_same_from_any_shell(void **state)
{
    (void)state;
    static const char *const names[] = {
        "CFLAGS",     "LDFLAGS",    "CPPFLAGS",    "CC",      "CMAKE_GENERATOR",
        "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "GIT_DIR", "CMAKE_PREFIX_PATH",
        "DESTDIR",    "MAKEFLAGS",  "LANG"};
    struct tide_error e = {0};
    struct tide_build plan = planned("good", newest);
    assert_int_equal(tide_file_remove_tree(plan.folder, &e), TIDE_OK);
    plan.cached = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        setenv(names[i], "/nonsense --nonsense", 1);
    struct tide_build same = planned("good", newest);
    assert_rc(make("good", newest, &plan, NULL, &e), TIDE_OK, &e);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
    assert_string_equal(same.key, plan.key);
    assert_imports(newest, plan.prefix);
    tide_build_clear(&same);
    tide_build_clear(&plan);
}

/* A PATH of links to everything but these. */
static char *path_without(const char *name, const char *programs)
{
    char *script =
        tide_format("mkdir %s; cd %s; ln -s /usr/bin/* .; rm -f %s", name, name, programs);
    run_shell(script);
    free(script);
    char *kept = keep_variable("PATH"), *path = in_folder(name);
    setenv("PATH", path, 1);
    free(path);
    return kept;
}

static void needs_neither_ninja_nor_ccache(void **state)
{
    (void)state;
    struct tide_error e = {0};
    struct tide_build plan = planned("good", newest);
    assert_int_equal(tide_file_remove_tree(plan.folder, &e), TIDE_OK);
    plan.cached = false;
    char *kept = path_without("poor", "ninja ninja-build ccache");
    assert_rc(make("good", newest, &plan, NULL, &e), TIDE_OK, &e);
    restore_variable("PATH", kept);
    char *log = read_log(plan.log);
    assert_contains(log, "-G 'Unix Makefiles'");
    assert_null(strstr(log, "ccache"));
    assert_imports(newest, plan.prefix);
    assert_int_equal(count_entries(plan.prefix), 1);
    free(log);
    tide_build_clear(&plan);
}

static void says_what_to_install(void **state)
{
    (void)state;
    struct tide_builder b = builder(NULL);
    struct tide_error e = {0};
    struct tide_build plan = planned("slow", newest), none;
    char *kept = path_without("bare", "cmake cc");
    assert_rc(make("slow", newest, &plan, NULL, &e), TIDE_ABSENT, &e);
    assert_contains(e.text, "apt-get install cmake");
    assert_rc(
        tide_builder_plan(&b, &(struct tide_subject){1, repo, &recipe, "x"}, newest, &none, &e),
        TIDE_ABSENT, &e);
    assert_contains(e.text, "apt-get install build-essential");
    restore_variable("PATH", kept);
    assert_false(tide_file_exists(plan.folder));
    tide_build_clear(&plan);
}

static void refuses_an_unusable_python(void **state)
{
    (void)state;
    struct tide_builder b = builder(NULL);
    struct tide_python old = *newest;
    struct tide_build plan;
    struct tide_error e = {0};
    char *worker;
    char reason[] = "it is too old";
    old.reason = reason;
    assert_rc(tide_builder_plan(&b, &(struct tide_subject){1, repo, &recipe, "x"}, &old, &plan, &e),
              TIDE_INVALID, &e);
    assert_contains(e.text, reason);
    assert_rc(tide_builder_worker(&b, &old, &worker, &e), TIDE_INVALID, &e);
    assert_null(worker);
}

static void keeps_nothing_when_the_machine_is_at_fault(void **state)
{
    (void)state;
    struct tide_builder b = builder(NULL);
    struct tide_error e = {0};
    struct tide_build plan;
    const char *unknown = "0123456789012345678901234567890123456789";
    const struct tide_subject subject = subject_of(unknown);
    assert_rc(tide_builder_plan(&b, &subject, newest, &plan, &e), TIDE_OK, &e);
    assert_rc(tide_builder_make(&b, &subject, newest, &plan, &e), TIDE_ABSENT, &e);
    assert_false(tide_file_exists(plan.folder));
    assert_tidy();
    tide_build_clear(&plan);
}

static void *stop_soon(void *stop)
{
    for (int i = 0; i < 5000 && count_in_cache("tmp") == 0; i++)
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
    *(atomic_bool *)stop = true;
    return NULL;
}

static void stops_in_the_middle(void **state)
{
    (void)state;
    atomic_bool stop = false;
    pthread_t thread;
    struct tide_error e = {0};
    struct tide_build plan = planned("slow", newest);
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, &stop), 0);
    assert_rc(make("slow", newest, &plan, &stop, &e), TIDE_STOPPED, &e);
    pthread_join(thread, NULL);
    assert_false(tide_file_exists(plan.folder));
    assert_tidy();
    tide_build_clear(&plan);
}

/* A daemon killed in the middle of a build: the next plan clears what it left. A living one's build
 * stays. */
static void clears_after_a_killed_daemon(void **state)
{
    (void)state;
    struct tide_error e = {0};
    struct tide_build plan = planned("slow", newest);
    pid_t child = fork();
    if (child == 0) _exit(make("slow", newest, &plan, NULL, &e));
    for (int i = 0; i < 5000 && (!count_in_cache("tmp") || !count_entries(worktrees)); i++)
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    struct tide_build beside = planned("good", newest);
    assert_int_equal(count_in_cache("tmp"), 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_int_equal(count_in_cache("tmp"), 1);
    struct tide_build after = planned("slow", newest);
    assert_int_equal(count_in_cache("tmp"), 0);
    assert_false(after.cached);
    assert_false(tide_file_exists(after.folder));
    assert_int_equal(count_entries(worktrees), 1);
    tide_repo_close(repo);
    assert_rc(open_repository(&e), TIDE_OK, &e);
    assert_tidy();
    tide_build_clear(&beside);
    tide_build_clear(&after);
    tide_build_clear(&plan);
}

static void ends_a_step_that_takes_too_long(void **state)
{
    (void)state;
    static const char *const sleep[] = {"sh", "-c", "echo 'it'\"'\"'s slow'; sleep 30", NULL};
    static const char *const dies[] = {"sh", "-c", "kill -SEGV $$", NULL};
    struct tide_error e = {0};
    char *log = in_folder("steps.log");
    struct tide_steps s = {.path = log, .folder = test_folder, .deadline_s = 1};
    assert_rc(tide_steps_open(&s, &e), TIDE_OK, &e);
    assert_rc(tide_steps_run(&s, sleep, &e), TIDE_FAILED, &e);
    assert_string_equal(e.text, "the step passed its deadline of 1 s");
    assert_rc(tide_steps_run(&s, dies, &e), TIDE_FAILED, &e);
    assert_contains(e.text, "the step was killed by signal 11");
    tide_steps_close(&s);
    char *text = read_log(log);
    assert_contains(text, "it's slow\n");
    assert_contains(text, "error: the step passed its deadline");
    free(text);
    free(log);
}

static void write_embedder(const char *more)
{
    char *text = tide_format(
        "#include \"worker.h\"\n#include \"ring.h\"\n#include <Python.h>\n%s\n"
        "int main(int argc, char **argv) {\n"
        "    (void)argc;\n    Py_SetProgramName(Py_DecodeLocale(argv[1], NULL));\n"
        "    Py_Initialize();\n"
        "    return PyRun_SimpleString(\"import sys, platform, zlib, math, hashlib\\n\"\n"
        "                              \"print(platform.python_version(), sys.prefix)\");\n}\n",
        more);
    write_file("embedder/python/embed.c", text, 0644);
    write_file("embedder/python/broken_test.c", "this is no C\n", 0644);
    write_file("embedder/python/worker.h", "/* nothing */\n", 0644);
    write_file("embedder/ring.c", "#include \"ring.h\"\nint tide_ring(void) { return 0; }\n", 0644);
    write_file("embedder/ring.h", "int tide_ring(void);\n", 0644);
    free(text);
}

/* Compile the embedder for the python and ask it which one it is. */
static char *embed(const struct tide_python *python)
{
    char *source = in_folder("embedder"), *worker;
    struct tide_builder b = {.cache = cache, .worker_source = source};
    struct tide_error e = {0};
    struct tide_str out = {0};
    assert_rc(tide_builder_worker(&b, python, &worker, &e), TIDE_OK, &e);
    const char *const argv[] = {worker, python->program, NULL};
    const struct tide_command c = {.argv = argv, .log = STDERR_FILENO, .deadline_s = 60};
    assert_rc(tide_process_run(&c, &out, &e), TIDE_OK, &e);
    char *wanted = tide_format("%s %s\n", python->version, python->prefix);
    assert_string_equal(out.at, wanted);
    tide_str_free(&out);
    free(wanted);
    free(source);
    return worker;
}

static void embeds_each_python(void **state)
{
    (void)state;
    write_embedder("");
    for (size_t i = 0; i < machine.n; i++)
        if (!machine.at[i].reason) free(embed(&machine.at[i]));
    assert_tidy();
}

/* Tidemark's own worker, for every Python here, without a warning. */
static void compiles_the_worker_of_this_tree(void **state)
{
    (void)state;
    struct tide_builder b = builder(NULL);
    for (size_t i = 0; i < machine.n; i++) {
        struct tide_error e = {0};
        char *worker;
        if (machine.at[i].reason) continue;
        assert_rc(tide_builder_worker(&b, &machine.at[i], &worker, &e), TIDE_OK, &e);
        char *path = tide_format("%.*s/log", (int)(strrchr(worker, '/') - worker), worker);
        char *log = read_log(path);
        if (strstr(log, "warning")) fail_msg("CPython %s: %s", machine.at[i].version, log);
        free(log);
        free(path);
        free(worker);
    }
}

static void compiles_a_worker_once_for_its_sources(void **state)
{
    (void)state;
    struct stat before, after;
    char *first = embed(newest);
    stat(first, &before);
    char *second = embed(newest);
    stat(second, &after);
    assert_string_equal(first, second);
    assert_int_equal(before.st_ino, after.st_ino);
    free(second);
    write_file("embedder/ring.h", "int tide_ring(void); /* changed */\n", 0644);
    second = embed(newest);
    assert_string_not_equal(first, second);
    free(first);
    free(second);
}

/* A Python that was built without --enable-shared has an archive only: make one of a Python that
 * has both. */
static void embeds_a_static_library(void **state)
{
    (void)state;
    for (size_t i = 0; i < machine.n; i++) {
        struct tide_python p = machine.at[i];
        if (p.reason) continue;
        char *ask = tide_format("%s -I -c 'import sysconfig as s, os; v = s.get_config_var; "
                                "print(os.path.join(v(\"LIBPL\"), v(\"LIBRARY\")))'",
                                p.program);
        char *ask_words = tide_format("%s -I -c 'import sysconfig as s; v = s.get_config_var; "
                                      "print(\"-Wl,--export-dynamic -no-pie\", v(\"MODLIBS\"), "
                                      "v(\"LIBS\"), v(\"SYSLIBS\"))'",
                                      p.program);
        p.libpython = shell(ask);
        p.link = shell(ask_words);
        p.identity[0] ^= 1;
        bool there = tide_file_exists(p.libpython);
        if (there) free(embed(&p));
        free(p.libpython);
        free(p.link);
        free(ask);
        free(ask_words);
        if (there) return;
    }
    printf("# no Python here has a static library\n");
    skip();
}

static void keeps_the_log_of_a_worker_that_does_not_compile(void **state)
{
    (void)state;
    char *source = in_folder("embedder"), *nowhere = in_folder("nowhere"), *worker;
    struct tide_builder b = {.cache = cache, .worker_source = source};
    struct tide_error e = {0};
    write_embedder("#error \"not today\"");
    assert_rc(tide_builder_worker(&b, newest, &worker, &e), TIDE_FAILED, &e);
    assert_null(worker);
    assert_contains(e.text, newest->version);
    assert_contains(e.text, "not today");
    char *path = strstr(e.text, "(log: ") + strlen("(log: ");
    path[strcspn(path, ")")] = '\0';
    char *log = read_log(path);
    assert_contains(log, "$ cc -std=gnu11 -O2 -g -Wall -Wextra -I");
    free(log);
    write_embedder("");
    free(embed(newest));

    b.worker_source = nowhere;
    assert_rc(tide_builder_worker(&b, newest, &worker, &e), TIDE_IO, &e);
    assert_contains(e.text, "nowhere");
    assert_null(worker);
    assert_tidy();
    free(source);
    free(nowhere);
}

static int set_up(void **state)
{
    struct tide_error e = {0};
    setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
    setenv("GIT_AUTHOR_NAME", "A U Thor", 1);
    setenv("GIT_AUTHOR_EMAIL", "a@example.org", 1);
    setenv("GIT_COMMITTER_NAME", "A U Thor", 1);
    setenv("GIT_COMMITTER_EMAIL", "a@example.org", 1);
    if (make_test_folder(state) || tide_pythons_discover(NULL, NULL, &machine, &e)) return -1;
    for (size_t i = 0; i < machine.n; i++) {
        if (machine.at[i].reason) continue;
        if (!newest) newest = &machine.at[i];
        oldest = &machine.at[i];
    }
    if (!newest) {
        fprintf(stderr, "no usable CPython on this machine: `make deps` installs one\n");
        return -1;
    }
    cache = in_folder("cache");
    worktrees = in_folder("worktrees");
    make_repository();
    enum tide_rc rc = open_repository(&e);
    if (rc) fprintf(stderr, "%s\n", e.text);
    return rc ? -1 : 0;
}

static int tear_down(void **state)
{
    tide_repo_close(repo);
    tide_pythons_free(&machine);
    free(cache);
    free(worktrees);
    return remove_test_folder(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(builds_and_keeps),
        cmocka_unit_test(keys_differ_by_all_that_goes_in),
        cmocka_unit_test(stores_a_failed_build),
        cmocka_unit_test(builds_the_same_from_any_shell),
        cmocka_unit_test(needs_neither_ninja_nor_ccache),
        cmocka_unit_test(says_what_to_install),
        cmocka_unit_test(refuses_an_unusable_python),
        cmocka_unit_test(keeps_nothing_when_the_machine_is_at_fault),
        cmocka_unit_test(stops_in_the_middle),
        cmocka_unit_test(clears_after_a_killed_daemon),
        cmocka_unit_test(ends_a_step_that_takes_too_long),
        cmocka_unit_test(embeds_each_python),
        cmocka_unit_test(compiles_the_worker_of_this_tree),
        cmocka_unit_test(compiles_a_worker_once_for_its_sources),
        cmocka_unit_test(embeds_a_static_library),
        cmocka_unit_test(keeps_the_log_of_a_worker_that_does_not_compile),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
