/* sampler.c - reads /proc/PID/statm (RSS and its file part) and now and then VmHWM from
 * /proc/PID/status.
 *
 * statm is one short line and costs about a third of a microsecond; status is text of fifty lines
 * and costs ten times that, so it is read at one tick in STATUS_EVERY only: enough that a process
 * killed in the middle of a call leaves a mark (proc_pid_statm(5), proc_pid_status(5)). Since
 * Linux 6.2 the counters are per CPU and the mark may trail by some tens of pages.
 *
 * Descendants are looked for rarely, since that walks folders, and read by path: a descriptor each
 * would be many, and a pid that was given to another process meanwhile is not theirs any more. */
#define _GNU_SOURCE 1
#include "sampler.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { STATUS_EVERY = 16, FAMILY_MAX = 2 * TIDE_CHILDREN_MAX };
#define LOOK_NS UINT64_C(10000000)

static uint64_t read_clock(clockid_t clock)
{
    struct timespec t;

    if (clock_gettime(clock, &t) != 0) return 0;
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t tide_clock_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

static int open_proc(pid_t pid, const char *file)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    return open(path, O_RDONLY | O_CLOEXEC);
}

int tide_sampler_open(struct tide_sampler *s, pid_t pid)
{
    memset(s, 0, sizeof *s);
    s->page = (uint64_t)sysconf(_SC_PAGESIZE);
    s->statm = open_proc(pid, "statm");
    s->status = open_proc(pid, "status");
    s->pid = pid;
    s->cpu_known = clock_getcpuclockid(pid, &s->cpu) == 0;
    return s->statm < 0 || s->status < 0 ? errno : 0;
}

void tide_sampler_close(struct tide_sampler *s)
{
    if (s->statm >= 0) close(s->statm);
    if (s->status >= 0) close(s->status);
    s->statm = s->status = -1;
}

/* VmHWM in bytes, 0 when it cannot be read. */
static uint64_t read_peak(const struct tide_sampler *s)
{
    char text[4096];
    ssize_t n = pread(s->status, text, sizeof text - 1, 0);
    const char *line;

    if (n <= 0) return 0;
    text[n] = 0;
    line = strstr(text, "VmHWM:");
    return line ? strtoull(line + 6, NULL, 10) * 1024 : 0;
}

void tide_sampler_take(struct tide_sampler *s)
{
    struct tide_record *r = &s->held[(s->first + s->count) % TIDE_SAMPLER_HELD];
    char text[128], *at = text;
    ssize_t n;

    if (s->count == TIDE_SAMPLER_HELD) return;
    memset(r, 0, sizeof *r);
    r->kind = TIDE_SAMPLE;
    r->t_ns = tide_clock_ns();
    n = pread(s->statm, text, sizeof text - 1, 0);
    if (n <= 0) return;
    text[n] = 0;
    if (strtoull(at, &at, 10) == 0) return; /* total size 0: a zombie */
    r->rss = strtoull(at, &at, 10) * s->page;
    r->file_rss = strtoull(at, &at, 10) * s->page;
    r->anonymous = r->rss > r->file_rss ? r->rss - r->file_rss : 0;
    if (s->taken % STATUS_EVERY == 0) r->peak = read_peak(s);
    if (r->peak && s->cpu_known) r->cpu_ns = read_clock(s->cpu);
    s->taken++;
    s->count++;
}

void tide_sampler_insert(struct tide_sampler *s, const struct tide_record *event)
{
    unsigned i = s->count;

    if (s->count == TIDE_SAMPLER_HELD) return;
    for (; i > 0; i--) {
        const struct tide_record *before = &s->held[(s->first + i - 1) % TIDE_SAMPLER_HELD];
        if (before->t_ns <= event->t_ns) break;
        s->held[(s->first + i) % TIDE_SAMPLER_HELD] = *before;
    }
    s->held[(s->first + i) % TIDE_SAMPLER_HELD] = *event;
    s->count++;
}

const struct tide_record *tide_sampler_oldest(const struct tide_sampler *s)
{
    return s->count ? &s->held[s->first] : NULL;
}

void tide_sampler_drop_oldest(struct tide_sampler *s)
{
    s->first = (s->first + 1) % TIDE_SAMPLER_HELD;
    s->count--;
}

/* ---- children ---- */

/* Append the pids that a file "children" lists (proc_tid_children(5)), but for `but`. */
static unsigned read_list(const char *path, pid_t but, pid_t *pids, unsigned count)
{
    char text[4096], *at = text, *next;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0) return count;
    n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    for (long pid = strtol(at, &next, 10); next != at; pid = strtol(at, &next, 10)) {
        if (pid > 1 && pid != but && count < FAMILY_MAX) pids[count++] = (pid_t)pid;
        at = next;
    }
    return count;
}

/* Append the children of every thread of `pid`. */
static unsigned read_children(pid_t pid, pid_t but, pid_t *pids, unsigned count)
{
    char path[320];
    struct dirent *entry;
    DIR *tasks;

    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    tasks = opendir(path);
    while (tasks && (entry = readdir(tasks))) {
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "/proc/%d/task/%s/children", (int)pid, entry->d_name);
        count = read_list(path, but, pids, count);
    }
    if (tasks) closedir(tasks);
    return count;
}

/* 0 when the process is gone or a zombie. */
static uint64_t read_child_rss(const struct tide_sampler *s, pid_t pid)
{
    char text[128], *at = text;
    int fd = open_proc(pid, "statm");
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;

    if (fd >= 0) close(fd);
    text[n > 0 ? n : 0] = 0;
    return strtoull(at, &at, 10) == 0 ? 0 : strtoull(at, &at, 10) * s->page;
}

static void record_child(struct tide_sampler *s, struct tide_child *child, uint64_t rss)
{
    struct tide_record r = {.kind = TIDE_CHILD, .thread = (uint32_t)child->pid, .rss = rss};

    if (rss == child->rss) return;
    r.t_ns = tide_clock_ns();
    child->rss = rss;
    tide_sampler_insert(s, &r);
}

static void follow_child(struct tide_sampler *s, pid_t pid)
{
    struct tide_child *child = NULL;
    uint64_t rss = read_child_rss(s, pid);

    for (unsigned i = 0; i < s->children_count && !child; i++)
        if (s->children[i].pid == pid) child = &s->children[i];
    if (!child && (rss == 0 || s->children_count == TIDE_CHILDREN_MAX)) return;
    if (!child) {
        child = &s->children[s->children_count++];
        *child = (struct tide_child){.pid = pid};
    }
    child->found = rss != 0;
    record_child(s, child, rss);
}

void tide_sampler_take_children(struct tide_sampler *s)
{
    uint64_t now = tide_clock_ns();
    pid_t family[FAMILY_MAX];
    unsigned count;

    if (s->statm < 0 || now - s->looked_ns < LOOK_NS) return;
    s->looked_ns = now;
    for (unsigned i = 0; i < s->children_count; i++)
        s->children[i].found = false;
    count = read_children(getpid(), s->pid, family, 0);
    count = read_children(s->pid, 0, family, count);
    for (unsigned i = 0; i < count; i++) {
        follow_child(s, family[i]);
        count = read_children(family[i], 0, family, count);
    }
    for (unsigned i = 0; i < s->children_count; i++) {
        struct tide_child *child = &s->children[i];
        if (child->found) continue;
        record_child(s, child, 0);
        *child = s->children[--s->children_count];
        i--;
    }
}
