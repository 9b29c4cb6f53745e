/* attribution.c - see attribution.h.
 *
 * A run is walked twice: once for the instant of its tide mark, once to add up what came before.
 * The tide mark may be the peak within a call, as the kernel counted it: then it belongs to that
 * call; the peak of a phase is used only where no event or sample reaches as high. */
#include "run/attribution.h"

#include "run/series.h"
#include "run/stack.h"
#include "stats/compare.h"
#include "stats/curve.h"

#include <stdlib.h>
#include <string.h>

#define CURVE_READ    20000 /* points of a run that are read for its curve */
#define CURVE_POINTS  1000  /* of the common axis, about */
#define SEGMENTS_MOST 250

struct mark {
    char *name;
    int64_t t_ns;
};

struct sum { /* of a phase, or of an iteration */
    char *name;
    int64_t index, bytes;
};

struct ledger { /* of one run; its parts add up to `peak` */
    struct tide_name_row *names;
    size_t n_names;
    int64_t *by_name;     /* bytes of names[i] */
    int64_t unattributed; /* of no name */
    struct sum *phases, *iterations;
    size_t n_phases, n_iterations, phases_room, iterations_room;
    int64_t outside; /* of no iteration */
    struct mark *marks;
    size_t n_marks, marks_room;
    int64_t peak;
};

static void clear_ledger(struct ledger *l)
{
    for (size_t i = 0; i < l->n_phases; i++)
        free(l->phases[i].name);
    for (size_t i = 0; i < l->n_marks; i++)
        free(l->marks[i].name);
    tide_names_free(l->names, l->n_names);
    free(l->by_name);
    free(l->phases);
    free(l->iterations);
    free(l->marks);
    *l = (struct ledger){0};
}

/* Room for one more element in the array at *at. */
static bool grow(void **at, size_t n, size_t *room, size_t size)
{
    if (n < *room) return true;
    size_t wanted = *room ? *room * 2 : 32;
    void *more = realloc(*at, wanted * size);
    if (!more) return false;
    *at = more;
    *room = wanted;
    return true;
}

/* ---- the instant of the tide mark ---- */

enum source { FROM_PHASE = 1, FROM_READING, FROM_CALL };

struct walk {
    struct ledger *ledger;
    /* found by the first walk */
    int64_t peak, place, last_iteration;
    enum source source;
    /* of either walk */
    int64_t at; /* place of the record in hand */
    struct tide_stack stack;
    uint64_t rss;      /* of the record before */
    int64_t open;      /* bytes of the phase that has not ended */
    int64_t iteration; /* -1: none */
    bool ended;        /* the phase of the tide mark has */
};

static void offer(struct walk *w, uint64_t value, enum source source)
{
    if ((int64_t)value < w->peak || ((int64_t)value == w->peak && source <= w->source)) return;
    w->peak = (int64_t)value;
    w->source = source;
    w->place = w->at;
}

static bool is_iteration(const struct tide_record *r, const struct tide_name_row *name)
{
    return r->kind == TIDE_MARK && name && !strcmp(name->text, "iteration");
}

static enum tide_rc find_peak(void *context, const struct tide_record *r,
                              const struct tide_name_row *name, int64_t t_ns, int64_t drss,
                              struct tide_error *e)
{
    struct walk *w = context;
    bool call = r->kind == TIDE_C_RETURN || r->kind == TIDE_C_EXCEPTION;
    (void)t_ns;
    (void)drss;
    (void)e;
    if (r->peak) offer(w, r->peak, call ? FROM_CALL : FROM_PHASE);
    offer(w, r->rss, FROM_READING);
    if (is_iteration(r, name)) w->last_iteration = r->value;
    w->at++;
    return TIDE_OK;
}

/* ---- adding up ---- */

static int64_t *bytes_of(struct ledger *l, uint32_t name)
{
    size_t low = 0, high = l->n_names;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (l->names[middle].id < name)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = name && low < l->n_names && l->names[low].id == name;
    return found ? &l->by_name[low] : &l->unattributed;
}

