/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_CERT_INT_H
#define RV_CERT_INT_H

#include <openssl/x509.h>

#include "cert.h"

/* What cert.c and chain*.c read of certificates alike. */

/* Microseconds since 1970; also of a GeneralizedTime. RV_EPARSE, for NULL too. */
int rv_x509_time(int64_t *us_r, const ASN1_TIME *t);
/* By RFC 2253, cut between characters where it is too long. */
void rv_x509_name(const X509_NAME *name, char *out, size_t size);

#endif
