/* export.c - see export.h.
 *
 * Every format is a head, one piece per record, and a tail; text is gathered in `text` and handed
 * to the sink when there is enough of it.
 *
 * chrome: a recording need not hold every call, so calls and returns need not match. Slices must
 * nest, so the names of the open calls of a thread are kept: a return closes all slices above its
 * own call, one without a call is left out, and what is open at the end is closed there. */
#include "run/export.h"

#include "base/hash.h"
#include "run/series.h"

#include <stdlib.h>
#include <string.h>

#define FLUSH_AT    65536
#define THREADS_MAX 64   /* with slices; further threads have none */
#define DEPTH_MAX   1024 /* of slices; deeper ones are left out */

struct thread {
    uint32_t id, depth;
    uint32_t open[DEPTH_MAX];
};

struct writer {
    struct tide_str text;
    tide_sink_fn *sink;
    void *context;
    uint64_t n, events;
    int64_t end_ns;
    struct thread *threads;
    size_t n_threads;
};

static const struct {
    const char *name, *type;
} formats[] = {
    [TIDE_AS_TIDE] = {"tide", "application/octet-stream"},
    [TIDE_AS_CSV] = {"csv", "text/csv; charset=utf-8"},
    [TIDE_AS_JSON] = {"json", "application/json"},
    [TIDE_AS_PYMEMTRACE] = {"pymemtrace", "text/plain; charset=utf-8"},
    [TIDE_AS_CHROME] = {"chrome", "application/json"},
};

enum tide_rc tide_export_format(const char *name, enum tide_format *out, struct tide_error *e)
{
    for (size_t i = 0; name && i < sizeof formats / sizeof *formats; i++)
        if (!strcmp(formats[i].name, name)) {
            *out = (enum tide_format)i;
            return TIDE_OK;
        }
    return tide_fail_field(e, "format", "must be tide, csv, json, pymemtrace or chrome");
}

const char *tide_export_type(enum tide_format format)
{
    return formats[format].type;
}

static enum tide_rc flush(struct writer *w, size_t at, struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    if (w->text.failed) return tide_fail(e, TIDE_NOMEM, "export a run");
    if (w->text.length < at) return TIDE_OK;
    if (w->text.length) rc = w->sink(w->context, w->text.at, w->text.length, e);
    w->text.length = 0;
    return rc;
}

/* ---- texts ---- */

/* A JSON string. Bytes that JSON must not hold as they are become \u00XX; the rest is UTF-8
 * already. */
static void put_quoted(struct tide_str *out, const char *text)
{
    tide_str_put(out, "\"");
    for (const char *c = text; *c; c++)
        if (*c == '"' || *c == '\\')
            tide_str_printf(out, "\\%c", *c);
        else if ((unsigned char)*c < 0x20)
            tide_str_printf(out, "\\u%04x", *c);
        else
            tide_str_add(out, c, 1);
    tide_str_put(out, "\"");
}

static void put_csv_text(struct tide_str *out, const char *text)
{
    tide_str_put(out, "\"");
    for (const char *c = text; *c; c++) {
        if (*c == '"') tide_str_put(out, "\"");
        tide_str_add(out, c, 1);
    }
    tide_str_put(out, "\"");
}

/* For a log of one line per event: blanks and control characters would shift its columns. */
static void put_word(struct tide_str *out, const char *text, size_t width)
{
    size_t n = 0;
    for (const char *c = *text ? text : "-"; *c; c++, n++)
        tide_str_add(out, (unsigned char)*c <= 0x20 || *c == 0x7f ? "_" : c, 1);
    for (; n < width; n++)
        tide_str_put(out, " ");
}

/* ---- tide ---- */

static enum tide_rc write_payload(void *context, const struct tide_chunk_row *row,
                                  struct tide_error *e)
{
    struct writer *w = context;
    uint8_t *payload = NULL, head[12];
    size_t n = 0;
    enum tide_rc rc = tide_series_inflate(row, &payload, &n, e);
    uint64_t check = rc ? 0 : tide_hash_64(payload, n);
    for (int i = 0; i < 4; i++)
        head[i] = (uint8_t)(n >> 8 * i);
    for (int i = 0; i < 8; i++)
        head[4 + i] = (uint8_t)(check >> 8 * i);
    if (!rc) rc = w->sink(w->context, head, sizeof head, e);
    if (!rc) rc = w->sink(w->context, payload, n, e);
    free(payload);
    return rc;
}

