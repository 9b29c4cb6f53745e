/* memory.c - where the native containers' memory comes from.
 *
 * Blocks hold arrays, entries and indexes: malloc below a megabyte, a mapping of their own above,
 * in huge pages as far as whole ones fit, because touching fresh 4 KiB pages one by one costs more
 * than the conversion of what is put in them.
 *
 * An arena holds the strings of one column, end to end in chunks that grow with it. Chunks are
 * filled in order, so a drain that reads in order can give each back as soon as it has passed it.
 */
#define _GNU_SOURCE 1
#include "internal.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>

#define KIB (size_t)1024
#define MIB (size_t)(1024 * 1024)

enum { PAGE = 4096 };

/* From this size on, memory is mapped rather than allocated. */
#define MAP_FROM  (1 * MIB)
#define HUGE_PAGE (2 * MIB)
/* An arena takes whole huge pages once it is large enough for the last one's unused part not to
 * matter; a string above the limit gets a chunk of its own size, for the same reason. */
#define HUGE_FROM   (8 * MIB)
#define SINGLE_FROM (256 * KIB)

struct tideconv_chunk {
    struct tideconv_chunk *next;
    char *end;
    size_t mapped; /* bytes to unmap; 0: it was allocated */
    size_t unused; /* keeps what follows aligned to 16 bytes */
};

static void *map_plain(size_t size)
{
    void *start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return start == MAP_FAILED ? NULL : start;
}

/* Map whole pages; where huge pages fit in, align to them and ask for them. Newer kernels align
 * such mappings on their own, side by side; else a larger one is cut to fit. */
static void *map_pages(size_t size)
{
    char *start = map_plain(size);
    size_t head;

    if (!start || size < HUGE_PAGE) return start;
    if ((uintptr_t)start % HUGE_PAGE != 0) {
        munmap(start, size);
        start = map_plain(size + HUGE_PAGE);
        if (!start) return NULL;
        head = HUGE_PAGE - (uintptr_t)start % HUGE_PAGE;
        munmap(start, head);
        if (head < HUGE_PAGE) munmap(start + head + size, HUGE_PAGE - head);
        start += head;
    }
    madvise(start, size, MADV_HUGEPAGE); /* a kernel without them serves small pages */
    return start;
}

static void unmap_pages(void *memory, size_t size)
{
    munmap(memory, size);
}

struct tideconv_system tideconv_system = {malloc, realloc, free, map_pages, unmap_pages};

static size_t whole_pages(size_t size)
{
    return (size + PAGE - 1) / PAGE * PAGE;
}

void *tideconv_block_new(size_t size)
{
    if (size >= SIZE_MAX / 4) return NULL;
    if (size >= MAP_FROM) return tideconv_system.map(whole_pages(size));
    return tideconv_system.allocate(size ? size : 1);
}

void tideconv_block_free(void *block, size_t size)
{
    if (!block) return;
    if (size >= MAP_FROM)
        tideconv_system.unmap(block, whole_pages(size));
    else
        tideconv_system.release(block);
}

void *tideconv_block_resize(void *block, size_t old_size, size_t size)
{
    void *moved;

    if (size < MAP_FROM && old_size < MAP_FROM) return tideconv_system.reallocate(block, size);
    moved = tideconv_block_new(size);
    if (!moved) return NULL;
    if (block) memcpy(moved, block, old_size < size ? old_size : size);
    tideconv_block_free(block, old_size);
    return moved;
}

/* The size of the chunk that is to hold `need` more bytes. */
static size_t chunk_size(const struct tideconv_arena *arena, size_t need)
{
    size_t size = arena->total;

    if (need >= SINGLE_FROM) return need;
    if (arena->total >= HUGE_FROM || arena->hint > HUGE_FROM / need) return HUGE_PAGE;
    if (size == 0) size = arena->hint < 64 ? arena->hint * need : 64 * need;
    if (size > MIB) size = MIB;
    return size > need ? size : need;
}

static struct tideconv_chunk *chunk_new(size_t size)
{
    struct tideconv_chunk *chunk;
    size_t mapped = size >= MAP_FROM ? whole_pages(size) : 0;

    if (mapped)
        chunk = tideconv_system.map(mapped);
    else
        chunk = tideconv_system.allocate(size);
    if (!chunk) return NULL;
    chunk->next = NULL;
    chunk->mapped = mapped;
    chunk->end = (char *)chunk + (mapped ? mapped : size);
    return chunk;
}

static void chunk_free(struct tideconv_chunk *chunk)
{
    if (chunk->mapped)
        tideconv_system.unmap(chunk, chunk->mapped);
    else
        tideconv_system.release(chunk);
}

/* A new chunk for `size` bytes; they are reserved, not yet taken: the caller moves `at`. */
char *tideconv_arena_reserve(struct tideconv_arena *arena, size_t size)
{
    struct tideconv_chunk *chunk;
    size_t whole;

    if ((size_t)(arena->end - arena->at) >= size && arena->at) return arena->at;
    if (size >= SIZE_MAX / 4) return NULL;
    whole = chunk_size(arena, size + sizeof *chunk);
    chunk = chunk_new(whole);
    if (!chunk) return NULL;
    if (arena->last)
        arena->last->next = chunk;
    else
        arena->first = chunk;
    arena->last = chunk;
    arena->at = (char *)(chunk + 1);
    arena->end = chunk->end;
    arena->total += whole;
    return arena->at;
}

void tideconv_arena_release_before(struct tideconv_arena *arena, const char *data)
{
    struct tideconv_chunk *chunk = arena->first;

    while (chunk != arena->last && (data < (char *)chunk || data >= chunk->end)) {
        arena->first = chunk->next;
        chunk_free(chunk);
        chunk = arena->first;
    }
}

void tideconv_arena_clear(struct tideconv_arena *arena)
{
    struct tideconv_chunk *chunk = arena->first;

    while (chunk) {
        struct tideconv_chunk *next = chunk->next;
        chunk_free(chunk);
        chunk = next;
    }
    memset(arena, 0, sizeof *arena);
}

bool tideconv_in_order(const struct tideconv_type *type, const struct tideconv_arena *arena,
                       const char *values, size_t stride, size_t count)
{
    const struct tideconv_chunk *chunk = arena->first;

    if (!type->kernel || !type->kernel->strings) return true;
    for (size_t i = 0; i < count; i++) {
        const struct tideconv_bytes *string = (const void *)(values + i * stride);
        if (string->size == 0) continue;
        while (chunk && (string->data < (char *)chunk || string->data >= chunk->end))
            chunk = chunk->next;
        if (!chunk) return false;
    }
    return true;
}

/* One secret a process, so that no input can be made whose keys collide. */
uint64_t tideconv_seed(void)
{
    static _Atomic uint64_t seed;
    uint64_t value = atomic_load_explicit(&seed, memory_order_relaxed);
    uint64_t expected = 0;

    if (value) return value;
    if (getrandom(&value, sizeof value, GRND_NONBLOCK) != sizeof value)
        value = (uint64_t)time(NULL) ^ (uintptr_t)&expected;
    value |= 1;
    /* Two threads may draw at once: both go on with the one that was stored first. */
    if (!atomic_compare_exchange_strong(&seed, &expected, value)) value = expected;
    return value;
}
