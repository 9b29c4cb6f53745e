/* mirror.h - the inside of a tide_repo, for the files that implement build/repo.h: what it consists
 * of, and git run on it.
 *
 *   mirror.c     git as a program, the mirror's lock, what a killed git leaves
 *   repo.c       opening, and making the mirror equal to its source
 *   versions.c   the same where the source is a folder of released versions
 *   revisions.c  from names to commits, and what a commit holds
 *   worktree.c   commits checked out
 *
 * Locks: the mirror folder (flock) serialises what writes to it, between threads and processes
 * alike; resolving and listing only read and take none. The worktrees folder is held as scratch.h
 * says while the repository is open. */
#ifndef TIDE_BUILD_MIRROR_H
#define TIDE_BUILD_MIRROR_H

#include "build/repo.h"

#define TIDE_GIT_DEADLINE_S 120
#define TIDE_HEAD_REF       "refs/tidemark/HEAD"

struct tide_repo {
    atomic_uint references;
    char *source;  /* absolute path or URL */
    bool versions; /* it is a folder of released versions */
    char *branch;  /* refspec that brings HEAD */
    bool local;    /* the source is a path */
    char *mirror;  /* absolute */
    char *trees;   /* absolute: the folder of worktrees */
    int hold;      /* on trees; -1: none */
    const atomic_bool *stop;
};

/* Run git with these arguments: in the worktree, or where that is NULL on the mirror. `complaint`
 * gets its standard error. */
TIDE_CHECK enum tide_rc tide_git_run(const struct tide_repo *r, const char *worktree,
                                     const char *const *args, int deadline_s, struct tide_str *out,
                                     struct tide_str *complaint, struct tide_error *e);

/* The same; FAILED has what git complained of, `verb` being what the error calls it. */
TIDE_CHECK enum tide_rc tide_git_in(const struct tide_repo *r, const char *worktree,
                                    const char *verb, const char *const *args, int deadline_s,
                                    struct tide_str *out, struct tide_error *e);

/* The same on the mirror, called by its first argument. */
TIDE_CHECK enum tide_rc tide_git(const struct tide_repo *r, const char *const *args,
                                 struct tide_str *out, struct tide_error *e);

/* Set for every git: the NULL-terminated NAME=VALUE. */
extern const char *const tide_git_settings[];

/* Append the words that run git with these arguments, as above; false when memory ends. */
bool tide_git_put_command(const struct tide_repo *r, const char *worktree, const char *const *args,
                          char ***words);

/* Git's own words: the first line that is fatal, else the last; NULL when it said nothing. The
 * caller frees it. */
char *tide_git_complaint(const char *text);

/* The same with a standard input of these bytes. */
TIDE_CHECK enum tide_rc tide_git_fed(const struct tide_repo *r, const char *const *args,
                                     const struct tide_str *input, struct tide_str *out,
                                     struct tide_error *e);

/* Put what git complained of into *e; returns FAILED. */
enum tide_rc tide_git_describe(const char *verb, const struct tide_str *complaint,
                               struct tide_error *e);

/* Lock the mirror for writing; *lock is given to tide_mirror_unlock, which takes -1 too. */
TIDE_CHECK enum tide_rc tide_mirror_lock(const struct tide_repo *r, int *lock,
                                         struct tide_error *e);
void tide_mirror_unlock(int lock);

/* Make the mirror of a folder of versions equal to it. INVALID with the field `versions`: it holds
 * none, or one that cannot be read. */
TIDE_CHECK enum tide_rc tide_mirror_import(const struct tide_repo *r, struct tide_error *e);

/* What a killed git leaves: locks, which make the next one refuse, half-received packs, and
 * half-added worktrees, which are pruned once they are not locked. With the lock held. */
void tide_mirror_clear_leftovers(const struct tide_repo *r);

/* Whether the mirror is shallow, as its source is. */
bool tide_mirror_is_shallow(const struct tide_repo *r);

/* That the text of a request can be an argument of git; INVALID with the field. */
TIDE_CHECK enum tide_rc tide_git_check_text(const char *text, const char *field, const char *what,
                                            struct tide_error *e);

/* That the mirror has the commit of this whole hash. ABSENT: it has not; INVALID: it is no hash. */
TIDE_CHECK enum tide_rc tide_git_require_commit(struct tide_repo *r, const char *sha,
                                                struct tide_error *e);

/* Append the NULL-terminated words; false when memory ends. */
bool tide_git_put_all(char ***words, const char *const *more);

#endif
