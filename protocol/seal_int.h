/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_SEAL_INT_H
#define RV_SEAL_INT_H

#include "dsig.h"
#include "seal.h"

/* A document whose form is that of a sealed message, taken apart. Everything is borrowed from it.
 */
struct rv_seal_form {
	xmlNode *header;
	xmlNode *sections[RV_SEC_COUNT]; /* NULL: not there */
	unsigned present;
	unsigned listed;
	struct rv_dsig dsig;
	xmlNode *manifest;
	xmlNode *refs[RV_SEC_COUNT]; /* the Manifest's References, by section */
	uint8_t digests[RV_SEC_COUNT][RV_DIGEST_LEN];
};

/* Header and sections of a document without a seal, as composed. */
int rv_seal_form_content(struct rv_seal_form *f, const xmlDoc *doc, struct rv_err *e);
/* All of a sealed document. f is filled on success only. */
int rv_seal_form_read(struct rv_seal_form *f, const xmlDoc *doc, struct rv_err *e);

/* Digests and value of a seal whose form has been read. */
int rv_verifier_check(struct rv_verifier *v, xmlDoc *doc, const struct rv_seal_form *f,
	const struct rv_cert *cert, struct rv_err *e);

/* Fills e with the place of node and returns code. */
int rv_seal_refuse(struct rv_err *e, int code, const xmlNode *node, const char *rule,
	const char *mend, const char *fmt, ...) __attribute__((format(printf, 6, 7)));

#endif
