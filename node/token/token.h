/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_TOKEN_H
#define NODE_TOKEN_H

#include <openssl/evp.h>

#include "protocol/buf.h"
#include "protocol/err.h"
#include "protocol/signer.h"

/*
 * A private key in a hardware security module, a smart card or a software token: reached through
 * PKCS#11 (OASIS PKCS #11 2.40), named by a URI (RFC 7512). The keeper signs with one, and so does
 * `reeve` where it makes requests, certificates and lists. The key never leaves the token.
 *
 * A URI names one token and one key: "pkcs11:token=Customs;object=reeve", with serial=, id=
 * where the names are not enough. pin-value is refused: a PIN is no part of a configuration. No
 * error text ever has a PIN, nor a URI that was refused.
 *
 * One thread at a time uses a token and its keys; several tokens of one module may be open. The
 * rules of errors:
 *
 *   RV_ECONFIG   TOKEN-URI, TOKEN-MODULE, TOKEN-PIN-FILE, TOKEN-TWO (the URI fits several): waiting
 *                does not help
 *   RV_EDENIED   TOKEN-PIN: the PIN was refused. The same PIN is not tried again before its file
 *                changes, since tokens lock themselves; nor is any, while the token says that one
 *                try is left
 *   RV_ENOTFOUND TOKEN-KEY: the token is there, the key is not
 *   RV_ECERT     TOKEN-WEAK: not P-256 nor RSA of 2048 to 8192 bits, or a key that may not sign
 *   RV_EAGAIN    TOKEN-AWAY: module, reader or token do not answer; try again later
 *   RV_EEXIST    TOKEN-OTHER: another key is there than before under the same name
 */

/* Does it begin as a PKCS#11 URI does? Then it is not the name of a file. */
int token_is_uri(const char *text);

struct token_place {
	const char *uri;
	const char *module;   /* the shared library; NULL or "": module-path of the URI */
	const char *pin_file; /* NULL or "": pin-source of the URI ("file:/path" or "/path") */
};
/* The form alone: nothing is opened. RV_ECONFIG. Checked by token_new as well. */
int token_check(const struct token_place *p, struct rv_err *e);
/* Appends the place as one URI, with module-path and pin-source in it. */
int token_uri(const struct token_place *p, struct rv_buf *out, struct rv_err *e);

struct token_params {
	struct token_place place; /* copied */
	/* Asked for the PIN where no file has it: fills at most size bytes with a C string and
	 * returns its length, negative if there is none. NULL: nobody to ask. */
	int (*ask)(void *ctx, char *out, size_t size);
	void *ask_ctx;
	struct rv_clock clock; /* for the back-off; monotonic */
	/* After a failure the next try waits so long, twice as long after each further one up to
	 * retry_max_us. 0: every call tries. */
	int64_t retry_min_us, retry_max_us;
};
struct token;
/* Touches nothing yet: the first call of the others loads the module. */
int token_new(struct token **t_r, const struct token_params *p, struct rv_err *e);
/* Keys of it (token_key) stay good: the last owner closes the module. */
void token_free(struct token **t);

/*
 * Opens what is not open: module, session, login, key; signs a test value and verifies it. 0 at
 * once if it is open. Errors as above, with RV_EAGAIN TOKEN-AWAY also while the back-off lasts (its
 * text has the reason).
 */
int token_ready(struct token *t, struct rv_err *e);

/* Makes the pair in the token: sensitive, never extractable; P-256, or RSA of that many bits.
 * RV_EEXIST if a key fits the URI already. A label and an id that the URI does not give are made
 * up. */
int token_generate(struct token *t, unsigned rsa_bits, struct rv_err *e);
/* Takes away what token_generate of this object made. */
int token_undo(struct token *t, struct rv_err *e);

/*
 * A private key for OpenSSL that signs in the token, to EVP_PKEY_free: for rv_key_sign, X509_sign,
 * X509_CRL_sign and the like, with SHA-256. Opens the token if need be.
 */
int token_key(struct token *t, EVP_PKEY **key_r, struct rv_err *e);
/* The same in one step, for offline commands: uri has module-path; ask may be NULL. */
int token_key_open(EVP_PKEY **key_r, const char *uri,
	int (*ask)(void *ctx, char *out, size_t size), void *ask_ctx, struct rv_err *e);

/*
 * Signs, in the forms of rv_key_sign. Opens the token if need be; when the module fails, once more
 * after closing and initialising it. From the first success on every failure is RV_EAGAIN, with the
 * rule and the reason in it: whoever waits for a signature waits on. Appends to out.
 */
int token_sign(struct token *t, const void *data, size_t len, struct rv_buf *out, struct rv_err *e);
/* The same as a signer, while the token lives. Ready before; code and cert_digest are the caller's. */
void token_signer(struct token *t, struct rv_signer *signer_r);
/* What it signs with; 0 before the token was ready for the first time. RSA: PKCS#1 v1.5, or PSS
 * where the token does nothing else. */
enum rv_sig_alg token_alg(const struct token *t);

/* What should be known about the key, as bits; 0 before it was ready for the first time. */
enum {
	TOKEN_EXTRACTABLE = 1, /* it can be taken out of the token */
	TOKEN_WAS_OUTSIDE = 2  /* it was not made in the token, or could be taken out once */
};
unsigned token_warnings(const struct token *t);

#endif
