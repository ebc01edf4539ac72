/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/authority_int.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <openssl/x509.h>

#include "node/file.h"

/* The text of one part of a certificate's subject. */
static int subject_part(X509 *cert, int nid, char *out, int size)
{
	return X509_NAME_get_text_by_NID(X509_get_subject_name(cert), nid, out, size) > 0;
}

/* The former key's seat is the new one's, and an Issuer stands for it too. */
static int change_draft(struct authority *a, const struct authority_new *n, struct rv_err *e)
{
	struct authority_own own = {.n = 0};
	struct authority_edit edit;
	int waits = 0;
	int rc = authority_own_read(a, &own, e);
	if (rc == 0) {
		rc = authority_edit_begin(&edit, a, e);
	}
	if (rc == 0) {
		rc = authority_take_seat(a, &own, e);
		if (rc == 0) {
			rc = authority_follow_issuer(a, own.certs[0], own.certs[1], n, e);
		}
		rc = authority_edit_end(&edit, rc, &waits, e);
	}
	authority_own_clear(&own);
	return rc;
}

/* Nothing is made before it is known that the draft takes it. */
static int try_draft(struct authority *a, X509 *cert, X509 *former, const struct authority_new *n,
	struct rv_err *e)
{
	struct authority trial = {.dir = a->dir, .doc = xmlCopyDoc(a->doc, 1)};
	struct authority_own own = {{cert, former}, 2};
	int rc = trial.doc != NULL ? 0 : rv_fail_nomem(e);
	if (rc == 0) {
		trial.list = rv_xml_first(xmlDocGetRootElement(trial.doc));
		rc = authority_take_seat(&trial, &own, e);
	}
	if (rc == 0) {
		rc = authority_follow_issuer(&trial, cert, former, n, e);
	}
	xmlFreeDoc(trial.doc);
	return rc;
}

int authority_rekey(struct authority *a, const struct authority_new *n, struct rv_err *e)
{
	struct authority_new next = *n;
	char code[RV_CODE_TEXT] = "";
	char name[512] = "";
	char key_name[AUTHORITY_KEY_NAME];
	struct authority_own own = {.n = 0};
	struct authority_made made = {.cert = NULL};
	int rc = authority_own_read(a, &own, e);
	if (rc == 0 && own.n > 1) {
		rc = rv_fail(e, RV_EEXIST, "a rotation of the authority's key goes on");
		rv_err_mend(e, "When all members have the new certificate, end it with reeve "
			       "authority rekey --end.");
	}
	if (rc == 0 &&
		(!subject_part(own.certs[0], NID_commonName, code, sizeof(code)) ||
			!subject_part(own.certs[0], NID_organizationName, name, sizeof(name)))) {
		rc = rv_fail(e, RV_ECERT, "the certificate of the authority has no name");
	}
	if (rc == 0) {
		next.code = n->code != NULL ? n->code : code;
		next.name = n->name != NULL ? n->name : name;
		rc = authority_identity(&next, &made, e);
	}
	if (rc == 0) {
		rc = try_draft(a, made.cert, own.certs[0], n, e);
	}
	if (rc == 0) {
		rc = authority_key_name(made.cert, key_name, e);
	}
	/* the certificate makes the key the current one: it comes after the key */
	if (rc == 0) {
		rc = authority_put(a->dir, key_name, 0600, &made.key_file, 1, e);
	}
	if (rc == 0) {
		rc = authority_own_write(a->dir, made.cert, own.certs[0], e);
	}
	authority_made_clear(&made, rc == 0);
	if (rc == 0) {
		rc = change_draft(a, n, e);
	}
	authority_own_clear(&own);
	return rc;
}

/* What the former key issued must be over before it goes: nobody could revoke it any more. */
static int drop_issuer(struct authority *a, X509 *former, int64_t now_us, struct rv_err *e)
{
	struct authority_edit edit;
	struct rv_cert *cert = NULL;
	int waits = 0;
	int rc = authority_cert_of(&cert, former, e);
	if (rc != 0 || authority_find_issuer(a, rv_cert_digest(cert)) == NULL) {
		rv_cert_free(&cert);
		return rc;
	}
	const char *who = authority_needed_by(a, cert, now_us);
	if (who != NULL) {
		rc = rv_fail_rule(e, RV_EDENIED, "AUTHORITY-ROTATION",
			"%s has a certificate of the former key in force: without the key nobody "
			"could revoke it",
			who);
		rv_err_mend(e,
			"Renew it (reeve authority renew %s %s), and wait until the former "
			"one has ended.",
			a->dir, who);
	} else {
		rc = authority_edit_begin(&edit, a, e);
		if (rc == 0) {
			xmlNode *issuer = authority_find_issuer(a, rv_cert_digest(cert));
			xmlUnlinkNode(issuer);
			xmlFreeNode(issuer);
			rc = authority_edit_end(&edit, 0, &waits, e);
		}
	}
	rv_cert_free(&cert);
	return rc;
}

/* Who follows by the former key must find a list that names the new one. */
static int check_published(struct authority *a, X509 *current, struct rv_err *e)
{
	struct rv_trust *last = NULL;
	const struct rv_dated_cert *seats;
	unsigned quorum;
	int found = 0;
	int rc = authority_last(a, &last, e);
	size_t n = rv_trust_signing(last, &seats, &quorum);
	for (size_t i = 0; i < n; i++) {
		found |= EVP_PKEY_eq(X509_get0_pubkey(current), rv_cert_key(seats[i].cert)) == 1;
	}
	if (rc == 0 && n > 0 && !found) {
		rc = rv_fail_rule(e, RV_EDENIED, "AUTHORITY-ROTATION",
			"no complete list names the new key yet");
		rv_err_mend(e, "Publish one, and have it signed by all who must; give the members "
			       "time to take it.");
	}
	rv_trust_unref(&last);
	return rc;
}

int authority_rekey_end(struct authority *a, int64_t now_us, struct rv_err *e)
{
	char name[AUTHORITY_KEY_NAME];
	char *path = NULL;
	struct authority_own own = {.n = 0};
	int rc = authority_own_read(a, &own, e);
	if (rc == 0 && own.n < 2) {
		rc = rv_fail(e, RV_ENOTFOUND, "no rotation of the authority's key goes on");
	}
	if (rc == 0) {
		rc = check_published(a, own.certs[0], e);
	}
	if (rc == 0) {
		rc = drop_issuer(a, own.certs[1], now_us, e);
	}
	if (rc == 0) {
		rc = authority_key_name(own.certs[1], name, e);
	}
	if (rc == 0) {
		path = file_join(a->dir, name);
		rc = path != NULL ? authority_own_write(a->dir, own.certs[0], NULL, e)
				  : rv_fail_nomem(e);
	}
	if (rc == 0 && unlink(path) != 0 && errno != ENOENT) {
		rc = rv_fail_errno(e, errno, "cannot remove the former key %s", path);
	}
	free(path);
	authority_own_clear(&own);
	return rc;
}
