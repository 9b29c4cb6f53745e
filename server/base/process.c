/* process.c - see process.h. */
#include "base/process.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define POLL_MS    50   /* how soon a stop or a deadline is noticed */
#define END_ROUNDS 5000 /* of 2 ms, until what was killed must have ended */

/* What follows runs in the child, after fork, or in the child's child, which shares its memory
 * until it has become the program: async-signal-safe calls only. */

/* End as the program ended. */
static _Noreturn void end_alike(int status)
{
    sigset_t none;
    if (WIFEXITED(status)) _exit(WEXITSTATUS(status));
    prctl(PR_SET_DUMPABLE, 0); /* the program has left its core, if it is to leave one */
    signal(WTERMSIG(status), SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    raise(WTERMSIG(status));
    _exit(128 + WTERMSIG(status));
}

/* Numbers of processes as /proc lists them, each ended by a blank: kill them. One that is cut at
 * the end of what was read has no blank and waits for the next round. */
static void kill_listed(const char *text, size_t n)
{
    pid_t pid = 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] >= '0' && text[i] <= '9') {
            pid = pid * 10 + (text[i] - '0');
            continue;
        }
        if (pid > 1) kill(pid, SIGKILL);
        pid = 0;
    }
}

static void kill_children(void)
{
    char text[4096];
    int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text) : -1;
    if (fd >= 0) close(fd);
    if (n > 0) kill_listed(text, (size_t)n);
}

/* Reap what has ended. False: no child is left. */
static bool reap(pid_t program, int *status, bool *over)
{
    int ending;
    pid_t ended;
    while ((ended = waitpid(-1, &ending, WNOHANG)) > 0) {
        if (ended != program) continue;
        *status = ending;
        *over = true;
    }
    return !(ended < 0 && errno == ECHILD);
}

/* Kill the program and all that came of it, in whatever group or session: what a killed parent
 * leaves comes to the guard (PR_SET_CHILD_SUBREAPER), and is found in the next round. One that the
 * kernel does not let go of in END_ROUNDS is left to it. */
static void end_descendants(pid_t program, int *status, bool *over)
{
    const struct timespec nap = {.tv_nsec = 2000000};
    if (!*over) kill(program, SIGKILL);
    for (int i = 0; i < END_ROUNDS && reap(program, status, over); i++) {
        kill_children();
        nanosleep(&nap, NULL);
    }
}

/* The first child leads the process group and stands guard over the program, its own child: when
 * the daemon dies, or asks (SIGTERM), it ends everything that came of the program.
 * PR_SET_PDEATHSIG alone would reach only the program, and make, cc and git's helpers would go on
 * writing. */
static _Noreturn void stand_guard(pid_t program, const sigset_t *awaited)
{
    int status = SIGKILL; /* the wait status of one that was killed */
    bool over = false;
    close_range(0, ~0u, 0);
    for (;;) {
        int got = sigwaitinfo(awaited, NULL);
        reap(program, &status, &over);
        if (got != SIGTERM && !over) continue;
        end_descendants(program, &status, &over);
        end_alike(status);
    }
}

struct start {
    const struct tide_command *command;
    char **environment;
    pid_t guard; /* the program's parent */
    int out;     /* becomes its standard output */
};

static _Noreturn __attribute__((noinline)) void become(const struct start *s)
{
    const struct tide_command *c = s->command;
    sigset_t none;
    int null = open("/dev/null", O_RDWR);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != s->guard) _exit(TIDE_PROCESS_NO_START); /* it died before prctl */
    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int err = c->log >= 0 ? c->log : null, in = c->input ? open(c->input, O_RDONLY) : null;
    if (dup2(in, 0) < 0 || dup2(c->log_output ? err : s->out, 1) < 0 || dup2(err, 2) < 0)
        _exit(TIDE_PROCESS_NO_START);
    close_range(3, ~0u, 0);
    if (c->folder && chdir(c->folder)) _exit(126);
    execvpe(c->argv[0], (char *const *)c->argv, s->environment);
    _exit(TIDE_PROCESS_NO_START);
}

/* The guard has no other thread and waits until the program stands, so that they can share their
 * memory that long: a copy of it is dear. */
static pid_t start_program(const struct start *s)
{
    pid_t program = vfork();
    if (program == 0) become(s);
    return program;
}

/* `awaited` is blocked: a signal that came before the guard stands would end it, and be lost. */
static _Noreturn void start_guarded(struct start *s, pid_t daemon, const sigset_t *awaited)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    prctl(PR_SET_CHILD_SUBREAPER, 1UL);
    if (getppid() != daemon) _exit(TIDE_PROCESS_NO_START); /* it died before prctl */
    s->guard = getpid();
    pid_t program = start_program(s);
    if (program < 0) _exit(TIDE_PROCESS_NO_START);
    stand_guard(program, awaited);
}

static pid_t fork_guard(struct start *s)
{
    sigset_t awaited, before;
    pid_t parent = getpid();
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGTERM);
    sigaddset(&awaited, SIGCHLD);
    pthread_sigmask(SIG_BLOCK, &awaited, &before);
    pid_t pid = fork();
    if (pid == 0) start_guarded(s, parent, &awaited);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pid;
}

static bool is_set_again(const char *entry, const char *const *changes)
{
    size_t name = strcspn(entry, "=") + 1;
    for (; *changes; changes++)
        if (!strncmp(entry, *changes, name)) return true;
    return false;
}

