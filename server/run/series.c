/* series.c - see series.h.
 *
 * Event chunks hold payloads of the tide stream; times in them are of the monotonic clock, the
 * run's origin is taken off. Two sources are merged in a payload, so its records are put in order
 * of time before use. The cursor of events counts records, in the order of chunks: chunk number *
 * CHUNK_RECORDS + place. */
#include "run/series.h"

#include "base/json.h"
#include "run/stack.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define CHUNK_RECORDS INT64_C(1048576) /* more than a payload of TIDE_STREAM_PAYLOAD_MAX holds */
#define EDGES_SHARE   64 /* points of a level in a window at the least: its edges are few of them */

struct decoded {
    struct tide_record *at;
    size_t n, capacity;
    uint8_t *payload;
};

enum tide_rc tide_series_inflate(const struct tide_chunk_row *row, uint8_t **payload, size_t *n,
                                 struct tide_error *e)
{
    unsigned long long size = ZSTD_getFrameContentSize(row->data, row->size);
    *payload = NULL;
    if (size > TIDE_STREAM_PAYLOAD_MAX)
        return tide_fail(e, TIDE_CORRUPT, "a stored chunk is damaged");
    *payload = malloc((size_t)size + 1);
    if (!*payload) return tide_fail(e, TIDE_NOMEM, "read a chunk of a run");
    *n = ZSTD_decompress(*payload, (size_t)size, row->data, row->size);
    if (!ZSTD_isError(*n)) return TIDE_OK;
    free(*payload);
    *payload = NULL;
    return tide_fail(e, TIDE_CORRUPT, "a stored chunk is damaged");
}

static enum tide_rc keep_record(struct decoded *d, const struct tide_record *r,
                                struct tide_error *e)
{
    if (d->n == d->capacity) {
        size_t capacity = d->capacity ? d->capacity * 2 : 1024;
        struct tide_record *at = realloc(d->at, capacity * sizeof *at);
        if (!at) return tide_fail(e, TIDE_NOMEM, "read a chunk of a run");
        d->at = at;
        d->capacity = capacity;
    }
    size_t place = d->n++;
    for (; place && d->at[place - 1].t_ns > r->t_ns; place--)
        d->at[place] = d->at[place - 1];
    d->at[place] = *r;
    return TIDE_OK;
}

/* Decode the events and samples of a chunk, in order of time.
 * The caller frees with decoded_free. */
static enum tide_rc decode(const struct tide_chunk_row *row, struct decoded *d,
                           struct tide_error *e)
{
    struct tide_cursor cursor;
    struct tide_record r;
    size_t n = 0;
    enum tide_stream_rc got;
    enum tide_rc rc = tide_series_inflate(row, &d->payload, &n, e);
    if (rc) return rc;
    tide_cursor_start(&cursor, d->payload, n);
    while (!rc && (got = tide_cursor_next(&cursor, &r)) != TIDE_STREAM_END) {
        if (got) return tide_fail(e, TIDE_CORRUPT, "a stored chunk is damaged");
        if (tide_is_timed(&r)) rc = keep_record(d, &r, e);
    }
    return rc;
}

static void decoded_free(struct decoded *d)
{
    free(d->at);
    free(d->payload);
    *d = (struct decoded){0};
}

/* ---- the curve ---- */

struct curve_walk {
    struct tide_window window;
    int64_t origin_ns;
    struct tide_points *out;
};

static enum tide_rc walk_level(void *context, const struct tide_chunk_row *row,
                               struct tide_error *e)
{
    struct curve_walk *w = context;
    return tide_points_unpack(row->data, row->size, w->window.from_ns, w->window.to_ns, w->out, e);
}

/* A record as a point of the curve, where it lies in the window. */
static enum tide_rc take_record(struct curve_walk *w, struct tide_stack *stack,
                                const struct tide_record *r, struct tide_error *e)
{
    if (!tide_is_timed(r)) return TIDE_OK;
    int64_t t_ns = (int64_t)(r->t_ns - (uint64_t)w->origin_ns);
    tide_stack_follow(stack, r);
    if (t_ns < w->window.from_ns || t_ns > w->window.to_ns) return TIDE_OK;
    const struct tide_point point = {t_ns, r->rss, tide_stack_name_at(stack, r)};
    return tide_points_add(w->out, &point, e);
}

