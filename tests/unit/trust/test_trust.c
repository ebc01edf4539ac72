/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "node/file.h"
#include "node/trust/trust.h"
#include "tests/unit/trust/pki.h"

static struct pki_authority ocu, other;
static struct pki_member ke;
static char dir[64];
static struct conf conf;
static _Atomic int64_t now_us;

static int64_t read_clock(void *ctx)
{
	return now_us;
}

static const struct rv_clock test_clock = {read_clock, NULL};

static int make_keys(void **state)
{
	assert_int_equal(rv_xml_init(NULL), 0);
	pki_authority(&ocu, "OCU", PKI_NOW - 100 * PKI_DAY, PKI_NOW + 1000 * PKI_DAY);
	pki_authority(&other, "OCU", PKI_NOW - 100 * PKI_DAY, PKI_NOW + 1000 * PKI_DAY);
	pki_member(&ke, &ocu, "KE", 0);
	return 0;
}

static int drop_keys(void **state)
{
	pki_member_clear(&ke);
	pki_authority_clear(&ocu);
	pki_authority_clear(&other);
	rv_xml_cleanup();
	return 0;
}

static void put_authority(const struct pki_authority *a)
{
	assert_int_equal(file_write(conf.authority, 0600, a->pem.data, a->pem.len, NULL), 0);
}

static int make_folder(void **state)
{
	strcpy(dir, "/tmp/reeve-trust.XXXXXX");
	assert_non_null(mkdtemp(dir));
	now_us = PKI_NOW;
	conf = (struct conf){.state_dir = dir};
	conf.authority = file_join(dir, "authority.pem");
	conf.trust_list = file_join(dir, "trust.xml");
	put_authority(&ocu);
	return 0;
}

static int drop_folder(void **state)
{
	char command[128];
	free(conf.authority);
	free(conf.trust_list);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) == 0 ? 0 : -1;
}

static void put_list(uint64_t number, const char *name, const struct pki_authority *by)
{
	const struct pki_authority *const authorities[] = {by, NULL};
	struct rv_buf content = {0}, xml = {0}, wire = {0};
	pki_member_xml(&content, &ke, "administration", NULL);
	char *named = pki_replace(rv_buf_cstr(&content), "Member KE", name);
	pki_list_xml(&xml, number, "2026-11-20T00:00:00Z", "2026-12-20T00:00:00Z", named);
	pki_sign(&wire, rv_buf_cstr(&xml), authorities);
	assert_int_equal(file_write(conf.trust_list, 0644, wire.data, wire.len, NULL), 0);
	free(named);
	rv_buf_free(&content);
	rv_buf_free(&xml);
	rv_buf_free(&wire);
}

static struct trust *opened(void)
{
	struct trust *t = NULL;
	struct rv_err e = {0};
	if (trust_open(&t, &conf, test_clock, &e) != 0) {
		print_error("%s\n", e.text);
		fail();
	}
	return t;
}

static uint64_t number_of(struct trust *t)
{
	struct rv_trust *list = trust_get(t);
	uint64_t number = rv_trust_number(list);
	rv_trust_unref(&list);
	return number;
}

static void polled(struct trust *t, int code, const char *rule, int changed)
{
	struct rv_err e = {0};
	int got = -1;
	int rc = trust_poll(t, &got, &e);
	if (rc != code || got != changed || strcmp(e.rule, rule) != 0) {
		print_error("expected %d %s changed %d, got %d %s changed %d: %s\n", code, rule, changed, rc, e.rule,
			got, e.text);
		fail();
	}
}

static void test_fresh(void **state)
{
	struct trust *t = opened();
	assert_null(trust_get(t));
	assert_null(trust_last(t));
	polled(t, 0, "", 0);
	put_list(1, "One", &ocu);
	polled(t, 0, "", 1);
	assert_int_equal(number_of(t), 1);
	polled(t, 0, "", 0);
	trust_close(&t);
	assert_null(t);
	trust_close(&t);
	trust_close(NULL);
}

