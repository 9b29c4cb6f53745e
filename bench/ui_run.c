/* ui_run.c - writes the tide stream of a made-up run to standard output, for bench/ui.mjs:
 *
 *     bench-ui-run EVENTS SEED >run.tide
 *
 * Ten iterations build a payload, convert it and drop it, as the round trips of scenarios/ do: RSS
 * climbs in small steps with a peak inside each conversion. The same arguments give the same bytes.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <stream.h>
#include <string.h>

enum {
    ITERATIONS = 10,
    CHUNK = 65536, /* bytes of payload after which a chunk is closed, as the probe does */
    THREAD = 4711,
    PAGE = 4096,
    EVENT_NS = 400, /* between two events, on average */
};

enum { BASE = 1, ORIGINAL, RESULT, ITERATION, END, MAKE, ITEM, CONVERT, NEW, APPEND, NAMES };

static const struct {
    const char *text, *file;
    enum tide_name_kind kind;
    uint32_t line;
} names[NAMES] = {
    [BASE] = {"base", "", TIDE_NAME_MARK, 0},
    [ORIGINAL] = {"original", "", TIDE_NAME_MARK, 0},
    [RESULT] = {"result", "", TIDE_NAME_MARK, 0},
    [ITERATION] = {"iteration", "", TIDE_NAME_MARK, 0},
    [END] = {"end", "", TIDE_NAME_MARK, 0},
    [MAKE] = {"make_payload", "/bench/scenario.py", TIDE_NAME_PYTHON, 12},
    [ITEM] = {"make_item", "/bench/scenario.py", TIDE_NAME_PYTHON, 20},
    [CONVERT] = {"round_trip", "/bench/scenario.py", TIDE_NAME_PYTHON, 31},
    [NEW] = {"tideconv.new_list_bytes", "", TIDE_NAME_C, 0},
    [APPEND] = {"builtins.list.append", "", TIDE_NAME_C, 0},
};

struct writer {
    struct tide_encoder *encoder;
    uint64_t t_ns, pages, high, random;
};

static void die(const char *what)
{
    fprintf(stderr, "bench-ui-run: %s\n", what);
    exit(1);
}

static uint64_t below(struct writer *w, uint64_t n)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return w->random % n;
}

static void close_chunk(struct writer *w)
{
    const uint8_t *at;
    size_t n = tide_encoder_finish(w->encoder, &at);
    if (fwrite(at, 1, n, stdout) != n) die("standard output is closed");
}

static void put(struct writer *w, const struct tide_record *r)
{
    if (tide_encoder_add(w->encoder, r)) die("a record does not fit the format");
    if (tide_encoder_size(w->encoder) >= CHUNK) close_chunk(w);
}

static void put_meta(struct writer *w, const char *key, const char *json)
{
    put(w, &(struct tide_record){.kind = TIDE_META,
                                 .key = {key, (uint32_t)strlen(key)},
                                 .text = {json, (uint32_t)strlen(json)}});
}

static void put_names(struct writer *w)
{
    for (uint32_t i = BASE; i < NAMES; i++)
        put(w, &(struct tide_record){.kind = TIDE_NAME,
                                     .name = i,
                                     .name_kind = names[i].kind,
                                     .line = names[i].line,
                                     .text = {names[i].text, (uint32_t)strlen(names[i].text)},
                                     .file = {names[i].file, (uint32_t)strlen(names[i].file)}});
}

/* One event, after RSS moved by `pages`. */
static void put_event(struct writer *w, enum tide_kind kind, uint32_t name, int64_t pages)
{
    uint32_t line = names[name].line ? names[name].line + 2 : 35;
    w->t_ns += 1 + below(w, 2 * (uint64_t)EVENT_NS);
    w->pages = (uint64_t)((int64_t)w->pages + pages);
    if (w->pages > w->high) w->high = w->pages;
    bool peaks = kind == TIDE_C_RETURN && name == NEW;
    put(w, &(struct tide_record){.kind = kind,
                                 .t_ns = w->t_ns,
                                 .thread = THREAD,
                                 .name = name,
                                 .line = line,
                                 .rss = w->pages * PAGE,
                                 .peak = peaks ? w->high * PAGE : 0});
}

