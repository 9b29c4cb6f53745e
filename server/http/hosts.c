/* hosts.c - the handler of /api/v1/hosts; docs/API.md describes it. */
#include "store/hosts.h"

#include "http/internal.h"
#include "http/query.h"

void tide_get_hosts(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const known[] = {NULL};
    struct tide_error e;
    (void)id;
    (void)name;
    if (!tide_query_known(r, known)) return;
    if (tide_store_hosts_json(r->http->config.store, &r->answer, &e)) tide_answer_error(r, &e);
}
