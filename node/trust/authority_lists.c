/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/authority_int.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/file.h"
#include "node/trust/roots.h"

enum { MAX_SEATS = 8 };

/* ---- lists of the folder ---- */

int authority_load(const struct authority *a, const char *name, xmlDoc **doc_r, struct rv_err *e)
{
	struct rv_buf text = {0};
	char *path = file_join(a->dir, name);
	int rc = path != NULL ? file_read(path, rv_xml_limits_trust.bytes, &text, e)
			      : rv_fail_nomem(e);
	if (rc == 0) {
		rc = rv_xml_parse(doc_r, text.data, text.len, &rv_xml_limits_trust, 0, e);
		if (rc != 0) {
			rv_err_prefix(e, "%s", path);
		}
	}
	rv_buf_free(&text);
	free(path);
	return rc;
}

/* The number that a file of published/ has for its name; 0 if it is none. */
static uint64_t number_of(const char *name)
{
	char *end = NULL;
	errno = 0;
	unsigned long long n = name[0] >= '1' && name[0] <= '9' ? strtoull(name, &end, 10) : 0;
	return n != 0 && errno == 0 && strcmp(end, ".xml") == 0 ? n : 0;
}

int authority_last(const struct authority *a, struct rv_trust **t_r, struct rv_err *e)
{
	uint64_t highest = 0;
	char name[64];
	xmlDoc *doc = NULL;
	*t_r = NULL;
	char *path = file_join(a->dir, "published");
	DIR *folder = path != NULL ? opendir(path) : NULL;
	int rc = path == NULL ? rv_fail_nomem(e)
		 : folder == NULL && errno != ENOENT
			 ? rv_fail_errno(e, errno, "cannot open the folder %s", path)
			 : 0;
	for (const struct dirent *d; folder != NULL && (d = readdir(folder)) != NULL;) {
		uint64_t n = number_of(d->d_name);
		highest = n > highest ? n : highest;
	}
	if (folder != NULL) {
		closedir(folder);
	}
	free(path);
	if (rc != 0 || highest == 0) {
		return rc;
	}
	snprintf(name, sizeof(name), "published/%" PRIu64 ".xml", highest);
	rc = authority_load(a, name, &doc, e);
	if (rc == 0) {
		rc = rv_trust_check(t_r, doc, e);
	}
	xmlFreeDoc(doc);
	return rc;
}

int authority_archive(const struct authority *a, const char *folder, uint64_t number,
	const struct rv_buf *wire, struct rv_err *e)
{
	char name[64];
	snprintf(name, sizeof(name), "%" PRIu64 ".xml", number);
	char *dir = file_join(a->dir, folder);
	char *path = dir != NULL ? file_join(dir, name) : NULL;
	int rc = path != NULL ? file_mkdir(dir, 0700, e) : rv_fail_nomem(e);
	if (rc == RV_EEXIST) {
		rc = 0;
	}
	if (rc == 0) {
		rc = file_create(path, 0644, wire->data, wire->len, e);
	}
	if (rc == RV_EEXIST) {
		rv_err_mend(e, "The draft is older than what was published: give --number with a "
			       "higher one.");
	}
	free(path);
	free(dir);
	return rc;
}

/* The same list, that was kept with fewer signatures, may be kept again. */
static int archive_again(
	const struct authority *a, uint64_t number, const struct rv_buf *wire, struct rv_err *e)
{
	char name[64];
	xmlDoc *doc = NULL;
	xmlDoc *made = NULL;
	uint8_t there[RV_DIGEST_LEN], here[RV_DIGEST_LEN];
	snprintf(name, sizeof(name), "published/%" PRIu64 ".xml", number);
	char *path = file_join(a->dir, name);
	int rc = path != NULL ? authority_load(a, name, &doc, e) : rv_fail_nomem(e);
	if (rc == RV_ENOTFOUND) {
		rc = authority_archive(a, "published", number, wire, e);
		goto out;
	}
	if (rc == 0) {
		rc = rv_xml_parse(&made, wire->data, wire->len, &rv_xml_limits_trust, 0, e);
	}
	if (rc == 0) {
		rc = authority_digest(doc, there, e);
	}
	if (rc == 0) {
		rc = authority_digest(made, here, e);
	}
	if (rc == 0 && memcmp(there, here, RV_DIGEST_LEN) != 0) {
		rc = rv_fail(
			e, RV_EEXIST, "another list of number %" PRIu64 " was published", number);
		rv_err_mend(e, "Give --number with a higher one.");
	}
	if (rc == 0) {
		rc = file_write(path, 0644, wire->data, wire->len, e);
	}
out:
	xmlFreeDoc(doc);
	xmlFreeDoc(made);
	free(path);
	return rc;
}

