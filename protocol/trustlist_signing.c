/* SPDX-License-Identifier: Apache-2.0 */
#include "trustlist_int.h"

#include <stdlib.h>
#include <string.h>

#include "chain.h"

/* Who signs the list, who certifies members, and what is asked of their certificates. */

enum { MAX_SIGNING = 8, MAX_ISSUERS = 64, MAX_URLS = 4, MAX_URL = 256, MAX_FOR = 1000 };
enum { MAX_AGE_HOURS = 8760 };

/* ---- reading ---- */

void tl_take_signing(struct tl_walk *up, struct rv_trust *t)
{
	const xmlNode *node = tl_take(up, "Signing");
	uint64_t quorum = 0;
	if (node == NULL) {
		return;
	}
	struct tl_walk w = {node, rv_xml_first(node), up->e, 0};
	const char *text = rv_xml_attr(node, "Quorum");
	if (!rv_xml_pure(node) || text == NULL || node->properties->next != NULL) {
		tl_refuse(&w, node, "TRUST-SHAPE",
			"Signing has elements and the attribute Quorum alone");
	}
	size_t n = tl_count(&w, "Certificate", 1, MAX_SIGNING);
	if (w.rc == 0 && tl_decimal(&quorum, text, n) != 0) {
		tl_refuse(&w, node, "TRUST-VALUE",
			"Quorum \"%.20s\" is not a number from 1 to the %zu certificates", text, n);
	}
	t->quorum = (unsigned)quorum;
	t->signing = tl_alloc(&w, n, sizeof(*t->signing));
	for (size_t i = 0; i < n && w.rc == 0; i++) {
		const xmlNode *place = w.next;
		tl_take_certificate(&w, &t->signing[t->n_signing++], 0);
		for (size_t j = 0; j < i && w.rc == 0; j++) {
			if (memcmp(rv_cert_digest(t->signing[j].cert),
				    rv_cert_digest(t->signing[i].cert), RV_DIGEST_LEN) == 0) {
				tl_refuse(&w, place, "TRUST-DUPLICATE",
					"a certificate stands twice in Signing");
			}
		}
	}
	up->rc = tl_end(&w);
}

/* An address to fetch from: http or https, printable, without spaces. */
static int url_valid(const char *text)
{
	size_t len = strlen(text);
	size_t scheme = strncmp(text, "http://", 7) == 0    ? 7
			: strncmp(text, "https://", 8) == 0 ? 8
							    : 0;
	if (scheme == 0 || len <= scheme || len > MAX_URL) {
		return 0;
	}
	for (const char *p = text; *p != '\0'; p++) {
		if (*p <= ' ' || *p > '~' || strchr("\"<>\\^`{|}", *p) != NULL) {
			return 0;
		}
	}
	return text[scheme] != '/' && text[scheme] != ':';
}

static void take_urls(struct tl_walk *w, const char *name, char ***urls, size_t *n_r)
{
	size_t n = tl_count(w, name, 0, MAX_URLS);
	*urls = tl_alloc(w, n, sizeof(**urls));
	for (size_t i = 0; i < n && w->rc == 0; i++) {
		const xmlNode *node = w->next;
		const char *text = tl_text(w, name);
		if (w->rc == 0 && !url_valid(text)) {
			tl_refuse(w, node, "TRUST-VALUE",
				"%s \"%.80s\" is not an address that begins with http:// or https://",
				name, text);
		}
		if (w->rc == 0) {
			(*urls)[i] = strdup(text);
			w->rc = (*urls)[i] != NULL ? 0 : rv_fail_nomem(w->e);
			*n_r = i + 1;
		}
	}
}

static int read_issuer(struct rv_issuer *issuer, const xmlNode *node, struct rv_err *e)
{
	struct tl_walk w = tl_walk(node, e);
	const xmlNode *place = w.next;
	const char *text = tl_text(&w, "Certificate");
	if (w.rc == 0) {
		tl_read_der(&w, place, text, rv_cert_issuer_from_der, &issuer->cert);
	}
	take_urls(&w, "CrlUrl", &issuer->crl_urls, &issuer->n_crl_urls);
	take_urls(&w, "OcspUrl", &issuer->ocsp_urls, &issuer->n_ocsp_urls);
	size_t n = tl_count(&w, "For", 0, MAX_FOR);
	issuer->members = tl_alloc(&w, n, sizeof(*issuer->members));
	for (size_t i = 0; i < n && w.rc == 0; i++) {
		tl_code(&w, "For", issuer->members[issuer->n_members++]);
	}
	return tl_end(&w);
}

void tl_take_issuers(struct tl_walk *w, struct rv_trust *t)
{
	size_t n = tl_count(w, "Issuer", 0, MAX_ISSUERS);
	t->issuers = tl_alloc(w, n, sizeof(*t->issuers));
	for (size_t i = 0; i < n && w->rc == 0; i++) {
		const xmlNode *node = tl_take(w, "Issuer");
		w->rc = read_issuer(&t->issuers[t->n_issuers++], node, w->e);
		for (size_t j = 0; j < i && w->rc == 0; j++) {
			if (memcmp(rv_cert_digest(t->issuers[j].cert),
				    rv_cert_digest(t->issuers[i].cert), RV_DIGEST_LEN) == 0) {
				tl_refuse(w, node, "TRUST-DUPLICATE", "an Issuer stands twice");
			}
		}
	}
}