static void put_mark(struct writer *w, uint32_t name, int64_t value)
{
    w->t_ns += 1000;
    put(w, &(struct tide_record){.kind = TIDE_MARK,
                                 .t_ns = w->t_ns,
                                 .thread = THREAD,
                                 .name = name,
                                 .value = value,
                                 .rss = w->pages * PAGE,
                                 .peak = w->high * PAGE});
    w->high = w->pages;
}

/* `n` events that make a payload: a call of Python and one of C for each item. */
static void make_payload(struct writer *w, uint64_t n)
{
    put_event(w, TIDE_CALL, MAKE, 0);
    for (uint64_t i = 0; i < n / 4; i++) {
        put_event(w, TIDE_CALL, ITEM, 0);
        put_event(w, TIDE_C_CALL, APPEND, below(w, 50) == 0);
        put_event(w, TIDE_C_RETURN, APPEND, below(w, 5000) == 0 ? 64 : 0);
        put_event(w, TIDE_RETURN, ITEM, 0);
    }
    put_event(w, TIDE_RETURN, MAKE, 0);
}

/* `n` events that convert it, with a peak that is gone again within some hundred events. */
static void convert(struct writer *w, uint64_t n)
{
    const uint64_t peak_at = n / 3 + below(w, n / 3);
    put_event(w, TIDE_CALL, CONVERT, 0);
    for (uint64_t i = 0; i < n / 2; i++) {
        int64_t burst = 2 * i / 2 == peak_at / 2 ? 12000 : 0;
        put_event(w, TIDE_C_CALL, NEW, burst);
        put_event(w, TIDE_C_RETURN, NEW, (below(w, 40) == 0) - burst);
    }
    put_event(w, TIDE_RETURN, CONVERT, 0);
}

static void iterate(struct writer *w, uint64_t events, int64_t number)
{
    const uint64_t before = w->pages;
    put_mark(w, ITERATION, number);
    make_payload(w, events / 2);
    put_mark(w, ORIGINAL, 0);
    convert(w, events / 2);
    put_mark(w, RESULT, 0);
    put_event(w, TIDE_C_CALL, APPEND, (int64_t)before - (int64_t)w->pages);
    put_event(w, TIDE_C_RETURN, APPEND, 0);
}

int main(int argc, char **argv)
{
    uint8_t magic[TIDE_STREAM_MAGIC_LEN];
    char usage[96];
    struct writer w = {tide_encoder_new(), UINT64_C(1000000000000), 3000, 3000, 88172645463325252};
    if (argc != 3 || !w.encoder) die("usage: bench-ui-run EVENTS SEED >run.tide");
    const uint64_t events = strtoull(argv[1], NULL, 10), start = w.t_ns;
    w.random += strtoull(argv[2], NULL, 10) * UINT64_C(0x9e3779b97f4a7c15);
    tide_stream_magic(magic);
    fwrite(magic, 1, sizeof magic, stdout);
    put_meta(&w, "start", "{\"t_ns\":1000000000000}");
    put_meta(&w, "environment", "{\"python\":{\"version\":\"3.13.0\"},\"allocator\":\"pymalloc\"}");
    put_meta(&w, "expected", "{\"original\":4096,\"container\":4096,\"result\":4096}");
    put_names(&w);
    put_mark(&w, BASE, 0);
    for (int64_t i = 0; i < ITERATIONS; i++)
        iterate(&w, events / ITERATIONS, i);
    put_mark(&w, ITERATION, ITERATIONS);
    put_mark(&w, END, 0);
    snprintf(usage, sizeof usage, "{\"wall_ns\":%" PRIu64 ",\"cpu_ns\":%" PRIu64 "}",
             w.t_ns - start, w.t_ns - start);
    put_meta(&w, "usage", usage);
    put_meta(&w, "exit", "{\"code\":0,\"signal\":null,\"missed_ticks\":0}");
    close_chunk(&w);
    tide_encoder_free(w.encoder);
    return fflush(stdout) ? 1 : 0;
}
