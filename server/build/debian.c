/* debian.c - see debian.h.
 *
 * apt is told by APT_CONFIG to look at nothing of the host's: not its sources, its lists, its
 * packages, its hooks. What the host's configuration says of proxies and transport is taken over,
 * since a mirror may be reachable by it alone. The keyring is the host's: what signs a newer suite
 * is in debian-archive-keyring before that suite is released, and an update of that package has
 * been checked by the host's own apt. */
#include "build/debian.h"

#include "base/file.h"
#include "base/str.h"
#include "build/command.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYRING    "/usr/share/keyrings/debian-archive-keyring.gpg"
#define MIRROR     "http://deb.debian.org/debian"
#define DEADLINE_S 900

const char *const tide_debian_suites[] = {"trixie", "forky", "sid", "experimental", NULL};

/* ---- apt ---- */

static char *find_folder(const struct tide_debian *d, const char *suite)
{
    return tide_format("%s/apt/%s", d->cache, suite);
}

/* The line that says best what went wrong, in new memory: the first error, else the last line. */
static char *find_complaint(const char *text)
{
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
        if (!strncmp(line, "E: ", 3)) return strndup(line + 3, strcspn(line + 3, "\n"));
    return tide_build_last_line(text);
}

static const char *advise(const char *complaint)
{
    if (strstr(complaint, "expired"))
        return " (the mirror's index is out of date, or this machine's clock is ahead: "
               "--allow-expired takes it all the same)";
    if (strstr(complaint, "not signed") || strstr(complaint, "public key"))
        return " (this machine's keyring does not know who signed it: bring it up to date with "
               "`apt-get install debian-archive-keyring`)";
    if (strstr(complaint, "does not have a Release file"))
        return " (there is no such suite, or no Debian at that address)";
    return "";
}

/* Run apt's program for the suite. */
static enum tide_rc run_apt(const struct tide_debian *d, const char *suite, const char *const *argv,
                            struct tide_str *out, struct tide_error *e)
{
    char *folder = find_folder(d, suite);
    char *setting = folder ? tide_format("APT_CONFIG=%s/apt.conf", folder) : NULL;
    const char *const settings[] = {"LC_ALL=C", "LANGUAGE=C", setting, NULL};
    const struct tide_command c = {.argv = argv,
                                   .folder = "/",
                                   .environment = settings,
                                   .log = -1,
                                   .deadline_s = DEADLINE_S,
                                   .stop = d->stop};
    struct tide_str complaint = {0};
    enum tide_rc rc = setting ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "run apt");
    if (!rc) rc = tide_build_run(&c, out, &complaint, e);
    if (rc == TIDE_FAILED) {
        char *said = find_complaint(complaint.at ? complaint.at : "");
        if (said && *said)
            rc = tide_fail(e, rc, "apt cannot use Debian %s: %s%s", suite, said, advise(said));
        free(said);
    }
    tide_str_free(&complaint);
    free(setting);
    free(folder);
    return rc;
}

/* ---- a suite's folder ---- */

/* The mirror that the host's own apt uses for its release, in new memory: the first of its sources
 * that is for the release which /etc/os-release names. */
static char *find_mirror(const struct tide_debian *d)
{
    static const char *const argv[] = {"sh", "-c",
                                       ". /etc/os-release && [ \"$ID\" = debian ] && "
                                       "apt-get indextargets --format '$(RELEASE) $(REPO_URI)' "
                                       "'Created-By: Packages' | "
                                       "sed -n \"s|^$VERSION_CODENAME ||p\" | head -n 1",
                                       NULL};
    const struct tide_command c = {
        .argv = argv, .folder = "/", .log = -1, .deadline_s = 30, .stop = d->stop};
    struct tide_str out = {.ceiling = 4096};
    if (d->mirror) return strdup(d->mirror);
    char *line =
        tide_process_run(&c, &out, NULL) ? NULL : tide_build_last_line(out.at ? out.at : "");
    tide_str_free(&out);
    if (line && *line) return line;
    free(line);
    return strdup(MIRROR);
}

