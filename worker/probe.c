/* probe.c - tidemark-probe: runs one worker, samples it from outside, writes one tide stream.
 *
 * The probe has no Python in it. It makes the ring, starts the worker in a process group of its
 * own, and then lives by ticks of CLOCK_MONOTONIC (absolute, so that they do not drift). At each
 * tick it drains the ring, lets go of the samples whose place among the events is sure, takes a new
 * sample, and looks whether the worker has ended.
 *
 * Order. A sample taken at T may be written once every event stamped before T has been drained. The
 * ring tells: when it is settled at a later tick and then drained to its end, no earlier event can
 * come. A worker that is stopped between stamp and put holds samples up, for HOLD_NS at the most.
 *
 * Ending. Whatever becomes of the worker, the stream ends with META "exit". The deadline and
 * SIGTERM kill the worker's group from the signal handler, so that they work while the probe itself
 * waits for its reader. When the reader is gone, the group is killed and the probe exits with 1.
 * Orphans of the worker are handed to the probe (PR_SET_CHILD_SUBREAPER, prctl(2)) and killed at
 * the end, those that left the group too. When the probe is killed the kernel kills the worker
 * (PR_SET_PDEATHSIG). */
#define _GNU_SOURCE 1
#include "ring.h"
#include "sampler.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    EXIT_STREAM = 1, /* the stream is not complete */
    EXIT_USAGE = 2,
    CODE_NO_EXEC = 127, /* as a shell has it */
    CHUNK_BYTES = 64 << 10,
    PIPE_BYTES = 1 << 20,
    ORPHAN_ROUNDS = 200, /* of 10 ms */
    SETTINGS_MAX = 16,
};
#define MS_NS    UINT64_C(1000000)
#define CHUNK_NS (100 * MS_NS)
#define DRAIN_NS (5 * MS_NS) /* the ring holds what 13 million events a second fill meanwhile */
#define HOLD_NS  (1000 * MS_NS)

struct options {
    uint64_t interval_us;
    double deadline_s;            /* 0 for none */
    char *settings[SETTINGS_MAX]; /* NAME=VALUE for the worker's environment */
    int setting_count;
    bool pinned; /* the worker may use these CPUs only: */
    cpu_set_t cpus;
    char **worker;
};

struct probe {
    struct options options;
    struct tide_ring ring;
    struct tide_sampler sampler;
    struct tide_encoder *encoder;
    uint64_t flushed_ns;
    uint64_t missed_ticks;
    pid_t worker;
    int exec_error;
    bool output_broken, ring_broken;
    siginfo_t exit;
};

/* For the signal handlers. */
static volatile sig_atomic_t worker_group, deadline_passed, cancelled;

/* ---- output ---- */

static void kill_group(void)
{
    if (worker_group > 0) kill(-(pid_t)worker_group, SIGKILL);
}

static void write_all(struct probe *p, const void *bytes, size_t n)
{
    const char *at = bytes;

    while (n && !p->output_broken) {
        ssize_t wrote = write(STDOUT_FILENO, at, n);
        if (wrote >= 0) {
            at += wrote;
            n -= (size_t)wrote;
        } else if (errno != EINTR) {
            fprintf(stderr, "tidemark-probe: cannot write the stream: %s\n", strerror(errno));
            p->output_broken = true;
            kill_group();
        }
    }
}

static void flush_chunk(struct probe *p)
{
    const uint8_t *at;
    size_t n = tide_encoder_finish(p->encoder, &at);

    write_all(p, at, n);
    p->flushed_ns = tide_clock_ns();
}

/* The ring's memory is open to measured code: a record that the format refuses came from there. */
static void add(struct probe *p, const struct tide_record *r)
{
    enum tide_stream_rc rc = tide_encoder_add(p->encoder, r);

    if (rc == TIDE_STREAM_FULL) {
        flush_chunk(p);
        rc = tide_encoder_add(p->encoder, r);
    }
    if (rc == TIDE_STREAM_CORRUPT) p->ring_broken = true;
    if (tide_encoder_size(p->encoder) >= CHUNK_BYTES) flush_chunk(p);
}

static void add_meta(struct probe *p, const char *key, const char *json)
{
    struct tide_record r = {.kind = TIDE_META};

    r.key = (struct tide_text){key, (uint32_t)strlen(key)};
    r.text = (struct tide_text){json, (uint32_t)strlen(json)};
    add(p, &r);
}

