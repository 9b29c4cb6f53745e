/* ingest.c - see ingest.h.
 *
 * Each payload of the stream becomes one row of event_chunks, compressed as it came. Its points go
 * through the pyramid, whose new points become rows of curve_chunks at each tick, and into `live`,
 * which is thinned and published. Everything of a tick is stored in one transaction. */
#include "run/ingest.h"

#include "run/figures.h"
#include "run/stack.h"
#include "stats/curve.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define LIVE_POINTS  64         /* of the curve, published a tick */
#define LIVE_HELD    8192       /* points held for that; thinned beyond */
#define NAME_CEILING (1u << 20) /* names of one run */
#define PENDING_MAX  128        /* chunks of events that wait for a tick */

struct given { /* whether a name was given, and its text where it is a mark */
    char *mark;
    bool is;
};

struct tide_ingest {
    struct tide_store *store;
    struct tide_feed *feed;
    int64_t run, batch;
    struct tide_frames *frames;
    struct tide_figures figures;
    struct tide_stack stack;
    struct tide_measured fresh; /* what the next tick stores */
    size_t names_room, phases_room, chunks_room, totals_room, proportions_room;
    struct given *given; /* by id of name */
    size_t n_given;
    int64_t chunk_seq, phase_seq, level_seq[TIDE_PYRAMID_LEVELS + 1];
    int64_t records;           /* events and samples of the payloads before */
    uint64_t rss;              /* of the last record of the payload before */
    struct tide_points points; /* of the payload in hand */
    struct tide_points live;
    struct tide_pyramid pyramid;
    int percent_told;
};

struct tide_ingest *tide_ingest_new(struct tide_store *store, struct tide_feed *feed, int64_t run,
                                    int64_t batch)
{
    struct tide_ingest *in = calloc(1, sizeof *in);
    if (!in) return NULL;
    in->store = store;
    in->feed = feed;
    in->run = run;
    in->batch = batch;
    in->frames = tide_frames_new();
    if (!in->frames || tide_figures_start(&in->figures, NULL)) {
        tide_ingest_free(in);
        return NULL;
    }
    return in;
}

static void drop_fresh(struct tide_ingest *in)
{
    struct tide_measured *m = &in->fresh;
    for (size_t i = 0; i < m->n_names; i++) {
        free(m->names[i].text);
        free(m->names[i].file);
    }
    for (size_t i = 0; i < m->n_phases; i++)
        free(m->phases[i].name);
    for (size_t i = 0; i < m->n_chunks; i++) {
        free(m->chunks[i].data);
        free(m->chunks[i].stack);
    }
    m->n_names = m->n_phases = m->n_chunks = m->n_totals = m->n_proportions = 0;
}

void tide_ingest_free(struct tide_ingest *in)
{
    if (!in) return;
    drop_fresh(in);
    free(in->fresh.names);
    free(in->fresh.phases);
    free(in->fresh.chunks);
    free(in->fresh.totals);
    free(in->fresh.proportions);
    for (size_t i = 0; i < in->n_given; i++)
        free(in->given[i].mark);
    free(in->given);
    tide_frames_free(in->frames);
    tide_figures_clear(&in->figures);
    tide_points_free(&in->points);
    tide_points_free(&in->live);
    tide_pyramid_free(&in->pyramid);
    free(in);
}

/* Room for one more element of `size` bytes in the array at *at, which holds n. */
static bool grow(void **at, size_t n, size_t *room, size_t size)
{
    if (n < *room) return true;
    size_t wanted = *room ? *room * 2 : 16;
    void *more = realloc(*at, wanted * size);
    if (!more) return false;
    *at = more;
    *room = wanted;
    return true;
}

#define GROW(in, what)                                                         \
    grow((void **)&(in)->fresh.what, (in)->fresh.n_##what, &(in)->what##_room, \
         sizeof *(in)->fresh.what)

