/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>

#include "node/token/token_int.h"

/*
 * Keys of a token as OpenSSL 3 takes foreign keys: by a provider, which has key management and
 * signatures and nothing else. It lives in a library context of its own, so that nothing is ever
 * looked for in it by accident; keys that were made in that context bring their provider along. All
 * else (digests, public keys, verification) is done by the default context.
 */

#define OURS "reeve.token" /* parameter: the token, as a pointer within this process */

typedef void (*function)(void);

/* ---- keys ---- */

struct token_key {
	struct token *token;  /* NULL: only the public key is here, for a comparison */
	EVP_PKEY *public_key; /* of the default provider */
};

static void *key_new(void *provider)
{
	return calloc(1, sizeof(struct token_key));
}

static void key_free(void *data)
{
	struct token_key *k = data;
	if (k != NULL) {
		token_free(&k->token);
		EVP_PKEY_free(k->public_key);
		free(k);
	}
}

static int key_has(const void *data, int selection)
{
	const struct token_key *k = data;
	if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 && k->token == NULL) {
		return 0;
	}
	return k->public_key != NULL;
}

static int key_match(const void *a, const void *b, int selection)
{
	const struct token_key *x = a;
	const struct token_key *y = b;
	return EVP_PKEY_eq(x->public_key, y->public_key) == 1;
}

static int import_public(struct token_key *k, const char *type, const OSSL_PARAM *params)
{
	OSSL_PARAM *copy = OSSL_PARAM_dup(params);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	int ok = copy != NULL && ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
		 EVP_PKEY_fromdata(ctx, &k->public_key, EVP_PKEY_PUBLIC_KEY, copy) == 1;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(copy);
	return ok;
}

static int import(struct token_key *k, const char *type, const OSSL_PARAM *params)
{
	const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, OURS);
	const void *token = NULL;
	size_t size = 0;
	if (p == NULL) {
		return import_public(k, type, params);
	}
	if (OSSL_PARAM_get_octet_ptr(p, &token, &size) != 1 || size != sizeof(struct token)) {
		return 0;
	}
	union {
		const void *given;
		struct token *token;
	} t = {.given = token};
	if (EVP_PKEY_up_ref(t.token->public_key) != 1) {
		return 0;
	}
	k->public_key = t.token->public_key;
	k->token = token_ref(t.token);
	return 1;
}

static int import_ec(void *data, int selection, const OSSL_PARAM *params)
{
	return import(data, "EC", params);
}

static int import_rsa(void *data, int selection, const OSSL_PARAM *params)
{
	return import(data, "RSA", params);
}

static const OSSL_PARAM *import_types(int selection)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_octet_ptr(OURS, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
		OSSL_PARAM_END,
	};
	return types;
}

/* The public half alone: whoever wants the private one has to sign here. */
static int key_export(void *data, int selection, OSSL_CALLBACK *callback, void *arg)
{
	const struct token_key *k = data;
	OSSL_PARAM *params = NULL;
	if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 ||
		EVP_PKEY_todata(k->public_key, EVP_PKEY_PUBLIC_KEY, &params) != 1) {
		return 0;
	}
	int ok = callback(params, arg);
	OSSL_PARAM_free(params);
	return ok;
}

static int key_get_params(void *data, OSSL_PARAM *params)
{
	const struct token_key *k = data;
	return EVP_PKEY_get_params(k->public_key, params);
}

static const OSSL_PARAM *key_gettable(void *provider)
{
	static const OSSL_PARAM params[] = {
		OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
		OSSL_PARAM_END,
	};
	return params;
}

static const char *ec_signs_as(int operation)
{
	return "ECDSA";
}

static const char *rsa_signs_as(int operation)
{
	return "RSA";
}

#define KEY_MANAGEMENT(import_, signs_as_)                                                         \
	{OSSL_FUNC_KEYMGMT_NEW, (function)key_new}, {OSSL_FUNC_KEYMGMT_FREE, (function)key_free},  \
		{OSSL_FUNC_KEYMGMT_HAS, (function)key_has},                                        \
		{OSSL_FUNC_KEYMGMT_MATCH, (function)key_match},                                    \
		{OSSL_FUNC_KEYMGMT_IMPORT, (function)import_},                                     \
		{OSSL_FUNC_KEYMGMT_IMPORT_TYPES, (function)import_types},                          \
		{OSSL_FUNC_KEYMGMT_EXPORT, (function)key_export},                                  \
		{OSSL_FUNC_KEYMGMT_EXPORT_TYPES, (function)import_types},                          \
		{OSSL_FUNC_KEYMGMT_GET_PARAMS, (function)key_get_params},                          \
		{OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, (function)key_gettable},                       \
		{OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, (function)signs_as_}, {0, NULL}

