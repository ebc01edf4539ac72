/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/commands.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/api/json.h"
#include "node/cli/client.h"
#include "node/cli/shared.h"
#include "node/cli/text.h"
#include "protocol/seal.h"

/* One sealed message and what was found out about it. */
struct exhibit {
	const char *file;
	int verified;
	struct rv_err err; /* why not */
	struct rv_header header;
	struct rv_sealed sealed;
	xmlDoc *doc;
	const struct rv_cert *cert; /* the trust list's */
	struct rv_attachment *attachments;
	size_t n_attachments;
	json_t *record; /* of a message in the node: what it knows of it */
	char revoked[160];
	const char *notes[6]; /* what does not break the seal, yet should be known */
	size_t n_notes;
};

static void exhibit_clear(struct exhibit *x)
{
	rv_header_clear(&x->header);
	xmlFreeDoc(x->doc);
	json_decref(x->record);
	free(x->attachments);
}

static void note(struct exhibit *x, const char *words)
{
	if (x->n_notes < sizeof x->notes / sizeof x->notes[0])
		x->notes[x->n_notes++] = words;
}

/* Was the originator a participant when it issued the message? The list knows today's roster with
 * its dates. */
static void note_operation(struct exhibit *x, const struct rv_trust *trust)
{
	const struct rv_operation *op = rv_trust_operation(trust, x->header.operation);
	if (!x->header.operation[0])
		note(x, "it was sent outside every operation");
	else if (!op)
		note(x, "the trust list does not have its operation");
	else if (!rv_participant_at(op, x->header.originator, x->header.issued_us))
		note(x, "its originator was no participant of the operation when it was issued");
	else if (op->version < x->header.roster_version)
		note(x, "it was sent under a newer roster than the trust list has");
}

static void note_time(struct exhibit *x, const struct rv_trust *trust, int64_t now_us)
{
	if (x->header.expires_us && x->header.expires_us < now_us)
		note(x, "the message has expired");
	if (rv_trust_expires(trust) && rv_trust_expires(trust) < now_us)
		note(x, "the trust list has expired; a newer one may say otherwise");
}

/* A file says itself when it was signed, and a thief would say what suits him. */
static void note_revocation(struct exhibit *x, const struct rv_trust *trust)
{
	const struct rv_member *m = rv_trust_member(trust, x->header.originator);
	char since[RV_STAMP_TEXT];
	for (size_t i = 0; !x->record && i < m->n_certs; i++) {
		const struct rv_dated_cert *d = &m->certs[i];
		if (d->cert != x->cert || !d->revoked_us)
			continue;
		rv_stamp_text(since, d->revoked_us);
		snprintf(x->revoked, sizeof x->revoked,
			"its certificate is revoked since %s (%s): a node that stored it before "
			"that tells whether it did (reeve verify ID)",
			since, rv_reason_text(d->reason));
		note(x, x->revoked);
	}
}

/* A message that is in the node, by its id. */
static int fetch(struct cli *c, struct exhibit *x, struct rv_buf *wire, struct rv_err *e)
{
	struct client *client = NULL;
	struct answer record = {0}, content = {0};
	char path[RV_UUID_TEXT + 32];
	snprintf(path, sizeof path, "/v1/messages/%s", x->file);
	int rc = client_new(&client, c, e);
	if (!rc)
		rc = client_get(client, path, &record, e);
	snprintf(path, sizeof path, "/v1/messages/%s/content", x->file);
	if (!rc)
		rc = client_get(client, path, &content, e);
	if (!rc) {
		x->record = json_incref(record.json);
		if (rv_buf_put(wire, content.body.data, content.body.len))
			rc = rv_fail_nomem(e);
	}
	answer_clear(&record);
	answer_clear(&content);
	client_free(&client);
	return rc;
}

static int is_id(const char *operand)
{
	uint8_t id[RV_UUID_LEN];
	return !rv_uuid_parse(id, operand) && access(operand, F_OK);
}

static int examine(
	struct cli *c, struct rv_verifier *v, const struct rv_trust *trust, struct exhibit *x)
{
	struct rv_buf wire = {0};
	struct rv_err *e = &x->err;
	int rc = is_id(x->file) ? fetch(c, x, &wire, e)
				: cli_read(c, x->file, rv_xml_limits_message.bytes, &wire, e);
	if (!rc)
		rc = rv_seal_parse(&x->doc, wire.data, wire.len, e);
	rv_buf_free(&wire);
	if (!rc)
		rc = rv_header_read(&x->header, x->doc, e);
	if (rc)
		return rc;
	if (!x->header.has_signer_cert)
		return rv_fail(e, RV_EPROFILE, "it does not name the certificate of its signer");
	if (!rv_trust_member(trust, x->header.originator))
		return rv_fail(e, RV_EUNKNOWN, "its originator %s is not in the trust list",
			x->header.originator);
	x->cert = rv_trust_cert(
		trust, x->header.originator, x->header.signer_cert, x->header.issued_us, e);
	if (!x->cert)
		return e->code ? e->code : RV_ECERT;
	rc = rv_seal_verify(v, x->doc, x->cert, &x->sealed, e);
	if (!rc)
		rc = rv_attachments_read(&x->attachments, &x->n_attachments, x->doc, e);
	if (rc)
		return rc;
	x->verified = 1;
	note_operation(x, trust);
	note_revocation(x, trust);
	note_time(x, trust, cli_clock(c).now_us(cli_clock(c).ctx));
	return 0;
}

