/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/chain_rig.h"

/* OCSP responses: as they come, and what is read of them behind a signature that nobody forges. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct rv_span nonce = {(const uint8_t *)"0123456789abcdef", 16};
	const struct rv_path *path = the_path();
	struct rv_cert_status s = {.source = RV_STATUS_OCSP};
	struct rv_err e = {0};
	OCSP_BASICRESP *basic = NULL;
	int rc = rv_status_from_ocsp(&s, path, 0, data, size, nonce, &present, &e);
	check_said(rc, &s, &e);
	memset(&s, 0, sizeof(s));
	if (rv_ocsp_read(&basic, data, size, path->certs[1], &e) == 0) {
		rc = rv_ocsp_say(&s, basic, path->certs[0], path->certs[1], nonce, &present, &e);
		check_said(rc, &s, &e);
		OCSP_BASICRESP_free(basic);
	}
	return 0;
}
