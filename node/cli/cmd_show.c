/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/cli/client.h"
#include "node/cli/shared.h"
#include "node/cli/text.h"
#include "protocol/seal.h"

/* ---- show ---- */

static int is_done(const char *state)
{
	return !strcmp(state, "stored") || !strcmp(state, "read");
}

static int colour_of(const char *state)
{
	return !strcmp(state, "rejected") || !strcmp(state, "expired") ? 31
	       : is_done(state)                                        ? 32
								       : 33;
}

static void show_deliveries(struct cli *c, const json_t *message)
{
	const json_t *deliveries = json_object_get(message, "deliveries"), *d;
	size_t i;
	if (!json_array_size(deliveries))
		return;
	struct table *t = table_new();
	table_column(t, "RECIPIENT", 0);
	table_column(t, "STATE", 0);
	table_column(t, "SINCE", 0);
	table_column(t, "VIA", 0);
	table_column(t, "WHY", TABLE_SHRINK);
	json_array_foreach(deliveries, i, d)
	{
		char when[24], why[400];
		const char *state = json_str(d, "state"), *rule = json_str(d, "rule"),
			   *hop = json_str(d, "hop");
		json_when(when, d, "updated");
		snprintf(why, sizeof why, "%s%s%s%s", json_str(d, "text"), rule[0] ? " [" : "",
			rule, rule[0] ? "]" : "");
		if (!hop[0] && !is_done(state) && !why[0])
			snprintf(why, sizeof why, "no way to it is known yet");
		table_cell(t, json_str(d, "recipient"), 0);
		table_cell(t, state, colour_of(state));
		table_cell(t, when, 0);
		table_cell(t, strcmp(hop, json_str(d, "recipient")) ? hop : "", 0);
		table_cell(t, why, 0);
	}
	fputc('\n', cli_out(c));
	table_print(t, cli_out(c), cli_out_tty(c) ? (size_t)cli_columns(c) : 0, cli_colours(c));
	table_free(&t);
}

static void show_attachments(struct cli *c, const json_t *message)
{
	const json_t *a;
	size_t i;
	json_array_foreach(json_object_get(message, "attachments"), i, a)
		cli_line(c, i ? "" : "attachments", "%s, %s, %lld bytes%s", json_str(a, "name"),
			json_str(a, "mediaType"), (long long)json_num(a, "size"),
			json_yes(a, "here") ? "" : " (not here yet)");
}

static int show_page(
	struct cli *c, const json_t *message, const struct rv_buf *content, struct rv_err *e)
{
	xmlDoc *doc = NULL;
	struct rv_header h = {0};
	struct rv_sealed sealed;
	int rc = rv_xml_init(e);
	if (!rc)
		rc = rv_seal_parse(&doc, content->data, content->len, e);
	if (!rc)
		rc = rv_header_read(&h, doc, e);
	if (!rc)
		rc = rv_seal_inspect(doc, &sealed, e);
	if (!rc) {
		char when[24];
		cli_page_header(c, &h);
		if (json_str(message, "source")[0])
			cli_line(c, "came from", "%s", json_str(message, "source"));
		json_when(when, message, "read");
		if (json_yes(message, "forInbox"))
			cli_line(c, "read", "%s", when[0] == '-' ? "not before now" : when);
		cli_standing(c, message);
		show_attachments(c, message);
		show_deliveries(c, message);
		cli_page_sections(c, doc, sealed.withheld);
	}
	rv_header_clear(&h);
	xmlFreeDoc(doc);
	return rc;
}

static int get(
	struct client *client, const char *id, const char *rest, struct answer *a, struct rv_err *e)
{
	struct rv_buf path = {0};
	rv_buf_str(&path, "/v1/messages");
	path_segment(&path, id);
	rv_buf_str(&path, rest);
	int rc = rv_buf_cstr(&path) ? client_get(client, rv_buf_cstr(&path), a, e)
				    : rv_fail_nomem(e);
	rv_buf_free(&path);
	return rc;
}

static int mark_read(struct client *client, const char *id, struct rv_err *e)
{
	struct answer a = {0};
	struct rv_buf path = {0};
	rv_buf_str(&path, "/v1/messages");
	path_segment(&path, id);
	rv_buf_str(&path, "/read");
	int rc = rv_buf_cstr(&path) ? client_post(client, rv_buf_cstr(&path), "", 0, NULL, &a, e)
				    : rv_fail_nomem(e);
	rv_buf_free(&path);
	answer_clear(&a);
	return rc;
}

