/* heap.c - huge pages under a large result.
 *
 * Most of the time of a large conversion goes into the kernel handing out 4 KiB pages for the new
 * objects, one fault each. While a large result is built, this file sees to it that they lie in 2
 * MiB pages, for each of the three places that CPython takes memory from:
 *
 *   tables        of pointers: advised between being allocated and being used
 *   small objects up to 512 bytes come from arenas of 256 KiB or 1 MiB; the documented hook for
 * them is set so that arenas are cut out of huge pages. CPython's own release, munmap, takes them
 * back piece by piece, so the hook need not outlive the conversion the rest      comes from malloc;
 * when its heap is about to grow, a block of a few MiB is allocated and freed again, which leaves
 * the heap's top that much larger, to be advised
 *
 * All of it is a hint: where a step does not apply (another malloc, another thread's heap, another
 * arena allocator, no huge pages) the pages are small ones. The state is the process's, because the
 * hook and the heap are; the GIL guards it, but for the arena in hand. */
#define _GNU_SOURCE 1
#include "internal.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/single_threaded.h>
#include <unistd.h>

#define MIB       (size_t)(1024 * 1024)
#define HUGE_PAGE (2 * MIB)
/* Below these, what huge pages would round up is too much next to the result itself. */
#define ARENAS_FROM (2 * MIB)
#define HEAP_FROM   (64 * MIB)
#define TABLE_FROM  (4 * MIB)
/* The least mean size of objects that come from malloc rather than from an arena. */
#define LARGE 400
/* The heap is grown again when objects have come this close to its end. */
#define MARGIN (1 * MIB)
/* malloc grows its heap by 128 KiB and a header more than it is asked for. */
#define TOP_PAD (128 * 1024 + 32)
#define PROBE   (64 * 1024)

static bool enabled = true;

void tideconv_use_huge_pages(bool on)
{
    enabled = on;
}

/* ---- tables
 * -------------------------------------------------------------------------------------- */

#if TIDECONV_FAST
enum { DOMAINS = 2 };
static const PyMemAllocatorDomain domains[DOMAINS] = {PYMEM_DOMAIN_OBJ, PYMEM_DOMAIN_MEM};
static PyMemAllocatorEx allocators[DOMAINS];

/* Memory this large comes fresh from the kernel, or from a heap that had it: advice harms neither.
 */
