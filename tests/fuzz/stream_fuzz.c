/* stream_fuzz.c - libFuzzer target for the decoder of tide streams.
 *
 * The first byte chooses what the rest is: a stream as it comes over a pipe (even; fed in pieces of
 * a size that the byte tells), or a payload whose check is taken for right (odd), since a fuzzer
 * does not guess checks. Whatever is decoded must be encodable again and decode to the same.
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -Iworker tests/fuzz/stream_fuzz.c \
 *       worker/stream.c -o stream_fuzz && ./stream_fuzz -max_total_time=600 tests/fuzz/corpus
 *
 * The corpus and every input that once failed (regression/) are replayed by stream_corpus_test. */
#include "stream.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int holds)
{
    if (!holds) abort();
}

static int is_same_text(struct tide_text a, struct tide_text b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.at, b.at, a.length) == 0);
}

static int is_same(const struct tide_record *a, const struct tide_record *b)
{
    struct tide_record x = *a, y = *b;
    const struct tide_text none = {NULL, 0};

    x.key = x.text = x.file = y.key = y.text = y.file = none;
    return memcmp(&x, &y, sizeof x) == 0 && is_same_text(a->key, b->key) &&
           is_same_text(a->text, b->text) && is_same_text(a->file, b->file);
}

static void encode_again(struct tide_encoder *e, const struct tide_record *r)
{
    struct tide_cursor c;
    struct tide_record back;
    const uint8_t *at;
    size_t n;

    demand(tide_encoder_add(e, r) == TIDE_STREAM_OK);
    n = tide_encoder_finish(e, &at);
    demand(n > 12); /* the header of a chunk */
    tide_cursor_start(&c, at + 12, n - 12);
    demand(tide_cursor_next(&c, &back) == TIDE_STREAM_OK && is_same(r, &back));
    demand(tide_cursor_next(&c, &back) == TIDE_STREAM_END);
}

static void read_payload(struct tide_encoder *e, const uint8_t *data, size_t size)
{
    struct tide_cursor c;
    struct tide_record r;

    tide_cursor_start(&c, data, size);
    while (tide_cursor_next(&c, &r) == TIDE_STREAM_OK)
        encode_again(e, &r);
}

static void read_stream(struct tide_encoder *e, const uint8_t *data, size_t size, size_t step)
{
    struct tide_frames *f = tide_frames_new();
    enum tide_stream_rc rc = TIDE_STREAM_END;
    const uint8_t *payload;
    size_t n;

    demand(f != NULL);
    while (size && rc == TIDE_STREAM_END) {
        size_t part = size < step ? size : step;
        demand(tide_frames_feed(f, data, part) == TIDE_STREAM_OK);
        data += part;
        size -= part;
        while ((rc = tide_frames_next(f, &payload, &n)) == TIDE_STREAM_OK)
            read_payload(e, payload, n);
    }
    tide_frames_free(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tide_encoder *e;

    if (!e) e = tide_encoder_new();
    demand(e != NULL);
    if (size == 0) return 0;
    if (data[0] & 1)
        read_payload(e, data + 1, size - 1);
    else
        read_stream(e, data + 1, size - 1, data[0] ? data[0] : 1 << 20);
    return 0;
}
