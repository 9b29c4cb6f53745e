/* ring.h - events on their way from the worker to the probe.
 *
 * One producer (the worker: whoever holds the GIL) and one consumer (the probe) share a memfd. What
 * the worker has put survives its death by any signal, costs it no system call, and is never
 * dropped: when the ring is full the worker waits.
 *
 * Memory: TIDE_RING_BYTES of shared memory, touched by the producer when it attaches, so that its
 * RSS does not move later. Threads: one on each side. Errors: 0 or an errno. The consumer believes
 * nothing that it finds in the memory, since measured code may have written over it. */
#ifndef TIDE_RING_H
#define TIDE_RING_H

#include "stream.h"

#include <stdatomic.h>
#include <stdbool.h>

#define TIDE_RING_SLOTS (1u << 16)
#define TIDE_RING_ENV   "TIDEMARK_RING_FD"

/* 32 bytes, so that an event is one slot and two fill a cache line. */
struct tide_slot {
    uint64_t t_ns;
    uint32_t rss_pages;
    uint32_t peak_pages;
    uint32_t thread;
    uint32_t name;
    uint32_t line;
    uint8_t kind;
    uint8_t name_kind;
    uint16_t span; /* slots of this record, this one included: a tail of bytes follows from 2 on */
};

/* What HELD may be: 0 for nothing, else a number that grows, in units of 4, and these flags. */
enum { TIDE_HELD_BUSY = 1, TIDE_HELD_CLAIMED = 2 };

/* The memory itself. What producer and consumer write lies in different cache lines of 64 bytes. */
struct tide_ring_memory {
    uint64_t magic;
    uint8_t line0[56];
    _Atomic uint64_t head;     /* slots put since the start; written by the producer */
    _Atomic uint32_t stamping; /* a record is being stamped and put; likewise */
    uint8_t line1[52];
    struct tide_slot held; /* the latest event, not put; written by the producer */
    _Atomic uint64_t held_state;
    uint8_t line3[24];
    _Atomic uint64_t tail; /* slots taken; written by the consumer */
    uint8_t line2[56];
    struct tide_slot slots[TIDE_RING_SLOTS];
};
#define TIDE_RING_BYTES sizeof(struct tide_ring_memory)

struct tide_ring {
    struct tide_ring_memory *memory;
    uint64_t head, tail; /* own index, and the last that was seen of the other side's */
    uint64_t page;       /* bytes a page, for rss and peak */
    uint64_t waits;      /* times that the producer found the ring full */
    uint64_t holds;      /* producer: events held so far, times 4 */
    char *text;          /* consumer: the tail of the record taken last */
};

/* ---- consumer ---- */

/* Make the memory and map it. *fd is close-on-exec; the worker is to inherit it. */
int tide_ring_create(struct tide_ring *r, int *fd);
void tide_ring_close(struct tide_ring *r); /* also half-made and zeroed rings; either side */

enum tide_ring_rc { TIDE_RING_OK = 0, TIDE_RING_EMPTY, TIDE_RING_BROKEN };

/* The next record; its texts are borrowed until the next take. BROKEN is final. */
enum tide_ring_rc tide_ring_take(struct tide_ring *r, struct tide_record *out);

/* Whether every record that will come from now on was stamped after this call began. */
bool tide_ring_is_settled(const struct tide_ring *r);

enum tide_held { TIDE_HELD_NONE = 0, TIDE_HELD_TAKEN, TIDE_HELD_CHANGING };

/* Take the event that the producer holds back, if there is one that was not taken before. CHANGING:
 * the producer is at it just now. */
enum tide_held tide_ring_claim(struct tide_ring *r, struct tide_record *out);

/* ---- producer ---- */

/* Map the memory of `fd`, touch it all, close `fd`. */
int tide_ring_attach(struct tide_ring *r, int fd);

/* Say that the clock is about to be read for a record. The next put ends it. */
static inline void tide_ring_begin(struct tide_ring *r)
{
    atomic_store_explicit(&r->memory->stamping, 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
}

/* Wait until `slots` are free. Only for the functions below. */
void tide_ring_wait(struct tide_ring *r, uint64_t slots);

static inline void tide_ring_publish(struct tide_ring *r, uint64_t slots)
{
    r->head += slots;
    atomic_store_explicit(&r->memory->head, r->head, memory_order_release);
    atomic_store_explicit(&r->memory->stamping, 0, memory_order_release);
}

/* Put an event (a record without value and texts). Waits while the ring is full. */
static inline void tide_ring_put_slot(struct tide_ring *r, const struct tide_slot *slot)
{
    if (r->head - r->tail == TIDE_RING_SLOTS) tide_ring_wait(r, 1);
    r->memory->slots[r->head % TIDE_RING_SLOTS] = *slot;
    tide_ring_publish(r, 1);
}

/* Hold an event back in place of the one held before: it is put only if what follows makes it
 * worth it, or taken by the consumer at its next tick, so that the stream stays in the order of
 * time however long the program stays within this event. Ends what tide_ring_begin began. */
static inline void tide_ring_hold(struct tide_ring *r, const struct tide_slot *slot)
{
    struct tide_ring_memory *m = r->memory;

    atomic_store_explicit(&m->held_state, TIDE_HELD_BUSY, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    m->held = *slot;
    atomic_store_explicit(&m->held_state, r->holds += 4, memory_order_release);
    atomic_store_explicit(&m->stamping, 0, memory_order_release);
}

/* Let go of the event held back; `put` it before, unless the consumer has it already. */
void tide_ring_release(struct tide_ring *r, bool put);

/* Put a record with texts or numbers behind it: any but events without a value. E2BIG when a text
 * exceeds TIDE_STREAM_TEXT_MAX. */
int tide_ring_put(struct tide_ring *r, const struct tide_record *record);

#endif
