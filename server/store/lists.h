/* lists.h - pages of lists: the one way in which a resource is listed (docs/API.md, Lists).
 *
 * A list is described once: how a row is made, where rows come from, by what they can be sorted.
 * Its order is total (the id breaks ties), so that a cursor names a place that stays, whatever is
 * added or removed meanwhile. */
#ifndef TIDE_STORE_LISTS_H
#define TIDE_STORE_LISTS_H

#include "store/store.h"

struct tide_sort {
    const char *name, *sql; /* an integer or a text of the row, never NULL */
};

struct tide_list {
    const char *name; /* of the member that holds the rows: "runs" */
    const char *row;  /* SQL: the JSON of a row */
    const char *from; /* SQL from FROM to the end of WHERE (which must be there) */
    const char *pick; /* the same that tells rows by their id alone, where `row` wants more joined
                         than choosing and sorting do: nothing is joined to rows that are not shown;
                         NULL: `from` does both */
    const char *id;   /* SQL: an integer that no two rows share */
    const struct tide_sort *sorts; /* ended by a NULL name; `id` needs no entry */
    const char *sort;              /* the list's own order: "-id" */
};

/* Append {"name": [rows...], "next": cursor or null}. `types` and what follows it are the values of
 * ?1, ?2, ... in `from` and `row`, as in tide_sql_prepare.
 * Errors: INVALID with the field `sort` or `cursor` (a query parameter: HTTP answers 400). */
TIDE_CHECK enum tide_rc tide_store_list(struct tide_store *s, const struct tide_list *l,
                                        const struct tide_page *page, struct tide_str *out,
                                        struct tide_error *e, const char *types, ...);

#endif
