/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/install.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "node/file.h"
#include "node/token/token.h"
#include "node/trust/issue.h"
#include "node/trust/roots.h"
#include "node/trust/trust_int.h"

enum { MAX_PEM = 64 << 10 };

/* A node that trusts an authority does not change over to another one for the asking. */
static int check_in_place(const struct install *in, struct rv_err *e)
{
	struct trust_roots old = {0};
	struct rv_trust *t = NULL;
	struct rv_err why = {0};
	int rc = trust_roots_read(&old, in->conf->authority, &why);
	if (rc == RV_ENOTFOUND || in->replace_authority) {
		rc = 0;
	} else if (rc == 0) {
		rc = trust_roots_list(&old, &t, in->list->data, in->list->len, in->now_us, &why);
		if (rc == RV_ESIGNATURE || rc == RV_ECERT) {
			rc = rv_fail_rule(e, RV_EDENIED, "INSTALL-AUTHORITY",
				"the authority certificate in place, %s, does not vouch for this "
				"list",
				in->conf->authority);
			rv_err_mend(e, "If the coordinator told you of a new certificate by a way "
				       "that you trust, add "
				       "--replace-authority.");
			why.code = 0;
		}
	}
	if (rc != 0 && why.code != 0 && e != NULL) {
		*e = why;
	}
	rv_trust_unref(&t);
	trust_roots_clear(&old);
	return rc;
}

/* Against what the node has taken, and against what lies in place: the node may not have run since.
 */
static int check_number(const struct install *in, const struct trust_roots *a,
	const struct rv_trust *t, struct rv_err *e)
{
	struct trust_number n = {.number = 0};
	struct rv_buf there = {0};
	struct rv_trust *old = NULL;
	char *path = file_join(in->conf->state_dir, "trust.number");
	int rc = path != NULL ? trust_number_read(&n, path, e) : rv_fail_nomem(e);
	if (rc == 0) {
		rc = trust_number_check(&n, t, e);
	}
	if (rc == 0 &&
		file_read(in->conf->trust_list, rv_xml_limits_trust.bytes, &there, NULL) == 0 &&
		trust_roots_list(a, &old, there.data, there.len, 0, NULL) == 0 &&
		rv_trust_number(old) >= n.number) {
		n.number = rv_trust_number(old);
		memcpy(n.digest, rv_trust_list_digest(old), RV_DIGEST_LEN);
		rc = trust_number_check(&n, t, e);
	}
	rv_trust_unref(&old);
	rv_buf_free(&there);
	free(path);
	return rc;
}

/* Where the certificate request is: beside the signing key, or beside the certificate if the key is
 * in no file. */
static char *request_path(const struct conf *conf)
{
	int in_token = token_is_uri(conf->signing_key);
	const char *beside = in_token ? conf->signing_cert : conf->signing_key;
	const char *ending = in_token ? ".crt" : ".key";
	char *path = NULL;
	size_t len = strlen(beside);
	int stem = (int)(len > 4 && strcmp(beside + len - 4, ending) == 0 ? len - 4 : len);
	return asprintf(&path, "%.*s.csr", stem, beside) >= 0 ? path : NULL;
}

/* The public key of the node, out of its certificate request. */
static int own_key(const struct conf *conf, EVP_PKEY **key_r, struct rv_err *e)
{
	struct rv_buf pem = {0};
	BIO *bio = NULL;
	X509_REQ *req = NULL;
	EVP_PKEY *key = NULL;
	char *path = request_path(conf);
	if (path == NULL) {
		return rv_fail_nomem(e);
	}
	int rc = file_read(path, MAX_PEM, &pem, e);
	if (rc != 0 && token_is_uri(conf->signing_key)) {
		rv_err_mend(e, "It tells which certificate is this node's. Take it from the folder "
			       "that reeve init made, or from join.xml.");
		goto out;
	}
	if (rc != 0) {
		rv_err_mend(e,
			"It tells which certificate is this node's. Make it anew: openssl req -new "
			"-key %s -out %s",
			conf->signing_key, path);
		goto out;
	}
	bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	req = bio != NULL ? PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL) : NULL;
	key = req != NULL ? X509_REQ_get_pubkey(req) : NULL;
	ERR_clear_error();
	if (key == NULL) {
		rc = rv_fail(e, RV_EPARSE, "%s is not a certificate request in PEM form", path);
	} else {
		*key_r = key;
	}
out:
	X509_REQ_free(req);
	BIO_free(bio);
	rv_buf_free(&pem);
	free(path);
	return rc;
}

static int64_t end_of(const struct rv_dated_cert *c)
{
	int64_t end = rv_cert_not_after(c->cert);
	return end < c->to_us ? end : c->to_us;
}

