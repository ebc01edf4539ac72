/* SPDX-License-Identifier: Apache-2.0 */
#include "chain_int.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/err.h>

/* How a certificate stands to one that may have issued it. */
enum link {
	LINK_NONE,      /* another name */
	LINK_OTHER_KEY, /* the name, but authorityKeyIdentifier says another key */
	LINK_BAD,       /* name and key, but the signature does not verify */
	LINK_ISSUED
};

struct node {
	X509 *x509;
	uint8_t digest[RV_DIGEST_LEN];
	uint8_t key[RV_DIGEST_LEN]; /* SHA-256 of the public key */
	char (*members)[RV_CODE_TEXT];
	size_t n_members;
	size_t *parents;
	size_t n_parents;
	unsigned self_signed : 1;
	unsigned broken : 1; /* what should have issued it did not sign it */
};

struct rv_chain {
	struct node *nodes;
	size_t n;
};

enum { LINKS_MAX = 8192, STEPS_MAX = 4096 };

/* Whether the signature holds is only asked where key and hash are taken: a path over others is
 * refused for them. */
static enum link link_of(X509 *x, X509 *issuer)
{
	const X509_ALGOR *alg = NULL;
	char name[64];
	enum link link = LINK_ISSUED;
	switch (X509_check_issued(issuer, x)) {
	case X509_V_ERR_SUBJECT_ISSUER_MISMATCH:
	case X509_V_ERR_UNSPECIFIED:
		return LINK_NONE;
	case X509_V_ERR_AKID_SKID_MISMATCH:
	case X509_V_ERR_AKID_ISSUER_SERIAL_MISMATCH:
		return LINK_OTHER_KEY;
	default:
		break;
	}
	X509_get0_signature(NULL, &alg, x);
	if (rv_algor_taken(alg, name) && rv_x509_key_taken(issuer) &&
		X509_verify(x, X509_get0_pubkey(issuer)) != 1) {
		link = LINK_BAD;
	}
	ERR_clear_error();
	return link;
}

/* ---- the set ---- */

static void node_clear(struct node *n)
{
	X509_free(n->x509);
	free(n->members);
	free(n->parents);
}

void rv_chain_free(struct rv_chain **chain)
{
	if (chain == NULL || *chain == NULL) {
		return;
	}
	for (size_t i = 0; i < (*chain)->n; i++) {
		node_clear(&(*chain)->nodes[i]);
	}
	free((*chain)->nodes);
	free(*chain);
	*chain = NULL;
}

static void digest_key(uint8_t digest[RV_DIGEST_LEN], X509 *x)
{
	const ASN1_BIT_STRING *key = X509_get0_pubkey_bitstr(x);
	rv_sha256(digest, ASN1_STRING_get0_data(key), (size_t)ASN1_STRING_length(key));
}

static int node_read(struct node *n, const struct rv_chain_issuer *in, struct rv_err *e)
{
	int rc = rv_x509_read(&n->x509, in->der.data, in->der.len, e);
	if (rc != 0) {
		return rc;
	}
	rv_sha256(n->digest, in->der.data, in->der.len);
	digest_key(n->key, n->x509);
	if (in->n_members > 0) {
		n->members = calloc(in->n_members, sizeof(*n->members));
		if (n->members == NULL) {
			return rv_fail_nomem(e);
		}
		memcpy(n->members, in->members, in->n_members * sizeof(*n->members));
		n->n_members = in->n_members;
	}
	return 0;
}

static int node_link(struct rv_chain *c, size_t i, size_t *links, struct rv_err *e)
{
	struct node *n = &c->nodes[i];
	enum link own = link_of(n->x509, n->x509);
	n->self_signed = own == LINK_ISSUED;
	n->broken = own == LINK_BAD;
	for (size_t j = 0; j < c->n && !n->self_signed; j++) {
		enum link link = j != i ? link_of(n->x509, c->nodes[j].x509) : LINK_NONE;
		n->broken |= link == LINK_BAD;
		if (link != LINK_ISSUED) {
			continue;
		}
		if (++*links > LINKS_MAX) {
			return rv_fail_rule(e, RV_ELIMIT, "CHAIN-LIMIT",
				"the issuers certify each other more than %d times", LINKS_MAX);
		}
		size_t *more = realloc(n->parents, (n->n_parents + 1) * sizeof(*more));
		if (more == NULL) {
			return rv_fail_nomem(e);
		}
		n->parents = more;
		n->parents[n->n_parents++] = j;
	}
	return 0;
}

