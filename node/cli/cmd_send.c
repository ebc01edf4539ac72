/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/commands.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "node/cli/client.h"
#include "node/cli/send.h"
#include "node/cli/shared.h"
#include "node/cli/text.h"
#include "protocol/id.h"
#include "protocol/xml.h"

enum { TRIES = 6 };

static const char *media_type(const char *file)
{
	static const char *const types[][2] = {{"jpg", "image/jpeg"}, {"jpeg", "image/jpeg"},
		{"png", "image/png"}, {"gif", "image/gif"}, {"webp", "image/webp"},
		{"tif", "image/tiff"}, {"tiff", "image/tiff"}, {"heic", "image/heic"},
		{"pdf", "application/pdf"}, {"txt", "text/plain"}, {"csv", "text/csv"},
		{"xml", "application/xml"}, {"json", "application/json"},
		{"zip", "application/zip"}, {"mp4", "video/mp4"}, {"mp3", "audio/mpeg"},
		{"wav", "audio/wav"},
		{"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
		{"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
		{"odt", "application/vnd.oasis.opendocument.text"},
		{"ods", "application/vnd.oasis.opendocument.spreadsheet"}};
	const char *dot = strrchr(file, '.');
	for (size_t i = 0; dot && i < sizeof types / sizeof types[0]; i++)
		if (!strcasecmp(dot + 1, types[i][0]))
			return types[i][1];
	return "application/octet-stream";
}

/* Uploads the files and names them in the path of the submission. */
static int upload_all(struct cli *c, struct client *client, struct rv_buf *path, struct rv_err *e)
{
	const char *const *files;
	size_t n = cli_opt_all(c, "attach", &files);
	for (size_t i = 0; i < n; i++) {
		struct answer a = {0};
		struct rv_buf param = {0};
		const char *slash = strrchr(files[i], '/');
		int rc = client_upload(client, "/v1/attachments", files[i], &a, e);
		rv_buf_printf(&param, "%s,%s,%s", json_str(a.json, "digest"), media_type(files[i]),
			slash ? slash + 1 : files[i]);
		if (!rc && rv_buf_cstr(&param))
			path_param(path, "attachment", (const char *)param.data);
		else if (!rc)
			rc = rv_fail_nomem(e);
		else
			rv_err_prefix(e, "%s", files[i]);
		rv_buf_free(&param);
		answer_clear(&a);
		if (rc)
			return rc;
	}
	return 0;
}

static void show_faults(struct cli *c, const char *file, const json_t *faults)
{
	const json_t *f;
	size_t i;
	json_array_foreach(faults, i, f)
	{
		int warning = !strcmp(json_str(f, "level"), "warning");
		text_put(cli_err(c), file);
		if (json_num(f, "line"))
			fprintf(cli_err(c), ":%lld:%lld", (long long)json_num(f, "line"),
				(long long)json_num(f, "column"));
		fprintf(cli_err(c), ": %s: ", warning ? "warning" : "error");
		text_put(cli_err(c), json_str(f, "text"));
		fputs(" [", cli_err(c));
		text_put(cli_err(c), json_str(f, "rule"));
		fputs("]\n", cli_err(c));
		if (json_str(f, "mend")[0])
			text_put_lines(cli_err(c), json_str(f, "mend"), 4, cli_columns(c));
	}
}

static int show_sent(struct cli *c, const char *file, const json_t *o)
{
	const json_t *code, *recipients = json_object_get(o, "recipients");
	size_t i;
	show_faults(c, file, json_object_get(json_object_get(o, "report"), "faults"));
	if (cli_json(c))
		return cli_print_json(c, json_deep_copy(o));
	FILE *out = cli_out(c);
	if (json_yes(o, "dryRun"))
		fputs("would be sent to", out);
	else
		fprintf(out, "%s\n%s", json_str(o, "id"),
			json_yes(o, "known") ? "was sent before to" : "sent to");
	json_array_foreach(recipients, i, code)
	{
		fputs(i ? ", " : " ", out);
		text_put(out, json_string_value(code) ? json_string_value(code) : "?");
	}
	fputs(json_array_size(recipients) ? "\n" : " nobody\n", out);
	return CLI_OK;
}

static void pause_s(unsigned s)
{
	struct timespec t = {(time_t)s, 0};
	nanosleep(&t, NULL);
}

/* The node may be restarting. The key makes a second submission harmless, so it is simply made
 * again. */
static int post(struct client *client, const char *path, const struct rv_buf *draft,
	const char *key, struct answer *a, struct rv_err *e)
{
	int rc = 0;
	for (unsigned i = 0; i < TRIES; i++) {
		if (i)
			pause_s(i < 3 ? i : 3);
		answer_clear(a);
		rv_err_clear(e);
		rc = client_post(client, path, draft->data, draft->len, key, a, e);
		if (rc != RV_ECLOSED && rc != RV_EAGAIN && rc != RV_ETIMEOUT)
			break;
	}
	return rc;
}

static int new_key(struct cli *c, char key[RV_UUID_TEXT])
{
	uint8_t random[10], id[RV_UUID_LEN];
	struct rv_random source = cli_random(c);
	if (source.fill(source.ctx, random, sizeof random))
		return -1;
	rv_uuid7(id, cli_clock(c).now_us(cli_clock(c).ctx), random);
	rv_uuid_text(key, id);
	return 0;
}

int cli_send(struct cli *c, struct client *client, const char *file, const struct rv_buf *draft,
	const char *operation)
{
	struct rv_err e = {0};
	struct rv_buf path = {0};
	struct answer a = {0};
	char key[RV_UUID_TEXT];
	const char *const *to;
	const char *given = cli_opt(c, "id");
	int status;
	if (!given && new_key(c, key))
		return cli_no(c, "no random numbers");
	rv_buf_str(&path, "/v1/messages");
	if (operation)
		path_param(&path, "operation", operation);
	if (cli_has(c, "dry-run"))
		path_param(&path, "dry-run", "true");
	size_t n = cli_opt_all(c, "to", &to);
	for (size_t i = 0; i < n; i++)
		path_param(&path, "to", to[i]);
	if (upload_all(c, client, &path, &e)) {
		status = cli_fail(c, &e, NULL);
		goto out;
	}
	if (!rv_buf_cstr(&path)) {
		status = cli_no(c, "memory is short");
		goto out;
	}
	int rc = post(client, (const char *)path.data, draft, given ? given : key, &a, &e);
	if (!rc) {
		status = show_sent(c, file, a.json);
		goto out;
	}
	show_faults(c, file, json_object_get(a.json, "faults"));
	status = cli_fail(c, &e, cli_has(c, "dry-run") ? "would not be sent" : "not sent");
	if (rc == RV_ECLOSED || rc == RV_ETIMEOUT || rc == RV_EAGAIN)
		fprintf(cli_err(c),
			"  Whether it was taken is not known. Send it again with --id %s: it will "
			"not go twice.\n",
			given ? given : key);
out:
	answer_clear(&a);
	rv_buf_free(&path);
	return status;
}

static int run(struct cli *c)
{
	struct rv_err e = {0};
	struct client *client = NULL;
	struct rv_buf draft = {0};
	const char *file = cli_operand(c, 0);
	int status;
	if (cli_read(c, file, rv_xml_limits_message.bytes, &draft, &e) ||
		client_new(&client, c, &e))
		status = cli_fail(c, &e, NULL);
	else
		status = cli_send(c, client, strcmp(file, "-") ? file : "(input)", &draft,
			cli_opt(c, "operation"));
	client_free(&client);
	rv_buf_free(&draft);
	return status;
}

static const struct cli_option options[] = {
	{"operation", 'p', "OP", "the operation it is sent under", NULL, 0},
	{"attach", 'a', "FILE", "a file that goes with it", CLI_FILES, 1},
	{"to", 't', "CODE", "a member it is for, in place of those the draft names", NULL, 1},
	{"dry-run", 'n', NULL, "check it and tell who would get it; send nothing", NULL, 0},
	{"id", 0, "ID", "the id of an earlier try, so that it is not sent twice", NULL, 0},
	CLI_OPTION_JSON,
	CLI_OPTION_END,
};

const struct cli_command cmd_send = {
	.name = "send",
	.operands = "FILE",
	.summary = "check, sign and send a draft",
	.details =
		"Prints the id of the message and who gets it, once it is safely stored by the\n"
		"node; the node sends it when there is a link. A draft with errors is not sent:\n"
		"each is told with its line and how to mend it. FILE - is the standard input.",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.values = CLI_FILES,
	.run = run,
};
