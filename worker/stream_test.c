/* stream_test.c - laws of the tide stream: what was encoded is decoded, and nothing else ever is.
 *
 * Random records come from a fixed seed, so that a failure comes back; they lean towards the values
 * where formats break: 0, the largest, one off a page, one off a power of two. */
#include "stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- random records ---- */

static uint64_t seed;

/* xorshift64*, Vigna 2016. */
static uint64_t next_random(void)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return seed * 0x2545f4914f6cdd1dULL;
}

static uint64_t random_below(uint64_t n)
{
    return next_random() % n;
}

static uint64_t random_number(void)
{
    switch (random_below(6)) {
    case 0: return 0;
    case 1: return UINT64_MAX;
    case 2: return (uint64_t)1 << random_below(64);
    case 3: return ((uint64_t)1 << random_below(64)) - 1;
    case 4: return random_below(1 << 20) * 4096;
    default: return next_random() >> random_below(64);
    }
}

/* Texts are drawn from one buffer of good UTF-8: every length of sequence, cut only between them.
 */
static struct tide_text random_text(uint32_t ceiling)
{
    static char text[TIDE_STREAM_TEXT_MAX];
    static const char *const SEQUENCES[] = {"a",        "\"",           "\n",
                                            "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x8c\x8a"};
    struct tide_text t = {text, 0};

    if (text[0] == 0) {
        for (size_t at = 0; at + 4 <= sizeof text;) {
            const char *s = SEQUENCES[random_below(6)];
            memcpy(text + at, s, strlen(s));
            at += strlen(s);
        }
    }
    t.length = (uint32_t)random_below(random_below(8) ? 40 : ceiling);
    while (t.length && ((uint8_t)text[t.length] & 0xc0) == 0x80)
        t.length--;
    return t;
}

static struct tide_record random_plain(enum tide_kind kind)
{
    struct tide_record r = {.kind = kind, .t_ns = random_number()};

    if (kind == TIDE_CHILD) {
        r.thread = (uint32_t)random_number();
        r.rss = random_number();
        return r;
    }
    r.name = (uint32_t)random_number();
    if (kind == TIDE_TOTAL) {
        r.calls = random_number();
        r.gained = random_number();
        r.released = random_number();
        r.peak = random_number();
    } else {
        r.pss = random_number();
        r.uss = random_number();
        r.swap = random_number();
    }
    return r;
}

static struct tide_record random_record(void)
{
    struct tide_record r = {.kind = (enum tide_kind)(TIDE_META + random_below(TIDE_KIND_LAST))};

    if (r.kind == TIDE_META) {
        r.key = random_text(TIDE_STREAM_TEXT_MAX);
        r.text = random_text(TIDE_STREAM_TEXT_MAX);
        return r;
    }
    if (r.kind == TIDE_NAME) {
        r.name = (uint32_t)random_number();
        r.name_kind = (enum tide_name_kind)(TIDE_NAME_PYTHON + random_below(3));
        r.line = (uint32_t)random_number();
        r.text = random_text(TIDE_STREAM_TEXT_MAX);
        r.file = random_text(4096);
        return r;
    }
    r.t_ns = random_number();
    r.rss = random_number();
    r.peak = random_number();
    if (r.kind == TIDE_SAMPLE) {
        r.anonymous = random_number();
        r.file_rss = random_number();
        if (r.peak) r.cpu_ns = random_number();
        return r;
    }
    if (r.kind >= TIDE_CHILD) return random_plain(r.kind);
    r.thread = (uint32_t)random_number();
    r.name = (uint32_t)random_number();
    r.line = (uint32_t)random_number();
    if (r.kind == TIDE_MARK) r.cpu_ns = random_number();
    if (r.kind == TIDE_GC) r.generation = (uint32_t)random_number();
    if (r.kind == TIDE_MARK || r.kind == TIDE_GC || r.kind == TIDE_THREAD)
        r.value = (int64_t)random_number();
    return r;
}

static void assert_same_text(struct tide_text a, struct tide_text b)
{
    assert_int_equal(a.length, b.length);
    if (a.length) assert_memory_equal(a.at, b.at, a.length);
}

