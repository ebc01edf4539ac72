/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/authority_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "node/file.h"

/* ---- small files of the folder ---- */

int authority_put(const char *dir, const char *name, unsigned mode, const struct rv_buf *b,
	int fresh, struct rv_err *e)
{
	char *path = file_join(dir, name);
	if (path == NULL) {
		return rv_fail_nomem(e);
	}
	int rc = fresh ? file_create(path, mode, b->data, b->len, e)
		       : file_write(path, mode, b->data, b->len, e);
	free(path);
	return rc;
}

static int put_draft(const char *dir, xmlDoc *doc, struct rv_err *e)
{
	xmlChar *text = NULL;
	int len = 0;
	xmlDocDumpFormatMemoryEnc(doc, &text, &len, "UTF-8", 1);
	if (text == NULL) {
		return rv_fail_nomem(e);
	}
	struct rv_buf b = {text, (size_t)len, 0, 0};
	int rc = authority_put(dir, "list.xml", 0600, &b, 0, e);
	xmlFree(text);
	return rc;
}

/* ---- the folder ---- */

static xmlDoc *empty_draft(const struct authority_new *n)
{
	char from[RV_STAMP_TEXT], to[RV_STAMP_TEXT];
	struct rv_buf text = {0};
	xmlDoc *doc = NULL;
	rv_stamp_text(from, n->from_us - n->from_us % RV_US_PER_SEC);
	rv_stamp_text(to, n->to_us - n->to_us % RV_US_PER_SEC);
	rv_buf_printf(&text,
		"<TrustList xmlns=\"" RV_NS_TRUST "\"><List Id=\"list\" Number=\"1\" Issued=\"%s\""
		" Expires=\"%s\" Authority=\"%s\"/></TrustList>",
		from, to, n->code);
	if (rv_buf_ok(&text)) {
		rv_xml_parse(&doc, text.data, text.len, &rv_xml_limits_trust, 0, NULL);
	}
	rv_buf_free(&text);
	return doc;
}

/* The key before the certificate, the certificate before the draft: what is there last makes it a
 * folder to open. */
static int fill_folder(
	const char *dir, X509 *cert, const struct rv_buf *key_pem, xmlDoc *doc, struct rv_err *e)
{
	char name[AUTHORITY_KEY_NAME];
	struct rv_buf pem = {0};
	char *published = file_join(dir, "published");
	int rc = published != NULL ? authority_key_name(cert, name, e) : rv_fail_nomem(e);
	if (rc == 0) {
		rc = file_mkdir(dir, 0700, e);
	}
	if (rc == RV_EEXIST) {
		rv_err_mend(e, "Nothing is overwritten: name a folder that is not there yet.");
	}
	if (rc == 0) {
		rc = file_mkdir(published, 0700, e);
	}
	if (rc == 0) {
		rc = authority_put(dir, name, 0600, key_pem, 1, e);
	}
	if (rc == 0) {
		rc = authority_own_write(dir, cert, NULL, e);
	}
	if (rc == 0) {
		rc = issue_cert_pem(cert, &pem, e);
	}
	if (rc == 0) {
		rc = authority_put(dir, "authority.pem", 0644, &pem, 0, e);
	}
	if (rc == 0) {
		rc = put_draft(dir, doc, e);
	}
	rv_buf_free(&pem);
	free(published);
	return rc;
}

int authority_create(const char *dir, const struct authority_new *n, struct rv_err *e)
{
	struct authority_made made = {.cert = NULL};
	struct authority a = {.doc = empty_draft(n)};
	int rc = a.doc != NULL ? rv_trust_check(NULL, a.doc, e) : rv_fail_nomem(e);
	if (rc == 0) {
		a.list = rv_xml_first(xmlDocGetRootElement(a.doc));
		rc = authority_identity(n, &made, e);
	}
	if (rc == 0) {
		struct authority_own own = {{made.cert, NULL}, 1};
		rc = authority_take_seat(&a, &own, e);
	}
	if (rc == 0) {
		rc = authority_own_issuer(&a, made.cert, n, e);
	}
	if (rc == 0) {
		rc = rv_trust_check(NULL, a.doc, e);
	}
	if (rc == 0) {
		rc = fill_folder(dir, made.cert, &made.key_file, a.doc, e);
	}
	authority_made_clear(&made, rc == 0);
	xmlFreeDoc(a.doc);
	return rc;
}

static int load_draft(struct authority *a, struct rv_err *e)
{
	struct rv_buf text = {0};
	char *path = file_join(a->dir, "list.xml");
	int rc = path != NULL ? file_read(path, rv_xml_limits_trust.bytes, &text, e)
			      : rv_fail_nomem(e);
	if (rc == RV_ENOTFOUND) {
		rv_err_mend(e, "Name the folder that reeve authority new made.");
	}
	if (rc == 0) {
		rc = rv_xml_parse(
			&a->doc, text.data, text.len, &rv_xml_limits_trust, RV_XML_DRAFT, e);
	}
	if (rc == 0) {
		rv_xml_strip(a->doc);
		const xmlNode *root = xmlDocGetRootElement(a->doc);
		a->list = rv_xml_first(root);
		if (!rv_xml_is(root, RV_NS_TRUST, "TrustList") ||
			!rv_xml_is(a->list, RV_NS_TRUST, "List") || rv_xml_next(a->list) != NULL) {
			rc = rv_fail_rule(e, RV_ESCHEMA, "TRUST-SHAPE",
				"the draft must be a TrustList with one List");
		}
	}
	if (rc != 0 && path != NULL) {
		rv_err_prefix(e, "%s", path);
	}
	rv_buf_free(&text);
	free(path);
	return rc;
}

