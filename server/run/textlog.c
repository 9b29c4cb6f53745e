/* textlog.c - see textlog.h.
 *
 * pymemtrace  "NEXT: EVENT +DEVENT CLOCK WHAT FILE #LINE FUNCTION RSS DRSS", bytes and seconds;
 *             NEXT is an event at which RSS moved, PREV the one before it
 * mprof       "MEM MIB TIME", "CHLD NUMBER MIB TIME",
 *             "FUNC NAME MIB_AT_START START MIB_AT_END END [LEVEL]", MiB and seconds since the
 * epoch psrecord    "ELAPSED CPU REAL_MB VIRTUAL_MB ...", seconds and MiB
 *
 * Each line gives records; at the end they are put in order of time (mprof writes a function when
 * it has ended) and encoded. Lines end with a newline: one that does not was cut. */
#include "run/textlog.h"

#include "base/utf8.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <stream.h>
#include <string.h>

#define ORIGIN_NS   UINT64_C(1000000000) /* of the clock in the stream; 0 would mean none */
#define SECONDS_MAX 1e10
#define MIB_MAX     1e9
#define NAMES_MAX   65536
#define FIRST_NAME  2 /* 1 is (other) in streams of ours */
#define THREAD      1
#define WORDS_MAX   16

struct point { /* a record in the making */
    uint64_t t_ns, rss;
    size_t seq;
    uint32_t name, line, thread;
    enum tide_kind kind;
};

struct name {
    char *text, *file;
    uint32_t line;
    enum tide_name_kind kind;
};

struct log {
    struct point *at;
    size_t n, capacity;
    struct name *names;
    uint32_t n_names, *slots; /* slots: hash table of 2 * NAMES_MAX entries, 0 for free */
    size_t line;              /* number of the line in hand */
};

struct word {
    const char *at;
    size_t n;
};

static enum tide_rc wrong(const struct log *l, struct tide_error *e, const char *what)
{
    return tide_fail_field(e, "file", "line %zu: %s", l->line, what);
}

/* ---- lines into words and numbers ---- */

static size_t split(const char *at, size_t n, struct word *words)
{
    size_t found = 0, i = 0;
    while (i < n) {
        while (i < n && (unsigned char)at[i] <= ' ')
            i++;
        size_t from = i;
        while (i < n && (unsigned char)at[i] > ' ')
            i++;
        if (i > from && found < WORDS_MAX) words[found++] = (struct word){at + from, i - from};
    }
    return found;
}

static bool is_word(struct word w, const char *text)
{
    return w.n == strlen(text) && !memcmp(w.at, text, w.n);
}

/* A number from 0 to `most`. Bounded by a copy, since the text is not terminated. */
static bool read_real(struct word w, double most, double *out)
{
    char copy[64], *end;
    if (!w.n || w.n >= sizeof copy) return false;
    memcpy(copy, w.at, w.n);
    copy[w.n] = '\0';
    if (strspn(copy, "+-.0123456789eE") < w.n) return false;
    *out = strtod(copy, &end);
    return !*end && *out >= 0 && *out <= most;
}

static bool read_size(struct word w, uint64_t *out)
{
    *out = 0;
    if (!w.n || w.n > 18) return false;
    for (size_t i = 0; i < w.n; i++) {
        if (w.at[i] < '0' || w.at[i] > '9') return false;
        *out = *out * 10 + (uint64_t)(w.at[i] - '0');
    }
    return true;
}

static bool read_mib(struct word w, uint64_t *out)
{
    double mib;
    if (!read_real(w, MIB_MAX, &mib)) return false;
    *out = (uint64_t)llround(mib * 1048576);
    return true;
}

static bool read_time(struct word w, uint64_t *out)
{
    double seconds;
    if (!read_real(w, SECONDS_MAX, &seconds)) return false;
    *out = (uint64_t)llround(seconds * 1e9);
    return true;
}

/* ---- what was read ---- */

static enum tide_rc add(struct log *l, struct point point, struct tide_error *e)
{
    if (l->n == l->capacity) {
        size_t capacity = l->capacity ? l->capacity * 2 : 1024;
        struct point *at = realloc(l->at, capacity * sizeof *at);
        if (!at) return tide_fail(e, TIDE_NOMEM, "read a log");
        l->at = at;
        l->capacity = capacity;
    }
    point.seq = l->n;
    l->at[l->n++] = point;
    return TIDE_OK;
}

static char *copy_word(struct word w)
{
    char *raw = strndup(w.at, w.n), *clean = raw ? tide_utf8_copy(raw) : NULL;
    free(raw);
    return clean;
}

static uint32_t hash_word(uint32_t h, struct word w)
{
    for (size_t i = 0; i < w.n; i++)
        h = (h ^ (unsigned char)w.at[i]) * UINT32_C(16777619); /* FNV-1a */
    return h * UINT32_C(16777619);
}

