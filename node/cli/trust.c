/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/shared.h"

#include "node/trust/roots.h"
#include "protocol/xml.h"

enum { MAX_PEM = 256 * 1024 };

int cli_trust(struct cli *c, struct rv_trust **t_r, struct rv_err *e)
{
	struct trust_roots roots = {0};
	struct rv_buf pem = {0}, list = {0};
	const char *list_path = cli_opt(c, "trust"), *authority_path = cli_opt(c, "authority");
	int rc = 0;
	if (!list_path || !authority_path) {
		const struct conf *conf;
		rc = cli_conf(c, &conf, e);
		if (rc) {
			rv_err_mend(e, "Give --trust and --authority, or name a configuration with "
				       "-c FILE or REEVE_CONF.");
			goto out;
		}
		list_path = list_path ? list_path : conf->trust_list;
		authority_path = authority_path ? authority_path : conf->authority;
	}
	rc = cli_read(c, authority_path, MAX_PEM, &pem, e);
	if (rc)
		goto out;
	rc = trust_roots_parse(&roots, (const char *)pem.data, pem.len, e);
	if (rc) {
		rv_err_prefix(e, "%s", authority_path);
		goto out;
	}
	rc = cli_read(c, list_path, rv_xml_limits_trust.bytes, &list, e);
	if (rc)
		goto out;
	rc = trust_roots_list(&roots, t_r, list.data, list.len, 0, e);
	if (rc)
		rv_err_prefix(e, "%s", list_path);
out:
	trust_roots_clear(&roots);
	rv_buf_free(&pem);
	rv_buf_free(&list);
	return rc;
}
