/* admission.c - which run is started next: the first of the queue whose memory can be had now, so
 * that nothing swaps.
 *
 * What a run will need is the highest tide mark of the runs on record that are most alike; where
 * there is none, what its scenario counts (`expected`) beside an interpreter; never less than what
 * the scenario states (`memory`); and a margin on top. That much must be available beside
 * `memory_reserve`, and beside what the runs in other slots will need. One that does not fit waits,
 * and others that do may go first, OVERTAKEN of them at the most while other runs are at work: then
 * the slots are left empty until it was looked at alone. */
#include "schedule/internal.h"

#include "base/log.h"
#include "base/process.h"
#include "schedule/memory.h"
#include "store/needs.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW      64
#define OVERTAKEN   32
#define DESCRIBE_S  30
#define INTERPRETER (INT64_C(48) << 20) /* beside what a scenario counts */
#define UNKNOWN     (INT64_C(64) << 20) /* of a scenario that counts nothing and was never run */
#define MARGIN      (INT64_C(16) << 20) /* and an eighth */

/* Ask the scenario, by harness.py. One that cannot be asked counts nothing. */
static enum tide_rc ask_scenario(struct tide_scheduler *s, struct tide_need *n,
                                 struct tide_error *e)
{
    const struct tide_python *python = tide_pythons_newest(tide_projects_pythons(s->projects));
    const char *const argv[] = {python ? python->program : "python3",
                                "-IB",
                                s->harness,
                                "need",
                                n->file,
                                n->name,
                                n->params,
                                NULL};
    const struct tide_command command = {
        .argv = argv, .log = -1, .deadline_s = DESCRIBE_S, .stop = &s->stop};
    struct tide_str answer = {.ceiling = 65536};
    struct tide_error wrong;
    enum tide_rc rc = tide_process_run(&command, &answer, &wrong);
    json_t *told = rc ? NULL : json_loadb(answer.at ? answer.at : "", answer.length, 0, NULL);
    tide_str_free(&answer);
    if (rc == TIDE_STOPPED) return tide_fail(e, rc, "%s", wrong.text);
    if (!told) tide_log(TIDE_LOG_DEBUG, "schedule", "scenario %s states no need", n->name);
    n->floor = json_integer_value(json_object_get(told, "floor"));
    n->memory = json_integer_value(json_object_get(told, "memory"));
    json_decref(told);
    return tide_store_put_need(s->store, n, e);
}

static int64_t estimate(const struct tide_need *n)
{
    int64_t need = n->past ? n->past : n->floor ? n->floor + INTERPRETER : UNKNOWN;
    if (need < n->memory) need = n->memory;
    return need + need / 8 + MARGIN;
}

/* What runs in other slots will need. */
static int64_t promised(struct tide_scheduler *s, const struct tide_slot *but)
{
    int64_t sum = 0;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->n_slots; i++)
        if (&s->slots[i] != but) sum += s->slots[i].need;
    pthread_mutex_unlock(&s->lock);
    return sum;
}

static long long mib(int64_t bytes)
{
    return (long long)(bytes >> 20);
}

/* BUSY: not now; FAILED: never on this machine. */
static enum tide_rc check(struct tide_scheduler *s, const struct tide_slot *slot, int64_t need,
                          struct tide_error *e)
{
    struct tide_memory memory;
    int64_t reserve = s->places->limits.reserve, others = promised(s, slot);
    tide_memory_read(&memory);
    if (need > memory.total - reserve)
        return tide_fail(e, TIDE_FAILED,
                         "the run needs about %lld MiB of memory and this machine has %lld MiB, of "
                         "which %lld MiB are kept free (memory_reserve): choose smaller parameters "
                         "or a larger machine",
                         mib(need), mib(memory.total), mib(reserve));
    if (need <= memory.available - reserve - others) return TIDE_OK;
    return tide_fail(
        e, TIDE_BUSY,
        "waits for memory: it needs about %lld MiB; %lld MiB were available when it was "
        "its turn, of which %lld MiB are kept free and %lld MiB promised to other runs",
        mib(need), mib(memory.available), mib(reserve), mib(others));
}

enum tide_rc tide_admission_check(struct tide_slot *slot, struct tide_error *e)
{
    return check(slot->scheduler, slot, slot->need, e);
}

static bool is_alone(struct tide_scheduler *s, const struct tide_slot *slot)
{
    bool alone = true;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->n_slots; i++)
        alone = alone && (&s->slots[i] == slot || !s->slots[i].run);
    pthread_mutex_unlock(&s->lock);
    return alone;
}

/* Told once: what is available moves all the time. */
static enum tide_rc tell_waiting(struct tide_scheduler *s, const struct tide_need *n,
                                 const char *why, struct tide_error *e)
{
    if (n->waiting) return TIDE_OK;
    enum tide_rc rc = tide_store_set_waiting(s->store, n->run, why, e);
    if (!rc) tide_publish_run(s, "queued", n->run, n->batch);
    return rc;
}

/* Look at one run. OK: *c is filled; BUSY: it waits. */
static enum tide_rc look_at(struct tide_slot *slot, int64_t run, struct tide_choice *c,
                            struct tide_error *e)
{
    struct tide_scheduler *s = slot->scheduler;
    struct tide_need n;
    struct tide_error why;
    enum tide_rc rc = tide_store_need(s->store, run, &n, e);
    if (rc) return rc;
    if (!n.known) rc = ask_scenario(s, &n, e);
    if (!rc) {
        *c = (struct tide_choice){.run = run, .need = estimate(&n)};
        rc = check(s, slot, c->need, &why);
        if (rc == TIDE_FAILED) {
            c->never = why;
            rc = TIDE_OK;
        } else if (rc == TIDE_BUSY) {
            rc = tell_waiting(s, &n, why.text, e);
            if (!rc) rc = tide_fail(e, TIDE_BUSY, "%s", why.text);
        }
    }
    tide_need_clear(&n);
    return rc;
}

/* Whether the run that waits first has been overtaken often enough for the slots to be left empty.
 * Once it was looked at alone others go on: what it waits for is not ours to give. */
static bool must_hold(struct tide_scheduler *s, const struct tide_slot *slot, int64_t first)
{
    bool alone = is_alone(s, slot);
    if (s->overtaken_run != first || alone) s->overtaken = 0;
    s->overtaken_run = first;
    return s->overtaken++ >= OVERTAKEN && !alone;
}

enum tide_rc tide_admission_choose(struct tide_slot *slot, struct tide_choice *out,
                                   struct tide_error *e)
{
    struct tide_scheduler *s = slot->scheduler;
    int64_t runs[WINDOW], first = 0;
    size_t n = 0;
    enum tide_rc rc = tide_store_queue_head(s->store, WINDOW, runs, &n, e);
    if (rc) return rc;
    rc = tide_fail(e, TIDE_ABSENT, "the queue is empty");
    for (size_t i = 0; i < n && !s->stop; i++) {
        rc = look_at(slot, runs[i], out, e);
        if (rc == TIDE_BUSY && !first) first = runs[i];
        if (rc == TIDE_ABSENT) continue; /* it was cancelled meanwhile, or another slot took it */
        if (rc == TIDE_OK && first && must_hold(s, slot, first))
            return tide_fail(e, TIDE_BUSY, "run %lld was overtaken often enough", (long long)first);
        if (rc != TIDE_BUSY) return rc;
    }
    return first ? tide_fail(e, TIDE_BUSY, "every run that is next waits for memory") : rc;
}