int rv_chain_new(struct rv_chain **chain_r, const struct rv_chain_issuer *issuers, size_t n,
	struct rv_err *e)
{
	size_t links = 0;
	int rc = 0;
	if (n > RV_CHAIN_ISSUERS) {
		return rv_fail_rule(e, RV_ELIMIT, "CHAIN-LIMIT",
			"there are %zu issuers, more than %d", n, RV_CHAIN_ISSUERS);
	}
	struct rv_chain *c = calloc(1, sizeof(*c));
	if (c == NULL || (c->nodes = calloc(n + 1, sizeof(*c->nodes))) == NULL) {
		rc = rv_fail_nomem(e);
		goto out;
	}
	for (size_t i = 0; i < n; i++) {
		c->n = i + 1;
		if ((rc = node_read(&c->nodes[i], &issuers[i], e)) != 0) {
			goto out;
		}
		for (size_t j = 0; j < i; j++) {
			if (memcmp(c->nodes[j].digest, c->nodes[i].digest, RV_DIGEST_LEN) == 0) {
				rc = rv_chain_refuse(e, RV_ECERT, "CHAIN-DUPLICATE",
					c->nodes[i].x509,
					"name all members it may certify in one place",
					"it stands among the issuers twice");
				goto out;
			}
		}
	}
	for (size_t i = 0; i < n; i++) {
		if ((rc = node_link(c, i, &links, e)) != 0) {
			goto out;
		}
	}
	*chain_r = c;
	c = NULL;
out:
	rv_chain_free(&c);
	return rc;
}

/* ---- one path ---- */

void rv_path_free(struct rv_path **path)
{
	if (path == NULL || *path == NULL) {
		return;
	}
	for (size_t i = 0; i < (*path)->len; i++) {
		X509_free((*path)->certs[i]);
	}
	free(*path);
	*path = NULL;
}

/* A way up while it is looked for. trail[0] is the member's certificate and no node. */
struct walk {
	const struct rv_chain *chain;
	X509 *leaf;
	const uint8_t *leaf_digest;
	const char *member;
	int64_t at_us;
	size_t trail[RV_CHAIN_DEPTH];
	struct rv_path *found;
	unsigned tried;
	unsigned steps;
	int rc;          /* of the first path tried */
	struct rv_err e; /* of the first path tried */
	unsigned loops : 1;
	unsigned deep : 1;
};

static int may_certify(const struct node *n, const char *member)
{
	int may = n->n_members == 0;
	for (size_t i = 0; i < n->n_members && !may; i++) {
		may = strcmp(n->members[i], member) == 0;
	}
	return may;
}

static int check_issuers(struct walk *w, size_t len, struct rv_err *e)
{
	int rc = 0;
	for (size_t i = 1; i < len && rc == 0; i++) {
		const struct node *n = &w->chain->nodes[w->trail[i]];
		if (!may_certify(n, w->member)) {
			rc = rv_chain_refuse(e, RV_ECERT, "CHAIN-MEMBER", n->x509,
				"name the member at that issuer in the trust list, or have the "
				"certificate issued by another",
				"the trust list does not let this issuer certify %s", w->member);
		} else if (n->broken && n->n_parents == 0) {
			rc = rv_chain_refuse(e, RV_ECERT, "CHAIN-SIGNATURE", n->x509,
				"take the certificate from its authority again",
				"the key of its issuer, which is listed, did not sign it so");
		} else {
			rc = rv_chain_as_issuer(n->x509, e);
		}
	}
	return rc;
}

static int check_path(struct walk *w, X509 *const *certs, size_t len, struct rv_err *e)
{
	int rc = rv_chain_as_member(w->leaf, e);
	if (rc != 0 || (rc = check_issuers(w, len, e)) != 0) {
		return rc;
	}
	for (size_t i = 0; i < len; i++) {
		if ((rc = rv_chain_at(certs[i], w->at_us, e)) != 0) {
			return rc;
		}
	}
	return rv_chain_rfc5280(certs, len, e);
}

