/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "tests/unit/protocol/chainpki.h"

enum { CERTS = 256, KEYS = 8, ISSUERS = 16 };

static struct cp_cert *made[CERTS];
static size_t n_made;
/* RSA keys are slow to make: one of each size serves a whole test. */
static struct {
	const char *kind;
	EVP_PKEY *key;
} rsa_keys[KEYS];

void cp_clear(void)
{
	while (n_made > 0) {
		struct cp_cert *c = made[--n_made];
		EVP_PKEY_free(c->key);
		X509_free(c->x509);
		rv_buf_free(&c->der);
		free(c);
	}
	for (size_t i = 0; i < KEYS; i++) {
		EVP_PKEY_free(rsa_keys[i].key);
		rsa_keys[i].key = NULL;
	}
}

static EVP_PKEY *rsa_key(const char *kind)
{
	size_t i = 0;
	while (rsa_keys[i].key != NULL && strcmp(rsa_keys[i].kind, kind) != 0) {
		i++;
		assert_true(i < KEYS);
	}
	if (rsa_keys[i].key == NULL) {
		rsa_keys[i].kind = kind;
		rsa_keys[i].key = EVP_RSA_gen((unsigned)atoi(kind + 4));
		assert_non_null(rsa_keys[i].key);
	}
	EVP_PKEY_up_ref(rsa_keys[i].key);
	return rsa_keys[i].key;
}

static EVP_PKEY *new_key(const char *kind)
{
	EVP_PKEY *key = NULL;
	if (kind != NULL && strncmp(kind, "RSA-", 4) == 0) {
		key = rsa_key(kind);
	} else {
		key = EVP_EC_gen(kind != NULL ? kind : "P-256");
	}
	assert_non_null(key);
	return key;
}

static CONF *section_of_names(void)
{
	static const char text[] = "[kenya]\nC=KE\n[permitted_kenya]\npermitted;dirName=kenya\n"
				   "[excluded_kenya]\nexcluded;dirName=kenya\n";
	BIO *bio = BIO_new_mem_buf(text, -1);
	CONF *conf = NCONF_new(NULL);
	long line = 0;
	assert_non_null(bio);
	assert_non_null(conf);
	assert_int_equal(NCONF_load_bio(conf, bio, &line), 1);
	BIO_free(bio);
	return conf;
}

/* Calls add for each extension of the text. */
static void each_ext(const char *exts, X509 *issuer, X509 *subject, X509_CRL *crl,
	int (*add)(void *to, X509_EXTENSION *ext), void *to)
{
	CONF *conf = section_of_names();
	char *copy = strdup(exts != NULL ? exts : "");
	char *rest = NULL;
	X509V3_CTX ctx;
	assert_non_null(copy);
	X509V3_set_ctx(&ctx, issuer, subject, NULL, crl, 0);
	X509V3_set_nconf(&ctx, conf);
	for (char *line = strtok_r(copy, "\n", &rest); line != NULL;
		line = strtok_r(NULL, "\n", &rest)) {
		char *equals = strchr(line, '=');
		assert_non_null(equals);
		*equals = '\0';
		X509_EXTENSION *ext = X509V3_EXT_nconf(conf, &ctx, line, equals + 1);
		if (ext == NULL) {
			ERR_print_errors_fp(stderr);
		}
		assert_non_null(ext);
		assert_int_equal(add(to, ext), 1);
		X509_EXTENSION_free(ext);
	}
	free(copy);
	NCONF_free(conf);
}

static int add_to_cert(void *to, X509_EXTENSION *ext)
{
	return X509_add_ext(to, ext, -1);
}

static int add_to_crl(void *to, X509_EXTENSION *ext)
{
	return X509_CRL_add_ext(to, ext, -1);
}

static int add_to_entry(void *to, X509_EXTENSION *ext)
{
	return X509_REVOKED_add_ext(to, ext, -1);
}

