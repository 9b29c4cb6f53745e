/* file.h - files and folders, each call with an error that names the path. */
#ifndef TIDE_FILE_H
#define TIDE_FILE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Make the folder and its parents; one that is there is fine. */
TIDE_CHECK enum tide_rc tide_file_make_folder(const char *path, mode_t mode, struct tide_error *e);

/* The whole file into new, terminated memory which the caller frees; at most `ceiling` bytes (a
 * longer file gives its last `ceiling` bytes: for logs the end matters). */
TIDE_CHECK enum tide_rc tide_file_read(const char *path, size_t ceiling, char **out, size_t *n,
                                       struct tide_error *e);

/* Replace the file by these bytes: written beside it, synced, renamed. */
TIDE_CHECK enum tide_rc tide_file_replace(const char *path, const void *bytes, size_t n,
                                          mode_t mode, struct tide_error *e);

/* Remove a file or a folder with all in it; never follows a symbolic link. Absent is fine. */
TIDE_CHECK enum tide_rc tide_file_remove_tree(const char *path, struct tide_error *e);

/* Remove what stands in the folder under a name that matches the pattern (fnmatch). */
TIDE_CHECK enum tide_rc tide_file_remove_matching(const char *folder, const char *pattern,
                                                  struct tide_error *e);

/* Bytes that a file or a folder with all in it takes on the disk; 0 when it is absent. */
TIDE_CHECK enum tide_rc tide_file_tree_size(const char *path, int64_t *bytes, struct tide_error *e);

bool tide_file_exists(const char *path);

#endif