static void test_grows(void **state)
{
	struct trust *t = NULL;
	put_list(5, "Five", &ocu);
	t = opened();
	assert_int_equal(number_of(t), 5);
	struct rv_trust *held = trust_get(t);
	put_list(6, "Six", &ocu);
	polled(t, 0, "", 1);
	assert_int_equal(number_of(t), 6);
	/* who holds the former list may go on with it */
	assert_string_equal(rv_trust_member(held, "KE")->name, "Five");
	rv_trust_unref(&held);
	put_list(5, "Five", &ocu);
	polled(t, RV_EDENIED, "TRUST-OLDER", 0);
	polled(t, 0, "", 0);
	assert_int_equal(number_of(t), 6);
	put_list(6, "Another six", &ocu);
	polled(t, RV_EEXIST, "TRUST-NUMBER", 0);
	assert_int_equal(number_of(t), 6);
	trust_close(&t);

	/* after a restart: the older list is still refused, and the node starts */
	put_list(5, "Five", &ocu);
	t = opened();
	assert_null(trust_get(t));
	polled(t, RV_EDENIED, "TRUST-OLDER", 0);
	polled(t, 0, "", 0);
	put_list(7, "Seven", &ocu);
	polled(t, 0, "", 1);
	assert_int_equal(number_of(t), 7);
	trust_close(&t);
	put_list(7, "Seven, altered", &ocu);
	t = opened();
	polled(t, RV_EEXIST, "TRUST-NUMBER", 0);
	assert_null(trust_get(t));
	trust_close(&t);
}

static void test_archive(void **state)
{
	struct rv_trust *list = NULL;
	struct rv_err e = {0};
	put_list(3, "Three", &ocu);
	struct trust *t = opened();
	put_list(4, "Four", &ocu);
	polled(t, 0, "", 1);
	assert_int_equal(trust_archived(t, 3, &list, &e), 0);
	assert_string_equal(rv_trust_member(list, "KE")->name, "Three");
	rv_trust_unref(&list);
	/* also when the authority has another certificate by now */
	put_authority(&other);
	assert_int_equal(trust_archived(t, 4, &list, &e), 0);
	assert_string_equal(rv_trust_member(list, "KE")->name, "Four");
	rv_trust_unref(&list);
	assert_int_equal(trust_archived(t, 2, &list, &e), RV_ENOTFOUND);
	assert_null(list);
	trust_close(&t);
}

static void test_bad(void **state)
{
	put_list(1, "One", &other);
	struct trust *t = opened();
	assert_null(trust_get(t));
	polled(t, RV_ESIGNATURE, "TRUST-SIGNATURE", 0);
	polled(t, 0, "", 0);
	put_list(2, "Two", &ocu);
	polled(t, 0, "", 1);
	assert_int_equal(file_write(conf.trust_list, 0644, "<TrustList", 10, NULL), 0);
	polled(t, RV_EPARSE, "XML-SYNTAX", 0);
	polled(t, 0, "", 0);
	assert_int_equal(number_of(t), 2);
	assert_int_equal(file_write(conf.trust_list, 0644, "", 0, NULL), 0);
	polled(t, RV_EPARSE, "XML-EMPTY", 0);
	assert_int_equal(unlink(conf.trust_list), 0);
	polled(t, 0, "", 0);
	assert_int_equal(number_of(t), 2);
	put_list(2, "Two", &ocu);
	polled(t, 0, "", 0); /* signed anew: other bytes, the same list */
	trust_close(&t);
}

static void test_authority(void **state)
{
	/* the list came before the authority's certificate */
	assert_int_equal(unlink(conf.authority), 0);
	put_list(1, "One", &ocu);
	struct trust *t = opened();
	polled(t, RV_ECONFIG, "", 0);
	put_authority(&ocu);
	polled(t, 0, "", 1);
	assert_int_equal(number_of(t), 1);
	/* a rotation: both certificates in one file, then a list of the new one */
	struct rv_buf both = {0};
	rv_buf_str(&both, "Authority, until 2027\n");
	rv_buf_put(&both, ocu.pem.data, ocu.pem.len);
	rv_buf_put(&both, other.pem.data, other.pem.len);
	assert_int_equal(file_write(conf.authority, 0600, both.data, both.len, NULL), 0);
	polled(t, 0, "", 0);
	put_list(2, "Two", &other);
	polled(t, 0, "", 1);
	assert_int_equal(file_write(conf.authority, 0600, "nothing", 7, NULL), 0);
	polled(t, RV_ECERT, "", 0);
	assert_int_equal(number_of(t), 2);
	rv_buf_free(&both);
	trust_close(&t);
}

static void test_expiry(void **state)
{
	put_list(1, "One", &ocu);
	struct trust *t = opened();
	assert_int_equal(number_of(t), 1);
	now_us = PKI_NOW + 40 * PKI_DAY;
	assert_null(trust_get(t));
	struct rv_trust *last = trust_last(t);
	assert_int_equal(rv_trust_number(last), 1);
	rv_trust_unref(&last);
	polled(t, RV_EEXPIRED, "TRUST-EXPIRED", 1);
	polled(t, 0, "", 0);
	trust_close(&t);

	/* a node that starts with an expired list, and whose clock is then set right */
	t = opened();
	polled(t, RV_EEXPIRED, "TRUST-EXPIRED", 1);
	polled(t, 0, "", 0);
	now_us += PKI_DAY;
	polled(t, 0, "", 0); /* told before */
	assert_null(trust_get(t));
	last = trust_last(t); /* so that a newer one can come from its members */
	assert_int_equal(rv_trust_number(last), 1);
	rv_trust_unref(&last);
	now_us = PKI_NOW;
	polled(t, 0, "", 1);
	assert_int_equal(number_of(t), 1);
	trust_close(&t);
}

