/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/cmd_authority.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "node/api/json.h"
#include "node/cli/shared.h"
#include "node/cli/text.h"
#include "node/cli/trust_options.h"
#include "node/trust/authority_ca.h"
#include "protocol/join.h"

enum { MAX_REQUEST = 64 << 10 };

static const char all_reasons[] =
	"unspecified key-compromise ca-compromise affiliation superseded cessation";

/* ---- issue ---- */

/* DER of a certificate request in PEM or DER form. */
static int csr_der(const struct rv_buf *file, struct rv_buf *der, struct rv_err *e)
{
	BIO *bio = BIO_new_mem_buf(file->data, (int)file->len);
	X509_REQ *req = bio != NULL ? PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL) : NULL;
	unsigned char *bytes = NULL;
	int rc = 0;
	ERR_clear_error();
	if (req == NULL) {
		rc = rv_buf_put(der, file->data, file->len);
	} else {
		int len = i2d_X509_REQ(req, &bytes);
		rc = len > 0 ? rv_buf_put(der, bytes, (size_t)len) : RV_ENOMEM;
	}
	OPENSSL_free(bytes);
	X509_REQ_free(req);
	BIO_free(bio);
	return rc == 0 ? 0 : rv_fail_nomem(e);
}

static int issue(struct cli *c, struct authority *a, const struct rv_buf *file,
	struct authority_issue *how, struct rv_buf *pem, int64_t *until_us, struct rv_err *e)
{
	struct rv_join j = {.made_us = 0};
	struct rv_buf der = {0};
	int rc;
	if (file->len > 0 && file->data[0] == '<') {
		rc = rv_join_read(&j, file->data, file->len, e);
		if (rc == 0) {
			how->code = j.party.code;
			how->name = how->name != NULL ? how->name : j.party.name;
			rc = authority_issue(a, j.request, j.request_len, how, pem, until_us, e);
		}
	} else {
		rc = csr_der(file, &der, e);
		if (rc == 0) {
			rc = authority_issue(a, der.data, der.len, how, pem, until_us, e);
		}
	}
	if (rc == 0) {
		rc = cli_write(c, cli_opt(c, "out"), 0644, pem->data, pem->len, e);
	}
	rv_buf_free(&der);
	rv_join_clear(&j);
	return rc;
}

static int run_issue(struct cli *c)
{
	struct rv_err e = {0};
	struct authority *a = NULL;
	struct options_passphrase p = {.cli = c};
	struct issue_ask ask = {options_ask, &p};
	struct authority_issue how = {
		.ask = &ask, .now_us = authority_now(c), .name = cli_opt(c, "name")};
	struct rv_buf file = {0};
	struct rv_buf pem = {0};
	int64_t until_us = 0;
	char until[16];
	const char *path = cli_operand(c, 1);
	rv_xml_init(NULL);
	int status = options_days(c, "days", 730, how.now_us, &how.to_us);
	if (status == 0 && (authority_open(&a, cli_operand(c, 0), &e) != 0 ||
				   cli_read(c, path, MAX_REQUEST, &file, &e) != 0 ||
				   issue(c, a, &file, &how, &pem, &until_us, &e) != 0)) {
		status = cli_fail(c, &e, "%s: no certificate is issued", path);
	}
	if (status == 0 && cli_opt(c, "out") != NULL) {
		authority_day(until, until_us);
		authority_say(c, "The certificate is in %s, valid until %s. It is in no list.",
			cli_opt(c, "out"), until);
	}
	authority_close(&a);
	rv_buf_free(&file);
	rv_buf_free(&pem);
	return status;
}

/* ---- issued ---- */

static void state_text(const struct issued_cert *i, char out[96])
{
	char since[RV_STAMP_TEXT];
	rv_stamp_text(since, i->revoked_us);
	if (i->revoked_us == 0) {
		snprintf(out, 96, "good");
	} else {
		snprintf(out, 96, "revoked %s, %s", since, rv_reason_text(i->reason));
	}
}

static int print_issued(struct cli *c, const struct issued *x)
{
	struct table *table = table_new();
	table_column(table, "SERIAL", 0);
	table_column(table, "CODE", 0);
	table_column(table, "KEY", 0);
	table_column(table, "UNTIL", 0);
	table_column(table, "STATE", TABLE_SHRINK);
	for (size_t i = 0; i < x->n; i++) {
		char until[16], state[96];
		authority_day(until, x->items[i].to_us);
		state_text(&x->items[i], state);
		table_cell(table, x->items[i].serial, 0);
		table_cell(table, x->items[i].code, 0);
		table_cell(table, x->items[i].issuer, 0);
		table_cell(table, until, 0);
		table_cell(table, state, x->items[i].revoked_us != 0 ? 31 : 0);
	}
	int rc = x->n > 0 ? table_print(table, cli_out(c),
				    cli_out_tty(c) ? (size_t)cli_columns(c) : 0, cli_colours(c))
			  : 0;
	table_free(&table);
	return rc != 0 ? cli_no(c, "memory is short") : CLI_OK;
}

