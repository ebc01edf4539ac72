/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/protocol/chainpki.h"

/* What CRLs and OCSP responses say, good and hostile. */

/* A root, an intermediate and a member: the path is member, I, R. */
struct rig {
	struct cp_cert *root, *ca, *member, *other;
	struct rv_path *path;
};

enum { SERIAL = 4711 };

static struct rv_path *path_of(
	const struct cp_cert *const *issuers, const struct cp_cert *leaf, int64_t at_us)
{
	struct rv_chain *chain = cp_chain(issuers);
	struct rv_cert *cert = NULL;
	struct rv_path *path = NULL;
	assert_int_equal(rv_cert_from_der(&cert, leaf->der.data, leaf->der.len, NULL), 0);
	assert_int_equal(rv_chain_path(&path, chain, cert, "KE", at_us, NULL), 0);
	rv_chain_free(&chain);
	rv_cert_free(&cert);
	return path;
}

#define CDP CP_MEMBER "\ncrlDistributionPoints=URI:http://crl.example/ke.crl"

static int set_up(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));
	assert_non_null(r);
	r->root = cp_make(&(struct cp_make){.name = "R", .kind = "P-384", .exts = CP_CA});
	r->ca = cp_make(&(struct cp_make){.name = "I", .by = r->root, .exts = CP_CA});
	r->member = cp_make(
		&(struct cp_make){.name = "KE", .by = r->ca, .exts = CDP, .serial = SERIAL});
	r->other = cp_make(&(struct cp_make){.name = "I", .by = r->root, .exts = CP_CA});
	r->path =
		path_of(((const struct cp_cert *const[]){r->root, r->ca, NULL}), r->member, CP_NOW);
	assert_int_equal(rv_path_links(r->path), 2);
	*state = r;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *r = *state;
	rv_path_free(&r->path);
	free(r);
	cp_clear();
	return 0;
}

static const struct rv_status_when present = {.now_us = CP_NOW, .max_age_us = 72 * CP_HOUR};

static void check_rule(int rc, const struct rv_err *e, const char *rule)
{
	if ((rc == 0) != (rule == NULL) || (rule != NULL && strcmp(rule, e->rule) != 0)) {
		print_error("expected %s, got %d %s: %s\n", rule != NULL ? rule : "a status", rc,
			e->rule, e->text);
		fail();
	}
	if (rc != 0) {
		assert_int_equal(rc, e->code);
		assert_non_null(strstr(e->text, "certificate \""));
		assert_true(e->mend[0] != '\0');
	}
}

/* ---- CRL ---- */

/* Of certificate i. rule NULL: there is a status. */
static struct rv_cert_status crl_bytes(const struct rv_path *path, size_t i,
	const struct rv_buf *der, const struct rv_status_when *when, const char *rule)
{
	struct rv_cert_status s;
	struct rv_cert_status untouched;
	struct rv_err e = {0};
	memset(&s, 0x5a, sizeof(s));
	memset(&untouched, 0x5a, sizeof(untouched));
	int rc = rv_status_from_crl(&s, path, i, der->data, der->len, when, &e);
	check_rule(rc, &e, rule);
	if (rc != 0) {
		assert_memory_equal(&s, &untouched, sizeof(s));
		return s;
	}
	uint8_t digest[RV_DIGEST_LEN];
	rv_sha256(digest, der->data, der->len);
	assert_memory_equal(digest, s.source_digest, RV_DIGEST_LEN);
	assert_memory_equal(rv_path_digest(path, i), s.cert_digest, RV_DIGEST_LEN);
	assert_int_equal(s.source, RV_STATUS_CRL);
	return s;
}

static struct rv_cert_status crl_when(const struct rig *r, size_t i, const struct cp_crl *c,
	const struct rv_status_when *when, const char *rule)
{
	struct rv_buf der = {0};
	cp_crl(&der, c);
	struct rv_cert_status s = crl_bytes(r->path, i, &der, when, rule);
	rv_buf_free(&der);
	return s;
}

