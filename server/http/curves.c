/* curves.c - the curves of several runs in one answer, for charts that lay them over each other:
 * what each costs a browser as a request of its own is more than what it costs to read. */
#include "http/internal.h"
#include "http/query.h"

#include <stdlib.h>

#define CURVES_MAX 64
#define POINTS_MAX 10000 /* of each */
#define DIGITS_MAX 18    /* of a number: any such fits */

struct wish {
    int64_t run;
    struct tide_window window;
};

/* Read a number at *at and step over it. */
static bool read_number(const char **at, int64_t *out)
{
    unsigned digits = 0;
    *out = 0;
    for (; **at >= '0' && **at <= '9' && digits < DIGITS_MAX; digits++)
        *out = *out * 10 + (*(*at)++ - '0');
    return digits > 0;
}

static bool step_over(const char **at, char mark)
{
    if (**at != mark) return false;
    (*at)++;
    return true;
}

/* RUN or RUN:FROM_NS:TO_NS. */
static bool read_wish(const char **at, struct wish *w)
{
    w->window = (struct tide_window){0, INT64_MAX};
    if (!read_number(at, &w->run) || !w->run) return false;
    if (!step_over(at, ':')) return true;
    return read_number(at, &w->window.from_ns) && step_over(at, ':') &&
           read_number(at, &w->window.to_ns) && w->window.from_ns <= w->window.to_ns;
}

/* The parameter `runs`. False: the answer is a problem. */
static bool read_wishes(struct tide_request *r, struct wish *wishes, size_t *n)
{
    const char *at = tide_query_text(r, "runs");
    bool fine = at != NULL;
    *n = 0;
    while (fine && *n < CURVES_MAX) {
        fine = read_wish(&at, &wishes[(*n)++]);
        if (!fine || !step_over(&at, ',')) break;
    }
    if (fine && !*at) return true;
    tide_answer_parameter(
        r, "runs", "runs is a list of 1 to 64, divided by commas, of RUN or RUN:FROM_NS:TO_NS");
    return false;
}

static enum tide_rc put_one(struct tide_request *r, const struct wish *w, size_t limit,
                            struct tide_error *e)
{
    struct tide_points points = {0};
    enum tide_rc rc =
        tide_series_curve(r->http->config.store, w->run, w->window, limit, &points, e);
    if (!rc) rc = tide_put_curve(r, w->run, w->window, &points, false, e);
    tide_points_free(&points);
    return rc;
}

void tide_get_curves(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const known[] = {"runs", "points", NULL};
    struct wish wishes[CURVES_MAX];
    struct tide_error e;
    int64_t limit;
    size_t n;
    (void)id;
    (void)name;
    if (!tide_query_known(r, known) || !read_wishes(r, wishes, &n) ||
        !tide_query_integer(r, "points", 2, POINTS_MAX, 1000, &limit))
        return;
    enum tide_rc rc = TIDE_OK;
    tide_str_put(&r->answer, "{\"curves\":[");
    for (size_t i = 0; i < n && !rc; i++) {
        if (i) tide_str_put(&r->answer, ",");
        rc = put_one(r, &wishes[i], (size_t)limit, &e);
    }
    tide_str_put(&r->answer, "]}");
    if (!rc) return;
    tide_str_free(&r->answer);
    tide_answer_error(r, &e);
}
