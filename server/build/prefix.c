/* prefix.c - see prefix.h. */
#include "build/prefix.h"

#include "base/file.h"
#include "base/str.h"
#include "build/command.h"
#include "build/toolchain.h"

#include <assert.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STEP_S   300
#define FILE_MAX (16u << 20)

/* Handing over to libpython is all that python3.N itself does. */
static const char program_source[] = "int Py_BytesMain(int, char **);\n"
                                     "int main(int argc, char **argv)\n"
                                     "{\n"
                                     "    return Py_BytesMain(argc, argv);\n"
                                     "}\n";

/* Said on standard error: the first thing that is not as it must be. */
static const char trial[] =
    "import os, subprocess, sys, sysconfig\n"
    "place, program = sys.argv[1:]\n"
    "below = lambda path: (path or '').startswith(place + '/')\n"
    "def expect(good, what, value):\n"
    "    if not good: sys.exit('%s is %s' % (what, value))\n"
    "expect(sys.executable == program, 'sys.executable', sys.executable)\n"
    "expect(sys.prefix == place, 'sys.prefix', sys.prefix)\n"
    "include = sysconfig.get_path('include')\n"
    "expect(below(include), 'the folder of Python.h', include)\n"
    "expect(os.path.isfile(include + '/Python.h'), 'Python.h', 'missing')\n"
    "libdir = sysconfig.get_config_var('LIBDIR')\n"
    "expect(below(libdir), 'LIBDIR', libdir)\n"
    "import bz2, ctypes, hashlib, lzma, sqlite3, ssl, zlib\n"
    "with open('/proc/self/maps') as maps:\n"
    "    libc = [line.split()[-1] for line in maps if 'libc.so' in line]\n"
    "expect(libc and below(libc[0]), 'the C library', libc)\n"
    "said = subprocess.check_output([program, '-c', 'import sys; print(sys.prefix)'])\n"
    "expect(said.decode().strip() == place, 'the prefix of a subprocess', said)\n";

/* Run a program in the bench; its complaint becomes the error. */
static enum tide_rc run(const struct tide_prefix *p, const char *const *argv, struct tide_error *e)
{
    static const char *const settings[] = {"LC_ALL=C", "LANGUAGE=C", NULL};
    const struct tide_command c = {.argv = argv,
                                   .folder = p->bench,
                                   .environment = settings,
                                   .log = -1,
                                   .deadline_s = STEP_S,
                                   .stop = p->stop};
    struct tide_str complaint = {0};
    enum tide_rc rc = tide_build_run(&c, NULL, &complaint, e);
    char *line = rc == TIDE_FAILED ? tide_build_last_line(complaint.at ? complaint.at : "") : NULL;
    if (line && *line) rc = tide_fail(e, rc, "%s: %s", argv[0], line);
    free(line);
    tide_str_free(&complaint);
    return rc;
}

static enum tide_rc no_memory(struct tide_error *e)
{
    return tide_fail(e, TIDE_NOMEM, "make a Python's prefix");
}

/* ---- unpacked ---- */

static enum tide_rc unpack(const struct tide_prefix *p, const char *packages, const char *root,
                           struct tide_error *e)
{
    glob_t found = {0};
    char *pattern = tide_format("%s/*.deb", packages);
    enum tide_rc rc = pattern ? tide_file_make_folder(root, 0755, e) : no_memory(e);
    if (!rc && glob(pattern, 0, NULL, &found))
        rc = tide_fail(e, TIDE_FAILED, "apt downloaded no package");
    for (size_t i = 0; !rc && i < found.gl_pathc; i++) {
        const char *const argv[] = {"dpkg-deb", "-x", found.gl_pathv[i], root, NULL};
        rc = run(p, argv, e);
    }
    globfree(&found);
    free(pattern);
    return rc;
}

/* Packages made before /lib became a link to /usr/lib hold both. */
static enum tide_rc merge_usr(const struct tide_prefix *p, const char *root, struct tide_error *e)
{
    static const char *const names[] = {"lib", "lib64"};
    enum tide_rc rc = TIDE_OK;
    for (size_t i = 0; !rc && i < 2; i++) {
        char *from = tide_format("%s/%s", root, names[i]);
        const char *const argv[] = {"cp", "-a", from, p->root, NULL};
        if (!from)
            rc = no_memory(e);
        else if (tide_file_exists(from))
            rc = run(p, argv, e);
        free(from);
    }
    return rc;
}

