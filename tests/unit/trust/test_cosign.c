/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "node/file.h"
#include "node/trust/authority_sign.h"
#include "node/trust/roots.h"
#include "tests/unit/trust/office.h"

/* Three coordinators, each with a folder: two of them must sign. */

static const char *const codes[3] = {"OCU", "RILO", "WCO"};
static char *dirs[3];
static struct authority *offices[3];
static struct party ke, fr;

static int set_up(void **state)
{
	assert_int_equal(rv_xml_init(NULL), 0);
	party_new(&ke, "KE", RV_ROLE_ADMINISTRATION, 0);
	party_new(&fr, "FR", RV_ROLE_ADMINISTRATION, 0);
	return 0;
}

static int tear_down(void **state)
{
	party_clear(&ke);
	party_clear(&fr);
	rv_xml_cleanup();
	return 0;
}

static int make(void **state)
{
	office_make(state);
	for (size_t i = 0; i < 3; i++) {
		struct rv_err e = {0};
		struct authority_new n = {.code = codes[i], .name = "A coordinator", .from_us = PKI_NOW - 300 * RV_US_PER_SEC,
			.to_us = PKI_NOW + 1000 * PKI_DAY};
		dirs[i] = file_join(office_base, codes[i]);
		assert_int_equal(authority_create(dirs[i], &n, &e), 0);
		assert_int_equal(authority_open(&offices[i], dirs[i], &e), 0);
	}
	return 0;
}

static int drop(void **state)
{
	for (size_t i = 0; i < 3; i++) {
		authority_close(&offices[i]);
		free(dirs[i]);
	}
	return office_drop(state);
}

static void read_file(const char *dir, const char *name, struct rv_buf *out)
{
	char *path = file_join(dir, name);
	rv_buf_reset(out);
	assert_int_equal(file_read(path, 1 << 20, out, NULL), 0);
	free(path);
}

static int has_file(const char *dir, const char *name)
{
	char *path = file_join(dir, name);
	int yes = access(path, F_OK) == 0;
	free(path);
	return yes;
}

static struct rv_cert *cert_of(size_t i)
{
	struct rv_buf pem = {0};
	struct rv_cert *cert = NULL;
	read_file(dirs[i], "own.pem", &pem);
	assert_int_equal(rv_cert_from_pem(&cert, pem.data, pem.len, NULL), 0);
	rv_buf_free(&pem);
	return cert;
}

static int co_sign(size_t at, size_t who, struct rv_err *e)
{
	char code[RV_CODE_TEXT] = "";
	struct rv_cert *cert = cert_of(who);
	int rc = authority_cosigner_add(offices[at], cert, code, e);
	if (rc == 0) {
		assert_string_equal(code, codes[who]);
	}
	rv_cert_free(&cert);
	return rc;
}

static void publish(size_t at, uint64_t number, int complete, unsigned have, unsigned need, const char *missing)
{
	struct rv_err e = {0};
	struct authority_outcome r = {0};
	struct authority_publish how = {.now_us = PKI_NOW, .to_us = PKI_NOW + 10 * PKI_DAY};
	if (authority_publish(offices[at], &how, &r, &e) != 0) {
		print_error("%s %s\n", e.rule, e.text);
		fail();
	}
	assert_int_equal(r.number, number);
	assert_int_equal(r.complete, complete);
	assert_int_equal(r.have, have);
	assert_int_equal(r.need, need);
	assert_string_equal(rv_buf_cstr(&r.missing), missing);
	authority_outcome_clear(&r);
}

static int look(size_t at, const struct rv_buf *wire, struct authority_proposal **p, struct rv_err *e)
{
	return authority_proposal_read(offices[at], wire->data, wire->len, PKI_NOW, p, e);
}

static void sign(size_t at, const struct rv_buf *wire, int complete, int aside)
{
	struct rv_err e = {0};
	struct authority_proposal *p = NULL;
	struct authority_outcome r = {0};
	struct authority_sign how = {.now_us = PKI_NOW};
	int was_aside = 0;
	if (look(at, wire, &p, &e) != 0 || authority_sign(offices[at], p, &how, &r, &was_aside, &e) != 0) {
		print_error("%s %s\n", e.rule, e.text);
		fail();
	}
	assert_int_equal(r.complete, complete);
	assert_int_equal(was_aside, aside);
	authority_outcome_clear(&r);
	authority_proposal_free(&p);
}

