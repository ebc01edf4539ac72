/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "node/file.h"
#include "node/trust/authority.h"
#include "node/trust/roots.h"
#include "node/trust/trust.h"
#include "tests/unit/trust/office.h"

static int set_up(void **state)
{
	return rv_xml_init(NULL);
}

static int tear_down(void **state)
{
	rv_xml_cleanup();
	return 0;
}

static const struct rv_participant parts[] = {{"KE", RV_PART_PARTICIPANT, 0, 0}, {"FR", RV_PART_COORDINATION, 0, 0},
	{"RILO", RV_PART_RELAY, 0, 0}};

static struct authority_operation operation(void)
{
	return (struct authority_operation){.code = "CRANE-26", .name = "Operation Crane", .lead = "KE",
		.from_us = PKI_NOW - PKI_DAY, .to_us = PKI_NOW + 60 * PKI_DAY, .risks = RV_RISK_DRUGS, .nominal = -1,
		.add = parts, .n_add = 3, .now_us = PKI_NOW};
}

static void test_new(void **state)
{
	struct stat st;
	struct rv_err e = {0};
	struct authority *second = NULL;
	struct authority_new n = {.code = "OCU", .name = "Again", .from_us = PKI_NOW, .to_us = PKI_NOW + PKI_DAY};
	office_create(NULL);
	assert_int_equal(stat(office_dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(authority_create(office_dir, &n, &e), RV_EEXIST);
	assert_true(e.mend[0] != '\0');
	struct authority *a = office_opened();
	assert_int_equal(authority_open(&second, office_dir, &e), RV_EAGAIN);
	assert_null(second);
	/* an empty list may be published: nobody is trusted */
	struct rv_trust *t = office_published(a, PKI_NOW, 1);
	assert_string_equal(rv_trust_authority(t), "OCU");
	rv_trust_unref(&t);
	authority_close(&a);
	authority_close(&a);
	n.code = "ocu";
	char *bad = file_join(office_base, "b");
	assert_int_equal(authority_create(bad, &n, &e), RV_ESCHEMA);
	assert_int_equal(authority_open(&a, bad, &e), RV_ESYS);
	assert_null(a);
	free(bad);
}

static void test_list(void **state)
{
	struct party ke, fr, rilo;
	struct rv_err e = {0};
	unsigned version = 0;
	int waits = 0;
	struct authority_operation o = operation();
	office_create(NULL);
	struct authority *a = office_opened();
	party_new(&ke, "KE", RV_ROLE_ADMINISTRATION, 0);
	party_new(&fr, "FR", RV_ROLE_ADMINISTRATION, 2048);
	party_new(&rilo, "RILO", RV_ROLE_RELAY | RV_ROLE_COORDINATOR, 0);
	/* an operation of members who are still to come */
	assert_int_equal(authority_operation(a, &o, &version, &waits, &e), 0);
	assert_int_equal(version, 1);
	assert_true(waits);
	struct authority_outcome out = {0};
	struct authority_publish how = {.now_us = PKI_NOW, .to_us = PKI_NOW + PKI_DAY};
	assert_int_equal(authority_publish(a, &how, &out, &e), RV_ESCHEMA);
	assert_string_equal(e.rule, "TRUST-MEMBER");
	office_admitted(a, &ke);
	office_admitted(a, &fr);
	office_admitted(a, &rilo);
	assert_int_equal(office_admit(a, &ke, 0, 0, PKI_NOW, &e), RV_EEXIST);
	authority_close(&a);

	a = office_opened();
	struct rv_trust *t = office_published(a, PKI_NOW, 1); /* no number was used for what was refused */
	assert_string_equal(rv_trust_by_curve(t, ke.z85, PKI_NOW)->name, "Revenue & Customs");
	const struct rv_member *m = rv_trust_member(t, "RILO");
	assert_int_equal(m->roles, RV_ROLE_RELAY | RV_ROLE_COORDINATOR);
	const struct rv_operation *op = rv_trust_operation(t, "CRANE-26");
	assert_int_equal(op->n_participants, 3);
	assert_int_equal(op->risks, RV_RISK_DRUGS);
	assert_int_equal(op->kinds, 0);
	assert_false(op->nominal_allowed);
	rv_trust_unref(&t);
	t = office_published(a, PKI_NOW + PKI_DAY, 2);
	rv_trust_unref(&t);
	how.number = 2;
	assert_int_equal(authority_publish(a, &how, &out, &e), RV_EINVAL);
	how.number = 50;
	assert_int_equal(authority_publish(a, &how, &out, &e), 0);
	assert_int_equal(out.number, 50);
	authority_outcome_clear(&out);
	t = office_published(a, PKI_NOW, 51);
	rv_trust_unref(&t);

	/* the draft came back from a backup: the number was used */
	char *draft = file_join(office_dir, "list.xml");
	struct rv_buf text = {0};
	authority_close(&a);
	assert_int_equal(file_read(draft, 1 << 20, &text, &e), 0);
	char *older = pki_replace(rv_buf_cstr(&text), "Number=\"52\"", "Number=\"51\"");
	assert_int_equal(file_write(draft, 0600, older, strlen(older), &e), 0);
	a = office_opened();
	how.number = 0;
	assert_int_equal(authority_publish(a, &how, &out, &e), RV_EEXIST);
	free(older);
	rv_buf_free(&text);

	/* a draft that someone spoiled is named as such */
	authority_close(&a);
	assert_int_equal(file_write(draft, 0600, "<TrustList", 10, &e), 0);
	assert_int_equal(authority_open(&a, office_dir, &e), RV_EPARSE);
	assert_non_null(strstr(e.text, draft));
	assert_int_equal(file_write(draft, 0600, "<TrustList/>", 12, &e), 0);
	assert_int_equal(authority_open(&a, office_dir, &e), RV_ESCHEMA);
	free(draft);
	party_clear(&ke);
	party_clear(&fr);
	party_clear(&rilo);
}

static void test_operation(void **state)
{
	struct party ke, fr, rilo, de;
	struct rv_err e = {0};
	size_t revoked = 0;
	unsigned version = 0;
	int waits = 0;
	const char *const leaves[] = {"FR"};
	const struct rv_participant joins[] = {{"DE", RV_PART_OBSERVER, 0, 0}};
	struct authority_operation o = operation();
	office_create(NULL);
	struct authority *a = office_opened();
	party_new(&ke, "KE", RV_ROLE_ADMINISTRATION, 0);
	party_new(&fr, "FR", RV_ROLE_ADMINISTRATION, 0);
	party_new(&rilo, "RILO", RV_ROLE_RELAY, 0);
	party_new(&de, "DE", RV_ROLE_ADMINISTRATION, 0);
	office_admitted(a, &ke);
	office_admitted(a, &fr);
	office_admitted(a, &rilo);
	office_admitted(a, &de);
	const struct authority_categories lists[] = {{"crane-goods",
		"code,name,parent\nwildlife,Wildlife,\nivory,Ivory,wildlife\r\ntimber,Timber,\n"}};
	o.lists = lists;
	o.n_lists = 1;
	o.kinds = 1u << RV_KIND_WARNING;
	o.has_kinds = 1;
	assert_int_equal(authority_operation(a, &o, &version, &waits, &e), 0);
	assert_int_equal(version, 1);
	assert_false(waits);

	/* changes: what is not named stays */
	struct authority_operation change = {.code = "CRANE-26", .nominal = 1, .add = joins, .n_add = 1, .end = leaves,
		.n_end = 1, .to_us = PKI_NOW + 90 * PKI_DAY, .now_us = PKI_NOW, .lists = lists, .n_lists = 1};
	assert_int_equal(authority_operation(a, &change, &version, &waits, &e), 0);
	assert_int_equal(version, 2);
	struct rv_trust *t = office_published(a, PKI_NOW, 1);
	const struct rv_operation *op = rv_trust_operation(t, "CRANE-26");
	assert_int_equal(op->version, 2);
	assert_string_equal(op->name, "Operation Crane");
	assert_int_equal(op->to_us, PKI_NOW + 90 * PKI_DAY);
	assert_int_equal(op->kinds, 1u << RV_KIND_WARNING);
	assert_true(op->nominal_allowed);
	assert_int_equal(rv_participant_at(op, "KE", PKI_NOW)->to_us, op->to_us);
	assert_int_equal(rv_participant_at(op, "DE", PKI_NOW)->part, RV_PART_OBSERVER);
	assert_non_null(rv_participant_at(op, "FR", PKI_NOW - 1));
	assert_null(rv_participant_at(op, "FR", PKI_NOW + 1));
	assert_int_equal(op->n_categories, 1);
	assert_int_equal(op->categories[0].version, 1);
	assert_int_equal(op->categories[0].n, 2);
	assert_string_equal(op->categories[0].items[0].subs[0], "ivory");
	rv_trust_unref(&t);

	/* a list that changes counts its version up; who left comes back for another time */
	const struct authority_categories longer[] = {{"crane-goods", "code,name,parent\nwildlife,Wildlife,\n"},
		{"more", "code,name,parent,extra\na,A,,x\n"}};
	const struct rv_participant back[] = {{"FR", RV_PART_COORDINATION, PKI_NOW + PKI_DAY, 0}};
	struct authority_operation again = {.code = "CRANE-26", .nominal = -1, .lists = longer, .n_lists = 2,
		.add = back, .n_add = 1, .now_us = PKI_NOW + 2 * RV_US_PER_SEC};
	assert_int_equal(authority_operation(a, &again, &version, &waits, &e), 0);
	t = office_published(a, PKI_NOW, 2);
	op = rv_trust_operation(t, "CRANE-26");
	assert_int_equal(op->n_categories, 2);
	assert_int_equal(op->categories[0].version, 2);
	assert_int_equal(op->categories[1].version, 1);
	assert_true(op->nominal_allowed);
	assert_non_null(rv_participant_at(op, "FR", PKI_NOW - 1));
	assert_null(rv_participant_at(op, "FR", PKI_NOW + 10 * RV_US_PER_SEC));
	assert_non_null(rv_participant_at(op, "FR", PKI_NOW + 2 * PKI_DAY));
	rv_trust_unref(&t);

	/* refused, and then nothing has changed */
	struct authority_operation wrong = {.code = "NEW", .nominal = -1, .now_us = PKI_NOW};
	assert_int_equal(authority_operation(a, &wrong, &version, &waits, &e), RV_EINVAL);
	wrong.code = "CRANE-26";
	wrong.to_us = PKI_NOW - 50 * PKI_DAY;
	assert_int_equal(authority_operation(a, &wrong, &version, &waits, &e), RV_ESCHEMA);
	assert_string_equal(e.rule, "TRUST-DATES");
	const struct authority_categories orphan[] = {{"x", "code,name,parent\na,A,b\n"}};
	struct authority_operation bad = {.code = "CRANE-26", .nominal = -1, .lists = orphan, .n_lists = 1};
	assert_int_equal(authority_operation(a, &bad, &version, &waits, &e), RV_EPARSE);
	const struct rv_participant observer[] = {{"RILO", RV_PART_OBSERVER, 0, 0}};
	struct authority_operation role = {.code = "CRANE-26", .nominal = -1, .add = observer, .n_add = 1,
		.now_us = PKI_NOW};
	assert_int_equal(authority_operation(a, &role, &version, &waits, &e), RV_ESCHEMA);
	assert_string_equal(e.rule, "TRUST-ROLE");
	t = office_published(a, PKI_NOW, 3);
	assert_int_equal(rv_trust_operation(t, "CRANE-26")->version, 3);
	rv_trust_unref(&t);

	assert_int_equal(authority_remove(a, "KE", PKI_NOW, &revoked, &e), RV_EDENIED);
	assert_int_equal(authority_remove(a, "US", PKI_NOW, &revoked, &e), RV_ENOTFOUND);
	assert_int_equal(authority_remove(a, "DE", PKI_NOW, &revoked, &e), 0);
	assert_int_equal(revoked, 1);
	t = office_published(a, PKI_NOW, 4);
	assert_null(rv_trust_member(t, "DE"));
	assert_int_equal(rv_trust_operation(t, "CRANE-26")->version, 4);
	assert_null(rv_participant_at(rv_trust_operation(t, "CRANE-26"), "DE", PKI_NOW));
	rv_trust_unref(&t);
	authority_close(&a);
	party_clear(&ke);
	party_clear(&fr);
	party_clear(&rilo);
	party_clear(&de);
}

static void test_renew(void **state)
{
	struct party ke, later, stolen;
	struct rv_err e = {0};
	int64_t then = PKI_NOW + 100 * PKI_DAY;
	office_create(NULL);
	struct authority *a = office_opened();
	party_new(&ke, "KE", RV_ROLE_ADMINISTRATION, 0);
	party_new(&later, "KE", RV_ROLE_ADMINISTRATION, 0);
	party_new(&stolen, "KE", RV_ROLE_ADMINISTRATION, 0);
	assert_int_equal(office_admit(a, &ke, 1, 0, PKI_NOW, &e), RV_ENOTFOUND);
	office_admitted(a, &ke);
	assert_int_equal(office_admit(a, &later, 1, 14 * PKI_DAY, then, &e), 0);
	struct rv_trust *t = office_published(a, then, 1);
	assert_int_equal(rv_trust_member(t, "KE")->n_certs, 2);
	assert_non_null(rv_trust_by_curve(t, ke.z85, then + 13 * PKI_DAY));
	assert_null(rv_trust_by_curve(t, ke.z85, then + 15 * PKI_DAY));
	assert_non_null(rv_trust_by_curve(t, later.z85, then));
	assert_non_null(rv_trust_by_curve(t, later.z85, then + 300 * PKI_DAY));
	rv_trust_unref(&t);
	/* the key was stolen: the former ones end now */
	assert_int_equal(office_admit(a, &stolen, 1, 0, then + PKI_DAY, &e), 0);
	t = office_published(a, then + PKI_DAY, 2);
	assert_null(rv_trust_by_curve(t, ke.z85, then + PKI_DAY + 1));
	assert_null(rv_trust_by_curve(t, later.z85, then + PKI_DAY + 1));
	assert_non_null(rv_trust_by_curve(t, stolen.z85, then + PKI_DAY + 1));
	rv_trust_unref(&t);
	/* a certificate over the same keys: the CURVE key is listed once */
	assert_int_equal(office_admit(a, &stolen, 1, PKI_DAY, then + 200 * PKI_DAY, &e), 0);
	t = office_published(a, then + 200 * PKI_DAY, 3);
	assert_int_equal(rv_trust_member(t, "KE")->n_keys, 1);
	assert_int_equal(rv_trust_member(t, "KE")->n_certs, 2);
	assert_non_null(rv_trust_by_curve(t, stolen.z85, then + 150 * PKI_DAY));
	rv_trust_unref(&t);
	authority_close(&a);
	party_clear(&ke);
	party_clear(&later);
	party_clear(&stolen);
}

/* Another member's key in a request of one's own. */
static void test_duplicate(void **state)
{
	struct party ke, fr;
	struct rv_join j;
	struct rv_err e = {0};
	struct rv_signer signer;
	office_create(NULL);
	struct authority *a = office_opened();
	party_new(&ke, "KE", RV_ROLE_ADMINISTRATION, 0);
	party_new(&fr, "FR", RV_ROLE_ADMINISTRATION, 0);
	office_admitted(a, &ke);
	office_join(&j, fr.key, "FR", RV_ROLE_ADMINISTRATION, ke.z85);
	rv_buf_reset(&fr.join);
	assert_int_equal(issue_signer(&signer, fr.key, "FR", NULL), 0);
	assert_int_equal(rv_join_write(&j, &signer, &fr.join, &e), 0);
	assert_int_equal(office_admit(a, &fr, 0, 0, PKI_NOW, &e), RV_ESCHEMA);
	assert_string_equal(e.rule, "TRUST-DUPLICATE");
	struct rv_trust *t = office_published(a, PKI_NOW, 1);
	assert_null(rv_trust_member(t, "FR"));
	rv_trust_unref(&t);
	authority_close(&a);
	rv_join_clear(&j);
	party_clear(&ke);
	party_clear(&fr);
}

static int say(void *ctx, char *out, size_t size)
{
	int n = snprintf(out, size, "%s", (const char *)ctx);
	return n > 0 && (size_t)n < size ? n : -1;
}

static void test_passphrase(void **state)
{
	struct party ke;
	struct rv_err e = {0};
	struct rv_join j;
	struct rv_buf pem = {0};
	int64_t until = 0;
	struct authority_outcome out = {0};
	int waits = 0;
	static char right[] = "correct horse", wrong[] = "battery staple";
	struct issue_ask knows = {say, right}, guesses = {say, wrong};
	struct authority_admit how = {.now_us = PKI_NOW, .to_us = PKI_NOW + PKI_DAY};
	struct authority_publish publish = {.now_us = PKI_NOW, .to_us = PKI_NOW + PKI_DAY};
	office_create(right);
	struct authority *a = office_opened();
	party_new(&ke, "KE", RV_ROLE_ADMINISTRATION, 0);
	assert_int_equal(rv_join_read(&j, ke.join.data, ke.join.len, &e), 0);
	assert_int_equal(authority_admit(a, &j, &how, &until, &waits, &e), RV_EDENIED);
	how.ask = &guesses;
	assert_int_equal(authority_admit(a, &j, &how, &until, &waits, &e), RV_EDENIED);
	how.ask = &knows;
	assert_int_equal(authority_admit(a, &j, &how, &until, &waits, &e), 0);
	assert_int_equal(authority_publish(a, &publish, &out, &e), RV_EDENIED);
	publish.ask = &knows;
	assert_int_equal(authority_publish(a, &publish, &out, &e), 0);
	assert_int_equal(out.number, 1);
	authority_outcome_clear(&out);
	rv_join_clear(&j);
	authority_close(&a);
	rv_buf_free(&pem);
	party_clear(&ke);
}

static void test_rekey(void **state)
{
	struct rv_err e = {0};
	struct rv_buf pem = {0}, wire = {0};
	struct trust_roots before = {0};
	struct rv_trust *t = NULL;
	char *pem_path = file_join(office_dir, "authority.pem");
	char *list = file_join(office_dir, "trust.xml");
	office_create(NULL);
	assert_int_equal(trust_roots_read(&before, pem_path, &e), 0);
	struct authority *a = office_opened();
	struct authority_new next = {.from_us = PKI_NOW, .to_us = PKI_NOW + 2000 * PKI_DAY};
	assert_int_equal(authority_rekey_end(a, PKI_NOW, &e), RV_ENOTFOUND);
	assert_int_equal(authority_rekey(a, &next, &e), 0);
	assert_int_equal(authority_rekey(a, &next, &e), RV_EEXIST);
	t = office_published(a, PKI_NOW, 1); /* authority.pem has the new certificate now */
	assert_int_equal(rv_trust_signers(t), 1);
	rv_trust_unref(&t);
	/* who has the former certificate alone still reads the list */
	assert_int_equal(file_read(list, 1 << 20, &wire, &e), 0);
	assert_int_equal(rv_trust_read(&t, wire.data, wire.len, (const struct rv_cert *const *)before.certs, before.n, 1, PKI_NOW, &e), 0);
	rv_trust_unref(&t);
	assert_int_equal(authority_rekey_end(a, PKI_NOW, &e), 0);
	t = office_published(a, PKI_NOW, 2);
	assert_int_equal(rv_trust_signers(t), 1);
	rv_trust_unref(&t);
	rv_buf_reset(&wire);
	assert_int_equal(file_read(list, 1 << 20, &wire, &e), 0);
	assert_int_equal(rv_trust_read(&t, wire.data, wire.len, (const struct rv_cert *const *)before.certs, before.n, 1, PKI_NOW, &e),
		RV_ESIGNATURE);
	authority_close(&a);
	trust_roots_clear(&before);
	rv_buf_free(&pem);
	rv_buf_free(&wire);
	free(pem_path);
	free(list);
}

static void test_join(void **state)
{
	struct party ke;
	struct rv_join j;
	struct rv_err e = {0};
	char a[RV_FINGERPRINT_TEXT], b[RV_FINGERPRINT_TEXT];
	party_new(&ke, "KE", RV_ROLE_ADMINISTRATION, 0);
	assert_int_equal(rv_join_read(&j, ke.join.data, ke.join.len, &e), 0);
	assert_string_equal(j.party.code, "KE");
	assert_string_equal(j.party.name, "Revenue & Customs");
	assert_string_equal(j.z85, ke.z85);
	assert_int_equal(j.made_us, PKI_NOW);
	assert_int_equal(rv_join_fingerprint(&j, a, &e), 0);
	assert_int_equal(strlen(a), RV_FINGERPRINT_TEXT - 1);
	pki_z85(j.z85);
	assert_int_equal(rv_join_fingerprint(&j, b, &e), 0);
	assert_string_not_equal(a, b);
	rv_join_clear(&j);
	for (size_t i = 0; i < ke.join.len; i++) {
		ke.join.data[i] ^= 1;
		if (rv_join_read(&j, ke.join.data, ke.join.len, NULL) == 0) {
			print_error("accepted with byte %zu altered\n", i);
			fail();
		}
		ke.join.data[i] ^= 1;
	}
	party_clear(&ke);
}

/* Someone else's certificate request, or the right one for another code. */
static void test_possession(void **state)
{
	EVP_PKEY *own = NULL, *theirs = NULL;
	struct rv_join j;
	struct rv_signer signer;
	struct rv_err e = {0};
	struct rv_buf wire = {0};
	char z85[RV_CURVE_KEY_TEXT];
	pki_z85(z85);
	assert_int_equal(issue_key_new(&own, 0, NULL), 0);
	assert_int_equal(issue_key_new(&theirs, 0, NULL), 0);
	assert_int_equal(issue_signer(&signer, own, "KE", NULL), 0);
	office_join(&j, theirs, "KE", RV_ROLE_ADMINISTRATION, z85);
	assert_int_equal(rv_join_write(&j, &signer, &wire, &e), RV_ESIGNATURE);
	assert_string_equal(e.rule, "JOIN-SIGNATURE");
	rv_join_clear(&j);
	office_join(&j, own, "KE", RV_ROLE_ADMINISTRATION, z85);
	strcpy(j.party.code, "FR");
	assert_int_equal(rv_join_write(&j, &signer, &wire, &e), RV_ECERT);
	assert_string_equal(e.rule, "JOIN-REQUEST");
	strcpy(j.party.code, "KE");
	j.request[j.request_len - 1] ^= 1;
	assert_int_equal(rv_join_write(&j, &signer, &wire, &e), RV_ECERT);
	j.request[j.request_len - 1] ^= 1;
	j.party.roles = 0;
	assert_int_equal(rv_join_write(&j, &signer, &wire, &e), RV_ESCHEMA);
	j.party.roles = RV_ROLE_RELAY;
	strcpy(j.z85, "short");
	assert_int_equal(rv_join_write(&j, &signer, &wire, &e), RV_ESCHEMA);
	assert_int_equal(wire.len, 0);
	rv_join_clear(&j);
	/* a key that is not accepted */
	EVP_PKEY *weak = EVP_EC_gen("P-384");
	assert_non_null(weak);
	office_join(&j, weak, "KE", RV_ROLE_ADMINISTRATION, z85);
	assert_int_equal(rv_join_write(&j, &signer, &wire, &e), RV_ECERT);
	rv_join_clear(&j);
	EVP_PKEY_free(weak);
	EVP_PKEY_free(own);
	EVP_PKEY_free(theirs);
	rv_buf_free(&wire);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_new, office_make, office_drop),
		cmocka_unit_test_setup_teardown(test_list, office_make, office_drop),
		cmocka_unit_test_setup_teardown(test_operation, office_make, office_drop),
		cmocka_unit_test_setup_teardown(test_renew, office_make, office_drop),
		cmocka_unit_test_setup_teardown(test_duplicate, office_make, office_drop),
		cmocka_unit_test_setup_teardown(test_passphrase, office_make, office_drop),
		cmocka_unit_test_setup_teardown(test_rekey, office_make, office_drop),
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_possession),
	};
	return cmocka_run_group_tests_name("authority", tests, set_up, tear_down);
}