static enum tide_rc walk_events(void *context, const struct tide_chunk_row *row,
                                struct tide_error *e)
{
    struct tide_cursor cursor;
    struct tide_stack stack;
    struct tide_record r;
    uint8_t *payload = NULL;
    size_t n = 0;
    enum tide_stream_rc got;
    enum tide_rc rc = tide_series_inflate(row, &payload, &n, e);
    if (rc) return rc;
    tide_stack_read(&stack, row->stack);
    tide_cursor_start(&cursor, payload, n);
    while (!rc && (got = tide_cursor_next(&cursor, &r)) != TIDE_STREAM_END)
        rc = got ? tide_fail(e, TIDE_CORRUPT, "a stored chunk is damaged")
                 : take_record(context, &stack, &r, e);
    free(payload);
    return rc;
}

static enum tide_rc read_level(struct tide_store *s, int64_t run, int level,
                               struct curve_walk *walk, struct tide_error *e)
{
    return tide_store_chunks(s, run, level, walk->window.from_ns, walk->window.to_ns, 0,
                             level ? walk_level : walk_events, walk, e);
}

/* An interval of a level that reaches over an edge of the window may have its lowest and highest
 * point outside. It ends before the second point inside, so that far the events themselves are
 * taken. None does where the level has nothing outside; of a run that is not done, what came last
 * may not have reached the level yet. */
static enum tide_rc join_edges(struct tide_store *s, int64_t run, int level, bool done,
                               struct curve_walk *walk, struct tide_error *e)
{
    struct tide_points points = *walk->out;
    const struct tide_window window = walk->window;
    int64_t from_ns, to_ns;
    enum tide_rc rc = tide_store_level_span(s, run, level, &from_ns, &to_ns, e);
    bool before = window.from_ns > from_ns;
    bool after = !done || window.to_ns < to_ns;
    if (rc || (!before && !after)) return rc;
    tide_points_sort(&points);
    *walk->out = (struct tide_points){0};
    walk->window.to_ns = points.at[1].t_ns;
    if (before) rc = read_level(s, run, 0, walk, e);
    for (size_t i = 0; i < points.n && !rc; i++)
        rc = tide_points_add(walk->out, &points.at[i], e);
    walk->window = (struct tide_window){points.at[points.n - 2].t_ns, window.to_ns};
    if (!rc && after) rc = read_level(s, run, 0, walk, e);
    walk->window = window;
    tide_points_free(&points);
    return rc;
}

enum tide_rc tide_series_curve(struct tide_store *s, int64_t run, struct tide_window w,
                               size_t limit, struct tide_points *out, struct tide_error *e)
{
    struct tide_run_facts facts;
    int level = 0;
    size_t wanted = limit < EDGES_SHARE ? EDGES_SHARE : limit;
    *out = (struct tide_points){0};
    enum tide_rc rc = tide_store_run_facts(s, run, &facts, e);
    if (!rc) rc = tide_store_pick_level(s, run, w.from_ns, w.to_ns, (int64_t)wanted, &level, e);
    struct curve_walk walk = {.window = w, .origin_ns = facts.origin_ns, .out = out};
    /* The level was picked on an estimate: where points lie unevenly it may give too few. */
    for (; !rc; level--) {
        out->n = 0;
        rc = read_level(s, run, level, &walk, e);
        if (out->n >= wanted || level == 0) break;
    }
    bool done = !rc && !strcmp(facts.status, "done");
    if (!rc && level) rc = join_edges(s, run, level, done, &walk, e);
    if (rc) {
        tide_points_free(out);
        return rc;
    }
    tide_points_sort(out);
    tide_points_thin(out, limit);
    return TIDE_OK;
}

/* ---- children ---- */

#define CHILDREN_MAX 1024 /* at a time; further ones are not counted */

struct children_walk {
    int64_t origin_ns;
    struct {
        uint32_t pid;
        uint64_t rss;
    } child[CHILDREN_MAX];
    size_t n;
    uint64_t sum;
    struct tide_points steps; /* the sum, from each instant on */
};

static enum tide_rc follow_child(struct children_walk *w, const struct tide_record *r,
                                 struct tide_error *e)
{
    size_t i = 0;
    while (i < w->n && w->child[i].pid != r->thread)
        i++;
    if (i == CHILDREN_MAX) return TIDE_OK;
    if (i == w->n) {
        w->child[w->n].pid = r->thread;
        w->child[w->n++].rss = 0;
    }
    w->sum += r->rss - w->child[i].rss;
    w->child[i].rss = r->rss;
    if (!r->rss) w->child[i] = w->child[--w->n]; /* it has ended */
    struct tide_point step = {.t_ns = (int64_t)(r->t_ns - (uint64_t)w->origin_ns), .rss = w->sum};
    return tide_points_add(&w->steps, &step, e);
}

