/* runner.c - see runner.h. */
#include "run/runner.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "run/allocator.h"
#include "run/ingest.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOG_KEPT  (1u << 20) /* of a run's output, its end */
#define READ_ROOM 65536
#define END_S     10
#define WORDS_MAX (TIDE_LAUNCHER_MAX + 48)

/* The command of a run. What it points to is the caller's. */
struct words {
    const char *at[WORDS_MAX];
    size_t n;
};

static void add_words(struct words *w, const char *const *words)
{
    for (; words && *words && w->n < WORDS_MAX - 1; words++)
        w->at[w->n++] = *words;
}

/* A number as it stands in a command. */
struct figure {
    char text[24];
};

static struct figure figure(int64_t value)
{
    struct figure f;
    snprintf(f.text, sizeof f.text, "%lld", (long long)value);
    return f;
}

/* What the measure has none of is left out. */
static void add_measure(struct words *w, const struct tide_job *job, const struct figure *threshold,
                        const struct figure *bound)
{
    add_words(w, (const char *const[]){"--recording", job->recording, NULL});
    if (*job->precision) add_words(w, (const char *const[]){"--precision", job->precision, NULL});
    if (job->threshold) add_words(w, (const char *const[]){"--threshold", threshold->text, NULL});
    if (job->bound) add_words(w, (const char *const[]){"--bound", bound->text, NULL});
}

static void add_command(struct words *w, const struct tide_assignment *a, const char *harness)
{
    const struct tide_job *job = a->job;
    const char *const worker[] = {
        a->worker,    "--python", a->python->program, "--harness",   harness,
        "--scenario", job->file,  "--name",           job->scenario, "--module",
        job->module,  "--params", job->params,        NULL,
    };
    add_words(w, (const char *const *)a->python->launcher);
    add_words(w, worker);
    if (a->python->no_site) add_words(w, (const char *const[]){"--no-site", NULL});
    for (const char *const *path = a->paths; *path; path++)
        add_words(w, (const char *const[]){"--path", *path, NULL});
}

static enum tide_rc start_probe(const struct tide_runner *r, const struct tide_assignment *a,
                                int log, struct tide_process *p, struct tide_error *e)
{
    const struct tide_job *job = a->job;
    struct words words = {0};
    struct tide_allocator allocator;
    enum tide_rc rc = tide_allocator_settle(job->allocator, a->python, &allocator, e);
    if (rc) return rc;
    const struct figure interval = figure(job->interval_us), threshold = figure(job->threshold),
                        bound = figure(job->bound),
                        deadline = figure(job->deadline_s > 0 ? job->deadline_s : r->deadline_s);
    add_words(&words, (const char *const[]){r->probe, "--interval-us", interval.text,
                                            "--deadline-s", deadline.text, NULL});
    if (r->cpus) add_words(&words, (const char *const[]){"--cpus", r->cpus, NULL});
    for (size_t i = 0; i < 2 && allocator.settings[i]; i++)
        add_words(&words, (const char *const[]){"--env", allocator.settings[i], NULL});
    add_words(&words, (const char *const[]){"--", NULL});
    add_command(&words, a, r->harness);
    add_measure(&words, job, &threshold, &bound);
    const struct tide_command command = {.argv = words.at, .log = log};
    rc = tide_process_start(&command, p, e);
    tide_allocator_clear(&allocator);
    return rc;
}

/* Read the stream to its end, storing at every tick. */
static enum tide_rc read_stream(const struct tide_runner *r, int from, struct tide_ingest *in,
                                struct tide_error *e)
{
    static _Thread_local uint8_t block[READ_ROOM];
    int64_t tick = tide_clock_monotonic_ns();
    enum tide_rc rc = TIDE_OK;
    while (!rc) {
        struct pollfd watch = {.fd = from, .events = POLLIN};
        poll(&watch, 1, 50);
        if (*r->stop) return tide_fail(e, TIDE_STOPPED, "cancelled while it was running");
        ssize_t n = watch.revents ? read(from, block, sizeof block) : -1;
        if (n == 0) return TIDE_OK;
        if (n < 0 && watch.revents && errno != EAGAIN && errno != EINTR)
            return tide_fail_errno(e, "read the stream of a run");
        if (n > 0) rc = tide_ingest_feed(in, block, (size_t)n, e);
        int64_t now = tide_clock_monotonic_ns();
        if (!rc && now - tick >= TIDE_INGEST_TICK_MS * INT64_C(1000000)) {
            rc = tide_ingest_tick(in, e);
            tick = now;
        }
    }
    return rc;
}

/* After its stream a probe has nothing left to do: what hangs then is killed after a while. */
static enum tide_rc await_end(const struct tide_runner *r, const struct tide_process *probe,
                              struct tide_error *e)
{
    int64_t end = tide_clock_monotonic_ns() + END_S * INT64_C(1000000000);
    while (!tide_process_has_ended(probe) && tide_clock_monotonic_ns() < end) {
        if (*r->stop) return tide_fail(e, TIDE_STOPPED, "cancelled while it was running");
        poll(NULL, 0, 2);
    }
    return TIDE_OK;
}