static void assert_same_record(const struct tide_record *a, const struct tide_record *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->name_kind, b->name_kind);
    assert_int_equal(a->thread, b->thread);
    assert_int_equal(a->name, b->name);
    assert_int_equal(a->line, b->line);
    assert_int_equal(a->generation, b->generation);
    assert_true(a->value == b->value);
    assert_true(a->cpu_ns == b->cpu_ns);
    assert_true(a->calls == b->calls);
    assert_true(a->gained == b->gained);
    assert_true(a->released == b->released);
    assert_true(a->pss == b->pss);
    assert_true(a->uss == b->uss);
    assert_true(a->swap == b->swap);
    assert_true(a->t_ns == b->t_ns);
    assert_true(a->rss == b->rss);
    assert_true(a->anonymous == b->anonymous);
    assert_true(a->file_rss == b->file_rss);
    assert_true(a->peak == b->peak);
    assert_same_text(a->key, b->key);
    assert_same_text(a->text, b->text);
    assert_same_text(a->file, b->file);
}

/* ---- whole streams ---- */

struct bytes {
    uint8_t *at;
    size_t n, room;
};

static void append(struct bytes *b, const void *at, size_t n)
{
    while (b->room - b->n < n) {
        b->room = b->room ? 2 * b->room : 4096;
        b->at = realloc(b->at, b->room);
        assert_non_null(b->at);
    }
    memcpy(b->at + b->n, at, n);
    b->n += n;
}

static void append_chunk(struct bytes *b, struct tide_encoder *e)
{
    const uint8_t *at;
    size_t n = tide_encoder_finish(e, &at);

    append(b, at, n);
    assert_int_equal(tide_encoder_size(e), 0);
}

/* A stream of `count` records, a chunk closed after every `per_chunk`; `ends` (if not NULL) becomes
 * the offset behind the magic and each chunk. */
static struct bytes make_stream(const struct tide_record *records, size_t count, size_t per_chunk,
                                size_t *ends)
{
    struct tide_encoder *e = tide_encoder_new();
    struct bytes b = {0};
    uint8_t magic[TIDE_STREAM_MAGIC_LEN];
    size_t chunks = 0;

    assert_non_null(e);
    tide_stream_magic(magic);
    append(&b, magic, sizeof magic);
    if (ends) ends[chunks++] = b.n;
    for (size_t i = 0; i < count; i++) {
        enum tide_stream_rc rc = tide_encoder_add(e, &records[i]);
        if (rc == TIDE_STREAM_FULL) {
            append_chunk(&b, e);
            rc = tide_encoder_add(e, &records[i]);
        }
        assert_int_equal(rc, TIDE_STREAM_OK);
        if ((i + 1) % per_chunk == 0) {
            append_chunk(&b, e);
            if (ends) ends[chunks++] = b.n;
        }
    }
    append_chunk(&b, e);
    tide_encoder_free(e);
    return b;
}

/* Decode, feeding `step` bytes at a time; the records (up to `most`) must be those of `expected`.
 * Returns how many there were; *rc is what ended it: END or an error. */
static size_t read_stream(const uint8_t *at, size_t n, size_t step,
                          const struct tide_record *expected, size_t most, enum tide_stream_rc *rc)
{
    struct tide_frames *f = tide_frames_new();
    size_t seen = 0, fed = 0;

    assert_non_null(f);
    *rc = TIDE_STREAM_END;
    while (fed < n && *rc == TIDE_STREAM_END) {
        const uint8_t *payload;
        size_t length, part = n - fed < step ? n - fed : step;

        assert_int_equal(tide_frames_feed(f, at + fed, part), TIDE_STREAM_OK);
        fed += part;
        while ((*rc = tide_frames_next(f, &payload, &length)) == TIDE_STREAM_OK) {
            struct tide_cursor c;
            struct tide_record r;

            tide_cursor_start(&c, payload, length);
            while (tide_cursor_next(&c, &r) == TIDE_STREAM_OK) {
                assert_true(seen < most);
                assert_same_record(&r, &expected[seen++]);
            }
        }
    }
    tide_frames_free(f);
    return seen;
}

/* ---- tests ---- */

static void test_round_trip(void **state)
{
    enum { COUNT = 3000 };
    struct tide_record *records = calloc(COUNT, sizeof *records);
    enum tide_stream_rc rc;
    (void)state;

    assert_non_null(records);
    for (uint64_t round = 1; round <= 8; round++) {
        seed = round;
        for (size_t i = 0; i < COUNT; i++)
            records[i] = random_record();
        struct bytes b = make_stream(records, COUNT, 1 + random_below(500), NULL);
        assert_int_equal(read_stream(b.at, b.n, 1 + random_below(100000), records, COUNT, &rc),
                         COUNT);
        assert_int_equal(rc, TIDE_STREAM_END);
        free(b.at);
    }
    free(records);
}

