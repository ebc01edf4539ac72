/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/authority_int.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "node/file.h"

enum { MAX_PEM = 64 << 10 };

void authority_made_clear(struct authority_made *made, int kept)
{
	if (made->in_token && !kept) {
		token_undo(made->token, NULL);
	}
	token_free(&made->token);
	X509_free(made->cert);
	rv_buf_wipe(&made->key_file);
	*made = (struct authority_made){.cert = NULL};
}

/* The key that the token has under that name, or one that is made there. */
static int key_in_token(const struct authority_new *n, struct authority_made *made,
	EVP_PKEY **key_r, struct rv_err *e)
{
	struct token_params p = {.place = *n->token};
	if (n->ask != NULL) {
		p.ask = n->ask->ask;
		p.ask_ctx = n->ask->ctx;
	}
	int rc = token_new(&made->token, &p, e);
	if (rc == 0) {
		rc = token_ready(made->token, e);
	}
	if (rc == RV_ENOTFOUND) {
		rc = token_generate(made->token, n->rsa_bits, e);
		made->in_token = rc == 0;
	}
	if (rc == 0) {
		rc = token_key(made->token, key_r, e);
	}
	if (rc == 0) {
		rc = token_uri(n->token, &made->key_file, e);
	}
	if (rc == 0 && rv_buf_str(&made->key_file, "\n") != 0) {
		rc = rv_fail_nomem(e);
	}
	return rc;
}

static int key_in_file(const struct authority_new *n, struct authority_made *made, EVP_PKEY **key_r,
	struct rv_err *e)
{
	int rc = issue_key_new(key_r, n->rsa_bits, e);
	return rc == 0 ? issue_key_pem(*key_r, n->passphrase, &made->key_file, e) : rc;
}

int authority_identity(const struct authority_new *n, struct authority_made *made, struct rv_err *e)
{
	EVP_PKEY *key = NULL;
	int rc = n->token != NULL ? key_in_token(n, made, &key, e) : key_in_file(n, made, &key, e);
	if (rc == 0) {
		rc = issue_authority(&made->cert, key, n->code, n->name, n->from_us, n->to_us, e);
	}
	EVP_PKEY_free(key);
	if (rc != 0) {
		authority_made_clear(made, 0);
	}
	return rc;
}

int authority_key_id(const X509 *cert, char id[AUTHORITY_KEY_ID], struct rv_err *e)
{
	unsigned char *der = NULL;
	uint8_t digest[RV_DIGEST_LEN];
	int len = i2d_PUBKEY(X509_get0_pubkey(cert), &der);
	if (len <= 0) {
		return rv_fail_nomem(e);
	}
	rv_sha256(digest, der, (size_t)len);
	OPENSSL_free(der);
	rv_hex(id, digest, 4);
	return 0;
}

int authority_key_name(const X509 *cert, char name[AUTHORITY_KEY_NAME], struct rv_err *e)
{
	char id[AUTHORITY_KEY_ID];
	int rc = authority_key_id(cert, id, e);
	if (rc == 0) {
		snprintf(name, AUTHORITY_KEY_NAME, "authority-%s.key", id);
	}
	return rc;
}

/* ---- own.pem ---- */

int authority_own_write(const char *dir, X509 *current, X509 *former, struct rv_err *e)
{
	struct rv_buf pem = {0};
	int rc = issue_cert_pem(current, &pem, e);
	if (rc == 0 && former != NULL) {
		rc = issue_cert_pem(former, &pem, e);
	}
	if (rc == 0) {
		rc = authority_put(dir, "own.pem", 0644, &pem, 0, e);
	}
	rv_buf_free(&pem);
	return rc;
}

