/* certificate.h - what is wrong with a certificate and its key, in words. */
#ifndef TIDE_HTTP_CERTIFICATE_H
#define TIDE_HTTP_CERTIFICATE_H

#include "base/error.h"

/* Check PEM texts read from the files that the paths name. INVALID: either is none, or the key is
 * not the certificate's. One that has expired or will within two weeks is a warning of the log. */
TIDE_CHECK enum tide_rc tide_certificate_check(const char *certificate_path,
                                               const char *certificate, const char *key_path,
                                               const char *key, struct tide_error *e);

#endif