/* What the host's configuration says of fetching: proxies, retries, certificates. */
static enum tide_rc add_transport(const struct tide_debian *d, struct tide_str *config,
                                  struct tide_error *e)
{
    static const char *const argv[] = {"apt-config", "dump", "Acquire", NULL};
    static const char *const wanted[] = {"Acquire::http:", "Acquire::https:", "Acquire::Retries "};
    const struct tide_command c = {
        .argv = argv, .folder = "/", .log = -1, .deadline_s = 30, .stop = d->stop};
    struct tide_str out = {0};
    enum tide_rc rc = tide_process_run(&c, &out, e);
    for (const char *line = out.at; !rc && line && *line;) {
        size_t length = strcspn(line, "\n");
        for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
            if (!strncmp(line, wanted[i], strlen(wanted[i])))
                tide_str_printf(config, "%.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
    tide_str_free(&out);
    return rc;
}

static enum tide_rc write_config(const struct tide_debian *d, const char *folder,
                                 struct tide_error *e)
{
    struct tide_str s = {0};
    char *path = tide_format("%s/apt.conf", folder);
    tide_str_printf(
        &s,
        "Dir::State \"%s\";\nDir::State::lists \"%s/lists\";\n"
        "Dir::State::status \"%s/status\";\nDir::Cache \"%s\";\n"
        "Dir::Cache::archives \"%s/archives\";\nDir::Log \"%s\";\n"
        "Dir::Etc::sourcelist \"%s/sources.list\";\nDir::Etc::sourceparts \"/dev/null\";\n"
        "Dir::Etc::parts \"/dev/null\";\nDir::Etc::main \"/dev/null\";\nDir::Etc::preferences "
        "\"/dev/null\";\n"
        "Dir::Etc::preferencesparts \"/dev/null\";\nDir::Etc::trustedparts \"/dev/null\";\n"
        "Debug::NoLocking \"1\";\nAPT::Sandbox::User \"root\";\n"
        "APT::Install-Recommends \"0\";\nAcquire::Languages \"none\";\n"
        "Acquire::Check-Valid-Until \"%s\";\n",
        folder, folder, folder, folder, folder, folder, folder,
        d->allow_expired ? "false" : "true");
    enum tide_rc rc = add_transport(d, &s, e);
    if (!rc && (s.failed || !path)) rc = tide_fail(e, TIDE_NOMEM, "prepare apt");
    if (!rc) rc = tide_file_replace(path, s.at, s.length, 0644, e);
    tide_str_free(&s);
    free(path);
    return rc;
}

/* experimental lives on top of sid. */
static enum tide_rc write_sources(const struct tide_debian *d, const char *folder,
                                  const char *suite, struct tide_error *e)
{
    struct tide_str s = {0};
    char *mirror = find_mirror(d), *path = tide_format("%s/sources.list", folder);
    const char *const suites[] = {suite, strcmp(suite, "experimental") ? NULL : "sid"};
    for (size_t i = 0; mirror && i < 2 && suites[i]; i++)
        tide_str_printf(&s, "deb [signed-by=" KEYRING "] %s %s main\n", mirror, suites[i]);
    enum tide_rc rc =
        mirror && path && !s.failed ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "prepare apt");
    if (!rc) rc = tide_file_replace(path, s.at, s.length, 0644, e);
    tide_str_free(&s);
    free(mirror);
    free(path);
    return rc;
}

static enum tide_rc make_folders(const char *folder, struct tide_error *e)
{
    static const char *const names[] = {"lists/partial", "archives/partial"};
    enum tide_rc rc = TIDE_OK;
    char *status = tide_format("%s/status", folder);
    for (size_t i = 0; !rc && i < sizeof names / sizeof *names; i++) {
        char *path = tide_format("%s/%s", folder, names[i]);
        rc = path ? tide_file_make_folder(path, 0755, e) : tide_fail(e, TIDE_NOMEM, "prepare apt");
        free(path);
    }
    if (!rc)
        rc = status ? tide_file_replace(status, "", 0, 0644, e)
                    : tide_fail(e, TIDE_NOMEM, "prepare apt");
    free(status);
    return rc;
}

/* What goes into apt's files as it is must not be able to say more there. */
static enum tide_rc check_words(const struct tide_debian *d, const char *suite,
                                struct tide_error *e)
{
    const char *m = d->mirror;
    size_t plain = strspn(suite, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (!plain || suite[plain])
        return tide_fail(e, TIDE_INVALID, "\"%.40s\" is no name of a Debian suite: try trixie",
                         suite);
    if (m && (strncmp(m, "http://", 7) != 0 && strncmp(m, "https://", 8) != 0 &&
              strncmp(m, "file:/", 6) != 0))
        return tide_fail(e, TIDE_INVALID,
                         "the mirror \"%.80s\" is no http:, https: or file: address", m);
    for (; m && *m; m++)
        if (isspace((unsigned char)*m) || *m == '[' || *m == ']')
            return tide_fail(e, TIDE_INVALID,
                             "the mirror's address has a character that apt takes "
                             "for something else");
    if (strpbrk(d->cache, "\"\\\n"))
        return tide_fail(e, TIDE_INVALID,
                         "apt cannot work below %s: a quote or a backslash is in it", d->cache);
    return TIDE_OK;
}

static enum tide_rc check_tools(struct tide_error *e)
{
    static const char *const programs[] = {"apt-get", "apt-cache", "dpkg-deb"};
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        char *path = tide_build_which(programs[i]);
        free(path);
        if (!path)
            return tide_fail(e, TIDE_ABSENT,
                             "there is no %s: Pythons are fetched by Debian's own "
                             "tools, on Debian and its kin only",
                             programs[i]);
    }
    return tide_file_exists(KEYRING)
               ? TIDE_OK
               : tide_fail(e, TIDE_ABSENT,
                           "there is no " KEYRING ", by which Debian's signatures are "
                           "checked: `apt-get install debian-archive-keyring`");
}

enum tide_rc tide_debian_update(const struct tide_debian *d, const char *suite,
                                struct tide_error *e)
{
    /* Without the option apt-get takes an unreachable mirror for no error. */
    static const char *const update[] = {"apt-get", "-q", "--error-on=any", "update", NULL};
    enum tide_rc rc = check_words(d, suite, e);
    if (!rc) rc = check_tools(e);
    if (rc) return rc;
    char *folder = find_folder(d, suite);
    if (!folder) return tide_fail(e, TIDE_NOMEM, "prepare apt");
    rc = make_folders(folder, e);
    if (!rc) rc = write_config(d, folder, e);
    if (!rc) rc = write_sources(d, folder, suite, e);
    if (!rc) rc = run_apt(d, suite, update, NULL, e);
    free(folder);
    return rc;
}

/* ---- what is in it ---- */

enum tide_rc tide_debian_version(const struct tide_debian *d, const char *suite,
                                 const char *package, char **out, struct tide_error *e)
{
    const char *const argv[] = {"apt-cache", "madison", package, NULL};
    struct tide_str text = {0};
    *out = NULL;
    /* "python3.14 | 3.14.8-1 | http://... forky/main amd64 Packages", newest first */
    enum tide_rc rc = run_apt(d, suite, argv, &text, e);
    const char *bar = !rc && text.at ? strchr(text.at, '|') : NULL;
    if (!rc && !bar) rc = tide_fail(e, TIDE_ABSENT, "Debian %s has no %s", suite, package);
    if (!rc) {
        assert(bar);
        bar += 1 + strspn(bar + 1, " ");
        *out = strndup(bar, strcspn(bar, " |\n"));
        if (!*out) rc = tide_fail(e, TIDE_NOMEM, "read apt's answer");
    }
    tide_str_free(&text);
    return rc;
}

static int compare_minor(const void *a, const void *b)
{
    const char *left = *(char *const *)a, *right = *(char *const *)b;
    return (int)(strtol(left + 8, NULL, 10) - strtol(right + 8, NULL, 10));
}

/* "python3." and digits. */
static bool is_python(const char *name, size_t length)
{
    if (length < 9 || strncmp(name, "python3.", 8) != 0) return false;
    return strspn(name + 8, "0123456789") == length - 8;
}

enum tide_rc tide_debian_pythons(const struct tide_debian *d, const char *suite, char ***out,
                                 struct tide_error *e)
{
    static const char *const argv[] = {"apt-cache", "pkgnames", "python3.", NULL};
    struct tide_str text = {0};
    size_t n = 0;
    *out = NULL;
    enum tide_rc rc = run_apt(d, suite, argv, &text, e);
    for (char *line = text.at; !rc && line && *line;) {
        size_t length = strcspn(line, "\n");
        bool more = line[length];
        line[length] = '\0';
        if (is_python(line, length)) {
            if (tide_build_words_put(out, line))
                n++;
            else
                rc = tide_fail(e, TIDE_NOMEM, "list Debian's Pythons");
        }
        line += length + more;
    }
    if (n) qsort(*out, n, sizeof **out, compare_minor);
    tide_str_free(&text);
    if (rc) {
        tide_build_words_free(*out);
        *out = NULL;
    }
    return rc;
}

enum tide_rc tide_debian_download(const struct tide_debian *d, const char *suite,
                                  char *const *packages, const char *folder, struct tide_error *e)
{
    char **words = NULL;
    char *archives = tide_format("Dir::Cache::archives=%s", folder);
    char *partial = tide_format("%s/partial", folder);
    enum tide_rc rc = partial ? tide_file_make_folder(partial, 0755, e)
                              : tide_fail(e, TIDE_NOMEM, "download packages");
    bool put = !rc && archives &&
               tide_build_words_add(&words, "apt-get -qq -y --download-only -o") &&
               tide_build_words_put(&words, archives);
    put = put && tide_build_words_add(
                     &words, strcmp(suite, "experimental") ? "install" : "-t experimental install");
    for (size_t i = 0; put && packages[i]; i++)
        put = tide_build_words_put(&words, packages[i]);
    if (!rc && !put) rc = tide_fail(e, TIDE_NOMEM, "download packages");
    if (!rc) rc = run_apt(d, suite, (const char *const *)words, NULL, e);
    tide_build_words_free(words);
    free(archives);
    free(partial);
    return rc;
}
