/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/chain_rig.h"

/* CRLs: as they come, and what is read of them behind a signature that nobody forges. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct rv_path *path = the_path();
	struct rv_cert_status s = {.source = RV_STATUS_CRL};
	struct rv_err e = {0};
	X509_CRL *crl = NULL;
	check_said(rv_status_from_crl(&s, path, 0, data, size, &present, &e), &s, &e);
	memset(&s, 0, sizeof(s));
	if (rv_crl_read(&crl, data, size, path->certs[1], &e) == 0) {
		int rc = rv_crl_say(&s, crl, path->certs[0], path->certs[1], &present, &e);
		check_said(rc, &s, &e);
		X509_CRL_free(crl);
	}
	return 0;
}
