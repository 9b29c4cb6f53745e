/* store.h - the only door to the database.
 *
 * Owns one connection that writes and checkpoints, behind a mutex (two writers can corrupt a WAL,
 * docs/TOUR.md), and a small pool of read-only ones.
 * Threads: any thread may call; writers queue at the mutex, readers at the pool.
 * Durability: a call that writes has committed, synced, when it returns TIDE_OK.
 * Errors: every fallible call returns enum tide_rc; detail goes to struct tide_error. Never logs.
 *
 * Functions that answer REST append JSON in the shape of docs/API.md, made by SQLite itself, so
 * that a resource has one description: its query. */
#ifndef TIDE_STORE_H
#define TIDE_STORE_H

#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tide_store;

/* Open or create the database at `path`, applying pending migrations. Runs that an earlier daemon
 * left building or running go back to the queue as one attempt more, without what they had
 * measured. On success the caller owns *out; on failure *out is NULL. Errors: TIDE_IO, TIDE_CORRUPT
 * (no database, or damaged), TIDE_NEWER (written by a newer Tidemark). */
TIDE_CHECK enum tide_rc tide_store_open(const char *path, struct tide_store **out,
                                        struct tide_error *e);
/* Open an existing database to read it only, beside a daemon or without one. Nothing is migrated:
 * NEWER or INVALID when it is of another version. No call that writes may be made. */
TIDE_CHECK enum tide_rc tide_store_open_reader(const char *path, struct tide_store **out,
                                               struct tide_error *e);
void tide_store_close(struct tide_store *s); /* NULL is a no-op */

/* ---- catalog: what can be measured (store/catalog.c) ---- */

TIDE_CHECK enum tide_rc tide_store_put_project(struct tide_store *s, const char *name,
                                               const char *repo, int64_t *id, struct tide_error *e);

struct tide_project { /* texts are owned, tide_project_clear frees them; none is NULL */
    int64_t id;
    char *name, *repo;
    char *branch;    /* "": HEAD of the source */
    char *recipe;    /* canonical JSON; "": nothing is built (imported runs) */
    char *scenarios; /* folder of the repository; "": Tidemark's own */
    char *versions;  /* folder of released versions, measured in the place of `repo`; "": none */
    char *pythons;   /* JSON, list of names or versions; "": all */
    char *baseline;  /* "PYTHON", "@COMMIT" or "PYTHON@COMMIT"; "": none */
    bool enabled;
};
void tide_project_clear(struct tide_project *p);

/* ABSENT: no such project; the message lists those that there are. */
TIDE_CHECK enum tide_rc tide_store_find_project(struct tide_store *s, const char *name,
                                                struct tide_project *out, struct tide_error *e);
/* Write the row: a new one when p->id is 0, which then becomes its id. INVALID with the field
 * `name` when another project has this name. */
TIDE_CHECK enum tide_rc tide_store_set_project(struct tide_store *s, struct tide_project *p,
                                               struct tide_error *e);
/* Append what goes with the project, as JSON: {"runs", "unfinished", "cells", "builds", "commits",
 * "scenarios", "bytes"}; bytes are those in the database. */
TIDE_CHECK enum tide_rc tide_store_project_holdings(struct tide_store *s, int64_t project,
                                                    struct tide_str *out, struct tide_error *e);
/* The keys of its builds, each ended by NUL. */
TIDE_CHECK enum tide_rc tide_store_project_keys(struct tide_store *s, int64_t project,
                                                struct tide_str *out, struct tide_error *e);
/* Remove the project with everything that hangs on it; queued runs too. BUSY, and nothing is
 * removed, while one of its runs is building or running. */
TIDE_CHECK enum tide_rc tide_store_remove_project(struct tide_store *s, int64_t project,
                                                  struct tide_error *e);

struct tide_commit_row {
    const char *sha, *subject, *author;
    int64_t committed_ns;
};
/* "HASH SUBJECT" of each commit of the project, each ended by NUL. */
TIDE_CHECK enum tide_rc tide_store_project_commits(struct tide_store *s, int64_t project,
                                                   struct tide_str *out, struct tide_error *e);
/* What is on record of the commit with this whole hash; ABSENT: nothing. The caller frees *subject.
 */
