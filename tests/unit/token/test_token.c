/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509.h>
#include <cmocka.h>

#include "node/token/token.h"
#include "node/trust/issue.h"
#include "protocol/cert.h"
#include "tests/unit/token/soft.h"

#define EC_URI "pkcs11:token=Customs;object=ec"

static int set_up(void **state)
{
	static const struct soft_pair pairs[] = {
		{.kind = SOFT_P256, .label = "ec", .id = "1"},
		{.kind = SOFT_RSA_2048, .label = "rsa", .id = "2"},
		{.kind = SOFT_P256, .label = "twin", .id = "3"},
		{.kind = SOFT_P256, .label = "twin", .id = "4"},
		{.kind = SOFT_P256, .label = "open", .id = "5", .extractable = 1},
		{.kind = SOFT_P384, .label = "p384", .id = "6"},
		{.kind = SOFT_RSA_1024, .label = "rsa1024", .id = "7"},
		{.kind = SOFT_P256, .label = "dumb", .id = "8", .may_not_sign = 1},
		{.kind = SOFT_P256, .label = "always", .id = "9", .always_authenticate = 1},
		{.kind = SOFT_P256, .label = "alone", .id = "a", .no_public = 1},
		{.kind = SOFT_RSA_2048, .label = "rsa alone", .id = "b", .no_public = 1},
		{.kind = SOFT_P256, .label = "noid"},
	};
	if (soft_set_up() != 0 || soft_token("Customs") != 0 || soft_token("Other") != 0) {
		return -1;
	}
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (soft_pair("Customs", &pairs[i]) != 0) {
			fprintf(stderr, "# no pair %s\n", pairs[i].label);
			return -1;
		}
	}
	return 0;
}

static int tear_down(void **state)
{
	return soft_tear_down();
}

static struct token *token_of(const char *uri)
{
	struct token_params p = {.place = {uri, SOFT_MODULE, soft_pin_file()}};
	struct token *t = NULL;
	struct rv_err e = {0};
	if (token_new(&t, &p, &e) != 0) {
		fail_msg("%s", e.text);
	}
	return t;
}

static EVP_PKEY *key_of(struct token *t)
{
	EVP_PKEY *key = NULL;
	struct rv_err e = {0};
	if (token_key(t, &key, &e) != 0) {
		fail_msg("%s", e.text);
	}
	return key;
}

/* Its public half, as others see it. */
static EVP_PKEY *public_of(EVP_PKEY *key)
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(key, &der);
	assert_true(len > 0);
	const unsigned char *p = der;
	EVP_PKEY *public = d2i_PUBKEY(NULL, &p, len);
	assert_non_null(public);
	OPENSSL_free(der);
	return public;
}

/* ---- signing ---- */

static void signs(const char *uri, enum rv_sig_alg alg, size_t len)
{
	struct token *t = token_of(uri);
	struct rv_err e = {0};
	assert_int_equal(token_alg(t), 0);
	EVP_PKEY *private = key_of(t);
	EVP_PKEY *key = public_of(private);
	assert_int_equal(token_alg(t), alg);
	assert_int_equal(token_warnings(t), 0);
	for (int i = 0; i < 20; i++) {
		struct rv_buf sig = {0};
		char text[32];
		snprintf(text, sizeof(text), "message %d", i);
		if (token_sign(t, text, strlen(text), &sig, &e) != 0) {
			fail_msg("%s", e.text);
		}
		assert_int_equal(sig.len, len);
		/* rv_key_verify refuses an s in the upper half */
		assert_int_equal(
			rv_key_verify(key, alg, text, strlen(text), sig.data, sig.len, &e), 0);
		assert_int_equal(
			rv_key_verify(private, alg, text, strlen(text), sig.data, sig.len, &e), 0);
		assert_int_not_equal(rv_key_verify(private, alg, text, strlen(text) - 1, sig.data,
					     sig.len, NULL),
			0);
		assert_int_not_equal(
			rv_key_verify(key, alg, text, strlen(text) - 1, sig.data, sig.len, NULL), 0);
		rv_buf_free(&sig);
	}
	EVP_PKEY_free(key);
	EVP_PKEY_free(private);
	token_free(&t);
	assert_null(t);
	token_free(&t);
}