/* The id of a name, a new one at need. */
static enum tide_rc find_name(struct log *l, enum tide_name_kind kind, struct word text,
                              struct word file, uint32_t line, uint32_t *id, struct tide_error *e)
{
    uint32_t slot = hash_word(hash_word(UINT32_C(2166136261) + kind, text), file);
    for (;; slot++) {
        uint32_t at = l->slots[slot % (2 * NAMES_MAX)];
        const struct name *n = at ? &l->names[at - 1] : NULL;
        if (!n) break;
        if (n->kind == kind && is_word(text, n->text) && is_word(file, n->file)) {
            *id = at - 1 + FIRST_NAME;
            return TIDE_OK;
        }
    }
    if (l->n_names == NAMES_MAX) return wrong(l, e, "more than 65536 different functions");
    struct name *new = &l->names[l->n_names++];
    *new = (struct name){copy_word(text), copy_word(file), line, kind};
    if (!new->text || !new->file) return tide_fail(e, TIDE_NOMEM, "read a log");
    l->slots[slot % (2 * NAMES_MAX)] = l->n_names;
    *id = l->n_names - 1 + FIRST_NAME;
    return TIDE_OK;
}

/* ---- pymemtrace ---- */

static const struct {
    const char *word;
    enum tide_kind kind;
} whats[] = {
    {"CALL", TIDE_CALL},         {"RETURN", TIDE_RETURN},        {"C_CALL", TIDE_C_CALL},
    {"C_RETURN", TIDE_C_RETURN}, {"C_EXCEPT", TIDE_C_EXCEPTION}, {"C_EXCEPTION", TIDE_C_EXCEPTION},
    {"LINE", TIDE_LINE},         {"EXCEPT", TIDE_SAMPLE},        {"EXCEPTION", TIDE_SAMPLE},
    {"OPCODE", TIDE_SAMPLE},
};

/* WHAT's kind; false when it is none. Kinds that a tide stream does not know are samples. */
static bool read_what(struct word w, enum tide_kind *kind)
{
    for (size_t i = 0; i < sizeof whats / sizeof *whats; i++)
        if (is_word(w, whats[i].word)) {
            *kind = whats[i].kind;
            return true;
        }
    return false;
}

static struct word trim(const char *from, const char *to)
{
    while (from < to && (unsigned char)*from <= ' ')
        from++;
    while (to > from && (unsigned char)to[-1] <= ' ')
        to--;
    return (struct word){from, (size_t)(to - from)};
}

/* "FILE #LINE FUNCTION": files and functions may hold blanks; the last # that a number follows
 * parts them. */
static bool read_place(struct word place, struct word *file, struct word *function, uint32_t *line)
{
    for (size_t i = place.n; i-- > 0;) {
        if (place.at[i] != '#') continue;
        const char *at = place.at + i + 1, *end = place.at + place.n;
        while (at < end && *at == ' ')
            at++;
        const char *digits = at;
        uint64_t number = 0;
        while (at < end && *at >= '0' && *at <= '9')
            at++;
        if (!read_size((struct word){digits, (size_t)(at - digits)}, &number)) continue;
        if (number > UINT32_MAX || (at < end && *at != ' ')) continue;
        *line = (uint32_t)number;
        *file = trim(place.at, place.at + i);
        *function = trim(at, end);
        return true;
    }
    return false;
}

static enum tide_rc read_pymemtrace(struct log *l, const char *at, size_t n, struct tide_error *e)
{
    struct word w[WORDS_MAX], last[2], file, function;
    struct point p = {.thread = THREAD};
    size_t found = split(at, n, w), first = 0;
    uint64_t number;
    bool labelled = found && w[0].n > 1 && w[0].at[w[0].n - 1] == ':';
    if (!found || is_word(w[0], "Event") || *w[0].at == '#') return TIDE_OK;
    if (labelled && !is_word(w[0], "NEXT:") && !is_word(w[0], "PREV:")) return TIDE_OK;
    if (labelled) first = 1;
    if (found < first + 7) return wrong(l, e, "an event has 9 columns");
    if (!read_size(w[first], &number)) return wrong(l, e, "the event's number is none");
    if (!read_time(w[first + 2], &p.t_ns)) return wrong(l, e, "the clock is no time in seconds");
    if (!read_what(w[first + 3], &p.kind)) return wrong(l, e, "no such kind of event");
    const char *end = at + n;
    for (int i = 1; i >= 0; i--) { /* from the end: what stands between may hold blanks */
        last[i] = trim(at, end);
        const char *from = last[i].at + last[i].n;
        while (from > at && (unsigned char)from[-1] > ' ')
            from--;
        last[i] = (struct word){from, (size_t)(last[i].at + last[i].n - from)};
        end = from;
    }
    const char *place = w[first + 3].at + w[first + 3].n;
    if (end <= place || !read_size(last[0], &p.rss))
        return wrong(l, e, "RSS is no number of bytes");
    if (!read_place(trim(place, end), &file, &function, &p.line) || !function.n)
        return wrong(l, e, "file, #line and function are missing");
    bool c = p.kind >= TIDE_C_CALL && p.kind <= TIDE_C_EXCEPTION;
    if (is_word(file, "-")) file.n = 0;
    enum tide_rc rc = p.kind == TIDE_SAMPLE ? TIDE_OK
                                            : find_name(l, c ? TIDE_NAME_C : TIDE_NAME_PYTHON,
                                                        function, file, p.line, &p.name, e);
    return rc ? rc : add(l, p, e);
}

