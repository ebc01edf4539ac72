/* SPDX-License-Identifier: Apache-2.0 */
#include "node/token/token.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

#include "node/token/token_int.h"
#include "protocol/cert.h"

static const char probe[] = "REEVE-TOKEN-1";

/* ---- life ---- */

int token_new(struct token **t_r, const struct token_params *p, struct rv_err *e)
{
	struct token *t = calloc(1, sizeof(*t));
	if (t == NULL) {
		return rv_fail_nomem(e);
	}
	int rc = token_uri_read(&t->uri, &p->place, e);
	if (rc != 0) {
		free(t);
		return rc;
	}
	atomic_init(&t->owners, 1);
	t->ask = p->ask;
	t->ask_ctx = p->ask_ctx;
	t->clock = p->clock;
	t->retry_min_us = p->retry_min_us;
	t->retry_max_us = p->retry_max_us;
	*t_r = t;
	return 0;
}

struct token *token_ref(struct token *t)
{
	atomic_fetch_add(&t->owners, 1);
	return t;
}

void token_free(struct token **t_p)
{
	if (t_p == NULL || *t_p == NULL) {
		return;
	}
	struct token *t = *t_p;
	*t_p = NULL;
	if (atomic_fetch_sub(&t->owners, 1) != 1) {
		return;
	}
	token_session_close(t);
	if (t->library != NULL) {
		dlclose(t->library);
	}
	EVP_PKEY_free(t->public_key);
	token_uri_clear(&t->uri);
	OPENSSL_cleanse(t, sizeof(*t));
	free(t);
}

enum rv_sig_alg token_alg(const struct token *t)
{
	return t->alg;
}

unsigned token_warnings(const struct token *t)
{
	return t->warnings;
}

/* ---- opening ---- */

/* Is it the key of before? The first one is. */
static int take_key(struct token *t, struct token_about *a, struct rv_err *e)
{
	if (t->public_key != NULL && EVP_PKEY_eq(t->public_key, a->public_key) != 1) {
		ERR_clear_error();
		rv_fail_rule(e, RV_EEXIST, "TOKEN-OTHER",
			"the token has another key than before under the same name");
		rv_err_mend(e,
			"Put the former key back, or restart the node if it has the certificate of "
			"the new one.");
		return RV_EEXIST;
	}
	if (t->public_key == NULL) {
		t->public_key = a->public_key;
		a->public_key = NULL;
	}
	t->alg = a->alg;
	t->warnings = a->warnings;
	t->always_authenticate = a->always_authenticate;
	return 0;
}

/* A public key object that does not belong to the private one would give a useless certificate. */
static int prove(struct token *t, struct rv_err *e)
{
	EVP_PKEY *key = NULL;
	struct rv_buf sig = {0};
	int rc = token_provider_key(t, &key, e);
	if (rc == 0) {
		t->last.code = 0;
		t->proving = 1;
		rc = rv_key_sign(key, t->alg, probe, sizeof(probe), &sig, e);
		t->proving = 0;
		if (rc != 0 && t->last.code != 0) {
			rc = t->last.code;
			if (e != NULL) {
				*e = t->last;
			}
		}
	}
	if (rc == 0 && rv_key_verify(t->public_key, t->alg, probe, sizeof(probe), sig.data, sig.len,
			       NULL) != 0) {
		rv_fail_rule(e, RV_ECONFIG, "TOKEN-PUBLIC",
			"the public key in the token does not belong to the private one");
		rv_err_mend(e, "Store the right public key under the id of the private one.");
		rc = RV_ECONFIG;
	}
	EVP_PKEY_free(key);
	rv_buf_free(&sig);
	return rc;
}

