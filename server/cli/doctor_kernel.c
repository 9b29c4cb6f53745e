/* doctor_kernel.c - how this kernel counts memory and tells the time, measured on this process. */
#include "cli/doctor.h"

#include "base/clock.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/utsname.h>
#include <unistd.h>

#define PAGES      2048
#define READS      2000
#define SLOW_US    50 /* of a read of /proc: a sampler every millisecond would take 5 % of a CPU */
#define BEHIND_KIB 1024
#define LAG_PAGES  64 /* that Linux 6.2 and later keep on a CPU before they are counted */

/* Resident pages as statm has them; -1 when it cannot be read. */
static long read_resident(int statm)
{
    char text[128], *at;
    ssize_t n = pread(statm, text, sizeof text - 1, 0);
    if (n <= 0) return -1;
    text[n] = '\0';
    strtol(text, &at, 10);
    return strtol(at, NULL, 10);
}

/* A line of /proc/self/status in KiB; -1. */
static long read_status(const char *name)
{
    char line[256];
    long value = -1;
    FILE *file = fopen("/proc/self/status", "re");
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, name, strlen(name))) value = strtol(line + strlen(name) + 1, NULL, 10);
    if (file) fclose(file);
    return value;
}

/* Touch pages one by one; how far statm is behind at most. */
static long measure_lag(int statm, char *pages, size_t page)
{
    long lag = 0, before = read_resident(statm);
    for (long i = 0; i < PAGES; i++) {
        pages[(size_t)i * page] = 1;
        long behind = before + i + 1 - read_resident(statm);
        if (behind > lag) lag = behind;
    }
    return lag;
}

static void check_counters(struct tide_findings *f)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    int statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    char *pages =
        mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (statm < 0 || pages == MAP_FAILED) {
        tide_find(f, "resident set", TIDE_HEALTH_FAIL,
                  "Mount /proc; nothing can be measured without it.",
                  "/proc/self/statm cannot be read");
    } else {
        madvise(pages, PAGES * page, MADV_NOHUGEPAGE);
        long lag = measure_lag(statm, pages, page), peak = read_status("VmHWM:");
        long resident = read_resident(statm) * (long)(page / 1024);
        tide_find(
            f, "resident set", lag > LAG_PAGES ? TIDE_HEALTH_WARN : TIDE_HEALTH_OK,
            "Changes smaller than this cannot be told from none; the daemon records it with each "
            "run.",
            "statm is behind by up to %ld pages (%ld KiB)", lag, lag * (long)(page / 1024));
        long below = peak < 0 || peak > resident ? 0 : resident - peak;
        tide_find(
            f, "high-water mark",
            peak < 0             ? TIDE_HEALTH_FAIL
            : below > BEHIND_KIB ? TIDE_HEALTH_WARN
                                 : TIDE_HEALTH_OK,
            "Tide marks are read from VmHWM of /proc/PID/status: without it nothing is measured, "
            "and peaks smaller than what it is behind by are missed.",
            peak < 0 ? "this kernel has no VmHWM" : "VmHWM is behind by up to %ld KiB", below);
    }
    if (pages != MAP_FAILED) munmap(pages, PAGES * page);
    if (statm >= 0) close(statm);
}

/* Whether the mark comes down when it is reset. */
static void check_reset(struct tide_findings *f)
{
    static const char advice[] = "Peaks inside one call are not seen: the kernel needs "
                                 "CONFIG_PROC_PAGE_MONITOR, the container a writable /proc.";
    size_t size = 64u << 20;
    char *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) return;
    memset(block, 1, size);
    munmap(block, size);
    long before = read_status("VmHWM:");
    int reset = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    bool written = reset >= 0 && write(reset, "5", 1) == 1;
    if (reset >= 0) close(reset);
    long after = read_status("VmHWM:");
    if (!written)
        tide_find(f, "reset of the mark", TIDE_HEALTH_FAIL, advice,
                  "/proc/PID/clear_refs cannot be written");
    else
        tide_find(f, "reset of the mark",
                  before - after > 32 << 10 ? TIDE_HEALTH_OK : TIDE_HEALTH_FAIL, advice,
                  "from %ld KiB to %ld KiB", before, after);
}

