/* stream.c - the only encoder and decoder of the tide stream.
 *
 * The bytes are described in docs/STREAM.md. In short, a record opens with one tag byte: its kind
 * in the low four bits, and in the high four which of its fields differ from the record before it.
 * Numbers are LEB128 varints, differences zigzagged so that a small fall is as short as a small
 * rise, and sizes are counted in pages of 4096 bytes. A record with a size that is no multiple of
 * that is preceded by the byte TAG_EXACT and counts in bytes. Typical is a call at 5 bytes: tag,
 * two bytes of time, name, line.
 *
 * Encoder and decoder keep the same small state, a struct tide_cursor: the values that the next
 * differences are taken from. Differences wrap at 2^64, so every value survives the round trip.
 *
 * Reading trusts nothing: each number is bounded by its field, each length by its ceiling and by
 * the bytes that are there, and each text must be UTF-8 without NUL, so that what follows (JSON,
 * SQL) need not ask again. */
#include "stream.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
    HEADER_LEN = 12, /* u32 length, u64 check */
    KIND_MASK = 0x0f,
    TAG_EXACT = 0x0f, /* the sizes of the record that follows are in bytes */
    TAG_MORE = 0x0e,  /* the next byte tells the kind: MORE_... */
    MORE_TOTAL = 1,
    MORE_SMAPS = 2,

    EVENT_THREAD = 0x10,
    EVENT_RSS = 0x20,
    EVENT_LINE = 0x40,
    SAMPLE_ANONYMOUS = 0x10,
    SAMPLE_RSS = 0x20,
    SAMPLE_FILE = 0x40,
    HAS_PEAK = 0x80,

    NUMBERS_MAX = 128,   /* more than all numbers of one record take: tags and ten varints of 10 */
    UNIT = 4096,         /* bytes a size is counted in, unless TAG_EXACT */
    FEED_MAX = 8u << 20, /* bytes that a tide_frames holds at the most */
    FEED_START = 128 << 10,
};

static const uint8_t MAGIC[TIDE_STREAM_MAGIC_LEN] = {0x89, 'T',  'I',  'D',
                                                     'E',  '\r', '\n', TIDE_STREAM_VERSION};

void tide_stream_magic(uint8_t out[TIDE_STREAM_MAGIC_LEN])
{
    memcpy(out, MAGIC, sizeof MAGIC);
}

const char *tide_kind_name(enum tide_kind k)
{
    static const char *const NAMES[] = {
        [TIDE_META] = "META",
        [TIDE_NAME] = "NAME",
        [TIDE_SAMPLE] = "SAMPLE",
        [TIDE_CALL] = "CALL",
        [TIDE_RETURN] = "RETURN",
        [TIDE_C_CALL] = "C_CALL",
        [TIDE_C_RETURN] = "C_RETURN",
        [TIDE_C_EXCEPTION] = "C_EXCEPTION",
        [TIDE_MARK] = "MARK",
        [TIDE_LINE] = "LINE",
        [TIDE_GC] = "GC",
        [TIDE_THREAD] = "THREAD",
        [TIDE_CHILD] = "CHILD",
        [TIDE_TOTAL] = "TOTAL",
        [TIDE_SMAPS] = "SMAPS",
    };
    size_t i = (size_t)k;

    return i < sizeof NAMES / sizeof *NAMES && NAMES[i] ? NAMES[i] : "?";
}

/* ---- numbers and texts ---- */

static uint8_t *put_varint(uint8_t *p, uint64_t v)
{
    while (v >= 0x80) {
        *p++ = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    *p++ = (uint8_t)v;
    return p;
}

static uint64_t zigzag(uint64_t difference)
{
    return (difference << 1) ^ (0 - (difference >> 63));
}

static uint64_t unzigzag(uint64_t v)
{
    return (v >> 1) ^ (0 - (v & 1));
}

static uint8_t *put_signed(uint8_t *p, uint64_t difference)
{
    return put_varint(p, zigzag(difference));
}

/* A size as a difference; in pages unless `exact`. Division keeps the sign: -1 page is -1, not 2^52
 * - 1. */
static uint8_t *put_size(uint8_t *p, uint64_t difference, bool exact)
{
    return put_signed(p, exact ? difference : (uint64_t)((int64_t)difference / UNIT));
}

static bool get_varint(struct tide_cursor *c, uint64_t *v)
{
    uint64_t out = 0;

    for (unsigned shift = 0; shift < 64 && c->at < c->end; shift += 7) {
        uint64_t byte = *c->at++;
        if (shift == 63 && byte > 1) return false;
        out |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            *v = out;
            return true;
        }
    }
    return false;
}

