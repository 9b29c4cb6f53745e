/* doctor_host.c - CPUs, memory, limits, disk and port of this host. */
#include "cli/doctor.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "cli/client.h"
#include "cli/terminal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#define PORT         8421
#define MEMORY_LEAST (INT64_C(2) << 30)
#define DISK_LITTLE  (INT64_C(5) << 30)
#define DISK_LEAST   (INT64_C(512) << 20)
#define FILES_LEAST  1024

static void check_cpus(struct tide_findings *f)
{
    cpu_set_t set;
    char isolated[256];
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    int ours = sched_getaffinity(0, sizeof set, &set) ? (int)online : CPU_COUNT(&set);
    tide_doctor_line("/sys/devices/system/cpu/isolated", isolated);
    tide_find(f, "CPUs", ours < 2 ? TIDE_HEALTH_WARN : TIDE_HEALTH_OK,
              "The sampler and the run share the only CPU: give the daemon two.",
              "%d of %ld, isolated: %s", ours, online, *isolated ? isolated : "none");
}

static void check_frequency(struct tide_findings *f)
{
    char governor[256];
    tide_doctor_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", governor);
    bool moves = *governor && strcmp(governor, "performance") != 0;
    tide_find(f, "CPU frequency", moves ? TIDE_HEALTH_WARN : TIDE_HEALTH_OK,
              "Times differ with the frequency: cpupower frequency-set -g performance.",
              *governor ? "governor %s" : "%snot governed here (a virtual machine)",
              *governor ? governor : "");
}

static void check_load(struct tide_findings *f)
{
    char line[256];
    double load = strtod(tide_doctor_line("/proc/loadavg", line), NULL);
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    tide_find(f, "load", load > (double)cpus / 2 ? TIDE_HEALTH_WARN : TIDE_HEALTH_OK,
              "Other programs are at work: times are not worth much until they end.",
              "%.2f in the last minute on %ld CPUs", load, cpus);
}

/* A line of /proc/meminfo in bytes. */
static int64_t read_memory(const char *name)
{
    char line[256];
    int64_t bytes = 0;
    FILE *file = fopen("/proc/meminfo", "re");
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, name, strlen(name)))
            bytes = strtoll(line + strlen(name) + 1, NULL, 10) * 1024;
    if (file) fclose(file);
    return bytes;
}

static void check_memory(struct tide_findings *f)
{
    char free_text[24], total_text[24], swap_text[24];
    int64_t available = read_memory("MemAvailable:"), swap = read_memory("SwapTotal:");
    tide_find(
        f, "memory", available < MEMORY_LEAST ? TIDE_HEALTH_WARN : TIDE_HEALTH_OK,
        "Scenarios at full size hold about 1 GiB more than once: use --size demo, or free some.",
        "%s available of %s", tide_size_text(available, free_text),
        tide_size_text(read_memory("MemTotal:"), total_text));
    tide_find(f, "swap", swap ? TIDE_HEALTH_WARN : TIDE_HEALTH_OK,
              "RSS falls when pages are swapped out: swapoff -a, or run the daemon in a unit with "
              "MemorySwapMax=0.",
              swap ? "%s" : "%snone", swap ? tide_size_text(swap, swap_text) : "");
}

/* The smallest number in `name` of our cgroup and those above it (version 2); -1: no limit. */
static int64_t read_limit(const char *group, const char *name)
{
    char *folder = tide_format("/sys/fs/cgroup%s", group);
    int64_t least = -1;
    while (folder && strlen(folder) >= strlen("/sys/fs/cgroup")) {
        char line[256];
        char *path = tide_format("%s/%s", folder, name);
        if (path && *tide_doctor_line(path, line) && *line >= '0' && *line <= '9') {
            int64_t limit = strtoll(line, NULL, 10);
            if (least < 0 || limit < least) least = limit;
        }
        free(path);
        char *slash = strrchr(folder, '/');
        *slash = '\0';
    }
    free(folder);
    return least;
}

static void check_limits(struct tide_findings *f)
{
    char line[256], size[24];
    tide_doctor_line("/proc/self/cgroup", line);
    const char *group = strncmp(line, "0::", 3) ? "" : line + 3;
    int64_t memory = read_limit(strcmp(group, "/") ? group : "", "memory.max");
    int64_t quota = read_limit(strcmp(group, "/") ? group : "", "cpu.max");
    tide_find(f, "memory limit",
              memory >= 0 && memory < MEMORY_LEAST ? TIDE_HEALTH_WARN : TIDE_HEALTH_OK,
              "Runs that need more are killed: raise memory.max of the container or unit.",
              memory < 0 ? "none by a control group%s" : "%s by a control group",
              memory < 0 ? "" : tide_size_text(memory, size));
    tide_find(f, "CPU limit", quota >= 0 ? TIDE_HEALTH_WARN : TIDE_HEALTH_OK,
              "A process that used its quota stands still: times jump. Remove cpu.max.",
              quota < 0 ? "none by a control group" : "%lld us of a period by a control group",
              (long long)quota);
}

