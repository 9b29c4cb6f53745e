/* ring.c - a ring of 32-byte slots in shared memory, one producer, one consumer.
 *
 * head and tail count slots since the start and never wrap in practice (2^64). The producer writes
 * slots, then head with release; the consumer reads head with acquire, copies, then moves tail. A
 * producer that dies between the two leaves head where it was: what it had not published is not
 * seen.
 *
 * A record that one slot cannot hold goes on in the slots behind it as bytes:
 *   MARK, GC, THREAD, TOTAL, SMAPS: three u64, see numbers_of
 *   META: u32 length of the key, u32 length of the text, key, text
 *   NAME: u32 length of the text, u32 length of the file, text, file
 * Such a record may wrap round the end of the ring.
 *
 * `stamping` is what makes the merge of events and samples exact: it is 1 from before the producer
 * reads the clock until the event is published. Where the consumer sees 0 and then drains the ring,
 * no event of an earlier time can follow. The store may linger in the producer's store buffer for
 * some nanoseconds after its clock was read; the probe looks a tick later, which is a thousand
 * times more. */
#define _GNU_SOURCE 1
#include "ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const uint64_t MAGIC = 0x31474e4952454454; /* "TDERING1" */

enum {
    SLOT = sizeof(struct tide_slot),
    TAIL_MAX = 8 + 2 * TIDE_STREAM_TEXT_MAX,
};
_Static_assert(SLOT == 32, "an event is one slot of 32 bytes");
_Static_assert(offsetof(struct tide_ring_memory, head) == 64, "a cache line for the producer");
_Static_assert(offsetof(struct tide_ring_memory, held) == 128, "one for the event held back");
_Static_assert(offsetof(struct tide_ring_memory, tail) == 192, "and one for the consumer");
_Static_assert((TAIL_MAX + SLOT - 1) / SLOT + 1 <= UINT16_MAX, "span holds the longest record");