/* Which function ran until the record: on a return its own, else the innermost one before it. */
static uint32_t who_ran(const struct walk *w, const struct tide_record *r)
{
    bool own = r->kind == TIDE_RETURN || r->kind == TIDE_C_RETURN || r->kind == TIDE_C_EXCEPTION ||
               r->kind == TIDE_LINE;
    return own ? r->name : tide_stack_top(&w->stack);
}

static enum tide_rc add_iteration(struct walk *w, int64_t bytes, struct tide_error *e)
{
    struct ledger *l = w->ledger;
    if (w->iteration < 0) {
        l->outside += bytes;
        return TIDE_OK;
    }
    if (!l->n_iterations || l->iterations[l->n_iterations - 1].index != w->iteration) {
        if (!grow((void **)&l->iterations, l->n_iterations, &l->iterations_room,
                  sizeof *l->iterations))
            return tide_fail(e, TIDE_NOMEM, "attribute a difference");
        l->iterations[l->n_iterations++] = (struct sum){.index = w->iteration};
    }
    l->iterations[l->n_iterations - 1].bytes += bytes;
    return TIDE_OK;
}

/* The phase that ends here; those of one name are one. */
static enum tide_rc end_phase(struct walk *w, const char *name, struct tide_error *e)
{
    struct ledger *l = w->ledger;
    size_t i = 0;
    while (i < l->n_phases && strcmp(l->phases[i].name, name) != 0)
        i++;
    if (i == l->n_phases) {
        char *copy = strdup(name);
        if (!copy || !grow((void **)&l->phases, l->n_phases, &l->phases_room, sizeof *l->phases)) {
            free(copy);
            return tide_fail(e, TIDE_NOMEM, "attribute a difference");
        }
        l->phases[l->n_phases++] = (struct sum){.name = copy};
    }
    l->phases[i].bytes += w->open;
    w->open = 0;
    w->ended = w->at >= w->place;
    return TIDE_OK;
}

static enum tide_rc keep_mark(struct ledger *l, const char *name, int64_t t_ns,
                              struct tide_error *e)
{
    char *copy = strdup(name);
    if (!copy || !grow((void **)&l->marks, l->n_marks, &l->marks_room, sizeof *l->marks)) {
        free(copy);
        return tide_fail(e, TIDE_NOMEM, "attribute a difference");
    }
    l->marks[l->n_marks++] = (struct mark){copy, t_ns};
    return TIDE_OK;
}

/* Count what changed up to the record, as far as it lies before the tide mark. */
static enum tide_rc count_change(struct walk *w, const struct tide_record *r, struct tide_error *e)
{
    if (w->at > w->place) return TIDE_OK;
    bool last = w->at == w->place;
    uint64_t to = last ? (uint64_t)w->peak : r->rss;
    int64_t bytes = (int64_t)(to - w->rss);
    uint32_t who = last && w->source == FROM_PHASE && r->kind == TIDE_MARK ? 0 : who_ran(w, r);
    *bytes_of(w->ledger, who) += bytes;
    w->open += bytes;
    w->rss = r->rss;
    return add_iteration(w, bytes, e);
}

static enum tide_rc add_up(void *context, const struct tide_record *r,
                           const struct tide_name_row *name, int64_t t_ns, int64_t drss,
                           struct tide_error *e)
{
    struct walk *w = context;
    (void)drss;
    enum tide_rc rc = count_change(w, r, e);
    if (!rc && r->kind == TIDE_MARK && name) {
        rc = keep_mark(w->ledger, name->text, t_ns, e);
        if (!rc && !w->ended) rc = end_phase(w, name->text, e);
        if (is_iteration(r, name)) w->iteration = r->value < w->last_iteration ? r->value : -1;
    }
    tide_stack_follow(&w->stack, r);
    w->at++;
    return rc;
}

