/* scratch.c - see scratch.h. */
#include "build/scratch.h"

#include "base/file.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_folder(const char *folder, struct tide_error *e)
{
    if (tide_file_make_folder(folder, 0755, e)) return -1;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) tide_fail_errno(e, "open folder %s", folder);
    return fd;
}

static enum tide_rc remove_children(const char *folder, struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    DIR *d = opendir(folder);
    if (!d) return tide_fail_errno(e, "open folder %s", folder);
    for (struct dirent *entry; !rc && (entry = readdir(d));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        char *path = tide_format("%s/%s", folder, entry->d_name);
        rc = path ? tide_file_remove_tree(path, e) : tide_fail(e, TIDE_NOMEM, "empty %s", folder);
        free(path);
    }
    closedir(d);
    return rc;
}

enum tide_rc tide_scratch_sweep(const char *folder, struct tide_error *e)
{
    int fd = open_folder(folder, e);
    if (fd < 0) return TIDE_IO;
    enum tide_rc rc = TIDE_OK;
    if (!flock(fd, LOCK_EX | LOCK_NB))
        rc = remove_children(folder, e);
    else if (errno != EWOULDBLOCK)
        rc = tide_fail_errno(e, "lock folder %s", folder);
    close(fd);
    return rc;
}

enum tide_rc tide_scratch_is_held(const char *folder, bool *held, struct tide_error *e)
{
    int fd = open_folder(folder, e);
    if (fd < 0) return TIDE_IO;
    enum tide_rc rc = TIDE_OK;
    *held = flock(fd, LOCK_EX | LOCK_NB) != 0;
    if (*held && errno != EWOULDBLOCK) rc = tide_fail_errno(e, "lock folder %s", folder);
    close(fd);
    return rc;
}

enum tide_rc tide_scratch_hold(const char *folder, int *hold, struct tide_error *e)
{
    *hold = open_folder(folder, e);
    if (*hold < 0) return TIDE_IO;
    while (flock(*hold, LOCK_SH)) {
        if (errno == EINTR) continue;
        enum tide_rc rc = tide_fail_errno(e, "lock folder %s", folder);
        close(*hold);
        *hold = -1;
        return rc;
    }
    return TIDE_OK;
}

enum tide_rc tide_scratch_make(const char *folder, const char *name, char **out,
                               struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    *out = tide_format("%s/%s.XXXXXX", folder, name);
    if (!*out) return tide_fail(e, TIDE_NOMEM, "make a folder in %s", folder);
    if (mkdtemp(*out) && !chmod(*out, 0755)) return TIDE_OK;
    rc = tide_fail_errno(e, "make a folder in %s", folder);
    free(*out);
    *out = NULL;
    return rc;
}
