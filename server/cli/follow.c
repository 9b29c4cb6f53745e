/* follow.c - see follow.h. Chunked transfer coding as in RFC 9112, 7.1; events as in the HTML
 * standard, 9.2.6. */
#include "cli/follow.h"

#include "cli/client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RAW_MAX (16u << 20)

/* Drop the first n bytes. */
static void drop(struct tide_str *s, size_t n)
{
    memmove(s->at, s->at + n, s->length - n + 1);
    s->length -= n;
}

static enum tide_rc take_head(struct tide_follow *f, struct tide_error *e)
{
    const char *end = f->raw.at ? strstr(f->raw.at, "\r\n\r\n") : NULL;
    if (!end) return TIDE_OK;
    const char *status = strchr(f->raw.at, ' ');
    if (!status || strncmp(status + 1, "200", 3) != 0)
        return tide_fail(e, TIDE_FAILED, "the daemon gives no event stream: %.*s",
                         (int)strcspn(f->raw.at, "\r\n"), f->raw.at);
    f->headed = true;
    drop(&f->raw, (size_t)(end + 4 - f->raw.at));
    return TIDE_OK;
}

/* The line that says how long the next chunk is; false: it has not come whole. */
static bool take_size(struct tide_follow *f, bool *wrong)
{
    char *stop;
    size_t skipped = f->past_chunk ? 2 : 0;
    const char *end = f->raw.length > skipped ? strstr(f->raw.at + skipped, "\r\n") : NULL;
    if (!end) return false;
    unsigned long n = strtoul(f->raw.at + skipped, &stop, 16);
    *wrong = stop == f->raw.at + skipped || n > RAW_MAX;
    f->chunk = n;
    f->past_chunk = true;
    drop(&f->raw, (size_t)(end + 2 - f->raw.at));
    return n > 0 && !*wrong;
}

enum tide_rc tide_follow_decode(struct tide_follow *f, struct tide_error *e)
{
    bool wrong = false;
    if (!f->headed) {
        enum tide_rc rc = take_head(f, e);
        if (rc || !f->headed) return rc;
    }
    while (f->raw.length && (f->chunk || take_size(f, &wrong))) {
        size_t n = f->raw.length < f->chunk ? f->raw.length : f->chunk;
        tide_str_add(&f->text, f->raw.at, n);
        drop(&f->raw, n);
        f->chunk -= n;
    }
    if (wrong) return tide_fail(e, TIDE_CORRUPT, "the event stream is out of shape");
    return f->text.failed ? tide_fail(e, TIDE_NOMEM, "read the event stream") : TIDE_OK;
}

static void take_line(struct tide_follow_event *out, const char *line, size_t n)
{
    static const char id[] = "id: ", name[] = "event: ", data[] = "data: ";
    if (!strncmp(line, id, sizeof id - 1)) out->id = strtoll(line + sizeof id - 1, NULL, 10);
    if (!strncmp(line, name, sizeof name - 1) && !out->name)
        out->name = strndup(line + sizeof name - 1, n - (sizeof name - 1));
    if (!strncmp(line, data, sizeof data - 1) && !out->data)
        out->data = strndup(line + sizeof data - 1, n - (sizeof data - 1));
}

bool tide_follow_take(struct tide_follow *f, struct tide_follow_event *out)
{
    *out = (struct tide_follow_event){0};
    const char *end;
    while (f->text.length && (end = strstr(f->text.at, "\n\n"))) {
        for (const char *line = f->text.at; line < end + 1;) {
            size_t n = strcspn(line, "\n");
            take_line(out, line, n);
            line += n + 1;
        }
        drop(&f->text, (size_t)(end + 2 - f->text.at));
        if (out->name && out->data) {
            f->last_id = out->id;
            return true;
        }
        tide_follow_event_clear(out); /* a comment */
    }
    return false;
}

void tide_follow_event_clear(struct tide_follow_event *event)
{
    free(event->name);
    free(event->data);
    event->name = event->data = NULL;
    event->id = 0;
}

void tide_follow_close(struct tide_follow *f)
{
    if (f->fd >= 0) close(f->fd);
    tide_str_free(&f->raw);
    tide_str_free(&f->text);
    *f = (struct tide_follow){.fd = -1, .last_id = f->last_id};
}

enum tide_rc tide_follow_open(struct tide_follow *f, const char *data, const char *target,
                              struct tide_error *e)
{
    char header[64] = "";
    tide_follow_close(f);
    f->raw.ceiling = f->text.ceiling = RAW_MAX;
    if (f->last_id)
        snprintf(header, sizeof header, "Last-Event-ID: %lld\r\n", (long long)f->last_id);
    return tide_client_open(data, target, header, &f->fd, e);
}

enum tide_rc tide_follow_next(struct tide_follow *f, int patience_ms, struct tide_follow_event *out,
                              struct tide_error *e)
{
    char block[16384];
    while (!tide_follow_take(f, out)) {
        struct pollfd waiting = {.fd = f->fd, .events = POLLIN};
        int ready = poll(&waiting, 1, patience_ms);
        if (ready < 0 && errno == EINTR) return tide_fail(e, TIDE_STOPPED, "interrupted");
        if (ready <= 0) return tide_fail(e, TIDE_BUSY, "nothing came");
        ssize_t n = recv(f->fd, block, sizeof block, 0);
        if (n <= 0) return tide_fail(e, TIDE_ABSENT, "the event stream has ended");
        tide_str_add(&f->raw, block, (size_t)n);
        enum tide_rc rc = f->raw.failed ? tide_fail(e, TIDE_NOMEM, "read the event stream")
                                        : tide_follow_decode(f, e);
        if (rc) return rc;
    }
    return TIDE_OK;
}
