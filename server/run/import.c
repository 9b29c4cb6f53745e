/* import.c - see import.h.
 *
 * A text log is turned into a tide stream first. The stream is read to its end before the first row
 * is written, and then taken in as that of any run; should that fail all the same, its rows are
 * dropped. */
#include "run/import.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/utf8.h"
#include "run/ingest.h"
#include "run/textlog.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <stream.h>
#include <string.h>

#define FEED_AT_ONCE ((size_t)65536)
#define NAME_LENGTH  200
#define MAGIC_FIXED  7 /* bytes of the magic before the version */

struct scan { /* what a stream says of itself */
    bool started, ended;
    char python[32];
};

static void scan_meta(struct scan *s, const struct tide_record *r)
{
    bool start = r->key.length == 5 && !memcmp(r->key.at, "start", 5);
    s->started = s->started || start;
    s->ended = s->ended || (r->key.length == 4 && !memcmp(r->key.at, "exit", 4));
    if (r->key.length != 11 || memcmp(r->key.at, "environment", 11) != 0) return;
    json_t *value = json_loadb(r->text.at, r->text.length, 0, NULL);
    const char *version =
        json_string_value(json_object_get(json_object_get(value, "python"), "version"));
    if (version) /* sys.version: the number, then when and how it was built */
        snprintf(s->python, sizeof s->python, "%.*s", (int)strcspn(version, " "), version);
    json_decref(value);
}

static enum tide_rc scan_payload(struct scan *s, const uint8_t *payload, size_t n,
                                 struct tide_error *e)
{
    struct tide_cursor cursor;
    struct tide_record r;
    enum tide_stream_rc got;
    tide_cursor_start(&cursor, payload, n);
    while ((got = tide_cursor_next(&cursor, &r)) == TIDE_STREAM_OK)
        if (r.kind == TIDE_META) scan_meta(s, &r);
    return got == TIDE_STREAM_END
               ? TIDE_OK
               : tide_fail_field(e, "file", "the tide stream has a record out of shape");
}

static enum tide_rc scan_frames(struct scan *s, struct tide_frames *frames, struct tide_error *e)
{
    const uint8_t *payload = NULL;
    size_t n = 0;
    for (;;) {
        enum tide_stream_rc got = tide_frames_next(frames, &payload, &n);
        if (got == TIDE_STREAM_END) return TIDE_OK;
        if (got == TIDE_STREAM_NEWER)
            return tide_fail_field(e, "file", "the tide stream was written by a newer Tidemark");
        if (got) return tide_fail_field(e, "file", "the tide stream is damaged");
        enum tide_rc rc = scan_payload(s, payload, n, e);
        if (rc) return rc;
    }
}

static enum tide_rc scan_stream(struct scan *s, const char *bytes, size_t n, struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    struct tide_frames *frames = tide_frames_new();
    if (!frames) return tide_fail(e, TIDE_NOMEM, "import a file");
    for (size_t at = 0; at < n && !rc; at += FEED_AT_ONCE) {
        size_t part = n - at < FEED_AT_ONCE ? n - at : FEED_AT_ONCE;
        if (tide_frames_feed(frames, bytes + at, part))
            rc = tide_fail(e, TIDE_NOMEM, "import a file");
        else
            rc = scan_frames(s, frames, e);
    }
    if (!rc && (tide_frames_pending(frames) || !s->ended))
        rc = tide_fail_field(e, "file", "the tide stream was cut: its end is missing");
    if (!rc && !s->started) rc = tide_fail_field(e, "file", "the tide stream has no start");
    tide_frames_free(frames);
    return rc;
}

