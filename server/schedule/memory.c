/* memory.c - see memory.h. Control groups by docs.kernel.org/admin-guide/cgroup-v2: memory.max
 * bounds a group and all under it; of memory.current the inactive file pages are given up first.
 * Version 1 has the same under other names. */
#include "schedule/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_ROOM 4096

/* The number after `label` in a file of lines "label NUMBER" (label "": the first line is the
 * number); -1 when there is none, as of "max". */
static int64_t read_number(const char *folder, const char *name, const char *label)
{
    char path[PATH_ROOM + 64], line[256];
    int64_t found = -1;
    size_t n = strlen(label);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "re");
    while (f && found < 0 && fgets(line, sizeof line, f)) {
        char *end = NULL;
        if (strncmp(line, label, n) != 0) continue;
        long long value = strtoll(line + n, &end, 10);
        if (end != line + n) found = value;
        if (!n) break;
    }
    if (f) fclose(f);
    return found;
}

static void narrow(struct tide_memory *m, int64_t limit, int64_t used, int64_t inactive)
{
    if (limit < 0 || used < 0) return;
    int64_t left = limit - used + (inactive > 0 ? inactive : 0);
    if (limit < m->total) m->total = limit;
    if (left < m->available) m->available = left > 0 ? left : 0;
}

/* Version 2: our group and every one above it. */
static void narrow_by_groups(struct tide_memory *m, const char *group)
{
    char folder[PATH_ROOM];
    static const char root[] = "/sys/fs/cgroup";
    int n = snprintf(folder, sizeof folder, "%s%s", root, group);
    if (n < 0 || (size_t)n >= sizeof folder) return;
    while (strlen(folder) >= sizeof root - 1) {
        narrow(m, read_number(folder, "memory.max", ""), read_number(folder, "memory.current", ""),
               read_number(folder, "memory.stat", "inactive_file "));
        char *slash = strrchr(folder, '/');
        if (!slash) return;
        *slash = '\0';
    }
}

static void narrow_by_old_group(struct tide_memory *m, const char *group)
{
    char folder[PATH_ROOM];
    int n = snprintf(folder, sizeof folder, "/sys/fs/cgroup/memory%s", group);
    if (n < 0 || (size_t)n >= sizeof folder) return;
    narrow(m, read_number(folder, "memory.limit_in_bytes", ""),
           read_number(folder, "memory.usage_in_bytes", ""),
           read_number(folder, "memory.stat", "total_inactive_file "));
}

void tide_memory_read(struct tide_memory *out)
{
    char line[PATH_ROOM];
    int64_t total = read_number("/proc", "meminfo", "MemTotal:"),
            available = read_number("/proc", "meminfo", "MemAvailable:");
    *out = (struct tide_memory){total < 0 ? INT64_MAX : total * 1024,
                                available < 0 ? INT64_MAX : available * 1024};
    FILE *f = fopen("/proc/self/cgroup", "re");
    while (f && fgets(line, sizeof line, f)) {
        char *controllers = strchr(line, ':'),
             *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group) continue;
        *group++ = '\0';
        group[strcspn(group, "\n")] = '\0';
        if (!controllers[1])
            narrow_by_groups(out, group);
        else if (strstr(controllers, "memory"))
            narrow_by_old_group(out, group);
    }
    if (f) fclose(f);
}
