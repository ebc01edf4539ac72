/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/ocsp.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>

#include "node/file.h"
#include "node/trust/authority_int.h"

enum { MAX_PEM = 64 << 10, NONCE_MAX = 32 };

/* One key of the authority, and who answers for it. */
struct answerer {
	X509 *issuer;
	char id[AUTHORITY_KEY_ID];
	X509 *cert;
	EVP_PKEY *key;
};

/* A file, and what it was when it was read. */
struct seen {
	struct timespec mtime;
	ino_t inode;
	off_t size;
};

struct ocsp {
	char *dir;
	int64_t valid_us;
	struct answerer answerers[AUTHORITY_OWN];
	size_t n;
	struct issued issued;
	struct seen index, own, keys[AUTHORITY_OWN];
};

static void clear_answerers(struct ocsp *o)
{
	for (size_t i = 0; i < o->n; i++) {
		X509_free(o->answerers[i].issuer);
		X509_free(o->answerers[i].cert);
		EVP_PKEY_free(o->answerers[i].key);
		o->answerers[i] = (struct answerer){.issuer = NULL};
	}
	o->n = 0;
}

/* ---- what it answers with ---- */

static struct seen look(const char *dir, const char *name)
{
	struct stat st;
	struct seen seen = {.size = -1};
	char *path = file_join(dir, name);
	if (path != NULL && stat(path, &st) == 0) {
		seen = (struct seen){st.st_mtim, st.st_ino, st.st_size};
	}
	free(path);
	return seen;
}

static int same(const struct seen *a, const struct seen *b)
{
	return a->mtime.tv_sec == b->mtime.tv_sec && a->mtime.tv_nsec == b->mtime.tv_nsec &&
	       a->inode == b->inode && a->size == b->size;
}

static void key_file(const struct answerer *w, char name[32])
{
	snprintf(name, 32, "ocsp/%s.pem", w->id);
}

static int load_answerer(struct ocsp *o, struct answerer *w, struct rv_err *e)
{
	char name[32];
	struct rv_buf pem = {0};
	BIO *bio = NULL;
	key_file(w, name);
	char *path = file_join(o->dir, name);
	/* room for all of it, so that the buffer never moves and leaves a copy behind */
	int rc = path != NULL && rv_buf_reserve(&pem, 4 * MAX_PEM) == 0
			 ? file_read(path, MAX_PEM, &pem, e)
			 : rv_fail_nomem(e);
	if (rc == RV_ENOTFOUND) {
		rv_err_mend(e, "Make the responder's key first: reeve authority ocsp %s --certify.",
			o->dir);
	}
	if (rc == 0 && (bio = BIO_new_mem_buf(pem.data, (int)pem.len)) == NULL) {
		rc = rv_fail_nomem(e);
	}
	if (rc == 0) {
		w->key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
		w->cert = w->key != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
		if (w->cert == NULL || X509_check_private_key(w->cert, w->key) != 1 ||
			X509_verify(w->cert, X509_get0_pubkey(w->issuer)) != 1) {
			rc = rv_fail(e, RV_ECERT,
				"%s is not a key with its certificate, issued by this authority",
				path);
			rv_err_mend(e, "Make it anew: reeve authority ocsp %s --certify.", o->dir);
		}
	}
	ERR_clear_error();
	BIO_free(bio);
	rv_buf_wipe(&pem);
	free(path);
	return rc;
}

static int load_answerers(struct ocsp *o, struct rv_err *e)
{
	struct authority a = {.dir = o->dir};
	struct authority_own own = {.n = 0};
	struct ocsp made = {.dir = o->dir};
	struct seen own_seen = look(o->dir, "own.pem");
	int rc = authority_own_read(&a, &own, e);
	for (size_t i = 0; i < own.n && rc == 0; i++) {
		struct answerer *w = &made.answerers[made.n++];
		w->issuer = own.certs[i];
		X509_up_ref(w->issuer);
		rc = authority_key_id(w->issuer, w->id, e);
		if (rc == 0) {
			char name[32];
			key_file(w, name);
			made.keys[i] = look(o->dir, name);
			rc = load_answerer(&made, w, e);
		}
	}
	authority_own_clear(&own);
	if (rc != 0) {
		clear_answerers(&made);
		return rc;
	}
	clear_answerers(o);
	memcpy(o->answerers, made.answerers, sizeof(made.answerers));
	memcpy(o->keys, made.keys, sizeof(made.keys));
	o->n = made.n;
	o->own = own_seen;
	return 0;
}