static bool get_u32(struct tide_cursor *c, uint32_t *v)
{
    uint64_t wide;

    if (!get_varint(c, &wide) || wide > UINT32_MAX) return false;
    *v = (uint32_t)wide;
    return true;
}

static bool get_signed(struct tide_cursor *c, uint64_t *v)
{
    if (!get_varint(c, v)) return false;
    *v = unzigzag(*v);
    return true;
}

/* Add a size difference to *size. */
static bool get_size(struct tide_cursor *c, uint64_t *size, bool exact)
{
    uint64_t difference;

    if (!get_signed(c, &difference)) return false;
    *size += exact ? difference : difference * UNIT;
    return true;
}

/* Length of the UTF-8 sequence at p (RFC 3629: no overlong form, no surrogate), 0 when it is none.
 */
static size_t utf8_sequence(const uint8_t *p, const uint8_t *end)
{
    size_t left = (size_t)(end - p);
    uint32_t code;

    if (p[0] < 0x80) return p[0] != 0;
    if (p[0] >= 0xc2 && p[0] <= 0xdf) return left >= 2 && (p[1] & 0xc0) == 0x80 ? 2 : 0;
    if (p[0] >= 0xe0 && p[0] <= 0xef) {
        if (left < 3 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80) return 0;
        code = (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6;
        return code >= 0x800 && (code < 0xd800 || code > 0xdfff) ? 3 : 0;
    }
    if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        if (left < 4 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80 || (p[3] & 0xc0) != 0x80)
            return 0;
        code = (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12;
        return code >= 0x10000 && code <= 0x10ffff ? 4 : 0;
    }
    return 0;
}

static bool text_is_sound(const char *at, size_t length)
{
    const uint8_t *p = (const uint8_t *)at, *end = p + length;

    if (length > TIDE_STREAM_TEXT_MAX) return false;
    while (p < end) {
        size_t n = utf8_sequence(p, end);
        if (n == 0) return false;
        p += n;
    }
    return true;
}

static uint8_t *put_text(uint8_t *p, struct tide_text t)
{
    p = put_varint(p, t.length);
    if (t.length) memcpy(p, t.at, t.length);
    return p + t.length;
}

static bool get_text(struct tide_cursor *c, struct tide_text *t)
{
    uint32_t length;

    if (!get_u32(c, &length) || length > (size_t)(c->end - c->at)) return false;
    t->at = (const char *)c->at;
    t->length = length;
    c->at += length;
    return text_is_sound(t->at, length);
}

/* ---- encoding ---- */

struct tide_encoder {
    struct tide_cursor last; /* the values that differences are taken from; at and end are unused */
    size_t size;             /* bytes of payload */
    uint8_t chunk[HEADER_LEN + TIDE_STREAM_PAYLOAD_MAX];
};

struct tide_encoder *tide_encoder_new(void)
{
    return calloc(1, sizeof(struct tide_encoder));
}

void tide_encoder_free(struct tide_encoder *e)
{
    free(e);
}

size_t tide_encoder_size(const struct tide_encoder *e)
{
    return e->size;
}

static uint8_t *put_meta(uint8_t *p, const struct tide_record *r)
{
    *p++ = TIDE_META;
    p = put_text(p, r->key);
    return put_text(p, r->text);
}

static uint8_t *put_name(uint8_t *p, const struct tide_record *r)
{
    *p++ = TIDE_NAME;
    p = put_varint(p, r->name);
    *p++ = (uint8_t)r->name_kind;
    p = put_varint(p, r->line);
    p = put_text(p, r->text);
    return put_text(p, r->file);
}

static uint8_t *put_sample(uint8_t *p, struct tide_cursor *last, const struct tide_record *r)
{
    uint64_t rss = r->rss - last->rss, anonymous = r->anonymous - last->anonymous;
    uint64_t file = r->file_rss - last->file_rss, peak = r->peak ? r->peak - r->rss : 0;
    bool exact = (rss | anonymous | file | peak) % UNIT != 0;

    if (exact) *p++ = TAG_EXACT;
    *p++ = (uint8_t)(TIDE_SAMPLE | (rss ? SAMPLE_RSS : 0) | (anonymous ? SAMPLE_ANONYMOUS : 0) |
                     (file ? SAMPLE_FILE : 0) | (r->peak ? HAS_PEAK : 0));
    p = put_signed(p, r->t_ns - last->t_ns);
    if (rss) p = put_size(p, rss, exact);
    if (anonymous) p = put_size(p, anonymous, exact);
    if (file) p = put_size(p, file, exact);
    if (r->peak) {
        p = put_size(p, peak, exact);
        p = put_signed(p, r->cpu_ns - last->cpu_ns);
        last->cpu_ns = r->cpu_ns;
    }
    last->anonymous = r->anonymous;
    last->file_rss = r->file_rss;
    return p;
}

static bool has_value(enum tide_kind kind)
{
    return kind == TIDE_MARK || kind == TIDE_GC || kind == TIDE_THREAD;
}

static uint8_t *put_event(uint8_t *p, struct tide_cursor *last, const struct tide_record *r)
{
    uint64_t rss = r->rss - last->rss, peak = r->peak ? r->peak - r->rss : 0;
    bool exact = (rss | peak) % UNIT != 0;
    bool thread = r->thread != last->thread, line = r->line != last->line;

    if (exact) *p++ = TAG_EXACT;
    *p++ = (uint8_t)((unsigned)r->kind | (thread ? EVENT_THREAD : 0) | (rss ? EVENT_RSS : 0) |
                     (line ? EVENT_LINE : 0) | (r->peak ? HAS_PEAK : 0));
    p = put_signed(p, r->t_ns - last->t_ns);
    p = put_varint(p, r->name);
    if (thread) p = put_varint(p, r->thread);
    if (line) p = put_signed(p, (uint64_t)r->line - last->line);
    if (rss) p = put_size(p, rss, exact);
    if (r->peak) p = put_size(p, peak, exact);
    if (r->kind == TIDE_GC) p = put_varint(p, r->generation);
    if (has_value(r->kind)) p = put_signed(p, (uint64_t)r->value);
    if (r->kind == TIDE_MARK) {
        p = put_signed(p, r->cpu_ns - last->cpu_ns);
        last->cpu_ns = r->cpu_ns;
    }
    last->thread = r->thread;
    last->line = r->line;
    return p;
}

/* The records whose sizes stand for themselves: of what is in the state they use the time only. */
static uint8_t *put_plain(uint8_t *p, struct tide_cursor *last, const struct tide_record *r)
{
    uint64_t sizes[3] = {r->pss, r->uss, r->swap};
    bool exact;

    if (r->kind == TIDE_TOTAL) {
        sizes[0] = r->gained;
        sizes[1] = r->released;
        sizes[2] = r->peak;
    } else if (r->kind == TIDE_CHILD) {
        sizes[0] = r->rss;
        sizes[1] = sizes[2] = 0;
    }
    exact = (sizes[0] | sizes[1] | sizes[2]) % UNIT != 0;
    if (exact) *p++ = TAG_EXACT;
    *p++ = r->kind == TIDE_CHILD ? TIDE_CHILD : TAG_MORE;
    if (r->kind != TIDE_CHILD) *p++ = r->kind == TIDE_TOTAL ? MORE_TOTAL : MORE_SMAPS;
    p = put_signed(p, r->t_ns - last->t_ns);
    p = put_varint(p, r->kind == TIDE_CHILD ? r->thread : r->name);
    if (r->kind == TIDE_TOTAL) p = put_varint(p, r->calls);
    for (int i = 0; i < (r->kind == TIDE_CHILD ? 1 : 3); i++)
        p = put_size(p, sizes[i], exact);
    return p;
}

/* Whether the format can hold the record at all; *room becomes more than the bytes it takes. */
static bool is_sound(const struct tide_record *r, size_t *room)
{
    *room = NUMBERS_MAX;
    if (r->kind == TIDE_META) {
        *room += (size_t)r->key.length + r->text.length;
        return text_is_sound(r->key.at, r->key.length) && text_is_sound(r->text.at, r->text.length);
    }
    if (r->kind == TIDE_NAME) {
        *room += (size_t)r->text.length + r->file.length;
        return r->name_kind >= TIDE_NAME_PYTHON && r->name_kind <= TIDE_NAME_MARK &&
               text_is_sound(r->text.at, r->text.length) &&
               text_is_sound(r->file.at, r->file.length);
    }
    return r->kind >= TIDE_SAMPLE && r->kind <= TIDE_KIND_LAST;
}

enum tide_stream_rc tide_encoder_add(struct tide_encoder *e, const struct tide_record *r)
{
    uint8_t *start = e->chunk + HEADER_LEN + e->size, *end;
    size_t room;

    if (!is_sound(r, &room)) return TIDE_STREAM_CORRUPT;
    if (room > TIDE_STREAM_PAYLOAD_MAX - e->size) return TIDE_STREAM_FULL;
    if (r->kind == TIDE_META) {
        end = put_meta(start, r);
    } else if (r->kind == TIDE_NAME) {
        end = put_name(start, r);
    } else if (r->kind >= TIDE_CHILD) {
        end = put_plain(start, &e->last, r);
        e->last.t_ns = r->t_ns;
    } else {
        end =
            r->kind == TIDE_SAMPLE ? put_sample(start, &e->last, r) : put_event(start, &e->last, r);
        e->last.t_ns = r->t_ns;
        e->last.rss = r->rss;
    }
    assert((size_t)(end - start) <= room);
    e->size += (size_t)(end - start);
    return TIDE_STREAM_OK;
}

static void put_le(uint8_t *p, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t get_le(const uint8_t *p, unsigned bytes)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < bytes; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

size_t tide_encoder_finish(struct tide_encoder *e, const uint8_t **at)
{
    size_t size = e->size;

    *at = e->chunk;
    if (size == 0) return 0;
    put_le(e->chunk, size, 4);
    put_le(e->chunk + 4, XXH3_64bits(e->chunk + HEADER_LEN, size), 8);
    e->size = 0;
    memset(&e->last, 0, sizeof e->last);
    return HEADER_LEN + size;
}

/* ---- decoding: frames ---- */

struct tide_frames {
    uint8_t *bytes;
    size_t start, end, room; /* bytes[start, end) are fed and not yet returned */
    bool magic_seen;
    enum tide_stream_rc final; /* not OK once the stream is beyond reading */
};

struct tide_frames *tide_frames_new(void)
{
    return calloc(1, sizeof(struct tide_frames));
}

void tide_frames_free(struct tide_frames *f)
{
    if (!f) return;
    free(f->bytes);
    free(f);
}

size_t tide_frames_pending(const struct tide_frames *f)
{
    return f->end - f->start;
}

/* Make room for n more bytes behind f->end. */
static enum tide_stream_rc make_room(struct tide_frames *f, size_t n)
{
    size_t held = f->end - f->start, room = f->room ? f->room : FEED_START;
    uint8_t *bytes;

    if (n <= f->room - f->end) return TIDE_STREAM_OK;
    if (f->start) {
        memmove(f->bytes, f->bytes + f->start, held);
        f->start = 0;
        f->end = held;
        if (n <= f->room - held) return TIDE_STREAM_OK;
    }
    while (room - held < n)
        room *= 2;
    bytes = realloc(f->bytes, room);
    if (!bytes) return TIDE_STREAM_NOMEM;
    f->bytes = bytes;
    f->room = room;
    return TIDE_STREAM_OK;
}

enum tide_stream_rc tide_frames_feed(struct tide_frames *f, const void *at, size_t n)
{
    enum tide_stream_rc rc;

    if (f->final) return f->final;
    if (n > FEED_MAX - (f->end - f->start)) return TIDE_STREAM_FULL;
    if (n == 0) return TIDE_STREAM_OK;
    rc = make_room(f, n);
    if (rc) return rc;
    memcpy(f->bytes + f->end, at, n);
    f->end += n;
    return TIDE_STREAM_OK;
}

/* Check the bytes that open a stream, as far as they are there. */
static enum tide_stream_rc take_magic(struct tide_frames *f)
{
    size_t held = f->end - f->start;
    size_t look = held < TIDE_STREAM_MAGIC_LEN ? held : TIDE_STREAM_MAGIC_LEN;
    const uint8_t *p = f->bytes + f->start;

    if (look == 0) return TIDE_STREAM_END;
    if (memcmp(p, MAGIC, look < TIDE_STREAM_MAGIC_LEN ? look : TIDE_STREAM_MAGIC_LEN - 1) != 0)
        return TIDE_STREAM_CORRUPT;
    if (look < TIDE_STREAM_MAGIC_LEN) return TIDE_STREAM_END;
    if (p[TIDE_STREAM_MAGIC_LEN - 1] > TIDE_STREAM_VERSION) return TIDE_STREAM_NEWER;
    if (p[TIDE_STREAM_MAGIC_LEN - 1] == 0) return TIDE_STREAM_CORRUPT;
    f->start += TIDE_STREAM_MAGIC_LEN;
    f->magic_seen = true;
    return TIDE_STREAM_OK;
}

static enum tide_stream_rc take_chunk(struct tide_frames *f, const uint8_t **at, size_t *n)
{
    const uint8_t *p = f->bytes + f->start;
    size_t held = f->end - f->start;
    uint64_t length;

    if (held < 4) return TIDE_STREAM_END;
    length = get_le(p, 4);
    if (length == 0 || length > TIDE_STREAM_PAYLOAD_MAX) return TIDE_STREAM_CORRUPT;
    if (held < HEADER_LEN + length) return TIDE_STREAM_END;
    if (XXH3_64bits(p + HEADER_LEN, length) != get_le(p + 4, 8)) return TIDE_STREAM_CORRUPT;
    *at = p + HEADER_LEN;
    *n = length;
    f->start += HEADER_LEN + length;
    return TIDE_STREAM_OK;
}

enum tide_stream_rc tide_frames_next(struct tide_frames *f, const uint8_t **at, size_t *n)
{
    enum tide_stream_rc rc = f->final;

    *at = NULL;
    *n = 0;
    if (!rc && !f->magic_seen) rc = take_magic(f);
    if (!rc) rc = take_chunk(f, at, n);
    if (rc != TIDE_STREAM_END) f->final = rc;
    return rc;
}

/* ---- decoding: records ---- */

void tide_cursor_start(struct tide_cursor *c, const uint8_t *payload, size_t n)
{
    memset(c, 0, sizeof *c);
    c->at = payload;
    c->end = payload + n;
}

static bool get_meta(struct tide_cursor *c, struct tide_record *r)
{
    return get_text(c, &r->key) && get_text(c, &r->text);
}

static bool get_name(struct tide_cursor *c, struct tide_record *r)
{
    uint32_t kind;

    if (!get_u32(c, &r->name) || !get_u32(c, &kind)) return false;
    if (kind < TIDE_NAME_PYTHON || kind > TIDE_NAME_MARK) return false;
    r->name_kind = (enum tide_name_kind)kind;
    return get_u32(c, &r->line) && get_text(c, &r->text) && get_text(c, &r->file);
}

static bool get_time(struct tide_cursor *c)
{
    uint64_t difference;

    if (!get_signed(c, &difference)) return false;
    c->t_ns += difference;
    return true;
}

static bool get_peak(struct tide_cursor *c, struct tide_record *r, bool exact)
{
    r->peak = c->rss;
    return get_size(c, &r->peak, exact);
}

static bool get_cpu(struct tide_cursor *c, struct tide_record *r)
{
    uint64_t difference;

    if (!get_signed(c, &difference)) return false;
    c->cpu_ns += difference;
    r->cpu_ns = c->cpu_ns;
    return true;
}

static bool get_sample(struct tide_cursor *c, struct tide_record *r, uint8_t tag, bool exact)
{
    if (!get_time(c)) return false;
    if (tag & SAMPLE_RSS && !get_size(c, &c->rss, exact)) return false;
    if (tag & SAMPLE_ANONYMOUS && !get_size(c, &c->anonymous, exact)) return false;
    if (tag & SAMPLE_FILE && !get_size(c, &c->file_rss, exact)) return false;
    if (tag & HAS_PEAK) {
        if (!get_peak(c, r, exact) || !get_cpu(c, r)) return false;
        if (!r->peak) r->cpu_ns = 0; /* a peak of 0 is one that was not read */
    }
    r->anonymous = c->anonymous;
    r->file_rss = c->file_rss;
    return true;
}

/* Line numbers stay within 32 bits: a difference that leaves them is no line. */
static bool get_line(struct tide_cursor *c)
{
    uint64_t difference, line;

    if (!get_signed(c, &difference)) return false;
    line = c->line + difference;
    if (line > UINT32_MAX) return false;
    c->line = (uint32_t)line;
    return true;
}

static bool get_event(struct tide_cursor *c, struct tide_record *r, uint8_t tag, bool exact)
{
    uint64_t value = 0;

    if (!get_time(c) || !get_u32(c, &r->name)) return false;
    if (tag & EVENT_THREAD && !get_u32(c, &c->thread)) return false;
    if (tag & EVENT_LINE && !get_line(c)) return false;
    if (tag & EVENT_RSS && !get_size(c, &c->rss, exact)) return false;
    if (tag & HAS_PEAK && !get_peak(c, r, exact)) return false;
    if (r->kind == TIDE_GC && !get_u32(c, &r->generation)) return false;
    if (has_value(r->kind) && !get_signed(c, &value)) return false;
    if (r->kind == TIDE_MARK && !get_cpu(c, r)) return false;
    r->value = (int64_t)value;
    r->thread = c->thread;
    r->line = c->line;
    return true;
}

/* CHILD, and behind TAG_MORE TOTAL and SMAPS. */
static bool get_plain(struct tide_cursor *c, struct tide_record *r, uint8_t tag, bool exact)
{
    uint64_t *sizes[3] = {&r->rss, NULL, NULL};
    uint8_t more = 0;

    if (tag != TIDE_CHILD && tag != TAG_MORE) return false;
    if (tag == TAG_MORE) {
        if (c->at == c->end) return false;
        more = *c->at++;
        if (more != MORE_TOTAL && more != MORE_SMAPS) return false;
        r->kind = more == MORE_TOTAL ? TIDE_TOTAL : TIDE_SMAPS;
        sizes[0] = more == MORE_TOTAL ? &r->gained : &r->pss;
        sizes[1] = more == MORE_TOTAL ? &r->released : &r->uss;
        sizes[2] = more == MORE_TOTAL ? &r->peak : &r->swap;
    }
    if (!get_time(c) || !get_u32(c, more ? &r->name : &r->thread)) return false;
    if (more == MORE_TOTAL && !get_varint(c, &r->calls)) return false;
    for (int i = 0; i < 3 && sizes[i]; i++)
        if (!get_size(c, sizes[i], exact)) return false;
    r->t_ns = c->t_ns;
    return true;
}

static bool get_record(struct tide_cursor *c, struct tide_record *r)
{
    uint8_t tag = *c->at++;
    bool exact = tag == TAG_EXACT;

    if (exact) {
        if (c->at == c->end) return false;
        tag = *c->at++;
    }
    r->kind = (enum tide_kind)(tag & KIND_MASK);
    if (r->kind == TIDE_META || r->kind == TIDE_NAME) {
        if (exact || tag != (uint8_t)r->kind) return false;
        return r->kind == TIDE_META ? get_meta(c, r) : get_name(c, r);
    }
    if (r->kind >= TIDE_CHILD) return get_plain(c, r, tag, exact);
    if (r->kind < TIDE_SAMPLE) return false;
    if (r->kind == TIDE_SAMPLE ? !get_sample(c, r, tag, exact) : !get_event(c, r, tag, exact))
        return false;
    r->t_ns = c->t_ns;
    r->rss = c->rss;
    return true;
}

enum tide_stream_rc tide_cursor_next(struct tide_cursor *c, struct tide_record *r)
{
    memset(r, 0, sizeof *r);
    if (c->at == c->end) return TIDE_STREAM_END;
    if (get_record(c, r)) return TIDE_STREAM_OK;
    memset(r, 0, sizeof *r);
    c->at = c->end; /* what follows a broken record has no meaning */
    return TIDE_STREAM_CORRUPT;
}