static enum tide_rc write_tide(struct writer *w, struct tide_store *s, int64_t run,
                               struct tide_error *e)
{
    uint8_t magic[TIDE_STREAM_MAGIC_LEN];
    tide_stream_magic(magic);
    enum tide_rc rc = w->sink(w->context, magic, sizeof magic, e);
    return rc ? rc : tide_store_chunks(s, run, 0, INT64_MIN, INT64_MAX, 0, write_payload, w, e);
}

/* ---- records ---- */

static enum tide_rc write_csv(void *context, const struct tide_record *r,
                              const struct tide_name_row *name, int64_t t_ns, int64_t drss,
                              struct tide_error *e)
{
    struct writer *w = context;
    struct tide_str *out = &w->text;
    tide_str_printf(out, "%lld,%s,%u,", (long long)t_ns, tide_kind_name(r->kind), r->thread);
    if (name) put_csv_text(out, name->text);
    tide_str_put(out, ",");
    if (name) put_csv_text(out, name->file);
    tide_str_printf(out, ",%u,%llu,%lld,", r->line, (unsigned long long)r->rss, (long long)drss);
    if (r->peak) tide_str_printf(out, "%llu", (unsigned long long)r->peak);
    tide_str_printf(out, ",%lld\r\n", (long long)r->value);
    return flush(w, FLUSH_AT, e);
}

static enum tide_rc write_json(void *context, const struct tide_record *r,
                               const struct tide_name_row *name, int64_t t_ns, int64_t drss,
                               struct tide_error *e)
{
    struct writer *w = context;
    if (w->n) tide_str_put(&w->text, ",\n");
    tide_series_put_event(&w->text, (int64_t)w->n++, r, name, t_ns, drss);
    return flush(w, FLUSH_AT, e);
}

static enum tide_rc write_pymemtrace(void *context, const struct tide_record *r,
                                     const struct tide_name_row *name, int64_t t_ns, int64_t drss,
                                     struct tide_error *e)
{
    struct writer *w = context;
    struct tide_str *out = &w->text;
    bool call = r->kind >= TIDE_CALL && r->kind <= TIDE_C_EXCEPTION;
    if (!name || (!call && r->kind != TIDE_LINE)) return TIDE_OK;
    tide_str_printf(out, "NEXT: %-12llu +%-6d %-12.9f %-8s ", (unsigned long long)w->events,
                    w->events ? 1 : 0, (double)t_ns / 1e9, tide_kind_name(r->kind));
    w->events++;
    put_word(out, name->file, 80);
    tide_str_printf(out, "#%4u ", r->line);
    put_word(out, name->text, 32);
    tide_str_printf(out, " %12llu %12lld\n", (unsigned long long)r->rss, (long long)drss);
    return flush(w, FLUSH_AT, e);
}

/* ---- chrome ---- */

static void put_trace(struct writer *w, char phase, uint32_t thread, int64_t t_ns, const char *name)
{
    tide_str_printf(&w->text, "%s{\"ph\":\"%c\",\"pid\":1,\"tid\":%u,\"ts\":%.3f",
                    w->n++ ? ",\n" : "", phase, thread, (double)t_ns / 1e3);
    if (name) {
        tide_str_put(&w->text, ",\"name\":");
        put_quoted(&w->text, name);
    }
    if (phase == 'i') tide_str_put(&w->text, ",\"s\":\"p\"");
    tide_str_put(&w->text, "}");
}

static struct thread *find_thread(struct writer *w, uint32_t id)
{
    for (size_t i = 0; i < w->n_threads; i++)
        if (w->threads[i].id == id) return &w->threads[i];
    if (w->n_threads == THREADS_MAX) return NULL;
    w->threads[w->n_threads].id = id;
    return &w->threads[w->n_threads++];
}

static void open_slice(struct writer *w, const struct tide_record *r,
                       const struct tide_name_row *name, int64_t t_ns)
{
    struct thread *thread = find_thread(w, r->thread);
    if (!thread || !name || thread->depth == DEPTH_MAX) return;
    thread->open[thread->depth++] = r->name;
    put_trace(w, 'B', r->thread, t_ns, name->text);
}