static int map(struct tide_ring *r, int fd)
{
    void *at = mmap(NULL, TIDE_RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (at == MAP_FAILED) return errno;
    r->memory = at;
    r->page = (uint64_t)sysconf(_SC_PAGESIZE);
    return 0;
}

int tide_ring_create(struct tide_ring *r, int *fd)
{
    int rc;

    memset(r, 0, sizeof *r);
    *fd = memfd_create("tidemark-ring", MFD_CLOEXEC);
    if (*fd < 0) return errno;
    rc = ftruncate(*fd, (off_t)TIDE_RING_BYTES) == 0 ? map(r, *fd) : errno;
    if (!rc && !(r->text = malloc(TAIL_MAX))) rc = ENOMEM;
    if (rc) {
        tide_ring_close(r);
        close(*fd);
        *fd = -1;
        return rc;
    }
    r->memory->magic = MAGIC;
    return 0;
}

void tide_ring_close(struct tide_ring *r)
{
    if (r->memory) munmap(r->memory, TIDE_RING_BYTES);
    free(r->text);
    memset(r, 0, sizeof *r);
}

/* ---- producer ---- */

int tide_ring_attach(struct tide_ring *r, int fd)
{
    struct stat st;
    int rc;

    memset(r, 0, sizeof *r);
    if (fstat(fd, &st) != 0) return errno;
    if (st.st_size != (off_t)TIDE_RING_BYTES) return EINVAL;
    rc = map(r, fd);
    if (rc) return rc;
    close(fd);
    if (r->memory->magic != MAGIC) {
        tide_ring_close(r);
        return EINVAL;
    }
    memset(r->memory->slots, 0, sizeof r->memory->slots);
    return 0;
}

void tide_ring_wait(struct tide_ring *r, uint64_t slots)
{
    const struct timespec nap = {.tv_nsec = 50000};

    for (;;) {
        r->tail = atomic_load_explicit(&r->memory->tail, memory_order_acquire);
        if (r->head - r->tail <= TIDE_RING_SLOTS - slots) return;
        r->waits++;
        nanosleep(&nap, NULL);
    }
}

/* Copy bytes into the slots from index `slot` on, `offset` bytes in, going round the end. */
static void copy_in(struct tide_ring *r, uint64_t slot, size_t offset, const void *from, size_t n)
{
    uint8_t *base = (uint8_t *)r->memory->slots;
    size_t whole = sizeof r->memory->slots;
    size_t at = ((slot % TIDE_RING_SLOTS) * SLOT + offset) % whole;
    size_t first = n < whole - at ? n : whole - at;

    if (first) memcpy(base + at, from, first);
    if (n > first) memcpy(base, (const uint8_t *)from + first, n - first);
}

static void put_texts(struct tide_ring *r, const struct tide_slot *slot, struct tide_text a,
                      struct tide_text b)
{
    const uint32_t lengths[2] = {a.length, b.length};

    if (r->head - r->tail > TIDE_RING_SLOTS - slot->span) tide_ring_wait(r, slot->span);
    copy_in(r, r->head, 0, slot, SLOT);
    copy_in(r, r->head, SLOT, lengths, sizeof lengths);
    copy_in(r, r->head, SLOT + 8, a.at, a.length);
    copy_in(r, r->head, SLOT + 8 + a.length, b.at, b.length);
    tide_ring_publish(r, slot->span);
}

void tide_ring_release(struct tide_ring *r, bool put)
{
    struct tide_ring_memory *m = r->memory;
    uint64_t state = atomic_exchange_explicit(&m->held_state, TIDE_HELD_BUSY, memory_order_acq_rel);

    if (put && state && !(state & (TIDE_HELD_BUSY | TIDE_HELD_CLAIMED))) {
        struct tide_slot slot = m->held;
        if (r->head - r->tail == TIDE_RING_SLOTS) tide_ring_wait(r, 1);
        m->slots[r->head % TIDE_RING_SLOTS] = slot;
        atomic_store_explicit(&m->head, ++r->head, memory_order_release);
    }
    atomic_store_explicit(&m->held_state, 0, memory_order_release);
}

/* The fields of a record that follow its first slot; false for a kind that has none. */
static bool numbers_of(struct tide_record *r, uint64_t *fields[3])
{
    static _Thread_local uint64_t unused, narrow;

    narrow = r->generation;
    fields[0] = (uint64_t *)&r->value; /* the unsigned type of a signed one may alias it */
    fields[1] = fields[2] = &unused;
    switch (r->kind) {
    case TIDE_MARK: fields[1] = &r->cpu_ns; return true;
    case TIDE_GC: fields[1] = &narrow; return true;
    case TIDE_THREAD: return true;
    case TIDE_TOTAL:
        fields[0] = &r->calls;
        fields[1] = &r->gained;
        fields[2] = &r->released;
        return true;
    case TIDE_SMAPS:
        fields[0] = &r->pss;
        fields[1] = &r->uss;
        fields[2] = &r->swap;
        return true;
    default: return false;
    }
}

static void put_numbers(struct tide_ring *r, const struct tide_slot *slot, uint64_t *fields[3])
{
    if (r->head - r->tail > TIDE_RING_SLOTS - 2) tide_ring_wait(r, 2);
    copy_in(r, r->head, 0, slot, SLOT);
    for (size_t i = 0; i < 3; i++)
        copy_in(r, r->head, SLOT + 8 * i, fields[i], 8);
    tide_ring_publish(r, 2);
}

int tide_ring_put(struct tide_ring *r, const struct tide_record *record)
{
    bool meta = record->kind == TIDE_META;
    struct tide_record copy = *record;
    uint64_t *fields[3];
    struct tide_text a = meta ? record->key : record->text;
    struct tide_text b = meta ? record->text : record->file;
    struct tide_slot slot = {
        .t_ns = record->t_ns,
        .rss_pages = (uint32_t)(record->rss / r->page),
        .peak_pages = (uint32_t)(record->peak / r->page),
        .thread = record->thread,
        .name = record->name,
        .line = record->line,
        .kind = (uint8_t)record->kind,
        .name_kind = (uint8_t)record->name_kind,
        .span = 2,
    };

    if (a.length > TIDE_STREAM_TEXT_MAX || b.length > TIDE_STREAM_TEXT_MAX) return E2BIG;
    if (numbers_of(&copy, fields)) {
        put_numbers(r, &slot, fields);
        return 0;
    }
    slot.span = (uint16_t)(1 + (8 + a.length + b.length + SLOT - 1) / SLOT);
    put_texts(r, &slot, a, b);
    return 0;
}

/* ---- consumer ---- */

bool tide_ring_is_settled(const struct tide_ring *r)
{
    return atomic_load_explicit(&r->memory->stamping, memory_order_acquire) == 0;
}

/* The bytes behind the first slot of a record, in one piece. */
static void copy_out(struct tide_ring *r, uint64_t slot, size_t n)
{
    const uint8_t *base = (const uint8_t *)r->memory->slots;
    size_t whole = sizeof r->memory->slots;
    size_t at = (slot % TIDE_RING_SLOTS) * SLOT;
    size_t first = n < whole - at ? n : whole - at;

    memcpy(r->text, base + at, first);
    if (n > first) memcpy(r->text + first, base, n - first);
}

/* Fill in what lies behind the first slot; false when it does not fit what is there. */
static bool read_tail(struct tide_ring *r, const struct tide_slot *slot, struct tide_record *out)
{
    size_t n = (size_t)(slot->span - 1) * SLOT;
    bool meta = slot->kind == TIDE_META;
    uint32_t lengths[2];
    uint64_t *fields[3];

    if (n < SLOT || n > TAIL_MAX + SLOT) return false;
    if (n > TAIL_MAX) n = TAIL_MAX;
    copy_out(r, r->tail + 1, n);
    if (numbers_of(out, fields)) {
        for (size_t i = 0; i < 3; i++)
            memcpy(fields[i], r->text + 8 * i, 8);
        if (out->kind == TIDE_GC) out->generation = (uint32_t)*fields[1];
        return true;
    }
    memcpy(lengths, r->text, sizeof lengths);
    if ((uint64_t)8 + lengths[0] + lengths[1] > n) return false;
    if (lengths[0] > TIDE_STREAM_TEXT_MAX || lengths[1] > TIDE_STREAM_TEXT_MAX) return false;
    struct tide_text a = {r->text + 8, lengths[0]}, b = {r->text + 8 + lengths[0], lengths[1]};
    out->key = meta ? a : (struct tide_text){0};
    out->text = meta ? b : a;
    out->file = meta ? (struct tide_text){0} : b;
    return true;
}

static void read_slot(const struct tide_ring *r, const struct tide_slot *slot,
                      struct tide_record *out)
{
    out->kind = (enum tide_kind)slot->kind;
    out->name_kind = (enum tide_name_kind)slot->name_kind;
    out->thread = slot->thread;
    out->name = slot->name;
    out->line = slot->line;
    out->t_ns = slot->t_ns;
    out->rss = slot->rss_pages * r->page;
    out->peak = slot->peak_pages * r->page;
}

/* Whether one slot holds a record of this kind whole. */
static bool is_plain_event(unsigned kind)
{
    return (kind >= TIDE_CALL && kind <= TIDE_C_EXCEPTION) || kind == TIDE_LINE;
}

enum tide_held tide_ring_claim(struct tide_ring *r, struct tide_record *out)
{
    struct tide_ring_memory *m = r->memory;
    uint64_t state = atomic_load_explicit(&m->held_state, memory_order_acquire);
    struct tide_slot slot;

    memset(out, 0, sizeof *out);
    if (state & TIDE_HELD_BUSY) return TIDE_HELD_CHANGING;
    if (!state || state & TIDE_HELD_CLAIMED) return TIDE_HELD_NONE;
    slot = m->held;
    if (!atomic_compare_exchange_strong_explicit(&m->held_state, &state, state | TIDE_HELD_CLAIMED,
                                                 memory_order_acq_rel, memory_order_relaxed))
        return TIDE_HELD_CHANGING;
    if (!is_plain_event(slot.kind)) return TIDE_HELD_NONE;
    read_slot(r, &slot, out);
    return TIDE_HELD_TAKEN;
}

enum tide_ring_rc tide_ring_take(struct tide_ring *r, struct tide_record *out)
{
    struct tide_slot slot;
    bool longer;

    memset(out, 0, sizeof *out);
    if (r->tail == r->head) {
        r->head = atomic_load_explicit(&r->memory->head, memory_order_acquire);
        if (r->tail == r->head) return TIDE_RING_EMPTY;
    }
    if (r->head - r->tail > TIDE_RING_SLOTS) return TIDE_RING_BROKEN;
    slot = r->memory->slots[r->tail % TIDE_RING_SLOTS];
    if (slot.span == 0 || slot.span > r->head - r->tail) return TIDE_RING_BROKEN;
    if (slot.kind < TIDE_META || slot.kind > TIDE_KIND_LAST || slot.kind == TIDE_SAMPLE ||
        slot.kind == TIDE_CHILD)
        return TIDE_RING_BROKEN;
    longer = !is_plain_event(slot.kind);
    read_slot(r, &slot, out);
    if (longer != (slot.span > 1) || (longer && !read_tail(r, &slot, out))) return TIDE_RING_BROKEN;
    r->tail += slot.span;
    atomic_store_explicit(&r->memory->tail, r->tail, memory_order_release);
    return TIDE_RING_OK;
}
