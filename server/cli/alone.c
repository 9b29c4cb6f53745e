/* alone.c - see alone.h. */
#include "cli/alone.h"

#include "base/file.h"
#include "base/log.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define DATABASE "tidemark.db"

struct tide_alone {
    struct tide_daemon *daemon;
    sigset_t awaited, before;
    pthread_t thread;
    pthread_mutex_t lock; /* whoever holds it ends the daemon */
    bool ending;          /* the command is done */
};

bool tide_alone_served(const char *data)
{
    char *path = tide_format("%s/lock", data);
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    bool served = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
    if (fd >= 0) close(fd);
    free(path);
    return served;
}

/* A thread of its own: the command's may be anywhere when the signal comes. */
static void *await_signal(void *context)
{
    struct tide_alone *a = context;
    int number = 0;
    sigwait(&a->awaited, &number);
    pthread_mutex_lock(&a->lock);
    if (!a->ending) {
        fputs("\nInterrupted. What is not done stays queued.\n", stderr);
        tide_daemon_stop(a->daemon);
        signal(number, SIG_DFL);
        pthread_sigmask(SIG_UNBLOCK, &a->awaited, NULL);
        raise(number);
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

enum tide_rc tide_alone_begin(const struct tide_daemon_options *o, struct tide_alone **out,
                              struct tide_error *e)
{
    struct tide_daemon_options options = *o;
    *out = NULL;
    struct tide_alone *a = calloc(1, sizeof *a);
    if (!a) return tide_fail(e, TIDE_NOMEM, "start");
    tide_log_set_level(TIDE_LOG_ERROR);
    pthread_mutex_init(&a->lock, NULL);
    sigemptyset(&a->awaited);
    sigaddset(&a->awaited, SIGINT);
    sigaddset(&a->awaited, SIGTERM);
    sigaddset(&a->awaited, SIGUSR1);                     /* our own: the command is done */
    pthread_sigmask(SIG_BLOCK, &a->awaited, &a->before); /* the daemon's threads inherit it */
    signal(SIGPIPE, SIG_IGN);
    options.listen = "127.0.0.1:0";
    enum tide_rc rc = tide_daemon_start(&options, &a->daemon, e);
    errno = rc ? 0 : pthread_create(&a->thread, NULL, await_signal, a);
    if (!rc && errno) rc = tide_fail_errno(e, "start a thread");
    if (!rc) {
        *out = a;
        return TIDE_OK;
    }
    tide_daemon_stop(a->daemon);
    pthread_sigmask(SIG_SETMASK, &a->before, NULL);
    free(a);
    return rc;
}

void tide_alone_end(struct tide_alone *a)
{
    if (!a) return;
    pthread_mutex_lock(&a->lock); /* never returns where a signal came first */
    a->ending = true;
    pthread_mutex_unlock(&a->lock);
    pthread_kill(a->thread, SIGUSR1);
    pthread_join(a->thread, NULL);
    tide_daemon_stop(a->daemon);
    pthread_sigmask(SIG_SETMASK, &a->before, NULL);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

enum tide_rc tide_alone_do(const char *named, struct tide_daemon_options o, tide_alone_act *act,
                           void *context, struct tide_error *e)
{
    struct tide_alone *alone = NULL;
    char *data = tide_config_data(named);
    if (!data) return tide_fail(e, TIDE_NOMEM, "find the data folder");
    o.data = data;
    enum tide_rc rc = tide_alone_served(data) ? TIDE_OK : tide_alone_begin(&o, &alone, e);
    if (!rc) rc = act(context, data, e);
    tide_alone_end(alone);
    free(data);
    return rc;
}

/* ---- a database file ---- */

/* Make FOLDER/tidemark.db a link to the file, unless it is that. */
static enum tide_rc link_database(const char *folder, const char *file, struct tide_error *e)
{
    char there[4096];
    char *path = tide_format("%s/" DATABASE, folder);
    if (!path) return tide_fail(e, TIDE_NOMEM, "open %s", file);
    enum tide_rc rc = TIDE_OK;
    ssize_t n = readlink(path, there, sizeof there - 1);
    there[n < 0 ? 0 : n] = '\0';
    if (strcmp(there, file) != 0) {
        if (n >= 0) unlink(path);
        if (symlink(file, path)) rc = tide_fail_errno(e, "link %s to %s", path, file);
    }
    free(path);
    return rc;
}

enum tide_rc tide_alone_folder(const char *file, bool make, char folder[4096], struct tide_error *e)
{
    char whole[4096];
    const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
    char *parent = slash ? strndup(file, slash == file ? 1 : (size_t)(slash - file)) : strdup(".");
    if (!parent) return tide_fail(e, TIDE_NOMEM, "open %s", file);
    char *real = realpath(parent, NULL);
    enum tide_rc rc = TIDE_OK;
    if (!real)
        rc = tide_fail(e, TIDE_INVALID, "there is no folder %s for the database", parent);
    else if (!*name || (!make && !tide_file_exists(file)))
        rc = tide_fail(e, TIDE_INVALID, "there is no database %s", file);
    else if (!strcmp(name, DATABASE))
        snprintf(folder, 4096, "%s", real);
    else if (snprintf(whole, sizeof whole, "%s/%s", real, name) >= (int)sizeof whole ||
             snprintf(folder, 4096, "%s.data", whole) >= 4096)
        rc = tide_fail(e, TIDE_INVALID, "the path of the database is too long");
    else
        rc = tide_file_make_folder(folder, 0700, e);
    if (!rc && strcmp(name, DATABASE) != 0) rc = link_database(folder, whole, e);
    free(parent);
    free(real);
    return rc;
}
