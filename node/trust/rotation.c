/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/rotation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/x509.h>

#include "node/file.h"
#include "node/trust/issue.h"
#include "node/trust/joins.h"

char *rotation_path(const struct conf *conf, const char *name)
{
	char *path = NULL;
	const char *slash = strrchr(conf->signing_key, '/');
	int n = slash != NULL ? asprintf(&path, "%.*s/%s", (int)(slash - conf->signing_key),
					conf->signing_key, name)
			      : asprintf(&path, "%s", name);
	return n < 0 ? NULL : path;
}

static int in_hardware(const struct conf *conf)
{
	return strncmp(conf->signing_key, "pkcs11:", 7) == 0;
}

int rotation_request(const struct conf *conf, struct rv_buf *wire, struct rv_err *e)
{
	if (in_hardware(conf)) {
		return rv_fail(e, RV_ENOTFOUND, "keys in hardware do not rotate by files");
	}
	char *path = rotation_path(conf, "next/join.xml");
	int rc = path != NULL ? file_read(path, 64 << 10, wire, e) : rv_fail_nomem(e);
	free(path);
	return rc;
}

/* ---- staging ---- */

static int sync_folder_of(const char *path, struct rv_err *e)
{
	char folder[4096];
	snprintf(folder, sizeof(folder), "%s", path);
	char *slash = strrchr(folder, '/');
	if (slash != NULL) {
		*slash = '\0';
	} else {
		snprintf(folder, sizeof(folder), ".");
	}
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd >= 0 && fsync(fd) == 0
			 ? 0
			 : rv_fail_errno(e, errno, "cannot make the change in %s durable", folder);
	if (fd >= 0) {
		close(fd);
	}
	return rc;
}

static int is_for(const struct rv_cert *cert, const struct rv_join *j)
{
	const unsigned char *p = j->request;
	X509_REQ *req = d2i_X509_REQ(NULL, &p, (long)j->request_len);
	EVP_PKEY *key = req != NULL ? X509_REQ_get0_pubkey(req) : NULL;
	int is = key != NULL && EVP_PKEY_eq(rv_cert_key(cert), key) == 1;
	X509_REQ_free(req);
	return is;
}

static const struct rv_cert *cert_of(const struct rv_trust *t, const struct rv_join *j, int64_t now_us)
{
	const struct rv_member *m = rv_trust_member(t, j->party.code);
	for (size_t i = 0; m != NULL && i < m->n_certs; i++) {
		const struct rv_dated_cert *c = &m->certs[i];
		if (c->revoked_us == 0 && c->from_us <= now_us && now_us <= c->to_us &&
			is_for(c->cert, j)) {
			return c->cert;
		}
	}
	return NULL;
}

static int put_cert(const struct conf *conf, const struct rv_cert *cert, struct rv_err *e)
{
	struct rv_span der;
	struct rv_buf pem = {0};
	rv_cert_der(cert, &der);
	const unsigned char *p = der.data;
	X509 *x509 = d2i_X509(NULL, &p, (long)der.len);
	char *path = rotation_path(conf, "next/sign.crt");
	int rc = x509 != NULL && path != NULL ? issue_cert_pem(x509, &pem, e) : rv_fail_nomem(e);
	if (rc == 0) {
		rc = file_write(path, 0644, pem.data, pem.len, e);
	}
	X509_free(x509);
	rv_buf_free(&pem);
	free(path);
	return rc;
}

int rotation_stage(const struct conf *conf, const struct rv_trust *t, const struct rv_join *j,
	int64_t now_us, struct rv_err *e)
{
	const struct rv_cert *cert = cert_of(t, j, now_us);
	if (cert == NULL || !joins_is_listed(t, j, now_us)) {
		return rv_fail(e, RV_EUNKNOWN, "trust list %llu does not have the new keys",
			(unsigned long long)rv_trust_number(t));
	}
	char *next = rotation_path(conf, "next");
	char *ready = rotation_path(conf, "ready");
	int rc = next != NULL && ready != NULL ? put_cert(conf, cert, e) : rv_fail_nomem(e);
	if (rc == 0 && rename(next, ready) != 0) {
		rc = rv_fail_errno(e, errno, "cannot rename %s", next);
	}
	if (rc == 0) {
		rc = sync_folder_of(ready, e);
	}
	free(next);
	free(ready);
	return rc;
}

/* ---- completing ---- */

/* A file that is not there has been moved before. */
static int move_into(const struct conf *conf, const char *name, const char *to, struct rv_err *e)
{
	char *from = rotation_path(conf, name);
	int rc = from != NULL ? 0 : rv_fail_nomem(e);
	if (rc == 0 && rename(from, to) != 0 && errno != ENOENT) {
		rc = rv_fail_errno(e, errno, "cannot move %s to %s", from, to);
		rv_err_mend(e, "Move the files of that folder into place by hand, then start again.");
	}
	if (rc == 0) {
		rc = sync_folder_of(to, e);
	}
	free(from);
	return rc;
}

static int move_request(const struct conf *conf, struct rv_err *e)
{
	char *to = rotation_path(conf, "sign.csr");
	size_t len = strlen(conf->signing_key);
	char *own = NULL;
	/* where install.c looks for it: beside the key, .csr in place of .key */
	if (len > 4 && strcmp(conf->signing_key + len - 4, ".key") == 0 &&
		asprintf(&own, "%.*s.csr", (int)(len - 4), conf->signing_key) < 0) {
		own = NULL;
	}
	int rc = to != NULL ? move_into(conf, "ready/sign.csr", own != NULL ? own : to, e)
			    : rv_fail_nomem(e);
	free(own);
	free(to);
	return rc;
}

int rotation_complete(const struct conf *conf, int *done_r, struct rv_err *e)
{
	*done_r = 0;
	if (in_hardware(conf)) {
		return 0;
	}
	char *ready = rotation_path(conf, "ready");
	char *request = rotation_path(conf, "ready/join.xml");
	int rc = ready != NULL && request != NULL ? 0 : rv_fail_nomem(e);
	if (rc == 0 && access(ready, F_OK) == 0) {
		*done_r = 1;
		rc = move_into(conf, "ready/sign.crt", conf->signing_cert, e);
		if (rc == 0) {
			rc = move_request(conf, e);
		}
		if (rc == 0) {
			rc = move_into(conf, "ready/sign.key", conf->signing_key, e);
		}
		if (rc == 0) {
			rc = move_into(conf, "ready/curve.key", conf->curve_key, e);
		}
		if (rc == 0) {
			unlink(request);
			rc = rmdir(ready) == 0 ? sync_folder_of(ready, e)
					       : rv_fail_errno(e, errno, "cannot remove %s", ready);
		}
	}
	free(ready);
	free(request);
	return rc;
}