TIDE_CHECK enum tide_rc tide_store_recorded_commit(struct tide_store *s, int64_t project,
                                                   const char *sha, char **subject,
                                                   int64_t *committed_ns, struct tide_error *e);
/* The commit with the hash `from` is `to` from now on, with all that hangs on it; nothing is
 * changed where `to` is there already. */
TIDE_CHECK enum tide_rc tide_store_move_commit(struct tide_store *s, int64_t project,
                                               const char *from, const struct tide_commit_row *to,
                                               struct tide_error *e);
TIDE_CHECK enum tide_rc tide_store_put_commit(struct tide_store *s, int64_t project,
                                              const struct tide_commit_row *c, int64_t *id,
                                              struct tide_error *e);
/* The same for n at once, all or none; ids[i] is that of rows[i]. */
TIDE_CHECK enum tide_rc tide_store_put_commits(struct tide_store *s, int64_t project,
                                               const struct tide_commit_row *rows, size_t n,
                                               int64_t *ids, struct tide_error *e);

struct tide_python_row {
    const char *name, *version, *abi, *prefix, *program, *libpython, *include, *source, *identity;
    const char *reason; /* NULL: usable */
};
/* Replace the list of present pythons; those no longer in it stay, marked as gone. ids[i] is that
 * of rows[i]. */
TIDE_CHECK enum tide_rc tide_store_put_pythons(struct tide_store *s,
                                               const struct tide_python_row *rows, size_t n,
                                               int64_t *ids, struct tide_error *e);

struct tide_scenario_row {
    const char *name, *version, *file;
    const char *description; /* JSON */
};
/* Replace the list of present scenarios of a project; ids[i] is that of rows[i]. */
TIDE_CHECK enum tide_rc tide_store_put_scenarios(struct tide_store *s, int64_t project,
                                                 const struct tide_scenario_row *rows, size_t n,
                                                 int64_t *ids, struct tide_error *e);

/* A build begins: a row for `key`, or the row of that key begun anew. */
struct tide_build_row {
    const char *key, *flags, *compiler;
    int64_t commit, python;
};
TIDE_CHECK enum tide_rc tide_store_begin_build(struct tide_store *s, const struct tide_build_row *b,
                                               int64_t *id, struct tide_error *e);
/* It ended: failed when `error` is not NULL. */
TIDE_CHECK enum tide_rc tide_store_end_build(struct tide_store *s, int64_t id, const char *error,
                                             const char *log, size_t log_size,
                                             struct tide_error *e);
/* What its steps did: JSON of build/steps.h. */
TIDE_CHECK enum tide_rc tide_store_set_steps(struct tide_store *s, int64_t id, const char *steps,
                                             struct tide_error *e);
/* It came to nothing for a reason outside the commit: forget it, so that it is tried again. */
TIDE_CHECK enum tide_rc tide_store_drop_build(struct tide_store *s, int64_t id,
                                              struct tide_error *e);
/* The build with this key that has ended; ABSENT when there is none. The caller frees out->error.
 */
struct tide_known_build {
    int64_t id, finished_ns;
    char *error; /* NULL: it is done */
};
TIDE_CHECK enum tide_rc tide_store_find_build(struct tide_store *s, const char *key,
                                              struct tide_known_build *out, struct tide_error *e);

/* The keys of the builds that no queued, building or running run is known to need, each ended by
 * NUL, the one that was used (where it never was: made) longest ago first. A run's build is known
 * when it is set, or when the build was made or used for the same commit and python. */
TIDE_CHECK enum tide_rc tide_store_idle_builds(struct tide_store *s, struct tide_str *out,
                                               struct tide_error *e);

/* ---- queue: batches and runs (store/queue.c) ---- */

struct tide_cell_key {
    int64_t scenario, commit, python;
    const char *params;    /* canonical JSON */
    const char *allocator; /* its name */
    const char *measure;   /* how it is measured: canonical JSON */
};
struct tide_run_key {
    size_t cell; /* its place among the batch's cells */
    int sample;
};
struct tide_batch_row {
    const struct tide_cell_key *cells;
    const struct tide_run_key *runs; /* in the order in which they are to be done */
    size_t n_cells, n_runs;
    int64_t seed;                   /* that the order was made from; -1: none */
    bool retry_failed;              /* try builds again that failed before now */
    int64_t priority;               /* the highest goes first */
    const char *reason, *by;        /* what asked for it, NULL: "rest"; who, NULL: nobody knows */
    const struct tide_cause *cause; /* may be NULL */
};
/* What has the batch as its consequence. It is settled in the same transaction, so that a kill
 * leaves the batch and its cause settled, or neither: nothing is queued twice, nor forgotten. */
