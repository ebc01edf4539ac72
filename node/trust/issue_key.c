/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/issue.h"

#include <string.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include "node/file.h"
#include "node/token/token.h"
#include "protocol/cert.h"

enum { MAX_KEY_FILE = 64 << 10, MAX_PASSPHRASE = 256 };

int issue_key_new(EVP_PKEY **key_r, unsigned rsa_bits, struct rv_err *e)
{
	if (rsa_bits != 0 && (rsa_bits < 2048 || rsa_bits > 8192)) {
		return rv_fail(e, RV_EINVAL, "RSA keys have 2048 to 8192 bits, not %u", rsa_bits);
	}
	EVP_PKEY *key = rsa_bits != 0 ? EVP_RSA_gen(rsa_bits) : EVP_EC_gen("P-256");
	if (key == NULL) {
		ERR_clear_error();
		return rv_fail(e, RV_EIO, "the key could not be made");
	}
	*key_r = key;
	return 0;
}

/* PKCS#8 under a passphrase: AES-256-CBC, the key of it by scrypt (N 16384, r 8, p 1: what OpenSSL
 * reads by default). */
static X509_SIG *encrypt(EVP_PKEY *key, const char *passphrase)
{
	unsigned char salt[16];
	unsigned char iv[16];
	X509_SIG *sealed = NULL;
	X509_ALGOR *pbe = NULL;
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	if (info == NULL || RAND_bytes(salt, sizeof(salt)) != 1 ||
		RAND_bytes(iv, sizeof(iv)) != 1) {
		goto out;
	}
	pbe = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), salt, sizeof(salt), iv, 16384, 8, 1);
	if (pbe == NULL) {
		goto out;
	}
	sealed = PKCS8_set0_pbe(passphrase, (int)strlen(passphrase), info, pbe);
	if (sealed != NULL) {
		pbe = NULL; /* it owns it now */
	}
out:
	X509_ALGOR_free(pbe);
	PKCS8_PRIV_KEY_INFO_free(info);
	return sealed;
}

int issue_key_pem(EVP_PKEY *key, const char *passphrase, struct rv_buf *out, struct rv_err *e)
{
	int ok = 0;
	X509_SIG *sealed = NULL;
	/* of the secure kind: its memory is overwritten when it is freed */
	BIO *bio = BIO_new(BIO_s_secmem());
	if (bio == NULL) {
		return rv_fail_nomem(e);
	}
	if (passphrase != NULL) {
		sealed = encrypt(key, passphrase);
		ok = sealed != NULL && PEM_write_bio_PKCS8(bio, sealed) == 1;
	} else {
		ok = PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;
	}
	char *data = NULL;
	long len = ok ? BIO_get_mem_data(bio, &data) : 0;
	ok = len > 0 && rv_buf_put(out, data, (size_t)len) == 0;
	X509_SIG_free(sealed);
	BIO_free(bio);
	ERR_clear_error();
	return ok ? 0 : rv_fail(e, RV_EIO, "the key could not be written as PEM");
}

struct asking {
	const struct issue_ask *ask;
	int asked;
	int given;
};

static int on_passphrase(char *out, int size, int writing, void *ctx)
{
	struct asking *a = ctx;
	a->asked = 1;
	if (a->ask == NULL || a->ask->ask == NULL || size <= 0) {
		return -1;
	}
	int n = a->ask->ask(a->ask->ctx, out, (size_t)size);
	a->given = n > 0;
	return n > 0 ? n : -1;
}

/* A file that names a key in a token has one line. */
static int read_token(
	EVP_PKEY **key_r, struct rv_buf *text, const struct issue_ask *ask, struct rv_err *e)
{
	while (text->len > 0 && (text->data[text->len - 1] == '\n' || text->data[text->len - 1] == '\r')) {
		text->len--;
	}
	const char *uri = rv_buf_cstr(text);
	return uri != NULL ? token_key_open(key_r, uri, ask != NULL ? ask->ask : NULL,
				     ask != NULL ? ask->ctx : NULL, e)
			   : rv_fail_nomem(e);
}

int issue_key_read(
	EVP_PKEY **key_r, const char *path, const struct issue_ask *ask, struct rv_err *e)
{
	struct rv_buf pem = {0};
	struct asking asking = {ask, 0, 0};
	BIO *bio = NULL;
	EVP_PKEY *key = NULL;
	/* room for all of it, so that the buffer never moves and leaves a copy behind */
	int rc = rv_buf_reserve(&pem, 4 * MAX_KEY_FILE) == 0
			 ? file_read(path, MAX_KEY_FILE, &pem, e)
			 : rv_fail_nomem(e);
	if (rc != 0) {
		goto out;
	}
	if (token_is_uri(rv_buf_cstr(&pem))) {
		rc = read_token(key_r, &pem, ask, e);
		goto out;
	}
	bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	if (bio == NULL) {
		rc = rv_fail_nomem(e);
		goto out;
	}
	key = PEM_read_bio_PrivateKey(bio, NULL, on_passphrase, &asking);
	ERR_clear_error();
	if (key == NULL && asking.asked) {
		rc = rv_fail(e, RV_EDENIED,
			asking.given ? "the passphrase does not open %s"
				     : "%s is under a passphrase, and none was given",
			path);
		rv_err_mend(e, "Type it at the terminal, or name the file that holds it with "
			       "--passphrase-file.");
	} else if (key == NULL) {
		rc = rv_fail(e, RV_EPARSE, "%s is not a private key in PEM form", path);
	} else {
		*key_r = key;
	}
out:
	BIO_free(bio);
	rv_buf_wipe(&pem);
	return rc;
}

static int sign_with_key(
	void *ctx, const void *data, size_t len, struct rv_buf *out, struct rv_err *e)
{
	EVP_PKEY *key = ctx;
	enum rv_sig_alg alg =
		EVP_PKEY_is_a(key, "EC") ? RV_ALG_ECDSA_P256_SHA256 : RV_ALG_RSA_SHA256;
	return rv_key_sign(key, alg, data, len, out, e);
}

int issue_signer(struct rv_signer *signer_r, EVP_PKEY *key, const char *code, struct rv_err *e)
{
	struct rv_signer s = {.sign = sign_with_key, .ctx = key};
	if (!EVP_PKEY_is_a(key, "EC") && !EVP_PKEY_is_a(key, "RSA")) {
		return rv_fail(e, RV_EINVAL, "only P-256 and RSA keys sign");
	}
	s.alg = EVP_PKEY_is_a(key, "EC") ? RV_ALG_ECDSA_P256_SHA256 : RV_ALG_RSA_SHA256;
	size_t n = strlen(code);
	if (n >= sizeof(s.code)) {
		return rv_fail(e, RV_EINVAL, "the code is too long");
	}
	memcpy(s.code, code, n);
	*signer_r = s;
	return 0;
}
