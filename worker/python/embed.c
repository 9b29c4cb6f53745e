/* embed.c - tidemark-worker: one embedded CPython that runs one scenario once.
 *
 * It attaches the ring whose descriptor the probe left in the environment, makes an isolated
 * interpreter (PEP 587) that is told by absolute path which Python it is, and runs the harness in
 * it. Nothing is taken from argv or the environment by the interpreter itself: an isolated
 * configuration still searches PATH for its prefix when program_name is not absolute.
 *
 * A child that the scenario forks shares the ring, which has room for one producer: it is turned
 * off there. */
#include "worker.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_WORKER = 3, EXIT_USAGE = 2, PATHS_MAX = 64 };

struct options {
    const char *python, *harness, *scenario, *name, *module, *params;
    const char *paths[PATHS_MAX];
    int path_count;
    unsigned long hash_seed;
    bool no_site;
    struct tide_plan plan;
};

/* The one run of this process; static for the fork handler, which takes no argument. */
static struct tide_worker worker;

static void turn_off(void)
{
    worker.off = true;
}

/* ---- the command line ---- */

static const char HELP[] =
    "Usage: tidemark-worker --python PROGRAM --harness FILE --scenario FILE --name NAME\n"
    "                       [--module NAMES] [--path DIR]... [--params JSON] [--hash-seed N]\n"
    "                       [--recording changes|all|marks] [--threshold BYTES]\n"
    "                       [--precision bounded|exact] [--bound BYTES] [--lines]\n"
    "Run one scenario in an embedded CPython. Started by tidemark-probe, which passes the ring\n"
    "for its events in " TIDE_RING_ENV ".\n"
    "\n"
    "  --python PROGRAM  absolute path of the python program to be\n"
    "  --harness FILE    Python file that drives the scenario\n"
    "  --scenario FILE   file of the scenario, --name NAME which one of it\n"
    "  --module NAMES    modules under test, with commas: calls into them carry their peak\n"
    "  --path DIR        put DIR in front of sys.path; the first stays first\n"
    "  --params JSON     object of parameters by name (default {})\n"
    "  --recording R     changes (default): events at which RSS moved, and the one before each;\n"
    "                    all: every event; marks: phases only\n"
    "  --threshold N     bytes that count as a change (default 4096)\n"
    "  --precision P     bounded (default): read RSS only when it can have moved by the bound;\n"
    "                    exact: at every event\n"
    "  --bound N         bytes that the RSS of an event may be off by (default 262144)\n"
    "  --lines           record lines too\n"
    "  --no-site         leave site-packages out of sys.path, as python -S does\n"
    "  --hash-seed N     seed of str and bytes hashes (default 0: hashes are not randomized)\n";

static const struct option OPTIONS[] = {
    {"python", required_argument, NULL, 'y'},
    {"harness", required_argument, NULL, 'h'},
    {"scenario", required_argument, NULL, 's'},
    {"name", required_argument, NULL, 'n'},
    {"module", required_argument, NULL, 'm'},
    {"path", required_argument, NULL, 'p'},
    {"params", required_argument, NULL, 'j'},
    {"hash-seed", required_argument, NULL, 'r'},
    {"recording", required_argument, NULL, 'c'},
    {"threshold", required_argument, NULL, 't'},
    {"precision", required_argument, NULL, 'x'},
    {"bound", required_argument, NULL, 'b'},
    {"lines", no_argument, NULL, 'l'},
    {"no-site", no_argument, NULL, 'S'},
    {"help", no_argument, NULL, '?'},
    {NULL, 0, NULL, 0},
};

static bool parse_bytes(uint64_t *out)
{
    char *end;

    if (*optarg < '0' || *optarg > '9') return false;
    *out = strtoull(optarg, &end, 10);
    return !*end && *out >= 1 && *out <= (uint64_t)1 << 40;
}

/* The place of optarg among two or three words. */
static bool parse_word(const char *const *words, int count, int *out)
{
    for (*out = 0; *out < count; ++*out)
        if (strcmp(optarg, words[*out]) == 0) return true;
    return false;
}

