/* builds.h - builds made side by side, each in a thread of its own, within limits.
 *
 * One build at a time per key, whoever asks for it. A build's outcome, done or failed, is stored;
 * what a fault of the machine kept from ending is forgotten, and told to whoever waits for it.
 * Threads: any; the builds' own come and go. */
#ifndef TIDE_SCHEDULE_BUILDS_H
#define TIDE_SCHEDULE_BUILDS_H

#include "base/feed.h"
#include "build/builder.h"
#include "schedule/catalog.h"

struct tide_builds;

/* `builder`, `store`, `feed` and `places` are borrowed and outlive it. NULL when memory ends. */
struct tide_builds *tide_builds_new(const struct tide_builder *builder, struct tide_store *store,
                                    struct tide_feed *feed, const struct tide_places *places);
/* Waits for those at work. NULL is a no-op. */
void tide_builds_free(struct tide_builds *b);

/* So many builds are about to begin together: each may use its share of the CPUs. */
void tide_builds_expect(struct tide_builds *b, size_t n);

/* Begin the build that the job needs, taking over *plan. Nothing happens when it is at work
 * already. The feed is told when it begins and when it has ended, as of the job's batch. */
TIDE_CHECK enum tide_rc tide_builds_begin(struct tide_builds *b, struct tide_catalog *c,
                                          const struct tide_job *job,
                                          const struct tide_python *python, struct tide_build *plan,
                                          struct tide_error *e);

/* How many more may begin now: what `build_jobs` and the memory that is free leave, and one where
 * none is at work. */
size_t tide_builds_room(struct tide_builds *b);

/* Whether a build has ended since this was asked last. */
bool tide_builds_grown(struct tide_builds *b);

/* Whether the disk has room for one more build; IO, with what to do, when it has not. */
TIDE_CHECK enum tide_rc tide_builds_check_disk(struct tide_builds *b, struct tide_error *e);

/* Wait until the build with this key is not at work any more, or *stop is true (it may be NULL) and
 * tide_builds_drop_unwanted was called. An error is the machine's, or STOPPED; OK when it ended
 * with an outcome, or was not at work. */
TIDE_CHECK enum tide_rc tide_builds_wait(struct tide_builds *b, const char *key,
                                         const atomic_bool *stop, struct tide_error *e);
/* Wait likewise until none is at work. What went wrong with them is logged. */
void tide_builds_wait_all(struct tide_builds *b, const atomic_bool *stop);

/* Kill those at work that nobody waits for and no run that has not ended needs, and have those who
 * wait look at their *stop. */
void tide_builds_drop_unwanted(struct tide_builds *b);
/* The daemon stops: kill those at work, begin none. */
void tide_builds_stop(struct tide_builds *b);

#endif