struct tide_cause {
    const struct tide_served *trigger; /* store/triggers.h; NULL: none */
    int64_t change, bisect;            /* the batch is its second look, its latest; 0: none */
};
/* Queue a batch. All or nothing. */
TIDE_CHECK enum tide_rc tide_store_queue(struct tide_store *s, const struct tide_batch_row *b,
                                         int64_t *batch, struct tide_error *e);

/* What is on record of a cell that may not be there yet. */
struct tide_cell_name {
    int64_t project, scenario, python;
    const char *sha, *params, *allocator, *measure;
};
struct tide_cell_facts {
    int64_t done, unfinished, failed; /* runs */
    bool build_failed;                /* a run of it ended with its build, which is failed still */
};
TIDE_CHECK enum tide_rc tide_store_cell_facts(struct tide_store *s,
                                              const struct tide_cell_name *cells, size_t n,
                                              struct tide_cell_facts *facts, struct tide_error *e);

/* Mean seconds of the runs on record that are most alike: of the scenario with the parameters on
 * the python, else of the scenario; -1 when there is none. *tide_mark: the highest, in bytes, of
 * the former alone; 0 when there is none. */
TIDE_CHECK enum tide_rc tide_store_run_seconds(struct tide_store *s, int64_t scenario,
                                               const char *params, int64_t python, double *out,
                                               int64_t *tide_mark, struct tide_error *e);
/* The same of the project's builds for the python, else of the project's. */
TIDE_CHECK enum tide_rc tide_store_build_seconds(struct tide_store *s, int64_t project,
                                                 int64_t python, double *out, struct tide_error *e);

struct tide_job { /* a run to do; texts are owned, tide_job_clear frees them */
    int64_t run, batch, commit, python;
    int64_t deadline_s; /* that the scenario asks for, 0 for none */
    int64_t retry_ns;   /* a build that failed before is tried again; 0: none is */
    char *project, *repo, *sha, *python_identity;
    char *scenario, *file, *module, *params, *allocator;
    char *recording, *precision; /* "" where the measure has none */
    int64_t threshold, bound;    /* bytes, 0 likewise */
    int64_t interval_us;         /* between samples */
};
/* The queued run, or (0) the first by its batch's priority and then its age, becomes `building`;
 * ABSENT when it, or any, is not queued. */
TIDE_CHECK enum tide_rc tide_store_claim(struct tide_store *s, int64_t run, struct tide_job *job,
                                         struct tide_error *e);
void tide_job_clear(struct tide_job *job);
/* The first runs in the queue of up to `most` different pairs of commit and python, among its next
 * `window`; none is claimed. *n of jobs[] are filled in, and cleared by the caller. */
TIDE_CHECK enum tide_rc tide_store_upcoming(struct tide_store *s, size_t window, size_t most,
                                            struct tide_job *jobs, size_t *n, struct tide_error *e);

TIDE_CHECK enum tide_rc tide_store_set_build(struct tide_store *s, int64_t run, int64_t build,
                                             struct tide_error *e);
/* The run begins, and uses its build. */
TIDE_CHECK enum tide_rc tide_store_set_running(struct tide_store *s, int64_t run,
                                               struct tide_error *e);
TIDE_CHECK enum tide_rc tide_store_set_percent(struct tide_store *s, int64_t run, int percent,
                                               struct tide_error *e);

struct tide_outcome {
    const char *error; /* NULL: done */
    bool cancelled;    /* it was, with `error` saying so */
    bool outside; /* it failed for a reason outside of what is measured: trying again may help */
    /* each -1 when it is not known */
    int64_t base, original, tide_mark, end, floor, wall_ns, cpu_ns, events, samples, missed_ticks;
    int64_t page_faults;
    double leak;                               /* bytes per iteration, NAN when it is not known */
    const char *expected, *environment, *exit; /* JSON or NULL */
    const char *log;
    size_t log_size;
};
/* The run ended. *batch_done: it was the last of its batch. */
TIDE_CHECK enum tide_rc tide_store_end_run(struct tide_store *s, int64_t run,
                                           const struct tide_outcome *o, bool *batch_done,
                                           struct tide_error *e);

