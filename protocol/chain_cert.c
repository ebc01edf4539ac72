/* SPDX-License-Identifier: Apache-2.0 */
#include "chain_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192, EXTENSIONS_MAX = 64, OID_TEXT = 80 };

/* What a certificate that signs messages may be for, if it says so: RFC 9336; its predecessor of
 * Microsoft, which national authorities issue; S/MIME, which signs documents too; anything. */
static const char *const signing_purposes[] = {
	"1.3.6.1.5.5.7.3.36",
	"1.3.6.1.4.1.311.10.3.12",
	"1.3.6.1.5.5.7.3.4",
	"2.5.29.37.0",
	NULL,
};

int rv_x509_read(X509 **x509_r, const void *der, size_t len, struct rv_err *e)
{
	const unsigned char *p = der;
	X509 *x = len > 0 && len <= RV_X509_DER_MAX ? d2i_X509(NULL, &p, (long)len) : NULL;
	if (x == NULL || p != (const unsigned char *)der + len) {
		X509_free(x);
		ERR_clear_error();
		rv_fail_rule(e, RV_ECERT, "CHAIN-UNREADABLE",
			"an issuer's bytes are not one DER certificate");
		rv_err_mend(e, "put the certificate in DER, alone, into the list");
		return RV_ECERT;
	}
	/* fills what OpenSSL computes at first use, so that readers in several threads change
	 * nothing */
	X509_check_purpose(x, -1, 0);
	ERR_clear_error();
	*x509_r = x;
	return 0;
}

int rv_x509_validity(X509 *x, int64_t *from_r, int64_t *to_r)
{
	int64_t from;
	int64_t to;
	if (rv_x509_time(&from, X509_get0_notBefore(x)) != 0 ||
		rv_x509_time(&to, X509_get0_notAfter(x)) != 0) {
		return RV_EPARSE;
	}
	*from_r = from;
	*to_r = to;
	return 0;
}

static void short_digest(X509 *x, char text[17])
{
	uint8_t digest[EVP_MAX_MD_SIZE] = {0};
	unsigned len = sizeof(digest);
	X509_digest(x, EVP_sha256(), digest, &len);
	rv_hex(text, digest, 8);
}

int rv_chain_refuse(struct rv_err *e, int code, const char *rule, X509 *x, const char *mend,
	const char *fmt, ...)
{
	char what[256];
	char subject[RV_X509_NAME_TEXT - 48];
	char digest[17];
	va_list ap;
	if (e == NULL) {
		return code;
	}
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	rv_x509_name(X509_get_subject_name(x), subject, sizeof(subject));
	short_digest(x, digest);
	rv_fail_rule(e, code, rule, "certificate \"%s\" (%s): %s", subject, digest, what);
	rv_err_mend(e, "%s", mend);
	return code;
}

/* ---- algorithms and keys ---- */

static int hash_taken(int md)
{
	return md == NID_sha256 || md == NID_sha384 || md == NID_sha512;
}

/* The hashes of PSS stand in parameters. What is absent there is SHA-1. */
static int pss_taken(const X509_ALGOR *alg)
{
	const void *value = NULL;
	int type = 0;
	X509_ALGOR_get0(NULL, &type, &value, alg);
	if (type != V_ASN1_SEQUENCE) {
		return 0;
	}
	const ASN1_STRING *bytes = value;
	const unsigned char *p = ASN1_STRING_get0_data(bytes);
	RSA_PSS_PARAMS *pss = d2i_RSA_PSS_PARAMS(NULL, &p, ASN1_STRING_length(bytes));
	X509_ALGOR *mask_hash = NULL;
	if (pss != NULL && pss->maskGenAlgorithm != NULL &&
		pss->maskGenAlgorithm->parameter != NULL &&
		OBJ_obj2nid(pss->maskGenAlgorithm->algorithm) == NID_mgf1 &&
		pss->maskGenAlgorithm->parameter->type == V_ASN1_SEQUENCE) {
		const ASN1_STRING *mask = pss->maskGenAlgorithm->parameter->value.sequence;
		p = ASN1_STRING_get0_data(mask);
		mask_hash = d2i_X509_ALGOR(NULL, &p, ASN1_STRING_length(mask));
	}
	int md = pss != NULL && pss->hashAlgorithm != NULL
			 ? OBJ_obj2nid(pss->hashAlgorithm->algorithm)
			 : NID_sha1;
	int mgf = mask_hash != NULL ? OBJ_obj2nid(mask_hash->algorithm) : NID_sha1;
	X509_ALGOR_free(mask_hash);
	RSA_PSS_PARAMS_free(pss);
	return hash_taken(md) && mgf == md;
}

