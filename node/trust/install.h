/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_TRUST_INSTALL_H
#define NODE_TRUST_INSTALL_H

#include "node/config/conf.h"
#include "protocol/buf.h"
#include "protocol/err.h"

/*
 * Puts a trust list in a node's folder, offline or beside the running node: verified first, then
 * the node's own certificate (taken out of the list, for the key of the certificate request beside
 * the signing key), the authority's certificates, and last the list, each whole and durable. No
 * private key is read.
 */
struct install {
	const struct conf *conf;
	const struct rv_buf *list;      /* as published */
	const struct rv_buf *authority; /* PEM; NULL: the certificates in place */
	int replace_authority; /* take it although those in place do not vouch for the list */
	int64_t now_us;
};
struct install_report {
	uint64_t number;
	int same;       /* this very list was in place */
	int other_cert; /* another certificate was in place: a node that runs signs with that until
			   it is restarted */
};
/*
 * Errors: those of rv_trust_read; RV_EDENIED (TRUST-OLDER; INSTALL-AUTHORITY: the certificates in
 * place do not vouch for the list); RV_EEXIST (TRUST-NUMBER); RV_EUNKNOWN (INSTALL-MEMBER: the node
 * is not in the list, or none of its certificates is for its key).
 */
int install_list(const struct install *in, struct install_report *report_r, struct rv_err *e);

#endif
