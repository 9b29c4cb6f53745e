/* triggers.h - what queues the runs of a project by itself, and what it has done so far.
 *
 * Threads and durability as of store.h. */
#ifndef TIDE_STORE_TRIGGERS_H
#define TIDE_STORE_TRIGGERS_H

#include "store/store.h"

struct tide_trigger { /* texts are owned, tide_trigger_clear frees them; none is NULL */
    int64_t project;
    char *name; /* the project's */
    /* settings */
    char *cron, *timezone, *secret, *request; /* as in db/0012.sql */
    char *notify;                             /* JSON, list of {url, secret} */
    int64_t poll_s;                           /* 0: none */
    bool on_new_python;
    /* state */
    int64_t served_ns, polled_ns;
    char *tip, *pending, *pending_by;
    int64_t pending_n; /* tells what is pending now from what will be later */
};
void tide_trigger_clear(struct tide_trigger *t);

/* Of the project; the defaults where it has none. */
TIDE_CHECK enum tide_rc tide_store_find_trigger(struct tide_store *s, int64_t project,
                                                struct tide_trigger *out, struct tide_error *e);
/* Write the settings. Cron times up to now, commits and pythons that are there now count as known
 * where they were not watched before. */
TIDE_CHECK enum tide_rc tide_store_set_trigger(struct tide_store *s, const struct tide_trigger *t,
                                               struct tide_error *e);
/* Those of enabled projects that something can set off, or that wait to be queued. The caller
 * clears each and frees *out. */
TIDE_CHECK enum tide_rc tide_store_triggers(struct tide_store *s, struct tide_trigger **out,
                                            size_t *n, struct tide_error *e);

/* The request of the project is to be queued for this reason; what is pending already comes with
 * it. With it go what was served: `served_ns` where it is not 0, `tip` with `polled_ns` where it is
 * not NULL. */
struct tide_trigger_mark {
    const char *reason, *by; /* NULL: nothing is to be queued */
    int64_t served_ns, polled_ns;
    const char *tip;
};
TIDE_CHECK enum tide_rc tide_store_mark_trigger(struct tide_store *s, int64_t project,
                                                const struct tide_trigger_mark *m,
                                                struct tide_error *e);
/* What set the project off; tide_batch_row takes it, so that it is served in the transaction that
 * queues the batch: a kill leaves both, or neither. */
struct tide_served {
    int64_t project, pending_n; /* what was pending; -1: this was not */
    const char *reason, *by;
    const char *pythons; /* JSON, list of names that the project knows from now on; NULL: none */
};
/* It could not be queued, for this reason, and is not tried again. */
TIDE_CHECK enum tide_rc tide_store_drop_trigger(struct tide_store *s,
                                                const struct tide_served *served, const char *why,
                                                struct tide_error *e);

/* A webhook came in: remember it under both names and have the request queued. CONFLICT: one of
 * them was seen before. Without `queue` it is only remembered. */
TIDE_CHECK enum tide_rc tide_store_take_hook(struct tide_store *s, int64_t project,
                                             const char *delivery, const char *content, bool queue,
                                             const char *by, struct tide_error *e);

/* Names of usable pythons that the project does not know, as a JSON list; "[]" for none. */
TIDE_CHECK enum tide_rc tide_store_new_pythons(struct tide_store *s, int64_t project,
                                               struct tide_str *out, struct tide_error *e);

/* The fields of a project's JSON that are its triggers'; needs the table `projects`. */
#define TIDE_TRIGGER_OF(column) "(SELECT " column " FROM triggers WHERE project = projects.id)"
#define TIDE_TRIGGER_FIELDS                                                                                                                                                                               \
    "'cron', json(coalesce(" TIDE_TRIGGER_OF(                                                                                                                                                             \
        "cron") ", '[]')),"                                                                                                                                                                               \
                " 'timezone', coalesce(" TIDE_TRIGGER_OF(                                                                                                                                                 \
                    "timezone") ", 'UTC'),"                                                                                                                                                               \
                                " 'poll_s', " TIDE_TRIGGER_OF(                                                                                                                                            \
                                    "poll_s") ","                                                                                                                                                         \
                                              " 'webhook', json(iif(coalesce(" TIDE_TRIGGER_OF(                                                                                                           \
                                                  "secret") ", '') = '', 'false', 'true')),"                                                                                                              \
                                                            " 'on_new_python', "                                                                                                                          \
                                                            "json(iif(" TIDE_TRIGGER_OF(                                                                                                                  \
                                                                "on_new_python") ", 'true', "                                                                                                             \
                                                                                 "'false')),"                                                                                                             \
                                                                                 " 'trigger', "                                                                                                           \
                                                                                 "json("                                                                                                                  \
                                                                                 "nullif"                                                                                                                 \
                                                                                 "(" TIDE_TRIGGER_OF(                                                                                                     \
                                                                                     "request") ", '')),"                                                                                                 \
                                                                                                " 'last_trigger', json(" TIDE_TRIGGER_OF(                                                                 \
                                                                                                    "last") "), 'notify', json((SELECT" /* of each address the host: what is behind it may be a secret */ \
                                                                                                            " json_group_array(json_object('url', substr(value ->> 'url', 1,"                             \
                                                                                                            "  instr(substr(value ->> 'url', 9) || '/', '/') + 8) || '...'))"                             \
                                                                                                            " FROM json_each(coalesce(" TIDE_TRIGGER_OF(                                                  \
                                                                                                                "notify") ", '[]'))))"

#endif
