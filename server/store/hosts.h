/* hosts.h - the machines that runs were measured on. Threads: any. Blocks on the store. */
#ifndef TIDE_STORE_HOSTS_H
#define TIDE_STORE_HOSTS_H

#include "store/store.h"

/* Append {"hosts": [...]} as docs/API.md describes it. */
TIDE_CHECK enum tide_rc tide_store_hosts_json(struct tide_store *s, struct tide_str *out,
                                              struct tide_error *e);

#endif
