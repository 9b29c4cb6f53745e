/* certificate.c - see certificate.h. */
#include "http/certificate.h"

#include "base/log.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#define WARN_S (14L * 24 * 3600)

static void tell_expiry(const char *path, gnutls_x509_crt_t certificate)
{
    char day[32];
    time_t end = gnutls_x509_crt_get_expiration_time(certificate), now = time(NULL);
    struct tm parts;
    if (end == (time_t)-1 || end > now + WARN_S) return;
    gmtime_r(&end, &parts);
    strftime(day, sizeof day, "%Y-%m-%d", &parts);
    tide_log(TIDE_LOG_WARN, "http", "the certificate %s %s on %s", path,
             end < now ? "has expired: browsers refuse it since it ended" : "expires soon:", day);
}

static enum tide_rc check_end(const char *path, const gnutls_datum_t *pem, struct tide_error *e)
{
    gnutls_x509_crt_t *chain = NULL;
    unsigned n = 0;
    int code = gnutls_x509_crt_list_import2(&chain, &n, pem, GNUTLS_X509_FMT_PEM, 0);
    if (code < 0 || !n)
        return tide_fail(e, TIDE_INVALID, "%s holds no certificate in PEM: %s", path,
                         gnutls_strerror(code));
    tell_expiry(path, chain[0]);
    for (unsigned i = 0; i < n; i++)
        gnutls_x509_crt_deinit(chain[i]);
    gnutls_free(chain);
    return TIDE_OK;
}

enum tide_rc tide_certificate_check(const char *certificate_path, const char *certificate,
                                    const char *key_path, const char *key, struct tide_error *e)
{
    gnutls_certificate_credentials_t both;
    const gnutls_datum_t chain = {(unsigned char *)(uintptr_t)certificate,
                                  (unsigned)strlen(certificate)};
    const gnutls_datum_t secret = {(unsigned char *)(uintptr_t)key, (unsigned)strlen(key)};
    enum tide_rc rc = check_end(certificate_path, &chain, e);
    if (rc) return rc;
    if (gnutls_certificate_allocate_credentials(&both))
        return tide_fail(e, TIDE_NOMEM, "check the certificate");
    int code = gnutls_certificate_set_x509_key_mem(both, &chain, &secret, GNUTLS_X509_FMT_PEM);
    gnutls_certificate_free_credentials(both);
    if (code == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
        return tide_fail(e, TIDE_INVALID, "the key %s is not that of the certificate %s", key_path,
                         certificate_path);
    if (code < 0)
        return tide_fail(e, TIDE_INVALID, "%s holds no key in PEM that can be used: %s", key_path,
                         gnutls_strerror(code));
    return TIDE_OK;
}
