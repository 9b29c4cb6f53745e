/* gauge.c - RSS of this process, and the highest it has been.
 *
 * RSS is the second number of /proc/self/statm. The tide mark is the kernel's mm->hiwater_rss,
 * brought back to the present RSS by writing "5" to /proc/self/clear_refs (proc_pid_clear_refs(5)).
 *
 * There are two ways to read the mark. VmHWM of /proc/self/status is what is meant, at 2.4 us and
 * more. ru_maxrss of getrusage(2) costs a tenth and follows the reset too, but differs in two ways:
 *   - it never falls below the RSS that the process had before its exec (the probe's, so less than
 * an interpreter has, but a launcher in between could be large): checked once, at open;
 *   - since Linux 6.2 its "present RSS" is an estimate of per-CPU counters, up to 128 KiB low with
 * two CPUs as measured with 64 KiB to 1 MiB held. VmHWM adds them up. statm does as well, and every
 *     reader of the mark has just read that: the greater of the two equals VmHWM.
 * A peak that has gone again when the mark is read is as exact as the kernel's own record of it, by
 * either way. */
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ru_maxrss counts as inherited when it is this much above VmHWM: more than the counters may err.
 */
enum { INHERITED = 1 << 20 };

uint32_t tide_gauge_rss(const struct tide_gauge *g)
{
    char text[64];
    ssize_t n = pread(g->statm, text, sizeof text - 1, 0);
    const char *at = text;
    uint32_t pages = 0;

    text[n > 0 ? n : 0] = 0;
    while (*at > ' ')
        at++;
    for (at += *at == ' '; *at >= '0' && *at <= '9'; at++)
        pages = 10 * pages + (uint32_t)(*at - '0');
    return pages;
}

static uint32_t mark_of_status(const struct tide_gauge *g)
{
    char text[4096];
    ssize_t n = pread(g->status, text, sizeof text - 1, 0);
    const char *line;

    text[n > 0 ? n : 0] = 0;
    line = strstr(text, "VmHWM:");
    return line ? (uint32_t)(strtoull(line + 6, NULL, 10) * 1024 / g->page) : 0;
}

static uint32_t mark_of_usage(const struct tide_gauge *g)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (uint32_t)((uint64_t)usage.ru_maxrss * 1024 / g->page);
}

uint32_t tide_gauge_mark(const struct tide_gauge *g, uint32_t rss)
{
    uint32_t mark = g->fast ? mark_of_usage(g) : mark_of_status(g);

    return mark > rss ? mark : rss;
}

/* Without clear_refs the mark is that of the whole run so far: too high for a phase, never too low.
 */
void tide_gauge_reset(const struct tide_gauge *g)
{
    if (g->clear_refs >= 0 && pwrite(g->clear_refs, "5", 1, 0) != 1) return;
}

const char *tide_gauge_source(const struct tide_gauge *g)
{
    if (g->clear_refs < 0) return "VmHWM without reset";
    return g->fast ? "ru_maxrss" : "VmHWM";
}

int tide_gauge_open(struct tide_gauge *g)
{
    g->page = (uint32_t)sysconf(_SC_PAGESIZE);
    g->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    g->status = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    if (g->statm < 0 || g->status < 0) return errno;
    g->clear_refs = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    tide_gauge_reset(g);
    g->fast = g->clear_refs >= 0 && mark_of_usage(g) <= mark_of_status(g) + INHERITED / g->page;
    return 0;
}

void tide_gauge_close(struct tide_gauge *g)
{
    if (g->statm >= 0) close(g->statm);
    if (g->status >= 0) close(g->status);
    if (g->clear_refs >= 0) close(g->clear_refs);
    g->statm = g->status = g->clear_refs = -1;
}