/* A node that has one coordinator's first certificate follows. */
static int by_first(const struct rv_buf *wire, size_t who, struct rv_err *e)
{
	struct rv_trust *t = NULL;
	struct rv_cert *cert = cert_of(who);
	const struct rv_cert *const known[] = {cert};
	int rc = rv_trust_read(&t, wire->data, wire->len, known, 1, 1, PKI_NOW, e);
	rv_trust_unref(&t);
	rv_cert_free(&cert);
	return rc;
}

/* From one who signs alone to two of three. */
static void found(struct rv_buf *wire)
{
	struct rv_err e = {0};
	office_admitted(offices[0], &ke);
	publish(0, 1, 1, 1, 1, "");
	assert_int_equal(co_sign(0, 1, &e), 0);
	assert_int_equal(co_sign(0, 2, &e), 0);
	assert_int_equal(authority_quorum(offices[0], 4, &e), RV_EINVAL);
	assert_int_equal(authority_quorum(offices[0], 2, &e), 0);
	publish(0, 2, 0, 1, 2, "RILO, WCO");
	assert_false(has_file(dirs[0], "published/2.xml"));
	read_file(dirs[0], "proposal.xml", wire);
	/* one signature is no list */
	assert_int_equal(by_first(wire, 0, &e), RV_ESIGNATURE);
	assert_string_equal(e.rule, "TRUST-QUORUM");
	sign(1, wire, 1, 0);
	read_file(dirs[1], "trust.xml", wire);
	assert_int_equal(by_first(wire, 0, &e), 0);
	/* everybody's folder takes it */
	sign(0, wire, 1, 0);
	sign(2, wire, 1, 0);
}

static void test_quorum(void **state)
{
	struct rv_buf wire = {0}, other = {0};
	struct rv_err e = {0};
	struct authority_proposal *p = NULL;
	struct rv_trust *t = NULL;
	size_t revoked = 0;
	found(&wire);
	for (size_t i = 0; i < 3; i++) {
		struct trust_roots roots = {0};
		char *path = file_join(dirs[i], "authority.pem");
		assert_true(has_file(dirs[i], "published/2.xml"));
		assert_int_equal(trust_roots_read(&roots, path, &e), 0);
		assert_int_equal(roots.n, 3);
		assert_int_equal(roots.quorum, 2);
		trust_roots_clear(&roots);
		assert_int_equal(authority_draft(offices[i], &t, &e), 0);
		assert_int_equal(rv_trust_number(t), 3);
		assert_non_null(rv_trust_member(t, "KE"));
		rv_trust_unref(&t);
		free(path);
	}
	/* another one goes on from there */
	office_admitted(offices[1], &fr);
	publish(1, 3, 0, 1, 2, "OCU, WCO");
	read_file(dirs[1], "proposal.xml", &wire);
	assert_int_equal(look(2, &wire, &p, &e), 0);
	assert_false(authority_proposal_signed(p));
	assert_int_equal(rv_trust_number(authority_proposal_last(p)), 2);
	assert_string_equal(rv_trust_authority(authority_proposal_list(p)), "RILO");
	authority_proposal_free(&p);

	/* while it proposed another list of that number itself, it signs no other */
	publish(0, 3, 0, 1, 2, "RILO, WCO");
	assert_int_equal(look(0, &wire, &p, &e), RV_EDENIED);
	assert_string_equal(e.rule, "AUTHORITY-NUMBER");
	sign(2, &wire, 1, 0);
	read_file(dirs[0], "proposal.xml", &other);
	assert_int_equal(look(2, &other, &p, &e), RV_EDENIED);
	assert_string_equal(e.rule, "AUTHORITY-NUMBER");
	/* the proposer takes what became of it; his draft has gone on */
	read_file(dirs[2], "trust.xml", &wire);
	assert_int_equal(authority_remove(offices[1], "KE", PKI_NOW, &revoked, &e), 0);
	sign(1, &wire, 1, 0);
	assert_int_equal(authority_draft(offices[1], &t, &e), 0);
	assert_null(rv_trust_member(t, "KE"));
	assert_int_equal(rv_trust_number(t), 4);
	rv_trust_unref(&t);
	/* ...and may not bring an older list back */
	read_file(dirs[1], "published/2.xml", &wire);
	assert_int_equal(look(1, &wire, &p, &e), RV_EDENIED);
	rv_buf_free(&wire);
	rv_buf_free(&other);
}