static enum tide_rc walk_children(void *context, const struct tide_chunk_row *row,
                                  struct tide_error *e)
{
    struct children_walk *w = context;
    struct tide_cursor cursor;
    struct tide_record r;
    uint8_t *payload = NULL;
    size_t n = 0;
    enum tide_stream_rc got;
    enum tide_rc rc = tide_series_inflate(row, &payload, &n, e);
    if (!rc) tide_cursor_start(&cursor, payload, n);
    while (!rc && (got = tide_cursor_next(&cursor, &r)) != TIDE_STREAM_END) {
        if (got) rc = tide_fail(e, TIDE_CORRUPT, "a stored chunk is damaged");
        if (!rc && r.kind == TIDE_CHILD) rc = follow_child(w, &r, e);
    }
    free(payload);
    return rc;
}

enum tide_rc tide_series_children(struct tide_store *s, int64_t run, const struct tide_point *at,
                                  size_t n, uint64_t **out, struct tide_error *e)
{
    struct tide_run_facts facts = {0};
    size_t step = 0;
    *out = calloc(n + 1, sizeof **out);
    struct children_walk *w = calloc(1, sizeof *w);
    if (!*out || !w) {
        free(*out);
        free(w);
        *out = NULL;
        return tide_fail(e, TIDE_NOMEM, "read the children of a run");
    }
    enum tide_rc rc = tide_store_run_facts(s, run, &facts, e);
    if (!rc && n) {
        w->origin_ns = facts.origin_ns;
        rc = tide_store_chunks(s, run, 0, 0, at[n - 1].t_ns, 0, walk_children, w, e);
        tide_points_sort(&w->steps);
        for (size_t i = 0; i < n && !rc; i++) {
            while (step < w->steps.n && w->steps.at[step].t_ns <= at[i].t_ns)
                step++;
            (*out)[i] = step ? w->steps.at[step - 1].rss : 0;
        }
    }
    tide_points_free(&w->steps);
    free(w);
    if (!rc) return TIDE_OK;
    free(*out);
    *out = NULL;
    return rc;
}

/* ---- events ---- */

struct event_walk {
    const struct tide_event_filter *filter;
    const struct tide_name_row *names;
    size_t n_names;
    int64_t origin_ns, next; /* next: cursor of the event that did not fit, -1 for none */
    int64_t skip;            /* records still to pass over */
    uint64_t rss;            /* of the record before, for the change */
    size_t n;
    struct tide_str *out;
};

static int compare_id(const void *id, const void *row)
{
    uint32_t wanted = *(const uint32_t *)id, is = ((const struct tide_name_row *)row)->id;
    return wanted < is ? -1 : wanted > is;
}

static const struct tide_name_row *find_name(const struct event_walk *w, uint32_t id)
{
    return bsearch(&id, w->names, w->n_names, sizeof *w->names, compare_id);
}

static bool is_named(const struct tide_name_row *name, const char *wanted)
{
    if (!name) return false;
    if (!strcmp(name->text, wanted)) return true;
    const char *last = strrchr(name->text, '.');
    return last && !strcmp(last + 1, wanted);
}

void tide_series_put_event(struct tide_str *out, int64_t index, const struct tide_record *r,
                           const struct tide_name_row *name, int64_t t_ns, int64_t drss)
{
    if (index < 0)
        tide_str_put(out, "{\"index\":null");
    else
        tide_str_printf(out, "{\"index\":%lld", (long long)index);
    tide_str_printf(out,
                    ",\"t_ns\":%lld,\"kind\":\"%s\",\"thread\":%u,\"function\":", (long long)t_ns,
                    tide_kind_name(r->kind), r->thread);
    if (name) {
        tide_json_put_text(out, name->text);
        tide_str_put(out, ",\"file\":");
        tide_json_put_text(out, name->file);
    } else
        tide_str_put(out, "null,\"file\":null");
    tide_str_printf(out, ",\"line\":%u,\"rss\":%llu,\"drss\":%lld", r->line,
                    (unsigned long long)r->rss, (long long)drss);
    if (r->kind == TIDE_MARK || r->kind == TIDE_GC || r->kind == TIDE_THREAD)
        tide_str_printf(out, ",\"value\":%lld", (long long)r->value);
    if (r->kind == TIDE_GC) tide_str_printf(out, ",\"generation\":%u", r->generation);
    if (r->peak)
        tide_str_printf(out, ",\"peak\":%llu}", (unsigned long long)r->peak);
    else
        tide_str_put(out, ",\"peak\":null}");
}

static bool is_wanted(const struct event_walk *w, const struct tide_record *r,
                      const struct tide_name_row *name)
{
    const struct tide_event_filter *f = w->filter;
    int64_t t = (int64_t)(r->t_ns - (uint64_t)w->origin_ns);
    if (t < f->window.from_ns || t > f->window.to_ns) return false;
    if (f->kinds && !(f->kinds & 1u << r->kind)) return false;
    return !f->function || is_named(name, f->function);
}

