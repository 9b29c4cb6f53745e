/* internal.h - what the files of this room share: connections, statements, bindings. */
#ifndef TIDE_STORE_INTERNAL_H
#define TIDE_STORE_INTERNAL_H

#include "store/store.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdarg.h>

#define TIDE_STORE_READERS 4

#define TIDE_STORE_STAMPS 256

struct tide_store {
    char *path;
    sqlite3 *writer;
    _Atomic uint32_t stamps[TIDE_STORE_STAMPS]; /* tide_store_stamp, by id */
    bool touched[TIDE_STORE_STAMPS];            /* by the transaction in work */
    pthread_mutex_t writing;
    sqlite3 *readers[TIDE_STORE_READERS];
    bool lent[TIDE_STORE_READERS];
    pthread_mutex_t lending;
    pthread_cond_t returned;
};

/* The version that this program writes: that of the last migration. */
int64_t tide_schema_version(void);

/* Report SQLite's own message; rc follows its code (CORRUPT, IO, NOMEM). */
enum tide_rc tide_sql_fail(sqlite3 *db, const char *what, struct tide_error *e);

/* Prepare `sql` and bind by `types`: i int64_t, n int64_t with -1 as NULL, t const char * (NULL as
 * NULL), b const void * and size_t, r double as tide_sql_bind_real. The caller finalises *out. */
TIDE_CHECK enum tide_rc tide_sql_prepare(sqlite3 *db, sqlite3_stmt **out, struct tide_error *e,
                                         const char *sql, const char *types, ...);
TIDE_CHECK enum tide_rc tide_sql_prepare_list(sqlite3 *db, sqlite3_stmt **out, struct tide_error *e,
                                              const char *sql, const char *types, va_list *values);

/* The next row: TIDE_OK, or TIDE_ABSENT (without a message) after the last. */
TIDE_CHECK enum tide_rc tide_sql_step(sqlite3_stmt *q, struct tide_error *e);

/* Prepare, run to the end, finalise. */
TIDE_CHECK enum tide_rc tide_sql_do(sqlite3 *db, struct tide_error *e, const char *sql,
                                    const char *types, ...);

/* The same for a statement that returns one integer (RETURNING id); ABSENT when it returns none. */
TIDE_CHECK enum tide_rc tide_sql_integer(sqlite3 *db, int64_t *out, struct tide_error *e,
                                         const char *sql, const char *types, ...);

/* Lock the writer and begin a transaction; tide_store_commit ends it: commits when rc is OK, else
 * rolls back, unlocks, and returns the rc to go on with. */
TIDE_CHECK enum tide_rc tide_store_begin(struct tide_store *s, struct tide_error *e);
enum tide_rc tide_store_commit(struct tide_store *s, enum tide_rc rc, struct tide_error *e);

/* Borrow a read-only connection; waits for one. Give it back with tide_store_give. */
sqlite3 *tide_store_lend(struct tide_store *s);
void tide_store_give(struct tide_store *s, sqlite3 *db);

/* Append the texts of the first column, each with its NUL, to *out, and finalise the query. `rc`:
 * how preparing it went. */
TIDE_CHECK enum tide_rc tide_sql_texts(sqlite3_stmt *q, enum tide_rc rc, struct tide_str *out,
                                       struct tide_error *e);

/* A copy of the text in a column, "" for NULL; NULL when memory ends. */
char *tide_sql_text(sqlite3_stmt *q, int column);

/* The number in a column, NAN for NULL. */
double tide_sql_real(sqlite3_stmt *q, int column);

/* Read rows of position, commit, cell and the six columns of a summary, and finalise the query.
 * `rc`: how preparing it went. The caller frees *out. */
TIDE_CHECK enum tide_rc tide_sql_points(sqlite3_stmt *q, enum tide_rc rc,
                                        struct tide_series_point **out, size_t *n,
                                        struct tide_error *e);

/* A number that may be fractional: an integer where it is whole, NULL for NAN. */
int tide_sql_bind_real(sqlite3_stmt *q, int at, double value);

/* Append the first column of the one row of a query; ABSENT, naming `what` and `id`, when there is
 * none. `types` and what follows it are as in tide_sql_prepare (store/resources.c). */
TIDE_CHECK enum tide_rc tide_store_put_one(struct tide_store *s, const char *what, int64_t id,
                                           struct tide_str *out, struct tide_error *e,
                                           const char *sql, const char *types, ...);

/* Each metric of a run `r`, as SQL. */
extern const char *const tide_metric_sql[TIDE_METRICS];

/* Write the summaries of the run's cell anew, or those of every cell; within the caller's
 * transaction (store/summaries.c). */
TIDE_CHECK enum tide_rc tide_store_summarise(sqlite3 *db, int64_t run, struct tide_error *e);
TIDE_CHECK enum tide_rc tide_store_fill_summaries(sqlite3 *db, struct tide_error *e);

/* The totals and proportions of *m; within the caller's transaction (store/totals.c). */
TIDE_CHECK enum tide_rc tide_store_append_totals(struct tide_store *s, int64_t run,
                                                 const struct tide_measured *m,
                                                 struct tide_error *e);

/* Queued runs in the order in which they are done: id and cell. The joins are cross: in this order
 * the indices give it, and nothing is sorted. */
#define TIDE_QUEUE_SQL                                                       \
    "SELECT r.id, r.cell FROM batches b CROSS JOIN runs r"                   \
    " ON r.batch = b.id AND r.status = 'queued' WHERE b.finished_ns IS NULL" \
    " ORDER BY b.priority DESC, b.id, r.id"

/* The temporary table `anew` of ids of runs is there and empty; tide_store_begin_anew sends the
 * runs that were put there back to the queue, without what they had measured, as one attempt more.
 * Both within the caller's transaction (store/control.c). */
TIDE_CHECK enum tide_rc tide_store_clear_anew(struct tide_store *s, struct tide_error *e);
TIDE_CHECK enum tide_rc tide_store_begin_anew(struct tide_store *s, struct tide_error *e);

/* Within a transaction: note that the Idempotency-Key of this thread's request, where there is one,
 * has taken effect; that it queued the batch (store/answers.c). */
TIDE_CHECK enum tide_rc tide_store_mark_answer(struct tide_store *s, struct tide_error *e);
TIDE_CHECK enum tide_rc tide_store_mark_queued(struct tide_store *s, int64_t batch,
                                               struct tide_error *e);
/* At the start: forget the keys of requests that had not taken effect when a daemon was killed. */
TIDE_CHECK enum tide_rc tide_store_forget_claims(struct tide_store *s, struct tide_error *e);

/* Within a transaction: the trigger was served by the batch, or (0) could not be, for the reason
 * `error` (store/triggers.c). */
struct tide_served;
TIDE_CHECK enum tide_rc tide_store_serve_trigger(struct tide_store *s,
                                                 const struct tide_served *served, int64_t batch,
                                                 const char *error, struct tide_error *e);

/* zstd, as logs are stored. *out is freed by the caller. */
TIDE_CHECK enum tide_rc tide_log_pack(const char *log, size_t n, void **out, size_t *size,
                                      struct tide_error *e);

#endif
