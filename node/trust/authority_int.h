/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_TRUST_AUTHORITY_INT_H
#define NODE_TRUST_AUTHORITY_INT_H

#include "node/trust/authority.h"
#include "protocol/xml.h"

/* Inside the authority's folder. */

struct authority {
	char *dir;
	int lock;      /* the folder, open and locked */
	xmlDoc *doc;   /* the draft, without white space between elements */
	xmlNode *list; /* its List */
};

/* The Member or Operation of that code, NULL if there is none. */
xmlNode *authority_find(const struct authority *a, const char *element, const char *code);
/* Adds an element with ValidFrom and ValidTo as attributes. NULL if memory is short. */
xmlNode *authority_add_dated(
	xmlNode *parent, const char *name, const char *text, int64_t from_us, int64_t to_us);
xmlNode *authority_add_stamp(xmlNode *parent, const char *name, int64_t t_us);
/* Replaces the text of an element or attribute. */
int authority_set_stamp(xmlNode *node, const char *attribute, int64_t t_us);
/* Adds one to the Version of an Operation. */
int authority_grow(xmlNode *operation, struct rv_err *e);

/*
 * An edit: work on a copy, then keep it (checked, saved) or drop it. A draft that names someone who
 * is not listed yet may be kept: *waits_r is 1 then.
 */
struct authority_edit {
	struct authority *a;
	xmlDoc *before;
};
int authority_edit_begin(struct authority_edit *edit, struct authority *a, struct rv_err *e);
/* rc: what the edit came to. Returns rc, or why it could not be kept. */
int authority_edit_end(struct authority_edit *edit, int rc, int *waits_r, struct rv_err *e);

/* The authority's certificates as they stand in authority.pem, current one first: at most 2. Each
 * to X509_free. */
int authority_certs(const struct authority *a, X509 *certs[2], size_t *n_r, struct rv_err *e);
/* The private key that belongs to a certificate. */
int authority_key(const struct authority *a, X509 *cert, const struct issue_ask *ask,
	EVP_PKEY **key_r, struct rv_err *e);
/* The name of the file that has it: "authority-5f0c1a22.key". */
enum { AUTHORITY_KEY_NAME = 32 };
int authority_key_name(X509 *cert, char name[AUTHORITY_KEY_NAME], struct rv_err *e);
/* Makes a key and a certificate: the certificate, and the key as PEM, to rv_buf_wipe. */
int authority_identity(
	const struct authority_new *n, X509 **cert_r, struct rv_buf *key_pem, struct rv_err *e);
/* Writes authority.pem: one certificate, or the current and the former one. */
int authority_put_certs(const char *dir, X509 *current, X509 *former, struct rv_err *e);
/* Writes a file of the folder; fresh: it must not be there. */
int authority_put(const char *dir, const char *name, unsigned mode, const struct rv_buf *b,
	int fresh, struct rv_err *e);
/* Until when a certificate is valid. */
int64_t authority_not_after(const X509 *cert);

#endif