/* Note that the name was given: a stream gives each once. */
static enum tide_rc note_given(struct tide_ingest *in, const struct tide_record *r,
                               struct tide_error *e)
{
    if (r->name >= in->n_given) {
        size_t n = ((size_t)r->name + 16) * 2;
        struct given *given = realloc(in->given, n * sizeof *given);
        if (!given) return tide_fail(e, TIDE_NOMEM, "keep the names of a run");
        memset(given + in->n_given, 0, (n - in->n_given) * sizeof *given);
        in->given = given;
        in->n_given = n;
    }
    struct given *given = &in->given[r->name];
    if (given->is) return tide_fail(e, TIDE_CORRUPT, "the stream gives the name %u twice", r->name);
    given->is = true;
    if (r->name_kind != TIDE_NAME_MARK) return TIDE_OK;
    given->mark = strndup(r->text.at ? r->text.at : "", r->text.length);
    return given->mark ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "keep the names of a run");
}

static enum tide_rc take_name(struct tide_ingest *in, const struct tide_record *r,
                              struct tide_error *e)
{
    if (r->name > NAME_CEILING)
        return tide_fail(e, TIDE_CORRUPT, "the stream has a name with the id %u", r->name);
    enum tide_rc rc = note_given(in, r, e);
    if (rc) return rc;
    if (!GROW(in, names)) return tide_fail(e, TIDE_NOMEM, "keep the names of a run");
    struct tide_name_row row = {
        .id = r->name,
        .kind = (int)r->name_kind,
        .text = strndup(r->text.at ? r->text.at : "", r->text.length),
        .file = strndup(r->file.at ? r->file.at : "", r->file.length),
        .line = r->line,
    };
    in->fresh.names[in->fresh.n_names++] = row;
    return row.text && row.file ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "keep the names of a run");
}

static enum tide_rc take_phase(struct tide_ingest *in, const struct tide_record *r,
                               const char *mark, struct tide_error *e)
{
    if (!GROW(in, phases)) return tide_fail(e, TIDE_NOMEM, "keep the phases of a run");
    struct tide_phase_row row = {
        .name = strdup(mark),
        .seq = in->phase_seq++,
        .t_ns = (int64_t)(r->t_ns - (uint64_t)in->fresh.origin_ns),
        .value = r->value,
        .rss = (int64_t)r->rss,
        .peak = (int64_t)r->peak,
    };
    in->fresh.phases[in->fresh.n_phases++] = row;
    return row.name ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "keep the phases of a run");
}

/* What is told of a function, or of the pages at the mark before; children are read back from the
 * chunks. */
static enum tide_rc take_total(struct tide_ingest *in, const struct tide_record *r,
                               struct tide_error *e)
{
    struct tide_measured *m = &in->fresh;
    if (r->kind == TIDE_TOTAL) {
        if (!GROW(in, totals)) return tide_fail(e, TIDE_NOMEM, "keep the totals of a run");
        m->totals[m->n_totals++] = (struct tide_total_row){
            r->name, (int64_t)r->calls, (int64_t)r->gained, (int64_t)r->released, (int64_t)r->peak};
    } else if (r->kind == TIDE_SMAPS && in->phase_seq) {
        if (!GROW(in, proportions)) return tide_fail(e, TIDE_NOMEM, "keep the phases of a run");
        m->proportions[m->n_proportions++] = (struct tide_proportion_row){
            in->phase_seq - 1, (int64_t)r->pss, (int64_t)r->uss, (int64_t)r->swap};
    }
    return TIDE_OK;
}

/* The origin is in the first record of the stream; without it no instant has a meaning. */
static enum tide_rc learn_origin(struct tide_ingest *in, const struct tide_record *r,
                                 struct tide_error *e)
{
    if (in->fresh.origin_ns) return TIDE_OK;
    if (r->kind == TIDE_META)
        in->fresh.origin_ns =
            json_integer_value(json_object_get(json_object_get(in->figures.meta, "start"), "t_ns"));
    if (in->fresh.origin_ns || r->kind == TIDE_META || r->kind == TIDE_NAME) return TIDE_OK;
    return tide_fail(e, TIDE_CORRUPT, "the stream has a record before its start");
}

