/* repo.h - commits of a project: a bare mirror of the daemon's own, and worktrees from it.
 *
 * The user's checkout is only ever read (git fetch from it); worktrees belong to the mirror. Names
 * of commits are resolved in the mirror after a fetch, HEAD being the tip of the branch that is
 * measured: the one that was asked for, else the HEAD of the source repository.
 *
 * Threads: any; calls on one mirror are serialised by a lock of its own. Blocking (git runs). */
#ifndef TIDE_BUILD_REPO_H
#define TIDE_BUILD_REPO_H

#include "base/str.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct tide_repo; /* one project's mirror */

struct tide_commit {
    char sha[65];
    char *subject; /* UTF-8, made valid when it is not */
    char *author;
    int64_t committed_ns;
};

/* Open the mirror of `source` (path or URL) in the folder `mirror`, made on first use. HEAD is the
 * tip of `branch`, or of the source's HEAD when that is NULL or empty. Worktrees that an earlier
 * daemon left under `worktrees` are removed. The caller owns *out. INVALID names the field `repo`
 * or `branch`. */
TIDE_CHECK enum tide_rc tide_repo_open(const char *source, const char *branch, const char *mirror,
                                       const char *worktrees, const atomic_bool *stop,
                                       struct tide_repo **out, struct tide_error *e);
/* The same of a folder of released versions: sdists (NAME-1.2.tar.gz, .zip), wheels, and unpacked
 * folders NAME-1.2. Each is a commit, with the version as subject and tag, on one line in PEP 440's
 * order; HEAD is the newest. INVALID names the field `versions`. */
TIDE_CHECK enum tide_rc tide_repo_open_versions(const char *folder, const char *mirror,
                                                const char *worktrees, const atomic_bool *stop,
                                                struct tide_repo **out, struct tide_error *e);
struct tide_repo *tide_repo_ref(struct tide_repo *r); /* a new reference to r, which is returned */
void tide_repo_close(struct tide_repo *r);            /* drops a reference; NULL is a no-op */

/* Names what else stands in a folder of versions, as a commit. */
#define TIDE_REPO_BESIDE "refs/tidemark/beside"

#define TIDE_FETCH_DEADLINE_S 600 /* that a fetch may take at the most */

/* Bring the mirror up to date. BUSY: the source did not answer in full within `patience_s`. A
 * version that comes between others gives those behind it other hashes, with what they hold
 * unchanged. */
TIDE_CHECK enum tide_rc tide_repo_sync(struct tide_repo *r, int patience_s, struct tide_error *e);

/* What `rev` names, in the mirror as it stands (call tide_repo_sync first). INVALID when it names
 * no commit; a rev that begins with '-' or holds a control character is refused. The caller frees
 * with tide_commit_clear. */
TIDE_CHECK enum tide_rc tide_repo_resolve(struct tide_repo *r, const char *rev,
                                          struct tide_commit *out, struct tide_error *e);
void tide_commit_clear(struct tide_commit *c);

/* The same of n names with a few gits in all; out[i] is of revs[i]. On failure nothing is handed
 * out, and *bad is the place of the name that is at fault, n where none is. */
TIDE_CHECK enum tide_rc tide_repo_resolve_all(struct tide_repo *r, const char *const *revs,
                                              size_t n, struct tide_commit *out, size_t *bad,
                                              struct tide_error *e);

/* Up to `limit` commits from `rev` back along the first parent, newest first; only those that touch
 * `path` (from the top, taken literally) unless it is NULL; the caller frees each and the array. */
TIDE_CHECK enum tide_rc tide_repo_list(struct tide_repo *r, const char *rev, const char *path,
                                       size_t limit, struct tide_commit **out, size_t *n,
                                       struct tide_error *e);

/* Up to `limit` commits along the first parent of `to` that `from` does not reach, newest first;
 * the caller frees as above. INVALID as for tide_repo_resolve. */
TIDE_CHECK enum tide_rc tide_repo_range(struct tide_repo *r, const char *from, const char *to,
                                        size_t limit, struct tide_commit **out, size_t *n,
                                        struct tide_error *e);

/* The best common ancestor of two commits, whole hashes: where the branches of both parted. ABSENT:
 * they have none. */
TIDE_CHECK enum tide_rc tide_repo_merge_base(struct tide_repo *r, const char *a, const char *b,
                                             char sha[65], struct tide_error *e);

/* Up to `limit` commits that carry a tag, on whatever line, by date, newest first; the caller frees
 * as above. */
TIDE_CHECK enum tide_rc tide_repo_tagged(struct tide_repo *r, size_t limit,
                                         struct tide_commit **out, size_t *n, struct tide_error *e);

/* Append a line "HASH NAME" for each tag, HASH being that of its commit, in order of the names. */
TIDE_CHECK enum tide_rc tide_repo_tags(struct tide_repo *r, struct tide_str *out,
                                       struct tide_error *e);

/* Append a line "HASH SECONDS NAME" for each branch, those with the newest commit first. */
TIDE_CHECK enum tide_rc tide_repo_branches(struct tide_repo *r, struct tide_str *out,
                                           struct tide_error *e);

/* What `folder` (from the top; "" for all) holds at the commit: the id of its tree, or of its
 * commit where it is a submodule. ABSENT: there is no such folder, or no such commit. */
TIDE_CHECK enum tide_rc tide_repo_tree(struct tide_repo *r, const char *sha, const char *folder,
                                       char tree[65], struct tide_error *e);

/* The same for n commits at once, by one git; a commit without the folder gets "". */
TIDE_CHECK enum tide_rc tide_repo_trees(struct tide_repo *r, const char *const *shas, size_t n,
                                        const char *folder, char (*trees)[65],
                                        struct tide_error *e);

/* Append the names of what stands in the folder at the commit, each ended by NUL. ABSENT as above.
 */
TIDE_CHECK enum tide_rc tide_repo_names(struct tide_repo *r, const char *sha, const char *folder,
                                        struct tide_str *out, struct tide_error *e);

/* Check the commit out into a new worktree, with its submodules; of the whole commit when `part` is
 * "", else of that folder alone, which stands at its place. *folder is the worktree's absolute
 * path, freed by tide_repo_release. ABSENT: the commit is not here; IO: it is, but could not be
 * checked out (a submodule cannot be had). */
TIDE_CHECK enum tide_rc tide_repo_checkout(struct tide_repo *r, const char *sha, const char *part,
                                           char **folder, struct tide_error *e);

/* Remove the worktree and free *folder; NULL is a no-op. */
void tide_repo_release(struct tide_repo *r, char **folder);

#endif