/* ---- mprof ---- */

static enum tide_rc read_function(struct log *l, const struct word *w, size_t n,
                                  struct tide_error *e)
{
    struct point enter = {.kind = TIDE_CALL, .thread = THREAD};
    struct point leave = {.kind = TIDE_RETURN, .thread = THREAD};
    if (n < 6 || !read_mib(w[2], &enter.rss) || !read_time(w[3], &enter.t_ns) ||
        !read_mib(w[4], &leave.rss) || !read_time(w[5], &leave.t_ns))
        return wrong(l, e, "FUNC is followed by a name, MiB, seconds, MiB and seconds");
    enum tide_rc rc = find_name(l, TIDE_NAME_PYTHON, w[1], (struct word){"", 0}, 0, &enter.name, e);
    leave.name = enter.name;
    if (!rc) rc = add(l, enter, e);
    return rc ? rc : add(l, leave, e);
}

static enum tide_rc read_mprof(struct log *l, const char *at, size_t n, struct tide_error *e)
{
    struct word w[WORDS_MAX];
    struct point p = {.kind = TIDE_SAMPLE};
    uint64_t number = 0;
    size_t found = split(at, n, w);
    if (!found || is_word(w[0], "CMDLINE") || *w[0].at == '#') return TIDE_OK;
    if (is_word(w[0], "FUNC")) return read_function(l, w, found, e);
    bool child = is_word(w[0], "CHLD");
    if (!child && !is_word(w[0], "MEM"))
        return wrong(l, e, "does not begin with CMDLINE, MEM, FUNC or CHLD");
    if (found != (child ? 4 : 3) || (child && (!read_size(w[1], &number) || number > INT32_MAX)) ||
        !read_mib(w[found - 2], &p.rss) || !read_time(w[found - 1], &p.t_ns))
        return wrong(l, e,
                     child ? "CHLD is followed by a number, MiB and seconds"
                           : "MEM is followed by MiB and seconds");
    if (child) {
        p.kind = TIDE_CHILD;
        p.thread = (uint32_t)number;
    }
    return add(l, p, e);
}

/* ---- psrecord ---- */

static enum tide_rc read_psrecord(struct log *l, const char *at, size_t n, struct tide_error *e)
{
    struct word w[WORDS_MAX];
    struct point p = {.kind = TIDE_SAMPLE};
    size_t found = split(at, n, w);
    if (!found || *w[0].at == '#') return TIDE_OK;
    if (found < 4 || !read_time(w[0], &p.t_ns) || !read_mib(w[2], &p.rss))
        return wrong(l, e, "a sample has seconds, CPU, real MB and virtual MB");
    return add(l, p, e);
}

/* ---- the stream ---- */