static int run_show(struct cli *c)
{
	struct rv_err e = {0};
	struct client *client = NULL;
	struct answer message = {0}, content = {0};
	const char *id = cli_operand(c, 0);
	int status = CLI_OK;
	if (client_new(&client, c, &e) || get(client, id, "", &message, &e)) {
		status = cli_fail(c, &e, NULL);
	} else if (cli_json(c)) {
		status = cli_print_json(c, json_incref(message.json));
	} else if (get(client, id, "/content", &content, &e) ||
		   show_page(c, message.json, &content.body, &e)) {
		status = cli_fail(c, &e, NULL);
	}
	/* Only what was shown has been read. */
	int unread = json_yes(message.json, "forInbox") && !json_str(message.json, "read")[0];
	if (!status && unread && !cli_has(c, "keep-unread")) {
		if (fflush(cli_out(c)))
			status = CLI_NO;
		else if (mark_read(client, id, &e))
			status = cli_fail(c, &e, "the message could not be marked as read");
	}
	answer_clear(&message);
	answer_clear(&content);
	client_free(&client);
	return status;
}

static const struct cli_option show_options[] = {
	{"keep-unread", 'k', NULL, "do not mark it as read", NULL, 0},
	CLI_OPTION_JSON,
	CLI_OPTION_END,
};

const struct cli_command cmd_show = {
	.name = "show",
	.operands = "ID",
	.summary = "show a message, and where it stands with each recipient",
	.details =
		"States of a recipient: held (attachments are still coming here), queued, sent,\n"
		"relayed, stored, read, rejected and expired. A message for us counts as read\n"
		"from now on, and its originator gets a receipt that says so.",
	.options = show_options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run_show,
};

/* ---- export ---- */

/* A peer chose the name: it must be a plain one, else the digest stands in for it. */
static int is_plain_name(const char *name)
{
	if (!name[0] || name[0] == '.' || strlen(name) > 200 || strpbrk(name, "/\\:"))
		return 0;
	for (const unsigned char *p = (const unsigned char *)name; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			return 0;
	return 1;
}

static int save_attachment(
	struct cli *c, struct client *client, const char *dir, const json_t *a, struct rv_err *e)
{
	struct rv_buf file = {0}, path = {0};
	const char *digest = json_str(a, "digest"), *name = json_str(a, "name");
	FILE *f = NULL;
	int fd, rc = 0;
	rv_buf_str(&path, "/v1/attachments");
	path_segment(&path, digest);
	rv_buf_printf(&file, "%s/%s", dir, is_plain_name(name) ? name : digest);
	if (!rv_buf_cstr(&path) || !rv_buf_cstr(&file)) {
		rc = rv_fail_nomem(e);
		goto out;
	}
	fd = open((const char *)file.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		0600);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f) {
		rc = rv_fail_errno(e, errno, "%s cannot be made", (const char *)file.data);
		goto out;
	}
	rc = client_download(client, (const char *)path.data, f, e);
	if (fclose(f) && !rc)
		rc = rv_fail_errno(e, errno, "%s cannot be written", (const char *)file.data);
	if (rc)
		unlink((const char *)file.data);
	else
		fprintf(cli_err(c), "saved %s\n", (const char *)file.data);
out:
	rv_buf_free(&file);
	rv_buf_free(&path);
	return rc;
}

static int save_attachments(
	struct cli *c, struct client *client, const char *id, const char *dir, struct rv_err *e)
{
	struct answer a = {0};
	const json_t *one;
	size_t i;
	int rc = get(client, id, "", &a, e);
	if (!rc && mkdir(dir, 0700) && errno != EEXIST)
		rc = rv_fail_errno(e, errno, "%s cannot be made", dir);
	json_array_foreach(json_object_get(a.json, "attachments"), i, one) if (!rc) rc =
		save_attachment(c, client, dir, one, e);
	answer_clear(&a);
	return rc;
}

static int run_export(struct cli *c)
{
	struct rv_err e = {0};
	struct client *client = NULL;
	struct answer content = {0};
	const char *id = cli_operand(c, 0), *out = cli_opt(c, "out"),
		   *dir = cli_opt(c, "attachments");
	int status = CLI_OK;
	if (client_new(&client, c, &e) || get(client, id, "/content", &content, &e)) {
		status = cli_fail(c, &e, NULL);
	} else if (!out && cli_out_tty(c)) {
		/* For eyes: the bytes themselves go to files and pipes. */
		const char *text = rv_buf_cstr(&content.body);
		if (text)
			text_put_lines(cli_out(c), text, 0, cli_columns(c));
	} else if (cli_write(c, out, 0600, content.body.data, content.body.len, &e)) {
		status = cli_fail(c, &e, NULL);
	}
	if (!status && dir && save_attachments(c, client, id, dir, &e))
		status = cli_fail(c, &e, NULL);
	answer_clear(&content);
	client_free(&client);
	return status;
}

static const struct cli_option export_options[] = {
	{"out", 'o', "FILE", "write there instead of the standard output", CLI_FILES, 0},
	{"attachments", 0, "DIR", "save the attachments in that folder too", CLI_DIRS, 0},
	CLI_OPTION_END,
};

const struct cli_command cmd_export = {
	.name = "export",
	.operands = "ID",
	.summary = "write the sealed XML of a message, byte for byte",
	.details = "What 'reeve verify' and other tools can verify without this node.",
	.options = export_options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run_export,
};