static int add_to_basic(void *to, X509_EXTENSION *ext)
{
	return OCSP_BASICRESP_add_ext(to, ext, -1);
}

static int add_to_single(void *to, X509_EXTENSION *ext)
{
	return OCSP_SINGLERESP_add_ext(to, ext, -1);
}

static ASN1_TIME *time_of(int64_t us)
{
	ASN1_TIME *t = ASN1_TIME_set(NULL, (time_t)(us / CP_SEC));
	assert_non_null(t);
	return t;
}

static ASN1_GENERALIZEDTIME *general_time_of(int64_t us)
{
	ASN1_GENERALIZEDTIME *t = ASN1_GENERALIZEDTIME_set(NULL, (time_t)(us / CP_SEC));
	assert_non_null(t);
	return t;
}

static void set_name(X509_NAME *name, const char *cn)
{
	/* members are Kenyan where their name begins so: for name constraints */
	assert_int_equal(X509_NAME_add_entry_by_txt(name, "C", MBSTRING_UTF8,
				 (const unsigned char *)(strncmp(cn, "FR", 2) == 0 ? "FR" : "KE"),
				 -1, -1, 0),
		1);
	assert_int_equal(X509_NAME_add_entry_by_txt(
				 name, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0),
		1);
}

static void sign_cert(X509 *x, EVP_PKEY *key, const struct cp_make *m)
{
	const EVP_MD *md = m->md != NULL ? m->md : EVP_sha256();
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx = NULL;
	assert_non_null(ctx);
	assert_int_equal(EVP_DigestSignInit(ctx, &pctx, md, NULL, key), 1);
	if (m->pss) {
		assert_true(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) > 0);
		assert_true(EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) > 0);
	}
	if (m->pss == 2) {
		assert_true(EVP_PKEY_CTX_set_rsa_mgf1_md(pctx, EVP_sha1()) > 0);
	}
	assert_true(X509_sign_ctx(x, ctx) > 0);
	EVP_MD_CTX_free(ctx);
}

static struct cp_cert *keep(X509 *x, EVP_PKEY *key)
{
	unsigned char *der = NULL;
	int len = i2d_X509(x, &der);
	struct cp_cert *c = calloc(1, sizeof(*c));
	assert_non_null(c);
	assert_true(len > 0);
	assert_int_equal(rv_buf_put(&c->der, der, (size_t)len), 0);
	OPENSSL_free(der);
	c->key = key;
	c->x509 = x;
	assert_true(n_made < CERTS);
	made[n_made++] = c;
	return c;
}

struct cp_cert *cp_make(const struct cp_make *m)
{
	X509 *x = X509_new();
	EVP_PKEY *key = m->key;
	assert_non_null(x);
	if (key != NULL) {
		EVP_PKEY_up_ref(key);
	} else {
		key = new_key(m->kind);
	}
	X509 *issuer = m->by != NULL ? m->by->x509 : x;
	ASN1_TIME *from = time_of(m->from != 0 ? m->from : CP_NOW - 365 * CP_DAY);
	ASN1_TIME *to = time_of(m->to != 0 ? m->to : CP_NOW + 365 * CP_DAY);
	assert_int_equal(X509_set_version(x, X509_VERSION_3), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x),
				 m->serial != 0 ? m->serial : (long)n_made + 1000),
		1);
	set_name(X509_get_subject_name(x), m->name);
	assert_int_equal(X509_set_issuer_name(x, X509_get_subject_name(issuer)), 1);
	assert_int_equal(X509_set1_notBefore(x, from), 1);
	assert_int_equal(X509_set1_notAfter(x, to), 1);
	assert_int_equal(X509_set_pubkey(x, key), 1);
	each_ext(m->exts, issuer, x, NULL, add_to_cert, x);
	sign_cert(x, m->by != NULL ? m->by->key : key, m);
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	return keep(x, key);
}

