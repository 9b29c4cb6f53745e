/* notifier.c - see notifier.h. libcurl sends; redirects are not followed, and what is answered is
 * not kept. */
#include "schedule/notifier.h"

#include "base/digest.h"
#include "base/log.h"
#include "schedule/timekeeper.h"
#include "store/changes.h"
#include "store/deliveries.h"

#include <curl/curl.h>
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECOND      INT64_C(1000000000)
#define LOOK_S      2  /* between looks at what is due */
#define TIMEOUT_S   15 /* for one delivery */
#define FIRST_S     30 /* until the second attempt */
#define LONGEST_S   (6L * 3600)
#define ANSWER_MOST 65536

struct tide_notifier {
    struct tide_store *store;
    pthread_t thread;
    atomic_bool stop;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    bool news;
};

/* ---- what is told ---- */

/* {"event", "project", `name`: details} for every target of the project. */
static enum tide_rc tell(struct tide_store *store, struct tide_news news, const char *project,
                         const char *name, const json_t *details, struct tide_error *e)
{
    json_t *body =
        json_pack("{s:s, s:s, s:O}", "event", news.event, "project", project, name, details);
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    news.body = text;
    enum tide_rc rc = text ? tide_store_put_deliveries(store, &news, tide_timekeeper_now(), e)
                           : tide_fail(e, TIDE_NOMEM, "tell of a %s", news.event);
    free(text);
    json_decref(body);
    return rc;
}

/* Write down what was found: its text, which is freed as the project's name is. `rc`: how finding
 * it went. */
static enum tide_rc tell_found(struct tide_store *store, struct tide_news news, char *project,
                               const char *name, struct tide_str *text, enum tide_rc rc,
                               struct tide_error *e)
{
    json_t *details = rc ? NULL : json_loads(text->at, 0, NULL);
    if (!rc) rc = tell(store, news, project, name, details, e);
    json_decref(details);
    tide_str_free(text);
    free(project);
    return rc;
}

/* Write down the next batch that failed and that nobody was told of. ABSENT: there is none. */
static enum tide_rc tell_of_batch(struct tide_store *store, struct tide_error *e)
{
    struct tide_news news = {.event = "batch_failed"};
    struct tide_str text = {0};
    char *name = NULL;
    enum tide_rc rc = tide_store_untold_batch(store, &news.batch, &news.project, &name, e);
    if (!rc) rc = tide_store_batch_json(store, news.batch, &text, e);
    return tell_found(store, news, name, "batch", &text, rc, e);
}

/* Write down the next change that nobody was told of. ABSENT: there is none. */
static enum tide_rc tell_of_change(struct tide_store *store, struct tide_error *e)
{
    struct tide_news news = {.event = "regression"};
    struct tide_str text = {0};
    char *name = NULL;
    enum tide_rc rc = tide_store_untold_change(store, &news.change, &news.project, &name, e);
    if (!rc) rc = tide_store_change_json(store, news.change, &text, e);
    return tell_found(store, news, name, "regression", &text, rc, e);
}

/* ---- the signature ---- */

/* The bytes that the hexadecimal text stands for, in base64 (RFC 4648). */
static void encode(const char *hex, char out[64])
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned bytes[33] = {0};
    size_t n = strlen(hex) / 2, at = 0;
    for (size_t i = 0; i < n && i < 32; i++)
        sscanf(hex + 2 * i, "%2x", &bytes[i]);
    for (size_t i = 0; i < n; i += 3) {
        unsigned group =
            bytes[i] << 16 | (i + 1 < n ? bytes[i + 1] : 0) << 8 | (i + 2 < n ? bytes[i + 2] : 0);
        for (size_t k = 0; k < 4; k++)
            out[at++] = k > n - i ? '=' : letters[group >> (18 - 6 * k) & 63];
    }
    out[at] = '\0';
}

static struct curl_slist *add_head(struct curl_slist *list, const char *name, const char *value)
{
    char *line = tide_format("%s: %s", name, value);
    struct curl_slist *grown = line ? curl_slist_append(list, line) : NULL;
    free(line);
    return grown ? grown : list;
}

static struct curl_slist *make_heads(const struct tide_delivery *d)
{
    char id[32], timestamp[32], digest[TIDE_DIGEST_TEXT], signature[80] = "v1,";
    struct tide_str text = {0};
    struct curl_slist *list = NULL;
    snprintf(id, sizeof id, "tidemark-%lld", (long long)d->id);
    snprintf(timestamp, sizeof timestamp, "%lld", (long long)(tide_timekeeper_now() / SECOND));
    tide_str_printf(&text, "%s.%s.%s", id, timestamp, d->body);
    list = add_head(list, "Content-Type", "application/json");
    list = add_head(list, "User-Agent", "tidemark/" TIDEMARK_VERSION);
    list = add_head(list, "X-Tidemark-Event", d->event);
    list = add_head(list, "webhook-id", id);
    list = add_head(list, "webhook-timestamp", timestamp);
    if (*d->secret && !text.failed) {
        tide_digest_hmac(d->secret, strlen(d->secret), text.at, text.length, digest);
        encode(digest, signature + 3);
        list = add_head(list, "webhook-signature", signature);
    }
    tide_str_free(&text);
    return list;
}

/* ---- sending ---- */

static size_t drop_answer(char *bytes, size_t size, size_t n, void *context)
{
    size_t *taken = context;
    (void)bytes;
    *taken += size * n;
    return *taken > ANSWER_MOST ? 0 : size * n;
}

static int look_at_stop(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    return *(const atomic_bool *)context;
}

