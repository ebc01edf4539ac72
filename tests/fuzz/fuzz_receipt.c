/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/x509.h>

#include "protocol/receipt.h"

/* Receipts: parsed; and verified against a certificate made to be the one they name, whose key signed none of them. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LABEL = 16, BEFORE_SIGNER = LABEL + 4 + 1 + RV_UUID_LEN + RV_DIGEST_LEN };

static struct rv_cert *certificate(void)
{
	static struct rv_cert *cert;
	unsigned char *der = NULL;
	if (cert != NULL) {
		return cert;
	}
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	if (key == NULL || x == NULL) {
		abort();
	}
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, key);
	int len = X509_sign(x, key, EVP_sha256()) > 0 ? i2d_X509(x, &der) : 0;
	if (len <= 0 || rv_cert_from_der(&cert, der, (size_t)len, NULL) != 0) {
		abort();
	}
	OPENSSL_free(der);
	X509_free(x);
	EVP_PKEY_free(key);
	return cert;
}

/* The signature of the receipt at hand, given back in place of a new one. */
static int sign_again(void *ctx, const void *data, size_t len, struct rv_buf *out, struct rv_err *e)
{
	const struct rv_span *sig = ctx;
	return rv_buf_put(out, sig->data, sig->len);
}

/* A receipt of its own tree is made of its fields and signature alone: made again, it must be the same bytes. */
static void make_again(struct rv_receipt *r, const uint8_t *data, size_t size)
{
	struct rv_cur c = rv_cur_of(data + LABEL, size - LABEL);
	rv_cur_bytes32(&c, size);
	rv_cur_u32(&c);
	if (rv_cur_u32(&c) != 1) {
		return;
	}
	rv_cur_u8(&c);
	enum rv_sig_alg alg = (enum rv_sig_alg)rv_cur_u8(&c);
	struct rv_span sig = rv_cur_bytes32(&c, size);
	struct rv_signer signer = {.sign = sign_again, .ctx = &sig, .alg = alg};
	struct rv_buf again = {0};
	memcpy(signer.code, r->signer, sizeof(signer.code));
	memcpy(signer.cert_digest, r->signer_cert, RV_DIGEST_LEN);
	if (rv_receipt_sign(r, 1, &signer, &again, NULL) != 0 || again.len != size || memcmp(again.data, data, size) != 0) {
		abort();
	}
	rv_buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct rv_cert *cert = certificate();
	struct rv_receipt r;
	struct rv_receipt_memo memo = {{0}, 0};
	struct rv_err e = {0};
	uint8_t *copy = malloc(size > 0 ? size : 1);
	if (copy == NULL) {
		return 0;
	}
	memcpy(copy, data, size);
	int rc = rv_receipt_parse(&r, copy, size, &e);
	if (rc != 0) {
		if (rc != e.code || e.rule[0] == '\0') {
			abort();
		}
	} else {
		memcpy(copy + BEFORE_SIGNER + 1 + strlen(r.signer), rv_cert_digest(cert), RV_DIGEST_LEN);
		make_again(&r, data, size);
		rv_receipt_clear(&r);
		if (rv_receipt_verify_memo(&r, copy, size, cert, &memo, &e) != RV_ESIGNATURE || memo.set) {
			abort();
		}
	}
	free(copy);
	return 0;
}