/* An expired list holds for the time of grace; a newer expired one is not taken. */
static void test_grace(void **state)
{
	conf.trust_grace_h = 48;
	put_list(1, "One", &ocu);
	struct trust *t = opened();
	int64_t ends = 0;
	struct rv_trust *list = trust_get(t);
	ends = rv_trust_expires(list);
	rv_trust_unref(&list);
	now_us = ends + 47 * INT64_C(3600) * RV_US_PER_SEC;
	assert_int_equal(number_of(t), 1);
	polled(t, 0, "", 0);
	trust_close(&t);
	t = opened(); /* after a restart too */
	assert_int_equal(number_of(t), 1);
	now_us = ends + 49 * INT64_C(3600) * RV_US_PER_SEC;
	assert_null(trust_get(t));
	polled(t, RV_EEXPIRED, "TRUST-EXPIRED", 1);
	trust_close(&t);
	conf.trust_grace_h = 0;
}

static void offer(struct trust *t, uint64_t number, const struct pki_authority *by, const char *signing)
{
	struct rv_buf content = {0}, list = {0}, wire = {0};
	const struct pki_authority *const authorities[] = {by, NULL};
	rv_buf_str(&content, signing);
	pki_member_xml(&content, &ke, "administration", NULL);
	pki_list_xml(&list, number, "2026-11-20T00:00:00Z", "2026-12-20T00:00:00Z", rv_buf_cstr(&content));
	pki_sign(&wire, rv_buf_cstr(&list), authorities);
	assert_int_equal(trust_offer(t, &wire, "RILO", NULL), 0);
	assert_null(wire.data);
	rv_buf_free(&content);
	rv_buf_free(&list);
}

/* What comes by a link is taken like a file, and put where the file is. */
static void test_offer(void **state)
{
	struct rv_buf junk = {0};
	struct rv_err e = {0};
	put_list(1, "One", &ocu);
	struct trust *t = opened();
	offer(t, 2, &ocu, "");
	assert_int_equal(number_of(t), 1); /* until the next look */
	polled(t, 0, "", 1);
	assert_int_equal(number_of(t), 2);
	uint8_t bytes[64];
	size_t n = 0, total = 0;
	uint64_t number = 0;
	assert_int_equal(trust_piece(t, 0, bytes, sizeof(bytes), &n, &total, &number, &e), 0);
	assert_int_equal(number, 2);
	assert_int_equal(n, sizeof(bytes));
	assert_int_equal(trust_piece(t, total - 10, bytes, sizeof(bytes), &n, &total, &number, &e), 0);
	assert_int_equal(n, 10);
	assert_int_equal(trust_piece(t, total, bytes, sizeof(bytes), &n, &total, &number, &e), RV_ENOTFOUND);
	polled(t, 0, "", 0); /* its own file is no news */
	offer(t, 1, &ocu, "");
	polled(t, RV_EDENIED, "TRUST-OLDER", 0);
	offer(t, 3, &other, "");
	polled(t, RV_ESIGNATURE, "TRUST-SIGNATURE", 0);
	rv_buf_str(&junk, "<junk");
	assert_int_equal(trust_offer(t, &junk, "RILO", &e), 0);
	int changed = 0;
	assert_int_not_equal(trust_poll(t, &changed, &e), 0);
	assert_non_null(strstr(e.text, "from RILO"));
	assert_int_equal(number_of(t), 2);
	trust_close(&t);
	t = opened();
	assert_int_equal(number_of(t), 2);

	/* many at once: some wait, the rest is told to come again */
	int rc = 0;
	for (int i = 0; i < 10 && rc == 0; i++) {
		rv_buf_str(&junk, "<junk");
		rc = trust_offer(t, &junk, "RILO", &e);
	}
	assert_int_equal(rc, RV_EAGAIN);
	rv_buf_free(&junk);
	trust_close(&t);
}

