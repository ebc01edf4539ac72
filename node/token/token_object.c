/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "node/token/token_int.h"

enum { VALUE_MAX = 2048 };

struct value {
	CK_BYTE data[VALUE_MAX];
	CK_ULONG len;
};

static CK_RV get(struct token *t, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, struct value *v)
{
	CK_ATTRIBUTE a = {type, v->data, sizeof(v->data)};
	CK_RV rv = t->f->C_GetAttributeValue(t->session, object, &a, 1);
	v->len = rv == CKR_OK && a.ulValueLen <= sizeof(v->data) ? a.ulValueLen : 0;
	return rv;
}

/* A flag; missing where the module does not say. */
static int get_flag(struct token *t, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, int missing)
{
	CK_BBOOL flag = CK_FALSE;
	CK_ATTRIBUTE a = {type, &flag, sizeof(flag)};
	if (t->f->C_GetAttributeValue(t->session, object, &a, 1) != CKR_OK ||
		a.ulValueLen != sizeof(flag)) {
		return missing;
	}
	return flag != CK_FALSE;
}

static int weak(struct rv_err *e, const char *why)
{
	rv_fail_rule(e, RV_ECERT, "TOKEN-WEAK", "the key in the token %s", why);
	rv_err_mend(e, "Make a key that is P-256, or RSA of 2048 to 8192 bits, for signing.");
	return RV_ECERT;
}

/* ---- the public key ---- */

static EVP_PKEY *from_data(const char *type, OSSL_PARAM *params)
{
	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1) {
		key = NULL;
	}
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static EVP_PKEY *rsa_key(const struct value *modulus, const struct value *exponent)
{
	BIGNUM *n = BN_bin2bn(modulus->data, (int)modulus->len, NULL);
	BIGNUM *x = BN_bin2bn(exponent->data, (int)exponent->len, NULL);
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;
	if (n != NULL && x != NULL && bld != NULL &&
		OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
		OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, x) == 1 &&
		(params = OSSL_PARAM_BLD_to_param(bld)) != NULL) {
		key = from_data("RSA", params);
	}
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	BN_free(n);
	BN_free(x);
	return key;
}

/* The point is in an OCTET STRING; some modules leave that away. */
static EVP_PKEY *p256_key(struct value *point)
{
	char group[] = "P-256";
	CK_BYTE *raw = point->data;
	CK_ULONG len = point->len;
	if (len >= 2 && raw[0] == 0x04 && raw[1] == len - 2) {
		raw += 2;
		len -= 2;
	}
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, raw, len),
		OSSL_PARAM_construct_end(),
	};
	return len == 65 ? from_data("EC", params) : NULL;
}

/* The public object with the same id, or without one with the same label. */
static CK_OBJECT_HANDLE find_public(struct token *t, CK_OBJECT_HANDLE key, CK_KEY_TYPE type)
{
	CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
	CK_OBJECT_HANDLE found = CK_INVALID_HANDLE;
	struct value name;
	CK_ATTRIBUTE_TYPE by = CKA_ID;
	if (get(t, key, CKA_ID, &name) != CKR_OK || name.len == 0) {
		by = CKA_LABEL;
		if (get(t, key, CKA_LABEL, &name) != CKR_OK || name.len == 0) {
			return CK_INVALID_HANDLE;
		}
	}
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof(class)},
		{CKA_KEY_TYPE, &type, sizeof(type)}, {by, name.data, name.len}};
	CK_ULONG n = 0;
	if (t->f->C_FindObjectsInit(t->session, template, 3) == CKR_OK) {
		if (t->f->C_FindObjects(t->session, &found, 1, &n) != CKR_OK || n == 0) {
			found = CK_INVALID_HANDLE;
		}
		t->f->C_FindObjectsFinal(t->session);
	}
	return found;
}

