/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_TOKEN_INT_H
#define NODE_TOKEN_INT_H

#include <stdatomic.h>
#include <sys/stat.h>
#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>

#include "node/token/token.h"

/* Inside the token. */

enum { TOKEN_PIN_MAX = 255, TOKEN_ID_MAX = 64, TOKEN_RSA_MAX = 8192 / 8 };

/* The place, read. */
struct token_uri {
	P11KitUri *parsed;
	char *module;
	char *pin_file; /* NULL: nobody named one */
};
int token_uri_read(struct token_uri *u_r, const struct token_place *p, struct rv_err *e);
void token_uri_clear(struct token_uri *u);
/* The attribute of the key that the URI names, or NULL. */
const CK_ATTRIBUTE *token_uri_attribute(const struct token_uri *u, CK_ATTRIBUTE_TYPE type);

struct token {
	atomic_int owners; /* who made it, and each EVP_PKEY over it */
	struct token_uri uri;
	int (*ask)(void *ctx, char *out, size_t size);
	void *ask_ctx;
	struct rv_clock clock;
	int64_t retry_min_us, retry_max_us;

	/* the module: mapped until the end, initialised while in use */
	void *library;
	CK_FUNCTION_LIST *f;
	int initialised; /* by us */
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE session;
	int has_session;
	CK_OBJECT_HANDLE key;
	int open; /* all of it, and the key found */

	/* the key, known since the first time */
	EVP_PKEY *public_key;
	enum rv_sig_alg alg;
	unsigned warnings;
	int always_authenticate; /* wants the PIN before each signature */
	int proving;             /* its first signature after it was opened */
	int proved;              /* it has signed */

	/* failures */
	struct rv_err last; /* code 0: none */
	int64_t wait_us, next_us;
	int pin_refused;
	struct stat refused_file; /* as the PIN's file was then */

	char asked_pin[TOKEN_PIN_MAX + 1]; /* typed once, for whoever runs a command */
	CK_BYTE made_id[TOKEN_ID_MAX];     /* of the pair that was made here */
	CK_ULONG made_id_len;
};

/* token_session.c: PKCS#11. close ends session and module, as far as they answer. */
int token_session_open(struct token *t, int for_writing, struct rv_err *e);
void token_session_close(struct token *t);
/* Finds the one private key of the URI; RV_ENOTFOUND, RV_ECONFIG if several. */
int token_session_find(struct token *t, CK_OBJECT_HANDLE *key_r, struct rv_err *e);
int token_session_generate(struct token *t, unsigned rsa_bits, struct rv_err *e);
int token_session_destroy(struct token *t, struct rv_err *e);
/* The PIN once more, for the signature that was begun. */
int token_session_login_again(struct token *t, struct rv_err *e);
/* What C_ said, as one of ours. */
int token_fail_ck(struct rv_err *e, const char *what, CK_RV rv);

/* token_object.c: reads the key that was found; the caller frees the public key. */
struct token_about {
	EVP_PKEY *public_key;
	enum rv_sig_alg alg;
	unsigned warnings;
	int always_authenticate;
};
int token_object_read(
	struct token *t, CK_OBJECT_HANDLE key, struct token_about *about_r, struct rv_err *e);

/* token_pin.c. The PIN, to be wiped by the caller; *len_r 0 if the token asks for it itself. */
int token_pin_get(struct token *t, const CK_TOKEN_INFO *info, char pin[TOKEN_PIN_MAX + 1],
	size_t *len_r, struct rv_err *e);
void token_pin_refused(struct token *t);
int token_pin_may_try(struct token *t, const CK_TOKEN_INFO *info, struct rv_err *e);

/*
 * token.c, for the provider: signs a SHA-256 digest; ECDSA as raw r || s. Opens, and tries once
 * more, as token_sign does. out has room for TOKEN_RSA_MAX bytes.
 */
int token_sign_digest(struct token *t, enum rv_sig_alg alg, const uint8_t digest[RV_DIGEST_LEN],
	uint8_t *out, size_t *len_r);
struct token *token_ref(struct token *t);

/* token_provider.c */
int token_provider_key(struct token *t, EVP_PKEY **key_r, struct rv_err *e);

#endif
