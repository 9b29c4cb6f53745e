/* testing.h - what the tests of this room share: tide streams written record by record, and a run
 * to take them in. Included by *_test.c only. */
#ifndef TIDE_RUN_TESTING_H
#define TIDE_RUN_TESTING_H

#include "store/testing.h"

#include "run/ingest.h"

#include <stream.h>

#define ORIGIN UINT64_C(1000000000000) /* of the monotonic clock, in streams made here */

enum { MARK_BASE = 1, MARK_ORIGINAL, MARK_END, MARK_ITERATION, PYTHON_F, C_SORT, C_NEW };

static struct tide_str stream;
static struct tide_encoder *encoder;
static struct tide_feed *feed;
static int64_t run, batch;

static inline void close_chunk(void)
{
    const uint8_t *at = NULL;
    size_t n = tide_encoder_finish(encoder, &at);
    tide_str_add(&stream, at, n);
    assert_false(stream.failed);
}

static inline void put(const struct tide_record *r)
{
    enum tide_stream_rc rc = tide_encoder_add(encoder, r);
    if (rc == TIDE_STREAM_FULL) {
        close_chunk();
        rc = tide_encoder_add(encoder, r);
    }
    assert_int_equal(rc, TIDE_STREAM_OK);
}

static inline struct tide_text text(const char *at)
{
    return (struct tide_text){at, (uint32_t)strlen(at)};
}

static inline void put_meta(const char *key, const char *json)
{
    put(&(struct tide_record){.kind = TIDE_META, .key = text(key), .text = text(json)});
}

static inline void put_name(uint32_t id, enum tide_name_kind kind, const char *name,
                            const char *file, uint32_t line)
{
    put(&(struct tide_record){.kind = TIDE_NAME,
                              .name = id,
                              .name_kind = kind,
                              .text = text(name),
                              .file = text(file),
                              .line = line});
}

/* `t_ns` counts from the origin, sizes are pages. */
static inline void put_event(enum tide_kind kind, uint64_t t_ns, uint32_t name, uint64_t pages)
{
    put(&(struct tide_record){.kind = kind,
                              .t_ns = ORIGIN + t_ns,
                              .thread = 7,
                              .name = name,
                              .line = 3,
                              .rss = pages * 4096});
}

static inline void put_sample(uint64_t t_ns, uint64_t pages)
{
    put(&(struct tide_record){.kind = TIDE_SAMPLE,
                              .t_ns = ORIGIN + t_ns,
                              .rss = pages * 4096,
                              .anonymous = pages * 2048});
}

static inline void put_mark(uint64_t t_ns, uint32_t name, int64_t value, uint64_t pages,
                            uint64_t peak)
{
    put(&(struct tide_record){.kind = TIDE_MARK,
                              .t_ns = ORIGIN + t_ns,
                              .thread = 7,
                              .name = name,
                              .value = value,
                              .rss = pages * 4096,
                              .peak = peak * 4096});
}

/* What opens every stream: magic, start, names. */
static inline void put_opening(void)
{
    uint8_t magic[TIDE_STREAM_MAGIC_LEN];
    tide_stream_magic(magic);
    tide_str_add(&stream, magic, sizeof magic);
    put_meta("start", "{\"t_ns\":1000000000000}");
    put_name(MARK_BASE, TIDE_NAME_MARK, "base", "", 0);
    put_name(MARK_ORIGINAL, TIDE_NAME_MARK, "original", "", 0);
    put_name(MARK_END, TIDE_NAME_MARK, "end", "", 0);
    put_name(MARK_ITERATION, TIDE_NAME_MARK, "iteration", "", 0);
    put_name(PYTHON_F, TIDE_NAME_PYTHON, "f", "/s.py", 12);
    put_name(C_SORT, TIDE_NAME_C, "tideconv.sort", "", 0);
    put_name(C_NEW, TIDE_NAME_C, "tideconv.new", "", 0);
}

static inline void put_ending(void)
{
    put_meta("exit", "{\"code\":0,\"signal\":null,\"missed_ticks\":3}");
    close_chunk();
}

/* A run as it should be: 12 events, 3 samples, tide mark 900 pages. */
static inline void put_good_run(void)
{
    put_opening();
    put_meta("environment", "{\"kernel\":\"6.1\"}");
    put_meta("expected", "{\"original\":4096,\"container\":1,\"result\":2}");
    put_sample(10, 50);
    put_mark(20, MARK_BASE, 0, 100, 110);
    put_event(TIDE_CALL, 30, PYTHON_F, 101);
    put_mark(40, MARK_ORIGINAL, 0, 200, 210);
    put_meta("iterations", "{\"total\":4}");
    put_mark(50, MARK_ITERATION, 1, 200, 0);
    put_event(TIDE_C_CALL, 60, C_SORT, 201);
    close_chunk();
    put_sample(70, 700);
    put(&(struct tide_record){.kind = TIDE_C_RETURN,
                              .t_ns = ORIGIN + 80,
                              .thread = 7,
                              .name = C_SORT,
                              .line = 4,
                              .rss = UINT64_C(300) * 4096,
                              .peak = UINT64_C(900) * 4096});
    put_mark(90, MARK_ITERATION, 2, 300, 0);
    put_event(TIDE_C_CALL, 100, C_NEW, 301);
    put_event(TIDE_C_EXCEPTION, 110, C_NEW, 301);
    put_event(TIDE_RETURN, 120, PYTHON_F, 150);
    put_sample(125, 140);
    put_mark(130, MARK_ORIGINAL, 0, 999, 0); /* only the first counts, but its RSS is seen */
    put_mark(140, MARK_END, 0, 120, 0);
    put_meta("usage", "{\"wall_ns\":140,\"cpu_ns\":99}");
    put_ending();
}

/* Test setup and teardown: an empty stream, a claimed run, a feed. */
static inline int open_run(void **state)
{
    if (open_store(state)) return -1;
    stream = (struct tide_str){0};
    encoder = tide_encoder_new();
    feed = tide_feed_new();
    run = claim_new_run(&batch);
    return encoder && feed ? 0 : -1;
}

static inline int close_run(void **state)
{
    tide_str_free(&stream);
    tide_encoder_free(encoder);
    tide_feed_free(feed);
    return close_store(state);
}

#endif
