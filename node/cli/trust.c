/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/shared.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/xml.h"

enum { MAX_AUTHORITIES = 16, MAX_PEM = 256 * 1024 };

static void free_certs(struct rv_cert **certs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		rv_cert_free(&certs[i]);
}

/* Every certificate of a PEM file. */
static int read_authorities(struct cli *c, const char *path, struct rv_cert **certs, size_t *n, struct rv_err *e)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----";
	struct rv_buf pem = {0};
	int rc = cli_read(c, path, MAX_PEM, &pem, e);
	if (rc)
		goto out;
	const char *p = rv_buf_cstr(&pem);
	if (!p) {
		rc = rv_fail_nomem(e);
		goto out;
	}
	for (p = strstr(p, begin); p; p = strstr(p + sizeof begin, begin)) {
		if (*n == MAX_AUTHORITIES) {
			rc = rv_fail(e, RV_ELIMIT, "%s has more than %d certificates", path, MAX_AUTHORITIES);
			goto out;
		}
		rc = rv_cert_from_pem(&certs[*n], p, strlen(p), e);
		if (rc) {
			rv_err_prefix(e, "%s", path);
			goto out;
		}
		++*n;
	}
	if (!*n)
		rc = rv_fail(e, RV_ECERT, "%s has no certificate in PEM", path);
out:
	rv_buf_free(&pem);
	return rc;
}

int cli_trust(struct cli *c, struct rv_trust **t_r, struct rv_err *e)
{
	struct rv_cert *authorities[MAX_AUTHORITIES] = {NULL};
	const struct rv_cert *borrowed[MAX_AUTHORITIES] = {NULL};
	size_t n = 0;
	struct rv_buf list = {0};
	const char *list_path = cli_opt(c, "trust"), *authority_path = cli_opt(c, "authority");
	int rc = 0;
	if (!list_path || !authority_path) {
		const struct conf *conf;
		rc = cli_conf(c, &conf, e);
		if (rc) {
			rv_err_mend(e, "Give --trust and --authority, or name a configuration with -c FILE or REEVE_CONF.");
			goto out;
		}
		list_path = list_path ? list_path : conf->trust_list;
		authority_path = authority_path ? authority_path : conf->authority;
	}
	rc = read_authorities(c, authority_path, authorities, &n, e);
	if (rc)
		goto out;
	rc = cli_read(c, list_path, rv_xml_limits_trust.bytes, &list, e);
	if (rc)
		goto out;
	for (size_t i = 0; i < n; i++)
		borrowed[i] = authorities[i];
	rc = rv_trust_read(t_r, list.data, list.len, borrowed, n, 0, e);
	if (rc)
		rv_err_prefix(e, "%s", list_path);
out:
	free_certs(authorities, n);
	rv_buf_free(&list);
	return rc;
}
