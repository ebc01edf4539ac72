/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/authority_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/trust/authority_sign.h"

/* Makes a seat of a certificate, with its own dates. */
static xmlNode *add_seat(xmlNode *signing, const struct rv_cert *cert)
{
	struct rv_span der;
	struct rv_buf base64 = {0};
	xmlNode *seat = NULL;
	rv_cert_der(cert, &der);
	if (rv_base64(&base64, der.data, der.len) == 0 && rv_buf_cstr(&base64) != NULL) {
		seat = authority_add_dated(signing, "Certificate", (const char *)base64.data,
			rv_cert_not_before(cert), rv_cert_not_after(cert));
	}
	rv_buf_free(&base64);
	return seat;
}

static int set_quorum(xmlNode *signing, unsigned quorum)
{
	char text[16];
	snprintf(text, sizeof(text), "%u", quorum);
	return xmlSetProp(signing, (const xmlChar *)"Quorum", (const xmlChar *)text) != NULL
		       ? 0
		       : RV_ENOMEM;
}

static int first_seat(struct authority *a, const struct rv_cert *own, struct rv_err *e)
{
	xmlNode *signing = rv_xml_add(a->list, "Signing", NULL);
	if (signing == NULL || set_quorum(signing, 1) != 0 || add_seat(signing, own) == NULL) {
		return rv_fail_nomem(e);
	}
	authority_place(a, signing);
	return 0;
}

/* Puts the current certificate in the place of the first seat of an own key, and takes away what
 * more there is of them: a coordinator has one. */
static int own_seat(xmlNode *signing, const struct authority_own *own,
	const struct rv_cert *current, int *found, struct rv_err *e)
{
	xmlNode *next;
	int rc = 0;
	for (xmlNode *seat = rv_xml_child(signing, "Certificate"); seat != NULL && rc == 0;
		seat = next) {
		struct rv_cert *cert = NULL;
		next = rv_xml_again(seat);
		rc = authority_cert_in(seat, &cert, e);
		if (rc == 0 && authority_has_key(own, cert)) {
			xmlNode *mine = *found ? NULL : add_seat(signing, current);
			if (mine != NULL) {
				xmlUnlinkNode(mine);
				xmlAddPrevSibling(seat, mine);
			} else if (!*found) {
				rc = rv_fail_nomem(e);
			}
			xmlUnlinkNode(seat);
			xmlFreeNode(seat);
			*found = 1;
		}
		rv_cert_free(&cert);
	}
	return rc;
}

int authority_take_seat(struct authority *a, const struct authority_own *own, struct rv_err *e)
{
	xmlNode *signing = rv_xml_child(a->list, "Signing");
	struct rv_cert *current = NULL;
	int found = 0;
	int rc = authority_cert_of(&current, own->certs[0], e);
	if (rc == 0 && signing == NULL) {
		rc = first_seat(a, current, e);
		found = 1;
	} else if (rc == 0) {
		rc = own_seat(signing, own, current, &found, e);
	}
	if (rc == 0 && !found) {
		rc = rv_fail_rule(e, RV_EDENIED, "AUTHORITY-SEAT",
			"the key of %s is not one of those that sign lists",
			a->dir != NULL ? a->dir : "the authority");
		rv_err_mend(e, "A coordinator who signs takes it in: reeve authority co-signer "
			       "ADIR add, with the file own.pem of this folder.");
	}
	rv_cert_free(&current);
	return rc;
}

/* The seat of a code or of a key; NULL if there is none. cert may be NULL. n_r: how many seats
 * there are; fits_r: how many of them are meant. */
static xmlNode *find_seat(const xmlNode *signing, const char *code, const struct rv_cert *cert,
	size_t *n_r, size_t *fits_r)
{
	xmlNode *found = NULL;
	size_t n = 0;
	size_t fits = 0;
	for (xmlNode *seat = rv_xml_child(signing, "Certificate"); seat != NULL;
		seat = rv_xml_again(seat)) {
		struct rv_cert *other = NULL;
		char its[RV_CODE_TEXT] = "";
		n++;
		if (authority_cert_in(seat, &other, NULL) == 0 &&
			authority_cert_code(other, its) == 0 &&
			(strcmp(its, code) == 0 ||
				(cert != NULL &&
					EVP_PKEY_eq(rv_cert_key(other), rv_cert_key(cert)) == 1))) {
			found = seat;
			fits++;
		}
		rv_cert_free(&other);
	}
	*n_r = n;
	*fits_r = fits;
	return found;
}