/* ---- runs from files (store/imports.c) ---- */

struct tide_import_row {
    const char *name;   /* the file's */
    const char *sha;    /* 40 digits that name its content */
    const char *python; /* version, or "unknown" */
    const char *format;
};
/* A run that is `running`, for its measurements to be appended; tide_store_end_run ends it. One
 * that a daemon leaves so is forgotten when the store is opened again. */
TIDE_CHECK enum tide_rc tide_store_begin_import(struct tide_store *s,
                                                const struct tide_import_row *r, int64_t *run,
                                                int64_t *batch, struct tide_error *e);
/* It came to nothing: no row of it stays. */
TIDE_CHECK enum tide_rc tide_store_drop_import(struct tide_store *s, int64_t run,
                                               struct tide_error *e);

/* ---- what a run measured (store/chunks.c) ---- */

struct tide_name_row {
    uint32_t id;
    int kind;
    char *text, *file;
    uint32_t line;
};
struct tide_phase_row {
    char *name;
    int64_t seq, t_ns, value, rss, peak;
};
struct tide_chunk_row { /* of events, or of one level of the curve */
    int level;          /* 0: events */
    int64_t seq, from_ns, to_ns, count;
    int64_t first; /* events: records of the run before the chunk, -1 where that is not on record */
    int64_t rss;   /* events: of the record before the chunk, 0 for none */
    char *stack;   /* events: JSON, names of the active functions when it begins; else NULL */
    void *data;    /* compressed */
    size_t size;
};
struct tide_total_row { /* of one function, over the run */
    uint32_t name;
    int64_t calls, gained, released, peak;
};
struct tide_proportion_row { /* at the phase `seq` */
    int64_t seq, pss, uss, swap;
};
struct tide_measured { /* what one transaction appends; owned by the caller */
    struct tide_name_row *names;
    struct tide_phase_row *phases;
    struct tide_chunk_row *chunks;
    struct tide_total_row *totals;
    struct tide_proportion_row *proportions;
    size_t n_names, n_phases, n_chunks, n_totals, n_proportions;
    int64_t origin_ns; /* monotonic clock at the start of the process */
};
TIDE_CHECK enum tide_rc tide_store_append(struct tide_store *s, int64_t run,
                                          const struct tide_measured *m, struct tide_error *e);

/* Called for each chunk in order; a return other than OK ends the walk and is returned. */
typedef enum tide_rc tide_chunk_fn(void *context, const struct tide_chunk_row *row,
                                   struct tide_error *e);
/* Chunks of a level (0: events) that overlap [from_ns, to_ns], from `seq` on. */
TIDE_CHECK enum tide_rc tide_store_chunks(struct tide_store *s, int64_t run, int level,
                                          int64_t from_ns, int64_t to_ns, int64_t seq,
                                          tide_chunk_fn *each, void *context, struct tide_error *e);

/* The chunk of events that holds the record number `record` (0 for the first), and how many records
 * stand before that chunk. A run that has no places on record: 0 and 0. */
TIDE_CHECK enum tide_rc tide_store_event_place(struct tide_store *s, int64_t run, int64_t record,
                                               int64_t *seq, int64_t *first, struct tide_error *e);

/* Names of the run, in order of id; the caller frees with tide_names_free. */
TIDE_CHECK enum tide_rc tide_store_names(struct tide_store *s, int64_t run,
                                         struct tide_name_row **out, size_t *n,
                                         struct tide_error *e);
void tide_names_free(struct tide_name_row *names, size_t n);

struct tide_run_facts {
    char status[16];
    int64_t origin_ns; /* 0 until it is known */
    int64_t end_ns;    /* last instant on record, since the origin */
};
/* ABSENT when there is no such run. */
TIDE_CHECK enum tide_rc tide_store_run_facts(struct tide_store *s, int64_t run,
                                             struct tide_run_facts *out, struct tide_error *e);