static int print_issued_json(struct cli *c, const struct issued *x)
{
	json_t *array = json_array();
	int bad = array == NULL;
	for (size_t i = 0; i < x->n && !bad; i++) {
		const struct issued_cert *one = &x->items[i];
		char from[RV_STAMP_TEXT], to[RV_STAMP_TEXT], key[RV_DIGEST_TEXT];
		json_t *o = json_object();
		rv_stamp_text(from, one->from_us);
		rv_stamp_text(to, one->to_us);
		rv_hex(key, one->key, RV_DIGEST_LEN);
		json_put(o, "serial", json_text(one->serial), &bad);
		json_put(o, "code", json_text(one->code), &bad);
		json_put(o, "issuer", json_text(one->issuer), &bad);
		json_put(o, "key", json_text(key), &bad);
		json_put(o, "from", json_text(from), &bad);
		json_put(o, "until", json_text(to), &bad);
		if (one->revoked_us != 0) {
			rv_stamp_text(from, one->revoked_us);
			json_put(o, "revoked", json_text(from), &bad);
			json_put(o, "reason", json_text(rv_reason_text(one->reason)), &bad);
		}
		if (one->since_us != 0) {
			rv_stamp_text(from, one->since_us);
			json_put(o, "since", json_text(from), &bad);
		}
		bad |= json_array_append_new(array, o) != 0;
	}
	return cli_print_json(c, json_done(array, bad));
}

static int run_issued(struct cli *c)
{
	struct rv_err e = {0};
	struct authority *a = NULL;
	struct issued x = {0};
	rv_xml_init(NULL);
	int status;
	if (authority_open(&a, cli_operand(c, 0), &e) != 0 || authority_issued(a, &x, &e) != 0) {
		status = cli_fail(c, &e, NULL);
	} else {
		status = cli_json(c) ? print_issued_json(c, &x) : print_issued(c, &x);
	}
	issued_clear(&x);
	authority_close(&a);
	return status;
}

/* ---- renew ---- */

static int run_renew(struct cli *c)
{
	struct rv_err e = {0};
	struct authority *a = NULL;
	struct options_passphrase p = {.cli = c};
	struct issue_ask ask = {options_ask, &p};
	struct authority_renew how = {.ask = &ask, .now_us = authority_now(c)};
	int64_t until_us = 0;
	char until[16];
	const char *code = cli_operand(c, 1);
	rv_xml_init(NULL);
	int status = options_days(c, "days", 730, how.now_us, &how.to_us);
	if (status == 0) {
		status = authority_overlap(c, &how.overlap_us);
	}
	if (status == 0 && (authority_open(&a, cli_operand(c, 0), &e) != 0 ||
				   authority_renew(a, code, &how, &until_us, &e) != 0)) {
		status = cli_fail(c, &e, "%s is not renewed", code);
	}
	if (status == 0) {
		authority_day(until, until_us);
		authority_say(c,
			"%s has a new certificate for its key in the draft, until %s. Publish; its "
			"node takes the certificate from the list.",
			code, until);
	}
	authority_close(&a);
	return status;
}

/* ---- revoke ---- */

static void tell_revoked(struct cli *c, const struct authority_revoked *r)
{
	authority_say(c, "%s: %zu certificate%s revoked, %zu of them in the draft.", r->code, r->n,
		r->n == 1 ? "" : "s", r->in_draft);
	if (r->ended > 0) {
		authority_say(c, "%s: %zu CURVE key%s end%s now, its links are cut.", r->code,
			r->ended, r->ended == 1 ? "" : "s", r->ended == 1 ? "s" : "");
	}
	if (r->in_draft > 0) {
		authority_say(c, "Publish now: until the others have the new list it is trusted.");
	}
	if (r->in_index > 0) {
		authority_say(c, "Make a new CRL too, if one is published: reeve authority crl %s",
			cli_operand(c, 0));
	}
}

static int run_revoke(struct cli *c)
{
	struct rv_err e = {0};
	struct authority *a = NULL;
	struct authority_revoke how = {.what = cli_operand(c, 1), .now_us = authority_now(c)};
	struct authority_revoked r = {.n = 0};
	const char *reason = cli_opt(c, "reason");
	rv_xml_init(NULL);
	if (reason == NULL) {
		return cli_usage(c, "authority revoke needs --reason; there are: %s", all_reasons);
	}
	if (rv_reason_parse(&how.reason, reason) != 0) {
		return cli_usage(
			c, "--reason '%s' is not known; there are: %s", reason, all_reasons);
	}
	int status = options_when(c, "since", cli_opt(c, "since"), 0, &how.since_us);
	if (status == 0 && (authority_open(&a, cli_operand(c, 0), &e) != 0 ||
				   authority_revoke(a, &how, &r, &e) != 0)) {
		status = cli_fail(c, &e, "%s is not revoked", how.what);
	}
	if (status == 0) {
		tell_revoked(c, &r);
	}
	authority_close(&a);
	return status;
}