/* Take the stream in and end the run. What is wrong with the stream is a fault of the file's. */
static enum tide_rc ingest(struct tide_store *s, struct tide_feed *feed, int64_t run, int64_t batch,
                           const struct tide_str *stream, bool is_tide, struct tide_error *e)
{
    struct tide_outcome outcome;
    bool done;
    enum tide_rc rc = TIDE_OK;
    struct tide_ingest *in = tide_ingest_new(s, feed, run, batch);
    if (!in) return tide_fail(e, TIDE_NOMEM, "import a file");
    for (size_t at = 0; at < stream->length && !rc; at += FEED_AT_ONCE) {
        size_t part = stream->length - at < FEED_AT_ONCE ? stream->length - at : FEED_AT_ONCE;
        rc = tide_ingest_feed(in, stream->at + at, part, e);
    }
    if (!rc) rc = tide_ingest_finish(in, &outcome, e);
    if (!rc) {
        if (!is_tide)
            outcome.error = NULL; /* a log of samples has no marks and no exit to be judged by */
        rc = tide_store_end_run(s, run, &outcome, &done, e);
    }
    tide_ingest_free(in);
    if (rc == TIDE_CORRUPT && e) {
        struct tide_error why = *e;
        rc = tide_fail_field(e, "file", "%s", why.text);
    }
    return rc;
}

static void publish(struct tide_store *s, struct tide_feed *feed, int64_t run, int64_t batch)
{
    struct tide_str text = {0};
    struct tide_run_facts facts;
    if (!tide_store_run_facts(s, run, &facts, NULL) &&
        !tide_store_run_json(s, run, false, &text, NULL))
        tide_feed_publish(feed, facts.status, batch, text.at);
    tide_str_free(&text);
}

static enum tide_rc store_stream(struct tide_store *s, struct tide_feed *feed,
                                 const struct tide_import_row *row, const struct tide_str *stream,
                                 int64_t *run, struct tide_error *e)
{
    int64_t batch = 0;
    bool is_tide = !strcmp(row->format, "tide");
    enum tide_rc rc = tide_store_begin_import(s, row, run, &batch, e);
    if (rc) return rc;
    rc = ingest(s, feed, *run, batch, stream, is_tide, e);
    if (rc) {
        struct tide_error unseen;
        if (tide_store_drop_import(s, *run, &unseen))
            tide_log(TIDE_LOG_ERROR, "run", "an import cannot be dropped: %s", unseen.text);
    } else
        publish(s, feed, *run, batch);
    return rc;
}

/* The last part of the path, as UTF-8, cut to a sensible length; in new memory. */
static char *file_name(const char *path)
{
    const char *last = strrchr(path, '/');
    char raw[NAME_LENGTH + 1];
    snprintf(raw, sizeof raw, "%s", last ? last + 1 : path);
    return tide_utf8_copy(*raw ? raw : "unnamed");
}

enum tide_rc tide_import(struct tide_store *s, struct tide_feed *feed, const char *name,
                         const void *bytes, size_t n, int64_t *run, struct tide_error *e)
{
    static const unsigned char tide[MAGIC_FIXED] = {0x89, 'T', 'I', 'D', 'E', '\r', '\n'};
    struct tide_str stream = {.ceiling = (size_t)4 * TIDE_IMPORT_MAX};
    struct scan scan = {.python = "unknown"};
    char hash[TIDE_HASH_TEXT], sha[48];
    enum tide_rc rc = TIDE_OK;
    bool is_tide = n >= sizeof tide && !memcmp(bytes, tide, sizeof tide);
    const char *format = is_tide ? "tide" : n ? tide_textlog_format(bytes, n) : NULL;
    if (n > TIDE_IMPORT_MAX)
        return tide_fail_field(e, "file", "is larger than %u MiB", TIDE_IMPORT_MAX >> 20);
    if (!format)
        return tide_fail_field(e, "file",
                               "is neither a tide stream nor a log of cPyMemTrace, mprof "
                               "(.dat) or psrecord");
    if (is_tide)
        tide_str_add(&stream, bytes, n);
    else
        rc = tide_textlog_read(bytes, n, &stream, e);
    if (!rc && stream.failed) rc = tide_fail(e, TIDE_NOMEM, "import a file");
    if (!rc) rc = scan_stream(&scan, stream.at, stream.length, e);
    tide_hash_text(bytes, n, hash);
    snprintf(sha, sizeof sha, "%s%08x", hash, 0);
    char *shown = file_name(name);
    if (!rc && !shown) rc = tide_fail(e, TIDE_NOMEM, "import a file");
    const struct tide_import_row row = {shown, sha, scan.python, format};
    if (!rc) rc = store_stream(s, feed, &row, &stream, run, e);
    free(shown);
    tide_str_free(&stream);
    return rc;
}
