/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/authority_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "node/file.h"

enum { MAX_PEM = 64 << 10 };

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

/* ---- keys and certificates ---- */

int authority_identity(
	const struct authority_new *n, X509 **cert_r, struct rv_buf *key_pem, struct rv_err *e)
{
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	int rc = issue_key_new(&key, n->rsa_bits, e);
	if (rc == 0) {
		rc = issue_authority(&cert, key, n->code, n->name, n->from_us, n->to_us, e);
	}
	if (rc == 0) {
		rc = issue_key_pem(key, n->passphrase, key_pem, e);
	}
	if (rc == 0) {
		*cert_r = cert;
		cert = NULL;
	}
	X509_free(cert);
	EVP_PKEY_free(key);
	return rc;
}

int authority_put_certs(const char *dir, X509 *current, X509 *former, struct rv_err *e)
{
	struct rv_buf pem = {0};
	int rc = issue_cert_pem(current, &pem, e);
	if (rc == 0 && former != NULL) {
		rc = issue_cert_pem(former, &pem, e);
	}
	if (rc == 0) {
		rc = authority_put(dir, "authority.pem", 0644, &pem, 0, e);
	}
	rv_buf_free(&pem);
	return rc;
}

int authority_key_name(X509 *cert, char name[AUTHORITY_KEY_NAME], struct rv_err *e)
{
	unsigned char *der = NULL;
	uint8_t digest[RV_DIGEST_LEN];
	char hex[9];
	int len = i2d_PUBKEY(X509_get0_pubkey(cert), &der);
	if (len <= 0) {
		return rv_fail_nomem(e);
	}
	rv_sha256(digest, der, (size_t)len);
	OPENSSL_free(der);
	rv_hex(hex, digest, 4);
	snprintf(name, AUTHORITY_KEY_NAME, "authority-%s.key", hex);
	return 0;
}

int authority_certs(const struct authority *a, X509 *certs[2], size_t *n_r, struct rv_err *e)
{
	struct rv_buf pem = {0};
	BIO *bio = NULL;
	size_t n = 0;
	char *path = file_join(a->dir, "authority.pem");
	int rc = path != NULL ? file_read(path, MAX_PEM, &pem, e) : rv_fail_nomem(e);
	certs[0] = certs[1] = NULL;
	if (rc == 0 && (bio = BIO_new_mem_buf(pem.data, (int)pem.len)) == NULL) {
		rc = rv_fail_nomem(e);
	}
	while (rc == 0 && n < 2 && (certs[n] = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		n++;
	}
	ERR_clear_error();
	if (rc == 0 && n == 0) {
		rc = rv_fail(e, RV_ECERT, "there is no certificate in %s", path);
	}
	*n_r = n;
	BIO_free(bio);
	rv_buf_free(&pem);
	free(path);
	return rc;
}

int authority_key(const struct authority *a, X509 *cert, const struct issue_ask *ask,
	EVP_PKEY **key_r, struct rv_err *e)
{
	char name[AUTHORITY_KEY_NAME];
	EVP_PKEY *key = NULL;
	char *path = NULL;
	int rc = authority_key_name(cert, name, e);
	if (rc != 0) {
		return rc;
	}
	path = file_join(a->dir, name);
	rc = path != NULL ? issue_key_read(&key, path, ask, e) : rv_fail_nomem(e);
	if (rc == RV_ENOTFOUND) {
		rv_err_mend(e, "It belongs to a certificate in authority.pem: restore both from "
			       "the same backup.");
	}
	if (rc == 0 && X509_check_private_key(cert, key) != 1) {
		ERR_clear_error();
		rc = rv_fail(e, RV_ECERT, "%s does not belong to its certificate in authority.pem",
			path);
		rv_err_mend(e, "Restore both from the same backup.");
		EVP_PKEY_free(key);
		key = NULL;
	}
	if (rc == 0) {
		*key_r = key;
	}
	free(path);
	return rc;
}

int64_t authority_not_after(const X509 *cert)
{
	int days = 0;
	int secs = 0;
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	if (epoch == NULL || ASN1_TIME_diff(&days, &secs, epoch, X509_get0_notAfter(cert)) != 1) {
		days = secs = 0; /* a date that cannot be read has passed */
	}
	ASN1_TIME_free(epoch);
	return ((int64_t)days * 86400 + secs) * RV_US_PER_SEC;
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
		rc = authority_put_certs(dir, cert, NULL, e);
	}
	if (rc == 0) {
		rc = put_draft(dir, doc, e);
	}
	free(published);
	return rc;
}

int authority_create(const char *dir, const struct authority_new *n, struct rv_err *e)
{
	struct rv_buf key_pem = {0};
	X509 *cert = NULL;
	xmlDoc *doc = empty_draft(n);
	int rc = doc != NULL ? rv_trust_check(NULL, doc, e) : rv_fail_nomem(e);
	if (rc == 0) {
		rc = authority_identity(n, &cert, &key_pem, e);
	}
	if (rc == 0) {
		rc = fill_folder(dir, cert, &key_pem, doc, e);
	}
	rv_buf_wipe(&key_pem);
	X509_free(cert);
	xmlFreeDoc(doc);
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