/* Takes what has changed on disk. */
static int refresh(struct ocsp *o, struct rv_err *e)
{
	struct seen index = look(o->dir, "issued/index");
	struct seen own = look(o->dir, "own.pem");
	int stale = !same(&own, &o->own);
	int rc = 0;
	for (size_t i = 0; i < o->n; i++) {
		char name[32];
		key_file(&o->answerers[i], name);
		struct seen now = look(o->dir, name);
		stale |= !same(&now, &o->keys[i]);
	}
	if (stale) {
		rc = load_answerers(o, e);
	}
	if (rc == 0 && !same(&index, &o->index)) {
		struct issued x = {0};
		rc = issued_read(&x, o->dir, e);
		if (rc == 0) {
			issued_clear(&o->issued);
			o->issued = x;
			o->index = index;
		}
	}
	return rc;
}

int ocsp_open(struct ocsp **o_r, const struct ocsp_params *p, struct rv_err *e)
{
	struct ocsp *o = calloc(1, sizeof(*o));
	if (o == NULL) {
		return rv_fail_nomem(e);
	}
	o->dir = strdup(p->dir);
	o->valid_us = p->valid_us;
	o->index.size = -2; /* never seen */
	int rc = o->dir != NULL ? load_answerers(o, e) : rv_fail_nomem(e);
	if (rc == 0) {
		rc = refresh(o, e);
	}
	if (rc == 0) {
		*o_r = o;
		o = NULL;
	}
	ocsp_close(&o);
	return rc;
}

void ocsp_close(struct ocsp **o_p)
{
	if (o_p == NULL || *o_p == NULL) {
		return;
	}
	clear_answerers(*o_p);
	issued_clear(&(*o_p)->issued);
	free((*o_p)->dir);
	free(*o_p);
	*o_p = NULL;
}

/* ---- a request ---- */

/* The key of the authority that issued what is asked for; NULL if it is another's. */
static const struct answerer *answerer_of(const struct ocsp *o, OCSP_CERTID *id)
{
	ASN1_OBJECT *hash = NULL;
	const struct answerer *found = NULL;
	if (OCSP_id_get0_info(NULL, &hash, NULL, NULL, id) != 1) {
		return NULL;
	}
	const EVP_MD *md = EVP_get_digestbyobj(hash);
	for (size_t i = 0; md != NULL && i < o->n && found == NULL; i++) {
		OCSP_CERTID *own =
			OCSP_cert_id_new(md, X509_get_subject_name(o->answerers[i].issuer),
				X509_get0_pubkey_bitstr(o->answerers[i].issuer), NULL);
		found = own != NULL && OCSP_id_issuer_cmp(own, id) == 0 ? &o->answerers[i] : NULL;
		OCSP_CERTID_free(own);
	}
	return found;
}

/* What it asks beyond the certificates: only the nonce may matter. */
static int check_extensions(OCSP_REQUEST *req)
{
	for (int i = 0; i < OCSP_REQUEST_get_ext_count(req); i++) {
		X509_EXTENSION *ext = OCSP_REQUEST_get_ext(req, i);
		int nid = OBJ_obj2nid(X509_EXTENSION_get_object(ext));
		if (nid == NID_id_pkix_OCSP_Nonce) {
			const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(ext);
			const unsigned char *p = ASN1_STRING_get0_data(value);
			ASN1_OCTET_STRING *nonce =
				d2i_ASN1_OCTET_STRING(NULL, &p, ASN1_STRING_length(value));
			int n = nonce != NULL ? ASN1_STRING_length(nonce) : 0;
			ASN1_OCTET_STRING_free(nonce);
			if (n < 1 || n > NONCE_MAX) {
				return -1; /* RFC 8954, 2.1 */
			}
		} else if (X509_EXTENSION_get_critical(ext) &&
			   nid != NID_id_pkix_OCSP_acceptableResponses) {
			return -1;
		}
	}
	return 0;
}