static void signs_with_p256_and_rsa(void **state)
{
	signs(EC_URI, RV_ALG_ECDSA_P256_SHA256, 64);
	signs("pkcs11:token=Customs;object=rsa", RV_ALG_RSA_SHA256, 256);
	signs("pkcs11:token=Customs;id=%31", RV_ALG_ECDSA_P256_SHA256, 64);
	signs("pkcs11:token=Customs;object=twin;id=4;type=private", RV_ALG_ECDSA_P256_SHA256, 64);
	signs("pkcs11:token=Customs;object=always", RV_ALG_ECDSA_P256_SHA256, 64);
	signs("pkcs11:token=Customs;object=noid", RV_ALG_ECDSA_P256_SHA256, 64);
	/* RSA private objects know their public half */
	signs("pkcs11:token=Customs;object=rsa%20alone", RV_ALG_RSA_SHA256, 256);
}

static void rsa_signs_with_pss_as_well(void **state)
{
	struct token *t = token_of("pkcs11:token=Customs;object=rsa");
	EVP_PKEY *key = key_of(t);
	EVP_PKEY *public = public_of(key);
	struct rv_buf sig = {0};
	struct rv_err e = {0};
	token_free(&t); /* the key holds it */
	if (rv_key_sign(key, RV_ALG_RSA_PSS_SHA256, "some bytes", 10, &sig, &e) != 0) {
		fail_msg("%s", e.text);
	}
	assert_int_equal(rv_key_verify(key, RV_ALG_RSA_PSS_SHA256, "some bytes", 10, sig.data,
				 sig.len, &e),
		0);
	assert_int_equal(rv_key_verify(public, RV_ALG_RSA_PSS_SHA256, "some bytes", 10, sig.data,
				 sig.len, &e),
		0);
	assert_int_not_equal(
		rv_key_verify(public, RV_ALG_RSA_SHA256, "some bytes", 10, sig.data, sig.len, &e),
		0);
	EVP_PKEY_free(public);
	rv_buf_free(&sig);
	/* what else OpenSSL may ask for is refused, not signed otherwise */
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	assert_int_not_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha512(), NULL, key), 1);
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	EVP_PKEY_free(key);
}

static int pin_asked;
static int give_pin(void *ctx, char *out, size_t size)
{
	pin_asked++;
	return snprintf(out, size, "%s", (const char *)ctx);
}

static void certificates_and_lists_through_it(void **state)
{
	static const char *const uris[] = {
		"pkcs11:token=Customs;object=ec?module-path=" SOFT_MODULE,
		"pkcs11:token=Customs;object=rsa?module-path=" SOFT_MODULE,
	};
	for (size_t i = 0; i < 2; i++) {
		char pin[] = SOFT_PIN;
		EVP_PKEY *key = NULL;
		EVP_PKEY *member = EVP_EC_gen("P-256");
		X509 *ca = NULL;
		X509 *cert = NULL;
		X509_REQ *req = NULL;
		X509_CRL *crl = X509_CRL_new();
		OCSP_BASICRESP *ocsp = OCSP_BASICRESP_new();
		struct rv_err e = {0};
		pin_asked = 0;
		if (token_key_open(&key, uris[i], give_pin, pin, &e) != 0 ||
			issue_authority(&ca, key, "OCU", "Unit", 0, INT64_C(4000000000000000), &e) !=
				0 ||
			issue_request(&req, member, "KE", "Kenya", &e) != 0 ||
			issue_member(&cert, req, ca, key, "KE", "Kenya", 0,
				INT64_C(3000000000000000), &e) != 0) {
			fail_msg("%s", e.text);
		}
		assert_int_equal(pin_asked, 1);
		EVP_PKEY *public = X509_get0_pubkey(ca);
		assert_int_equal(X509_verify(ca, public), 1);
		assert_int_equal(X509_verify(cert, public), 1);
		EVP_PKEY *other = public_of(public); /* without the token behind it */
		assert_int_equal(X509_verify(ca, other), 1);
		assert_int_equal(X509_verify(cert, other), 1);
		EVP_PKEY_free(other);
		assert_int_equal(X509_check_private_key(ca, key), 1);
		assert_int_not_equal(X509_check_private_key(cert, key), 1);
		X509_CRL_set_version(crl, 1);
		X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca));
		X509_CRL_set1_lastUpdate(crl, X509_get0_notBefore(ca));
		assert_true(X509_CRL_sign(crl, key, EVP_sha256()) > 0);
		assert_int_equal(X509_CRL_verify(crl, public), 1);
		assert_int_equal(OCSP_basic_sign(ocsp, ca, key, EVP_sha256(), NULL, OCSP_NOTIME), 1);
		X509_REQ_free(req);
		req = NULL;
		assert_int_equal(issue_request(&req, key, "OCU", "Unit", &e), 0);
		assert_int_equal(X509_REQ_verify(req, public), 1);
		ERR_clear_error();
		X509_free(ca);
		X509_free(cert);
		X509_REQ_free(req);
		X509_CRL_free(crl);
		OCSP_BASICRESP_free(ocsp);
		EVP_PKEY_free(member);
		EVP_PKEY_free(key);
	}
}