static struct rv_cert_status crl(const struct rig *r, const struct cp_crl *c, const char *rule)
{
	return crl_when(r, 0, c, &present, rule);
}

static const struct cp_entry others[] = {{.serial = 1, .reason = 1}, {.serial = 99, .reason = -1},
	{.serial = 100, .reason = 4, .invalid = CP_NOW - 20 * CP_DAY}, {.serial = 0}};

static void crl_good(void **state)
{
	const struct rig *r = *state;
	struct rv_cert_status s = crl(r, &(struct cp_crl){.by = r->ca}, NULL);
	assert_int_equal(s.kind, RV_STATUS_GOOD);
	assert_int_equal(s.this_us, CP_NOW - CP_HOUR);
	assert_int_equal(s.produced_us, s.this_us);
	assert_int_equal(s.next_us, CP_NOW + CP_DAY);
	assert_int_equal(rv_status_judge(&s, CP_NOW, NULL), 0);
	static const char *const exts[] = {
		"crlNumber=DER:020107\nauthorityKeyIdentifier=keyid:always",
		"issuingDistributionPoint=critical,onlyuser:TRUE",
		"issuingDistributionPoint=critical,fullname:URI:http://crl.example/ke.crl",
		"1.2.3.4=DER:0500",
	};
	for (size_t i = 0; i < sizeof(exts) / sizeof(exts[0]); i++) {
		s = crl(r, &(struct cp_crl){.by = r->ca, .exts = exts[i], .entries = others}, NULL);
		assert_int_equal(s.kind, RV_STATUS_GOOD);
	}
	s = crl(r, &(struct cp_crl){.by = r->ca, .pem = 1, .md = EVP_sha512()}, NULL);
	assert_int_equal(s.kind, RV_STATUS_GOOD);
	/* of the intermediate, by the root */
	s = crl_when(r, 1,
		&(struct cp_crl){.by = r->root,
			.exts = "issuingDistributionPoint=critical,onlyCA:TRUE",
			.md = EVP_sha384()},
		&present, NULL);
	assert_int_equal(s.kind, RV_STATUS_GOOD);
	struct rv_err e = {0};
	assert_int_equal(rv_status_from_crl(&s, r->path, 2, "", 0, &present, &e), RV_EINVAL);
}

static void crl_revoked(void **state)
{
	static const struct {
		int number;
		const char *text;
	} reasons[] = {{-1, "unspecified"}, {0, "unspecified"}, {1, "key-compromise"},
		{2, "ca-compromise"}, {3, "affiliation"}, {4, "superseded"}, {5, "cessation"},
		{6, "hold"}, {9, "privilege-withdrawn"}, {10, "aa-compromise"}};
	const struct rig *r = *state;
	int64_t at = CP_NOW - 3 * CP_DAY;
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		struct cp_entry list[] = {{.serial = 7, .reason = 1},
			{.serial = SERIAL, .at = at, .reason = reasons[i].number}, {.serial = 0}};
		struct rv_err e = {0};
		struct rv_cert_status s =
			crl(r, &(struct cp_crl){.by = r->ca, .entries = list}, NULL);
		assert_int_equal(s.kind, RV_STATUS_REVOKED);
		assert_int_equal(s.revoked_us, at);
		assert_int_equal(s.invalid_us, 0);
		assert_string_equal(rv_revocation_text(s.reason), reasons[i].text);
		/* what was there before the revocation stays */
		assert_int_equal(rv_status_judge(&s, at - 1, &e), 0);
		assert_int_equal(rv_status_judge(&s, at, &e), RV_ECERT);
		assert_string_equal(e.rule, "STATUS-REVOKED");
		assert_non_null(strstr(e.text, reasons[i].text));
		enum rv_revocation back;
		assert_int_equal(rv_revocation_parse(&back, reasons[i].text), 0);
		assert_int_equal(back, s.reason);
	}
	enum rv_revocation none;
	assert_int_equal(rv_revocation_parse(&none, "removed"), RV_EPARSE);
	assert_string_equal(rv_revocation_text((enum rv_revocation)7), "unspecified");
	assert_string_equal(rv_revocation_text((enum rv_revocation) - 1), "unspecified");
}