/* ---- a response ---- */

static const struct issued_cert *entry_of(
	const struct ocsp *o, const struct answerer *w, OCSP_CERTID *id)
{
	ASN1_INTEGER *serial = NULL;
	const struct issued_cert *found = NULL;
	OCSP_id_get0_info(NULL, NULL, NULL, &serial, id);
	BIGNUM *bn = serial != NULL ? ASN1_INTEGER_to_BN(serial, NULL) : NULL;
	char *hex = bn != NULL && !BN_is_negative(bn) ? BN_bn2hex(bn) : NULL;
	if (hex != NULL) {
		found = issued_find(&o->issued, hex);
	}
	if (found != NULL && strcmp(found->issuer, w->id) != 0) {
		found = NULL;
	}
	OPENSSL_free(hex);
	BN_free(bn);
	return found;
}

static int add_since(OCSP_SINGLERESP *single, int64_t since_us)
{
	ASN1_GENERALIZEDTIME *t =
		ASN1_GENERALIZEDTIME_set(NULL, (time_t)(since_us / RV_US_PER_SEC));
	int ok = t != NULL &&
		 OCSP_SINGLERESP_add1_ext_i2d(single, NID_invalidity_date, t, 0, 0) == 1;
	ASN1_GENERALIZEDTIME_free(t);
	return ok;
}

static int add_status(const struct ocsp *o, OCSP_BASICRESP *basic, const struct answerer *w,
	OCSP_CERTID *id, ASN1_TIME *this_update, ASN1_TIME *next_update)
{
	const struct issued_cert *c = answerer_of(o, id) == w ? entry_of(o, w, id) : NULL;
	OCSP_SINGLERESP *single = NULL;
	ASN1_TIME *when = NULL;
	if (c == NULL) {
		single = OCSP_basic_add1_status(
			basic, id, V_OCSP_CERTSTATUS_UNKNOWN, 0, NULL, this_update, next_update);
	} else if (c->revoked_us == 0) {
		single = OCSP_basic_add1_status(
			basic, id, V_OCSP_CERTSTATUS_GOOD, 0, NULL, this_update, next_update);
	} else {
		int reason = c->reason == RV_REASON_UNSPECIFIED ? OCSP_REVOKED_STATUS_NOSTATUS
								: (int)c->reason;
		when = ASN1_TIME_adj(NULL, (time_t)(c->revoked_us / RV_US_PER_SEC), 0, 0);
		single = when != NULL ? OCSP_basic_add1_status(basic, id, V_OCSP_CERTSTATUS_REVOKED,
						reason, when, this_update, next_update)
				      : NULL;
		if (single != NULL && c->since_us != 0 && !add_since(single, c->since_us)) {
			single = NULL;
		}
	}
	ASN1_TIME_free(when);
	return single != NULL;
}

/* producedAt, which OpenSSL sets by the system's clock alone: its own object, written through. */
static int set_produced(OCSP_BASICRESP *basic, int64_t now_us)
{
	const ASN1_GENERALIZEDTIME *t = OCSP_resp_get0_produced_at(basic);
	return t != NULL && ASN1_GENERALIZEDTIME_set((ASN1_GENERALIZEDTIME *)(uintptr_t)t,
				    (time_t)(now_us / RV_US_PER_SEC)) != NULL;
}

