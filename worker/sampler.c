/* sampler.c - reads /proc/PID/statm (RSS and its file part) and now and then VmHWM from
 * /proc/PID/status.
 *
 * statm is one short line and costs about a third of a microsecond; status is text of fifty lines
 * and costs ten times that, so it is read at one tick in STATUS_EVERY only: enough that a process
 * killed in the middle of a call leaves a mark (proc_pid_statm(5), proc_pid_status(5)). Since
 * Linux 6.2 the counters are per CPU and the mark may trail by some tens of pages. */
#define _GNU_SOURCE 1
#include "sampler.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { STATUS_EVERY = 16 };

uint64_t tide_clock_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
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
    s->taken++;
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