static void set_up(CURL *c, struct tide_notifier *n, const struct tide_delivery *d, size_t *taken)
{
    curl_easy_setopt(c, CURLOPT_URL, d->url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_POSTFIELDS, d->body);
    curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)strlen(d->body));
    curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, drop_answer);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, taken);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, look_at_stop);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, &n->stop);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
}

/* The status of the answer, 0 for none; what went wrong in `error`, "" when it is delivered. */
static int post(struct tide_notifier *n, const struct tide_delivery *d, char error[256])
{
    long code = 0;
    size_t taken = 0;
    CURL *c = curl_easy_init();
    struct curl_slist *heads = c ? make_heads(d) : NULL;
    snprintf(error, 256, "memory ended");
    if (!c) return 0;
    set_up(c, n, d, &taken);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, heads);
    CURLcode rc = curl_easy_perform(c);
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &code);
    *error = '\0';
    if (rc && !(rc == CURLE_WRITE_ERROR && code))
        snprintf(error, 256, "%s", curl_easy_strerror(rc));
    else if (code < 200 || code > 299)
        snprintf(error, 256, "the answer was %ld", code);
    curl_slist_free_all(heads);
    curl_easy_cleanup(c);
    return (int)code;
}

/* When it is tried next, 0 for never. */
static int64_t next_attempt(const struct tide_delivery *d, int64_t now)
{
    int64_t wait = FIRST_S;
    if (d->attempts + 1 >= TIDE_NOTIFIER_ATTEMPTS) return 0;
    for (int64_t i = 0; i < d->attempts && wait < LONGEST_S; i++)
        wait *= 2;
    return now + (wait < LONGEST_S ? wait : LONGEST_S) * SECOND;
}

static enum tide_rc send_next(struct tide_notifier *n, struct tide_error *e)
{
    struct tide_delivery d;
    char error[256];
    enum tide_rc rc = tide_store_next_delivery(n->store, tide_timekeeper_now(), &d, e);
    if (rc) return rc;
    int code = post(n, &d, error);
    int64_t now = tide_timekeeper_now(), next = *error ? next_attempt(&d, now) : 0;
    if (n->stop && *error)
        rc = tide_fail(e, TIDE_STOPPED, "the daemon is stopping"); /* that is no attempt */
    else
        rc = tide_store_end_delivery(n->store, d.id, code, *error ? error : NULL, next, now, e);
    if (!rc)
        tide_log(*error ? TIDE_LOG_WARN : TIDE_LOG_INFO, "notify", "delivery=%lld event=%s %s%s",
                 (long long)d.id, d.event,
                 !*error ? "delivered"
                 : next  ? "waits: "
                         : "is dead: ",
                 error);
    tide_delivery_clear(&d);
    return rc;
}

/* ---- the thread ---- */

static void sleep_a_while(struct tide_notifier *n)
{
    struct timespec until;
    int late = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += LOOK_S;
    pthread_mutex_lock(&n->lock);
    while (!n->stop && !n->news && !late)
        late = pthread_cond_timedwait(&n->changed, &n->lock, &until);
    n->news = false;
    pthread_mutex_unlock(&n->lock);
}

/* Write down all that there is to tell of one kind. */
static void tell_all(struct tide_notifier *n,
                     enum tide_rc (*tell_next)(struct tide_store *store, struct tide_error *e))
{
    struct tide_error e;
    enum tide_rc rc = TIDE_OK;
    while (!n->stop && !(rc = tell_next(n->store, &e))) {}
    if (rc && rc != TIDE_ABSENT) tide_log(TIDE_LOG_ERROR, "notify", "%s", e.text);
}

static void *work(void *context)
{
    struct tide_notifier *n = context;
    struct tide_error e;
    while (!n->stop) {
        tell_all(n, tell_of_change);
        tell_all(n, tell_of_batch);
        enum tide_rc rc = send_next(n, &e);
        if (rc && rc != TIDE_ABSENT && rc != TIDE_STOPPED)
            tide_log(TIDE_LOG_ERROR, "notify", "%s", e.text);
        if (rc) sleep_a_while(n);
    }
    return NULL;
}

enum tide_rc tide_notifier_start(struct tide_store *store, struct tide_notifier **out,
                                 struct tide_error *e)
{
    sigset_t all, before; /* signals are the main thread's */
    struct tide_notifier *n = calloc(1, sizeof *n);
    *out = NULL;
    if (!n || curl_global_init(CURL_GLOBAL_DEFAULT)) {
        free(n);
        return tide_fail(e, TIDE_NOMEM, "start the notifier");
    }
    n->store = store;
    pthread_mutex_init(&n->lock, NULL);
    pthread_cond_init(&n->changed, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    errno = pthread_create(&n->thread, NULL, work, n);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (errno) {
        free(n);
        return tide_fail_errno(e, "start the notifier");
    }
    *out = n;
    return TIDE_OK;
}

void tide_notifier_wake(struct tide_notifier *n)
{
    if (!n) return;
    pthread_mutex_lock(&n->lock);
    n->news = true;
    pthread_cond_signal(&n->changed);
    pthread_mutex_unlock(&n->lock);
}

void tide_notifier_stop(struct tide_notifier *n)
{
    if (!n) return;
    pthread_mutex_lock(&n->lock);
    n->stop = true;
    pthread_cond_signal(&n->changed);
    pthread_mutex_unlock(&n->lock);
    pthread_join(n->thread, NULL);
    pthread_cond_destroy(&n->changed);
    pthread_mutex_destroy(&n->lock);
    free(n);
    curl_global_cleanup();
}