static struct rv_path *make_path(const struct walk *w, X509 *const *certs, size_t len)
{
	struct rv_path *p = calloc(1, sizeof(*p));
	if (p == NULL) {
		return NULL;
	}
	p->from = INT64_MIN;
	p->to = INT64_MAX;
	for (size_t i = 0; i < len; i++) {
		int64_t from = 0;
		int64_t to = 0;
		rv_x509_validity(certs[i], &from, &to);
		p->from = from > p->from ? from : p->from;
		p->to = to < p->to ? to : p->to;
		X509_up_ref(certs[i]);
		p->certs[i] = certs[i];
		p->index[i] = w->trail[i];
		memcpy(p->digests[i], i == 0 ? w->leaf_digest : w->chain->nodes[w->trail[i]].digest,
			RV_DIGEST_LEN);
		p->len = i + 1;
	}
	return p;
}

/* The trail has come to an end of len certificates: is it a path? */
static void try_path(struct walk *w, size_t len)
{
	X509 *certs[RV_CHAIN_DEPTH];
	struct rv_err e = {0};
	certs[0] = w->leaf;
	for (size_t i = 1; i < len; i++) {
		certs[i] = w->chain->nodes[w->trail[i]].x509;
	}
	int rc = check_path(w, certs, len, &e);
	if (rc == 0 && (w->found = make_path(w, certs, len)) == NULL) {
		rc = rv_fail_nomem(&e);
	}
	if (w->tried++ == 0) {
		w->rc = rc;
		w->e = e;
	}
}

static int on_trail(const struct walk *w, size_t len, size_t i)
{
	const struct node *n = &w->chain->nodes[i];
	for (size_t k = 1; k < len; k++) {
		const struct node *t = &w->chain->nodes[w->trail[k]];
		if (memcmp(t->key, n->key, RV_DIGEST_LEN) == 0 &&
			X509_NAME_cmp(X509_get_subject_name(t->x509),
				X509_get_subject_name(n->x509)) == 0) {
			return 1;
		}
	}
	return 0;
}

static int is_over(const struct walk *w)
{
	return w->found != NULL || w->tried >= RV_CHAIN_PATHS || w->steps >= STEPS_MAX;
}

/* Goes on from the last of len certificates, first to the issuers that the list names first. Not
 * deeper than RV_CHAIN_DEPTH, to RV_CHAIN_PATHS ends and STEPS_MAX certificates at most. */
static void climb(struct walk *w, size_t len)
{
	const struct node *n = &w->chain->nodes[w->trail[len - 1]];
	if (n->self_signed || n->n_parents == 0) {
		try_path(w, len);
		return;
	}
	for (size_t k = 0; k < n->n_parents && !is_over(w); k++) {
		w->steps++;
		if (on_trail(w, len, n->parents[k])) {
			w->loops = 1;
		} else if (len == RV_CHAIN_DEPTH) {
			w->deep = 1;
		} else {
			w->trail[len] = n->parents[k];
			climb(w, len + 1);
		}
	}
}

static int refuse_walk(const struct walk *w, enum link best, struct rv_err *e)
{
	char issuer[RV_X509_NAME_TEXT / 2] = "";
	if (w->tried > 0) {
		if (e != NULL) {
			*e = w->e;
		}
		return w->rc;
	}
	if (w->steps >= STEPS_MAX) {
		return rv_fail_rule(e, RV_ELIMIT, "CHAIN-LIMIT",
			"the issuers certify each other in more ways than can be tried");
	}
	if (w->deep) {
		return rv_chain_refuse(e, RV_ECERT, "CHAIN-DEPTH", w->leaf,
			"list an authority nearer to the member's certificate",
			"its path has more than %d certificates", RV_CHAIN_DEPTH);
	}
	if (w->loops) {
		return rv_chain_refuse(e, RV_ECERT, "CHAIN-LOOP", w->leaf,
			"list the self-signed certificate of one of them",
			"its issuers certify each other in a circle");
	}
	rv_x509_name(X509_get_issuer_name(w->leaf), issuer, sizeof(issuer));
	if (best == LINK_BAD) {
		return rv_chain_refuse(e, RV_ECERT, "CHAIN-SIGNATURE", w->leaf,
			"take the certificate from its authority again",
			"the key of its issuer \"%s\" did not sign it so", issuer);
	}
	if (best == LINK_OTHER_KEY) {
		return rv_chain_refuse(e, RV_ECERT, "CHAIN-ISSUER-KEY", w->leaf,
			"list the issuer's certificate with the key that signed",
			"its issuer \"%s\" is listed with other keys only", issuer);
	}
	return rv_chain_refuse(e, RV_ECERT, "CHAIN-ISSUER", w->leaf,
		"list the authority that issued it, or have it issued by one that is listed",
		"its issuer \"%s\" is not among those that the trust list names", issuer);
}