/* No single coordinator can make a list: not by writing another quorum, nor by two keys of his own. */
static void test_forge(void **state)
{
	struct rv_buf wire = {0};
	struct rv_err e = {0};
	struct rv_trust *t = NULL;
	struct trust_roots roots = {0};
	found(&wire);
	char *path = file_join(dirs[2], "authority.pem");
	assert_int_equal(trust_roots_read(&roots, path, &e), 0);

	assert_int_equal(authority_quorum(offices[0], 1, &e), 0);
	publish(0, 3, 0, 1, 2, "RILO, WCO");
	read_file(dirs[0], "proposal.xml", &wire);
	assert_int_equal(trust_roots_list(&roots, &t, wire.data, wire.len, PKI_NOW, &e), RV_ESIGNATURE);
	assert_string_equal(e.rule, "TRUST-QUORUM");

	assert_int_equal(authority_cosigner_remove(offices[0], "RILO", &e), 0);
	assert_int_equal(authority_cosigner_remove(offices[0], "WCO", &e), 0);
	publish(0, 4, 0, 1, 2, "RILO, WCO");
	read_file(dirs[0], "proposal.xml", &wire);
	assert_int_equal(trust_roots_list(&roots, &t, wire.data, wire.len, PKI_NOW, &e), RV_ESIGNATURE);

	/* while his key rotates he has two, and one seat */
	struct authority_new next = {.from_us = PKI_NOW, .to_us = PKI_NOW + 2000 * PKI_DAY};
	assert_int_equal(authority_rekey(offices[0], &next, &e), 0);
	publish(0, 5, 0, 1, 2, "RILO, WCO");
	read_file(dirs[0], "proposal.xml", &wire);
	assert_int_equal(trust_roots_list(&roots, &t, wire.data, wire.len, PKI_NOW, &e), RV_ESIGNATURE);
	assert_string_equal(e.rule, "TRUST-QUORUM");
	assert_null(t);
	trust_roots_clear(&roots);
	rv_buf_free(&wire);
	free(path);
}

/* A coordinator's key rotates among several: the new one has its seat, the former one still vouches. */
static void test_rotation(void **state)
{
	struct rv_buf wire = {0};
	struct rv_err e = {0};
	struct rv_trust *t = NULL;
	struct trust_roots before = {0}, after = {0};
	found(&wire);
	char *path = file_join(dirs[2], "authority.pem");
	assert_int_equal(trust_roots_read(&before, path, &e), 0);
	struct authority_new next = {.from_us = PKI_NOW, .to_us = PKI_NOW + 2000 * PKI_DAY};
	assert_int_equal(authority_rekey(offices[0], &next, &e), 0);
	publish(0, 3, 0, 1, 2, "RILO, WCO");
	read_file(dirs[0], "proposal.xml", &wire);
	sign(1, &wire, 1, 0);
	read_file(dirs[1], "trust.xml", &wire);
	sign(2, &wire, 1, 0);
	assert_int_equal(trust_roots_list(&before, &t, wire.data, wire.len, PKI_NOW, &e), 0);
	rv_trust_unref(&t);
	assert_int_equal(trust_roots_read(&after, path, &e), 0);
	assert_int_equal(after.n, 3);
	assert_int_equal(trust_roots_list(&after, &t, wire.data, wire.len, PKI_NOW, &e), 0);
	rv_trust_unref(&t);
	/* the former key is needed until a complete list has the new one */
	assert_int_equal(authority_rekey_end(offices[0], PKI_NOW, &e), RV_EDENIED);
	assert_string_equal(e.rule, "AUTHORITY-ROTATION");
	sign(0, &wire, 1, 0);
	assert_int_equal(authority_rekey_end(offices[0], PKI_NOW, &e), 0);
	office_admitted(offices[2], &fr);
	publish(2, 4, 0, 1, 2, "OCU, RILO");
	read_file(dirs[2], "proposal.xml", &wire);
	sign(0, &wire, 1, 0);
	trust_roots_clear(&before);
	trust_roots_clear(&after);
	rv_buf_free(&wire);
	free(path);
}

