/* SPDX-License-Identifier: Apache-2.0 */
#include "trustlist_int.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/x509.h>

static int duplicate(struct rv_err *e, const char *fmt_what, const char *a, const char *b)
{
	if (strcmp(a, b) == 0) {
		return rv_fail_rule(
			e, RV_ESCHEMA, "TRUST-DUPLICATE", "%s of %s is listed twice", fmt_what, a);
	}
	rv_fail_rule(
		e, RV_ESCHEMA, "TRUST-DUPLICATE", "%s of %s is listed for %s too", fmt_what, a, b);
	rv_err_mend(e, "A key belongs to one member: one of the two must make a new one.");
	return RV_ESCHEMA;
}

static int link_members(struct rv_trust *t, struct rv_err *e)
{
	if (tl_index_new(&t->by_code, t->n_members) != 0) {
		return rv_fail_nomem(e);
	}
	for (size_t i = 0; i < t->n_members; i++) {
		const struct rv_member *m = &t->members[i];
		if (tl_index_put(&t->by_code, m->code, strlen(m->code), m) != NULL) {
			return rv_fail_rule(e, RV_ESCHEMA, "TRUST-DUPLICATE",
				"member %s is listed twice", m->code);
		}
	}
	return 0;
}

static int link_curve_keys(struct rv_trust *t, struct rv_err *e)
{
	size_t n = 0;
	for (size_t i = 0; i < t->n_members; i++) {
		n += t->members[i].n_keys;
	}
	if (n == 0) {
		return 0;
	}
	t->owners = calloc(n, sizeof(*t->owners));
	if (t->owners == NULL || tl_index_new(&t->by_curve, n) != 0) {
		return rv_fail_nomem(e);
	}
	struct tl_key_owner *owner = t->owners;
	for (size_t i = 0; i < t->n_members; i++) {
		const struct rv_member *m = &t->members[i];
		for (size_t j = 0; j < m->n_keys; j++, owner++) {
			*owner = (struct tl_key_owner){m, &m->keys[j]};
			const struct tl_key_owner *other = tl_index_put(
				&t->by_curve, m->keys[j].z85, RV_CURVE_KEY_TEXT - 1, owner);
			if (other != NULL) {
				return duplicate(e, "a CURVE key", m->code, other->member->code);
			}
		}
	}
	return 0;
}

static int key_digest(uint8_t digest[RV_DIGEST_LEN], const struct rv_cert *cert)
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(rv_cert_key(cert), &der);
	if (len <= 0) {
		return RV_ENOMEM;
	}
	rv_sha256(digest, der, (size_t)len);
	OPENSSL_free(der);
	return 0;
}

/* Two members never share a signing key; one member may renew a certificate over the same key, not
 * list one twice. */
static int check_certs(const struct rv_trust *t, struct rv_err *e)
{
	int rc = 0;
	struct tl_index certs = {0};
	struct tl_index keys = {0};
	uint8_t(*digests)[RV_DIGEST_LEN] = NULL;
	size_t n = 0;
	for (size_t i = 0; i < t->n_members; i++) {
		n += t->members[i].n_certs;
	}
	digests = calloc(n + 1, sizeof(*digests));
	if (digests == NULL || tl_index_new(&certs, n) != 0 || tl_index_new(&keys, n) != 0) {
		rc = rv_fail_nomem(e);
		goto out;
	}
	n = 0;
	for (size_t i = 0; i < t->n_members && rc == 0; i++) {
		const struct rv_member *m = &t->members[i];
		for (size_t j = 0; j < m->n_certs && rc == 0; j++, n++) {
			const struct rv_cert *cert = m->certs[j].cert;
			const struct rv_member *other =
				tl_index_put(&certs, rv_cert_digest(cert), RV_DIGEST_LEN, m);
			if (other != NULL) {
				rc = duplicate(e, "a certificate", m->code, other->code);
				break;
			}
			if (key_digest(digests[n], cert) != 0) {
				rc = rv_fail_nomem(e);
				break;
			}
			other = tl_index_put(&keys, digests[n], RV_DIGEST_LEN, m);
			if (other != NULL && other != m) {
				rc = duplicate(e, "a signing key", m->code, other->code);
			}
		}
	}
out:
	tl_index_free(&certs);
	tl_index_free(&keys);
	free(digests);
	return rc;
}