static void sections_text(char *out, size_t size, unsigned mask)
{
	size_t n = 0;
	out[0] = 0;
	for (unsigned s = 0; s < RV_SEC_COUNT && n < size; s++)
		if (mask & (1u << s))
			n += (size_t)snprintf(out + n, size - n, "%s%s", n ? ", " : "",
				rv_section_id((enum rv_section)s));
}

static void print_seal(struct cli *c, const struct exhibit *x)
{
	char text[512], digest[RV_DIGEST_TEXT];
	rv_hex(digest, x->sealed.seal_digest, RV_DIGEST_LEN);
	cli_line(c, "seal", "%s", digest);
	rv_cert_subject(x->cert, text, sizeof text);
	rv_hex(digest, rv_cert_digest(x->cert), RV_DIGEST_LEN);
	cli_line(c, "signed with", "%s (%s)", digest, text);
	sections_text(text, sizeof text, x->sealed.present);
	cli_line(c, "sections", "%s", text[0] ? text : "none");
	sections_text(text, sizeof text, x->sealed.withheld);
	if (text[0])
		cli_line(c, "withheld", "%s", text);
	for (size_t i = 0; i < x->n_attachments; i++) {
		rv_hex(digest, x->attachments[i].digest, RV_DIGEST_LEN);
		cli_line(c, i ? "" : "attachments", "%s, %llu bytes, sha256 %s",
			x->attachments[i].name, (unsigned long long)x->attachments[i].size, digest);
	}
}

static void print_exhibit(struct cli *c, const struct exhibit *x)
{
	FILE *out = cli_out(c);
	text_put(out, x->file);
	if (!x->verified) {
		fprintf(out, ": %snot verified%s", cli_sgr(c, "1;31"), cli_sgr(c, "0"));
		if (x->err.rule[0])
			fprintf(out, " [%s]", x->err.rule);
		fputc('\n', out);
		cli_line(c, "why", "%s", x->err.text[0] ? x->err.text : rv_strcode(x->err.code));
		if (x->err.line)
			cli_line(c, "where", "line %d, column %d", x->err.line, x->err.column);
		if (x->err.mend[0])
			cli_line(c, "mend", "%s", x->err.mend);
		return;
	}
	fprintf(out, ": %sverified%s\n", cli_sgr(c, "32"), cli_sgr(c, "0"));
	cli_page_header(c, &x->header);
	print_seal(c, x);
	if (x->record)
		cli_standing(c, x->record);
	for (size_t i = 0; i < x->n_notes; i++)
		cli_line(c, "note", "%s", x->notes[i]);
}

static json_t *json_of_exhibit(const struct exhibit *x)
{
	int bad = 0;
	json_t *o = json_object();
	json_put(o, "file", json_text(x->file), &bad);
	json_put(o, "verified", json_boolean(x->verified), &bad);
	if (!x->verified) {
		json_put(o, "detail", json_text(x->err.text), &bad);
		json_put_err(o, &x->err, &bad);
		return json_done(o, bad);
	}
	json_t *notes = json_array(), *attachments = json_array();
	for (size_t i = 0; i < x->n_notes; i++)
		json_push(notes, json_string(x->notes[i]), &bad);
	for (size_t i = 0; i < x->n_attachments; i++)
		json_push(attachments, json_of_attachment(&x->attachments[i], -1), &bad);
	json_put(o, "header", json_of_header(&x->header), &bad);
	json_put(o, "seal", json_digest(x->sealed.seal_digest, RV_DIGEST_LEN), &bad);
	json_put(o, "present", json_of_sections(x->sealed.present), &bad);
	json_put(o, "withheld", json_of_sections(x->sealed.withheld), &bad);
	json_put(o, "attachments", attachments, &bad);
	json_put(o, "notes", notes, &bad);
	if (x->record) {
		json_put(o, "standing", json_incref(json_object_get(x->record, "standing")), &bad);
		json_put(o, "certificate", json_incref(json_object_get(x->record, "certificate")),
			&bad);
	}
	return json_done(o, bad);
}

/* ---- the chain: several messages of one originator in one operation ---- */

