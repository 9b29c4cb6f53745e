/* problems.c - GET /problems/{name}: what a kind of problem (the `type` of RFC 9457) is, and what
 * to do about it. Every kind that an answer names stands here; tests follow the types that they
 * meet. */
#include "http/internal.h"

#include <string.h>

static const struct {
    const char *kind, *what;
} problems[] = {
    {"malformed-request",
     "The request is out of shape: its body is not JSON, a query parameter is unknown or has a "
     "value "
     "that is not allowed (field names it), a header is repeated. Mend the request; the same one "
     "will be refused again."},
    {"unauthorized",
     "The request needs a token and carries none that holds: send Authorization: Bearer TOKEN with "
     "the text of DATA/token or of a token that POST /api/v1/tokens made, or open the URL that "
     "tidemark serve printed. docs/SECURITY.md says more."},
    {"forbidden",
     "The daemon does not answer this: the Host header or the Origin is not its own, or the token "
     "lacks the scope that the member scope names. Use a token that has it, or the daemon's own "
     "address."},
    {"not-found", "There is no such path, or no such row (any more). Ids are never given twice."},
    {"method-not-allowed", "The path is there, with other methods: the header Allow names them."},
    {"confirm",
     "A removal takes much with it and was not confirmed: the member removes says what; ask again "
     "with ?confirm=NAME."},
    {"in-use", "What is to be removed is in use. Wait until its runs have ended, or cancel them."},
    {"conflict", "What is asked is not possible in the present state; detail says which that is."},
    {"too-large", "The body is larger than the limit, which detail states."},
    {"unsupported-media-type", "The Content-Type is not the one that this path takes."},
    {"invalid-field", "The body has a field that is missing, unknown, of the wrong type or out of "
                      "range: field names "
                      "it, detail says what is allowed. Nothing was written."},
    {"key-reused",
     "The Idempotency-Key was used with another request before. Draw a new key for a new request."},
    {"key-in-use",
     "A request with this Idempotency-Key is being answered, or its answer was lost with a daemon "
     "that was killed after the request had taken effect. Look at what there is before asking "
     "anew with another key."},
    {"told-once",
     "The request with this Idempotency-Key made a token, whose text is told once and not kept. "
     "Where it did not arrive remove the token, which detail names, and ask with a new key."},
    {"rate-limited", "Too many expensive questions in a short time. The header Retry-After says in "
                     "how many seconds "
                     "the next will be answered."},
    {"busy", "The daemon cannot answer now: it is starting, stopping, or too much is open. "
             "Retry-After says "
             "when to ask again."},
    {"internal", "A fault of the daemon. Its log says more; please report it."},
};

void tide_get_problem(struct tide_request *r, int64_t id, const char *name)
{
    (void)id;
    for (size_t i = 0; i < sizeof problems / sizeof *problems; i++)
        if (!strcmp(problems[i].kind, name)) {
            r->type = "text/html; charset=utf-8";
            tide_str_printf(&r->answer,
                            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
                            "<title>%s</title><h1>%s</h1><p>%s</p></html>\n",
                            name, name, problems[i].what);
            return;
        }
    tide_answer_problem(r, MHD_HTTP_NOT_FOUND, "not-found", "There is no such kind of problem",
                        NULL, "see docs/API.md, Errors");
}