static size_t place_of(unsigned role)
{
	size_t i = 0;
	while (role >>= 1) {
		i++;
	}
	return i;
}

static int mode_parse(enum rv_checking_mode *mode, const char *text)
{
	static const char *const words[] = {
		[RV_CHECKING_OFF] = "off", [RV_CHECKING_SOFT] = "soft", [RV_CHECKING_HARD] = "hard"};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i], text) == 0) {
			*mode = (enum rv_checking_mode)i;
			return 0;
		}
	}
	return RV_EPARSE;
}

static void read_checking(struct tl_walk *w, struct rv_trust *t, const xmlNode *node)
{
	const char *role = rv_xml_attr(node, "Role");
	const char *revocation = rv_xml_attr(node, "Revocation");
	const char *age = rv_xml_attr(node, "MaxAgeHours");
	uint64_t hours = 0;
	enum rv_checking_mode mode = RV_CHECKING_SOFT;
	if (role == NULL || revocation == NULL || age == NULL ||
		node->properties->next->next->next != NULL || node->children != NULL) {
		tl_refuse(w, node, "TRUST-SHAPE",
			"Checking has Role, Revocation and MaxAgeHours, and nothing in it");
		return;
	}
	unsigned bit = rv_role_parse(role);
	if (bit == 0 || mode_parse(&mode, revocation) != 0 ||
		tl_decimal(&hours, age, MAX_AGE_HOURS) != 0) {
		tl_refuse(w, node, "TRUST-VALUE",
			"Checking has a member role, off, soft or hard, and 1 to %d hours",
			MAX_AGE_HOURS);
		return;
	}
	if (t->checked_roles & bit) {
		tl_refuse(w, node, "TRUST-DUPLICATE", "Checking of %s stands twice", role);
		return;
	}
	t->checked_roles |= bit;
	t->checking[place_of(bit)] =
		(struct rv_checking){mode, (int64_t)hours * 3600 * RV_US_PER_SEC};
}

void tl_take_checking(struct tl_walk *w, struct rv_trust *t)
{
	for (size_t n = tl_count(w, "Checking", 0, 4); n > 0 && w->rc == 0; n--) {
		const xmlNode *node = tl_take(w, "Checking");
		read_checking(w, t, node);
	}
}

void tl_clear_issuer(struct rv_issuer *i)
{
	rv_cert_free(&i->cert);
	for (size_t k = 0; k < i->n_crl_urls; k++) {
		free(i->crl_urls[k]);
	}
	for (size_t k = 0; k < i->n_ocsp_urls; k++) {
		free(i->ocsp_urls[k]);
	}
	free(i->crl_urls);
	free(i->ocsp_urls);
	free(i->members);
}

/* ---- questions ---- */

size_t rv_trust_signing(
	const struct rv_trust *t, const struct rv_dated_cert **certs_r, unsigned *quorum_r)
{
	*certs_r = t != NULL ? t->signing : NULL;
	*quorum_r = t != NULL ? t->quorum : 0;
	return t != NULL ? t->n_signing : 0;
}

size_t rv_trust_issuers(const struct rv_trust *t, const struct rv_issuer **issuers_r)
{
	*issuers_r = t != NULL ? t->issuers : NULL;
	return t != NULL ? t->n_issuers : 0;
}

struct rv_checking rv_trust_checking(const struct rv_trust *t, unsigned roles)
{
	struct rv_checking found = {RV_CHECKING_OFF, INT64_MAX};
	if (t == NULL || !(t->checked_roles & roles)) {
		return (struct rv_checking){RV_CHECKING_SOFT, RV_CHECKING_AGE_US};
	}
	for (unsigned bit = RV_ROLE_ADMINISTRATION; bit <= RV_ROLE_RELAY; bit <<= 1) {
		if (!(t->checked_roles & roles & bit)) {
			continue;
		}
		const struct rv_checking *c = &t->checking[place_of(bit)];
		found.mode = c->mode > found.mode ? c->mode : found.mode;
		found.max_age_us = c->max_age_us < found.max_age_us ? c->max_age_us
								    : found.max_age_us;
	}
	return found;
}

/* The names are those of chain.h; a list knows fewer. */
const char *rv_reason_text(enum rv_reason r)
{
	return rv_revocation_text((enum rv_revocation)r);
}

int rv_reason_parse(enum rv_reason *r, const char *text)
{
	enum rv_revocation reason;
	if (rv_revocation_parse(&reason, text) != 0 || (unsigned)reason > RV_REASON_CESSATION) {
		return RV_EPARSE;
	}
	*r = (enum rv_reason)reason;
	return 0;
}