static void test_refused(void **state)
{
	struct rv_buf wire = {0};
	struct rv_err e = {0};
	struct authority_proposal *p = NULL;
	found(&wire);
	/* an own code for another's key */
	struct pki_authority twin;
	char code[RV_CODE_TEXT];
	pki_authority(&twin, "OCU", PKI_NOW - PKI_DAY, PKI_NOW + 100 * PKI_DAY);
	assert_int_equal(authority_cosigner_add(offices[0], twin.cert, code, &e), RV_EEXIST);
	assert_string_equal(e.rule, "AUTHORITY-CODE");
	pki_authority_clear(&twin);
	assert_int_equal(authority_cosigner_remove(offices[0], "FR", &e), RV_ENOTFOUND);
	/* three, two of whom must sign: one may go, not two */
	assert_int_equal(authority_cosigner_remove(offices[0], "WCO", &e), 0);
	assert_int_equal(authority_cosigner_remove(offices[0], "RILO", &e), RV_EDENIED);
	assert_string_equal(e.rule, "AUTHORITY-QUORUM");
	publish(0, 3, 0, 1, 2, "RILO, WCO");
	read_file(dirs[0], "proposal.xml", &wire);
	sign(1, &wire, 1, 0);
	read_file(dirs[1], "trust.xml", &wire);
	/* WCO, who was asked before this list, may still take it; then his key is out */
	sign(2, &wire, 1, 0);
	struct authority_outcome r = {0};
	struct authority_publish how = {.now_us = PKI_NOW, .to_us = PKI_NOW + PKI_DAY};
	assert_int_equal(authority_publish(offices[2], &how, &r, &e), RV_EDENIED);
	assert_string_equal(e.rule, "AUTHORITY-SEAT");
	publish(1, 4, 0, 1, 2, "OCU");
	read_file(dirs[1], "proposal.xml", &wire);
	assert_int_equal(look(2, &wire, &p, &e), RV_EDENIED);
	assert_string_equal(e.rule, "AUTHORITY-SEAT");
	/* altered */
	char *text = pki_replace(rv_buf_cstr(&wire), "Revenue &amp; Customs", "Revenue &amp; Custom");
	assert_int_equal(authority_proposal_read(offices[0], text, strlen(text), PKI_NOW, &p, &e), RV_EDIGEST);
	free(text);
	/* late */
	assert_int_equal(authority_proposal_read(offices[0], wire.data, wire.len, PKI_NOW + 11 * PKI_DAY, &p, &e), RV_EEXPIRED);
	/* nobody signed */
	text = strdup(rv_buf_cstr(&wire));
	char *from = strstr(text, "<ds:Signature"), *to = strstr(text, "</TrustList>");
	assert_non_null(from);
	memmove(from, to, strlen(to) + 1);
	assert_int_equal(authority_proposal_read(offices[0], text, strlen(text), PKI_NOW, &p, &e), RV_ESIGNATURE);
	assert_string_equal(e.rule, "AUTHORITY-UNSIGNED");
	assert_null(p);
	free(text);
	rv_buf_free(&wire);
}

/* A draft that was changed meanwhile is not lost. */
static void test_aside(void **state)
{
	struct rv_buf wire = {0};
	struct rv_err e = {0};
	found(&wire);
	office_admitted(offices[2], &fr);
	publish(0, 3, 0, 1, 2, "RILO, WCO");
	read_file(dirs[0], "proposal.xml", &wire);
	sign(2, &wire, 1, 1);
	read_file(dirs[2], "list.before.xml", &wire);
	assert_non_null(strstr(rv_buf_cstr(&wire), "<Code>FR</Code>"));
	read_file(dirs[2], "list.xml", &wire);
	assert_null(strstr(rv_buf_cstr(&wire), "<Code>FR</Code>"));
	assert_int_equal(e.code, 0);
	rv_buf_free(&wire);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_quorum, make, drop),
		cmocka_unit_test_setup_teardown(test_forge, make, drop),
		cmocka_unit_test_setup_teardown(test_rotation, make, drop),
		cmocka_unit_test_setup_teardown(test_refused, make, drop),
		cmocka_unit_test_setup_teardown(test_aside, make, drop),
	};
	return cmocka_run_group_tests_name("cosign", tests, set_up, tear_down);
}