static int edit_signing(struct authority *a, struct rv_err *e,
	int (*change)(struct authority *a, xmlNode *signing, const void *what, struct rv_err *e),
	const void *what)
{
	struct authority_own own = {.n = 0};
	struct authority_edit edit;
	int waits = 0;
	int rc = authority_own_read(a, &own, e);
	if (rc == 0) {
		rc = authority_edit_begin(&edit, a, e);
	}
	if (rc == 0) {
		if (rv_xml_child(a->list, "Signing") == NULL) {
			rc = authority_take_seat(a, &own, e);
		}
		if (rc == 0) {
			rc = change(a, rv_xml_child(a->list, "Signing"), what, e);
		}
		rc = authority_edit_end(&edit, rc, &waits, e);
	}
	authority_own_clear(&own);
	return rc;
}

static int add_cosigner(struct authority *a, xmlNode *signing, const void *what, struct rv_err *e)
{
	const struct rv_cert *cert = what;
	struct authority_own own = {.n = 0};
	char code[RV_CODE_TEXT];
	size_t n = 0;
	size_t fits = 0;
	if (authority_cert_code(cert, code) != 0) {
		return rv_fail_rule(e, RV_ECERT, "AUTHORITY-CODE",
			"the common name of the certificate is no code");
	}
	int rc = authority_own_read(a, &own, e);
	if (rc != 0) {
		return rc;
	}
	xmlNode *seat = find_seat(signing, code, cert, &n, &fits);
	struct rv_cert *there = NULL;
	if (fits > 1) {
		rc = rv_fail_rule(e, RV_EEXIST, "AUTHORITY-CODE",
			"the code is that of one who signs lists, the key that of another");
	} else if (seat != NULL && authority_cert_in(seat, &there, NULL) == 0 &&
		   authority_has_key(&own, there) && !authority_has_key(&own, cert)) {
		rc = rv_fail_rule(e, RV_EEXIST, "AUTHORITY-CODE",
			"%s is the code of this authority itself", code);
		rv_err_mend(e, "Each coordinator who signs has a code of its own: reeve authority "
			       "new --code.");
	}
	if (rc == 0) {
		xmlNode *made = add_seat(signing, cert);
		if (made == NULL) {
			rc = rv_fail_nomem(e);
		} else if (seat != NULL) {
			xmlUnlinkNode(made);
			xmlReplaceNode(seat, made);
			xmlFreeNode(seat);
		}
	}
	rv_cert_free(&there);
	authority_own_clear(&own);
	return rc;
}

int authority_cosigner_add(
	struct authority *a, const struct rv_cert *cert, char code[RV_CODE_TEXT], struct rv_err *e)
{
	int rc = edit_signing(a, e, add_cosigner, cert);
	return rc == 0 ? authority_cert_code(cert, code) : rc;
}

static int drop_cosigner(struct authority *a, xmlNode *signing, const void *what, struct rv_err *e)
{
	const char *code = what;
	const char *quorum = rv_xml_attr(signing, "Quorum");
	size_t n = 0;
	size_t fits = 0;
	xmlNode *seat = find_seat(signing, code, NULL, &n, &fits);
	(void)a;
	if (seat == NULL) {
		return rv_fail(e, RV_ENOTFOUND, "%s is not one of those who sign lists", code);
	}
	if (quorum == NULL || n <= strtoul(quorum, NULL, 10)) {
		rv_fail_rule(
			e, RV_EDENIED, "AUTHORITY-QUORUM", "without %s fewer sign than must", code);
		rv_err_mend(e, "Lower the number first: reeve authority quorum.");
		return RV_EDENIED;
	}
	xmlUnlinkNode(seat);
	xmlFreeNode(seat);
	return 0;
}

int authority_cosigner_remove(struct authority *a, const char *code, struct rv_err *e)
{
	return edit_signing(a, e, drop_cosigner, code);
}

static int change_quorum(struct authority *a, xmlNode *signing, const void *what, struct rv_err *e)
{
	const unsigned *quorum = what;
	size_t n = 0;
	size_t fits = 0;
	(void)a;
	find_seat(signing, "", NULL, &n, &fits);
	if (*quorum == 0 || *quorum > n) {
		rv_fail_rule(e, RV_EINVAL, "AUTHORITY-QUORUM",
			"of %zu who sign lists, 1 to %zu can be asked for, not %u", n, n, *quorum);
		rv_err_mend(e, "Add the others first: reeve authority co-signer.");
		return RV_EINVAL;
	}
	return set_quorum(signing, *quorum) == 0 ? 0 : rv_fail_nomem(e);
}

int authority_quorum(struct authority *a, unsigned quorum, struct rv_err *e)
{
	return edit_signing(a, e, change_quorum, &quorum);
}