static void a_key_file_may_name_one(void **state)
{
	char pin[] = SOFT_PIN;
	struct issue_ask ask = {give_pin, pin};
	EVP_PKEY *key = NULL;
	struct rv_err e = {0};
	const char *path = soft_file("authority.key", EC_URI "?module-path=" SOFT_MODULE "\n", 0600);
	if (issue_key_read(&key, path, &ask, &e) != 0) {
		fail_msg("%s", e.text);
	}
	assert_true(EVP_PKEY_is_a(key, "EC"));
	EVP_PKEY_free(key);
	assert_int_equal(issue_key_read(&key, path, NULL, &e), RV_EDENIED);
	path = soft_file("authority.key", EC_URI, 0600);
	assert_int_equal(issue_key_read(&key, path, &ask, &e), RV_ECONFIG);
}

static void two_tokens_at_once(void **state)
{
	struct token *a = token_of(EC_URI);
	struct token *b = token_of("pkcs11:token=Customs;object=rsa");
	struct rv_buf sig = {0};
	struct rv_err e = {0};
	assert_int_equal(token_ready(a, &e), 0);
	assert_int_equal(token_ready(b, &e), 0);
	assert_int_equal(token_sign(a, "x", 1, &sig, &e), 0);
	/* closing the one that initialised the module ends the sessions of the other: it recovers */
	token_free(&a);
	assert_int_equal(token_sign(b, "x", 1, &sig, &e), 0);
	token_free(&b);
	rv_buf_free(&sig);
}

/* ---- what is refused ---- */

struct refusal {
	const char *uri, *module, *pin_file;
	int code;
	const char *rule;
};

static void refuses(const struct refusal *r)
{
	struct token_params p = {.place = {r->uri, r->module != NULL ? r->module : SOFT_MODULE,
					 r->pin_file != NULL ? r->pin_file : soft_pin_file()}};
	struct token *t = NULL;
	struct rv_err e = {0};
	int rc = token_new(&t, &p, &e);
	if (rc == 0) {
		assert_int_equal(token_check(&p.place, NULL), 0);
		rc = token_ready(t, &e);
	} else {
		assert_null(t);
		assert_int_equal(token_check(&p.place, NULL), rc);
	}
	if (rc != r->code || strcmp(e.rule, r->rule) != 0 || e.text[0] == '\0' || e.mend[0] == '\0') {
		fail_msg("%s: %d %s: %s (%s)", r->uri, rc, e.rule, e.text, e.mend);
	}
	assert_null(strstr(e.text, "4711"));
	assert_null(strstr(e.mend, "4711"));
	token_free(&t);
}

