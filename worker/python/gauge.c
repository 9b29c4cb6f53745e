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
#include <sys/mman.h>
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
    g->smaps = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC); /* since Linux 4.14 */
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
    if (g->smaps >= 0) close(g->smaps);
    g->statm = g->status = g->clear_refs = g->smaps = -1;
}

/* ---- smaps_rollup ---- */

/* Bytes of the line that starts with `label` (proc_pid_smaps(5)), 0 when there is none. */
static uint64_t size_of(const char *text, const char *label)
{
    const char *line = strstr(text, label);

    return line ? strtoull(line + strlen(label), NULL, 10) * 1024 : 0;
}

bool tide_gauge_smaps(const struct tide_gauge *g, struct tide_record *r)
{
    char text[4096];
    ssize_t n = g->smaps >= 0 ? pread(g->smaps, text, sizeof text - 1, 0) : -1;

    if (n <= 0) return false;
    text[n] = 0;
    r->pss = size_of(text, "\nPss:");
    r->uss = size_of(text, "\nPrivate_Clean:") + size_of(text, "\nPrivate_Dirty:") +
             size_of(text, "\nPrivate_Hugetlb:");
    r->swap = size_of(text, "\nSwap:");
    return true;
}

/* ---- how exact all this is here ---- */

enum { PROBE_BYTES = 4 << 20, ROUNDS = 5 };

static uint64_t apart(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

/* Touch `size` bytes in one call, where the kernel can (Linux 5.14), else one by one. */
static void populate(volatile char *at, size_t size, size_t page)
{
#if defined(MADV_POPULATE_WRITE)
    if (madvise((void *)at, size, MADV_POPULATE_WRITE) == 0) return;
#endif
    for (size_t i = 0; i < size; i += page)
        at[i] = 1;
}

/* Map, touch and unmap `size` bytes; false when there is no memory for it. */
static bool measure_once(const struct tide_gauge *g, size_t size, struct tide_errors *e)
{
    uint64_t before, held, start, touched, given, mark;
    char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at == MAP_FAILED) return false;
    madvise(at, size, MADV_NOHUGEPAGE);
    tide_gauge_reset(g);
    before = tide_gauge_rss(g);
    start = tide_clock_read(CLOCK_MONOTONIC);
    populate(at, size, g->page);
    touched = tide_clock_read(CLOCK_MONOTONIC) - start;
    held = tide_gauge_rss(g);
    start = tide_clock_read(CLOCK_MONOTONIC);
    munmap(at, size);
    given = tide_clock_read(CLOCK_MONOTONIC) - start;
    mark = g->fast ? mark_of_usage(g) : mark_of_status(g);
    e->rss = apart((held - before) * g->page, size);
    e->mark = held > mark ? (held - mark) * g->page : 0;
    if (given < touched) touched = given;
    e->rate = (double)size / (double)(touched ? touched : 1);
    return true;
}

struct tide_errors tide_gauge_measure(const struct tide_gauge *g)
{
    struct tide_errors worst = {0};

    for (int round = 0; round < ROUNDS; round++) {
        for (size_t size = g->page; size <= PROBE_BYTES; size *= 4) {
            struct tide_errors e;
            if (!measure_once(g, size, &e)) continue;
            if (e.rss > worst.rss) worst.rss = e.rss;
            if (e.mark > worst.mark) worst.mark = e.mark;
            /* in small pieces the system calls themselves weigh; the largest tell the rate */
            if (size == PROBE_BYTES && e.rate > worst.rate) worst.rate = e.rate;
        }
    }
    tide_gauge_reset(g);
    return worst;
}