static void check_reads(struct tide_findings *f)
{
    char text[4096];
    int statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    int rollup = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
    int64_t began = tide_clock_monotonic_ns();
    for (int i = 0; statm >= 0 && i < READS; i++)
        if (pread(statm, text, sizeof text, 0) <= 0) break;
    double each = (double)(tide_clock_monotonic_ns() - began) / READS / 1000;
    began = tide_clock_monotonic_ns();
    bool whole = rollup >= 0 && pread(rollup, text, sizeof text, 0) > 0;
    double proportional = (double)(tide_clock_monotonic_ns() - began) / 1000;
    tide_find(f, "reads of /proc", each > SLOW_US ? TIDE_HEALTH_WARN : TIDE_HEALTH_OK,
              "Sample less often (--interval-us): a virtual machine that emulates /proc is slow.",
              "%.1f us each; a sample every millisecond takes %.1f %% of a CPU", each, each / 10);
    if (whole)
        tide_find(f, "shares of pages", TIDE_HEALTH_OK, NULL,
                  "smaps_rollup is there (PSS, USS), %.0f us for this process", proportional);
    else
        tide_find(f, "shares of pages", TIDE_HEALTH_WARN,
                  "PSS and USS are not recorded: the kernel needs smaps_rollup (Linux 4.14).",
                  "smaps_rollup cannot be read");
    if (statm >= 0) close(statm);
    if (rollup >= 0) close(rollup);
}

static void check_pages(struct tide_findings *f)
{
    char line[256];
    tide_doctor_line("/sys/kernel/mm/transparent_hugepage/enabled", line);
    if (!*line)
        tide_find(f, "huge pages", TIDE_HEALTH_OK, NULL,
                  "this kernel has no transparent huge pages");
    else
        tide_find(f, "huge pages", strstr(line, "[always]") ? TIDE_HEALTH_WARN : TIDE_HEALTH_OK,
                  "RSS moves in steps of 2 MiB: echo madvise > "
                  "/sys/kernel/mm/transparent_hugepage/enabled",
                  "transparent huge pages: %s", line);
}

static void check_addresses(struct tide_findings *f)
{
    int before = personality(0xffffffff);
    bool off = before != -1 && personality((unsigned long)before | ADDR_NO_RANDOMIZE) != -1;
    if (off) personality((unsigned long)before);
    tide_find(
        f, "address layout", off ? TIDE_HEALTH_OK : TIDE_HEALTH_WARN,
        "Layouts differ from run to run by some pages: allow personality(2) in the container's "
        "seccomp profile.",
        off ? "randomisation can be switched off for runs"
            : "randomisation cannot be switched off");
}

static void check_clock(struct tide_findings *f)
{
    static const char *const slow[] = {"hpet", "acpi_pm", "jiffies", "refined-jiffies"};
    char line[256];
    bool bad = false;
    tide_doctor_line("/sys/devices/system/clocksource/clocksource0/current_clocksource", line);
    for (size_t i = 0; i < sizeof slow / sizeof *slow; i++)
        bad = bad || !strcmp(line, slow[i]);
    int64_t began = tide_clock_monotonic_ns();
    for (int i = 0; i < READS; i++)
        (void)tide_clock_monotonic_ns();
    double each = (double)(tide_clock_monotonic_ns() - began) / READS;
    tide_find(f, "clock", bad || each > 500 ? TIDE_HEALTH_WARN : TIDE_HEALTH_OK,
              "Each event reads the clock; tsc or kvm-clock is fast: boot with clocksource=tsc.",
              "%s, %.0f ns a look", *line ? line : "unknown source", each);
}

void tide_doctor_kernel(struct tide_findings *f)
{
    struct utsname name;
    if (!uname(&name))
        tide_find(f, "kernel", TIDE_HEALTH_OK, NULL, "%s %s, %s", name.sysname, name.release,
                  name.machine);
    check_counters(f);
    check_reset(f);
    check_reads(f);
    check_pages(f);
    check_addresses(f);
    check_clock(f);
}