static int compare(const void *a, const void *b)
{
    const struct point *x = a, *y = b;
    if (x->t_ns != y->t_ns) return x->t_ns < y->t_ns ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static void close_chunk(struct tide_encoder *encoder, struct tide_str *out)
{
    const uint8_t *at = NULL;
    size_t n = tide_encoder_finish(encoder, &at);
    tide_str_add(out, at, n);
}

static enum tide_rc put(struct tide_encoder *encoder, const struct tide_record *r,
                        struct tide_str *out, struct tide_error *e)
{
    enum tide_stream_rc rc = tide_encoder_add(encoder, r);
    if (rc == TIDE_STREAM_FULL) {
        close_chunk(encoder, out);
        rc = tide_encoder_add(encoder, r);
    }
    return rc ? tide_fail_field(e, "file", "it has a name that is too long or no text") : TIDE_OK;
}

static struct tide_text borrow(const char *text)
{
    return (struct tide_text){text, (uint32_t)strlen(text)};
}

static enum tide_rc put_meta(struct tide_encoder *encoder, const char *key, const char *json,
                             struct tide_str *out, struct tide_error *e)
{
    const struct tide_record r = {.kind = TIDE_META, .key = borrow(key), .text = borrow(json)};
    return put(encoder, &r, out, e);
}

static enum tide_rc put_points(const struct log *l, uint64_t begin, struct tide_encoder *encoder,
                               struct tide_str *out, struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    for (size_t i = 0; i < l->n && !rc; i++) {
        const struct point *p = &l->at[i];
        const struct tide_record r = {.kind = p->kind,
                                      .t_ns = ORIGIN_NS + p->t_ns - begin,
                                      .thread = p->thread,
                                      .name = p->name,
                                      .line = p->line,
                                      .rss = p->rss};
        rc = put(encoder, &r, out, e);
    }
    return rc;
}

static enum tide_rc encode(struct log *l, bool epoch, struct tide_str *out, struct tide_error *e)
{
    uint8_t magic[TIDE_STREAM_MAGIC_LEN];
    struct tide_encoder *encoder = tide_encoder_new();
    if (!encoder) return tide_fail(e, TIDE_NOMEM, "read a log");
    assert(l->at && l->n); /* read_lines refuses a file without */
    qsort(l->at, l->n, sizeof *l->at, compare);
    tide_stream_magic(magic);
    tide_str_add(out, magic, sizeof magic);
    enum tide_rc rc = put_meta(encoder, "start", "{\"t_ns\":1000000000}", out, e);
    for (uint32_t i = 0; i < l->n_names && !rc; i++) {
        const struct name *n = &l->names[i];
        const struct tide_record r = {.kind = TIDE_NAME,
                                      .name = i + FIRST_NAME,
                                      .name_kind = n->kind,
                                      .line = n->line,
                                      .text = borrow(n->text),
                                      .file = borrow(n->file)};
        rc = put(encoder, &r, out, e);
    }
    if (!rc) rc = put_points(l, epoch ? l->at[0].t_ns : 0, encoder, out, e);
    if (!rc) rc = put_meta(encoder, "exit", "{\"code\":null,\"signal\":null}", out, e);
    close_chunk(encoder, out);
    tide_encoder_free(encoder);
    if (!rc && out->failed) rc = tide_fail(e, TIDE_NOMEM, "read a log");
    return rc;
}

/* ---- all ---- */

typedef enum tide_rc line_fn(struct log *l, const char *at, size_t n, struct tide_error *e);

static enum tide_rc read_lines(struct log *l, line_fn *each, const char *text, size_t n,
                               struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    for (size_t at = 0; at < n && !rc;) {
        const char *end = memchr(text + at, '\n', n - at);
        l->line++;
        if (!end) return wrong(l, e, "the file was cut: its last line has no end");
        size_t length = (size_t)(end - text) - at;
        if (memchr(text + at, '\0', length)) return wrong(l, e, "there is a NUL in it");
        rc = each(l, text + at, length, e);
        at += length + 1;
    }
    if (!rc && !l->n) rc = tide_fail_field(e, "file", "there is no sample and no event in it");
    return rc;
}

const char *tide_textlog_format(const char *text, size_t n)
{
    struct word w[WORDS_MAX];
    const char *end = memchr(text, '\n', n);
    size_t found = split(text, end ? (size_t)(end - text) : n, w);
    if (!found) return NULL;
    if (is_word(w[0], "NEXT:") || is_word(w[0], "PREV:") ||
        (found > 2 && is_word(w[0], "Event") && is_word(w[2], "Clock")))
        return "pymemtrace";
    if (is_word(w[0], "CMDLINE") || is_word(w[0], "MEM")) return "mprof";
    if (found > 2 && is_word(w[0], "#") && is_word(w[1], "Elapsed")) return "psrecord";
    return NULL;
}

enum tide_rc tide_textlog_read(const char *text, size_t n, struct tide_str *out,
                               struct tide_error *e)
{
    struct log l = {0};
    const char *format = tide_textlog_format(text, n);
    if (!format) return tide_fail_field(e, "file", "is no log of a known format");
    bool mprof = !strcmp(format, "mprof");
    line_fn *each = mprof                                ? read_mprof
                    : *format == 'p' && format[1] == 's' ? read_psrecord
                                                         : read_pymemtrace;
    l.names = calloc(NAMES_MAX, sizeof *l.names);
    l.slots = calloc((size_t)2 * NAMES_MAX, sizeof *l.slots);
    enum tide_rc rc = l.names && l.slots ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "read a log");
    if (!rc) rc = read_lines(&l, each, text, n, e);
    if (!rc) rc = encode(&l, mprof, out, e);
    for (uint32_t i = 0; i < l.n_names; i++) {
        free(l.names[i].text);
        free(l.names[i].file);
    }
    free(l.names);
    free(l.slots);
    free(l.at);
    return rc;
}