static void *advised(void *memory, size_t size)
{
    uintptr_t first = ((uintptr_t)memory + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    uintptr_t end = ((uintptr_t)memory + size) / HUGE_PAGE * HUGE_PAGE;

    if (memory && size >= TABLE_FROM) madvise((void *)first, end - first, MADV_HUGEPAGE);
    return memory;
}

static void *object_malloc(void *context, size_t size)
{
    return advised(allocators[0].malloc(context, size), size);
}

static void *object_calloc(void *context, size_t count, size_t size)
{
    return advised(allocators[0].calloc(context, count, size), count * size);
}

static void *memory_malloc(void *context, size_t size)
{
    return advised(allocators[1].malloc(context, size), size);
}

static void *memory_calloc(void *context, size_t count, size_t size)
{
    return advised(allocators[1].calloc(context, count, size), count * size);
}

/* For the call that makes an empty container, which holds the GIL throughout, look on as CPython
 * allocates its table. Everything is allocated and freed by CPython's own functions, with their own
 * context, so that it matters to nobody which of the two was asked. */
bool tideconv_tables_begin(size_t count)
{
    bool main = PyInterpreterState_Main() == PyThreadState_Get()->interp;

    if (!enabled || !main || count < TABLE_FROM / sizeof(PyObject *)) return false;
    for (int i = 0; i < DOMAINS; i++) {
        PyMemAllocatorEx ours;
        PyMem_GetAllocator(domains[i], &allocators[i]);
        ours = allocators[i];
        ours.malloc = i == 0 ? object_malloc : memory_malloc;
        ours.calloc = i == 0 ? object_calloc : memory_calloc;
        PyMem_SetAllocator(domains[i], &ours);
    }
    return true;
}

void tideconv_tables_end(bool begun)
{
    for (int i = 0; i < DOMAINS && begun; i++)
        PyMem_SetAllocator(domains[i], &allocators[i]);
}
#else
bool tideconv_tables_begin(size_t Py_UNUSED(count))
{
    return false;
}

void tideconv_tables_end(bool Py_UNUSED(begun))
{
}
#endif

/* ---- arenas of small objects
 * --------------------------------------------------------------------- */

#if TIDECONV_FAST
static pthread_mutex_t arena_lock = PTHREAD_MUTEX_INITIALIZER;
static PyObjectArenaAllocator original;
static int hooked; /* conversions that are using the hook */
static char *spare;
static size_t spare_size;

/* Subinterpreters may come here at once, each under a GIL of its own. */
static void *new_arena(void *Py_UNUSED(context), size_t size)
{
    char *arena = NULL;

    if (size > HUGE_PAGE / 2) return original.alloc(original.ctx, size);
    pthread_mutex_lock(&arena_lock);
    if (spare_size < size) {
        if (spare_size) tideconv_system.unmap(spare, spare_size);
        spare = tideconv_system.map(HUGE_PAGE);
        spare_size = spare ? HUGE_PAGE : 0;
    }
    if (spare) {
        arena = spare;
        spare += size;
        spare_size -= size;
    }
    pthread_mutex_unlock(&arena_lock);
    return arena ? arena : original.alloc(original.ctx, size);
}

static void free_arena(void *Py_UNUSED(context), void *arena, size_t size)
{
    original.free(original.ctx, arena, size);
}

/* Whether arenas are released by CPython's own munmap: its allocator is part of it. */
static bool arenas_are_mapped(void)
{
    Dl_info allocator, python;

    return dladdr(*(void **)&original.free, &allocator) &&
           dladdr((void *)&PyBaseObject_Type, &python) && allocator.dli_fbase == python.dli_fbase;
}

static bool hook_arenas(void)
{
    PyObjectArenaAllocator ours = {NULL, new_arena, free_arena};

    if (PyInterpreterState_Main() != PyThreadState_Get()->interp) return false;
    if (hooked == 0) {
        PyObject_GetArenaAllocator(&original);
        if (!arenas_are_mapped()) return false;
        PyObject_SetArenaAllocator(&ours);
    }
    hooked++;
    return true;
}

static void unhook_arenas(void)
{
    if (--hooked > 0) return;
    PyObject_SetArenaAllocator(&original);
    pthread_mutex_lock(&arena_lock);
    if (spare_size) tideconv_system.unmap(spare, spare_size);
    spare = NULL;
    spare_size = 0;
    pthread_mutex_unlock(&arena_lock);
}
#else
static bool hook_arenas(void)
{
    return false;
}

static void unhook_arenas(void)
{
}
#endif

/* ---- malloc's heap
 * ------------------------------------------------------------------------------- */

/* Where the heap's unused top begins, found by a block that malloc can hardly take from elsewhere;
 * NULL if it did, because older free memory is there to be used first. */
static char *heap_top(void)
{
    char *block = tideconv_system.allocate(PROBE);
    char *end = sbrk(0);
    char *top = block && block < end && (size_t)(end - block) < 4 * MIB ? block : NULL;

    tideconv_system.release(block);
    return top;
}

/* Grow the heap's top up to a boundary of huge pages and advise it; returns the heap's end, or
 * NULL. A block that malloc maps is freed at once: that raises malloc's threshold for mapping, so
 * that the next one comes from the heap. Behind the block malloc has written the header of what is
 * left, which spoils the last huge page for the kernel: as the block is freed again all of it is
 * dead, and dropped. That is only true while no other thread can allocate. */
static char *grow_heap(void)
{
    if (!__libc_single_threaded) return NULL;
    for (int try = 0; try < 2; try++) {
        char *top = heap_top();
        uintptr_t first = ((uintptr_t)top + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
        size_t size = first + HUGE_PAGE - (uintptr_t)top - TOP_PAD;
        char *block = top ? tideconv_system.allocate(size) : NULL;
        char *end = sbrk(0);
        bool grown = block && block == top && block + size <= end;
        size_t whole = grown ? ((uintptr_t)end - first) / HUGE_PAGE * HUGE_PAGE : 0;
        tideconv_system.release(block);
        if (whole) {
            madvise((void *)first, whole, MADV_DONTNEED);
            madvise((void *)first, whole, MADV_HUGEPAGE);
            return end;
        }
    }
    return NULL;
}

void tideconv_heap_begin(struct heap *heap, size_t count, size_t strings, size_t payload)
{
    heap->arenas = enabled && payload >= ARENAS_FROM && hook_arenas();
    heap->grows = enabled && strings >= HEAP_FROM && strings / count >= LARGE;
    heap->end = heap->grows ? grow_heap() : NULL;
    heap->bytes = 0;
}

void tideconv_heap_follow(struct heap *heap, const void *object, size_t bytes)
{
    const char *at = object;

    if (!heap->grows) return;
    heap->bytes += bytes;
    /* Where the top could not be had, older free memory was there to be used: try again later. */
    if (heap->end ? at < heap->end && at > heap->end - MARGIN : heap->bytes > 2 * HUGE_PAGE) {
        heap->end = grow_heap();
        heap->bytes = 0;
    }
}

void tideconv_heap_end(struct heap *heap)
{
    if (heap->arenas) unhook_arenas();
    heap->arenas = false;
}