/* Listed itself: nobody else vouches for it. */
static int self_signed_path(struct walk *w, struct rv_err *e)
{
	for (size_t i = 0; i < w->chain->n; i++) {
		const struct node *n = &w->chain->nodes[i];
		if (memcmp(n->digest, w->leaf_digest, RV_DIGEST_LEN) != 0) {
			continue;
		}
		if (!may_certify(n, w->member)) {
			return rv_chain_refuse(e, RV_ECERT, "CHAIN-MEMBER", n->x509,
				"name the member at that certificate in the trust list",
				"the trust list names it for others than %s", w->member);
		}
		w->trail[0] = i;
		try_path(w, 1);
		return w->found != NULL ? 0 : refuse_walk(w, LINK_NONE, e);
	}
	return rv_chain_refuse(e, RV_ECERT, "CHAIN-SELF-SIGNED", w->leaf,
		"have it issued by an authority, or list it as an issuer itself",
		"it is self-signed, and the trust list does not name it as an issuer");
}

static int issued_path(struct walk *w, struct rv_err *e)
{
	enum link best = LINK_NONE;
	unsigned checked = 0;
	for (size_t i = 0; i < w->chain->n && checked < RV_CHAIN_PATHS && !is_over(w); i++) {
		enum link link = link_of(w->leaf, w->chain->nodes[i].x509);
		best = link > best ? link : best;
		checked += link == LINK_ISSUED || link == LINK_BAD;
		if (link == LINK_ISSUED) {
			w->trail[1] = i;
			climb(w, 2);
		}
	}
	return w->found != NULL ? 0 : refuse_walk(w, best, e);
}

int rv_chain_path(struct rv_path **path_r, const struct rv_chain *chain, const struct rv_cert *cert,
	const char *member, int64_t at_us, struct rv_err *e)
{
	struct rv_span der;
	struct walk w = {.chain = chain, .member = member, .at_us = at_us};
	rv_cert_der(cert, &der);
	int rc = rv_x509_read(&w.leaf, der.data, der.len, e);
	if (rc != 0) {
		return rc;
	}
	w.leaf_digest = rv_cert_digest(cert);
	/* before the issuer is looked for, which cannot be done by extensions that are unreadable
	 */
	if ((rc = rv_chain_extensions(w.leaf, e)) != 0) {
		goto out;
	}
	if (link_of(w.leaf, w.leaf) == LINK_ISSUED) {
		rc = self_signed_path(&w, e);
	} else {
		rc = issued_path(&w, e);
	}
	if (rc == 0) {
		*path_r = w.found;
	}
out:
	X509_free(w.leaf);
	return rc;
}

/* ---- what a path says of itself ---- */

size_t rv_path_len(const struct rv_path *path)
{
	return path->len;
}

size_t rv_path_links(const struct rv_path *path)
{
	return path->len - 1;
}

int rv_path_issuer(const struct rv_path *path, size_t i, size_t *index_r)
{
	if (i == 0 || i >= path->len) {
		return RV_ENOTFOUND;
	}
	*index_r = path->index[i];
	return 0;
}

const uint8_t *rv_path_digest(const struct rv_path *path, size_t i)
{
	return i < path->len ? path->digests[i] : NULL;
}

void rv_path_subject(const struct rv_path *path, size_t i, char *out, size_t size)
{
	if (i < path->len) {
		rv_x509_name(X509_get_subject_name(path->certs[i]), out, size);
	} else if (size > 0) {
		out[0] = '\0';
	}
}

int64_t rv_path_from(const struct rv_path *path)
{
	return path->from;
}

int64_t rv_path_to(const struct rv_path *path)
{
	return path->to;
}
