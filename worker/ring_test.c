/* ring_test.c - the ring keeps the order and every byte, waits when full, survives its producer,
 * and takes nothing on trust from the shared memory. */
#define _GNU_SOURCE 1
#include "ring.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void open_pair(struct tide_ring *consumer, struct tide_ring *producer)
{
    int fd;

    assert_int_equal(tide_ring_create(consumer, &fd), 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(tide_ring_attach(producer, fd), 0);
    assert_int_equal(fcntl(fd, F_GETFD), -1); /* attach closed it */
}

static void close_pair(struct tide_ring *consumer, struct tide_ring *producer)
{
    tide_ring_close(consumer);
    tide_ring_close(producer);
    tide_ring_close(producer); /* a closed ring is closed again without harm */
}

static char text[TIDE_STREAM_TEXT_MAX];

/* Record number i of a sequence that mixes events with records of every length. */
static struct tide_record numbered(uint64_t i)
{
    struct tide_record r = {.kind = TIDE_C_CALL, .t_ns = i, .rss = i % 1000 * 4096, .thread = 77};

    r.line = (uint32_t)(i * 7);
    r.name = (uint32_t)(i * 3);
    if (i % 13 == 0) {
        r = (struct tide_record){.kind = TIDE_NAME, .name_kind = TIDE_NAME_C, .name = (uint32_t)i};
        r.text = (struct tide_text){text + i % 100, (uint32_t)(i % 300)};
        r.file = (struct tide_text){text, (uint32_t)(i % 29)};
    } else if (i % 17 == 0) {
        r.kind = TIDE_MARK;
        r.value = -(int64_t)i;
        r.peak = i % 5000 * 4096;
    } else if (i % 1009 == 0) {
        r = (struct tide_record){.kind = TIDE_META};
        r.key = (struct tide_text){text, (uint32_t)(i % 40)};
        r.text = (struct tide_text){text, (uint32_t)(i * 31 % (TIDE_STREAM_TEXT_MAX + 1))};
    }
    return r;
}

static void assert_same_text(struct tide_text a, struct tide_text b)
{
    assert_int_equal(a.length, b.length);
    if (a.length) assert_memory_equal(a.at, b.at, a.length);
}

static void assert_same(const struct tide_record *a, const struct tide_record *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->name_kind, b->name_kind);
    assert_int_equal(a->name, b->name);
    assert_int_equal(a->line, b->line);
    assert_int_equal(a->thread, b->thread);
    assert_true(a->t_ns == b->t_ns && a->rss == b->rss && a->peak == b->peak);
    assert_true(a->value == b->value);
    assert_same_text(a->key, b->key);
    assert_same_text(a->text, b->text);
    assert_same_text(a->file, b->file);
}

/* As the tracer does: plain events by slot, the rest whole. */
static void put(struct tide_ring *r, const struct tide_record *record)
{
    tide_ring_begin(r);
    if (record->kind != TIDE_C_CALL) {
        assert_int_equal(tide_ring_put(r, record), 0);
        return;
    }
    struct tide_slot slot = {.t_ns = record->t_ns,
                             .rss_pages = (uint32_t)(record->rss / r->page),
                             .thread = record->thread,
                             .name = record->name,
                             .line = record->line,
                             .kind = TIDE_C_CALL,
                             .span = 1};
    tide_ring_put_slot(r, &slot);
}

enum { RECORDS = 400000 };

static void *produce(void *at)
{
    for (uint64_t i = 0; i < RECORDS; i++) {
        struct tide_record r = numbered(i);
        put(at, &r);
    }
    return NULL;
}

/* Many times round the ring, the consumer too slow at first: the producer waits and nothing is
 * lost. */