static const OSSL_DISPATCH ec_keys[] = {KEY_MANAGEMENT(import_ec, ec_signs_as)};
static const OSSL_DISPATCH rsa_keys[] = {KEY_MANAGEMENT(import_rsa, rsa_signs_as)};

/* ---- signatures ---- */

struct signing {
	struct token_key *key; /* borrowed: whoever signs holds it */
	EVP_MD_CTX *digest;
	enum rv_sig_alg alg;
};

/* AlgorithmIdentifiers (RFC 5758, 3.2; RFC 4055, 5 and 6) */
static const uint8_t id_ecdsa[] = {
	0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
static const uint8_t id_rsa[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01,
	0x01, 0x0b, 0x05, 0x00};
static const uint8_t id_pss[] = {0x30, 0x41, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01,
	0x01, 0x0a, 0x30, 0x34, 0xa0, 0x0f, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
	0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0xa1, 0x1c, 0x30, 0x1a, 0x06, 0x09, 0x2a, 0x86, 0x48,
	0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
	0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0xa2, 0x03, 0x02, 0x01, 0x20};

static void *signing_new(void *provider, const char *properties)
{
	struct signing *s = calloc(1, sizeof(*s));
	if (s != NULL && (s->digest = EVP_MD_CTX_new()) == NULL) {
		free(s);
		s = NULL;
	}
	return s;
}

static void signing_free(void *ctx)
{
	struct signing *s = ctx;
	if (s != NULL) {
		EVP_MD_CTX_free(s->digest);
		free(s);
	}
}

static void *signing_dup(void *ctx)
{
	const struct signing *from = ctx;
	struct signing *s = signing_new(NULL, NULL);
	if (s != NULL && EVP_MD_CTX_copy_ex(s->digest, from->digest) != 1) {
		signing_free(s);
		return NULL;
	}
	if (s != NULL) {
		s->key = from->key;
		s->alg = from->alg;
	}
	return s;
}

static int is_word(const OSSL_PARAM *p, const char *word)
{
	const char *text = NULL;
	return OSSL_PARAM_get_utf8_string_ptr(p, &text) == 1 && text != NULL &&
	       OPENSSL_strcasecmp(text, word) == 0;
}

static int is_sha256(const char *name)
{
	return name == NULL || OPENSSL_strcasecmp(name, "SHA256") == 0 ||
	       OPENSSL_strcasecmp(name, "SHA2-256") == 0 ||
	       OPENSSL_strcasecmp(name, "SHA-256") == 0;
}

static int set_padding(struct signing *s, const OSSL_PARAM *p)
{
	int mode = 0;
	int is_number = p->data_type != OSSL_PARAM_UTF8_STRING && OSSL_PARAM_get_int(p, &mode) == 1;
	if (is_number ? mode == 6 : is_word(p, OSSL_PKEY_RSA_PAD_MODE_PSS)) {
		s->alg = RV_ALG_RSA_PSS_SHA256;
		return 1;
	}
	if (is_number ? mode == 1 : is_word(p, OSSL_PKEY_RSA_PAD_MODE_PKCSV15)) {
		s->alg = RV_ALG_RSA_SHA256;
		return 1;
	}
	return 0;
}

/* 32 bytes, however they are written. */
static int is_salt(const OSSL_PARAM *p)
{
	int n = 0;
	if (p->data_type == OSSL_PARAM_UTF8_STRING) {
		return is_word(p, OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST) || is_word(p, "32");
	}
	return OSSL_PARAM_get_int(p, &n) == 1 && (n == RV_DIGEST_LEN || n == -1);
}

static int signing_set(void *ctx, const OSSL_PARAM params[])
{
	struct signing *s = ctx;
	const char *name = NULL;
	const OSSL_PARAM *p;
	if (params == NULL) {
		return 1;
	}
	if ((p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE)) != NULL &&
		(s->alg == RV_ALG_ECDSA_P256_SHA256 || !set_padding(s, p))) {
		return 0;
	}
	if ((p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN)) != NULL &&
		!is_salt(p)) {
		return 0;
	}
	if ((p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_MGF1_DIGEST)) != NULL &&
		(OSSL_PARAM_get_utf8_string_ptr(p, &name) != 1 || !is_sha256(name))) {
		return 0;
	}
	return 1;
}