static void test_extremes(void **state)
{
    const uint64_t sizes[] = {0, 1, 4095, 4096, (uint64_t)1 << 63, UINT64_MAX - 4095, UINT64_MAX};
    const uint32_t smalls[] = {0, 1, 0x7fffffff, 0x80000000, UINT32_MAX};
    const int64_t values[] = {0, 1, -1, INT64_MIN, INT64_MAX};
    struct tide_record records[7 * 7 * 5 * 2];
    size_t count = 0;
    enum tide_stream_rc rc;
    (void)state;

    for (size_t a = 0; a < 7; a++)
        for (size_t b = 0; b < 7; b++)
            for (size_t c = 0; c < 5; c++) {
                records[count++] = (struct tide_record){.kind = TIDE_MARK,
                                                        .t_ns = sizes[a],
                                                        .rss = sizes[b],
                                                        .peak = sizes[6 - a],
                                                        .thread = smalls[c],
                                                        .name = smalls[4 - c],
                                                        .line = smalls[c],
                                                        .value = values[c]};
                records[count++] = (struct tide_record){.kind = TIDE_SAMPLE,
                                                        .t_ns = sizes[b],
                                                        .rss = sizes[a],
                                                        .peak = sizes[c],
                                                        .anonymous = sizes[6 - b],
                                                        .file_rss = sizes[6 - a]};
            }
    struct bytes b = make_stream(records, count, 10, NULL);
    assert_int_equal(read_stream(b.at, b.n, b.n, records, count, &rc), count);
    free(b.at);
}

/* What the format is for: calls in nested pairs, RSS mostly still. */
static void test_event_is_small(void **state)
{
    enum { PAIRS = 1000 };
    struct tide_encoder *e = tide_encoder_new();
    struct tide_record r = {.t_ns = 123456789012345, .thread = 4321, .rss = 64 << 20};
    (void)state;

    seed = 7;
    assert_non_null(e);
    for (int i = 0; i < 2 * PAIRS; i++) {
        r.kind = i % 2 ? TIDE_C_RETURN : TIDE_C_CALL;
        r.name = 1 + (uint32_t)random_below(100);
        r.line = 100 + (uint32_t)random_below(50);
        r.t_ns += 300 + random_below(2000);
        r.rss += random_below(4) ? 0 : 4096 * random_below(16);
        assert_int_equal(tide_encoder_add(e, &r), TIDE_STREAM_OK);
    }
    assert_in_range(tide_encoder_size(e), 2 * PAIRS, 6 * 2 * PAIRS);
    tide_encoder_free(e);
}

/* Small records of every kind, for the tests that walk over each byte. */
static size_t few_records(struct tide_record *records)
{
    size_t count = 0;

    seed = 11;
    while (count < 40) {
        struct tide_record r = random_record();
        if (r.key.length < 50 && r.text.length < 50 && r.file.length < 50) records[count++] = r;
    }
    return count;
}

/* With any one byte changed, the chunks before it are read and the one it lies in is refused. */
static void test_corrupt_byte(void **state)
{
    struct tide_record records[40];
    size_t ends[10], count = few_records(records);
    struct bytes b = make_stream(records, count, 8, ends);
    enum tide_stream_rc rc;
    (void)state;

    for (size_t i = 0; i < b.n; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            size_t whole = 0;

            while (whole < 5 && ends[whole + 1] <= i)
                whole++;
            b.at[i] ^= (uint8_t)(1u << bit);
            size_t seen = read_stream(b.at, b.n, b.n, records, count, &rc);
            b.at[i] ^= (uint8_t)(1u << bit);
            /* a length made larger looks like a stream that goes on: END, but never a record */
            bool in_length = i >= TIDE_STREAM_MAGIC_LEN && i - ends[whole] < 4;
            if (i < TIDE_STREAM_MAGIC_LEN)
                assert_int_equal(seen, 0);
            else
                assert_int_equal(seen, whole * 8);
            if (i == TIDE_STREAM_MAGIC_LEN - 1)
                assert_true(rc == TIDE_STREAM_NEWER || rc == TIDE_STREAM_CORRUPT);
            else
                assert_true(rc == TIDE_STREAM_CORRUPT || (in_length && rc == TIDE_STREAM_END));
        }
    }
    free(b.at);
}