static void test_order_and_waiting(void **state)
{
    struct tide_ring consumer, producer;
    pthread_t thread;
    uint64_t i = 0;
    (void)state;

    memset(text, 'x', sizeof text);
    open_pair(&consumer, &producer);
    assert_int_equal(pthread_create(&thread, NULL, produce, &producer), 0);
    while (atomic_load(&consumer.memory->head) < TIDE_RING_SLOTS - 4096)
        usleep(1000);
    usleep(20000);
    while (i < RECORDS) {
        struct tide_record expected, r;
        enum tide_ring_rc rc = tide_ring_take(&consumer, &r);
        if (rc == TIDE_RING_EMPTY) continue;
        assert_int_equal(rc, TIDE_RING_OK);
        expected = numbered(i++);
        assert_same(&expected, &r);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(producer.waits > 0);
    close_pair(&consumer, &producer);
}

/* What a process had put is there after it was killed. */
static void test_producer_killed(void **state)
{
    struct tide_ring consumer;
    struct tide_record r;
    int fd, status;
    (void)state;

    assert_int_equal(tide_ring_create(&consumer, &fd), 0);
    pid_t child = fork();
    if (child == 0) {
        struct tide_ring producer;
        if (tide_ring_attach(&producer, fd) != 0) _exit(1);
        for (uint64_t i = 0; i < 1000; i++) {
            struct tide_record n = numbered(i);
            put(&producer, &n);
        }
        tide_ring_begin(&producer);
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    for (uint64_t i = 0; i < 1000; i++) {
        struct tide_record expected = numbered(i);
        assert_int_equal(tide_ring_take(&consumer, &r), TIDE_RING_OK);
        assert_same(&expected, &r);
    }
    assert_int_equal(tide_ring_take(&consumer, &r), TIDE_RING_EMPTY);
    assert_false(tide_ring_is_settled(&consumer)); /* it died between stamp and put */
    close(fd);
    tide_ring_close(&consumer);
}

static void test_settled(void **state)
{
    struct tide_ring consumer, producer;
    struct tide_record r = numbered(1);
    (void)state;

    open_pair(&consumer, &producer);
    assert_true(tide_ring_is_settled(&consumer));
    tide_ring_begin(&producer);
    assert_false(tide_ring_is_settled(&consumer));
    assert_int_equal(tide_ring_put(&producer, &(struct tide_record){.kind = TIDE_MARK}), 0);
    assert_true(tide_ring_is_settled(&consumer));
    put(&producer, &r);
    assert_true(tide_ring_is_settled(&consumer));
    close_pair(&consumer, &producer);
}

static void test_ceilings(void **state)
{
    struct tide_ring consumer, producer;
    struct tide_record r = {.kind = TIDE_META}, out;
    int fd;
    (void)state;

    open_pair(&consumer, &producer);
    r.key = r.text = (struct tide_text){text, TIDE_STREAM_TEXT_MAX};
    assert_int_equal(tide_ring_put(&producer, &r), 0);
    assert_int_equal(tide_ring_take(&consumer, &out), TIDE_RING_OK);
    assert_same(&r, &out);
    r.text.length++;
    assert_int_not_equal(tide_ring_put(&producer, &r), 0);
    assert_int_equal(tide_ring_take(&consumer, &out), TIDE_RING_EMPTY);
    close_pair(&consumer, &producer);

    fd = open("/dev/null", O_RDWR | O_CLOEXEC); /* not a ring */
    assert_int_not_equal(tide_ring_attach(&producer, fd), 0);
    close(fd);
}

/* Whatever lies in the memory, take ends and reads within it (the sanitizers watch). */
static void test_hostile_memory(void **state)
{
    struct tide_ring consumer, producer;
    struct tide_record r;
    unsigned broken = 0;
    (void)state;

    srand(3);
    for (int round = 0; round < 300; round++) {
        open_pair(&consumer, &producer);
        uint8_t *bytes = (uint8_t *)consumer.memory->slots;
        for (size_t i = 0; i < 40000; i++)
            bytes[i] = (uint8_t)(rand() % 4 ? rand() % 10 : rand());
        atomic_store(&consumer.memory->head, 1 + (uint64_t)rand() % 1000);
        enum tide_ring_rc rc;
        while ((rc = tide_ring_take(&consumer, &r)) == TIDE_RING_OK) {
            assert_in_range(r.text.length, 0, TIDE_STREAM_TEXT_MAX);
        }
        broken += rc == TIDE_RING_BROKEN;
        atomic_store(&consumer.memory->head, UINT64_MAX);
        close_pair(&consumer, &producer);
    }
    assert_in_range(broken, 250, 300);
}

/* An event held back is put when it turns out to matter, unless the consumer has it already; one
 * that it replaces is gone. */
static void test_held_event(void **state)
{
    struct tide_ring consumer, producer;
    struct tide_slot slot = {.t_ns = 1, .name = 5, .kind = TIDE_CALL, .span = 1};
    struct tide_record r;
    (void)state;

    open_pair(&consumer, &producer);
    assert_int_equal(tide_ring_claim(&consumer, &r), TIDE_HELD_NONE);
    tide_ring_begin(&producer);
    tide_ring_hold(&producer, &slot);
    assert_true(tide_ring_is_settled(&consumer));
    slot.t_ns = 2;
    tide_ring_hold(&producer, &slot);
    tide_ring_release(&producer, true);
    assert_int_equal(tide_ring_take(&consumer, &r), TIDE_RING_OK);
    assert_true(r.t_ns == 2 && r.name == 5);
    assert_int_equal(tide_ring_take(&consumer, &r), TIDE_RING_EMPTY);

    tide_ring_hold(&producer, &slot);
    assert_int_equal(tide_ring_claim(&consumer, &r), TIDE_HELD_TAKEN);
    assert_true(r.t_ns == 2 && r.kind == TIDE_CALL);
    assert_int_equal(tide_ring_claim(&consumer, &r), TIDE_HELD_NONE);
    tide_ring_release(&producer, true);
    tide_ring_hold(&producer, &slot);
    tide_ring_release(&producer, false);
    assert_int_equal(tide_ring_take(&consumer, &r), TIDE_RING_EMPTY);

    slot.kind = TIDE_META; /* measured code wrote over it */
    tide_ring_hold(&producer, &slot);
    assert_int_equal(tide_ring_claim(&consumer, &r), TIDE_HELD_NONE);
    atomic_store(&producer.memory->held_state, TIDE_HELD_BUSY);
    assert_int_equal(tide_ring_claim(&consumer, &r), TIDE_HELD_CHANGING);
    close_pair(&consumer, &producer);
}

static void test_numbers(void **state)
{
    const struct tide_record records[] = {
        {.kind = TIDE_MARK, .value = -3, .cpu_ns = 9},
        {.kind = TIDE_GC, .value = -1, .generation = 2},
        {.kind = TIDE_THREAD, .value = 1, .thread = 8},
        {.kind = TIDE_TOTAL, .name = 4, .calls = 5, .gained = 8192, .released = 1},
        {.kind = TIDE_SMAPS, .pss = 1025, .uss = 1024, .swap = 3},
    };
    struct tide_ring consumer, producer;
    struct tide_record r;
    (void)state;

    open_pair(&consumer, &producer);
    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        assert_int_equal(tide_ring_put(&producer, &records[i]), 0);
        assert_int_equal(tide_ring_take(&consumer, &r), TIDE_RING_OK);
        assert_same(&records[i], &r);
        assert_int_equal(records[i].generation, r.generation);
        assert_true(records[i].cpu_ns == r.cpu_ns && records[i].calls == r.calls);
        assert_true(records[i].gained == r.gained && records[i].released == r.released);
        assert_true(records[i].pss == r.pss && records[i].uss == r.uss);
        assert_true(records[i].swap == r.swap);
    }
    close_pair(&consumer, &producer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_held_event),        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_order_and_waiting), cmocka_unit_test(test_producer_killed),
        cmocka_unit_test(test_settled),           cmocka_unit_test(test_ceilings),
        cmocka_unit_test(test_hostile_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