static void crl_invalidity_date(void **state)
{
	const struct rig *r = *state;
	int64_t at = CP_NOW - 3 * CP_DAY;
	int64_t doubt = CP_NOW - 9 * CP_DAY;
	struct cp_entry list[] = {
		{.serial = SERIAL, .at = at, .reason = 1, .invalid = doubt}, {.serial = 0}};
	struct rv_cert_status s = crl(r, &(struct cp_crl){.by = r->ca, .entries = list}, NULL);
	assert_int_equal(s.invalid_us, doubt);
	assert_int_equal(rv_status_judge(&s, doubt - 1, NULL), 0);
	assert_int_equal(rv_status_judge(&s, doubt, NULL), RV_ECERT);
	/* listed twice: the first time counts */
	struct cp_entry twice[] = {{.serial = SERIAL, .at = at, .reason = 4},
		{.serial = SERIAL, .at = at - CP_DAY, .reason = 1},
		{.serial = SERIAL, .at = at, .reason = 4}, {.serial = 0}};
	s = crl(r, &(struct cp_crl){.by = r->ca, .entries = twice}, NULL);
	assert_int_equal(s.revoked_us, at - CP_DAY);
	assert_int_equal(s.reason, RV_REVOKED_KEY_COMPROMISE);
}

static void crl_times(void **state)
{
	const struct rig *r = *state;
	const struct rv_status_when forever = {.now_us = CP_NOW};
	struct cp_crl c = {.by = r->ca};
	/* one hour either way is forgiven, not a second more */
	c.this_us = CP_NOW + CP_HOUR;
	crl(r, &c, NULL);
	c.this_us += CP_SEC;
	crl(r, &c, "CHAIN-CRL-NOT-YET");
	c.this_us = CP_NOW - 2 * CP_HOUR;
	c.next_us = CP_NOW - CP_HOUR;
	crl(r, &c, NULL);
	c.next_us -= CP_SEC;
	crl(r, &c, "CHAIN-CRL-EXPIRED");
	c.this_us = CP_NOW - 72 * CP_HOUR;
	c.next_us = 0;
	crl(r, &c, NULL);
	c.this_us -= CP_SEC;
	crl(r, &c, "CHAIN-CRL-AGE");
	crl_when(r, 0, &c, &forever, NULL);
	c.next_us = -1;
	crl(r, &c, "CHAIN-CRL-DATES");
	c.next_us = c.this_us;
	crl(r, &c, "CHAIN-CRL-DATES");
	c.next_us = 0;
	c.this_us = CP_NOW - 400 * CP_DAY; /* its issuer is not that old */
	crl_when(r, 0, &c, &forever, "CHAIN-CRL-DATES");
}

