/* process_test.c - other programs are read, awaited, cut short and never left behind. */
#include "base/testing.h"

#include "base/clock.h"
#include "base/process.h"

#include <fcntl.h>
#include <glob.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

static struct tide_error error;

static enum tide_rc run_script(const char *script, struct tide_command c, struct tide_str *out)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    error = (struct tide_error){0};
    c.argv = argv;
    if (!c.log) c.log = -1;
    return tide_process_run(&c, out, &error);
}

static void expect_output(const char *script, struct tide_command c, const char *expected)
{
    struct tide_str out = {0};
    assert_rc(run_script(script, c, &out), TIDE_OK, &error);
    assert_string_equal(out.at ? out.at : "", expected);
    tide_str_free(&out);
}

static double seconds_since(int64_t began)
{
    return (double)(tide_clock_monotonic_ns() - began) / 1e9;
}

static void test_output_is_appended(void **state)
{
    (void)state;
    struct tide_str out = {0};
    tide_str_put(&out, "before:");
    assert_rc(run_script("printf hello; printf world >&2", (struct tide_command){0}, &out), TIDE_OK,
              &error);
    assert_string_equal(out.at, "before:hello");
    tide_str_free(&out);
}

static void test_output_may_be_dropped(void **state)
{
    (void)state;
    assert_rc(run_script("seq 100000", (struct tide_command){0}, NULL), TIDE_OK, &error);
}

static void test_long_output_comes_whole(void **state)
{
    (void)state;
    struct tide_str out = {0};
    assert_rc(run_script("seq 200000", (struct tide_command){0}, &out), TIDE_OK, &error);
    assert_int_equal(out.length, 1288895);
    assert_string_equal(out.at + out.length - 7, "200000\n");
    tide_str_free(&out);
}

static char *read_logged(bool output)
{
    char *path = in_folder("log"), *text = NULL;
    struct tide_str out = {0};
    struct tide_command c = {.log_output = output};
    c.log = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(c.log >= 0);
    assert_rc(run_script("echo out; echo err >&2", c, &out), TIDE_OK, &error);
    assert_string_equal(out.at ? out.at : "", output ? "" : "out\n");
    close(c.log);
    assert_rc(tide_file_read(path, 1000, &text, NULL, &error), TIDE_OK, &error);
    tide_str_free(&out);
    free(path);
    return text;
}

static void test_standard_error_goes_to_the_log(void **state)
{
    (void)state;
    char *text = read_logged(false);
    assert_string_equal(text, "err\n");
    free(text);
    text = read_logged(true);
    assert_string_equal(text, "out\nerr\n");
    free(text);
}

static void test_exit_code_is_told(void **state)
{
    (void)state;
    assert_int_equal(run_script("exit 3", (struct tide_command){0}, NULL), TIDE_FAILED);
    assert_string_equal(error.text, "sh exited with 3");
}

static void test_signal_is_told(void **state)
{
    (void)state;
    assert_int_equal(run_script("kill -SEGV $$", (struct tide_command){0}, NULL), TIDE_FAILED);
    assert_contains(error.text, "killed by signal 11 (Segmentation fault)");
}

static void test_missing_program_is_told(void **state)
{
    (void)state;
    const char *const argv[] = {"tidemark-no-such-program", NULL};
    const struct tide_command c = {.argv = argv, .log = -1};
    assert_int_equal(tide_process_run(&c, NULL, &error), TIDE_FAILED);
    assert_contains(error.text, "tidemark-no-such-program cannot be started");
}