/* A list names who signs the next: the file of certificates follows it. */
static void test_signing_follows(void **state)
{
	struct rv_buf signing = {0}, pem = {0};
	struct rv_span der;
	put_list(1, "One", &ocu);
	struct trust *t = opened();
	rv_cert_der(other.cert, &der);
	rv_buf_str(&signing, "<Signing Quorum=\"1\"><Certificate ValidFrom=\"" PKI_FROM "\" ValidTo=\"" PKI_TO "\">");
	rv_base64(&signing, der.data, der.len);
	rv_buf_str(&signing, "</Certificate></Signing>");
	/* it must be signed by both: the former one, and the one that it names */
	offer(t, 2, &ocu, rv_buf_cstr(&signing));
	polled(t, RV_ESIGNATURE, "TRUST-QUORUM", 0);
	struct rv_buf content = {0}, list = {0}, wire = {0};
	const struct pki_authority *const both[] = {&ocu, &other, NULL};
	rv_buf_str(&content, rv_buf_cstr(&signing));
	pki_member_xml(&content, &ke, "administration", NULL);
	pki_list_xml(&list, 2, "2026-11-20T00:00:00Z", "2026-12-20T00:00:00Z", rv_buf_cstr(&content));
	pki_sign(&wire, rv_buf_cstr(&list), both);
	assert_int_equal(trust_offer(t, &wire, "RILO", NULL), 0);
	polled(t, 0, "", 1);
	assert_int_equal(file_read(conf.authority, 1 << 16, &pem, NULL), 0);
	assert_int_equal(pem.len, other.pem.len);
	assert_memory_equal(pem.data, other.pem.data, pem.len);
	offer(t, 3, &ocu, "");
	polled(t, RV_ESIGNATURE, "TRUST-SIGNATURE", 0);
	offer(t, 3, &other, "");
	polled(t, 0, "", 1);
	trust_close(&t);
	rv_buf_free(&signing);
	rv_buf_free(&content);
	rv_buf_free(&list);
	rv_buf_free(&pem);
	put_authority(&ocu);
}

static void test_number_file(void **state)
{
	static const char *const damaged[] = {"", "7", "7 abc\n", "x\n", "0 "
		"0000000000000000000000000000000000000000000000000000000000000000\n", "7 "
		"0000000000000000000000000000000000000000000000000000000000000000\nmore\n"};
	struct trust *t = NULL;
	struct rv_err e = {0};
	char *path = file_join(dir, "trust.number");
	put_list(1, "One", &ocu);
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		assert_int_equal(file_write(path, 0600, damaged[i], strlen(damaged[i]), NULL), 0);
		assert_int_equal(trust_open(&t, &conf, test_clock, &e), RV_EPARSE);
		assert_null(t);
		assert_true(e.mend[0] != '\0');
	}
	assert_int_equal(unlink(path), 0);
	t = opened();
	assert_int_equal(number_of(t), 1);
	trust_close(&t);
	free(path);
}

/* A list that cannot be made durable is not taken. */
static void test_not_durable(void **state)
{
	struct rv_err e = {0};
	int changed = -1;
	char *archive = file_join(dir, "trust");
	struct trust *t = opened();
	assert_int_equal(file_write(archive, 0600, "in the way", 10, NULL), 0);
	put_list(1, "One", &ocu);
	assert_int_not_equal(trust_poll(t, &changed, &e), 0);
	assert_int_equal(changed, 0);
	assert_null(trust_get(t));
	assert_int_equal(unlink(archive), 0);
	put_list(2, "Two", &ocu);
	polled(t, 0, "", 1);
	trust_close(&t);
	free(archive);
}

static atomic_int stop;

static void *reader(void *ctx)
{
	uint64_t before = 0;
	while (!stop) {
		struct rv_trust *list = trust_get(ctx);
		uint64_t number = rv_trust_number(list);
		if (list == NULL || number < before || rv_trust_member(list, "KE") == NULL) {
			return ctx;
		}
		before = number;
		rv_trust_unref(&list);
	}
	return NULL;
}

/* Replaced again and again while others read: nobody sees a gap or an older list. */
static void test_while_running(void **state)
{
	pthread_t threads[3];
	put_list(1, "One", &ocu);
	struct trust *t = opened();
	stop = 0;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, reader, t), 0);
	}
	for (uint64_t n = 2; n < 40; n++) {
		put_list(n, "Next", &ocu);
		polled(t, 0, "", 1);
		assert_int_equal(number_of(t), n);
	}
	stop = 1;
	for (size_t i = 0; i < 3; i++) {
		void *failed = t;
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	trust_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_fresh, make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(test_grows, make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(test_archive, make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(test_bad, make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(test_authority, make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(test_expiry, make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(test_grace, make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(test_offer, make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(test_signing_follows, make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(test_number_file, make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(test_not_durable, make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(test_while_running, make_folder, drop_folder),
	};
	return cmocka_run_group_tests_name("node trust", tests, make_keys, drop_keys);
}