/* META "error" as the harness writes it; what is not plain ASCII in the message becomes '?'. */
static void add_error(struct probe *p, const char *type, const char *message)
{
    char json[2048], plain[1024];
    size_t n = 0;

    for (const char *at = message; *at && n < sizeof plain - 1; at++)
        plain[n++] = *at < ' ' || *at > '~' || *at == '"' || *at == '\\' ? '?' : *at;
    plain[n] = 0;
    snprintf(json, sizeof json, "{\"type\":\"%s\",\"message\":\"%s\",\"traceback\":\"\"}", type,
             plain);
    add_meta(p, "error", json);
}

/* ---- the merge ---- */

/* Write the held samples taken at or before t_ns. */
static void release_samples(struct probe *p, uint64_t t_ns)
{
    const struct tide_record *s;

    while ((s = tide_sampler_oldest(&p->sampler)) && s->t_ns <= t_ns) {
        add(p, s);
        tide_sampler_drop_oldest(&p->sampler);
    }
}

static bool carries_time(const struct tide_record *r)
{
    return r->kind != TIDE_META && r->kind != TIDE_NAME;
}

/* Drain the ring until it is empty or, if until_ns is not 0, that time has come.
 * Returns whether it was emptied. */
static bool drain(struct probe *p, uint64_t until_ns)
{
    enum tide_ring_rc rc;
    struct tide_record r;
    unsigned n = 0;

    while (!p->ring_broken && (rc = tide_ring_take(&p->ring, &r)) != TIDE_RING_EMPTY) {
        if (rc == TIDE_RING_BROKEN) {
            p->ring_broken = true;
            break;
        }
        if (carries_time(&r)) release_samples(p, r.t_ns);
        add(p, &r);
        if (until_ns && ++n % 1024 == 0 && tide_clock_ns() >= until_ns) return false;
    }
    return true;
}

/* The event that the worker holds back takes its place among the samples. */
static bool claim_held(struct probe *p)
{
    struct tide_record r;
    enum tide_held held = p->ring_broken ? TIDE_HELD_NONE : tide_ring_claim(&p->ring, &r);

    if (held == TIDE_HELD_TAKEN) tide_sampler_insert(&p->sampler, &r);
    return held != TIDE_HELD_CHANGING;
}

/* The clock is read first: what is stamped after the ring was seen settled is later than `now`, so
 * that no sample up to then can come before its time, however long the probe waits for a CPU. */
static void merge(struct probe *p, uint64_t until_ns)
{
    uint64_t now = tide_clock_ns();
    bool settled = claim_held(p) && tide_ring_is_settled(&p->ring);

    if (drain(p, until_ns) && settled)
        release_samples(p, now);
    else if (now > HOLD_NS)
        release_samples(p, now - HOLD_NS);
}

/* ---- the worker ---- */

/* Only the ring goes along; what the daemon had open does not. */
static void close_descriptors(int ring)
{
    if (close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) != 0) {
        for (int fd = 3; fd < 4096; fd++)
            fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
    fcntl(ring, F_SETFD, 0);
}

static void set_standard_streams(void)
{
    int null = open("/dev/null", O_RDONLY);

    dup2(null, STDIN_FILENO);
    dup2(STDERR_FILENO, STDOUT_FILENO);
}

/* When memory runs out the kernel shall take the worker, not the daemon
 * (proc_pid_oom_score_adj(5)); a crash shall not write gigabytes of core. */
static void set_limits(void)
{
    const struct rlimit none = {0, 0};
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    setrlimit(RLIMIT_CORE, &none);
    if (fd < 0) return;
    if (write(fd, "500", 3) < 0) fprintf(stderr, "tidemark-probe: oom_score_adj stays as it is\n");
    close(fd);
}