static bool take_plan(struct tide_plan *plan, int c)
{
    static const char *const RECORDINGS[] = {"changes", "all", "marks"};
    static const char *const PRECISIONS[] = {"bounded", "exact"};
    int word;

    switch (c) {
    case 'c':
        if (!parse_word(RECORDINGS, 3, &word)) return false;
        plan->recording = (enum tide_recording)word;
        return true;
    case 'x':
        if (!parse_word(PRECISIONS, 2, &word)) return false;
        plan->exact = word == 1;
        return true;
    case 't': return parse_bytes(&plan->threshold);
    case 'b': return parse_bytes(&plan->bound);
    case 'l': plan->lines = true; return true;
    default: return false;
    }
}

static bool take_option(struct options *o, int c)
{
    char *end;

    switch (c) {
    case 'y': o->python = optarg; return true;
    case 'h': o->harness = optarg; return true;
    case 's': o->scenario = optarg; return true;
    case 'n': o->name = optarg; return true;
    case 'm': o->module = optarg; return true;
    case 'j': o->params = optarg; return true;
    case 'p':
        if (o->path_count == PATHS_MAX) return false;
        o->paths[o->path_count++] = optarg;
        return true;
    case 'S': o->no_site = true; return true;
    case 'r':
        o->hash_seed = strtoul(optarg, &end, 10);
        return end != optarg && !*end && o->hash_seed <= UINT_MAX; /* PEP 456's bound */
    default: return take_plan(&o->plan, c);
    }
}

static bool parse_options(int argc, char **argv, struct options *o)
{
    int c;

    *o = (struct options){
        .module = "",
        .params = "{}",
        .plan = {.recording = TIDE_CHANGES, .threshold = 4096, .bound = 256 << 10}};
    while ((c = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1)
        if (!take_option(o, c)) return false;
    return optind == argc && o->python && o->python[0] == '/' && o->harness && o->scenario &&
           o->name;
}

/* ---- the instrument ---- */

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "tidemark-worker: %s: %s\n", what, why);
    return EXIT_WORKER;
}

/* 0, or the exit status after having said why. */
static int open_instrument(struct tide_worker *w, const struct options *o)
{
    const char *number = getenv(TIDE_RING_ENV);
    int rc;

    if (!number) return fail(TIDE_RING_ENV, "not set: start the worker with tidemark-probe");
    rc = tide_ring_attach(&w->ring, (int)strtol(number, NULL, 10));
    if (rc) return fail("ring", strerror(rc));
    unsetenv(TIDE_RING_ENV);
    rc = tide_gauge_open(&w->gauge);
    if (rc) return fail("/proc/self", strerror(rc));
    rc = tide_names_open(&w->names, &w->ring, o->module);
    if (rc) return fail("names", strerror(rc));
    tide_clock_open(&w->clock);
    w->errors = tide_gauge_measure(&w->gauge);
    w->plan = o->plan;
    tide_tracer_open(w);
    rc = pthread_atfork(NULL, NULL, turn_off);
    return rc ? fail("pthread_atfork", strerror(rc)) : 0;
}

static void close_instrument(struct tide_worker *w)
{
    tide_names_close(&w->names);
    tide_gauge_close(&w->gauge);
    tide_ring_close(&w->ring);
}

/* ---- the interpreter ---- */

static int fail_status(const char *what, PyStatus status)
{
    return fail(what, status.err_msg ? status.err_msg : "the interpreter gave up");
}