static void refuses_forms(void **state)
{
	static const struct refusal list[] = {
		{"keys/sign.key", NULL, NULL, RV_ECONFIG, "TOKEN-URI"},
		{"pkcs11:", NULL, NULL, RV_ECONFIG, "TOKEN-URI"},
		{"pkcs11:token=Customs", NULL, NULL, RV_ECONFIG, "TOKEN-URI"},
		{"pkcs11:token=Customs;object=", NULL, NULL, RV_ECONFIG, "TOKEN-URI"},
		{"pkcs11:token=a%2;object=ec", NULL, NULL, RV_ECONFIG, "TOKEN-URI"},
		{"pkcs11:token=a;colour=red;object=ec", NULL, NULL, RV_ECONFIG, "TOKEN-URI"},
		{"pkcs11:token=Customs;object=ec;type=cert", NULL, NULL, RV_ECONFIG, "TOKEN-URI"},
		{EC_URI "?pin-value=4711", NULL, "", RV_ECONFIG, "TOKEN-URI"},
		{EC_URI "?pin-value=4711&pin-source=/tmp/x", NULL, "", RV_ECONFIG, "TOKEN-URI"},
		{EC_URI "?pin-source=/tmp/x", NULL, "/tmp/y", RV_ECONFIG, "TOKEN-URI"},
		{EC_URI "?pin-source=%7Cprogram", NULL, "", RV_ECONFIG, "TOKEN-URI"},
		{EC_URI "?pin-source=relative", NULL, "", RV_ECONFIG, "TOKEN-URI"},
		{EC_URI, "libsofthsm2.so", NULL, RV_ECONFIG, "TOKEN-MODULE"},
		{EC_URI, "", NULL, RV_ECONFIG, "TOKEN-MODULE"},
		{EC_URI, "/nowhere/module.so", NULL, RV_ECONFIG, "TOKEN-MODULE"},
		{EC_URI, "/etc/passwd", NULL, RV_ECONFIG, "TOKEN-MODULE"},
		{EC_URI, "/lib/x86_64-linux-gnu/libc.so.6", NULL, RV_ECONFIG, "TOKEN-MODULE"},
		{EC_URI ";library-manufacturer=Nobody", NULL, NULL, RV_ECONFIG, "TOKEN-MODULE"},
	};
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		refuses(&list[i]);
	}
}

static void refuses_what_is_not_there(void **state)
{
	static const struct refusal list[] = {
		{"pkcs11:token=Nobody;object=ec", NULL, NULL, RV_EAGAIN, "TOKEN-AWAY"},
		{"pkcs11:token=Customs;slot-id=123456;object=ec", NULL, NULL, RV_EAGAIN, "TOKEN-AWAY"},
		{"pkcs11:token=Customs;object=none", NULL, NULL, RV_ENOTFOUND, "TOKEN-KEY"},
		{"pkcs11:token=Other;object=ec", NULL, NULL, RV_ENOTFOUND, "TOKEN-KEY"},
		{"pkcs11:token=Customs;object=ec;id=9", NULL, NULL, RV_ENOTFOUND, "TOKEN-KEY"},
		{"pkcs11:object=ec", NULL, NULL, RV_ECONFIG, "TOKEN-TWO"},
		{"pkcs11:token=Customs;object=twin", NULL, NULL, RV_ECONFIG, "TOKEN-TWO"},
		{"pkcs11:token=Customs;object=p384", NULL, NULL, RV_ECERT, "TOKEN-WEAK"},
		{"pkcs11:token=Customs;object=rsa1024", NULL, NULL, RV_ECERT, "TOKEN-WEAK"},
		{"pkcs11:token=Customs;object=dumb", NULL, NULL, RV_ECERT, "TOKEN-WEAK"},
		{"pkcs11:token=Customs;object=alone", NULL, NULL, RV_ECONFIG, "TOKEN-PUBLIC"},
	};
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		refuses(&list[i]);
	}
}

static void refuses_files_of_the_pin(void **state)
{
	static const struct {
		const char *text;
		unsigned mode;
	} list[] = {{SOFT_PIN, 0644}, {SOFT_PIN, 0640}, {SOFT_PIN, 0602}, {"", 0600}, {"\n", 0600},
		{"4711\n4711\n", 0600}};
	struct refusal r = {EC_URI, NULL, NULL, RV_ECONFIG, "TOKEN-PIN-FILE"};
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		r.pin_file = soft_file("pin2", list[i].text, list[i].mode);
		refuses(&r);
	}
	char many[600];
	memset(many, '1', sizeof(many));
	many[sizeof(many) - 1] = '\0';
	r.pin_file = soft_file("pin2", many, 0600);
	refuses(&r);
	unlink(r.pin_file);
	refuses(&r);
	assert_int_equal(symlink(soft_pin_file(), r.pin_file), 0);
	refuses(&r);
	unlink(r.pin_file);
	r.pin_file = soft_folder();
	refuses(&r);
	/* nobody to ask */
	r = (struct refusal){EC_URI, NULL, "", RV_EDENIED, "TOKEN-PIN"};
	refuses(&r);
}

