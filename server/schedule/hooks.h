/* hooks.h - push webhooks of GitHub, GitLab, Gitea and Forgejo: whether one is genuine, and what it
 * says.
 *
 * GitHub signs the body with HMAC-SHA-256 (X-Hub-Signature-256: sha256=HEX), as do Gitea and
 * Forgejo (X-Gitea-Signature: HEX). GitLab sends the secret itself (X-Gitlab-Token), or since 18
 * signs "ID.TIMESTAMP.BODY" as Standard Webhooks has it (webhook-id, webhook-timestamp,
 * webhook-signature: v1,BASE64). All comparisons take the same time whatever is compared. Threads:
 * any; nothing blocks. */
#ifndef TIDE_SCHEDULE_HOOKS_H
#define TIDE_SCHEDULE_HOOKS_H

#include "base/digest.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tide_hook { /* what came; NULL: no such header */
    const char *github_signature, *github_event, *github_delivery;
    const char *gitea_signature, *gitea_event, *gitea_delivery;
    const char *gitlab_token, *gitlab_event, *gitlab_delivery;
    const char *standard_id, *standard_timestamp, *standard_signature;
    const char *body;
    size_t size;
};

struct tide_hook_verdict {
    const char *provider;           /* "github", "gitea", "gitlab" */
    bool push;                      /* the branch has moved; else `why` it is ignored */
    const char *why;                /* static */
    char delivery[128];             /* names the delivery */
    char content[TIDE_DIGEST_TEXT]; /* names what it says: nobody can have the same without the
                                       secret */
};

/* Judge it by the project's secret. `branch`: the project's, "" for the repository's default;
 * `now_s` is seconds since the Unix epoch. FAILED: it is not genuine; INVALID: it is, and out of
 * shape. */
TIDE_CHECK enum tide_rc tide_hook_judge(const struct tide_hook *h, const char *secret,
                                        const char *branch, int64_t now_s,
                                        struct tide_hook_verdict *out, struct tide_error *e);

#endif