/* An isolated configuration does not look at PYTHONMALLOC; a run is to obey it all the same. */
static PyMemAllocatorName allocator_wanted(void)
{
    static const struct {
        const char *name;
        PyMemAllocatorName value;
    } ALLOCATORS[] = {
        {"malloc", PYMEM_ALLOCATOR_MALLOC},     {"malloc_debug", PYMEM_ALLOCATOR_MALLOC_DEBUG},
        {"pymalloc", PYMEM_ALLOCATOR_PYMALLOC}, {"pymalloc_debug", PYMEM_ALLOCATOR_PYMALLOC_DEBUG},
        {"debug", PYMEM_ALLOCATOR_DEBUG},       {"default", PYMEM_ALLOCATOR_DEFAULT},
#ifdef WITH_MIMALLOC
        {"mimalloc", PYMEM_ALLOCATOR_MIMALLOC}, {"mimalloc_debug", PYMEM_ALLOCATOR_MIMALLOC_DEBUG},
#endif
    };
    const char *wanted = getenv("PYTHONMALLOC");

    for (size_t i = 0; wanted && i < sizeof ALLOCATORS / sizeof *ALLOCATORS; i++)
        if (strcmp(wanted, ALLOCATORS[i].name) == 0) return ALLOCATORS[i].value;
    return PYMEM_ALLOCATOR_NOT_SET;
}

static PyStatus preinitialize(void)
{
    PyPreConfig config;

    PyPreConfig_InitIsolatedConfig(&config);
    config.utf8_mode = 1;
    config.allocator = allocator_wanted();
    return Py_PreInitialize(&config);
}

/* sys.argv of the harness. The interpreter does not parse it. */
static PyStatus set_arguments(PyConfig *config, const struct options *o)
{
    char *argv[] = {(char *)o->harness, (char *)"run",     (char *)o->scenario,
                    (char *)o->name,    (char *)o->module, (char *)o->params};

    config->parse_argv = 0;
    return PyConfig_SetBytesArgv(config, sizeof argv / sizeof *argv, argv);
}

static PyStatus initialize(const struct options *o)
{
    PyStatus status;
    PyConfig config;

    PyConfig_InitIsolatedConfig(&config);
    config.use_hash_seed = 1;
    config.hash_seed = o->hash_seed;
    config.site_import = !o->no_site;
    config.write_bytecode = 0; /* a run leaves nothing behind that the next would start from */
    status = PyConfig_SetBytesString(&config, &config.program_name, o->python);
    if (!PyStatus_Exception(status))
        status = PyConfig_SetBytesString(&config, &config.executable, o->python);
    if (!PyStatus_Exception(status))
        status = PyConfig_SetBytesString(&config, &config.run_filename, o->harness);
    if (!PyStatus_Exception(status)) status = set_arguments(&config, o);
    if (!PyStatus_Exception(status)) status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    return status;
}

static int extend_path(const struct options *o)
{
    PyObject *path = PySys_GetObject("path"); /* borrowed */

    if (!path || !PyList_Check(path)) return -1;
    for (int i = 0; i < o->path_count; i++) {
        PyObject *dir = PyUnicode_DecodeFSDefault(o->paths[i]);
        int rc = dir ? PyList_Insert(path, i, dir) : -1;
        Py_XDECREF(dir);
        if (rc) return -1;
    }
    return 0;
}

static int run(const struct options *o)
{
    PyStatus status;

    if (tide_module_install(&worker)) return fail("module tidemark", "out of memory");
    status = preinitialize();
    if (PyStatus_Exception(status)) return fail_status("cannot prepare the interpreter", status);
    status = initialize(o);
    if (PyStatus_Exception(status)) return fail_status("cannot start the interpreter", status);
    if (extend_path(o) || tide_environment_put(&worker, o->hash_seed) ||
        tide_tracer_describe(&worker) || tide_hooks_install(&worker) ||
        tide_calls_install(&worker)) {
        PyErr_Print();
        Py_FinalizeEx();
        return EXIT_WORKER;
    }
    return Py_RunMain();
}

int main(int argc, char **argv)
{
    struct options o;
    int rc;

    if (!parse_options(argc, argv, &o)) {
        fputs(HELP, stderr);
        return EXIT_USAGE;
    }
    worker.gauge.statm = worker.gauge.status = worker.gauge.clear_refs = worker.gauge.smaps = -1;
    rc = open_instrument(&worker, &o);
    if (!rc) rc = run(&o);
    close_instrument(&worker);
    return rc;
}