int authority_own_read(const struct authority *a, struct authority_own *own_r, struct rv_err *e)
{
	struct authority_own own = {.n = 0};
	struct rv_buf pem = {0};
	BIO *bio = NULL;
	char *path = file_join(a->dir, "own.pem");
	int rc = path != NULL ? file_read(path, MAX_PEM, &pem, e) : rv_fail_nomem(e);
	if (rc == 0 && (bio = BIO_new_mem_buf(pem.data, (int)pem.len)) == NULL) {
		rc = rv_fail_nomem(e);
	}
	while (rc == 0 && own.n < AUTHORITY_OWN &&
		(own.certs[own.n] = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		own.n++;
	}
	ERR_clear_error();
	if (rc == 0 && own.n == 0) {
		rc = rv_fail(e, RV_ECERT, "there is no certificate in %s", path);
	}
	if (rc == 0) {
		*own_r = own;
	}
	BIO_free(bio);
	rv_buf_free(&pem);
	free(path);
	return rc;
}

void authority_own_clear(struct authority_own *own)
{
	for (size_t i = 0; i < own->n; i++) {
		X509_free(own->certs[i]);
	}
	own->n = 0;
}

int authority_has_key(const struct authority_own *own, const struct rv_cert *cert)
{
	for (size_t i = 0; i < own->n; i++) {
		if (EVP_PKEY_eq(X509_get0_pubkey(own->certs[i]), rv_cert_key(cert)) == 1) {
			return 1;
		}
	}
	ERR_clear_error();
	return 0;
}

int authority_key(const struct authority *a, X509 *cert, const struct issue_ask *ask,
	EVP_PKEY **key_r, struct rv_err *e)
{
	char name[AUTHORITY_KEY_NAME];
	EVP_PKEY *key = NULL;
	char *path = NULL;
	int rc = authority_key_name(cert, name, e);
	if (rc != 0) {
		return rc;
	}
	path = file_join(a->dir, name);
	rc = path != NULL ? issue_key_read(&key, path, ask, e) : rv_fail_nomem(e);
	if (rc == RV_ENOTFOUND) {
		rv_err_mend(e, "It belongs to a certificate in own.pem: restore both from the "
			       "same backup.");
	}
	if (rc == 0 && X509_check_private_key(cert, key) != 1) {
		ERR_clear_error();
		rc = rv_fail(e, RV_ECERT, "%s does not belong to its certificate in own.pem", path);
		rv_err_mend(e, "Restore both from the same backup.");
		EVP_PKEY_free(key);
		key = NULL;
	}
	if (rc == 0) {
		*key_r = key;
	}
	free(path);
	return rc;
}

int64_t authority_not_after(const X509 *cert)
{
	int days = 0;
	int secs = 0;
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	if (epoch == NULL || ASN1_TIME_diff(&days, &secs, epoch, X509_get0_notAfter(cert)) != 1) {
		days = secs = 0; /* a date that cannot be read has passed */
	}
	ASN1_TIME_free(epoch);
	return ((int64_t)days * 86400 + secs) * RV_US_PER_SEC;
}

int authority_cert_of(struct rv_cert **cert_r, X509 *x509, struct rv_err *e)
{
	struct rv_buf der = {0};
	int rc = issue_cert_der(x509, &der, e);
	if (rc == 0) {
		rc = rv_cert_from_der(cert_r, der.data, der.len, e);
	}
	rv_buf_free(&der);
	return rc;
}

int authority_cert_code(const struct rv_cert *cert, char code[RV_CODE_TEXT])
{
	struct rv_span der;
	char cn[RV_CODE_TEXT] = "";
	rv_cert_der(cert, &der);
	const unsigned char *p = der.data;
	X509 *x509 = d2i_X509(NULL, &p, (long)der.len);
	int n = x509 != NULL ? X509_NAME_get_text_by_NID(
				       X509_get_subject_name(x509), NID_commonName, cn, sizeof(cn))
			     : -1;
	X509_free(x509);
	ERR_clear_error();
	if (n <= 0 || (size_t)n != strlen(cn) || !rv_code_valid(cn)) {
		return RV_ECERT;
	}
	memcpy(code, cn, sizeof(cn));
	return 0;
}
