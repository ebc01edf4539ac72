/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/trust.h"

#include <stdlib.h>
#include <string.h>

#include "node/file.h"

enum { MAX_AUTHORITIES = 16, MAX_PEM = 1 << 20 };

static const char begin_mark[] = "-----BEGIN CERTIFICATE-----";
static const char end_mark[] = "-----END CERTIFICATE-----";

void trust_authorities_free(struct rv_cert ***certs, size_t n)
{
	if (certs == NULL || *certs == NULL) {
		return;
	}
	for (size_t i = 0; i < n; i++) {
		rv_cert_free(&(*certs)[i]);
	}
	free(*certs);
	*certs = NULL;
}

int trust_authorities_parse(
	struct rv_cert ***certs_r, size_t *n_r, const char *pem, size_t len, struct rv_err *e)
{
	int rc = 0;
	size_t n = 0;
	const char *end = len > 0 ? pem + len : pem;
	struct rv_cert **certs = calloc(MAX_AUTHORITIES, sizeof(*certs));
	if (certs == NULL) {
		return rv_fail_nomem(e);
	}
	for (const char *p = pem; p < end;) {
		const char *from = memmem(p, (size_t)(end - p), begin_mark, sizeof(begin_mark) - 1);
		if (from == NULL) {
			break;
		}
		const char *to = memmem(from, (size_t)(end - from), end_mark, sizeof(end_mark) - 1);
		if (to == NULL) {
			rc = rv_fail(e, RV_ECERT, "a certificate in the file has no end");
			goto out;
		}
		to += sizeof(end_mark) - 1;
		if (n == MAX_AUTHORITIES) {
			rc = rv_fail(e, RV_ELIMIT, "the file has more than %d certificates",
				MAX_AUTHORITIES);
			goto out;
		}
		rc = rv_cert_from_pem(&certs[n], from, (size_t)(to - from), e);
		if (rc != 0) {
			rv_err_prefix(e, "certificate %zu", n + 1);
			goto out;
		}
		n++;
		p = to;
	}
	if (n == 0) {
		rc = rv_fail(e, RV_ECERT, "there is no certificate in PEM form");
		rv_err_mend(e, "The file holds \"BEGIN CERTIFICATE\" and what follows, as the "
			       "coordinator gave it.");
		goto out;
	}
	*certs_r = certs;
	*n_r = n;
	certs = NULL;
out:
	trust_authorities_free(&certs, n);
	return rc;
}

int trust_authorities_read(
	struct rv_cert ***certs_r, size_t *n_r, const char *path, struct rv_err *e)
{
	struct rv_buf pem = {0};
	int rc = file_read(path, MAX_PEM, &pem, e);
	if (rc == 0) {
		rc = trust_authorities_parse(certs_r, n_r, (const char *)pem.data, pem.len, e);
		if (rc != 0) {
			rv_err_prefix(e, "%s", path);
		}
	}
	rv_buf_free(&pem);
	return rc;
}
