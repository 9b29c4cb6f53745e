/* hooks.c - see hooks.h. */
#include "schedule/hooks.h"

#include "base/str.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX      "sha256="
#define KEY_PREFIX  "whsec_"
#define TOLERANCE_S 300
#define KEY_MOST    256

static bool is_equal(const char *a, const char *b)
{
    size_t n = strlen(a);
    volatile unsigned char different = 0;
    if (n != strlen(b)) return false;
    for (size_t i = 0; i < n; i++)
        different |= (unsigned char)(a[i] ^ b[i]);
    return different == 0;
}

/* ---- base64 (RFC 4648) ---- */

static int value_of(char c)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(letters, c) : NULL;
    return at ? (int)(at - letters) : -1;
}

/* Bytes of the text of n characters; false when it is out of shape or has more than `room`. */
static bool decode(const char *text, size_t n, unsigned char *out, size_t room, size_t *size)
{
    uint32_t bits = 0;
    int held = 0;
    while (n && text[n - 1] == '=')
        n--;
    *size = 0;
    for (size_t i = 0; i < n; i++) {
        int value = value_of(text[i]);
        if (value < 0 || *size == room) return false;
        bits = bits << 6 | (uint32_t)value;
        held += 6;
        if (held < 8) continue;
        held -= 8;
        out[(*size)++] = (unsigned char)(bits >> held);
    }
    return true;
}

/* ---- who it is from ---- */

static bool is_signed(const struct tide_hook *h, const char *signature, const char *secret)
{
    char wanted[TIDE_DIGEST_TEXT];
    tide_digest_hmac(secret, strlen(secret), h->body, h->size, wanted);
    return is_equal(signature, wanted);
}

/* One "v1,BASE64" of n characters against the digest in hexadecimal. */
static bool is_version_1(const char *at, size_t n, const char *wanted)
{
    unsigned char bytes[32];
    char shown[TIDE_DIGEST_TEXT] = "";
    size_t size = 0;
    if (n < 3 || strncmp(at, "v1,", 3) != 0 || !decode(at + 3, n - 3, bytes, sizeof bytes, &size) ||
        size != sizeof bytes)
        return false;
    for (size_t i = 0; i < size; i++)
        snprintf(shown + 2 * i, 3, "%02x", bytes[i]);
    return is_equal(shown, wanted);
}

/* The secret is the key, or its text behind whsec_ is, in base64. */
static bool is_standard(const struct tide_hook *h, const char *secret, int64_t now_s)
{
    unsigned char key[KEY_MOST];
    char wanted[TIDE_DIGEST_TEXT];
    size_t size = strlen(secret), prefix = sizeof KEY_PREFIX - 1;
    struct tide_str text = {0};
    bool found = false;
    int64_t sent = strtoll(h->standard_timestamp, NULL, 10);
    if (sent < now_s - TOLERANCE_S || sent > now_s + TOLERANCE_S) return false;
    if (strncmp(secret, KEY_PREFIX, prefix) != 0)
        memcpy(key, secret, size < sizeof key ? size : (size = sizeof key));
    else if (!decode(secret + prefix, size - prefix, key, sizeof key, &size))
        return false;
    tide_str_printf(&text, "%s.%s.", h->standard_id, h->standard_timestamp);
    tide_str_add(&text, h->body, h->size);
    if (!text.failed) tide_digest_hmac(key, size, text.at, text.length, wanted);
    for (const char *at = h->standard_signature; *at && !text.failed; at += strspn(at, " ")) {
        size_t n = strcspn(at, " ");
        found = is_version_1(at, n, wanted) || found;
        at += n;
    }
    tide_str_free(&text);
    return found;
}

/* Fill provider and delivery; false when it is not genuine. Gitea sends GitHub's headers too. */
static bool authenticate(const struct tide_hook *h, const char *secret, int64_t now_s,
                         struct tide_hook_verdict *v, const char **event)
{
    const char *delivery = NULL;
    bool genuine = false;
    if (h->gitea_signature) {
        v->provider = "gitea";
        genuine = is_signed(h, h->gitea_signature, secret);
        *event = h->gitea_event;
        delivery = h->gitea_delivery;
    } else if (h->github_signature) {
        v->provider = "github";
        genuine = !strncmp(h->github_signature, PREFIX, sizeof PREFIX - 1) &&
                  is_signed(h, h->github_signature + sizeof PREFIX - 1, secret);
        *event = h->github_event;
        delivery = h->github_delivery;
    } else {
        v->provider = "gitlab";
        *event = h->gitlab_event;
        delivery = h->standard_signature ? h->standard_id : h->gitlab_delivery;
        if (h->standard_signature && h->standard_id && h->standard_timestamp)
            genuine = is_standard(h, secret, now_s);
        else if (!h->standard_signature && h->gitlab_token)
            genuine = is_equal(h->gitlab_token, secret);
    }
    snprintf(v->delivery, sizeof v->delivery, "delivery %s", delivery ? delivery : "");
    return genuine;
}

/* ---- what it says ---- */

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static bool is_zeros(const char *sha)
{
    return *sha && !sha[strspn(sha, "0")];
}

static enum tide_rc read_push(const json_t *body, const char *branch, struct tide_hook_verdict *v,
                              struct tide_error *e)
{
    static const char heads[] = "refs/heads/";
    const char *ref = text_of(body, "ref");
    const char *wanted =
        *branch ? branch : text_of(json_object_get(body, "repository"), "default_branch");
    if (!*wanted) wanted = text_of(json_object_get(body, "project"), "default_branch");
    if (!*ref) return tide_fail_field(e, "ref", "is missing: this is no push");
    if (strncmp(ref, heads, sizeof heads - 1) != 0)
        v->why = "it is no branch that was pushed";
    else if (*wanted && strcmp(ref + sizeof heads - 1, wanted) != 0)
        v->why = "another branch than the project's was pushed";
    else if (is_zeros(text_of(body, "after")))
        v->why = "the branch was removed";
    else
        v->push = true;
    return TIDE_OK;
}

static bool is_push(const char *event)
{
    return !strcmp(event, "push") || !strcmp(event, "Push Hook");
}

enum tide_rc tide_hook_judge(const struct tide_hook *h, const char *secret, const char *branch,
                             int64_t now_s, struct tide_hook_verdict *out, struct tide_error *e)
{
    const char *event = NULL;
    *out = (struct tide_hook_verdict){0};
    if (!authenticate(h, secret, now_s, out, &event))
        return tide_fail(
            e, TIDE_FAILED,
            "it is not signed with the project's webhook_secret, or was sent more than "
            "five minutes ago");
    tide_digest_hmac(secret, strlen(secret), h->body, h->size, out->content);
    if (!event || !strcmp(out->delivery, "delivery "))
        return tide_fail_field(e, "",
                               "the headers that name the event and the delivery are missing");
    if (!is_push(event)) {
        out->why = "it tells of no push";
        return TIDE_OK;
    }
    json_t *body = json_loadb(h->body, h->size, 0, NULL);
    enum tide_rc rc = json_is_object(body)
                          ? read_push(body, branch, out, e)
                          : tide_fail_field(e, "", "the body must be a JSON object");
    json_decref(body);
    return rc;
}