static void test_cut_anywhere(void **state)
{
    struct tide_record records[40];
    size_t ends[10], count = few_records(records);
    struct bytes b = make_stream(records, count, 8, ends);
    enum tide_stream_rc rc;
    (void)state;

    for (size_t n = 0; n <= b.n; n++) {
        size_t whole = 0;
        struct tide_frames *f = tide_frames_new();
        const uint8_t *payload;
        size_t length, kept = n < ends[0] ? 0 : ends[0];

        while (whole < 5 && ends[whole + 1] <= n)
            kept = ends[++whole];
        assert_int_equal(read_stream(b.at, n, 7, records, count, &rc), whole * 8);
        assert_int_equal(rc, TIDE_STREAM_END);
        assert_int_equal(tide_frames_feed(f, b.at, n), TIDE_STREAM_OK);
        while (tide_frames_next(f, &payload, &length) == TIDE_STREAM_OK) {}
        assert_int_equal(tide_frames_pending(f), n - kept);
        tide_frames_free(f);
    }
    free(b.at);
}

/* Any bytes at all as a payload: records or CORRUPT, never a text outside of the payload. */
static void test_hostile_payload(void **state)
{
    uint8_t bytes[200];
    (void)state;

    seed = 13;
    for (int round = 0; round < 200000; round++) {
        size_t n = random_below(sizeof bytes + 1);
        struct tide_cursor c;
        struct tide_record r;

        for (size_t i = 0; i < n; i++)
            bytes[i] = (uint8_t)(random_below(3) ? random_below(16) : next_random());
        tide_cursor_start(&c, bytes, n);
        while (tide_cursor_next(&c, &r) == TIDE_STREAM_OK) {
            const struct tide_text texts[] = {r.key, r.text, r.file};
            assert_in_range(r.kind, TIDE_META, TIDE_KIND_LAST);
            for (size_t i = 0; i < 3; i++) {
                if (!texts[i].length) continue;
                assert_true(texts[i].at >= (const char *)bytes);
                assert_true(texts[i].at + texts[i].length <= (const char *)bytes + n);
            }
        }
        assert_int_equal(tide_cursor_next(&c, &r), TIDE_STREAM_END);
    }
}

static enum tide_stream_rc add_text(struct tide_encoder *e, const char *text, size_t n)
{
    struct tide_record r = {.kind = TIDE_META, .key = {"k", 1}, .text = {text, (uint32_t)n}};

    return tide_encoder_add(e, &r);
}

static void test_ceilings(void **state)
{
    struct tide_encoder *e = tide_encoder_new();
    char *text = malloc(TIDE_STREAM_TEXT_MAX + 1);
    enum tide_stream_rc rc;
    int added = 0;
    (void)state;

    assert_non_null(e);
    assert_non_null(text);
    memset(text, 'x', TIDE_STREAM_TEXT_MAX + 1);
    assert_int_equal(add_text(e, text, TIDE_STREAM_TEXT_MAX + 1), TIDE_STREAM_CORRUPT);
    assert_int_equal(tide_encoder_size(e), 0);
    while ((rc = add_text(e, text, TIDE_STREAM_TEXT_MAX)) == TIDE_STREAM_OK)
        added++;
    assert_int_equal(rc, TIDE_STREAM_FULL);
    assert_int_equal(added, TIDE_STREAM_PAYLOAD_MAX / TIDE_STREAM_TEXT_MAX - 1);
    size_t size = tide_encoder_size(e);
    assert_in_range(size, 0, TIDE_STREAM_PAYLOAD_MAX);
    assert_int_equal(add_text(e, text, TIDE_STREAM_TEXT_MAX), TIDE_STREAM_FULL);
    assert_int_equal(tide_encoder_size(e), size);
    tide_encoder_free(e);
    free(text);
}

static void test_texts_are_utf8(void **state)
{
    static const char *const BAD[] = {
        "\x80",         "\xc3",         "\xc0\xaf",         "\xe2\x82",
        "\xe0\x80\xaf", "\xed\xa0\x80", "\xf0\x80\x80\xaf", "\xf4\x90\x80\x80",
        "\xff",         "a\xc3(",       "\xf0\x9f\x8c"};
    struct tide_encoder *e = tide_encoder_new();
    struct tide_record r = {.kind = TIDE_KIND_LAST + 1};
    (void)state;

    assert_non_null(e);
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        assert_int_equal(add_text(e, BAD[i], strlen(BAD[i])), TIDE_STREAM_CORRUPT);
    assert_int_equal(add_text(e, "a\0b", 3), TIDE_STREAM_CORRUPT);
    assert_int_equal(add_text(e, "\xf4\x8f\xbf\xbf\xed\x9f\xbf", 7), TIDE_STREAM_OK);
    assert_int_equal(tide_encoder_add(e, &r), TIDE_STREAM_CORRUPT);
    tide_encoder_free(e);
}