static int open_now(struct token *t, struct rv_err *e)
{
	struct token_about about = {0};
	ERR_set_mark();
	int rc = token_session_open(t, 0, e);
	if (rc == 0) {
		rc = token_session_find(t, &t->key, e);
	}
	if (rc == 0) {
		rc = token_object_read(t, t->key, &about, e);
	}
	if (rc == 0) {
		rc = take_key(t, &about, e);
	}
	EVP_PKEY_free(about.public_key);
	if (rc == 0) {
		t->open = 1;
		rc = prove(t, e);
	}
	if (rc != 0) {
		token_session_close(t);
	}
	ERR_pop_to_mark(); /* a module in software leaves its own errors in OpenSSL's queue */
	return rc;
}

static int64_t now_us(const struct token *t)
{
	return t->clock.now_us != NULL ? t->clock.now_us(t->clock.ctx) : 0;
}

static void put_off(struct token *t, const struct rv_err *why)
{
	t->last = *why;
	t->wait_us = t->wait_us == 0 ? t->retry_min_us : 2 * t->wait_us;
	t->wait_us = t->wait_us > t->retry_max_us ? t->retry_max_us : t->wait_us;
	t->next_us = now_us(t) + t->wait_us;
}

/* As token_ready, without respect to the back-off. */
static int open_again(struct token *t, struct rv_err *e)
{
	struct rv_err why = {0};
	int rc = open_now(t, &why);
	if (rc == 0) {
		t->proved = 1;
		t->last.code = 0;
		t->wait_us = t->next_us = 0;
		return 0;
	}
	put_off(t, &why);
	if (e != NULL) {
		*e = why;
	}
	return rc;
}

int token_ready(struct token *t, struct rv_err *e)
{
	if (t->open) {
		return 0;
	}
	if (t->last.code != 0 && now_us(t) < t->next_us) {
		if (e != NULL) {
			*e = t->last;
		}
		return t->last.code;
	}
	return open_again(t, e);
}

/* ---- making ---- */

int token_generate(struct token *t, unsigned rsa_bits, struct rv_err *e)
{
	if (rsa_bits != 0 && (rsa_bits < 2048 || rsa_bits > 8192)) {
		return rv_fail(e, RV_EINVAL, "RSA keys have 2048 to 8192 bits, not %u", rsa_bits);
	}
	token_session_close(t);
	int rc = token_session_open(t, 1, e);
	if (rc == 0) {
		rc = token_session_generate(t, rsa_bits, e);
	}
	token_session_close(t);
	t->last.code = 0;
	return rc;
}

int token_undo(struct token *t, struct rv_err *e)
{
	if (t->made_id_len == 0) {
		return 0;
	}
	token_session_close(t);
	int rc = token_session_open(t, 1, e);
	if (rc == 0) {
		rc = token_session_destroy(t, e);
	}
	token_session_close(t);
	if (rc == 0) {
		t->made_id_len = 0;
	}
	return rc;
}

/* ---- signing ---- */

static CK_ULONG digest_info(uint8_t out[64], const uint8_t digest[RV_DIGEST_LEN])
{
	static const uint8_t sha256[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
		0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
	memcpy(out, sha256, sizeof(sha256));
	memcpy(out + sizeof(sha256), digest, RV_DIGEST_LEN);
	return sizeof(sha256) + RV_DIGEST_LEN;
}

static int sign_once(struct token *t, enum rv_sig_alg alg, const uint8_t digest[RV_DIGEST_LEN],
	uint8_t *out, size_t *len_r, struct rv_err *e)
{
	CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA256, CKG_MGF1_SHA256, RV_DIGEST_LEN};
	CK_MECHANISM how = {CKM_ECDSA, NULL, 0};
	CK_BYTE in[64];
	CK_ULONG in_len = RV_DIGEST_LEN;
	CK_ULONG len = TOKEN_RSA_MAX;
	memcpy(in, digest, RV_DIGEST_LEN);
	if (alg == RV_ALG_RSA_SHA256) {
		how.mechanism = CKM_RSA_PKCS;
		in_len = digest_info(in, digest);
	} else if (alg == RV_ALG_RSA_PSS_SHA256) {
		how = (CK_MECHANISM){CKM_RSA_PKCS_PSS, &pss, sizeof(pss)};
	}
	CK_RV rv = t->f->C_SignInit(t->session, &how, t->key);
	if (rv != CKR_OK) {
		return token_fail_ck(e, "C_SignInit", rv);
	}
	if (t->always_authenticate) {
		int rc = token_session_login_again(t, e);
		if (rc != 0) {
			return rc;
		}
	}
	rv = t->f->C_Sign(t->session, in, in_len, out, &len);
	if (rv != CKR_OK) {
		return token_fail_ck(e, "C_Sign", rv);
	}
	if (alg == RV_ALG_ECDSA_P256_SHA256 && len != 64) {
		return rv_fail_rule(e, RV_EAGAIN, "TOKEN-AWAY",
			"the token gave %lu bytes for a P-256 signature", len);
	}
	*len_r = len;
	return 0;
}