static void crl_of_others(void **state)
{
	const struct rig *r = *state;
	crl(r, &(struct cp_crl){.by = r->root}, "CHAIN-CRL-ISSUER");
	crl(r, &(struct cp_crl){.by = r->other}, "CHAIN-CRL-SIGNATURE");
	crl(r, &(struct cp_crl){.by = r->ca, .key = r->member->key}, "CHAIN-CRL-SIGNATURE");
	crl(r, &(struct cp_crl){.by = r->ca, .md = EVP_sha1()}, "CHAIN-CRL-HASH");
	crl(r, &(struct cp_crl){.by = r->ca, .v1 = 1}, "CHAIN-CRL-VERSION");

	struct cp_cert *mute = cp_make(&(struct cp_make){.name = "Mute",
		.exts = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign" CP_IDS});
	struct cp_cert *m = cp_make(&(struct cp_make){.name = "KE", .by = mute, .exts = CP_MEMBER});
	struct rv_path *path = path_of(((const struct cp_cert *const[]){mute, NULL}), m, CP_NOW);
	struct rv_buf der = {0};
	cp_crl(&der, &(struct cp_crl){.by = mute});
	crl_bytes(path, 0, &der, &present, "CHAIN-CRL-USAGE");
	rv_buf_free(&der);
	rv_path_free(&path);
}

static void crl_extensions(void **state)
{
	static const struct {
		const char *exts;
		const char *rule;
	} bad[] = {
		{"2.5.29.27=critical,DER:020101", "CHAIN-CRL-DELTA"},
		{"2.5.29.27=DER:020101", "CHAIN-CRL-DELTA"},
		{"1.2.3.4=critical,DER:0500", "CHAIN-CRL-EXTENSION"},
		{"crlNumber=DER:020101\ncrlNumber=DER:020102", "CHAIN-CRL-EXTENSION"},
		{"issuingDistributionPoint=critical,DER:0500", "CHAIN-CRL-EXTENSION"},
		{"issuingDistributionPoint=critical,indirectCRL:TRUE", "CHAIN-CRL-INDIRECT"},
		{"issuingDistributionPoint=critical,onlyCA:TRUE", "CHAIN-CRL-SCOPE"},
		{"issuingDistributionPoint=critical,onlyAA:TRUE", "CHAIN-CRL-SCOPE"},
		{"issuingDistributionPoint=critical,onlysomereasons:keyCompromise",
			"CHAIN-CRL-SCOPE"},
		{"issuingDistributionPoint=critical,fullname:URI:http://crl.example/ug.crl",
			"CHAIN-CRL-SCOPE"},
		/* not critical as it should be, but there: it narrows all the same */
		{"issuingDistributionPoint=fullname:URI:http://crl.example/ug.crl",
			"CHAIN-CRL-SCOPE"},
	};
	const struct rig *r = *state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		crl(r, &(struct cp_crl){.by = r->ca, .exts = bad[i].exts}, bad[i].rule);
	}
	/* the intermediate is no user, and names no distribution point */
	crl_when(r, 1,
		&(struct cp_crl){
			.by = r->root, .exts = "issuingDistributionPoint=critical,onlyuser:TRUE"},
		&present, "CHAIN-CRL-SCOPE");
	crl_when(r, 1,
		&(struct cp_crl){.by = r->root,
			.exts = "issuingDistributionPoint=critical,fullname:"
				"URI:http://crl.example/ke.crl"},
		&present, "CHAIN-CRL-SCOPE");
}

static void crl_entries(void **state)
{
	static const struct {
		struct cp_entry entry;
		const char *rule;
	} bad[] = {
		{{.serial = 5, .reason = 8}, "CHAIN-CRL-ENTRY"}, /* removeFromCRL */
		{{.serial = SERIAL, .reason = 8}, "CHAIN-CRL-ENTRY"},
		{{.serial = 5, .reason = 7}, "CHAIN-CRL-ENTRY"},
		{{.serial = 5, .reason = 11}, "CHAIN-CRL-ENTRY"},
		{{.serial = 5, .reason = -1, .exts = "CRLReason=DER:0500"}, "CHAIN-CRL-ENTRY"},
		{{.serial = SERIAL, .reason = -1, .exts = "invalidityDate=DER:0500"},
			"CHAIN-CRL-ENTRY"},
		{{.serial = 5, .reason = 1, .exts = "1.2.3.4=critical,DER:0500"},
			"CHAIN-CRL-EXTENSION"},
		/* a certificateIssuer of GeneralNames with one URI */
		{{.serial = 5, .reason = 1, .exts = "2.5.29.29=critical,DER:3003860161"},
			"CHAIN-CRL-INDIRECT"},
	};
	const struct rig *r = *state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct cp_entry list[] = {{.serial = 3, .reason = 1}, bad[i].entry, {.serial = 0}};
		crl(r, &(struct cp_crl){.by = r->ca, .entries = list}, bad[i].rule);
	}
}

