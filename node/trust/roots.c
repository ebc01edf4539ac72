/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/roots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/pem.h>

#include "node/file.h"

enum { MAX_AUTHORITIES = 16, MAX_PEM = 1 << 20 };

static const char begin_mark[] = "-----BEGIN CERTIFICATE-----";
static const char end_mark[] = "-----END CERTIFICATE-----";

static const char quorum_mark[] = "Reeve-Quorum: ";

void trust_roots_clear(struct trust_roots *roots)
{
	for (size_t i = 0; i < roots->n; i++) {
		rv_cert_free(&roots->certs[i]);
	}
	free(roots->certs);
	*roots = (struct trust_roots){0};
}

/* The line, if it stands at the begin of the text. */
static int parse_quorum(unsigned *quorum_r, const char *pem, size_t len, struct rv_err *e)
{
	size_t at = sizeof(quorum_mark) - 1;
	*quorum_r = 1;
	if (len < at || memcmp(pem, quorum_mark, at) != 0) {
		return 0;
	}
	unsigned quorum = 0;
	size_t digits = 0;
	for (; at < len && pem[at] >= '0' && pem[at] <= '9' && digits < 3; at++, digits++) {
		quorum = quorum * 10 + (unsigned)(pem[at] - '0');
	}
	if (digits == 0 || quorum == 0 || at == len || (pem[at] != '\n' && pem[at] != '\r')) {
		rv_fail(e, RV_EPARSE, "the line Reeve-Quorum does not hold a number of keys");
		rv_err_mend(e, "Take the file as the coordinator gave it.");
		return RV_EPARSE;
	}
	*quorum_r = quorum;
	return 0;
}

/* The next certificate from p on: its end, NULL if there is none. */
static int parse_next(struct trust_roots *roots, const char **p, const char *end, struct rv_err *e)
{
	const char *from = memmem(*p, (size_t)(end - *p), begin_mark, sizeof(begin_mark) - 1);
	if (from == NULL) {
		*p = end;
		return 0;
	}
	const char *to = memmem(from, (size_t)(end - from), end_mark, sizeof(end_mark) - 1);
	if (to == NULL) {
		return rv_fail(e, RV_ECERT, "a certificate in the file has no end");
	}
	to += sizeof(end_mark) - 1;
	if (roots->n == MAX_AUTHORITIES) {
		return rv_fail(e, RV_ELIMIT, "the file has more than %d certificates",
			MAX_AUTHORITIES);
	}
	int rc = rv_cert_from_pem(&roots->certs[roots->n], from, (size_t)(to - from), e);
	if (rc != 0) {
		rv_err_prefix(e, "certificate %zu", roots->n + 1);
		return rc;
	}
	roots->n++;
	*p = to;
	return 0;
}

int trust_roots_parse(struct trust_roots *roots, const char *pem, size_t len, struct rv_err *e)
{
	struct trust_roots r = {.certs = calloc(MAX_AUTHORITIES, sizeof(struct rv_cert *))};
	if (r.certs == NULL) {
		return rv_fail_nomem(e);
	}
	int rc = len > 0 ? parse_quorum(&r.quorum, pem, len, e) : 0;
	const char *end = len > 0 ? pem + len : pem;
	for (const char *p = pem; p < end && rc == 0;) {
		rc = parse_next(&r, &p, end, e);
	}
	if (rc == 0 && r.n == 0) {
		rc = rv_fail(e, RV_ECERT, "there is no certificate in PEM form");
		rv_err_mend(e, "The file holds \"BEGIN CERTIFICATE\" and what follows, as the "
			       "coordinator gave it.");
	}
	if (rc == 0 && r.quorum > r.n) {
		rc = rv_fail(e, RV_ECERT, "%u signatures are asked for, of %zu certificates",
			r.quorum, r.n);
		rv_err_mend(e, "The file must hold the certificates of all coordinators who sign.");
	}
	if (rc == 0) {
		*roots = r;
		r = (struct trust_roots){0};
	}
	trust_roots_clear(&r);
	return rc;
}

int trust_roots_read(struct trust_roots *roots, const char *path, struct rv_err *e)
{
	struct rv_buf pem = {0};
	int rc = file_read(path, MAX_PEM, &pem, e);
	if (rc == 0) {
		rc = trust_roots_parse(roots, (const char *)pem.data, pem.len, e);
		if (rc != 0) {
			rv_err_prefix(e, "%s", path);
		}
	}
	rv_buf_free(&pem);
	return rc;
}

int trust_roots_list(const struct trust_roots *roots, struct rv_trust **list_r, const void *wire,
	size_t len, int64_t now_us, struct rv_err *e)
{
	return rv_trust_read(list_r, wire, len, (const struct rv_cert *const *)roots->certs,
		roots->n, roots->quorum, now_us, e);
}

static int put_pem(struct rv_buf *out, const struct rv_cert *cert, struct rv_err *e)
{
	struct rv_span der;
	char *text = NULL;
	rv_cert_der(cert, &der);
	BIO *bio = BIO_new(BIO_s_mem());
	int ok = bio != NULL &&
		 PEM_write_bio(bio, PEM_STRING_X509, "", der.data, (long)der.len) > 0;
	long len = ok ? BIO_get_mem_data(bio, &text) : 0;
	if (len > 0) {
		rv_buf_put(out, text, (size_t)len);
	}
	BIO_free(bio);
	return len > 0 ? 0 : rv_fail_nomem(e);
}

int trust_roots_pem(const struct rv_trust *list, struct rv_buf *out, struct rv_err *e)
{
	const struct rv_dated_cert *certs;
	unsigned quorum;
	size_t n = rv_trust_signing(list, &certs, &quorum);
	int rc = 0;
	if (n > 0 && quorum > 1) {
		rv_buf_printf(out, "%s%u\n", quorum_mark, quorum);
	}
	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = put_pem(out, certs[i].cert, e);
	}
	return rc == 0 && !rv_buf_ok(out) ? rv_fail_nomem(e) : rc;
}

static int by_digest(const void *a, const void *b)
{
	return memcmp(a, b, RV_DIGEST_LEN);
}

int trust_roots_digest(
	const struct trust_roots *roots, uint8_t digest[RV_DIGEST_LEN], struct rv_err *e)
{
	struct rv_buf text = {0};
	uint8_t digests[MAX_AUTHORITIES][RV_DIGEST_LEN];
	for (size_t i = 0; i < roots->n; i++) {
		memcpy(digests[i], rv_cert_digest(roots->certs[i]), RV_DIGEST_LEN);
	}
	qsort(digests, roots->n, sizeof(digests[0]), by_digest);
	rv_buf_u32(&text, roots->quorum);
	rv_buf_put(&text, digests, roots->n * sizeof(digests[0]));
	int rc = rv_buf_ok(&text) ? 0 : rv_fail_nomem(e);
	if (rc == 0) {
		rv_sha256(digest, text.data, text.len);
	}
	rv_buf_free(&text);
	return rc;
}