int authority_keep(const struct authority *a, const struct rv_trust *list, const char *out,
	const struct rv_buf *wire, struct rv_err *e)
{
	struct rv_buf pem = {0};
	char *current = out != NULL ? strdup(out) : file_join(a->dir, "trust.xml");
	int rc = current != NULL ? archive_again(a, rv_trust_number(list), wire, e)
				 : rv_fail_nomem(e);
	if (rc == 0) {
		rc = trust_roots_pem(list, &pem, e);
	}
	if (rc == 0 && pem.len > 0) {
		rc = authority_put(a->dir, "authority.pem", 0644, &pem, 0, e);
	}
	if (rc == 0) {
		rc = file_write(current, 0644, wire->data, wire->len, e);
	}
	rv_buf_free(&pem);
	free(current);
	return rc;
}

/* ---- signatures ---- */

int authority_digest(xmlDoc *doc, uint8_t digest[RV_DIGEST_LEN], struct rv_err *e)
{
	struct rv_buf canonical = {0};
	xmlNode *list = rv_xml_first(xmlDocGetRootElement(doc));
	int rc = list != NULL ? rv_xml_c14n(list, &canonical, e)
			      : rv_fail_rule(e, RV_ESCHEMA, "TRUST-SHAPE", "there is no List");
	if (rc == 0) {
		rv_sha256(digest, canonical.data, canonical.len);
	}
	rv_buf_free(&canonical);
	return rc;
}

int authority_signed_by(int *yes_r, xmlDoc *doc, const struct rv_cert *cert, struct rv_err *e)
{
	unsigned n = 0;
	int rc = rv_trust_count_signers(&n, doc, &cert, 1, e);
	*yes_r = n > 0;
	return rc;
}

static void add_missing(struct rv_buf *missing, const struct rv_cert *cert)
{
	char code[RV_CODE_TEXT] = "?";
	char word[RV_CODE_TEXT + 2];
	authority_cert_code(cert, code);
	snprintf(word, sizeof(word), " %s,", code);
	/* kept as " RILO, WCO," until all are there */
	if (missing->len == 0 || memmem(missing->data, missing->len, word, strlen(word)) == NULL) {
		rv_buf_str(missing, word);
	}
}

static int end_missing(struct rv_buf *missing, struct rv_err *e)
{
	if (missing->len > 0) {
		memmove(missing->data, missing->data + 1, missing->len - 2);
		missing->len -= 2;
	}
	return rv_buf_cstr(missing) != NULL ? 0 : rv_fail_nomem(e);
}

/* What one list's Signing asks for. */
static int count_seats(xmlDoc *doc, const struct rv_trust *by, int64_t now_us,
	struct authority_outcome *r, struct rv_err *e)
{
	const struct rv_dated_cert *seats;
	const struct rv_cert *signers[MAX_SEATS];
	size_t n_signers = 0;
	unsigned have = 0;
	unsigned quorum = 0;
	size_t n = rv_trust_signing(by, &seats, &quorum);
	for (size_t i = 0; i < n; i++) {
		int yes = 0;
		int rc = authority_signed_by(&yes, doc, seats[i].cert, e);
		if (rc != 0) {
			return rc;
		}
		if (!yes) {
			add_missing(&r->missing, seats[i].cert);
		} else if (now_us >= seats[i].from_us && now_us <= seats[i].to_us &&
			   rv_cert_valid_at(seats[i].cert, now_us, NULL) == 0 &&
			   n_signers < MAX_SEATS) {
			signers[n_signers++] = seats[i].cert;
		}
	}
	int rc = n_signers > 0 ? rv_trust_count_signers(&have, doc, signers, n_signers, e) : 0;
	if (rc == 0 && n > 0 && have < quorum) {
		r->complete = 0;
		if (r->need - r->have < quorum - have) {
			r->need = quorum;
			r->have = have;
		}
	} else if (rc == 0 && r->complete && n > 0) {
		r->need = quorum;
		r->have = have;
	}
	return rc;
}