static EVP_PKEY *public_of(struct token *t, CK_OBJECT_HANDLE key, CK_KEY_TYPE type)
{
	struct value a;
	struct value b;
	CK_OBJECT_HANDLE beside = find_public(t, key, type);
	CK_OBJECT_HANDLE where[2] = {key, beside};
	size_t n = beside != CK_INVALID_HANDLE ? 2 : 1;
	EVP_PKEY *found = NULL;
	for (size_t i = 0; i < n && found == NULL; i++) {
		if (type == CKK_RSA && get(t, where[i], CKA_MODULUS, &a) == CKR_OK &&
			get(t, where[i], CKA_PUBLIC_EXPONENT, &b) == CKR_OK) {
			found = rsa_key(&a, &b);
		} else if (type == CKK_EC && get(t, where[i], CKA_EC_POINT, &a) == CKR_OK) {
			found = p256_key(&a);
		}
	}
	if (found == NULL && get(t, key, CKA_PUBLIC_KEY_INFO, &a) == CKR_OK && a.len > 0) {
		const unsigned char *p = a.data;
		found = d2i_PUBKEY(NULL, &p, (long)a.len);
	}
	return found;
}

/* ---- what it is ---- */

static int is_p256(struct token *t, CK_OBJECT_HANDLE key)
{
	static const CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
	struct value v;
	return get(t, key, CKA_EC_PARAMS, &v) == CKR_OK && v.len == sizeof(p256) &&
	       memcmp(v.data, p256, sizeof(p256)) == 0;
}

static int signs_with(struct token *t, CK_MECHANISM_TYPE mechanism)
{
	CK_MECHANISM_INFO info;
	return t->f->C_GetMechanismInfo(t->slot, mechanism, &info) == CKR_OK &&
	       (info.flags & CKF_SIGN) != 0;
}

static int check_key(
	struct token *t, CK_OBJECT_HANDLE key, CK_KEY_TYPE type, struct token_about *a, struct rv_err *e)
{
	if (type == CKK_EC && is_p256(t, key)) {
		a->alg = RV_ALG_ECDSA_P256_SHA256;
	} else if (type == CKK_RSA) {
		a->alg = !signs_with(t, CKM_RSA_PKCS) && signs_with(t, CKM_RSA_PKCS_PSS)
				 ? RV_ALG_RSA_PSS_SHA256
				 : RV_ALG_RSA_SHA256;
	} else {
		return weak(e, type == CKK_EC ? "is on another curve than P-256"
					      : "is neither P-256 nor RSA");
	}
	if (!get_flag(t, key, CKA_SIGN, 1)) {
		return weak(e, "may not sign");
	}
	a->public_key = public_of(t, key, type);
	if (a->public_key == NULL) {
		rv_fail_rule(e, RV_ECONFIG, "TOKEN-PUBLIC",
			"the token has no public key beside the private one");
		rv_err_mend(e, "Store the public key under the same id and label.");
		return RV_ECONFIG;
	}
	int bits = EVP_PKEY_get_bits(a->public_key);
	if (type == CKK_RSA && (bits < 2048 || bits > 8192)) {
		return weak(e, "is RSA of less than 2048 or more than 8192 bits");
	}
	return 0;
}

int token_object_read(
	struct token *t, CK_OBJECT_HANDLE key, struct token_about *about_r, struct rv_err *e)
{
	struct token_about a = {0};
	CK_KEY_TYPE type = 0;
	CK_ATTRIBUTE wanted = {CKA_KEY_TYPE, &type, sizeof(type)};
	CK_RV rv = t->f->C_GetAttributeValue(t->session, key, &wanted, 1);
	if (rv != CKR_OK) {
		return token_fail_ck(e, "C_GetAttributeValue", rv);
	}
	int rc = check_key(t, key, type, &a, e);
	if (rc != 0) {
		EVP_PKEY_free(a.public_key);
		return rc;
	}
	/* what a module does not say is taken to be bad */
	a.warnings |= get_flag(t, key, CKA_EXTRACTABLE, 1) || !get_flag(t, key, CKA_SENSITIVE, 0)
			      ? TOKEN_EXTRACTABLE
			      : 0;
	a.warnings |= !get_flag(t, key, CKA_LOCAL, 0) || !get_flag(t, key, CKA_NEVER_EXTRACTABLE, 0)
			      ? TOKEN_WAS_OUTSIDE
			      : 0;
	a.always_authenticate = get_flag(t, key, CKA_ALWAYS_AUTHENTICATE, 0);
	*about_r = a;
	return 0;
}