/* The coarsest level of the curve with at least `points` points in [from_ns, to_ns]; level 0 (the
 * events themselves) when none has. */
TIDE_CHECK enum tide_rc tide_store_pick_level(struct tide_store *s, int64_t run, int64_t from_ns,
                                              int64_t to_ns, int64_t points, int *level,
                                              struct tide_error *e);

/* The instants of the first and the last point that a level (from 1) of the curve holds. */
TIDE_CHECK enum tide_rc tide_store_level_span(struct tide_store *s, int64_t run, int level,
                                              int64_t *from_ns, int64_t *to_ns,
                                              struct tide_error *e);

struct tide_page {    /* which part of a list, in which order (store/lists.h); texts are borrowed */
    const char *sort; /* name of a sort, descending with "-" before it; NULL: the list's own */
    const char *cursor; /* `next` of the page before; NULL: from the beginning */
    int limit;          /* rows; 0: all */
};

/* ---- metrics, cells and series (store/summaries.c, cells.c, line.c) ---- */

enum tide_metric { /* the ids of the table metrics (db/0008.sql), which has their names */
                   TIDE_METRIC_BASE,
                   TIDE_METRIC_ORIGINAL,
                   TIDE_METRIC_TIDE_MARK,
                   TIDE_METRIC_OVER_ORIGINAL,
                   TIDE_METRIC_RETAINED,
                   TIDE_METRIC_LEAK,
                   TIDE_METRIC_WALL,
                   TIDE_METRIC_CPU,
                   TIDE_METRIC_PAGE_FAULTS,
                   TIDE_METRIC_EVENTS,
                   TIDE_METRIC_OVER_FLOOR,
                   TIDE_METRICS, /* how many there are */
};
#define TIDE_METRIC_DEFAULT "tide_mark"

struct tide_metric_row {
    enum tide_metric id;
    char name[24], unit[24], title[48];
};
/* ABSENT: no metric of this name. */
TIDE_CHECK enum tide_rc tide_store_metric(struct tide_store *s, const char *name,
                                          struct tide_metric_row *out, struct tide_error *e);
TIDE_CHECK enum tide_rc tide_store_metrics_json(struct tide_store *s, const struct tide_page *page,
                                                struct tide_str *out, struct tide_error *e);

struct tide_summary { /* of one metric of a cell, in the metric's unit */
    int64_t n;        /* runs that have it */
    double minimum, maximum, median;
    double low, high; /* 95 % interval of the median, NAN below 6 runs */
};
/* Of n > 0 values, which are put in order. */
struct tide_summary tide_store_summary(double *values, size_t n);

/* A series is what cells of several commits have in common: scenario (one version), params, python,
 * allocator and measure; cells.series names it. */
struct tide_series_point {
    int64_t position;     /* along the line of the project, from 0; -1 where it was not asked for */
    int64_t commit, cell; /* ids */
    struct tide_summary summary;
};
/* One metric of a series, in order of the commits' ids (tide_store_line has their order in time);
 * the caller frees *out. 5,000 points take some milliseconds. */
TIDE_CHECK enum tide_rc tide_store_series_points(struct tide_store *s, int64_t series,
                                                 enum tide_metric metric,
                                                 struct tide_series_point **out, size_t *n,
                                                 struct tide_error *e);

/* The first-parent line of a project's branch, as ids of commits, oldest first. Schedule keeps it
 * up to date whenever the project's mirror is. The caller frees *commits. */
TIDE_CHECK enum tide_rc tide_store_put_line(struct tide_store *s, int64_t project,
                                            const int64_t *commits, size_t n, struct tide_error *e);
TIDE_CHECK enum tide_rc tide_store_line(struct tide_store *s, int64_t project, int64_t **commits,
                                        size_t *n, struct tide_error *e);
/* Its newest commit, "" when the project has no line yet. */
TIDE_CHECK enum tide_rc tide_store_line_tip(struct tide_store *s, int64_t project, char sha[65],
                                            struct tide_error *e);

struct tide_cell_filter {
    const char *project, *commit, *python, *scenario, *allocator; /* NULL: any; commit: a prefix */
    struct tide_page page;
};
TIDE_CHECK enum tide_rc tide_store_cells_json(struct tide_store *s,
                                              const struct tide_cell_filter *f,
                                              struct tide_str *out, struct tide_error *e);
