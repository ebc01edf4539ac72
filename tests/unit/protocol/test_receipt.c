/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/x509.h>

#include "protocol/receipt.h"

/* A key with a certificate for it, and a signer that also keeps what it signed. */
struct identity {
	EVP_PKEY *key;
	struct rv_cert *cert;
	struct rv_signer signer;
	struct rv_buf tbs;
	int broken;
};
static struct identity ec, rsa;

static int sign(void *ctx, const void *data, size_t len, struct rv_buf *out, struct rv_err *e)
{
	struct identity *id = ctx;
	rv_buf_reset(&id->tbs);
	rv_buf_put(&id->tbs, data, len);
	return id->broken ? rv_fail(e, RV_EIO, "the keeper is away")
			  : rv_key_sign(id->key, id->signer.alg, data, len, out, e);
}

static void identity_make(struct identity *id, EVP_PKEY *key, const char *code)
{
	X509 *x = X509_new();
	unsigned char *der = NULL;
	assert_non_null(key);
	assert_non_null(x);
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
		(const unsigned char *)code, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	int len = i2d_X509(x, &der);
	assert_int_equal(rv_cert_from_der(&id->cert, der, (size_t)len, NULL), 0);
	id->key = key;
	id->signer.sign = sign;
	id->signer.ctx = id;
	id->signer.alg = rv_cert_alg(id->cert);
	memcpy(id->signer.cert_digest, rv_cert_digest(id->cert), RV_DIGEST_LEN);
	strcpy(id->signer.code, code);
	OPENSSL_free(der);
	X509_free(x);
}

static void identity_clear(struct identity *id)
{
	EVP_PKEY_free(id->key);
	rv_cert_free(&id->cert);
	rv_buf_free(&id->tbs);
}

static int set_up(void **state)
{
	identity_make(&ec, EVP_EC_gen("P-256"), "KE");
	identity_make(&rsa, EVP_RSA_gen(2048), "FR");
	return 0;
}

static int tear_down(void **state)
{
	identity_clear(&ec);
	identity_clear(&rsa);
	return 0;
}

static char three[3][RV_CODE_TEXT] = {"UG", "TZ", "RW"};
static char self[1][RV_CODE_TEXT] = {"KE"};

static struct rv_receipt a_receipt(unsigned n)
{
	struct rv_receipt r = {.stage = RV_STAGE_RELAYED,
		.time_us = INT64_C(1795521600000000) + n,
		.recipients = three,
		.n_recipients = 3};
	r.message[6] = 0x70;
	r.message[8] = 0x80;
	r.message[14] = (uint8_t)(n >> 8);
	r.message[15] = (uint8_t)n;
	memset(r.seal_digest, 0x5a, sizeof(r.seal_digest));
	if (n % 3 == 1) {
		r.stage = RV_STAGE_STORED;
		r.recipients = self;
		r.n_recipients = 1;
	} else if (n % 3 == 2) {
		r.stage = RV_STAGE_REJECTED;
		strcpy(r.rule, "SEAL-DIGEST");
		r.line = 12;
		strcpy(r.text, "the section goods was altered");
	}
	return r;
}

static void batch(struct rv_buf *out, size_t n)
{
	struct rv_receipt r[RV_RECEIPT_MAX_BATCH];
	struct rv_err e = {0};
	for (size_t i = 0; i < n; i++) {
		r[i] = a_receipt((unsigned)i);
	}
	memset(out, 0, n * sizeof(*out));
	assert_int_equal(rv_receipt_sign(r, n, &ec.signer, out, &e), 0);
}

/* RFC 9162, section 2.1.1, word for word. */
static void mth(uint8_t out[RV_DIGEST_LEN], const struct rv_span *leaves, size_t n)
{
	struct rv_buf b = {0};
	if (n == 1) {
		rv_buf_u8(&b, 0);
		rv_buf_put(&b, leaves[0].data, leaves[0].len);
	} else {
		uint8_t left[RV_DIGEST_LEN], right[RV_DIGEST_LEN];
		size_t k = 1;
		while (2 * k < n) {
			k *= 2;
		}
		mth(left, leaves, k);
		mth(right, leaves + k, n - k);
		rv_buf_u8(&b, 1);
		rv_buf_put(&b, left, sizeof(left));
		rv_buf_put(&b, right, sizeof(right));
	}
	rv_sha256(out, b.data, b.len);
	rv_buf_free(&b);
}