/* The end of what the run printed, in new memory. */
static char *read_log(int fd, size_t *n)
{
    struct stat facts;
    *n = 0;
    if (fstat(fd, &facts)) return NULL;
    size_t size = (size_t)facts.st_size < LOG_KEPT ? (size_t)facts.st_size : LOG_KEPT;
    char *log = malloc(size + 1);
    if (!log) return NULL;
    ssize_t got = pread(fd, log, size, facts.st_size - (off_t)size);
    *n = got > 0 ? (size_t)got : 0;
    return log;
}

/* What became of a probe that did not write its stream to the end, with the last thing it said and
 * what the stream tells. */
static enum tide_rc describe_probe(const char *probe, int status, const char *log, size_t n,
                                   const char *told, struct tide_error *e)
{
    char ending[80];
    while (n && log[n - 1] == '\n')
        n--;
    size_t from = n;
    while (from && log[from - 1] != '\n')
        from--;
    if (WIFSIGNALED(status))
        snprintf(ending, sizeof ending, "was killed by signal %d", WTERMSIG(status));
    else if (WEXITSTATUS(status) == TIDE_PROCESS_NO_START)
        snprintf(ending, sizeof ending, "could not be started");
    else
        snprintf(ending, sizeof ending, "exited with %d", WEXITSTATUS(status));
    return tide_fail(e, TIDE_FAILED, "%s %s%s%.*s (%s)", probe, ending, from < n ? ": " : "",
                     (int)(n - from < 300 ? n - from : 300), n ? log + from : "", told);
}

/* Whether somebody else ended the process: the kernel for want of memory, a person, an init that
 * shuts down. A stream without an end is of a probe that was killed. */
static bool was_killed(const struct tide_outcome *o)
{
    static const int theirs[] = {SIGKILL, SIGTERM, SIGINT, SIGHUP};
    json_t *exit = o->exit ? json_loads(o->exit, 0, NULL) : NULL;
    bool killed = !o->exit;
    const json_t *signal = json_object_get(exit, "signal");
    for (size_t i = 0; i < sizeof theirs / sizeof *theirs && json_is_integer(signal); i++)
        killed = killed || (json_integer_value(signal) == theirs[i] &&
                            !json_is_true(json_object_get(exit, "deadline")));
    json_decref(exit);
    return killed;
}

static enum tide_rc store_outcome(const struct tide_runner *r, const struct tide_assignment *a,
                                  struct tide_ingest *in, int status,
                                  const struct tide_error *broken, int log, bool *batch_done,
                                  struct tide_error *e)
{
    struct tide_outcome outcome;
    struct tide_error ending;
    enum tide_rc rc = tide_ingest_finish(in, &outcome, e);
    if (rc) return rc;
    char *text = read_log(log, &outcome.log_size);
    outcome.log = text;
    if (broken->rc) {
        outcome.error = broken->text;
        outcome.cancelled = broken->rc == TIDE_STOPPED;
    } else if (!outcome.exit) {
        describe_probe(r->probe, status, text, outcome.log_size, outcome.error, &ending);
        outcome.error = ending.text;
    }
    outcome.outside = outcome.error && !outcome.cancelled && was_killed(&outcome);
    rc = tide_store_end_run(r->store, a->job->run, &outcome, batch_done, e);
    if (!rc)
        tide_log(outcome.error ? TIDE_LOG_WARN : TIDE_LOG_INFO, "run",
                 "run=%lld %s scenario=%s python=%s commit=%.12s tide_mark=%lld%s%s",
                 (long long)a->job->run,
                 outcome.cancelled ? "cancelled"
                 : outcome.error   ? "failed"
                                   : "done",
                 a->job->scenario, a->python->name, a->job->sha, (long long)outcome.tide_mark,
                 outcome.error ? " why=" : "", outcome.error ? outcome.error : "");
    free(text);
    return rc;
}

/* When the stream breaks the run has failed: that is its outcome. When the store does, the caller
 * must know. */
static bool is_outcome(const struct tide_runner *r, enum tide_rc rc)
{
    return rc == TIDE_CORRUPT || rc == TIDE_NEWER || (rc == TIDE_STOPPED && *r->cancelled);
}

enum tide_rc tide_runner_execute(const struct tide_runner *r, const struct tide_assignment *a,
                                 bool *batch_done, struct tide_error *e)
{
    struct tide_process probe = {.out = -1};
    struct tide_error broken = {0};
    enum tide_rc rc = TIDE_OK;
    *batch_done = false;
    struct tide_ingest *in = tide_ingest_new(r->store, r->feed, a->job->run, a->job->batch);
    int log = memfd_create("run-log", MFD_CLOEXEC);
    if (!in || log < 0) {
        rc = tide_fail(e, TIDE_NOMEM, "start a run");
        goto out;
    }
    rc = start_probe(r, a, log, &probe, e);
    if (rc) goto out;
    rc = read_stream(r, probe.out, in, &broken);
    if (!rc) rc = await_end(r, &probe, &broken);
    int status = tide_process_end(&probe, true);
    if (rc && !is_outcome(r, rc)) {
        *e = broken;
        goto out;
    }
    rc = store_outcome(r, a, in, status, &broken, log, batch_done, e);
out:
    if (log >= 0) close(log);
    tide_ingest_free(in);
    return rc;
}