/* ---- crl ---- */

static int run_crl(struct cli *c)
{
	struct rv_err e = {0};
	struct authority *a = NULL;
	struct options_passphrase p = {.cli = c};
	struct issue_ask ask = {options_ask, &p};
	struct authority_crl how = {
		.ask = &ask, .now_us = authority_now(c), .out = cli_opt(c, "out")};
	struct authority_crl_made made = {.keys = 0};
	char next[RV_STAMP_TEXT];
	rv_xml_init(NULL);
	int status = options_days(c, "days", 7, how.now_us, &how.next_us);
	if (status == 0 && (authority_open(&a, cli_operand(c, 0), &e) != 0 ||
				   authority_crl(a, &how, &made, &e) != 0)) {
		status = cli_fail(c, &e, "no CRL is made");
	}
	if (status == 0) {
		how.next_us -= how.next_us % RV_US_PER_SEC;
		rv_stamp_text(next, how.next_us);
		authority_say(c,
			"CRL %llu with %zu revoked certificate%s is in %s/crl. The next one must "
			"be there by %s.",
			(unsigned long long)made.number, made.revoked, made.revoked == 1 ? "" : "s",
			cli_operand(c, 0), next);
		if (made.keys > 1) {
			authority_say(c, "The former key has a CRL of its own: publish both.");
		}
	}
	authority_close(&a);
	return status;
}

/* ---- the commands ---- */

static const struct cli_option issue_options[] = {
	{"out", 'o', "FILE", "where the certificate goes (else the standard output)", CLI_FILES, 0},
	{"days", 0, "N", "how long it is valid (else 730, at most the authority's)", NULL, 0},
	{"name", 0, "NAME", "name of the organisation (else as the request has it)", NULL, 0},
	CLI_OPTION_PASSPHRASE_FILE,
	CLI_OPTION_END,
};

const struct cli_command authority_cmd_issue = {
	.name = "issue",
	.operands = "ADIR REQUEST",
	.summary = "issue a certificate alone, for a request: PKCS#10 or join.xml",
	.details = "It is in no list: 'reeve authority admit' issues and lists at once.",
	.options = issue_options,
	.min_operands = 2,
	.max_operands = 2,
	.values = CLI_FILES,
	.run = run_issue,
};

static const struct cli_option issued_options[] = {
	CLI_OPTION_JSON,
	CLI_OPTION_END,
};

const struct cli_command authority_cmd_issued = {
	.name = "issued",
	.operands = "ADIR",
	.summary = "list the certificates that were issued, and which of them are revoked",
	.options = issued_options,
	.min_operands = 1,
	.max_operands = 1,
	.values = CLI_DIRS,
	.run = run_issued,
};

static const struct cli_option renew_options[] = {
	{"days", 0, "N", "how long it is valid (else 730, at most the authority's)", NULL, 0},
	{"overlap", 0, "DAYS", "how long the former certificate remains (else 14)", NULL, 0},
	CLI_OPTION_PASSPHRASE_FILE,
	CLI_OPTION_END,
};

const struct cli_command authority_cmd_renew = {
	.name = "renew",
	.operands = "ADIR CODE",
	.summary = "give a member a new certificate for the key that it has",
	.details = "For new keys the member sends a request: 'reeve authority admit --renew'.",
	.options = renew_options,
	.min_operands = 2,
	.max_operands = 2,
	.values = CLI_DIRS,
	.run = run_renew,
};

static const struct cli_option revoke_options[] = {
	{"reason", 0, "REASON", "why", all_reasons, 0},
	{"since", 0, "TIME", "since when it is doubtful: a date or moment (else now)", NULL, 0},
	CLI_OPTION_END,
};

const struct cli_command authority_cmd_revoke = {
	.name = "revoke",
	.operands = "ADIR CODE|SERIAL",
	.summary = "revoke the certificates of a member, or one certificate",
	.details =
		"In the draft, in the next CRL, and in what the OCSP responder says. The reason\n"
		"key-compromise ends the member's CURVE keys too. The member stays listed:\n"
		"'reeve authority remove' takes it out.",
	.options = revoke_options,
	.min_operands = 2,
	.max_operands = 2,
	.values = CLI_DIRS,
	.run = run_revoke,
};

static const struct cli_option crl_options[] = {
	{"out", 'o', "FILE", "where the current key's goes too, as DER", CLI_FILES, 0},
	{"days", 0, "N", "in how many days the next one comes (else 7)", NULL, 0},
	CLI_OPTION_PASSPHRASE_FILE,
	CLI_OPTION_END,
};

const struct cli_command authority_cmd_crl = {
	.name = "crl",
	.operands = "ADIR",
	.summary = "make the list of revoked certificates (CRL), in ADIR/crl",
	.options = crl_options,
	.min_operands = 1,
	.max_operands = 1,
	.values = CLI_DIRS,
	.run = run_crl,
};