static void a_wrong_pin_is_tried_once(void **state)
{
	struct token_params p = {
		.place = {EC_URI, SOFT_MODULE, soft_file("pin3", "4711-4711", 0600)}};
	struct token *t = NULL;
	struct rv_err e = {0};
	assert_int_equal(token_new(&t, &p, &e), 0);
	assert_int_equal(token_ready(t, &e), RV_EDENIED);
	assert_string_equal(e.rule, "TOKEN-PIN");
	assert_null(strstr(e.text, "not tried again"));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(token_ready(t, &e), RV_EDENIED);
		assert_string_equal(e.rule, "TOKEN-PIN");
		assert_non_null(strstr(e.text, "not tried again"));
		assert_null(strstr(e.text, "4711"));
	}
	/* the right one is taken as soon as it is there */
	soft_file("pin3", SOFT_PIN "\r\n", 0600);
	assert_int_equal(token_ready(t, &e), 0);
	token_free(&t);
}

static void pin_source_in_the_uri(void **state)
{
	static const char *const schemes[] = {"file:", "file://", ""};
	for (size_t i = 0; i < 3; i++) {
		char uri[512];
		struct token *t = NULL;
		struct rv_err e = {0};
		struct rv_buf whole = {0};
		snprintf(uri, sizeof(uri), EC_URI "?pin-source=%s%s", schemes[i], soft_pin_file());
		struct token_params p = {.place = {uri, SOFT_MODULE, NULL}};
		assert_int_equal(token_uri(&p.place, &whole, &e), 0);
		p.place = (struct token_place){.uri = rv_buf_cstr(&whole)};
		assert_int_equal(token_new(&t, &p, &e), 0);
		rv_buf_free(&whole); /* it was copied */
		if (token_ready(t, &e) != 0) {
			fail_msg("%s", e.text);
		}
		token_free(&t);
	}
}

/* ---- making ---- */

static void makes_pairs(void **state)
{
	static const unsigned bits[] = {0, 3072};
	struct rv_err e = {0};
	int before = soft_count("Customs");
	for (size_t i = 0; i < 2; i++) {
		struct token *t = token_of("pkcs11:token=Customs;object=made%20here");
		struct rv_buf sig = {0};
		assert_int_equal(token_ready(t, &e), RV_ENOTFOUND);
		if (token_generate(t, bits[i], &e) != 0 || token_ready(t, &e) != 0) {
			fail_msg("%s", e.text);
		}
		assert_int_equal(token_warnings(t), 0);
		assert_int_equal(token_alg(t), i == 0 ? RV_ALG_ECDSA_P256_SHA256 : RV_ALG_RSA_SHA256);
		assert_int_equal(token_sign(t, "x", 1, &sig, &e), 0);
		assert_int_equal(sig.len, i == 0 ? 64 : 384);
		assert_int_equal(token_generate(t, 0, &e), RV_EEXIST);
		assert_int_equal(token_ready(t, &e), 0);
		assert_int_equal(token_undo(t, &e), 0);
		assert_int_equal(token_undo(t, &e), 0); /* nothing more to do */
		token_free(&t);
		assert_int_equal(soft_count("Customs"), before);
		rv_buf_free(&sig);
	}
	/* named by the id alone */
	struct token *t = token_of("pkcs11:token=Customs;id=%00%ff");
	assert_int_equal(token_generate(t, 1024, &e), RV_EINVAL);
	assert_int_equal(token_generate(t, 0, &e), 0);
	assert_int_equal(token_ready(t, &e), 0);
	assert_int_equal(token_undo(t, &e), 0);
	token_free(&t);
	t = token_of("pkcs11:token=Customs;object=twin");
	assert_int_equal(token_generate(t, 0, &e), RV_EEXIST);
	token_free(&t);
	assert_int_equal(soft_count("Customs"), before);
}

static void warns_of_what_can_leave(void **state)
{
	struct token *t = token_of("pkcs11:token=Customs;object=open");
	assert_int_equal(token_ready(t, NULL), 0);
	assert_int_equal(token_warnings(t), TOKEN_EXTRACTABLE | TOKEN_WAS_OUTSIDE);
	token_free(&t);
}

/* ---- a token that goes away ---- */

static int64_t time_us;
static int64_t clock_now(void *ctx)
{
	return time_us;
}