int authority_count(xmlDoc *doc, const struct rv_trust *list, const struct rv_trust *last,
	int64_t now_us, struct authority_outcome *r, struct rv_err *e)
{
	r->complete = 1;
	r->have = r->need = 0;
	rv_buf_reset(&r->missing);
	int rc = count_seats(doc, last, now_us, r, e);
	if (rc == 0) {
		rc = count_seats(doc, list, now_us, r, e);
	}
	return rc == 0 ? end_missing(&r->missing, e) : rc;
}

int authority_add_signatures(struct authority *a, const struct authority_own *own, xmlDoc *doc,
	const struct issue_ask *ask, struct rv_buf *wire, struct rv_err *e)
{
	int rc = 0;
	for (size_t i = 0; i < own->n && rc == 0; i++) {
		struct rv_signer signer;
		struct rv_cert *cert = NULL;
		EVP_PKEY *key = NULL;
		int yes = 0;
		rc = authority_cert_of(&cert, own->certs[i], e);
		if (rc == 0) {
			rc = authority_signed_by(&yes, doc, cert, e);
		}
		if (rc == 0 && !yes) {
			rc = authority_key(a, own->certs[i], ask, &key, e);
			if (rc == 0) {
				rc = issue_signer(&signer, key, "", e);
			}
			if (rc == 0) {
				rv_buf_reset(wire);
				rc = rv_trust_sign(doc, &signer, wire, e);
			}
		}
		EVP_PKEY_free(key);
		rv_cert_free(&cert);
	}
	if (rc == 0 && wire->len == 0) {
		rc = rv_xml_c14n_doc(doc, wire, e);
	}
	return rc;
}

static int read_by(struct rv_trust **t_r, const struct rv_trust *by, const struct rv_buf *wire,
	int64_t now_us, struct rv_err *e)
{
	const struct rv_dated_cert *seats;
	const struct rv_cert *certs[MAX_SEATS];
	unsigned quorum = 0;
	size_t n = rv_trust_signing(by, &seats, &quorum);
	for (size_t i = 0; i < n && i < MAX_SEATS; i++) {
		certs[i] = seats[i].cert;
	}
	return rv_trust_read(t_r, wire->data, wire->len, certs, n, quorum, now_us, e);
}

int authority_reread(const struct authority *a, struct rv_trust **t_r, const struct rv_buf *wire,
	int64_t now_us, struct rv_err *e)
{
	xmlDoc *doc = NULL;
	struct rv_trust *t = NULL;
	struct rv_trust *last = NULL;
	struct rv_trust *found = NULL;
	const struct rv_dated_cert *seats;
	unsigned quorum;
	int rc = rv_xml_parse(&doc, wire->data, wire->len, &rv_xml_limits_trust, 0, e);
	if (rc == 0) {
		rc = rv_trust_check(&t, doc, e);
	}
	if (rc == 0) {
		rc = authority_last(a, &last, e);
	}
	if (rc == 0 && last != NULL && rv_trust_signing(last, &seats, &quorum) > 0) {
		rc = read_by(&found, last, wire, now_us, e);
		rv_trust_unref(&found);
	}
	if (rc == 0) {
		rc = read_by(&found, t, wire, now_us, e);
	}
	if (rc == 0) {
		*t_r = found;
	}
	rv_trust_unref(&t);
	rv_trust_unref(&last);
	xmlFreeDoc(doc);
	return rc;
}