static enum tide_rc read_ledger(struct tide_store *s, int64_t run, struct ledger *l,
                                struct tide_error *e)
{
    struct walk *w = calloc(1, sizeof *w);
    *l = (struct ledger){0};
    if (!w) return tide_fail(e, TIDE_NOMEM, "attribute a difference");
    *w = (struct walk){.ledger = l, .peak = -1, .iteration = -1};
    enum tide_rc rc = tide_store_names(s, run, &l->names, &l->n_names, e);
    if (!rc && !(l->by_name = calloc(l->n_names + 1, sizeof *l->by_name)))
        rc = tide_fail(e, TIDE_NOMEM, "attribute a difference");
    if (!rc) rc = tide_series_each(s, run, find_peak, w, e);
    if (!rc && w->peak < 0)
        rc = tide_fail(e, TIDE_ABSENT, "run %lld has no events", (long long)run);
    w->at = 0;
    if (!rc) rc = tide_series_each(s, run, add_up, w, e);
    if (!rc && !w->ended) rc = end_phase(w, "exit", e);
    l->peak = w->peak;
    free(w);
    return rc;
}

/* ---- both sides ---- */

static json_t *put_both(json_t *part, int64_t base, int64_t head)
{
    json_object_set_new(part, "base", json_integer(base));
    json_object_set_new(part, "head", json_integer(head));
    json_object_set_new(part, "effect", json_integer(head - base));
    return part;
}

static const char *last_part(const char *text, char separator)
{
    const char *last = strrchr(text, separator);
    return last ? last + 1 : text;
}

/* Files stand elsewhere for each commit, lines move, and CPython up to 3.10 gives the bare name of
 * a Python function, later ones its qualified name. */
static bool is_same_function(const struct tide_name_row *a, const struct tide_name_row *b)
{
    if (a->kind != b->kind || strcmp(last_part(a->file, '/'), last_part(b->file, '/')) != 0)
        return false;
    return !strcmp(a->text, b->text) ||
           (*a->file && !strcmp(last_part(a->text, '.'), last_part(b->text, '.')));
}

/* Bytes of every name that is the same function; those that were counted become 0. */
static int64_t take_same(struct ledger *l, const struct tide_name_row *name)
{
    int64_t sum = 0;
    for (size_t i = 0; i < l->n_names; i++)
        if (l->by_name[i] && is_same_function(&l->names[i], name)) {
            sum += l->by_name[i];
            l->by_name[i] = 0;
        }
    return sum;
}

static json_t *name_function(const struct tide_name_row *name)
{
    static const char *const kinds[] = {"", "python", "c", "mark"};
    return json_pack("{s:s, s:s, s:i, s:s}", "name", name->text, "file", name->file, "line",
                     (int)name->line, "kind", kinds[name->kind & 3]);
}

static int64_t effect_of(const json_t *part)
{
    return json_integer_value(json_object_get(part, "effect"));
}

/* The largest first, whichever way. */
static int compare_effects(const json_t *a, const json_t *b)
{
    long long left = llabs(effect_of(a)), right = llabs(effect_of(b));
    return (right > left) - (right < left);
}

/* Takes the sums out of both ledgers. *sum: of all effects. */
static json_t *merge_functions(struct ledger *base, struct ledger *head, int64_t *sum)
{
    json_t *out = json_array();
    struct ledger *const sides[] = {head, base};
    *sum = 0;
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < sides[k]->n_names; i++) {
            const struct tide_name_row *name = &sides[k]->names[i];
            if (!sides[k]->by_name[i]) continue;
            int64_t b = take_same(base, name), h = take_same(head, name);
            json_array_append_new(out, put_both(name_function(name), b, h));
            *sum += h - b;
        }
    return tide_compare_sort(out, compare_effects);
}

static int64_t take_phase(struct ledger *l, const char *name)
{
    for (size_t i = 0; i < l->n_phases; i++)
        if (!strcmp(l->phases[i].name, name)) return l->phases[i].bytes;
    return 0;
}

