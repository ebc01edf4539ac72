/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/inside.h"

#include <stdlib.h>

static const char *conf_name(const struct cli *c)
{
	const char *file = cli_opt(c, "conf");
	if (!file)
		file = getenv("REEVE_CONF");
	return file && *file ? file : NULL;
}

static void release(struct cli *c)
{
	conf_free(&c->conf);
	rv_catalog_free(&c->catalog);
}

int cli_conf(struct cli *c, const struct conf **conf_r, struct rv_err *e)
{
	if (!c->conf) {
		const char *file = conf_name(c);
		if (!file) {
			rv_fail(e, RV_ECONFIG, "no configuration is named");
			rv_err_mend(
				e, "Name it with -c FILE, or in the environment as REEVE_CONF.");
			return RV_ECONFIG;
		}
		c->release = release;
		int rc = conf_read(&c->conf, file, e);
		if (rc)
			return rc;
	}
	*conf_r = c->conf;
	return 0;
}

int cli_catalog(struct cli *c, const struct rv_catalog **catalog_r, struct rv_err *e)
{
	if (!c->catalog) {
		const char *dir = getenv("REEVE_SCHEMAS");
		if ((!dir || !*dir) && conf_name(c)) {
			const struct conf *conf;
			int rc = cli_conf(c, &conf, e);
			if (rc)
				return rc;
			dir = conf->schemas;
		}
		if (!dir || !*dir)
			dir = REEVE_DATADIR "/schemas";
		c->release = release;
		int rc = rv_catalog_load(&c->catalog, dir, NULL, e);
		if (rc)
			return rc;
	}
	*catalog_r = c->catalog;
	return 0;
}