/* Whether a process of the group is alive; a zombie that waits for init is not. */
static bool is_alive(pid_t group)
{
    glob_t files = {0};
    bool alive = false;
    assert_int_equal(glob("/proc/[0-9]*/stat", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        char state = 'Z';
        int of = 0;
        FILE *f = fopen(files.gl_pathv[i], "r"); /* NULL: it has just ended */
        if (!f) continue;
        if (fscanf(f, "%*d (%*[^)]) %c %*d %d", &state, &of) == 2 && of == (int)group)
            alive = alive || state != 'Z';
        fclose(f);
    }
    globfree(&files);
    return alive;
}

/* The group that the script printed (its own pid) must be gone. */
static void assert_group_is_gone(const char *printed)
{
    pid_t group = (pid_t)strtol(printed, NULL, 10);
    assert_true(group > 1);
    for (int i = 0; i < 500 && is_alive(group); i++)
        usleep(10000);
    assert_false(is_alive(group));
}

static void test_deadline_kills_the_whole_group(void **state)
{
    (void)state;
    struct tide_str out = {0};
    int64_t began = tide_clock_monotonic_ns();
    assert_int_equal(run_script("echo $$; (sleep 60 & sleep 60) & sleep 60",
                                (struct tide_command){.deadline_s = 1}, &out),
                     TIDE_FAILED);
    assert_string_equal(error.text, "sh passed its deadline of 1 s");
    assert_true(seconds_since(began) >= 1 && seconds_since(began) < 10);
    assert_group_is_gone(out.at);
    tide_str_free(&out);
}

/* A program that closes its output and lives on is under its deadline still. */
static void test_deadline_holds_after_the_output_ended(void **state)
{
    (void)state;
    struct tide_str out = {0};
    int64_t began = tide_clock_monotonic_ns();
    assert_int_equal(run_script("echo $$; exec >&- 2>&-; sleep 20",
                                (struct tide_command){.deadline_s = 1}, &out),
                     TIDE_FAILED);
    assert_string_equal(error.text, "sh passed its deadline of 1 s");
    assert_true(seconds_since(began) < 10);
    assert_group_is_gone(out.at);
    tide_str_free(&out);
}

static void test_deadline_holds_when_output_is_logged(void **state)
{
    (void)state;
    struct tide_command c = {.deadline_s = 1, .log_output = true, .log = -1};
    assert_int_equal(run_script("sleep 20", c, NULL), TIDE_FAILED);
    assert_string_equal(error.text, "sh passed its deadline of 1 s");
}

static void test_what_stays_in_the_group_is_killed_at_the_end(void **state)
{
    (void)state;
    struct tide_str out = {0};
    assert_rc(run_script("echo $$; sleep 60 >&- 2>&- <&- & exit 0", (struct tide_command){0}, &out),
              TIDE_OK, &error);
    assert_group_is_gone(out.at);
    tide_str_free(&out);
}

/* In a session of its own, deaf to SIGTERM, its parent gone. */
#define DAEMON "setsid sh -c 'trap \"\" TERM; echo $$; exec sleep 60 >&- 2>&-' & sleep 0.3; "

static void test_what_left_the_group_is_killed_at_the_end(void **state)
{
    (void)state;
    struct tide_str out = {0};
    assert_rc(run_script("(" DAEMON ") & wait", (struct tide_command){0}, &out), TIDE_OK, &error);
    assert_group_is_gone(out.at);
    tide_str_free(&out);
}

static void test_what_left_the_group_is_killed_with_it(void **state)
{
    (void)state;
    struct tide_str out = {0};
    assert_int_equal(
        run_script("(" DAEMON ") & sleep 60", (struct tide_command){.deadline_s = 2}, &out),
        TIDE_FAILED);
    assert_group_is_gone(out.at);
    tide_str_free(&out);
}

/* As the daemon's death by SIGKILL ends the threads that started something. */
static void *start_and_leave(void *context)
{
    const char *const argv[] = {"sh", "-c", "(" DAEMON ") & sleep 60", NULL};
    const struct tide_command c = {.argv = argv, .log = -1};
    struct tide_process p;
    char printed[32] = "";
    assert_rc(tide_process_start(&c, &p, &error), TIDE_OK, &error);
    for (int i = 0; i < 1000 && read(p.out, printed, sizeof printed - 1) <= 0; i++)
        usleep(10000);
    *(pid_t *)context = (pid_t)strtol(printed, NULL, 10);
    close(p.out);
    return NULL;
}

static void test_what_left_the_group_is_killed_when_its_thread_ends(void **state)
{
    (void)state;
    pthread_t thread;
    pid_t group = 0;
    char text[32];
    assert_int_equal(pthread_create(&thread, NULL, start_and_leave, &group), 0);
    pthread_join(thread, NULL);
    snprintf(text, sizeof text, "%d", (int)group);
    assert_group_is_gone(text);
}

static void *stop_soon(void *context)
{
    usleep(200000);
    *(atomic_bool *)context = true;
    return NULL;
}

static void test_stop_flag_ends_it(void **state)
{
    (void)state;
    atomic_bool stop = false;
    pthread_t thread;
    struct tide_str out = {0};
    int64_t began = tide_clock_monotonic_ns();
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, &stop), 0);
    assert_int_equal(
        run_script("echo $$; sleep 60 & sleep 60", (struct tide_command){.stop = &stop}, &out),
        TIDE_STOPPED);
    pthread_join(thread, NULL);
    assert_true(seconds_since(began) < 10);
    assert_group_is_gone(out.at);
    tide_str_free(&out);
}

static void test_output_past_its_ceiling_ends_it(void **state)
{
    (void)state;
    struct tide_str out = {.ceiling = 1000};
    int64_t began = tide_clock_monotonic_ns();
    assert_int_equal(run_script("while :; do echo yes; done", (struct tide_command){0}, &out),
                     TIDE_FAILED);
    assert_contains(error.text, "more output than allowed");
    assert_true(seconds_since(began) < 10);
    assert_true(out.failed);
    tide_str_free(&out);
}