/* Kinds of file system that are good or bad for a database, by the number of statfs(2). */
static const struct kind {
    unsigned long magic;
    const char *name;
    enum tide_health health;
    const char *advice;
} kinds[] = {
    {EXT4_SUPER_MAGIC, "ext4", TIDE_HEALTH_OK, NULL},
    {XFS_SUPER_MAGIC, "xfs", TIDE_HEALTH_OK, NULL},
    {BTRFS_SUPER_MAGIC, "btrfs", TIDE_HEALTH_WARN,
     "Copying on write makes the database slow: chattr +C on the empty data folder."},
    {OVERLAYFS_SUPER_MAGIC, "overlay", TIDE_HEALTH_WARN,
     "The data goes with the container: put the data folder on a volume."},
    {TMPFS_MAGIC, "tmpfs", TIDE_HEALTH_WARN,
     "The data is gone after a reboot and takes memory: name another --data."},
    {NFS_SUPER_MAGIC, "nfs", TIDE_HEALTH_FAIL,
     "SQLite's WAL needs shared memory, which network file systems lack: name a local --data."},
    {0xff534d42, "cifs", TIDE_HEALTH_FAIL,
     "SQLite's WAL needs shared memory, which network file systems lack: name a local --data."},
};

static void check_kind(struct tide_findings *f, const char *folder)
{
    struct statfs facts;
    if (statfs(folder, &facts)) return;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].magic == (unsigned long)facts.f_type) {
            tide_find(f, "file system", kinds[i].health, kinds[i].advice, "%s at %s", kinds[i].name,
                      folder);
            return;
        }
    tide_find(f, "file system", TIDE_HEALTH_OK, NULL, "of kind 0x%lx at %s",
              (unsigned long)facts.f_type, folder);
}

/* Milliseconds of a small file that is written and synced, as each commit of the database is. */
static double measure_sync(const char *folder)
{
    char *path = tide_format("%s/doctor.XXXXXX", folder);
    int fd = path ? mkostemp(path, O_CLOEXEC) : -1;
    char block[4096] = {0};
    int64_t began = tide_clock_monotonic_ns();
    bool done = fd >= 0 && write(fd, block, sizeof block) == (ssize_t)sizeof block && !fsync(fd);
    double ms = done ? (double)(tide_clock_monotonic_ns() - began) / 1e6 : -1;
    if (fd >= 0) {
        close(fd);
        unlink(path);
    }
    free(path);
    return ms;
}

static void check_disk(struct tide_findings *f, const char *folder)
{
    struct statvfs facts;
    char left_text[24];
    if (statvfs(folder, &facts)) {
        tide_find(f, "disk", TIDE_HEALTH_FAIL, "Name another --data.", "%s: %s", folder,
                  strerror(errno));
        return;
    }
    int64_t left = (int64_t)facts.f_bavail * (int64_t)facts.f_frsize;
    tide_find(
        f, "disk",
        left < DISK_LEAST    ? TIDE_HEALTH_FAIL
        : left < DISK_LITTLE ? TIDE_HEALTH_WARN
                             : TIDE_HEALTH_OK,
        "Builds and curves need room: `tidemark gc`, a smaller cache_bytes, or another --data.",
        "%s free at %s", tide_size_text(left, left_text), folder);
    double ms = measure_sync(folder);
    if (ms < 0)
        tide_find(f, "writing", TIDE_HEALTH_FAIL, "Give this user the right to write there.",
                  "%s cannot be written", folder);
    else
        tide_find(f, "writing", ms > 100 ? TIDE_HEALTH_WARN : TIDE_HEALTH_OK,
                  "Storing takes long on this disk: put the data folder on another.",
                  "%.1f ms until a write is on the disk", ms);
    check_kind(f, folder);
}

/* Whether the daemon's usual port can be had. */
static void check_port(struct tide_findings *f, const char *data)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int yes = 1;
    char *url = NULL;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    bool taken = fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address);
    if (fd >= 0) close(fd);
    if (!tide_client_url(data, &url, NULL))
        tide_find(f, "port", TIDE_HEALTH_OK, NULL, "a daemon serves this folder at %s", url);
    else
        tide_find(f, "port", taken ? TIDE_HEALTH_WARN : TIDE_HEALTH_OK,
                  "Another program has it: tidemark serve --listen 127.0.0.1:0 takes a free one.",
                  "127.0.0.1:%d is %s", PORT, taken ? "taken" : "free");
    free(url);
}

static void check_files(struct tide_findings *f)
{
    struct rlimit files = {0};
    getrlimit(RLIMIT_NOFILE, &files);
    tide_find(f, "open files", files.rlim_max < FILES_LEAST ? TIDE_HEALTH_WARN : TIDE_HEALTH_OK,
              "The daemon takes fewer watchers: raise it with ulimit -Hn or LimitNOFILE=.",
              "at most %llu", (unsigned long long)files.rlim_max);
}

void tide_doctor_host(struct tide_findings *f, const struct tide_config *c)
{
    check_cpus(f);
    check_frequency(f);
    check_load(f);
    check_memory(f);
    check_limits(f);
    check_files(f);
    check_disk(f, c->places.data);
    check_port(f, c->places.data);
}