/* The architecture's folder is where libpython stands. */
static enum tide_rc find_library(struct tide_prefix *p, struct tide_error *e)
{
    glob_t found = {0};
    enum tide_rc rc = TIDE_OK;
    char *pattern = tide_format("%s/lib/*/lib%s.so.1.0", p->root, p->program);
    if (!pattern) return no_memory(e);
    assert(p->root);
    if (glob(pattern, 0, NULL, &found)) {
        rc = tide_fail(e, TIDE_FAILED, "Debian's packages hold no lib%s.so.1.0", p->program);
    } else {
        const char *inside = found.gl_pathv[0] + strlen(p->root);
        const char *slash = strrchr(inside, '/');
        p->library = tide_format("%s%.*s", p->place, (int)(slash - inside), inside);
        if (!p->library) rc = no_memory(e);
    }
    globfree(&found);
    free(pattern);
    return rc;
}

/* ---- changed ---- */

/* The text with every place below /usr that is ours put below `place`, in new memory. */
static char *move_places(const char *text, const char *place)
{
    static const char *const ours[] = {
        "/usr/lib",        "/usr/include", "/usr/share/python-wheels",
        "/usr/bin/python", "/usr/bin'",    "/usr'"};
    struct tide_str s = {0};
    while (*text) {
        const char *next = strstr(text, "/usr");
        bool moved = false;
        if (!next) next = text + strlen(text);
        tide_str_add(&s, text, (size_t)(next - text));
        for (size_t i = 0; !moved && i < sizeof ours / sizeof *ours; i++)
            moved = !strncmp(next, ours[i], strlen(ours[i]));
        text = *next ? next + strlen("/usr") : next;
        tide_str_put(&s, moved ? place : *next ? "/usr" : "");
    }
    return tide_str_take(&s);
}

static enum tide_rc move_file(const char *path, const char *place, struct tide_error *e)
{
    char *text = NULL;
    enum tide_rc rc = tide_file_read(path, FILE_MAX, &text, NULL, e);
    if (rc) return rc;
    char *moved = move_places(text, place);
    rc = moved ? tide_file_replace(path, moved, strlen(moved), 0644, e) : no_memory(e);
    free(moved);
    free(text);
    return rc;
}

static enum tide_rc move_sysconfig(const struct tide_prefix *p, struct tide_error *e)
{
    glob_t found = {0};
    enum tide_rc rc = TIDE_OK;
    char *pattern = tide_format("%s/lib/python%s/_sysconfigdata*.py", p->root, p->minor);
    if (!pattern) return no_memory(e);
    if (glob(pattern, 0, NULL, &found))
        rc = tide_fail(e, TIDE_FAILED, "Debian's packages hold no _sysconfigdata*.py");
    for (size_t i = 0; !rc && i < found.gl_pathc; i++)
        rc = move_file(found.gl_pathv[i], p->place, e);
    globfree(&found);
    free(pattern);
    return rc;
}

/* CMake takes the headers of the release for those of a debug build too: one settings file holds
 * for the whole prefix. */
static enum tide_rc share_header(const struct tide_prefix *p, const char *header,
                                 struct tide_error *e)
{
    char *plain = tide_format("%s/include/python%s/pyconfig.h", p->root, p->minor);
    enum tide_rc rc = TIDE_OK;
    if (!plain) return no_memory(e);
    if (strcmp(plain, header) != 0) {
        rc = tide_file_remove_tree(plain, e);
        if (!rc && link(header, plain)) rc = tide_fail_errno(e, "link %s to %s", plain, header);
    }
    free(plain);
    return rc;
}

static enum tide_rc move_header(const struct tide_prefix *p, struct tide_error *e)
{
    assert(p->library); /* what find_library found */
    const char *multiarch = strrchr(p->library, '/') + 1;
    char *from = tide_format("%s/include/%s/%s/pyconfig.h", p->root, multiarch, p->program);
    char *into = tide_format("%s/include/%s/pyconfig.h", p->root, p->program);
    enum tide_rc rc = from && into ? TIDE_OK : no_memory(e);
    if (!rc && rename(from, into)) rc = tide_fail_errno(e, "rename %s to %s", from, into);
    if (!rc) {
        assert(into);
        rc = share_header(p, into, e);
    }
    free(from);
    free(into);
    return rc;
}

static enum tide_rc drop(const struct tide_prefix *p, const char *folder, const char *name,
                         struct tide_error *e)
{
    char *path = tide_format("%s/%s/%s", p->root, folder, name);
    enum tide_rc rc = path ? tide_file_remove_tree(path, e) : no_memory(e);
    free(path);
    return rc;
}

/* The release's own program goes too, of a debug build's prefix for good. */
static enum tide_rc drop_strangers(const struct tide_prefix *p, struct tide_error *e)
{
    char *library = tide_format("lib/python%s", p->minor);
    char *release = tide_format("python%s", p->minor);
    enum tide_rc rc = library && release ? TIDE_OK : no_memory(e);
    if (!rc) rc = drop(p, library, "sitecustomize.py", e);
    if (!rc) rc = drop(p, library, "EXTERNALLY-MANAGED", e);
    if (!rc) rc = drop(p, "bin", release, e);
    if (!rc) rc = drop(p, "bin", p->program, e);
    free(release);
    free(library);
    return rc;
}