static int check_via(const struct rv_trust *t, struct rv_err *e)
{
	for (size_t i = 0; i < t->n_members; i++) {
		const struct rv_member *m = &t->members[i];
		for (size_t j = 0; j < m->n_via; j++) {
			const struct rv_member *relay = rv_trust_member(t, m->via[j]);
			if (relay == NULL) {
				rv_fail_rule(e, RV_ESCHEMA, "TRUST-MEMBER",
					"member %s is served via %s, which is not a member",
					m->code, m->via[j]);
				rv_err_mend(e, "Admit %s with the role relay first.", m->via[j]);
				return RV_ESCHEMA;
			}
			if (relay == m || !(relay->roles & RV_ROLE_RELAY)) {
				rv_fail_rule(e, RV_ESCHEMA, "TRUST-ROLE",
					"member %s is served via %s, which is %s", m->code,
					m->via[j], relay == m ? "itself" : "not a relay");
				rv_err_mend(e, "Name a member with the role relay.");
				return RV_ESCHEMA;
			}
		}
	}
	return 0;
}

/* The member roles of which one is needed for a part in an operation: who is a right-holder alone
 * never reads what administrations exchange. */
static unsigned roles_for(enum rv_part part)
{
	switch (part) {
	case RV_PART_RELAY:
		return RV_ROLE_RELAY;
	case RV_PART_RIGHT_HOLDER:
		return RV_ROLE_RIGHT_HOLDER;
	default:
		return RV_ROLE_ADMINISTRATION | RV_ROLE_COORDINATOR;
	}
}

static int check_operation(
	const struct rv_trust *t, const struct rv_operation *op, struct rv_err *e)
{
	if (rv_trust_member(t, op->lead) == NULL) {
		rv_fail_rule(e, RV_ESCHEMA, "TRUST-MEMBER",
			"the lead %s of operation %s is not a member", op->lead, op->code);
		rv_err_mend(e, "Admit %s, or give the operation another lead.", op->lead);
		return RV_ESCHEMA;
	}
	for (size_t i = 0; i < op->n_participants; i++) {
		const struct rv_participant *p = &op->participants[i];
		const struct rv_member *m = rv_trust_member(t, p->code);
		if (m == NULL) {
			rv_fail_rule(e, RV_ESCHEMA, "TRUST-MEMBER",
				"%s takes part in operation %s but is not a member", p->code,
				op->code);
			rv_err_mend(e, "Admit %s, or take it out of the operation.", p->code);
			return RV_ESCHEMA;
		}
		if (!(m->roles & roles_for(p->part))) {
			rv_fail_rule(e, RV_ESCHEMA, "TRUST-ROLE",
				"%s cannot be %s in operation %s: its role does not allow it",
				p->code, rv_part_text(p->part), op->code);
			rv_err_mend(e, "%s",
				p->part == RV_PART_RELAY || p->part == RV_PART_RIGHT_HOLDER
					? "That part needs the member role of the same name."
					: "That part needs the member role administration or "
					  "coordinator.");
			return RV_ESCHEMA;
		}
	}
	return 0;
}

int tl_link(struct rv_trust *t, struct rv_err *e)
{
	int rc = link_members(t, e);
	if (rc == 0) {
		rc = link_curve_keys(t, e);
	}
	if (rc == 0) {
		rc = check_certs(t, e);
	}
	if (rc == 0) {
		rc = check_via(t, e);
	}
	if (rc != 0) {
		return rc;
	}
	if (tl_index_new(&t->by_operation, t->n_operations) != 0) {
		return rv_fail_nomem(e);
	}
	for (size_t i = 0; i < t->n_operations; i++) {
		const struct rv_operation *op = &t->operations[i];
		if (tl_index_put(&t->by_operation, op->code, strlen(op->code), op) != NULL) {
			return rv_fail_rule(e, RV_ESCHEMA, "TRUST-DUPLICATE",
				"operation %s is listed twice", op->code);
		}
		rc = check_operation(t, op, e);
		if (rc != 0) {
			return rc;
		}
	}
	return 0;
}