int rv_algor_taken(const X509_ALGOR *alg, char name_r[64])
{
	const ASN1_OBJECT *oid = NULL;
	int md = NID_undef;
	int key = NID_undef;
	int taken = 0;
	X509_ALGOR_get0(&oid, NULL, NULL, alg);
	if (OBJ_obj2nid(oid) == NID_rsassaPss) {
		taken = pss_taken(alg);
	} else if (OBJ_find_sigid_algs(OBJ_obj2nid(oid), &md, &key) == 1) {
		taken = hash_taken(md) &&
			(key == NID_rsaEncryption || key == NID_X9_62_id_ecPublicKey);
	}
	if (OBJ_obj2txt(name_r, 64, oid, 0) <= 0) {
		snprintf(name_r, 64, "unknown");
	}
	ERR_clear_error();
	return taken;
}

int rv_x509_key_taken(X509 *x)
{
	EVP_PKEY *key = X509_get0_pubkey(x);
	int taken = 0;
	if (key != NULL && EVP_PKEY_is_a(key, "EC")) {
		char group[64] = "";
		taken = EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
			(strcmp(group, "prime256v1") == 0 || strcmp(group, "secp384r1") == 0 ||
				strcmp(group, "secp521r1") == 0);
	} else if (key != NULL && (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS"))) {
		int bits = EVP_PKEY_get_bits(key);
		taken = bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX;
	}
	ERR_clear_error();
	return taken;
}

static int check_strength(X509 *x, struct rv_err *e)
{
	const X509_ALGOR *alg = NULL;
	char name[64];
	if (!rv_x509_key_taken(x)) {
		EVP_PKEY *key = X509_get0_pubkey(x);
		return rv_chain_refuse(e, RV_ECERT, "CHAIN-KEY", x,
			"issue from an authority with a P-256, P-384 or P-521 key, or RSA of 2048 "
			"to "
			"8192 bits",
			"its key (%d bits) is too weak or of a kind that is not taken",
			key != NULL ? EVP_PKEY_get_bits(key) : 0);
	}
	X509_get0_signature(NULL, &alg, x);
	if (!rv_algor_taken(alg, name)) {
		return rv_chain_refuse(e, RV_ECERT, "CHAIN-HASH", x,
			"issue it anew, signed with SHA-256, SHA-384 or SHA-512",
			"it is signed with %s", name);
	}
	return 0;
}

/* ---- extensions ---- */

int rv_x509_purpose(X509 *x, const char *const *oids)
{
	int critical = -1;
	int found = 0;
	EXTENDED_KEY_USAGE *usage = X509_get_ext_d2i(x, NID_ext_key_usage, &critical, NULL);
	if (usage == NULL) {
		ERR_clear_error();
		return critical == -1 ? -1 : 0;
	}
	for (int i = 0; i < sk_ASN1_OBJECT_num(usage) && !found; i++) {
		char oid[OID_TEXT] = "";
		OBJ_obj2txt(oid, sizeof(oid), sk_ASN1_OBJECT_value(usage, i), 1);
		for (const char *const *want = oids; *want != NULL && !found; want++) {
			found = strcmp(oid, *want) == 0;
		}
	}
	EXTENDED_KEY_USAGE_free(usage);
	return found;
}

int rv_chain_extensions(X509 *x, struct rv_err *e)
{
	static const char again[] = "have it issued anew as RFC 5280 says";
	int n = X509_get_ext_count(x);
	if (n > EXTENSIONS_MAX) {
		return rv_chain_refuse(e, RV_ECERT, "CHAIN-PROFILE", x, again,
			"it has %d extensions, more than %d", n, EXTENSIONS_MAX);
	}
	for (int i = 0; i < n; i++) {
		const ASN1_OBJECT *oid = X509_EXTENSION_get_object(X509_get_ext(x, i));
		char text[OID_TEXT] = "";
		OBJ_obj2txt(text, sizeof(text), oid, 0);
		if (X509_get_ext_by_OBJ(x, oid, i) >= 0) {
			return rv_chain_refuse(e, RV_ECERT, "CHAIN-PROFILE", x, again,
				"it has the extension %s twice", text);
		}
		if (X509_EXTENSION_get_critical(X509_get_ext(x, i)) &&
			!X509_supported_extension(X509_get_ext(x, i))) {
			return rv_chain_refuse(e, RV_ECERT, "CHAIN-EXTENSION", x,
				"have it issued without that extension, or with it not critical",
				"its critical extension %s is not understood", text);
		}
	}
	if (X509_get_extension_flags(x) & EXFLAG_INVALID) {
		return rv_chain_refuse(e, RV_ECERT, "CHAIN-PROFILE", x, again,
			"one of its extensions cannot be read");
	}
	return 0;
}

static int check_purpose(X509 *x, struct rv_err *e)
{
	if (rv_x509_purpose(x, signing_purposes) == 0) {
		return rv_chain_refuse(e, RV_ECERT, "CHAIN-PURPOSE", x,
			"have it issued without extendedKeyUsage, or with documentSigning "
			"(1.3.6.1.5.5.7.3.36) in it",
			"its extendedKeyUsage allows no signing of documents");
	}
	return 0;
}

int rv_chain_as_issuer(X509 *x, struct rv_err *e)
{
	int rc = check_strength(x, e);
	if (rc != 0 || (rc = rv_chain_extensions(x, e)) != 0) {
		return rc;
	}
	if (X509_get_ext_by_NID(x, NID_basic_constraints, -1) < 0) {
		return rv_chain_refuse(e, RV_ECERT, "CHAIN-CONSTRAINTS", x,
			"list an authority whose certificate has critical basicConstraints CA:TRUE",
			"it issues, but has no basicConstraints");
	}
	if (!(X509_get_extension_flags(x) & EXFLAG_CA)) {
		return rv_chain_refuse(e, RV_ECERT, "CHAIN-CA", x,
			"list an authority whose certificate has critical basicConstraints CA:TRUE",
			"it issues, but is no certification authority (CA:FALSE)");
	}
	if (!(X509_get_extension_flags(x) & EXFLAG_KUSAGE) ||
		!(X509_get_key_usage(x) & KU_KEY_CERT_SIGN)) {
		return rv_chain_refuse(e, RV_ECERT, "CHAIN-CA-USAGE", x,
			"list an authority whose certificate has keyUsage keyCertSign",
			"it issues, but its keyUsage has no keyCertSign");
	}
	return check_purpose(x, e);
}

int rv_chain_as_member(X509 *x, struct rv_err *e)
{
	int rc = check_strength(x, e);
	if (rc != 0 || (rc = rv_chain_extensions(x, e)) != 0) {
		return rc;
	}
	if (X509_get_extension_flags(x) & EXFLAG_CA) {
		return rv_chain_refuse(e, RV_ECERT, "CHAIN-MEMBER-CA", x,
			"sign messages with a key of their own, whose certificate has CA:FALSE",
			"a certification authority's key may not sign messages");
	}
	if (!(X509_get_extension_flags(x) & EXFLAG_KUSAGE) ||
		!(X509_get_key_usage(x) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION))) {
		return rv_chain_refuse(e, RV_ECERT, "CHAIN-USAGE", x,
			"have it issued with keyUsage digitalSignature, nonRepudiation",
			"its keyUsage has neither digitalSignature nor nonRepudiation");
	}
	return check_purpose(x, e);
}

int rv_chain_at(X509 *x, int64_t at_us, struct rv_err *e)
{
	int64_t from;
	int64_t to;
	char when[RV_STAMP_TEXT];
	if (rv_x509_validity(x, &from, &to) != 0) {
		return rv_chain_refuse(e, RV_ECERT, "CHAIN-PROFILE", x,
			"have it issued anew as RFC 5280 says", "its validity cannot be read");
	}
	if (at_us < from) {
		rv_stamp_text(when, from);
		return rv_chain_refuse(e, RV_ECERT, "CHAIN-NOT-YET", x,
			"look at the signer's clock, or use the certificate that is valid already",
			"it is valid from %s only", when);
	}
	if (at_us > to) {
		rv_stamp_text(when, to);
		return rv_chain_refuse(e, RV_ECERT, "CHAIN-EXPIRED", x,
			"renew it; an authority renews before those end that it issued",
			"it expired at %s", when);
	}
	return 0;
}

int rv_chain_issuer_check(const void *der, size_t len, struct rv_err *e)
{
	X509 *x = NULL;
	int rc = rv_x509_read(&x, der, len, e);
	if (rc == 0) {
		rc = rv_chain_as_issuer(x, e);
	}
	X509_free(x);
	return rc;
}