static int put(struct rv_buf *out, int status, OCSP_BASICRESP *basic, struct rv_err *e)
{
	unsigned char *der = NULL;
	OCSP_RESPONSE *response = OCSP_response_create(status, basic);
	int len = response != NULL ? i2d_OCSP_RESPONSE(response, &der) : 0;
	int rc = len > 0 && rv_buf_put(out, der, (size_t)len) == 0 ? 0 : rv_fail_nomem(e);
	OPENSSL_free(der);
	OCSP_RESPONSE_free(response);
	return rc;
}

static int answer(struct ocsp *o, OCSP_REQUEST *req, const struct answerer *w, int64_t now_us,
	struct rv_buf *out, struct rv_err *e)
{
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	int64_t end_us = authority_not_after(w->cert);
	int64_t next_us = now_us + o->valid_us < end_us ? now_us + o->valid_us : end_us;
	ASN1_TIME *this_update = ASN1_TIME_adj(NULL, (time_t)(now_us / RV_US_PER_SEC), 0, 0);
	ASN1_TIME *next_update = ASN1_TIME_adj(NULL, (time_t)(next_us / RV_US_PER_SEC), 0, 0);
	int n = OCSP_request_onereq_count(req);
	int ok = basic != NULL && this_update != NULL && next_update != NULL;
	int rc;
	if (end_us <= now_us) {
		rc = put(out, OCSP_RESPONSE_STATUS_TRYLATER, NULL, e);
		if (rc == 0) {
			rc = rv_fail(e, RV_EEXPIRED,
				"the certificate of the OCSP responder has "
				"expired");
			rv_err_mend(
				e, "Make a new one: reeve authority ocsp %s --certify.", o->dir);
		}
		goto out;
	}
	for (int i = 0; i < n && ok; i++) {
		OCSP_CERTID *id = OCSP_onereq_get0_id(OCSP_request_onereq_get0(req, i));
		ok = add_status(o, basic, w, id, this_update, next_update);
	}
	/* the nonce, if there is one */
	ok = ok && OCSP_copy_nonce(basic, req) > 0 && set_produced(basic, now_us) &&
	     OCSP_basic_sign(basic, w->cert, w->key, EVP_sha256(), NULL,
		     OCSP_RESPID_KEY | OCSP_NOTIME) == 1;
	ERR_clear_error();
	rc = put(out, ok ? OCSP_RESPONSE_STATUS_SUCCESSFUL : OCSP_RESPONSE_STATUS_INTERNALERROR,
		ok ? basic : NULL, e);
	if (rc == 0 && !ok) {
		rc = rv_fail(e, RV_EIO, "the OCSP response could not be signed");
	}
out:
	OCSP_BASICRESP_free(basic);
	ASN1_TIME_free(this_update);
	ASN1_TIME_free(next_update);
	return rc;
}

int ocsp_answer(struct ocsp *o, const void *request, size_t len, int64_t now_us, struct rv_buf *out,
	struct rv_err *e)
{
	const unsigned char *p = request;
	OCSP_REQUEST *req =
		len > 0 && len <= OCSP_REQUEST_MAX ? d2i_OCSP_REQUEST(NULL, &p, (long)len) : NULL;
	const struct answerer *w = NULL;
	int rc = 0;
	ERR_clear_error();
	int n = req != NULL && p == (const unsigned char *)request + len
			? OCSP_request_onereq_count(req)
			: 0;
	if (n < 1 || n > OCSP_CERTS_MAX || check_extensions(req) != 0) {
		rc = put(out, OCSP_RESPONSE_STATUS_MALFORMEDREQUEST, NULL, e);
		goto out;
	}
	rc = refresh(o, e);
	if (rc != 0) {
		put(out, OCSP_RESPONSE_STATUS_TRYLATER, NULL, NULL);
		goto out;
	}
	w = answerer_of(o, OCSP_onereq_get0_id(OCSP_request_onereq_get0(req, 0)));
	rc = w != NULL ? answer(o, req, w, now_us, out, e)
		       : put(out, OCSP_RESPONSE_STATUS_UNAUTHORIZED, NULL, e);
out:
	OCSP_REQUEST_free(req);
	ERR_clear_error();
	return rc;
}