static enum tide_rc walk_chunk(void *context, const struct tide_chunk_row *row,
                               struct tide_error *e)
{
    struct event_walk *w = context;
    struct decoded d = {0};
    if (w->next >= 0) return TIDE_OK; /* full: nothing more is decoded */
    w->rss = (uint64_t)row->rss;
    enum tide_rc rc = decode(row, &d, e);
    for (size_t i = 0; i < d.n && !rc && w->next < 0; i++) {
        const struct tide_record *r = &d.at[i];
        const struct tide_name_row *name = find_name(w, r->name);
        int64_t place = row->seq * CHUNK_RECORDS + (int64_t)i;
        int64_t change = w->rss ? (int64_t)(r->rss - w->rss) : 0;
        w->rss = r->rss;
        if (w->skip-- > 0 || place < w->filter->cursor || !is_wanted(w, r, name)) continue;
        if (w->n == w->filter->limit)
            w->next = place;
        else {
            if (w->n++) tide_str_put(w->out, ",");
            tide_series_put_event(w->out, row->first < 0 ? -1 : row->first + (int64_t)i, r, name,
                                  (int64_t)(r->t_ns - (uint64_t)w->origin_ns), change);
        }
    }
    decoded_free(&d);
    return rc;
}

enum tide_rc tide_series_events(struct tide_store *s, int64_t run,
                                const struct tide_event_filter *f, struct tide_str *out,
                                struct tide_error *e)
{
    struct tide_run_facts facts;
    struct tide_name_row *names = NULL;
    size_t n_names = 0;
    int64_t seq = 0, first = 0;
    const bool entered = f->from_event > 0 && f->cursor <= 0; /* a cursor says more exactly where */
    enum tide_rc rc = tide_store_run_facts(s, run, &facts, e);
    if (!rc) rc = tide_store_names(s, run, &names, &n_names, e);
    if (!rc && entered) rc = tide_store_event_place(s, run, f->from_event, &seq, &first, e);
    struct event_walk walk = {.filter = f,
                              .names = names,
                              .n_names = n_names,
                              .origin_ns = facts.origin_ns,
                              .next = -1,
                              .skip = entered ? f->from_event - first : 0,
                              .out = out};
    tide_str_put(out, "{\"events\":[");
    if (!rc)
        rc = tide_store_chunks(s, run, 0, entered ? INT64_MIN : f->window.from_ns, f->window.to_ns,
                               entered ? seq : f->cursor / CHUNK_RECORDS, walk_chunk, &walk, e);
    if (walk.next >= 0)
        tide_str_printf(out, "],\"next\":%lld}", (long long)walk.next);
    else
        tide_str_put(out, "],\"next\":null}");
    tide_names_free(names, n_names);
    if (!rc && out->failed) rc = tide_fail(e, TIDE_NOMEM, "answer with events");
    return rc;
}

/* ---- every record ---- */

struct each_walk {
    struct event_walk names; /* for find_name; nothing is filtered */
    tide_record_fn *each;
    void *context;
};

static enum tide_rc walk_each(void *context, const struct tide_chunk_row *row, struct tide_error *e)
{
    struct each_walk *w = context;
    struct decoded d = {0};
    uint64_t before = (uint64_t)row->rss;
    enum tide_rc rc = decode(row, &d, e);
    for (size_t i = 0; i < d.n && !rc; i++) {
        const struct tide_record *r = &d.at[i];
        rc = w->each(w->context, r, find_name(&w->names, r->name),
                     (int64_t)(r->t_ns - (uint64_t)w->names.origin_ns),
                     before ? (int64_t)(r->rss - before) : 0, e);
        before = r->rss;
    }
    decoded_free(&d);
    return rc;
}

enum tide_rc tide_series_each(struct tide_store *s, int64_t run, tide_record_fn *each,
                              void *context, struct tide_error *e)
{
    struct tide_run_facts facts;
    struct tide_name_row *names = NULL;
    size_t n = 0;
    enum tide_rc rc = tide_store_run_facts(s, run, &facts, e);
    if (!rc) rc = tide_store_names(s, run, &names, &n, e);
    struct each_walk walk = {
        {.names = names, .n_names = n, .origin_ns = facts.origin_ns}, each, context};
    if (!rc) rc = tide_store_chunks(s, run, 0, 0, INT64_MAX, 0, walk_each, &walk, e);
    tide_names_free(names, n);
    return rc;
}