static void set_signals_default(void)
{
    sigset_t none;

    signal(SIGPIPE, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    signal(SIGALRM, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the child. ASLR off where it is allowed: the worker records whether it is (personality(2)).
 * errno of a failed exec goes through `report`, which a successful exec closes. */
static void become_worker(const struct options *o, int ring, int report, pid_t probe)
{
    char number[16];
    int persona = personality(0xffffffff);

    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != probe) _exit(CODE_NO_EXEC); /* the probe died before the line above */
    if (o->pinned && sched_setaffinity(0, sizeof o->cpus, &o->cpus))
        perror("tidemark-probe: the worker is not pinned"); /* it records what it may use */
    if (persona != -1) personality((unsigned long)persona | ADDR_NO_RANDOMIZE);
    set_standard_streams();
    set_limits();
    snprintf(number, sizeof number, "%d", ring);
    setenv(TIDE_RING_ENV, number, 1);
    for (int i = 0; i < o->setting_count; i++)
        putenv(o->settings[i]);
    close_descriptors(ring);
    set_signals_default();
    execvp(o->worker[0], o->worker);
    int error = errno;
    if (write(report, &error, sizeof error) < 0) _exit(CODE_NO_EXEC - 1);
    _exit(CODE_NO_EXEC);
}

/* 0 or an errno. Signals are blocked meanwhile, so that one which comes now finds the group. */
static int start_worker(struct probe *p, int ring)
{
    int report[2], n;
    pid_t self = getpid();

    if (pipe2(report, O_CLOEXEC) != 0) return errno;
    p->worker = fork();
    if (p->worker == 0) become_worker(&p->options, ring, report[1], self);
    close(report[1]);
    if (p->worker > 0) {
        setpgid(p->worker, p->worker); /* whoever comes first */
        worker_group = p->worker;
        while ((n = (int)read(report[0], &p->exec_error, sizeof p->exec_error)) < 0 &&
               errno == EINTR) {}
        if (n != (int)sizeof p->exec_error) p->exec_error = 0;
    }
    close(report[0]);
    return p->worker < 0 ? errno : 0;
}

/* Children that are left, by the kernel's list, whatever group they are in. */
static void kill_children(void)
{
    char path[64], text[4096], *at = text, *next;
    ssize_t n;
    int fd;

    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    for (long pid = strtol(at, &next, 10); next != at; pid = strtol(at, &next, 10)) {
        if (pid > 1) kill((pid_t)pid, SIGKILL);
        at = next;
    }
}

/* The worker is dead but not yet reaped, so that its group's number is not yet another's. */
static void end_group(struct probe *p)
{
    const struct timespec nap = {.tv_nsec = 10 * MS_NS};

    kill_group();
    worker_group = 0;
    waitpid(p->worker, NULL, 0);
    for (int i = 0; i < ORPHAN_ROUNDS; i++) {
        pid_t reaped;

        kill_children();
        while ((reaped = waitpid(-1, NULL, WNOHANG)) > 0) {}
        if (reaped < 0 && errno == ECHILD) return;
        nanosleep(&nap, NULL);
    }
}

static bool worker_ended(struct probe *p)
{
    p->exit.si_pid = 0;
    return waitid(P_PID, (id_t)p->worker, &p->exit, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           p->exit.si_pid != 0;
}

/* ---- the run ---- */

static void on_signal(int number)
{
    if (number == SIGALRM)
        deadline_passed = 1;
    else
        cancelled = 1;
    kill_group();
}

static void watch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: a write must notice */

    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void arm_deadline(double seconds)
{
    struct itimerval timer = {.it_value = {.tv_sec = (time_t)seconds}};

    timer.it_value.tv_usec = (suseconds_t)((seconds - (double)timer.it_value.tv_sec) * 1e6);
    setitimer(ITIMER_REAL, &timer, NULL);
}

static void sleep_until(uint64_t t_ns)
{
    const struct timespec t = {(time_t)(t_ns / (1000 * MS_NS)), (long)(t_ns % (1000 * MS_NS))};

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/* Where ticks are far apart the ring is drained between them, so that the worker never waits for
 * room in it. Returns soon before the tick, or when the worker has ended. */
static void drain_until(struct probe *p, uint64_t tick)
{
    for (uint64_t now = tide_clock_ns(); now + DRAIN_NS < tick; now = tide_clock_ns()) {
        sleep_until(now + DRAIN_NS);
        if (worker_ended(p)) return;
        merge(p, tick);
        if (p->ring_broken || p->output_broken) return;
        if (now - p->flushed_ns >= CHUNK_NS) flush_chunk(p);
    }
}

/* Sleep until *next, and set it to the tick after; ticks that lie in the past already are missed.
 * Sooner back when the worker has ended. */
static void wait_tick(struct probe *p, uint64_t *next)
{
    uint64_t interval = p->options.interval_us * 1000, now;

    drain_until(p, *next);
    if (interval <= DRAIN_NS || !worker_ended(p)) sleep_until(*next);
    now = tide_clock_ns();
    if (now < *next) return;
    *next += interval;
    if (now >= *next) {
        uint64_t missed = (now - *next) / interval + 1;
        p->missed_ticks += missed;
        *next += missed * interval;
    }
}

static void watch_worker(struct probe *p)
{
    uint64_t next = tide_clock_ns() + p->options.interval_us * 1000;

    prctl(PR_SET_TIMERSLACK, 1UL); /* after the fork: the worker keeps the default of 50 us */
    for (;;) {
        bool ended = worker_ended(p);

        merge(p, ended ? 0 : next);
        if (p->ring_broken || p->output_broken) kill_group();
        if (ended) return;
        tide_sampler_take(&p->sampler);
        tide_sampler_take_children(&p->sampler);
        if (tide_clock_ns() - p->flushed_ns >= CHUNK_NS) flush_chunk(p);
        wait_tick(p, &next);
    }
}

static void finish_stream(struct probe *p)
{
    bool exited = p->exit.si_code == CLD_EXITED;
    char json[256], status[16];

    release_samples(p, UINT64_MAX);
    if (p->exec_error) {
        char message[512];
        snprintf(message, sizeof message, "cannot start %.300s: %s", p->options.worker[0],
                 strerror(p->exec_error));
        add_error(p, "exec", message);
    }
    if (p->ring_broken)
        add_error(p, "ring", "the worker's memory was written over by measured code");
    snprintf(status, sizeof status, "%d", p->exit.si_status);
    snprintf(json, sizeof json,
             "{\"code\":%s,\"signal\":%s,\"samples\":%llu,\"missed_ticks\":%llu,\"deadline\":%s,"
             "\"cancelled\":%s}",
             exited ? status : "null", exited ? "null" : status,
             (unsigned long long)p->sampler.taken, (unsigned long long)p->missed_ticks,
             deadline_passed ? "true" : "false", cancelled ? "true" : "false");
    add_meta(p, "exit", json);
    flush_chunk(p);
}

static void open_stream(struct probe *p, uint64_t started_ns)
{
    uint8_t magic[TIDE_STREAM_MAGIC_LEN];
    char json[128];

    tide_stream_magic(magic);
    write_all(p, magic, sizeof magic);
    snprintf(json, sizeof json, "{\"t_ns\":%llu,\"pid\":%d,\"interval_us\":%llu}",
             (unsigned long long)started_ns, (int)p->worker,
             (unsigned long long)p->options.interval_us);
    add_meta(p, "start", json);
    flush_chunk(p);
}

static int run(struct probe *p, int ring)
{
    sigset_t ours, before;
    uint64_t started_ns = tide_clock_ns();
    int rc;

    sigfillset(&ours);
    sigprocmask(SIG_BLOCK, &ours, &before);
    rc = start_worker(p, ring);
    sigprocmask(SIG_SETMASK, &before, NULL);
    close(ring);
    if (rc) {
        fprintf(stderr, "tidemark-probe: cannot start a process: %s\n", strerror(rc));
        return EXIT_STREAM;
    }
    if (cancelled) kill_group();
    if (p->options.deadline_s > 0) arm_deadline(p->options.deadline_s);
    rc = p->exec_error ? 0 : tide_sampler_open(&p->sampler, p->worker);
    if (rc) fprintf(stderr, "tidemark-probe: no samples: %s\n", strerror(rc));
    open_stream(p, started_ns);
    watch_worker(p);
    arm_deadline(0);
    end_group(p);
    finish_stream(p);
    if (deadline_passed) fprintf(stderr, "tidemark-probe: killed the worker at its deadline\n");
    if (cancelled) fprintf(stderr, "tidemark-probe: killed the worker as asked\n");
    return p->output_broken ? EXIT_STREAM : EXIT_SUCCESS;
}

/* ---- command line ---- */

static const char HELP[] =
    "Usage: tidemark-probe [--interval-us N] [--deadline-s N] [--env NAME=VALUE]... -- WORKER "
    "ARGS...\n"
    "Run WORKER, sample its memory from outside, write one tide stream to standard output.\n"
    "\n"
    "  --interval-us N   microseconds between samples, 100 to 1000000 (default 1000)\n"
    "  --deadline-s N    kill the worker after N seconds (default: never)\n"
    "  --cpus LIST       pin WORKER to these CPUs, like 3 or 2-3,6 (default: where the probe "
    "runs)\n"
    "  --env NAME=VALUE  set this in the worker's environment, not in the probe's own\n"
    "  --help            this text\n"
    "\n"
    "WORKER's own output goes to standard error. Exit status: 0 the stream is complete, whatever\n"
    "became of WORKER; 1 it is not; 2 wrong usage.\n";

static bool parse_number(const char *text, double least, double most, double *out)
{
    char *end;

    *out = strtod(text, &end);
    return end != text && !*end && *out >= least && *out <= most;
}

static bool take_setting(struct options *o)
{
    const char *equals = strchr(optarg, '=');

    if (!equals || equals == optarg || o->setting_count == SETTINGS_MAX) return false;
    o->settings[o->setting_count++] = optarg;
    return true;
}

/* "2-3,6". */
static bool take_cpus(struct options *o, const char *at)
{
    char *end;

    CPU_ZERO(&o->cpus);
    o->pinned = true;
    for (;; at = end + 1) {
        unsigned long first = strtoul(at, &end, 10), last = first;
        if (end == at) return false;
        if (*end == '-') {
            at = end + 1;
            last = strtoul(at, &end, 10);
            if (end == at) return false;
        }
        if (last < first || last >= CPU_SETSIZE) return false;
        for (; first <= last; first++)
            CPU_SET(first, &o->cpus);
        if (*end != ',') return !*end;
    }
}

/* Returns -1 to go on, else the exit status. */
static int parse_options(int argc, char **argv, struct options *o)
{
    static const struct option LONG[] = {{"interval-us", required_argument, NULL, 'i'},
                                         {"deadline-s", required_argument, NULL, 'd'},
                                         {"cpus", required_argument, NULL, 'c'},
                                         {"env", required_argument, NULL, 'e'},
                                         {"help", no_argument, NULL, 'h'},
                                         {NULL, 0, NULL, 0}};
    double number;
    int c;

    *o = (struct options){.interval_us = 1000};
    while ((c = getopt_long(argc, argv, "+", LONG, NULL)) != -1) {
        if (c == 'h') {
            fputs(HELP, stdout);
            return EXIT_SUCCESS;
        }
        if (c == 'i' && parse_number(optarg, 100, 1e6, &number)) {
            o->interval_us = (uint64_t)number;
        } else if (c == 'd' && parse_number(optarg, 1e-3, 1e7, &number)) {
            o->deadline_s = number;
        } else if ((c == 'e' && take_setting(o)) || (c == 'c' && take_cpus(o, optarg))) {
            continue;
        } else {
            if (c != '?') fprintf(stderr, "tidemark-probe: %s is not allowed\n", optarg);
            fputs("Try 'tidemark-probe --help'.\n", stderr);
            return EXIT_USAGE;
        }
    }
    if (optind == argc) {
        fputs("tidemark-probe: no worker named. Try 'tidemark-probe --help'.\n", stderr);
        return EXIT_USAGE;
    }
    o->worker = argv + optind;
    return -1;
}

int main(int argc, char **argv)
{
    static struct probe p; /* static: its queue of samples is larger than a careful stack frame */
    int ring = -1, rc = parse_options(argc, argv, &p.options), error;

    if (rc >= 0) return rc;
    rc = EXIT_STREAM;
    p.sampler.statm = p.sampler.status = -1;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_CHILD_SUBREAPER, 1UL);
    watch_signals();
    fcntl(STDOUT_FILENO, F_SETPIPE_SZ,
          PIPE_BYTES); /* room for some ticks while the reader is busy */
    p.encoder = tide_encoder_new();
    error = p.encoder ? tide_ring_create(&p.ring, &ring) : ENOMEM;
    if (error)
        fprintf(stderr, "tidemark-probe: cannot make the ring: %s\n", strerror(error));
    else
        rc = run(&p, ring);
    tide_sampler_close(&p.sampler);
    tide_ring_close(&p.ring);
    tide_encoder_free(p.encoder);
    return rc;
}
