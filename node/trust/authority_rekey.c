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

/* The former key's seat is the new one's. */
static int change_seat(struct authority *a, struct rv_err *e)
{
	struct authority_own own = {.n = 0};
	struct authority_edit edit;
	int rc = authority_own_read(a, &own, e);
	if (rc == 0) {
		rc = authority_edit_begin(&edit, a, e);
	}
	if (rc == 0) {
		int waits = 0;
		rc = authority_edit_end(&edit, authority_take_seat(a, &own, e), &waits, e);
	}
	authority_own_clear(&own);
	return rc;
}

int authority_rekey(struct authority *a, const struct authority_new *n, struct rv_err *e)
{
	struct authority_new made = *n;
	char code[RV_CODE_TEXT] = "";
	char name[512] = "";
	char key_name[AUTHORITY_KEY_NAME];
	struct rv_buf key_pem = {0};
	struct authority_own own = {.n = 0};
	X509 *cert = NULL;
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
		made.code = n->code != NULL ? n->code : code;
		made.name = n->name != NULL ? n->name : name;
		rc = authority_identity(&made, &cert, &key_pem, e);
	}
	if (rc == 0) {
		rc = authority_key_name(cert, key_name, e);
	}
	/* the certificate makes the key the current one: it comes after the key */
	if (rc == 0) {
		rc = authority_put(a->dir, key_name, 0600, &key_pem, 1, e);
	}
	if (rc == 0) {
		rc = authority_own_write(a->dir, cert, own.certs[0], e);
	}
	if (rc == 0) {
		rc = change_seat(a, e);
	}
	rv_buf_wipe(&key_pem);
	X509_free(cert);
	authority_own_clear(&own);
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

int authority_rekey_end(struct authority *a, struct rv_err *e)
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
