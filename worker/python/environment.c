/* environment.c - META "environment": what moves a result and only the process itself can tell.
 *
 * The facts are read, not assumed: ASLR, for one, stays on where a container forbids
 * personality(2). One JSON object, built in a fixed buffer; a fact that does not fit is an error,
 * never cut. */
#include "worker.h"

#include <gnu/libc-version.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/utsname.h>
#include <unistd.h>

extern char **environ;

struct json {
    char at[16384];
    size_t n;
    bool full;
};

__attribute__((format(printf, 2, 3))) static void put(struct json *j, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(j->at + j->n, sizeof j->at - j->n, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof j->at - j->n)
        j->full = true;
    else
        j->n += (size_t)n;
}

/* A quoted string. Bytes beyond ASCII go in as \u00XX: paths are the only place where they occur.
 */
static void put_string(struct json *j, const char *text)
{
    put(j, "\"");
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '"' || *p == '\\')
            put(j, "\\%c", *p);
        else if (*p < 0x20 || *p > 0x7e)
            put(j, "\\u%04x", *p);
        else
            put(j, "%c", *p);
    }
    put(j, "\"");
}

static void put_fact(struct json *j, const char *key, const char *text)
{
    put(j, "%s\"%s\":", j->at[j->n - 1] == '{' ? "" : ",", key);
    put_string(j, text);
}

/* The rest of the first line of `file` that starts with `label`, cut of blanks; "" when there is
 * none. */
static void read_line(const char *file, const char *label, char *out, size_t room)
{
    char line[1024];
    FILE *f = fopen(file, "re");

    *out = 0;
    if (!f) return;
    while (!*out && fgets(line, sizeof line, f)) {
        if (strncmp(line, label, strlen(label)) != 0) continue;
        const char *at = line + strlen(label);
        at += strspn(at, " \t:");
        snprintf(out, room, "%.*s", (int)strcspn(at, "\n"), at);
    }
    fclose(f);
}

/* The word in brackets is the mode in force: "always [madvise] never". */
static void put_thp(struct json *j)
{
    char modes[256], *from, *to;

    read_line("/sys/kernel/mm/transparent_hugepage/enabled", "", modes, sizeof modes);
    from = strchr(modes, '[');
    to = from ? strchr(from, ']') : NULL;
    if (to) *to = 0;
    put_fact(j, "thp", to ? from + 1 : "unknown");
}

static void put_machine(struct json *j)
{
    struct utsname u;
    char text[512];
    int persona = personality(0xffffffff);

    if (uname(&u) == 0) {
        put_fact(j, "kernel", u.release);
        put_fact(j, "kernel_build", u.version);
        put_fact(j, "machine", u.machine);
    }
    read_line("/proc/cpuinfo", "model name", text, sizeof text);
    put_fact(j, "cpu", text);
    put(j, ",\"cores\":%ld", sysconf(_SC_NPROCESSORS_ONLN));
    read_line("/proc/self/status", "Cpus_allowed_list", text, sizeof text);
    put_fact(j, "cpus_allowed", text);
    read_line("/proc/meminfo", "MemTotal", text, sizeof text); /* in KiB */
    put(j, ",\"memory\":%llu", strtoull(text, NULL, 10) * 1024);
    put_thp(j);
    put(j, ",\"aslr_off\":%s", persona != -1 && persona & ADDR_NO_RANDOMIZE ? "true" : "false");
    put_fact(j, "glibc", gnu_get_libc_version());
}

/* Environment variables that decide how memory is allocated. */
static void put_variables(struct json *j)
{
    static const char *const PREFIXES[] = {"PYTHONMALLOC=", "MALLOC_",
                                           "LD_PRELOAD=", "GLIBC_TUNABLES="};

    put(j, ",\"variables\":{");
    for (char **v = environ; *v; v++) {
        for (size_t i = 0; i < sizeof PREFIXES / sizeof *PREFIXES; i++) {
            const char *equals = strchr(*v, '=');
            char key[128];
            if (!equals || strncmp(*v, PREFIXES[i], strlen(PREFIXES[i])) != 0) continue;
            if ((size_t)(equals - *v) >= sizeof key) continue;
            memcpy(key, *v, (size_t)(equals - *v));
            key[equals - *v] = 0;
            put_fact(j, key, equals + 1);
        }
    }
    put(j, "}");
}

/* The allocator of Python objects: what PYTHONMALLOC asks for (embed.c obeys it), else what the
 * interpreter was built with. */
static const char *allocator(void)
{
    const char *wanted = getenv("PYTHONMALLOC");

    if (wanted && *wanted && strcmp(wanted, "default") != 0) return wanted;
#if defined(Py_GIL_DISABLED)
    return "mimalloc";
#elif defined(WITH_PYMALLOC)
    return "pymalloc";
#else
    return "malloc";
#endif
}

static int put_python(struct json *j)
{
    static const char *const FACTS[] = {"version", "prefix", "base_prefix", "executable"};

    put(j, ",\"python\":{");
    for (size_t i = 0; i < sizeof FACTS / sizeof *FACTS; i++) {
        PyObject *value = PySys_GetObject(FACTS[i]); /* borrowed */
        PyObject *text = value ? PyObject_Str(value) : PyUnicode_FromString("");
        PyObject *ascii = text ? PyUnicode_AsEncodedString(text, "ascii", "replace") : NULL;

        if (ascii) put_fact(j, FACTS[i], PyBytes_AS_STRING(ascii));
        Py_XDECREF(text);
        Py_XDECREF(ascii);
        if (!ascii) return -1;
    }
    put(j, "}");
    return 0;
}

int tide_environment_put(struct tide_worker *w, unsigned long hash_seed)
{
    static struct json j;

    j.n = 0;
    put(&j, "{");
    put_fact(&j, "instrument", TIDE_INSTRUMENT_VERSION);
    put_machine(&j);
    put(&j, ",\"page_size\":%u,\"hash_seed\":%lu", w->gauge.page, hash_seed);
    put_variables(&j);
    put_fact(&j, "allocator", allocator());
    if (put_python(&j)) return -1;
    put_fact(&j, "compiler", __VERSION__);
    put_fact(&j, "rss_source", "statm");
    put_fact(&j, "peak_source", tide_gauge_source(&w->gauge));
    put(&j, ",\"rss_error\":%llu,\"mark_error\":%llu", (unsigned long long)w->errors.rss,
        (unsigned long long)w->errors.mark);
    put(&j, "}");
    if (j.full) {
        PyErr_SetString(PyExc_ValueError, "the environment does not fit its record");
        return -1;
    }
    return tide_tracer_meta(w, "environment", j.at, j.n);
}