/* A length beyond the ceiling is refused at its fourth byte, before anything is stored for it. */
static void test_frame_ceilings(void **state)
{
    struct tide_frames *f = tide_frames_new();
    static const uint8_t beyond[4] = {0x01, 0x00, 0x10, 0x00};
    uint8_t head[TIDE_STREAM_MAGIC_LEN + 4], block[1 << 20] = {0};
    const uint8_t *at;
    size_t n;
    (void)state;

    assert_non_null(f);
    tide_stream_magic(head);
    memcpy(head + TIDE_STREAM_MAGIC_LEN, beyond, sizeof beyond);
    assert_int_equal(tide_frames_feed(f, head, sizeof head), TIDE_STREAM_OK);
    assert_int_equal(tide_frames_next(f, &at, &n), TIDE_STREAM_CORRUPT);
    assert_int_equal(tide_frames_feed(f, head, 1), TIDE_STREAM_CORRUPT);
    tide_frames_free(f);

    f = tide_frames_new();
    assert_non_null(f);
    for (int i = 0; i < 8; i++)
        assert_int_equal(tide_frames_feed(f, block, sizeof block), TIDE_STREAM_OK);
    assert_int_equal(tide_frames_feed(f, block, 1), TIDE_STREAM_FULL);
    tide_frames_free(f);
}

/* The example of docs/STREAM.md: the bytes of version 1 do not change. */
static void test_written_down(void **state)
{
    static const uint8_t WRITTEN[] = {
        0x89, 'T',  'I',  'D',  'E',  '\r', '\n', 0x01, 0x29, 0x00, 0x00, 0x00, 0x51,
        0x88, 0xcf, 0x43, 0xe8, 0x39, 0xe3, 0x56, 0x02, 0x02, 0x01, 0x07, 0x04, 'l',
        'o',  'a',  'd',  0x04, 'a',  '.',  'p',  'y',  0x74, 0x80, 0x89, 0x7a, 0x02,
        0x4d, 0x0e, 0x80, 0x20, 0xf3, 0xd8, 0x04, 0x80, 0x04, 0x80, 0x18, 0x80, 0x0c,
        0x80, 0x04, 0xf8, 0x0a, 0x45, 0xb0, 0x09, 0x02, 0x04};
    const struct tide_record records[] = {
        {.kind = TIDE_NAME,
         .name = 2,
         .name_kind = TIDE_NAME_PYTHON,
         .line = 7,
         .text = {"load", 4},
         .file = {"a.py", 4}},
        {.kind = TIDE_CALL, .t_ns = 1000000, .thread = 77, .name = 2, .line = 7, .rss = 8 << 20},
        {.kind = TIDE_SAMPLE,
         .t_ns = 1000300,
         .rss = 9 << 20,
         .anonymous = 6 << 20,
         .file_rss = 3 << 20,
         .peak = 10 << 20,
         .cpu_ns = 700},
        {.kind = TIDE_RETURN, .t_ns = 1000900, .thread = 77, .name = 2, .line = 9, .rss = 9 << 20},
    };
    struct bytes b = make_stream(records, 4, 4, NULL);
    enum tide_stream_rc rc;
    (void)state;

    assert_int_equal(b.n, sizeof WRITTEN);
    assert_memory_equal(b.at, WRITTEN, sizeof WRITTEN);
    assert_int_equal(read_stream(WRITTEN, sizeof WRITTEN, 1, records, 4, &rc), 4);
    free(b.at);
}

static void test_kind_names(void **state)
{
    (void)state;
    assert_string_equal(tide_kind_name(TIDE_META), "META");
    assert_string_equal(tide_kind_name(TIDE_C_EXCEPTION), "C_EXCEPTION");
    assert_string_equal(tide_kind_name(TIDE_MARK), "MARK");
    assert_string_equal(tide_kind_name((enum tide_kind)0), "?");
    assert_string_equal(tide_kind_name((enum tide_kind)99), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),     cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_event_is_small), cmocka_unit_test(test_corrupt_byte),
        cmocka_unit_test(test_cut_anywhere),   cmocka_unit_test(test_hostile_payload),
        cmocka_unit_test(test_ceilings),       cmocka_unit_test(test_texts_are_utf8),
        cmocka_unit_test(test_frame_ceilings), cmocka_unit_test(test_written_down),
        cmocka_unit_test(test_kind_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