struct cp_cert *cp_tamper(const struct cp_cert *c)
{
	struct rv_buf der = {0};
	assert_int_equal(rv_buf_put(&der, c->der.data, c->der.len), 0);
	der.data[der.len - 1] ^= 1;
	const unsigned char *p = der.data;
	X509 *x = d2i_X509(NULL, &p, (long)der.len);
	assert_non_null(x);
	EVP_PKEY_up_ref(c->key);
	rv_buf_free(&der);
	return keep(x, c->key);
}

struct rv_chain *cp_chain(const struct cp_cert *const *issuers)
{
	struct rv_chain_issuer in[ISSUERS] = {{.n_members = 0}};
	struct rv_chain *chain = NULL;
	struct rv_err e = {0};
	size_t n = 0;
	for (; issuers[n] != NULL; n++) {
		assert_true(n < ISSUERS);
		in[n].der = (struct rv_span){issuers[n]->der.data, issuers[n]->der.len};
	}
	int rc = rv_chain_new(&chain, in, n, &e);
	if (rc != 0) {
		print_error("%s: %s\n", e.rule, e.text);
	}
	assert_int_equal(rc, 0);
	return chain;
}

/* ---- CRL ---- */

static void add_entry(X509_CRL *crl, const struct cp_entry *in)
{
	X509_REVOKED *r = X509_REVOKED_new();
	ASN1_INTEGER *serial = ASN1_INTEGER_new();
	ASN1_TIME *at = time_of(in->at != 0 ? in->at : CP_NOW - 10 * CP_DAY);
	assert_non_null(r);
	assert_non_null(serial);
	assert_int_equal(ASN1_INTEGER_set(serial, in->serial), 1);
	assert_int_equal(X509_REVOKED_set_serialNumber(r, serial), 1);
	assert_int_equal(X509_REVOKED_set_revocationDate(r, at), 1);
	if (in->reason >= 0) {
		ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();
		assert_int_equal(ASN1_ENUMERATED_set(reason, in->reason), 1);
		assert_int_equal(X509_REVOKED_add1_ext_i2d(r, NID_crl_reason, reason, 0, 0), 1);
		ASN1_ENUMERATED_free(reason);
	}
	if (in->invalid != 0) {
		ASN1_GENERALIZEDTIME *t = general_time_of(in->invalid);
		assert_int_equal(X509_REVOKED_add1_ext_i2d(r, NID_invalidity_date, t, 0, 0), 1);
		ASN1_GENERALIZEDTIME_free(t);
	}
	each_ext(in->exts, NULL, NULL, crl, add_to_entry, r);
	assert_int_equal(X509_CRL_add0_revoked(crl, r), 1);
	ASN1_INTEGER_free(serial);
	ASN1_TIME_free(at);
}

void cp_crl(struct rv_buf *out, const struct cp_crl *c)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *this_update = time_of(c->this_us != 0 ? c->this_us : CP_NOW - CP_HOUR);
	ASN1_TIME *next = time_of(c->next_us > 0 ? c->next_us : CP_NOW + CP_DAY);
	assert_non_null(crl);
	if (!c->v1) {
		assert_int_equal(X509_CRL_set_version(crl, X509_CRL_VERSION_2), 1);
	}
	assert_int_equal(X509_CRL_set_issuer_name(crl, X509_get_subject_name(c->by->x509)), 1);
	assert_int_equal(X509_CRL_set1_lastUpdate(crl, this_update), 1);
	if (c->next_us != -1) {
		assert_int_equal(X509_CRL_set1_nextUpdate(crl, next), 1);
	}
	for (const struct cp_entry *in = c->entries; in != NULL && in->serial != 0; in++) {
		add_entry(crl, in);
	}
	each_ext(c->exts, c->by->x509, NULL, crl, add_to_crl, crl);
	EVP_PKEY *key = c->key != NULL ? c->key : c->by->key;
	assert_true(X509_CRL_sign(crl, key, c->md != NULL ? c->md : EVP_sha256()) > 0);
	BIO *bio = BIO_new(BIO_s_mem());
	char *data = NULL;
	assert_non_null(bio);
	assert_int_equal(c->pem ? PEM_write_bio_X509_CRL(bio, crl) : i2d_X509_CRL_bio(bio, crl), 1);
	long len = BIO_get_mem_data(bio, &data);
	assert_int_equal(rv_buf_put(out, data, (size_t)len), 0);
	BIO_free(bio);
	ASN1_TIME_free(this_update);
	ASN1_TIME_free(next);
	X509_CRL_free(crl);
}

