/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/chain_rig.h"

/* Certificates: as an issuer of a list beside a good one, and as a member's. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void path_of(const struct rv_chain *chain, const void *der, size_t len)
{
	struct rv_cert *cert = NULL;
	struct rv_path *path = NULL;
	struct rv_err e = {0};
	char subject[64];
	if (rv_cert_from_der(&cert, der, len, NULL) != 0) {
		return;
	}
	int rc = rv_chain_path(&path, chain, cert, "KE", present.now_us, &e);
	if (rc == 0 &&
		(rv_path_len(path) < 1 || rv_path_len(path) > RV_CHAIN_DEPTH ||
			rv_path_from(path) > present.now_us || rv_path_to(path) < present.now_us)) {
		abort();
	}
	if (rc == 0) {
		rv_path_subject(path, 0, subject, sizeof(subject));
	} else if (rc != e.code || (e.rule[0] == '\0' && rc != RV_ENOMEM)) {
		abort();
	}
	rv_path_free(&path);
	rv_cert_free(&cert);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct rv_chain_issuer in[2] = {
		{.der = {issuer_der, sizeof(issuer_der)}}, {.der = {data, size}}};
	struct rv_chain *chain = NULL;
	struct rv_err e = {0};
	int rc = rv_chain_issuer_check(data, size, &e);
	if (rc != 0 && (rc != e.code || e.rule[0] == '\0')) {
		abort();
	}
	if (rv_chain_new(&chain, in, 2, &e) != 0 && rv_chain_new(&chain, in, 1, &e) != 0) {
		abort();
	}
	path_of(chain, member_der, sizeof(member_der));
	path_of(chain, data, size);
	rv_chain_free(&chain);
	return 0;
}
