/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "node/env.h"
#include "node/file.h"
#include "tests/unit/protocol/sealing.h"

void sealing_sample(struct rv_buf *out, const char *name)
{
	char path[512];
	const char *top = getenv("top_srcdir");
	struct rv_err e = {0};
	snprintf(path, sizeof(path), "%s/schemas/samples/%s", top != NULL ? top : ".", name);
	if (file_read(path, 1 << 20, out, &e) != 0) {
		fail_msg("%s", e.text);
	}
}

int sealing_sign(void *ctx, const void *data, size_t len, struct rv_buf *out, struct rv_err *e)
{
	const struct sealing_key *k = ctx;
	return rv_key_sign(k->key, k->alg, data, len, out, e);
}

void sealing_seal(struct rv_buf *wire, const struct rv_buf *draft, const struct pki_member *by,
	enum rv_sig_alg alg)
{
	struct rv_err e = {0};
	xmlDoc *doc = NULL;
	struct rv_random random = env_random();
	struct sealing_key key = {by->key, alg != 0 ? alg : rv_cert_alg(by->cert)};
	struct rv_signer signer = {sealing_sign, &key, key.alg, {0}, ""};
	struct rv_compose c = {.id = "01930c6e-7a10-7c3e-9d6f-3f2a51b0c001",
		.operation = "CRANE-26",
		.roster_version = 1,
		.sequence = 1,
		.issued_us = PKI_NOW};
	snprintf(c.originator, sizeof(c.originator), "%s", by->code);
	memcpy(c.signer_cert, rv_cert_digest(by->cert), RV_DIGEST_LEN);
	memcpy(signer.cert_digest, c.signer_cert, RV_DIGEST_LEN);
	if (rv_xml_parse(&doc, draft->data, draft->len, &rv_xml_limits_message, RV_XML_DRAFT, &e) !=
			0 ||
		rv_msg_compose(doc, &c, &random, &e) != 0 ||
		rv_seal(doc, &signer, wire, NULL, &e) != 0) {
		fail_msg("%s %s", e.rule, e.text);
	}
	xmlFreeDoc(doc);
}

int sealing_verify(struct rv_verifier *v, const void *wire, size_t len, const struct pki_member *by,
	struct rv_sealed *sealed, struct rv_err *e)
{
	xmlDoc *doc = NULL;
	int rc = rv_seal_parse(&doc, wire, len, e);
	if (rc == 0) {
		rc = rv_seal_verify(v, doc, by->cert, sealed, e);
	}
	xmlFreeDoc(doc);
	return rc;
}