static const OSSL_PARAM *signing_settable(void *ctx, void *provider)
{
	static const OSSL_PARAM params[] = {
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, NULL, 0),
		OSSL_PARAM_END,
	};
	return params;
}

static int signing_get(void *ctx, OSSL_PARAM params[])
{
	const struct signing *s = ctx;
	OSSL_PARAM *p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_ALGORITHM_ID);
	if (p == NULL) {
		return 1;
	}
	if (s->alg == RV_ALG_ECDSA_P256_SHA256) {
		return OSSL_PARAM_set_octet_string(p, id_ecdsa, sizeof(id_ecdsa));
	}
	return s->alg == RV_ALG_RSA_SHA256
		       ? OSSL_PARAM_set_octet_string(p, id_rsa, sizeof(id_rsa))
		       : OSSL_PARAM_set_octet_string(p, id_pss, sizeof(id_pss));
}

static const OSSL_PARAM *signing_gettable(void *ctx, void *provider)
{
	static const OSSL_PARAM params[] = {
		OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, NULL, 0),
		OSSL_PARAM_END,
	};
	return params;
}

static int verify_init(void *ctx, const char *digest, void *key, const OSSL_PARAM params[])
{
	struct signing *s = ctx;
	s->key = key;
	if (s->key == NULL || !is_sha256(digest)) {
		return 0;
	}
	s->alg = s->key->token != NULL			      ? s->key->token->alg
		 : EVP_PKEY_is_a(s->key->public_key, "EC") ? RV_ALG_ECDSA_P256_SHA256
							      : RV_ALG_RSA_SHA256;
	return signing_set(s, params) && EVP_DigestInit_ex(s->digest, EVP_sha256(), NULL) == 1;
}

static int sign_init(void *ctx, const char *digest, void *key, const OSSL_PARAM params[])
{
	const struct token_key *k = key;
	return k != NULL && k->token != NULL && verify_init(ctx, digest, key, params);
}

static int sign_update(void *ctx, const unsigned char *data, size_t len)
{
	struct signing *s = ctx;
	return EVP_DigestUpdate(s->digest, data, len);
}

/* r || s as the DER that OpenSSL's callers expect. */
static int put_der(const uint8_t raw[64], unsigned char *out, size_t *len_r, size_t size)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, 32, NULL);
	BIGNUM *s = BN_bin2bn(raw + 32, 32, NULL);
	unsigned char *der = NULL;
	int len = -1;
	if (sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1) {
		r = s = NULL; /* it owns them now */
		len = i2d_ECDSA_SIG(sig, &der);
	}
	int ok = len > 0 && (size_t)len <= size;
	if (ok) {
		memcpy(out, der, (size_t)len);
		*len_r = (size_t)len;
	}
	OPENSSL_free(der);
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	return ok;
}

static int fail_with_reason(const struct token *t)
{
	ERR_new();
	ERR_set_error(ERR_LIB_PROV, ERR_R_OPERATION_FAIL, "%s", t->last.text);
	return 0;
}

static int sign_final(void *ctx, unsigned char *out, size_t *len_r, size_t size)
{
	struct signing *s = ctx;
	uint8_t digest[RV_DIGEST_LEN];
	uint8_t value[TOKEN_RSA_MAX];
	size_t len = 0;
	size_t needed = (size_t)EVP_PKEY_get_size(s->key->public_key);
	if (out == NULL) {
		*len_r = needed;
		return 1;
	}
	if (size < needed || EVP_DigestFinal_ex(s->digest, digest, NULL) != 1) {
		return 0;
	}
	if (token_sign_digest(s->key->token, s->alg, digest, value, &len) != 0) {
		return fail_with_reason(s->key->token);
	}
	if (s->alg == RV_ALG_ECDSA_P256_SHA256) {
		return put_der(value, out, len_r, size);
	}
	if (len > size) {
		return 0;
	}
	memcpy(out, value, len);
	*len_r = len;
	return 1;
}

static int sign_at_once(void *ctx, unsigned char *out, size_t *len_r, size_t size,
	const unsigned char *data, size_t len)
{
	return (out == NULL || sign_update(ctx, data, len)) && sign_final(ctx, out, len_r, size);
}

