/* file.c - see file.h. */
#include "base/file.h"

#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <fts.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define REMOVE_ATTEMPTS 50

/* False with errno when no folder stands there afterwards. */
static bool make_one(const char *path, mode_t mode)
{
    struct stat facts;
    if (!mkdir(path, mode)) return true;
    if (errno != EEXIST || stat(path, &facts)) return false;
    errno = ENOTDIR;
    return S_ISDIR(facts.st_mode);
}

enum tide_rc tide_file_make_folder(const char *path, mode_t mode, struct tide_error *e)
{
    char *partial = strdup(path);
    if (!partial) return tide_fail(e, TIDE_NOMEM, "make folder %s", path);
    enum tide_rc rc = TIDE_OK;
    for (char *p = partial + (*partial != '\0');; p++) {
        if (*p != '/' && *p != '\0') continue;
        char kept = *p;
        *p = '\0';
        if (!make_one(partial, mode)) {
            rc = tide_fail_errno(e, "make folder %s", partial);
            break;
        }
        *p = kept;
        if (!kept) break;
    }
    free(partial);
    return rc;
}

static enum tide_rc read_all(int fd, const char *path, size_t ceiling, struct tide_str *s,
                             struct tide_error *e)
{
    char block[65536];
    struct stat facts;
    if (fstat(fd, &facts)) return tide_fail_errno(e, "stat %s", path);
    if (facts.st_size > (off_t)ceiling && lseek(fd, facts.st_size - (off_t)ceiling, SEEK_SET) < 0)
        return tide_fail_errno(e, "seek in %s", path);
    while (s->length < ceiling) {
        size_t left = ceiling - s->length;
        ssize_t n = read(fd, block, left < sizeof block ? left : sizeof block);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return tide_fail_errno(e, "read %s", path);
        if (n == 0) break;
        tide_str_add(s, block, (size_t)n);
    }
    return s->failed ? tide_fail(e, TIDE_NOMEM, "read %s", path) : TIDE_OK;
}

enum tide_rc tide_file_read(const char *path, size_t ceiling, char **out, size_t *n,
                            struct tide_error *e)
{
    struct tide_str s = {.ceiling = ceiling};
    *out = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? tide_fail(e, TIDE_ABSENT, "no file %s", path)
                               : tide_fail_errno(e, "open %s", path);
    enum tide_rc rc = read_all(fd, path, ceiling, &s, e);
    close(fd);
    if (!rc) {
        if (n) *n = s.length;
        *out = tide_str_take(&s);
        if (!*out) rc = tide_fail(e, TIDE_NOMEM, "read %s", path);
    }
    tide_str_free(&s);
    return rc;
}

static enum tide_rc write_all(int fd, const char *path, const char *bytes, size_t n,
                              struct tide_error *e)
{
    while (n) {
        ssize_t done = write(fd, bytes, n);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return tide_fail_errno(e, "write %s", path);
        bytes += done;
        n -= (size_t)done;
    }
    return fsync(fd) ? tide_fail_errno(e, "sync %s", path) : TIDE_OK;
}

enum tide_rc tide_file_replace(const char *path, const void *bytes, size_t n, mode_t mode,
                               struct tide_error *e)
{
    char *beside = tide_format("%s.new", path);
    if (!beside) return tide_fail(e, TIDE_NOMEM, "write %s", path);
    enum tide_rc rc = TIDE_OK;
    if (unlink(beside) && errno != ENOENT) {
        rc = tide_fail_errno(e, "remove %s", beside);
        goto out;
    }
    /* O_EXCL after unlink: the mode is ours from the first byte, never a leftover's. */
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0) {
        rc = tide_fail_errno(e, "create %s", beside);
        goto out;
    }
    rc = write_all(fd, beside, bytes, n, e);
    close(fd);
    if (!rc && rename(beside, path)) rc = tide_fail_errno(e, "rename %s to %s", beside, path);
    if (rc) unlink(beside);
out:
    free(beside);
    return rc;
}

static int remove_entry(const char *path, const struct stat *facts, int type, struct FTW *where)
{
    (void)facts;
    (void)type;
    (void)where;
    return remove(path) && errno != ENOENT ? -1 : 0;
}

enum tide_rc tide_file_remove_tree(const char *path, struct tide_error *e)
{
    const struct timespec pause = {.tv_nsec = 20000000};
    /* A program that was just killed may still be writing its last file in there. */
    for (int attempt = 0; attempt < REMOVE_ATTEMPTS; attempt++) {
        if (!nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) || errno == ENOENT) return TIDE_OK;
        if (errno != ENOTEMPTY && errno != EEXIST) break;
        nanosleep(&pause, NULL);
    }
    return tide_fail_errno(e, "remove %s", path);
}

enum tide_rc tide_file_remove_matching(const char *folder, const char *pattern,
                                       struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    DIR *d = opendir(folder);
    if (!d) return tide_fail_errno(e, "open folder %s", folder);
    for (struct dirent *entry; !rc && (entry = readdir(d));) {
        if (fnmatch(pattern, entry->d_name, FNM_PERIOD) != 0) continue;
        char *path = tide_format("%s/%s", folder, entry->d_name);
        rc = path ? tide_file_remove_tree(path, e) : tide_fail(e, TIDE_NOMEM, "empty %s", folder);
        free(path);
    }
    closedir(d);
    return rc;
}

enum tide_rc tide_file_tree_size(const char *path, int64_t *bytes, struct tide_error *e)
{
    char *const roots[] = {(char *)path, NULL};
    *bytes = 0;
    if (!tide_file_exists(path)) return TIDE_OK;
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (!walk) return tide_fail_errno(e, "measure %s", path);
    for (FTSENT *entry; (entry = fts_read(walk));)
        if (entry->fts_info != FTS_DP && entry->fts_statp)
            *bytes += (int64_t)entry->fts_statp->st_blocks * 512;
    fts_close(walk);
    return TIDE_OK;
}

bool tide_file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}
