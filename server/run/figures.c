/* figures.c - see figures.h.
 *
 * The tide mark is the highest of everything that was read: the kernel's high-water mark at each
 * mark and each call into the module under test, RSS at each event, and each sample. The kernel
 * updates its mark lazily, so a sample may be above it; the highest of all is a lower bound of the
 * truth either way. */
#include "run/figures.h"

#include "run/stack.h"

#include <stdlib.h>
#include <string.h>

enum tide_rc tide_figures_start(struct tide_figures *f, struct tide_error *e)
{
    *f = (struct tide_figures){.base = -1, .original = -1, .end = -1};
    f->meta = json_object();
    return f->meta ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "read a run");
}

void tide_figures_clear(struct tide_figures *f)
{
    json_decref(f->meta);
    free(f->expected);
    free(f->environment);
    free(f->exit);
    free(f->error);
    *f = (struct tide_figures){0};
}

static enum tide_rc add_meta(struct tide_figures *f, const struct tide_record *r,
                             struct tide_error *e)
{
    json_error_t wrong;
    json_t *value = json_loadb(r->text.at, r->text.length, JSON_DECODE_ANY, &wrong);
    if (!value)
        return tide_fail(e, TIDE_CORRUPT, "the stream's fact %.*s is not JSON: %s",
                         (int)r->key.length, r->key.at, wrong.text);
    if (json_object_setn_new(f->meta, r->key.at, r->key.length, value))
        return tide_fail(e, TIDE_CORRUPT, "the stream has a fact whose name is not UTF-8");
    f->iterations =
        json_integer_value(json_object_get(json_object_get(f->meta, "iterations"), "total"));
    return TIDE_OK;
}

/* Keep the RSS between two iterations; when there is no more room every other one goes. A loop that
 * begins anew is another one: the last counts. */
static void add_iteration(struct tide_figures *f, const struct tide_record *r)
{
    if (r->value <= 0 || !f->stride) {
        f->n_marks = f->marks_seen = 0;
        f->stride = 1;
    }
    if (f->marks_seen++ % f->stride) return;
    if (f->n_marks == TIDE_LEAK_MARKS) {
        f->n_marks /= 2;
        for (size_t i = 0; i < f->n_marks; i++)
            f->marks[i] = f->marks[2 * i];
        f->stride *= 2;
    }
    f->marks[f->n_marks++] = (struct tide_leak_mark){(double)r->value, (double)r->rss};
}

static void add_mark(struct tide_figures *f, const struct tide_record *r, const char *mark)
{
    if (!strcmp(mark, "base")) f->base = (int64_t)r->rss;
    if (!strcmp(mark, "original") && f->original < 0) f->original = (int64_t)r->rss;
    if (!strcmp(mark, "end")) f->end = (int64_t)r->rss;
    if (!strcmp(mark, "iteration")) add_iteration(f, r);
    if (!strcmp(mark, "iteration") && f->iterations > 0 && r->value >= 0 &&
        r->value <= f->iterations)
        f->percent = (int)((double)r->value * 100 / (double)f->iterations);
}

enum tide_rc tide_figures_add(struct tide_figures *f, const struct tide_record *r, const char *mark,
                              struct tide_error *e)
{
    if (r->kind == TIDE_META) return add_meta(f, r, e);
    if (r->kind == TIDE_NAME || !tide_is_timed(r)) return TIDE_OK;
    if (r->kind == TIDE_SAMPLE)
        f->samples++;
    else
        f->events++;
    if ((int64_t)r->rss > f->tide_mark) f->tide_mark = (int64_t)r->rss;
    if ((int64_t)r->peak > f->tide_mark) f->tide_mark = (int64_t)r->peak;
    if (r->kind == TIDE_MARK && mark) add_mark(f, r, mark);
    return TIDE_OK;
}

/* Why the run failed, in words, in new memory; NULL when it did not. */
static char *explain(const struct tide_figures *f, const char *cut)
{
    const json_t *end = json_object_get(f->meta, "exit");
    const char *message =
        json_string_value(json_object_get(json_object_get(f->meta, "error"), "message"));
    const char *type =
        json_string_value(json_object_get(json_object_get(f->meta, "error"), "type"));
    if (message && type) return tide_format("%s: %s", type, message);
    if (json_is_true(json_object_get(end, "deadline")))
        return tide_format("the run passed its deadline and was stopped");
    if (json_is_integer(json_object_get(end, "signal"))) {
        int signal = (int)json_integer_value(json_object_get(end, "signal"));
        return tide_format("the process was killed by signal %d (%s)", signal, strsignal(signal));
    }
    if (json_integer_value(json_object_get(end, "code")))
        return tide_format("the process exited with %d",
                           (int)json_integer_value(json_object_get(end, "code")));
    if (cut) return tide_format("%s", cut);
    if (!end) return tide_format("the stream of the run ended before the process did");
    if (f->end < 0) return tide_format("the process ended before its scenario did");
    return NULL;
}

static char *dump(const json_t *meta, const char *key)
{
    const json_t *value = json_object_get(meta, key);
    return value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
}

static int64_t number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? json_integer_value(value) : -1;
}

/* Minor and major ones together; -1 where the stream is of an instrument that did not count them.
 */
static int64_t count_faults(const json_t *usage)
{
    int64_t minor = number(usage, "minor_faults"), major = number(usage, "major_faults");
    return minor < 0 || major < 0 ? -1 : minor + major;
}

enum tide_rc tide_figures_outcome(struct tide_figures *f, const char *cut, struct tide_outcome *out,
                                  struct tide_error *e)
{
    f->expected = dump(f->meta, "expected");
    f->environment = dump(f->meta, "environment");
    f->exit = dump(f->meta, "exit");
    f->error = explain(f, cut);
    if (!f->error && !f->exit) return tide_fail(e, TIDE_NOMEM, "read a run's end");
    const json_t *usage = json_object_get(f->meta, "usage");
    struct tide_leak leak;
    enum tide_rc rc = tide_leak_judge(f->marks, f->n_marks, TIDE_LEAK_LEAST, &leak, e);
    if (rc) return rc;
    *out = (struct tide_outcome){
        .error = f->error,
        .base = f->base,
        .original = f->original,
        .tide_mark = f->tide_mark ? f->tide_mark : -1,
        .end = f->end,
        .floor = number(json_object_get(f->meta, "expected"), "original"),
        .wall_ns = number(usage, "wall_ns"),
        .cpu_ns = number(usage, "cpu_ns"),
        .events = f->events,
        .samples = f->samples,
        .missed_ticks = number(json_object_get(f->meta, "exit"), "missed_ticks"),
        .page_faults = count_faults(usage),
        .leak = leak.slope,
        .expected = f->expected,
        .environment = f->environment,
        .exit = f->exit,
    };
    return TIDE_OK;
}