/* Of the certificates for that key that are in force, the one that lasts longest. */
static int own_cert(const struct install *in, const struct rv_trust *t, EVP_PKEY *key,
	const struct rv_cert **cert_r, struct rv_err *e)
{
	const struct rv_dated_cert *best = NULL;
	const struct rv_member *m = rv_trust_member(t, in->conf->code);
	if (m == NULL) {
		rv_fail_rule(e, RV_EUNKNOWN, "INSTALL-MEMBER",
			"trust list %" PRIu64 " does not list this node, %s", rv_trust_number(t),
			in->conf->code);
		rv_err_mend(e, "Send join.xml to the coordinator, and install the list that comes "
			       "after that.");
		return RV_EUNKNOWN;
	}
	for (size_t i = 0; i < m->n_certs; i++) {
		const struct rv_dated_cert *c = &m->certs[i];
		if (EVP_PKEY_eq(rv_cert_key(c->cert), key) == 1 && c->revoked_us == 0 &&
			in->now_us >= c->from_us && in->now_us <= end_of(c) &&
			(best == NULL || end_of(c) > end_of(best))) {
			best = c;
		}
	}
	if (best == NULL) {
		rv_fail_rule(e, RV_EUNKNOWN, "INSTALL-MEMBER",
			"trust list %" PRIu64
			" has no certificate in force for the key of this node, %s",
			rv_trust_number(t), in->conf->code);
		rv_err_mend(e, "The coordinator admitted another request than the one made here, "
			       "or it has ended: send join.xml.");
		return RV_EUNKNOWN;
	}
	*cert_r = best->cert;
	return 0;
}

static int put_cert(
	const struct conf *conf, const struct rv_cert *cert, int *other_r, struct rv_err *e)
{
	struct rv_span der;
	struct rv_buf there = {0};
	struct rv_buf pem = {0};
	rv_cert_der(cert, &der);
	const unsigned char *p = der.data;
	X509 *x509 = d2i_X509(NULL, &p, (long)der.len);
	int rc = x509 != NULL ? issue_cert_pem(x509, &pem, e) : rv_fail_nomem(e);
	if (rc == 0 && file_read(conf->signing_cert, MAX_PEM, &there, NULL) == 0) {
		*other_r = there.len != pem.len || memcmp(there.data, pem.data, pem.len) != 0;
	}
	if (rc == 0) {
		rc = file_write(conf->signing_cert, 0644, pem.data, pem.len, e);
	}
	X509_free(x509);
	rv_buf_free(&there);
	rv_buf_free(&pem);
	return rc;
}

static int is_in_place(const struct install *in)
{
	struct rv_buf there = {0};
	int same = file_read(in->conf->trust_list, rv_xml_limits_trust.bytes, &there, NULL) == 0 &&
		   there.len == in->list->len && memcmp(there.data, in->list->data, there.len) == 0;
	rv_buf_free(&there);
	return same;
}

/* Who may sign the next list is what this one says: as the node has it that takes the list itself.
 */
static int follow_signing(const struct install *in, const struct rv_trust *t, struct rv_err *e)
{
	struct rv_buf pem = {0};
	int rc = trust_roots_pem(t, &pem, e);
	if (rc == 0 && pem.len > 0) {
		rc = file_write(in->conf->authority, 0644, pem.data, pem.len, e);
	}
	rv_buf_free(&pem);
	return rc;
}

/* The list comes after what a node that sees it needs to read it. It vouches for its own Signing,
 * so that may follow. */
static int put_all(const struct install *in, const struct rv_trust *t, const struct rv_cert *cert,
	struct install_report *report, struct rv_err *e)
{
	int rc = put_cert(in->conf, cert, &report->other_cert, e);
	if (rc == 0 && in->authority != NULL) {
		rc = file_write(
			in->conf->authority, 0644, in->authority->data, in->authority->len, e);
	}
	if (rc == 0 && !report->same) {
		rc = file_write(in->conf->trust_list, 0644, in->list->data, in->list->len, e);
	}
	return rc == 0 ? follow_signing(in, t, e) : rc;
}

int install_list(const struct install *in, struct install_report *report_r, struct rv_err *e)
{
	struct trust_roots a = {0};
	struct rv_trust *t = NULL;
	EVP_PKEY *key = NULL;
	const struct rv_cert *cert = NULL;
	int rc = in->authority != NULL ? trust_roots_parse(&a, (const char *)in->authority->data,
						 in->authority->len, e)
				       : trust_roots_read(&a, in->conf->authority, e);
	if (rc == RV_ENOTFOUND) {
		rv_err_mend(e, "Give the coordinator's certificate with --authority.");
	}
	if (rc == 0) {
		rc = trust_roots_list(&a, &t, in->list->data, in->list->len, in->now_us, e);
	}
	if (rc == 0) {
		rc = check_in_place(in, e);
	}
	if (rc == 0) {
		rc = check_number(in, &a, t, e);
	}
	if (rc == 0) {
		rc = own_key(in->conf, &key, e);
	}
	if (rc == 0) {
		rc = own_cert(in, t, key, &cert, e);
	}
	if (rc == 0) {
		struct install_report report = {rv_trust_number(t), is_in_place(in), 0};
		rc = put_all(in, t, cert, &report, e);
		if (rc == 0) {
			*report_r = report;
		}
	}
	EVP_PKEY_free(key);
	rv_trust_unref(&t);
	trust_roots_clear(&a);
	return rc;
}
