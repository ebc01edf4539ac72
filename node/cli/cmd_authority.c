/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/cmd_authority.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "node/cli/commands.h"
#include "node/cli/text.h"
#include "protocol/stamp.h"

enum { MAX_CERT = 64 << 10 };

int64_t authority_now(const struct cli *c)
{
	struct rv_clock clock = cli_clock(c);
	return clock.now_us(clock.ctx);
}

void authority_day(char out[16], int64_t t_us)
{
	char text[RV_STAMP_TEXT];
	rv_stamp_text(text, t_us);
	snprintf(out, 16, "%.10s", text);
}

void authority_say(struct cli *c, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text_put(cli_out(c), text);
	fputc('\n', cli_out(c));
}

int authority_url_options(struct cli *c, const char *option, const char *urls[ISSUE_URLS])
{
	const char *const *values;
	size_t n = cli_opt_all(c, option, &values);
	if (n > ISSUE_URLS) {
		return cli_usage(c, "--%s is given more than %d times", option, ISSUE_URLS);
	}
	for (size_t i = 0; i < n; i++) {
		urls[i] = values[i];
	}
	return 0;
}

int authority_read_cert(struct cli *c, const char *path, int issuer, struct rv_cert **cert_r)
{
	struct rv_err e = {0};
	struct rv_buf pem = {0};
	struct rv_buf der = {0};
	BIO *bio = NULL;
	X509 *x509 = NULL;
	int rc = cli_read(c, path, MAX_CERT, &pem, &e);
	if (rc == 0) {
		bio = BIO_new_mem_buf(pem.data, (int)pem.len);
		x509 = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
		ERR_clear_error();
		rc = x509 != NULL ? issue_cert_der(x509, &der, &e)
				  : rv_fail(&e, RV_EPARSE, "there is no certificate in PEM form");
	}
	if (rc == 0) {
		rc = issuer ? rv_cert_issuer_from_der(cert_r, der.data, der.len, &e)
			    : rv_cert_from_der(cert_r, der.data, der.len, &e);
	}
	if (rc != 0 && rc != RV_ESYS) {
		rv_err_prefix(&e, "%s", path);
	}
	X509_free(x509);
	BIO_free(bio);
	rv_buf_free(&pem);
	rv_buf_free(&der);
	return rc == 0 ? 0 : cli_fail(c, &e, NULL);
}

static const struct cli_command *const subs[] = {&authority_cmd_new, &authority_cmd_admit,
	&authority_cmd_operation, &authority_cmd_remove, &authority_cmd_show,
	&authority_cmd_publish, &authority_cmd_cosigner, &authority_cmd_quorum, &authority_cmd_sign,
	&authority_cmd_issue, &authority_cmd_issued, &authority_cmd_renew, &authority_cmd_revoke,
	&authority_cmd_crl, &authority_cmd_ocsp, &authority_cmd_issuer, &authority_cmd_checking,
	&authority_cmd_rekey, NULL};

const struct cli_command cmd_authority = {
	.name = "authority",
	.operands = "",
	.summary = "keep the trust list and its keys, as its coordinator, offline",
	.details =
		"The coordinator keeps the draft of the trust list in a folder of its own, best\n"
		"on a computer that is not on the network: new, admit, operation, publish.\n"
		"Members put a published list in place with 'reeve trust install'.",
	.subs = subs,
};