/* Also where the last of it came together with the end. */
static void test_short_output_past_its_ceiling_is_no_success(void **state)
{
    (void)state;
    struct tide_str out = {.ceiling = 4};
    assert_int_equal(run_script("echo too long", (struct tide_command){0}, &out), TIDE_FAILED);
    assert_contains(error.text, "more output than allowed");
    tide_str_free(&out);
}

static void test_environment_is_changed_not_doubled(void **state)
{
    (void)state;
    static const char *const changes[] = {"TIDE_TEST=new", "TIDE_MORE=", NULL};
    setenv("TIDE_TEST", "old", 1);
    setenv("TIDE_TESTER", "kept", 1);
    expect_output("env | grep ^TIDE_ | sort", (struct tide_command){.environment = changes},
                  "TIDE_MORE=\nTIDE_TEST=new\nTIDE_TESTER=kept\n");
    assert_string_equal(getenv("TIDE_TEST"), "old");
}

static void test_working_folder(void **state)
{
    (void)state;
    char expected[128];
    snprintf(expected, sizeof expected, "%s\n", test_folder);
    expect_output("pwd -P", (struct tide_command){.folder = test_folder}, expected);
    assert_int_equal(
        run_script("true", (struct tide_command){.folder = "/nonexistent/folder"}, NULL),
        TIDE_FAILED);
}

static void test_no_descriptor_is_inherited(void **state)
{
    (void)state;
    int open_one = open("/dev/null", O_RDONLY); /* without O_CLOEXEC */
    assert_true(open_one > 2);
    expect_output("for d in 3 4 5 6 7 8 9; do test ! -e /proc/$$/fd/$d || echo $d; done",
                  (struct tide_command){0}, "");
    expect_output("readlink /proc/$$/fd/0; readlink /proc/$$/fd/2", (struct tide_command){0},
                  "/dev/null\n/dev/null\n");
    close(open_one);
}

static int count_descriptors(void)
{
    int n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void test_no_descriptor_is_left_open_here(void **state)
{
    (void)state;
    int before = count_descriptors();
    for (int i = 0; i < 10; i++) {
        assert_rc(run_script("true", (struct tide_command){0}, NULL), TIDE_OK, &error);
        assert_int_equal(run_script("exit 1", (struct tide_command){.log_output = true}, NULL),
                         TIDE_FAILED);
    }
    assert_int_equal(count_descriptors(), before);
}

static void test_signals_are_the_defaults(void **state)
{
    (void)state;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    enum tide_rc rc = run_script("kill -TERM $$; echo alive", (struct tide_command){0}, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert_int_equal(rc, TIDE_FAILED);
    assert_contains(error.text, "signal 15");
}

static void test_start_and_end(void **state)
{
    (void)state;
    const char *const argv[] = {"sleep", "60", NULL};
    const struct tide_command c = {.argv = argv, .log = -1};
    struct tide_process p;
    assert_rc(tide_process_start(&c, &p, &error), TIDE_OK, &error);
    assert_true(p.pid > 0 && p.out >= 0);
    int status = tide_process_end(&p, true);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(p.pid, 0);
    assert_int_equal(tide_process_end(&p, true), 0);
    struct tide_process none = {0};
    assert_int_equal(tide_process_end(&none, true), 0);
    assert_true(fcntl(0, F_GETFD) >= 0); /* a zeroed process has not closed descriptor 0 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output_is_appended),
        cmocka_unit_test(test_output_may_be_dropped),
        cmocka_unit_test(test_long_output_comes_whole),
        cmocka_unit_test(test_standard_error_goes_to_the_log),
        cmocka_unit_test(test_exit_code_is_told),
        cmocka_unit_test(test_signal_is_told),
        cmocka_unit_test(test_missing_program_is_told),
        cmocka_unit_test(test_deadline_kills_the_whole_group),
        cmocka_unit_test(test_deadline_holds_after_the_output_ended),
        cmocka_unit_test(test_deadline_holds_when_output_is_logged),
        cmocka_unit_test(test_what_stays_in_the_group_is_killed_at_the_end),
        cmocka_unit_test(test_what_left_the_group_is_killed_at_the_end),
        cmocka_unit_test(test_what_left_the_group_is_killed_with_it),
        cmocka_unit_test(test_what_left_the_group_is_killed_when_its_thread_ends),
        cmocka_unit_test(test_stop_flag_ends_it),
        cmocka_unit_test(test_output_past_its_ceiling_ends_it),
        cmocka_unit_test(test_short_output_past_its_ceiling_is_no_success),
        cmocka_unit_test(test_environment_is_changed_not_doubled),
        cmocka_unit_test(test_working_folder),
        cmocka_unit_test(test_no_descriptor_is_inherited),
        cmocka_unit_test(test_no_descriptor_is_left_open_here),
        cmocka_unit_test(test_signals_are_the_defaults),
        cmocka_unit_test(test_start_and_end),
    };
    return cmocka_run_group_tests_name("process", tests, make_test_folder, remove_test_folder);
}