/* One cell, with the ids of its runs. ABSENT when there is none. */
TIDE_CHECK enum tide_rc tide_store_cell_json(struct tide_store *s, int64_t cell,
                                             struct tide_str *out, struct tide_error *e);

/* A number that changes whenever a row of the run (and, rarely, of another) is changed or removed:
 * what was read of it after a call is still true while a later call returns the same. */
uint32_t tide_store_stamp(const struct tide_store *s, int64_t run);

/* ---- REST resources as JSON (store/resources.c) ---- */

struct tide_run_filter {
    int64_t batch;                                             /* 0: any */
    const char *project, *status, *commit, *python, *scenario; /* NULL: any */
    struct tide_page page;
};
TIDE_CHECK enum tide_rc tide_store_runs_json(struct tide_store *s, const struct tide_run_filter *f,
                                             struct tide_str *out, struct tide_error *e);
/* One run; `full` adds phases, environment and so on. ABSENT when there is no such run. */
TIDE_CHECK enum tide_rc tide_store_run_json(struct tide_store *s, int64_t run, bool full,
                                            struct tide_str *out, struct tide_error *e);
/* {"functions": [...]}: totals of a run, those that gained most first. ABSENT: no such run. */
TIDE_CHECK enum tide_rc tide_store_functions_json(struct tide_store *s, int64_t run,
                                                  struct tide_str *out, struct tide_error *e);
struct tide_batch_filter {
    const char *project, *status, *reason; /* NULL: any */
    struct tide_page page;
};
TIDE_CHECK enum tide_rc tide_store_batches_json(struct tide_store *s,
                                                const struct tide_batch_filter *f,
                                                struct tide_str *out, struct tide_error *e);
TIDE_CHECK enum tide_rc tide_store_batch_json(struct tide_store *s, int64_t batch,
                                              struct tide_str *out, struct tide_error *e);
TIDE_CHECK enum tide_rc tide_store_build_json(struct tide_store *s, int64_t build,
                                              struct tide_str *out, struct tide_error *e);
struct tide_build_filter {
    const char *project, *status, *commit, *python; /* NULL: any */
    struct tide_page page;
};
TIDE_CHECK enum tide_rc tide_store_builds_json(struct tide_store *s,
                                               const struct tide_build_filter *f,
                                               struct tide_str *out, struct tide_error *e);
/* Of pythons those that are usable, of projects those that are enabled ("true"), or that are not
 * ("false"); NULL: all. */
TIDE_CHECK enum tide_rc tide_store_pythons_json(struct tide_store *s, const char *usable,
                                                const struct tide_page *page, struct tide_str *out,
                                                struct tide_error *e);
TIDE_CHECK enum tide_rc tide_store_projects_json(struct tide_store *s, const char *enabled,
                                                 const struct tide_page *page, struct tide_str *out,
                                                 struct tide_error *e);
/* One project. ABSENT when there is none of this name. */
TIDE_CHECK enum tide_rc tide_store_project_json(struct tide_store *s, const char *name,
                                                struct tide_str *out, struct tide_error *e);
TIDE_CHECK enum tide_rc tide_store_scenarios_json(struct tide_store *s, const char *project,
                                                  const struct tide_page *page,
                                                  struct tide_str *out, struct tide_error *e);
TIDE_CHECK enum tide_rc tide_store_queue_json(struct tide_store *s, struct tide_str *out,
                                              struct tide_error *e);
/* The log's text. ABSENT: no such run or build; an empty text while it has none. A failed build's
 * log stands before its run's. */
TIDE_CHECK enum tide_rc tide_store_run_log(struct tide_store *s, int64_t run, struct tide_str *out,
                                           struct tide_error *e);
TIDE_CHECK enum tide_rc tide_store_build_log(struct tide_store *s, int64_t build,
                                             struct tide_str *out, struct tide_error *e);
/* The key of a build that is still `building`; "" of one that has ended. ABSENT: no such build. */
TIDE_CHECK enum tide_rc tide_store_building_key(struct tide_store *s, int64_t build, char key[64],
                                                struct tide_error *e);

#endif