static void goes_away_and_comes_back(void **state)
{
	struct token_params p = {.place = {EC_URI, SOFT_MODULE, soft_pin_file()},
		.clock = {clock_now, NULL},
		.retry_min_us = 1000,
		.retry_max_us = 3000};
	struct token *t = NULL;
	struct rv_buf sig = {0};
	struct rv_err e = {0};
	assert_int_equal(token_new(&t, &p, &e), 0);
	assert_int_equal(token_sign(t, "x", 1, &sig, &e), 0);
	for (int round = 0; round < 3; round++) {
		assert_int_equal(soft_away(), 0);
		assert_int_equal(token_sign(t, "x", 1, &sig, &e), RV_EAGAIN);
		assert_string_equal(e.rule, "TOKEN-AWAY");
		assert_int_equal(soft_back(), 0);
		/* not before its time */
		time_us += 999;
		assert_int_equal(token_sign(t, "x", 1, &sig, &e), RV_EAGAIN);
		assert_string_equal(e.rule, "TOKEN-AWAY");
		time_us += 1;
		rv_buf_reset(&sig);
		if (token_sign(t, "x", 1, &sig, &e) != 0) {
			fail_msg("%s", e.text);
		}
		assert_int_equal(sig.len, 64);
	}
	/* the wait grows to its bound */
	assert_int_equal(soft_away(), 0);
	assert_int_equal(token_sign(t, "x", 1, &sig, &e), RV_EAGAIN);
	time_us += 1000;
	assert_int_equal(token_sign(t, "x", 1, &sig, &e), RV_EAGAIN);
	time_us += 2000;
	assert_int_equal(token_sign(t, "x", 1, &sig, &e), RV_EAGAIN);
	assert_int_equal(soft_back(), 0);
	time_us += 2999;
	assert_int_equal(token_sign(t, "x", 1, &sig, &e), RV_EAGAIN);
	time_us += 1;
	assert_int_equal(token_sign(t, "x", 1, &sig, &e), 0);
	token_free(&t);
	rv_buf_free(&sig);
}

static void another_key_is_not_taken(void **state)
{
	struct soft_pair pair = {.kind = SOFT_P256, .label = "swap"};
	struct token_params p = {
		.place = {"pkcs11:token=Swap;object=swap", SOFT_MODULE, soft_pin_file()}};
	struct token *t = NULL;
	struct rv_buf sig = {0};
	struct rv_err e = {0};
	assert_int_equal(token_new(&t, &p, &e), 0);
	/* before it was there once, everything else than waiting is told */
	assert_int_equal(token_sign(t, "x", 1, &sig, &e), RV_EAGAIN);
	assert_int_equal(soft_token("Swap"), 0);
	assert_int_equal(token_sign(t, "x", 1, &sig, &e), RV_ENOTFOUND);
	assert_int_equal(soft_pair("Swap", &pair), 0);
	assert_int_equal(token_sign(t, "x", 1, &sig, &e), 0);
	assert_int_equal(soft_away(), 0);
	assert_int_equal(token_sign(t, "x", 1, &sig, &e), RV_EAGAIN);
	char path[128];
	snprintf(path, sizeof(path), "%s/tokens", soft_folder());
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(soft_token("Swap"), 0);
	assert_int_equal(token_sign(t, "x", 1, &sig, &e), RV_EAGAIN);
	assert_string_equal(e.rule, "TOKEN-KEY");
	assert_int_equal(soft_pair("Swap", &pair), 0);
	assert_int_equal(token_sign(t, "x", 1, &sig, &e), RV_EAGAIN);
	assert_string_equal(e.rule, "TOKEN-OTHER");
	char command[256];
	snprintf(command, sizeof(command), "rm -rf '%s'", path);
	assert_int_equal(system(command), 0);
	assert_int_equal(soft_back(), 0);
	if (token_sign(t, "x", 1, &sig, &e) != 0) {
		fail_msg("%s", e.text);
	}
	token_free(&t);
	rv_buf_free(&sig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_with_p256_and_rsa),
		cmocka_unit_test(rsa_signs_with_pss_as_well),
		cmocka_unit_test(certificates_and_lists_through_it),
		cmocka_unit_test(a_key_file_may_name_one),
		cmocka_unit_test(two_tokens_at_once),
		cmocka_unit_test(refuses_forms),
		cmocka_unit_test(refuses_what_is_not_there),
		cmocka_unit_test(refuses_files_of_the_pin),
		cmocka_unit_test(a_wrong_pin_is_tried_once),
		cmocka_unit_test(pin_source_in_the_uri),
		cmocka_unit_test(makes_pairs),
		cmocka_unit_test(warns_of_what_can_leave),
		cmocka_unit_test(goes_away_and_comes_back),
		cmocka_unit_test(another_key_is_not_taken),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