int authority_open(struct authority **a_r, const char *dir, struct rv_err *e)
{
	int rc = 0;
	struct authority *a = calloc(1, sizeof(*a));
	if (a == NULL) {
		return rv_fail_nomem(e);
	}
	a->dir = strdup(dir);
	a->lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (a->dir == NULL) {
		rc = rv_fail_nomem(e);
	} else if (a->lock < 0) {
		rc = rv_fail_errno(e, errno, "cannot open the folder %s", dir);
		rv_err_mend(e, "Name the folder that reeve authority new made.");
	} else if (flock(a->lock, LOCK_EX | LOCK_NB) != 0) {
		rc = errno == EWOULDBLOCK
			     ? rv_fail(e, RV_EAGAIN, "another process works in %s", dir)
			     : rv_fail_errno(e, errno, "cannot lock %s", dir);
	} else {
		rc = load_draft(a, e);
	}
	if (rc != 0) {
		authority_close(&a);
		return rc;
	}
	*a_r = a;
	return 0;
}

void authority_close(struct authority **a_p)
{
	if (a_p == NULL || *a_p == NULL) {
		return;
	}
	struct authority *a = *a_p;
	xmlFreeDoc(a->doc);
	if (a->lock >= 0) {
		close(a->lock);
	}
	free(a->dir);
	free(a);
	*a_p = NULL;
}

int authority_draft(struct authority *a, struct rv_trust **t_r, struct rv_err *e)
{
	return rv_trust_check(t_r, a->doc, e);
}

/* ---- edits ---- */

int authority_edit_begin(struct authority_edit *edit, struct authority *a, struct rv_err *e)
{
	edit->a = a;
	edit->before = xmlCopyDoc(a->doc, 1);
	return edit->before != NULL ? 0 : rv_fail_nomem(e);
}

int authority_edit_end(struct authority_edit *edit, int rc, int *waits_r, struct rv_err *e)
{
	struct authority *a = edit->a;
	struct rv_err why = {0};
	int waits = 0;
	if (rc == 0) {
		rc = rv_trust_check(NULL, a->doc, &why);
		waits = rc != 0 && strcmp(why.rule, "TRUST-MEMBER") == 0;
		if (waits) {
			rc = 0;
		} else if (rc != 0 && e != NULL) {
			*e = why;
			e->line = e->column = 0; /* of no file that anyone has */
		}
	}
	if (rc == 0) {
		rc = put_draft(a->dir, a->doc, e);
	}
	if (rc != 0) {
		xmlDoc *after = a->doc;
		a->doc = edit->before;
		a->list = rv_xml_first(xmlDocGetRootElement(a->doc));
		edit->before = after;
	} else if (waits_r != NULL) {
		*waits_r = waits;
	}
	xmlFreeDoc(edit->before);
	edit->before = NULL;
	return rc;
}

xmlNode *authority_find(const struct authority *a, const char *element, const char *code)
{
	for (xmlNode *n = rv_xml_child(a->list, element); n != NULL; n = rv_xml_again(n)) {
		const char *text = rv_xml_child_text(n, "Code");
		if (text != NULL && strcmp(text, code) == 0) {
			return n;
		}
	}
	return NULL;
}

int authority_set_stamp(xmlNode *node, const char *attribute, int64_t t_us)
{
	char text[RV_STAMP_TEXT];
	rv_stamp_text(text, t_us);
	return xmlSetProp(node, (const xmlChar *)attribute, (const xmlChar *)text) != NULL
		       ? 0
		       : RV_ENOMEM;
}

xmlNode *authority_add_dated(
	xmlNode *parent, const char *name, const char *text, int64_t from_us, int64_t to_us)
{
	xmlNode *node = rv_xml_add(parent, name, text);
	if (node == NULL || authority_set_stamp(node, "ValidFrom", from_us) != 0 ||
		authority_set_stamp(node, "ValidTo", to_us) != 0) {
		return NULL;
	}
	return node;
}

xmlNode *authority_add_stamp(xmlNode *parent, const char *name, int64_t t_us)
{
	char text[RV_STAMP_TEXT];
	rv_stamp_text(text, t_us);
	return rv_xml_add(parent, name, text);
}

static size_t rank_of(const xmlNode *node)
{
	static const char *const order[] = {"Signing", "Issuer", "Checking", "Member"};
	size_t rank = 0;
	while (rank < sizeof(order) / sizeof(order[0]) &&
		strcmp((const char *)node->name, order[rank]) != 0) {
		rank++;
	}
	return rank;
}

void authority_place(struct authority *a, xmlNode *node)
{
	xmlUnlinkNode(node);
	xmlNode *next = rv_xml_first(a->list);
	while (next != NULL && rank_of(next) <= rank_of(node)) {
		next = rv_xml_next(next);
	}
	if (next != NULL) {
		xmlAddPrevSibling(next, node);
	} else {
		xmlAddChild(a->list, node);
	}
}

int authority_grow(xmlNode *operation, struct rv_err *e)
{
	xmlNode *version = rv_xml_child(operation, "Version");
	const char *text = rv_xml_text(version);
	char grown[24];
	char *end = NULL;
	unsigned long v = text != NULL ? strtoul(text, &end, 10) : 0;
	if (v == 0 || *end != '\0' || v >= 999999) {
		return rv_fail_rule(e, RV_ESCHEMA, "TRUST-VALUE",
			"the Version of an operation is not a number below 999999");
	}
	snprintf(grown, sizeof(grown), "%lu", v + 1);
	xmlNodeSetContent(version, (const xmlChar *)grown);
	return 0;
}