static void crl_bytes_broken(void **state)
{
	const struct rig *r = *state;
	struct rv_buf der = {0};
	struct rv_buf pem = {0};
	cp_crl(&der, &(struct cp_crl){.by = r->ca, .entries = others});
	cp_crl(&pem, &(struct cp_crl){.by = r->ca, .entries = others, .pem = 1});
	/* cut anywhere */
	for (size_t len = 0; len < der.len; len += 7) {
		struct rv_buf part = {.data = der.data, .len = len};
		crl_bytes(r->path, 0, &part, &present, "CHAIN-CRL-UNREADABLE");
	}
	for (size_t len = 0; len + 2 < pem.len; len += 31) {
		struct rv_buf part = {.data = pem.data, .len = len};
		crl_bytes(r->path, 0, &part, &present, "CHAIN-CRL-UNREADABLE");
	}
	/* white space around PEM, nothing else */
	assert_int_equal(rv_buf_str(&pem, "\r\n \t"), 0);
	crl_bytes(r->path, 0, &pem, &present, NULL);
	assert_int_equal(rv_buf_str(&pem, "x"), 0);
	crl_bytes(r->path, 0, &pem, &present, "CHAIN-CRL-UNREADABLE");
	pem.len--;
	cp_crl(&pem, &(struct cp_crl){.by = r->ca, .pem = 1});
	crl_bytes(r->path, 0, &pem, &present, "CHAIN-CRL-UNREADABLE");
	/* any bit of what is signed */
	for (size_t i = 30; i < der.len; i += 11) {
		struct rv_cert_status s;
		der.data[i] ^= 1;
		assert_true(
			rv_status_from_crl(&s, r->path, 0, der.data, der.len, &present, NULL) < 0);
		der.data[i] ^= 1;
	}
	assert_int_equal(rv_buf_u8(&der, 0), 0);
	crl_bytes(r->path, 0, &der, &present, "CHAIN-CRL-UNREADABLE");
	rv_buf_free(&der);
	rv_buf_free(&pem);
}

static void crl_size(void **state)
{
	enum { MANY = 20000 };
	const struct rig *r = *state;
	struct rv_buf der = {0};
	struct cp_entry *many = calloc(MANY + 1, sizeof(*many));
	assert_non_null(many);
	for (size_t i = 0; i < MANY; i++) {
		many[i].serial = i + 1 == MANY ? SERIAL : 1000000 + (long)i;
		many[i].reason = -1;
	}
	struct rv_cert_status s = crl(r, &(struct cp_crl){.by = r->ca, .entries = many}, NULL);
	assert_int_equal(s.kind, RV_STATUS_REVOKED);
	free(many);
	cp_crl(&der, &(struct cp_crl){.by = r->ca});
	assert_int_equal(rv_buf_reserve(&der, RV_CRL_MAX), 0);
	memset(der.data + der.len, 0, RV_CRL_MAX + 1 - der.len);
	der.len = RV_CRL_MAX + 1;
	crl_bytes(r->path, 0, &der, &present, "CHAIN-CRL-SIZE");
	rv_buf_free(&der);
}

/* ---- what is known, for both ---- */

static void known(void **state)
{
	const struct rig *r = *state;
	struct cp_entry list[] = {{.serial = SERIAL, .reason = 1}, {.serial = 0}};
	struct cp_entry hold[] = {{.serial = SERIAL, .reason = 6}, {.serial = 0}};
	struct cp_crl c = {.by = r->ca, .entries = list};
	struct rv_cert_status revoked = crl(r, &c, NULL);
	struct rv_status_when w = present;
	w.known = &revoked;
	crl_when(r, 0, &c, &w, NULL); /* the same again */
	c.this_us = CP_NOW - CP_HOUR - CP_SEC;
	crl_when(r, 0, &c, &w, "CHAIN-CRL-OLDER");
	c.this_us = CP_NOW;
	c.entries = NULL;
	crl_when(r, 0, &c, &w, "CHAIN-CRL-UNREVOKED");
	c.entries = hold;
	c.this_us = CP_NOW - CP_HOUR;
	struct rv_cert_status held = crl(r, &c, NULL);
	w.known = &held;
	c.entries = NULL;
	c.this_us = CP_NOW;
	assert_int_equal(crl_when(r, 0, &c, &w, NULL).kind, RV_STATUS_GOOD);
	held.cert_digest[0] ^= 1;
	struct rv_buf der = {0};
	struct rv_cert_status s;
	cp_crl(&der, &c);
	assert_int_equal(
		rv_status_from_crl(&s, r->path, 0, der.data, der.len, &w, NULL), RV_EINVAL);
	rv_buf_free(&der);
}