static void trees_are_those_of_the_rfc(void **state)
{
	struct rv_buf out[RV_RECEIPT_MAX_BATCH];
	static const size_t sizes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 100, 255, 256};
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		struct rv_span leaves[RV_RECEIPT_MAX_BATCH];
		uint8_t root[RV_DIGEST_LEN];
		size_t n = sizes[s];
		batch(out, n);
		for (size_t i = 0; i < n; i++) {
			struct rv_cur c = rv_cur_of(out[i].data + 16, out[i].len - 16);
			leaves[i] = rv_cur_bytes32(&c, 8192);
		}
		mth(root, leaves, n);
		assert_int_equal(ec.tbs.len, 16 + 4 + RV_DIGEST_LEN);
		assert_memory_equal(ec.tbs.data, "REEVE-RECEIPT-1", 16);
		assert_memory_equal(ec.tbs.data + 20, root, RV_DIGEST_LEN);
		for (size_t i = 0; i < n; i++) {
			struct rv_receipt r;
			assert_int_equal(
				rv_receipt_verify(&r, out[i].data, out[i].len, ec.cert, NULL), 0);
			struct rv_receipt want = a_receipt((unsigned)i);
			assert_int_equal(r.stage, want.stage);
			assert_int_equal(r.time_us, want.time_us);
			assert_memory_equal(r.message, want.message, RV_UUID_LEN);
			assert_string_equal(r.signer, "KE");
			assert_string_equal(r.rule, want.rule);
			assert_string_equal(r.text, want.text);
			assert_int_equal(r.line, want.line);
			assert_int_equal(r.n_recipients, want.n_recipients);
			rv_receipt_clear(&r);
			rv_buf_free(&out[i]);
		}
	}
}

static void rsa_signs_too(void **state)
{
	static const enum rv_sig_alg algs[] = {RV_ALG_RSA_SHA256, RV_ALG_RSA_PSS_SHA256};
	for (size_t i = 0; i < 2; i++) {
		struct rv_receipt r = a_receipt(0), back;
		struct rv_buf out = {0};
		rsa.signer.alg = algs[i];
		assert_int_equal(rv_receipt_sign(&r, 1, &rsa.signer, &out, NULL), 0);
		assert_int_equal(rv_receipt_verify(&back, out.data, out.len, rsa.cert, NULL), 0);
		rv_receipt_clear(&back);
		assert_int_equal(
			rv_receipt_verify(&back, out.data, out.len, ec.cert, NULL), RV_ECERT);
		rv_buf_free(&out);
	}
}