static int compare(const void *a, const void *b)
{
	const struct exhibit *x = *(const struct exhibit *const *)a,
			     *y = *(const struct exhibit *const *)b;
	int by = strcmp(x->header.operation, y->header.operation);
	by = by ? by : strcmp(x->header.originator, y->header.originator);
	if (by)
		return by;
	return x->header.sequence < y->header.sequence ? -1
						       : x->header.sequence > y->header.sequence;
}

/* Says how b follows a. 1 if the chain is broken there: same number twice, or another predecessor
 * than it names. */
static int follow(struct cli *c, const struct exhibit *a, const struct exhibit *b)
{
	const struct rv_header *x = &a->header, *y = &b->header;
	unsigned long long i = x->sequence, j = y->sequence;
	if (strcmp(x->operation, y->operation) || strcmp(x->originator, y->originator))
		return 0;
	if (i == j && !memcmp(a->sealed.seal_digest, b->sealed.seal_digest, RV_DIGEST_LEN))
		return 0;
	if (i == j) {
		cli_no(c, "chain of %s in %s: number %llu was given to two messages, %s and %s",
			x->originator, x->operation, i, x->id, y->id);
		return 1;
	}
	if (i + 1 == j && memcmp(a->sealed.seal_digest, y->previous, RV_DIGEST_LEN)) {
		cli_no(c,
			"chain of %s in %s: number %llu names another predecessor than number %llu "
			"here",
			x->originator, x->operation, j, i);
		return 1;
	}
	if (i + 1 < j)
		fprintf(cli_err(c),
			"reeve: chain of %s in %s: numbers %llu to %llu are not among the files\n",
			x->originator, x->operation, i + 1, j - 1);
	return 0;
}

static int check_chain(struct cli *c, const struct exhibit *list, size_t n)
{
	const struct exhibit **sorted = calloc(n, sizeof(struct exhibit *));
	size_t m = 0;
	int broken = 0;
	if (!sorted)
		return cli_no(c, "memory is short");
	for (size_t i = 0; i < n; i++)
		if (list[i].verified && list[i].header.sequence)
			sorted[m++] = &list[i];
	qsort(sorted, m, sizeof(struct exhibit *), compare);
	for (size_t i = 1; i < m; i++)
		broken |= follow(c, sorted[i - 1], sorted[i]);
	free(sorted);
	return broken;
}

static int report(struct cli *c, const struct exhibit *list, size_t n)
{
	int bad = 0, status = CLI_OK;
	json_t *array = cli_json(c) ? json_array() : NULL;
	for (size_t i = 0; i < n; i++) {
		if (!list[i].verified)
			status = CLI_NO;
		if (cli_json(c))
			json_push(array, json_of_exhibit(&list[i]), &bad);
		else
			print_exhibit(c, &list[i]);
	}
	if (cli_json(c) && cli_print_json(c, json_done(array, bad)))
		status = CLI_NO;
	if (check_chain(c, list, n))
		status = CLI_NO;
	return status;
}

static int run(struct cli *c)
{
	struct rv_err e = {0};
	struct rv_trust *trust = NULL;
	struct rv_verifier *verifier = NULL;
	const char *const *files;
	size_t n = cli_operands(c, &files);
	int status;
	struct exhibit *list = calloc(n, sizeof *list);
	if (!list)
		return cli_no(c, "memory is short");
	if (rv_xml_init(&e) || rv_seal_init(&e) || cli_trust(c, &trust, &e) ||
		rv_verifier_new(&verifier, &e)) {
		status = cli_fail(c, &e, NULL);
		goto out;
	}
	for (size_t i = 0; i < n; i++) {
		list[i].file = files[i];
		examine(c, verifier, trust, &list[i]);
	}
	status = report(c, list, n);
out:
	for (size_t i = 0; i < n; i++)
		exhibit_clear(&list[i]);
	free(list);
	rv_verifier_free(&verifier);
	rv_trust_unref(&trust);
	return status;
}

static const struct cli_option options[] = {
	CLI_OPTION_TRUST,
	CLI_OPTION_AUTHORITY,
	CLI_OPTION_JSON,
	CLI_OPTION_END,
};

const struct cli_command cmd_verify = {
	.name = "verify",
	.operands = "FILE|ID...",
	.summary = "verify sealed messages: who signed, whether anything was altered, offline",
	.details =
		"Verifies the originator's signature with the certificate that the trust list\n"
		"has for it, valid when the message was issued, and each section against its\n"
		"digest. Shows handling, and which sections were withheld on the way. Of\n"
		"several files it also checks the chain: that numbers and digests of one\n"
		"originator's messages in an operation follow each other. Exit status 1 if\n"
		"anything is wrong.\n"
		"\n"
		"An ID is a message in the node: then it also tells what the node knew of the\n"
		"signer's certificate when it stored the message, and whether it was revoked\n"
		"since.",
	.options = options,
	.min_operands = 1,
	.max_operands = -1,
	.values = CLI_FILES,
	.run = run,
};