/* Our environment with the command's changes, in new memory (the array only). */
static char **make_environment(const struct tide_command *c)
{
    static const char *const none[] = {NULL};
    const char *const *changes = c->environment ? c->environment : none;
    size_t n = 0;
    while (environ[n])
        n++;
    size_t m = 0;
    while (changes[m])
        m++;
    char **all = calloc(n + m + 1, sizeof *all);
    if (!all) return NULL;
    size_t used = 0;
    for (size_t i = 0; i < n; i++)
        if (!is_set_again(environ[i], changes)) all[used++] = environ[i];
    for (size_t i = 0; i < m; i++)
        all[used++] = (char *)changes[i];
    return all;
}

enum tide_rc tide_process_start(const struct tide_command *c, struct tide_process *p,
                                struct tide_error *e)
{
    int ends[2] = {-1, -1};
    enum tide_rc rc = TIDE_OK;
    *p = (struct tide_process){.out = -1};
    char **environment = make_environment(c);
    if (!environment) return tide_fail(e, TIDE_NOMEM, "start %s", c->argv[0]);
    if (!c->log_output && pipe2(ends, O_CLOEXEC)) {
        rc = tide_fail_errno(e, "make a pipe for %s", c->argv[0]);
        goto out;
    }
    struct start start = {.command = c, .environment = environment, .out = ends[1]};
    pid_t pid = fork_guard(&start);
    if (pid < 0) {
        rc = tide_fail_errno(e, "start %s", c->argv[0]);
        goto out;
    }
    setpgid(pid, pid); /* both sides do it, so that the group stands before anyone kills it */
    p->pid = pid;
    p->out = ends[0];
    ends[0] = -1;
    if (p->out >= 0) fcntl(p->out, F_SETFL, O_NONBLOCK);
out:
    if (ends[0] >= 0) close(ends[0]);
    if (ends[1] >= 0) close(ends[1]);
    free(environment);
    return rc;
}

int tide_process_end(struct tide_process *p, bool now)
{
    int status = 0;
    if (p->pid > 0) {
        if (now) kill(p->pid, SIGTERM); /* the guard's to do */
        while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR) {}
        kill(-p->pid, SIGKILL); /* what it left behind in its group */
    }
    if (p->pid > 0 && p->out >= 0) close(p->out);
    *p = (struct tide_process){.out = -1};
    return status;
}

/* Read what stands in the pipe; false at its end. */
static bool drain(int fd, struct tide_str *out)
{
    char block[65536];
    for (;;) {
        ssize_t n = read(fd, block, sizeof block);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return false;
        if (n < 0) return true;
        if (out) tide_str_add(out, block, (size_t)n);
    }
}

static enum tide_rc describe_status(const char *program, int status, struct tide_error *e)
{
    if (WIFSIGNALED(status))
        return tide_fail(e, TIDE_FAILED, "%s was killed by signal %d (%s)", program,
                         WTERMSIG(status), strsignal(WTERMSIG(status)));
    if (WEXITSTATUS(status) == TIDE_PROCESS_NO_START)
        return tide_fail(e, TIDE_FAILED, "%s cannot be started: is it installed?", program);
    if (WEXITSTATUS(status))
        return tide_fail(e, TIDE_FAILED, "%s exited with %d", program, WEXITSTATUS(status));
    return TIDE_OK;
}

bool tide_process_has_ended(const struct tide_process *p)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid;
}

/* Wait until the child has closed its output and ended. `ending` polls readable when it has; -1
 * where the kernel has no such thing, and the tick notices. */
static enum tide_rc attend(const struct tide_command *c, const struct tide_process *p, int ending,
                           struct tide_str *out, struct tide_error *e)
{
    int64_t end = tide_clock_monotonic_ns() + (int64_t)c->deadline_s * 1000000000;
    bool reading = p->out >= 0;
    for (;;) {
        struct pollfd watch[] = {{.fd = reading ? p->out : -1, .events = POLLIN},
                                 {.fd = reading ? -1 : ending, .events = POLLIN}};
        poll(watch, 2, POLL_MS);
        if (watch[0].revents) reading = drain(p->out, out);
        if (out && out->failed)
            return tide_fail(e, TIDE_FAILED, "%s: more output than allowed", c->argv[0]);
        if (!reading && tide_process_has_ended(p)) return TIDE_OK;
        if (c->stop && *c->stop) return tide_fail(e, TIDE_STOPPED, "%s: stopped", c->argv[0]);
        if (c->deadline_s && tide_clock_monotonic_ns() > end)
            return tide_fail(e, TIDE_FAILED, "%s passed its deadline of %d s", c->argv[0],
                             c->deadline_s);
    }
}

enum tide_rc tide_process_run(const struct tide_command *c, struct tide_str *out,
                              struct tide_error *e)
{
    struct tide_process p;
    enum tide_rc rc = tide_process_start(c, &p, e);
    if (rc) return rc;
    int ending = pidfd_open(p.pid, 0);
    rc = attend(c, &p, ending, out, e);
    if (ending >= 0) close(ending);
    int status = tide_process_end(&p, rc != TIDE_OK);
    if (c->status) *c->status = status;
    return rc ? rc : describe_status(c->argv[0], status, e);
}
