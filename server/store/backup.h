/* backup.h - copies of a whole database, and what goes with them.
 *
 * A backup is a database of its own, with a table `backup_files` for what stands beside the
 * database: restored, that table is taken out again. The copy is made by a connection that only
 * reads, so a daemon may be at work meanwhile; it shows one instant.
 *
 * Threads: any. Blocking. */
#ifndef TIDE_STORE_BACKUP_H
#define TIDE_STORE_BACKUP_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* Called now and then; both count pages. May be NULL. */
typedef void tide_backup_progress(void *context, int done, int all);

/* Copy the database `from` into `to`, which is made and must not be there, synced. On failure
 * nothing of it stays. */
TIDE_CHECK enum tide_rc tide_backup_copy(const char *from, const char *to,
                                         tide_backup_progress *tell, void *context,
                                         struct tide_error *e);

/* Check that the file is a whole database of Tidemark's: integrity_check, version, tables. CORRUPT,
 * NEWER; INVALID when it is none of Tidemark's; ABSENT. *version may be NULL. */
TIDE_CHECK enum tide_rc tide_backup_check(const char *path, int64_t *version, struct tide_error *e);

/* Put a file's bytes under a name into the backup / take them out into new memory, terminated;
 * *bytes is NULL when there is none of this name. */
TIDE_CHECK enum tide_rc tide_backup_put(const char *path, const char *name, const void *bytes,
                                        size_t n, struct tide_error *e);
TIDE_CHECK enum tide_rc tide_backup_take(const char *path, const char *name, char **bytes,
                                         size_t *n, struct tide_error *e);
/* Take all of them away: the database is as it was. */
TIDE_CHECK enum tide_rc tide_backup_strip(const char *path, struct tide_error *e);

/* Write the WAL of a database that nobody has open into it and remove the WAL, so that the file can
 * be replaced. */
TIDE_CHECK enum tide_rc tide_backup_settle(const char *path, struct tide_error *e);

#endif