static enum tide_rc take_record(struct tide_ingest *in, const struct tide_record *r,
                                int64_t *events, struct tide_error *e)
{
    const char *mark =
        r->kind == TIDE_MARK && r->name < in->n_given ? in->given[r->name].mark : NULL;
    enum tide_rc rc = tide_figures_add(&in->figures, r, mark, e);
    if (!rc) rc = learn_origin(in, r, e);
    if (rc || r->kind == TIDE_META) return rc;
    if (r->kind == TIDE_NAME) return take_name(in, r, e);
    if (!tide_is_timed(r)) return take_total(in, r, e);
    if (mark) rc = take_phase(in, r, mark, e);
    tide_stack_follow(&in->stack, r);
    if (r->kind != TIDE_SAMPLE) ++*events;
    struct tide_point point = {
        .t_ns = (int64_t)(r->t_ns - (uint64_t)in->fresh.origin_ns),
        .rss = r->rss,
        .name = tide_stack_name_at(&in->stack, r),
    };
    return rc ? rc : tide_points_add(&in->points, &point, e);
}

static enum tide_rc spread_points(struct tide_ingest *in, struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    tide_points_sort(&in->points);
    for (size_t i = 0; i < in->points.n && !rc; i++) {
        rc = tide_pyramid_add(&in->pyramid, &in->points.at[i], e);
        if (!rc) rc = tide_points_add(&in->live, &in->points.at[i], e);
        if (in->live.n >= LIVE_HELD) tide_points_thin(&in->live, LIVE_HELD / 4);
    }
    return rc;
}

static enum tide_rc keep_chunk(struct tide_ingest *in, struct tide_chunk_row row,
                               struct tide_error *e)
{
    if (!GROW(in, chunks)) {
        free(row.data);
        free(row.stack);
        return tide_fail(e, TIDE_NOMEM, "keep a chunk of a run");
    }
    in->fresh.chunks[in->fresh.n_chunks++] = row;
    return TIDE_OK;
}

static enum tide_rc keep_payload(struct tide_ingest *in, const uint8_t *payload, size_t n,
                                 int64_t events, char *stack, struct tide_error *e)
{
    size_t room = ZSTD_compressBound(n);
    void *data = malloc(room);
    size_t size = data ? ZSTD_compress(data, room, payload, n, 3) : 0;
    if (!stack || !data || ZSTD_isError(size)) {
        free(data);
        free(stack);
        return tide_fail(e, TIDE_NOMEM, "compress a chunk of a run");
    }
    const struct tide_points *p = &in->points;
    return keep_chunk(in,
                      (struct tide_chunk_row){
                          .seq = in->chunk_seq++,
                          .from_ns = p->n ? p->at[0].t_ns : 0,
                          .to_ns = p->n ? p->at[p->n - 1].t_ns : 0,
                          .count = events,
                          .first = in->records,
                          .rss = (int64_t)in->rss,
                          .stack = stack,
                          .data = data,
                          .size = size,
                      },
                      e);
}

static enum tide_rc take_payload(struct tide_ingest *in, const uint8_t *payload, size_t n,
                                 struct tide_error *e)
{
    struct tide_cursor cursor;
    struct tide_record record;
    struct tide_str stack = {0};
    enum tide_stream_rc got;
    enum tide_rc rc = TIDE_OK;
    int64_t events = 0;

    in->points.n = 0;
    tide_stack_write(&in->stack, &stack);
    tide_cursor_start(&cursor, payload, n);
    while (!rc && (got = tide_cursor_next(&cursor, &record)) != TIDE_STREAM_END)
        rc = got ? tide_fail(e, TIDE_CORRUPT, "the stream has a record out of shape")
                 : take_record(in, &record, &events, e);
    if (!rc) rc = spread_points(in, e);
    char *taken = tide_str_take(&stack);
    if (rc) {
        free(taken);
        return rc;
    }
    rc = keep_payload(in, payload, n, events, taken, e);
    in->records += (int64_t)in->points.n;
    if (in->points.n) in->rss = in->points.at[in->points.n - 1].rss;
    return rc;
}