/* Each bit of a receipt counts: turned, it does not parse or does not verify. */
static void nothing_can_be_altered(void **state)
{
	struct rv_buf out[5];
	batch(out, 5);
	for (size_t i = 0; i < 5; i++) {
		for (size_t bit = 0; bit < out[i].len * 8; bit++) {
			struct rv_receipt r;
			out[i].data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_not_equal(
				rv_receipt_verify(&r, out[i].data, out[i].len, ec.cert, NULL), 0);
			out[i].data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		for (size_t len = 0; len < out[i].len; len++) {
			struct rv_receipt r;
			struct rv_err e = {0};
			uint8_t *exact = malloc(len + 1);
			memcpy(exact, out[i].data, len);
			assert_int_equal(rv_receipt_parse(&r, exact, len, &e), RV_EPARSE);
			assert_memory_equal(e.rule, "RCPT-", 5);
			free(exact);
		}
		rv_buf_u8(&out[i], 0);
		struct rv_receipt r;
		assert_int_equal(rv_receipt_parse(&r, out[i].data, out[i].len, NULL), RV_EPARSE);
		rv_buf_free(&out[i]);
	}
}

/* A path fits one place of one tree only. */
static void places_are_not_exchanged(void **state)
{
	struct rv_buf out[7];
	batch(out, 7);
	for (size_t i = 0; i < 7; i++) {
		struct rv_cur c = rv_cur_of(out[i].data + 16, out[i].len - 16);
		size_t at = 16 + 4 + rv_cur_bytes32(&c, 8192).len;
		for (unsigned index = 0; index < 9; index++) {
			for (unsigned size = 0; size < 12; size++) {
				struct rv_receipt r;
				if (index == i && size == 7) {
					continue;
				}
				out[i].data[at + 3] = (uint8_t)index;
				out[i].data[at + 7] = (uint8_t)size;
				assert_int_not_equal(rv_receipt_verify(&r, out[i].data, out[i].len,
							     ec.cert, NULL),
					0);
			}
		}
		rv_buf_free(&out[i]);
	}
}

static void a_memo_saves_checks_not_faults(void **state)
{
	struct rv_buf out[4];
	struct rv_receipt r;
	struct rv_receipt_memo memo = {{0}, 0};
	batch(out, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(
			rv_receipt_verify_memo(&r, out[i].data, out[i].len, ec.cert, &memo, NULL),
			0);
		rv_receipt_clear(&r);
	}
	out[2].data[30] ^= 1;
	assert_int_not_equal(
		rv_receipt_verify_memo(&r, out[2].data, out[2].len, ec.cert, &memo, NULL), 0);
	out[2].data[30] ^= 1;
	out[1].data[out[1].len - 1] ^= 1;
	struct rv_err e = {0};
	assert_int_equal(rv_receipt_verify_memo(&r, out[1].data, out[1].len, ec.cert, &memo, &e),
		RV_ESIGNATURE);
	assert_string_equal(e.rule, "RCPT-VALUE");
	for (size_t i = 0; i < 4; i++) {
		rv_buf_free(&out[i]);
	}
}

static void refuse(struct rv_receipt r)
{
	struct rv_buf out = {0};
	struct rv_err e = {0};
	assert_int_equal(rv_receipt_sign(&r, 1, &ec.signer, &out, &e), RV_EINVAL);
	assert_int_equal(e.code, RV_EPARSE);
	assert_string_equal(e.rule, "RCPT-FIELD");
	assert_int_equal(out.len, 0);
}

static void fields_are_checked(void **state)
{
	struct rv_receipt r = a_receipt(0);
	r.stage = RV_STAGE_LAST;
	refuse(r);
	r = a_receipt(0);
	r.stage = RV_STAGE_STORED;
	refuse(r);
	r = a_receipt(1);
	r.recipients = three;
	refuse(r);
	r = a_receipt(0);
	r.n_recipients = 0;
	refuse(r);
	r = a_receipt(0);
	r.line = 1;
	refuse(r);
	r = a_receipt(0);
	strcpy(r.text, "x");
	refuse(r);
	r = a_receipt(0);
	r.time_us = -1;
	refuse(r);
	r = a_receipt(0);
	r.message[8] = 0;
	refuse(r);
}

/* A refusal that quotes a peer's bytes does not keep the others of its batch from being signed. */
static void words_are_mended(void **state)
{
	struct rv_receipt r = a_receipt(2), back;
	struct rv_buf out = {0};
	memset(r.text, 'x', 255);
	r.text[255] = '\0';
	memcpy(r.text + 253, "\xe2\x82", 2);
	r.text[3] = '\n';
	r.rule[0] = '\0';
	assert_int_equal(rv_receipt_sign(&r, 1, &ec.signer, &out, NULL), 0);
	assert_int_equal(rv_receipt_verify(&back, out.data, out.len, ec.cert, NULL), 0);
	assert_int_equal(strlen(back.text), 253);
	assert_int_equal(back.text[3], '?');
	assert_string_equal(back.rule, "unknown");
	rv_receipt_clear(&back);
	rv_buf_free(&out);
}

static void the_signer_may_fail(void **state)
{
	struct rv_receipt r = a_receipt(0);
	struct rv_buf out = {0};
	struct rv_err e = {0};
	ec.broken = 1;
	assert_int_equal(rv_receipt_sign(&r, 1, &ec.signer, &out, &e), RV_EIO);
	ec.broken = 0;
	assert_int_equal(out.len, 0);
	assert_int_equal(rv_receipt_sign(&r, 0, &ec.signer, &out, NULL), RV_EINVAL);
}

static void recipients_are_put_in_order_once(void **state)
{
	static char codes[4][RV_CODE_TEXT] = {"UG", "RW", "UG", "KE"};
	struct rv_receipt r = a_receipt(0), back;
	struct rv_buf out = {0};
	r.recipients = codes;
	r.n_recipients = 4;
	assert_int_equal(rv_receipt_sign(&r, 1, &ec.signer, &out, NULL), 0);
	assert_int_equal(rv_receipt_parse(&back, out.data, out.len, NULL), 0);
	assert_int_equal(back.n_recipients, 3);
	assert_string_equal(back.recipients[0], "KE");
	assert_string_equal(back.recipients[2], "UG");
	rv_receipt_clear(&back);
	rv_buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trees_are_those_of_the_rfc),
		cmocka_unit_test(rsa_signs_too),
		cmocka_unit_test(nothing_can_be_altered),
		cmocka_unit_test(places_are_not_exchanged),
		cmocka_unit_test(a_memo_saves_checks_not_faults),
		cmocka_unit_test(fields_are_checked),
		cmocka_unit_test(words_are_mended),
		cmocka_unit_test(the_signer_may_fail),
		cmocka_unit_test(recipients_are_put_in_order_once),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