/* A certificate that was just issued keeps the key it was made with, and is verified by that. */
static int verify_final(void *ctx, const unsigned char *sig, size_t len)
{
	struct signing *s = ctx;
	uint8_t digest[RV_DIGEST_LEN];
	EVP_PKEY_CTX *v = EVP_PKEY_CTX_new_from_pkey(NULL, s->key->public_key, NULL);
	int ok = v != NULL && EVP_DigestFinal_ex(s->digest, digest, NULL) == 1 &&
		 EVP_PKEY_verify_init(v) == 1 &&
		 (s->alg != RV_ALG_RSA_PSS_SHA256 ||
			 (EVP_PKEY_CTX_set_rsa_padding(v, RSA_PKCS1_PSS_PADDING) > 0 &&
				 EVP_PKEY_CTX_set_rsa_pss_saltlen(v, RSA_PSS_SALTLEN_DIGEST) > 0)) &&
		 EVP_PKEY_CTX_set_signature_md(v, EVP_sha256()) > 0 &&
		 EVP_PKEY_verify(v, sig, len, digest, sizeof(digest)) == 1;
	EVP_PKEY_CTX_free(v);
	return ok;
}

static const OSSL_DISPATCH signatures[] = {
	{OSSL_FUNC_SIGNATURE_NEWCTX, (function)signing_new},
	{OSSL_FUNC_SIGNATURE_FREECTX, (function)signing_free},
	{OSSL_FUNC_SIGNATURE_DUPCTX, (function)signing_dup},
	{OSSL_FUNC_SIGNATURE_DIGEST_SIGN, (function)sign_at_once},
	{OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, (function)sign_init},
	{OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, (function)sign_update},
	{OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, (function)sign_final},
	{OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_INIT, (function)verify_init},
	{OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_UPDATE, (function)sign_update},
	{OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_FINAL, (function)verify_final},
	{OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, (function)signing_get},
	{OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, (function)signing_gettable},
	{OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, (function)signing_set},
	{OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, (function)signing_settable},
	{0, NULL},
};

/* ---- the provider ---- */

static const OSSL_ALGORITHM key_managements[] = {
	{"EC:id-ecPublicKey:1.2.840.10045.2.1", "provider=reeve-token", ec_keys, "P-256 in a token"},
	{"RSA:rsaEncryption:1.2.840.113549.1.1.1", "provider=reeve-token", rsa_keys,
		"RSA in a token"},
	{NULL, NULL, NULL, NULL},
};
static const OSSL_ALGORITHM signature_algorithms[] = {
	{"ECDSA", "provider=reeve-token", signatures, "ECDSA in a token"},
	{"RSA:rsaEncryption:1.2.840.113549.1.1.1", "provider=reeve-token", signatures,
		"RSA in a token"},
	{NULL, NULL, NULL, NULL},
};

static const OSSL_ALGORITHM *query(void *provider, int operation, int *no_cache)
{
	*no_cache = 0;
	return operation == OSSL_OP_KEYMGMT	 ? key_managements
	       : operation == OSSL_OP_SIGNATURE ? signature_algorithms
						: NULL;
}

static int provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
	const OSSL_DISPATCH **out, void **ctx_r)
{
	static const OSSL_DISPATCH functions[] = {
		{OSSL_FUNC_PROVIDER_QUERY_OPERATION, (function)query},
		{0, NULL},
	};
	static int something; /* OpenSSL 3.0 wants a context, and never looks into it */
	*out = functions;
	*ctx_r = &something;
	return 1;
}

/* One for the process, never changed once it is made: keys hold on to it for as long as they live,
 * so nobody could say when it may go. */
static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
static OSSL_LIB_CTX *library;

static void make_library(void)
{
	OSSL_LIB_CTX *made = OSSL_LIB_CTX_new();
	/* the default one has the encoders of public keys */
	if (made != NULL && OSSL_PROVIDER_load(made, "default") != NULL &&
		OSSL_PROVIDER_add_builtin(made, "reeve-token", provider_init) == 1 &&
		OSSL_PROVIDER_load(made, "reeve-token") != NULL) {
		library = made;
		return;
	}
	OSSL_LIB_CTX_free(made);
}

int token_provider_key(struct token *t, EVP_PKEY **key_r, struct rv_err *e)
{
	const char *type = t->alg == RV_ALG_ECDSA_P256_SHA256 ? "EC" : "RSA";
	void *pointer = t;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_ptr(OURS, &pointer, sizeof(*t)),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *ctx = NULL;
	if (CRYPTO_THREAD_run_once(&once, make_library) == 1 && library != NULL) {
		ctx = EVP_PKEY_CTX_new_from_name(library, type, "provider=reeve-token");
	}
	int ok = ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
		 EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) == 1;
	EVP_PKEY_CTX_free(ctx);
	if (!ok) {
		ERR_clear_error();
		return rv_fail(e, RV_EIO, "OpenSSL does not take the token's key");
	}
	*key_r = key;
	return 0;
}