/* ---- OCSP ---- */

static void add_answer(OCSP_BASICRESP *basic, const struct cp_ocsp *o, int64_t this_us)
{
	ASN1_TIME *revoked = time_of(o->revoked_us != 0 ? o->revoked_us : CP_NOW - 10 * CP_DAY);
	ASN1_GENERALIZEDTIME *this_update = general_time_of(this_us);
	ASN1_GENERALIZEDTIME *next =
		o->next_us != -1 ? general_time_of(o->next_us != 0 ? o->next_us : CP_NOW + CP_DAY)
				 : NULL;
	OCSP_CERTID *id = OCSP_cert_to_id(
		o->id_md != NULL ? o->id_md : EVP_sha1(), o->cert->x509, o->issuer->x509);
	assert_non_null(id);
	OCSP_SINGLERESP *single = OCSP_basic_add1_status(basic, id, o->status, o->reason,
		o->status == V_OCSP_CERTSTATUS_REVOKED ? revoked : NULL, this_update, next);
	assert_non_null(single);
	if (o->in_answer) {
		each_ext(o->ext, NULL, NULL, NULL, add_to_single, single);
	}
	OCSP_CERTID_free(id);
	ASN1_TIME_free(revoked);
	ASN1_GENERALIZEDTIME_free(this_update);
	ASN1_GENERALIZEDTIME_free(next);
}

void cp_ocsp(struct rv_buf *out, const struct cp_ocsp *o)
{
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	const struct cp_cert *by = o->by != NULL ? o->by : o->issuer;
	int64_t this_us = o->this_us != 0 ? o->this_us : CP_NOW - CP_HOUR;
	unsigned char nonce[RV_OCSP_NONCE_MAX];
	unsigned char *der = NULL;
	ASN1_GENERALIZEDTIME *produced;
	assert_non_null(basic);
	add_answer(basic, o, this_us);
	if (o->twice) {
		add_answer(basic, o, this_us);
	}
	if (!o->in_answer) {
		each_ext(o->ext, NULL, NULL, NULL, add_to_basic, basic);
	}
	if (o->nonce.len > 0) {
		assert_true(o->nonce.len <= sizeof(nonce));
		memcpy(nonce, o->nonce.data, o->nonce.len);
		assert_int_equal(OCSP_basic_add1_nonce(basic, nonce, (int)o->nonce.len), 1);
	}
	/* there is no other way to set producedAt to anything but now */
	const ASN1_GENERALIZEDTIME *field = OCSP_resp_get0_produced_at(basic);
	memcpy(&produced, &field, sizeof(produced));
	assert_non_null(ASN1_GENERALIZEDTIME_set(
		produced, (time_t)((o->produced_us != 0 ? o->produced_us : this_us) / CP_SEC)));
	assert_int_equal(
		OCSP_basic_sign(basic, by->x509, by->key, o->md != NULL ? o->md : EVP_sha256(),
			NULL, o->flags | OCSP_NOTIME | (by == o->issuer ? OCSP_NOCERTS : 0)),
		1);
	OCSP_RESPONSE *resp = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	assert_non_null(resp);
	int len = i2d_OCSP_RESPONSE(resp, &der);
	assert_true(len > 0);
	assert_int_equal(rv_buf_put(out, der, (size_t)len), 0);
	OPENSSL_free(der);
	OCSP_RESPONSE_free(resp);
	OCSP_BASICRESP_free(basic);
}