static void close_slice(struct writer *w, const struct tide_record *r, int64_t t_ns)
{
    struct thread *thread = find_thread(w, r->thread);
    uint32_t depth = thread ? thread->depth : 0;
    while (depth && thread->open[depth - 1] != r->name)
        depth--;
    if (!depth) return;
    for (; thread->depth >= depth; thread->depth--)
        put_trace(w, 'E', r->thread, t_ns, NULL);
}

static enum tide_rc write_chrome(void *context, const struct tide_record *r,
                                 const struct tide_name_row *name, int64_t t_ns, int64_t drss,
                                 struct tide_error *e)
{
    struct writer *w = context;
    (void)drss;
    w->end_ns = t_ns;
    switch (r->kind) {
    case TIDE_CALL:
    case TIDE_C_CALL: open_slice(w, r, name, t_ns); break;
    case TIDE_RETURN:
    case TIDE_C_RETURN:
    case TIDE_C_EXCEPTION: close_slice(w, r, t_ns); break;
    case TIDE_MARK: put_trace(w, 'i', r->thread, t_ns, name ? name->text : "mark"); break;
    default: break;
    }
    tide_str_printf(
        &w->text,
        "%s{\"ph\":\"C\",\"pid\":1,\"ts\":%.3f,\"name\":\"RSS\",\"args\":{\"bytes\":%llu}}",
        w->n++ ? ",\n" : "", (double)t_ns / 1e3, (unsigned long long)r->rss);
    return flush(w, FLUSH_AT, e);
}

static void close_all(struct writer *w)
{
    for (size_t i = 0; i < w->n_threads; i++)
        for (; w->threads[i].depth; w->threads[i].depth--)
            put_trace(w, 'E', w->threads[i].id, w->end_ns, NULL);
}

/* ---- all ---- */

static enum tide_rc write_head(struct writer *w, struct tide_store *s, int64_t run,
                               enum tide_format format, struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    switch (format) {
    case TIDE_AS_CSV:
        tide_str_put(&w->text, "t_ns,kind,thread,function,file,line,rss,drss,peak,value\r\n");
        break;
    case TIDE_AS_JSON:
        tide_str_put(&w->text, "{\"run\":");
        rc = tide_store_run_json(s, run, true, &w->text, e);
        tide_str_put(&w->text, ",\"events\":[\n");
        break;
    case TIDE_AS_PYMEMTRACE:
        tide_str_printf(&w->text, "      %-12s dEvent  %-12s %-8s %-80s#line %-32s %12s %12s\n",
                        "Event", "Clock", "What", "File", "Function", "RSS", "dRSS");
        break;
    case TIDE_AS_CHROME:
        tide_str_put(&w->text, "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n");
        break;
    case TIDE_AS_TIDE: break;
    }
    return rc;
}

static enum tide_rc write_text(struct writer *w, struct tide_store *s, int64_t run,
                               enum tide_format format, struct tide_error *e)
{
    static tide_record_fn *const each[] = {
        [TIDE_AS_CSV] = write_csv,
        [TIDE_AS_JSON] = write_json,
        [TIDE_AS_PYMEMTRACE] = write_pymemtrace,
        [TIDE_AS_CHROME] = write_chrome,
    };
    enum tide_rc rc = write_head(w, s, run, format, e);
    if (!rc) rc = tide_series_each(s, run, each[format], w, e);
    if (format == TIDE_AS_CHROME) close_all(w);
    if (format == TIDE_AS_JSON || format == TIDE_AS_CHROME) tide_str_put(&w->text, "\n]}\n");
    return rc ? rc : flush(w, 0, e);
}

enum tide_rc tide_export(struct tide_store *s, int64_t run, enum tide_format format,
                         tide_sink_fn *sink, void *context, struct tide_error *e)
{
    struct tide_run_facts facts;
    struct writer w = {.sink = sink, .context = context};
    enum tide_rc rc = tide_store_run_facts(s, run, &facts, e);
    if (!rc && !facts.origin_ns)
        rc = tide_fail_field(e, "run", "run %lld has measured nothing (it is %s)", (long long)run,
                             facts.status);
    if (rc) return rc;
    w.threads = calloc(THREADS_MAX, sizeof *w.threads);
    if (!w.threads) return tide_fail(e, TIDE_NOMEM, "export a run");
    rc = format == TIDE_AS_TIDE ? write_tide(&w, s, run, e) : write_text(&w, s, run, format, e);
    free(w.threads);
    tide_str_free(&w.text);
    return rc;
}