/* A CRL need not list what has expired. */
static void expired_certificate(void **state)
{
	const struct rig *r = *state;
	struct cp_cert *old = cp_make(&(struct cp_make){.name = "KE",
		.by = r->ca,
		.exts = CP_MEMBER,
		.serial = SERIAL,
		.to = CP_NOW - CP_DAY});
	struct rv_path *path = path_of(
		((const struct cp_cert *const[]){r->root, r->ca, NULL}), old, CP_NOW - 2 * CP_DAY);
	struct cp_entry list[] = {{.serial = SERIAL, .reason = 1}, {.serial = 0}};
	struct rv_err e = {0};
	struct rv_buf der = {0};
	cp_crl(&der, &(struct cp_crl){.by = r->ca});
	struct rv_cert_status s = crl_bytes(path, 0, &der, &present, NULL);
	assert_int_equal(s.kind, RV_STATUS_UNKNOWN);
	assert_int_equal(rv_status_judge(&s, CP_NOW - 2 * CP_DAY, &e), RV_ECERT);
	assert_string_equal(e.rule, "STATUS-UNKNOWN");
	rv_buf_reset(&der);
	cp_crl(&der, &(struct cp_crl){.by = r->ca, .entries = list});
	assert_int_equal(crl_bytes(path, 0, &der, &present, NULL).kind, RV_STATUS_REVOKED);
	rv_buf_reset(&der);
	/* before it ended, silence was an answer */
	cp_crl(&der, &(struct cp_crl){.by = r->ca, .this_us = CP_NOW - 2 * CP_DAY});
	assert_int_equal(crl_bytes(path, 0, &der, &present, NULL).kind, RV_STATUS_GOOD);
	rv_buf_free(&der);
	rv_path_free(&path);
}

static void freshness(void **state)
{
	struct rv_cert_status s = {
		.kind = RV_STATUS_GOOD, .this_us = CP_NOW, .next_us = CP_NOW + CP_DAY};
	struct rv_err e = {0};
	assert_int_equal(rv_status_fresh(&s, CP_NOW + CP_DAY + CP_HOUR, 0, &e), 0);
	assert_int_equal(rv_status_fresh(&s, CP_NOW + CP_DAY + CP_HOUR + 1, 0, &e), RV_EEXPIRED);
	assert_string_equal(e.rule, "STATUS-STALE");
	assert_int_equal(rv_status_fresh(&s, CP_NOW + CP_HOUR, CP_HOUR, &e), 0);
	assert_int_equal(rv_status_fresh(&s, CP_NOW + CP_HOUR + 1, CP_HOUR, &e), RV_EEXPIRED);
	s.next_us = 0;
	assert_int_equal(rv_status_fresh(&s, CP_NOW + 5 * CP_DAY, 6 * CP_DAY, &e), 0);
	assert_int_equal(rv_status_fresh(&s, CP_NOW, 0, &e), RV_EEXPIRED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(crl_good, set_up, tear_down),
		cmocka_unit_test_setup_teardown(crl_revoked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(crl_invalidity_date, set_up, tear_down),
		cmocka_unit_test_setup_teardown(crl_times, set_up, tear_down),
		cmocka_unit_test_setup_teardown(crl_of_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(crl_extensions, set_up, tear_down),
		cmocka_unit_test_setup_teardown(crl_entries, set_up, tear_down),
		cmocka_unit_test_setup_teardown(crl_bytes_broken, set_up, tear_down),
		cmocka_unit_test_setup_teardown(crl_size, set_up, tear_down),
		cmocka_unit_test_setup_teardown(known, set_up, tear_down),
		cmocka_unit_test_setup_teardown(expired_certificate, set_up, tear_down),
		cmocka_unit_test(freshness),
	};
	return cmocka_run_group_tests_name("crl", tests, NULL, NULL);
}