enum tide_rc tide_ingest_feed(struct tide_ingest *in, const void *bytes, size_t n,
                              struct tide_error *e)
{
    const uint8_t *payload = NULL;
    size_t size = 0;
    enum tide_rc rc = TIDE_OK;
    if (tide_frames_feed(in->frames, bytes, n)) return tide_fail(e, TIDE_NOMEM, "read a stream");
    while (!rc) {
        enum tide_stream_rc got = tide_frames_next(in->frames, &payload, &size);
        if (got == TIDE_STREAM_END) return TIDE_OK;
        if (got == TIDE_STREAM_NEWER)
            return tide_fail(e, TIDE_NEWER, "the stream was written by a newer probe");
        if (got) return tide_fail(e, TIDE_CORRUPT, "the stream is damaged");
        rc = take_payload(in, payload, size, e);
        if (!rc && in->fresh.n_chunks >= PENDING_MAX) rc = tide_ingest_tick(in, e);
    }
    return rc;
}

static enum tide_rc pack_levels(struct tide_ingest *in, struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    for (int level = 1; level <= TIDE_PYRAMID_LEVELS && !rc; level++) {
        struct tide_points *p = &in->pyramid.levels[level];
        struct tide_chunk_row row = {.level = level, .seq = in->level_seq[level]};
        if (!p->n) continue;
        row.from_ns = p->at[0].t_ns;
        row.to_ns = p->at[p->n - 1].t_ns;
        row.count = (int64_t)p->n;
        rc = tide_points_pack(p->at, p->n, &row.data, &row.size, e);
        if (!rc) rc = keep_chunk(in, row, e);
        in->level_seq[level]++;
        p->n = 0;
    }
    return rc;
}

/* {"run": 12, "t_ns": [...], "rss": [...]} for what came since the last tick. */
static void publish_curve(struct tide_ingest *in)
{
    struct tide_str text = {0};
    tide_points_thin(&in->live, LIVE_POINTS);
    tide_str_printf(&text, "{\"run\":%lld,\"t_ns\":[", (long long)in->run);
    for (size_t i = 0; i < in->live.n; i++)
        tide_str_printf(&text, "%s%lld", i ? "," : "", (long long)in->live.at[i].t_ns);
    tide_str_put(&text, "],\"rss\":[");
    for (size_t i = 0; i < in->live.n; i++)
        tide_str_printf(&text, "%s%llu", i ? "," : "", (unsigned long long)in->live.at[i].rss);
    tide_str_put(&text, "]}");
    if (in->live.n && !text.failed) tide_feed_publish(in->feed, "curve", in->batch, text.at);
    tide_str_free(&text);
    in->live.n = 0;
}

static enum tide_rc publish_percent(struct tide_ingest *in, struct tide_error *e)
{
    struct tide_str text = {0};
    if (in->figures.percent == in->percent_told) return TIDE_OK;
    in->percent_told = in->figures.percent;
    enum tide_rc rc = tide_store_set_percent(in->store, in->run, in->percent_told, e);
    if (!rc) rc = tide_store_run_json(in->store, in->run, false, &text, e);
    if (!rc) tide_feed_publish(in->feed, "running", in->batch, text.at);
    tide_str_free(&text);
    return rc;
}

enum tide_rc tide_ingest_tick(struct tide_ingest *in, struct tide_error *e)
{
    enum tide_rc rc = pack_levels(in, e);
    if (rc) return rc;
    if (in->fresh.n_chunks) rc = tide_store_append(in->store, in->run, &in->fresh, e);
    if (rc) return rc;
    drop_fresh(in);
    publish_curve(in);
    return publish_percent(in, e);
}

enum tide_rc tide_ingest_finish(struct tide_ingest *in, struct tide_outcome *out,
                                struct tide_error *e)
{
    const char *cut = tide_frames_pending(in->frames) ? "the stream of the run was cut" : NULL;
    enum tide_rc rc = tide_pyramid_finish(&in->pyramid, e);
    if (!rc) rc = tide_ingest_tick(in, e);
    return rc ? rc : tide_figures_outcome(&in->figures, cut, out, e);
}