/* ---- the program ---- */

/* The loader's name differs by architecture, and begins alike. */
static char *find_loader(const struct tide_prefix *p)
{
    glob_t found = {0};
    char *loader = NULL;
    assert(p->root);
    char *pattern = tide_format("%s%s/ld-linux*.so.*", p->root, p->library + strlen(p->place));
    if (pattern && !glob(pattern, 0, NULL, &found))
        loader =
            tide_format("-Wl,--dynamic-linker=%s%s", p->place, found.gl_pathv[0] + strlen(p->root));
    globfree(&found);
    free(pattern);
    return loader;
}

/* RPATH, not RUNPATH: it holds for the libraries that libraries need. The C library that is linked
 * with is the host's, the one that is run with is newer: what libpython wants of it is not sought.
 */
static enum tide_rc compile(const struct tide_prefix *p, const char *source, struct tide_error *e)
{
    char *program = tide_format("%s/bin/%s", p->root, p->program);
    char *with =
        tide_format("%s%s/lib%s.so.1.0", p->root, p->library + strlen(p->place), p->program);
    char *rpath = tide_format("-Wl,-rpath,%s", p->library);
    char *loader = find_loader(p);
    const char *const argv[] = {"cc",
                                "-O2",
                                "-o",
                                program,
                                source,
                                with,
                                loader,
                                rpath,
                                "-Wl,--disable-new-dtags",
                                "-Wl,--allow-shlib-undefined",
                                NULL};
    enum tide_rc rc = tide_toolchain_need("cc", "build-essential", e);
    if (!rc && !loader) rc = tide_fail(e, TIDE_FAILED, "Debian's packages hold no dynamic loader");
    if (!rc) rc = program && with && rpath ? run(p, argv, e) : no_memory(e);
    free(loader);
    free(rpath);
    free(with);
    free(program);
    return rc;
}

static enum tide_rc make_program(const struct tide_prefix *p, struct tide_error *e)
{
    char *source = tide_format("%s/main.c", p->bench);
    char *python3 = tide_format("%s/bin/python3", p->root);
    enum tide_rc rc = source && python3 ? TIDE_OK : no_memory(e);
    if (!rc) rc = tide_file_replace(source, program_source, sizeof program_source - 1, 0644, e);
    if (!rc) rc = compile(p, source, e);
    if (!rc) {
        const char *const argv[] = {"ln", "-sf", p->program, python3, NULL};
        rc = run(p, argv, e);
    }
    free(python3);
    free(source);
    return rc;
}

enum tide_rc tide_prefix_make(struct tide_prefix *p, const char *packages, struct tide_error *e)
{
    char *root = tide_format("%s/root", p->bench);
    p->root = tide_format("%s/root/usr", p->bench);
    p->library = NULL;
    enum tide_rc rc = root && p->root ? unpack(p, packages, root, e) : no_memory(e);
    if (!rc) rc = merge_usr(p, root, e);
    if (!rc) rc = find_library(p, e);
    if (!rc) rc = move_sysconfig(p, e);
    if (!rc) rc = move_header(p, e);
    if (!rc) rc = drop_strangers(p, e);
    if (!rc) rc = make_program(p, e);
    free(root);
    return rc;
}

/* ---- in its place ---- */

static enum tide_rc add_wheels(const struct tide_prefix *p, const char *program,
                               struct tide_error *e)
{
    glob_t found = {0};
    char *pattern = tide_format("%s/share/python-wheels/*.whl", p->place);
    char *packages = tide_format("%s/lib/python3/dist-packages", p->place);
    enum tide_rc rc = pattern && packages ? TIDE_OK : no_memory(e);
    if (!rc && !glob(pattern, 0, NULL, &found)) {
        for (size_t i = 0; !rc && i < found.gl_pathc; i++) {
            const char *const argv[] = {program,           "-I",     "-m", "zipfile", "-e",
                                        found.gl_pathv[i], packages, NULL};
            rc = run(p, argv, e);
        }
    }
    globfree(&found);
    free(pattern);
    free(packages);
    return rc;
}

enum tide_rc tide_prefix_finish(const struct tide_prefix *p, struct tide_error *e)
{
    struct tide_error why = {0};
    char *program = tide_format("%s/bin/%s", p->place, p->program);
    if (!program) return no_memory(e);
    const char *const argv[] = {program, "-I", "-B", "-c", trial, p->place, program, NULL};
    enum tide_rc rc = run(p, argv, &why);
    if (rc == TIDE_FAILED)
        rc = tide_fail(e, rc, "it does not work on this machine: %s", why.text);
    else if (rc && e)
        *e = why;
    if (!rc) rc = add_wheels(p, program, e);
    free(program);
    return rc;
}

void tide_prefix_clear(struct tide_prefix *p)
{
    free(p->root);
    free(p->library);
    p->root = p->library = NULL;
}