int token_sign_digest(struct token *t, enum rv_sig_alg alg, const uint8_t digest[RV_DIGEST_LEN],
	uint8_t *out, size_t *len_r)
{
	struct rv_err e = {0};
	int was_open = t->open;
	if (t->proving) {
		int failed = sign_once(t, alg, digest, out, len_r, &e);
		t->last = e;
		return failed;
	}
	int rc = token_ready(t, NULL);
	if (rc != 0) {
		return rc;
	}
	rc = sign_once(t, alg, digest, out, len_r, &e);
	if (rc != 0 && was_open) {
		/* the session may have ended while nobody looked */
		token_session_close(t);
		rc = open_again(t, NULL);
		if (rc != 0) {
			return rc;
		}
		rc = sign_once(t, alg, digest, out, len_r, &e);
	}
	if (rc != 0) {
		token_session_close(t);
		put_off(t, &e);
	}
	return rc;
}

static int sign(struct token *t, const void *data, size_t len, struct rv_buf *out, struct rv_err *e)
{
	EVP_PKEY *key = NULL;
	int rc = token_ready(t, e);
	if (rc == 0) {
		rc = token_provider_key(t, &key, e);
	}
	if (rc == 0) {
		t->last.code = 0;
		rc = rv_key_sign(key, t->alg, data, len, out, e);
		if (rc != 0 && t->last.code != 0) {
			*e = t->last;
			rc = e->code;
		}
	}
	EVP_PKEY_free(key);
	return rc;
}

int token_sign(struct token *t, const void *data, size_t len, struct rv_buf *out, struct rv_err *e)
{
	struct rv_err why = {0};
	int rc = sign(t, data, len, out, &why);
	if (rc != 0 && t->proved) {
		rc = why.code = RV_EAGAIN;
	}
	if (rc != 0 && e != NULL) {
		*e = why;
	}
	return rc;
}

static int signer_sign(
	void *ctx, const void *data, size_t len, struct rv_buf *out, struct rv_err *e)
{
	return token_sign(ctx, data, len, out, e);
}

void token_signer(struct token *t, struct rv_signer *signer_r)
{
	*signer_r = (struct rv_signer){.sign = signer_sign, .ctx = t, .alg = t->alg};
}

/* ---- for OpenSSL ---- */

int token_key(struct token *t, EVP_PKEY **key_r, struct rv_err *e)
{
	int rc = token_ready(t, e);
	return rc == 0 ? token_provider_key(t, key_r, e) : rc;
}

int token_key_open(EVP_PKEY **key_r, const char *uri,
	int (*ask)(void *ctx, char *out, size_t size), void *ask_ctx, struct rv_err *e)
{
	struct token_params p = {.place = {.uri = uri}, .ask = ask, .ask_ctx = ask_ctx};
	struct token *t = NULL;
	int rc = token_new(&t, &p, e);
	if (rc == 0) {
		rc = token_key(t, key_r, e);
	}
	token_free(&t);
	return rc;
}