static bool has_phase(const struct ledger *l, const char *name)
{
    for (size_t i = 0; i < l->n_phases; i++)
        if (!strcmp(l->phases[i].name, name)) return true;
    return false;
}

static json_t *merge_phases(struct ledger *base, struct ledger *head)
{
    json_t *out = json_array();
    struct ledger *const sides[] = {base, head};
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < sides[k]->n_phases; i++) {
            const char *name = sides[k]->phases[i].name;
            if (k && has_phase(base, name)) continue;
            json_array_append_new(out, put_both(json_pack("{s:s}", "name", name),
                                                take_phase(base, name), take_phase(head, name)));
        }
    return out;
}

static int64_t peek_iteration(const struct ledger *l, int64_t index)
{
    int64_t sum = 0;
    for (size_t i = 0; i < l->n_iterations; i++)
        if (l->iterations[i].index == index) sum += l->iterations[i].bytes;
    return sum;
}

static int compare_indices(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

/* In order of their index; those that did nothing on either side are left out. */
static json_t *merge_iterations(struct ledger *base, struct ledger *head)
{
    json_t *out = json_array();
    size_t n = base->n_iterations + head->n_iterations, k = 0;
    int64_t *indices = calloc(n + 1, sizeof *indices);
    if (!indices) return out;
    for (size_t i = 0; i < base->n_iterations; i++)
        indices[k++] = base->iterations[i].index;
    for (size_t i = 0; i < head->n_iterations; i++)
        indices[k++] = head->iterations[i].index;
    qsort(indices, n, sizeof *indices, compare_indices);
    for (size_t i = 0; i < n; i++) {
        int64_t index = indices[i];
        if (i && indices[i - 1] == index) continue;
        int64_t b = peek_iteration(base, index), h = peek_iteration(head, index);
        if (!b && !h) continue;
        json_array_append_new(out, put_both(json_pack("{s:I}", "index", (json_int_t)index), b, h));
    }
    free(indices);
    return out;
}

/* ---- curves ---- */

struct axis { /* of both runs: n segments between n + 1 cuts, marks of the same names but for the
                 ends */
    int64_t base[SEGMENTS_MOST + 1], head[SEGMENTS_MOST + 1];
    size_t n, points; /* of each segment */
    json_t *phases;
};

static void cut_axis(const struct ledger *base, const struct ledger *head, int64_t base_end,
                     int64_t head_end, struct axis *a)
{
    size_t common = 0, stride;
    while (common < base->n_marks && common < head->n_marks &&
           !strcmp(base->marks[common].name, head->marks[common].name))
        common++;
    stride = common / (SEGMENTS_MOST - 1) + 1;
    *a = (struct axis){.phases = json_array()};
    for (size_t i = 0; i < common; i += stride) {
        a->n++;
        a->base[a->n] = base->marks[i].t_ns;
        a->head[a->n] = head->marks[i].t_ns;
        json_array_append_new(a->phases, json_pack("{s:s, s:I}", "name", base->marks[i].name, "at",
                                                   (json_int_t)a->n));
    }
    a->n++;
    a->base[a->n] = base_end > a->base[a->n - 1] ? base_end : a->base[a->n - 1];
    a->head[a->n] = head_end > a->head[a->n - 1] ? head_end : a->head[a->n - 1];
    a->points = CURVE_POINTS / a->n < 4 ? 4 : CURVE_POINTS / a->n;
}

/* The highest RSS of each of the axis' intervals, or what stood before it where it has no point. */
static void spread(const struct tide_points *p, const struct axis *a, const int64_t *cuts,
                   int64_t *out)
{
    size_t at = 0;
    int64_t held = p->n ? (int64_t)p->at[0].rss : 0;
    for (size_t i = 0; i < a->n * a->points; i++) {
        size_t segment = i / a->points, part = i % a->points + 1;
        int64_t from = cuts[segment], length = cuts[segment + 1] - from;
        int64_t until = from + (int64_t)((double)length * (double)part / (double)a->points);
        int64_t highest = -1;
        for (; at < p->n && p->at[at].t_ns <= until; at++) {
            held = (int64_t)p->at[at].rss;
            if (held > highest) highest = held;
        }
        out[i] = highest < 0 ? held : highest;
    }
}

static json_t *list_curves(const struct axis *a, const int64_t *base, const int64_t *head)
{
    json_t *at = json_array(), *b = json_array(), *h = json_array(), *d = json_array();
    for (size_t i = 0; i < a->n * a->points; i++) {
        json_array_append_new(at, json_real((double)(i + 1) / (double)a->points));
        json_array_append_new(b, json_integer(base[i]));
        json_array_append_new(h, json_integer(head[i]));
        json_array_append_new(d, json_integer(head[i] - base[i]));
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "phases", a->phases, "at", at, "base", b, "head",
                     h, "difference", d);
}

static enum tide_rc align(struct tide_store *s, int64_t base_run, int64_t head_run,
                          const struct ledger *base, const struct ledger *head, json_t **out,
                          struct tide_error *e)
{
    const struct tide_window all = {0, INT64_MAX};
    struct tide_points b = {0}, h = {0};
    struct axis *a = calloc(1, sizeof *a);
    int64_t *values = NULL;
    *out = NULL;
    if (!a) return tide_fail(e, TIDE_NOMEM, "align two curves");
    enum tide_rc rc = tide_series_curve(s, base_run, all, CURVE_READ, &b, e);
    if (!rc) rc = tide_series_curve(s, head_run, all, CURVE_READ, &h, e);
    if (!rc) {
        cut_axis(base, head, b.n ? b.at[b.n - 1].t_ns : 0, h.n ? h.at[h.n - 1].t_ns : 0, a);
        size_t n = a->n * a->points;
        values = calloc(2 * n + 1, sizeof *values);
        if (values) {
            spread(&b, a, a->base, values);
            spread(&h, a, a->head, values + n);
            *out = list_curves(a, values, values + n);
        } else {
            json_decref(a->phases);
            rc = tide_fail(e, TIDE_NOMEM, "align two curves");
        }
    }
    free(values);
    free(a);
    tide_points_free(&b);
    tide_points_free(&h);
    return rc;
}

enum tide_rc tide_attribute(struct tide_store *s, int64_t base_run, int64_t head_run, json_t **out,
                            struct tide_error *e)
{
    struct ledger base = {0}, head = {0};
    json_t *curves = NULL;
    int64_t named = 0;
    *out = NULL;
    enum tide_rc rc = read_ledger(s, base_run, &base, e);
    if (!rc) rc = read_ledger(s, head_run, &head, e);
    if (!rc) rc = align(s, base_run, head_run, &base, &head, &curves, e);
    if (!rc) {
        int64_t effect = head.peak - base.peak;
        json_t *functions = merge_functions(&base, &head, &named);
        *out = json_pack("{s:s, s:I, s:{s:I, s:I}, s:{s:I, s:I}, s:o, s:o, s:o, s:I, s:I, s:o}",
                         "metric", "tide_mark", "effect", (json_int_t)effect, "base", "run",
                         (json_int_t)base_run, "tide_mark", (json_int_t)base.peak, "head", "run",
                         (json_int_t)head_run, "tide_mark", (json_int_t)head.peak, "functions",
                         functions, "phases", merge_phases(&base, &head), "iterations",
                         merge_iterations(&base, &head), "unattributed",
                         (json_int_t)(head.unattributed - base.unattributed), "outside_iterations",
                         (json_int_t)(head.outside - base.outside), "curves", curves);
        if (!*out) rc = tide_fail(e, TIDE_NOMEM, "attribute a difference");
    }
    clear_ledger(&base);
    clear_ledger(&head);
    return rc;
}
