/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "node/trust/status.h"
#include "protocol/xml.h"
#include "tests/unit/protocol/chainpki.h"
#include "tests/unit/trust/pki.h"

/* What is known of members' certificates, and what the judge makes of it. */

#define HARD "<Checking Role=\"administration\" Revocation=\"hard\" MaxAgeHours=\"48\"/>"
#define SOFT "<Checking Role=\"administration\" Revocation=\"soft\" MaxAgeHours=\"48\"/>"
#define OFF "<Checking Role=\"administration\" Revocation=\"off\" MaxAgeHours=\"48\"/>"
#define URLS "<CrlUrl>http://pki.example/ca.crl</CrlUrl><OcspUrl>http://ocsp.example/</OcspUrl>"

enum { KE_SERIAL = 11, FR_SERIAL = 12 };

/* A national authority R, its intermediate I, members KE and FR by I, and ZA by nobody listed. */
struct world {
	char dir[32];
	_Atomic int64_t now_us;
	struct cp_cert *root, *ca, *ke, *fr, *za, *stranger;
	struct status *status;
	struct rv_trust *list;
};
static struct world w;

static int64_t now_of(void *ctx)
{
	return atomic_load(&w.now_us);
}

static void open_status(void)
{
	struct rv_clock clock = {now_of, NULL};
	assert_int_equal(status_open(&w.status, w.dir, clock, NULL), 0);
}

/* ---- lists ---- */

static void put_cert(struct rv_buf *out, const char *attributes, const struct cp_cert *c)
{
	rv_buf_printf(out, "<Certificate%s>", attributes);
	assert_int_equal(rv_base64(out, c->der.data, c->der.len), 0);
	rv_buf_str(out, "</Certificate>");
}

static void put_member(
	struct rv_buf *out, const char *code, const struct cp_cert *c, const char *revoked)
{
	struct pki_member m = {.code = ""};
	struct rv_buf text = {0};
	snprintf(m.code, sizeof(m.code), "%s", code);
	pki_z85(m.z85);
	assert_int_equal(rv_base64(&m.base64, c->der.data, c->der.len), 0);
	assert_non_null(rv_buf_cstr(&m.base64));
	pki_member_xml(&text, &m, "administration", NULL);
	char attributes[160];
	snprintf(attributes, sizeof(attributes), "<Certificate %sValidFrom=", revoked);
	char *changed = pki_replace(rv_buf_cstr(&text), "<Certificate ValidFrom=", attributes);
	rv_buf_str(out, changed);
	free(changed);
	rv_buf_free(&text);
	rv_buf_free(&m.base64);
}

struct list_make {
	uint64_t number;
	int no_issuers;
	const char *of_root, *of_ca; /* what stands in the issuers besides the certificate */
	const char *checking;
	const char *ke_revoked;
};

static struct rv_trust *make_list(const struct list_make *m)
{
	struct rv_buf content = {0};
	struct rv_buf text = {0};
	struct rv_trust *t = NULL;
	struct rv_err e = {0};
	xmlDoc *doc = NULL;
	if (!m->no_issuers) {
		rv_buf_str(&content, "<Issuer>");
		put_cert(&content, "", w.root);
		rv_buf_printf(&content, "%s</Issuer><Issuer>", m->of_root != NULL ? m->of_root : "");
		put_cert(&content, "", w.ca);
		rv_buf_printf(&content, "%s</Issuer>", m->of_ca != NULL ? m->of_ca : "");
	}
	rv_buf_str(&content, m->checking != NULL ? m->checking : "");
	put_member(&content, "KE", w.ke, m->ke_revoked != NULL ? m->ke_revoked : "");
	put_member(&content, "FR", w.fr, "");
	put_member(&content, "ZA", w.za, "");
	pki_list_xml(&text, m->number, PKI_FROM, PKI_TO, rv_buf_cstr(&content));
	assert_int_equal(rv_xml_parse(&doc, text.data, text.len, &rv_xml_limits_trust, RV_XML_DRAFT, &e), 0);
	rv_xml_strip(doc);
	if (rv_trust_check(&t, doc, &e) != 0) {
		fail_msg("%s", e.text);
	}
	xmlFreeDoc(doc);
	rv_buf_free(&content);
	rv_buf_free(&text);
	return t;
}

static void use_list(const struct list_make *m)
{
	rv_trust_unref(&w.list);
	w.list = make_list(m);
}

/* ---- set up ---- */

static int set_up(void **state)
{
	memset(&w, 0, sizeof(w));
	atomic_store(&w.now_us, CP_NOW);
	strcpy(w.dir, "/tmp/reeve-status.XXXXXX");
	assert_non_null(mkdtemp(w.dir));
	w.root = cp_make(&(struct cp_make){.name = "R", .exts = CP_CA});
	w.ca = cp_make(&(struct cp_make){.name = "I", .by = w.root, .exts = CP_CA, .serial = 5});
	w.stranger = cp_make(&(struct cp_make){.name = "S", .exts = CP_CA});
	w.ke = cp_make(&(struct cp_make){.name = "KE", .by = w.ca, .exts = CP_MEMBER, .serial = KE_SERIAL});
	w.fr = cp_make(&(struct cp_make){.name = "FR", .by = w.ca, .exts = CP_MEMBER, .serial = FR_SERIAL});
	w.za = cp_make(&(struct cp_make){.name = "ZA", .by = w.stranger, .exts = CP_MEMBER, .serial = 13});
	open_status();
	return 0;
}

static int tear_down(void **state)
{
	char path[600];
	status_close(&w.status);
	rv_trust_unref(&w.list);
	cp_clear();
	snprintf(path, sizeof(path), "%s/status", w.dir);
	DIR *d = opendir(path);
	for (struct dirent *entry; d != NULL && (entry = readdir(d)) != NULL;) {
		char file[900];
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		unlink(file);
	}
	closedir(d);
	rmdir(path);
	rmdir(w.dir);
	return 0;
}

static size_t count_files(void)
{
	char path[600];
	size_t n = 0;
	snprintf(path, sizeof(path), "%s/status", w.dir);
	DIR *d = opendir(path);
	assert_non_null(d);
	for (struct dirent *entry; (entry = readdir(d)) != NULL;) {
		n += entry->d_name[0] != '.';
	}
	closedir(d);
	return n;
}

/* ---- asking ---- */

static void digest_of(uint8_t digest[RV_DIGEST_LEN], const struct cp_cert *c)
{
	rv_sha256(digest, c->der.data, c->der.len);
}

static struct status_standing standing;
static struct rv_err why;

/* The verdict on a message of that certificate, issued so long before now. */
static int judge(const struct cp_cert *c, int64_t ago_us)
{
	uint8_t digest[RV_DIGEST_LEN];
	int64_t now_us = now_of(NULL);
	struct status_view *v = status_get(w.status, w.list);
	assert_non_null(v);
	digest_of(digest, c);
	memset(&standing, 0, sizeof(standing));
	memset(&why, 0, sizeof(why));
	int rc = status_judge(v, digest, now_us - ago_us, now_us, &standing, &why);
	status_unref(&v);
	return rc;
}

static void expect(const struct cp_cert *c, enum status_word word)
{
	if (judge(c, CP_HOUR) != 0) {
		fail_msg("%s: %s", why.rule, why.text);
	}
	assert_int_equal(standing.word, word);
	assert_int_equal(standing.judged_us, now_of(NULL));
}

static void expect_refused(const struct cp_cert *c, int64_t ago_us, int rc, const char *rule)
{
	assert_int_equal(judge(c, ago_us), rc);
	assert_string_equal(why.rule, rule);
	assert_true(why.text[0] != '\0' && why.mend[0] != '\0');
}

static int take(enum rv_status_source kind, const struct cp_cert *key, const struct rv_buf *bytes)
{
	struct status_item item = {.kind = kind, .bytes = {bytes->data, bytes->len}};
	digest_of(item.key, key);
	memset(&why, 0, sizeof(why));
	return status_take(w.status, w.list, &item, &why);
}

static int take_crl(const struct cp_cert *by, int64_t this_us, const struct cp_entry *entries)
{
	struct rv_buf crl = {0};
	cp_crl(&crl, &(struct cp_crl){.by = by, .this_us = this_us, .next_us = this_us + CP_DAY, .entries = entries});
	int rc = take(RV_STATUS_CRL, by, &crl);
	rv_buf_free(&crl);
	return rc;
}

static int take_ocsp(const struct cp_cert *cert, int64_t this_us, int status)
{
	struct rv_buf answer = {0};
	cp_ocsp(&answer, &(struct cp_ocsp){.cert = cert, .issuer = w.ca, .status = status, .reason = -1,
		.this_us = this_us, .next_us = this_us + CP_DAY});
	int rc = take(RV_STATUS_OCSP, cert, &answer);
	rv_buf_free(&answer);
	return rc;
}

#define LIST(number_, ...) (&(struct list_make){.number = number_, __VA_ARGS__})
static const struct cp_entry ke_revoked[] = {{.serial = KE_SERIAL, .reason = 1}, {.serial = 0}};

/* ---- the tests ---- */

static void list_vouches(void **state)
{
	use_list(LIST(1, .no_issuers = 1, .checking = HARD));
	expect(w.ke, STATUS_LISTED);
	use_list(LIST(2, .of_ca = URLS, .checking = HARD));
	expect(w.za, STATUS_LISTED);
	expect_refused(w.ke, CP_HOUR, RV_EAGAIN, "STATUS-UNKNOWN");
	expect_refused(w.stranger, CP_HOUR, RV_EAGAIN, "STATUS-UNKNOWN");
}

static void soft_and_hard(void **state)
{
	use_list(LIST(1, .of_ca = URLS, .checking = SOFT));
	expect(w.ke, STATUS_UNKNOWN);
	assert_int_equal(standing.source, 0);
	assert_int_equal(take_crl(w.ca, CP_NOW - CP_HOUR, NULL), 0);
	expect(w.ke, STATUS_GOOD);
	assert_int_equal(standing.source, RV_STATUS_CRL);
	assert_int_equal(standing.as_of_us, CP_NOW - CP_HOUR);
	atomic_store(&w.now_us, CP_NOW + CP_DAY + CP_HOUR);
	expect(w.ke, STATUS_STALE);
	use_list(LIST(2, .of_ca = URLS, .checking = HARD));
	expect_refused(w.ke, CP_HOUR, RV_EAGAIN, "STATUS-STALE");
	assert_int_equal(take_crl(w.ca, now_of(NULL), NULL), 0);
	expect(w.ke, STATUS_GOOD);
	expect(w.fr, STATUS_GOOD);
	use_list(LIST(3, .of_ca = URLS, .checking = OFF));
	expect(w.ke, STATUS_OFF);
}

static void age_counts(void **state)
{
	struct rv_buf crl = {0};
	use_list(LIST(1, .of_ca = URLS, .checking = HARD));
	cp_crl(&crl, &(struct cp_crl){.by = w.ca, .this_us = CP_NOW, .next_us = CP_NOW + 30 * CP_DAY});
	assert_int_equal(take(RV_STATUS_CRL, w.ca, &crl), 0);
	atomic_store(&w.now_us, CP_NOW + 2 * CP_DAY);
	expect(w.ke, STATUS_GOOD);
	atomic_store(&w.now_us, CP_NOW + 2 * CP_DAY + CP_SEC);
	expect_refused(w.ke, CP_HOUR, RV_EAGAIN, "STATUS-STALE");
	rv_buf_free(&crl);
}

static void revoked(void **state)
{
	uint8_t digest[RV_DIGEST_LEN];
	struct status_facts facts;
	use_list(LIST(1, .of_ca = URLS, .checking = SOFT));
	assert_int_equal(take_crl(w.ca, CP_NOW - CP_HOUR, ke_revoked), 0);
	expect_refused(w.ke, CP_HOUR, RV_ECERT, "STATUS-REVOKED");
	expect_refused(w.ke, 20 * CP_DAY, RV_ECERT, "STATUS-REVOKED");
	expect(w.fr, STATUS_GOOD);
	struct status_view *v = status_get(w.status, w.list);
	digest_of(digest, w.ke);
	assert_int_equal(status_believed(v, digest, CP_NOW - 20 * CP_DAY, CP_NOW, NULL), RV_ECERT);
	assert_int_equal(status_believed(v, digest, CP_NOW - 20 * CP_DAY, CP_NOW - 11 * CP_DAY, NULL), 0);
	assert_int_equal(status_facts(v, digest, CP_NOW, &facts), 0);
	assert_int_equal(facts.revoked_us, CP_NOW - 10 * CP_DAY);
	assert_string_equal(facts.reason, "key-compromise");
	assert_int_equal(facts.standing.word, STATUS_REVOKED);
	digest_of(digest, w.fr);
	assert_int_equal(status_facts(v, digest, CP_NOW, &facts), 0);
	assert_int_equal(facts.revoked_us, 0);
	assert_int_equal(facts.why.code, 0);
	digest_of(digest, w.stranger);
	assert_int_equal(status_facts(v, digest, CP_NOW, &facts), RV_ENOTFOUND);
	status_unref(&v);
}

static void revoked_by_list(void **state)
{
	use_list(LIST(1, .no_issuers = 1, .ke_revoked = "Reason=\"superseded\" Revoked=\"2026-11-20T00:00:00Z\" "));
	expect_refused(w.ke, CP_HOUR, RV_ECERT, "STATUS-REVOKED");
	expect_refused(w.ke, 10 * CP_DAY, RV_ECERT, "STATUS-REVOKED");
	assert_non_null(strstr(why.text, "superseded"));
	/* a receipt of before counts: nobody stole the key */
	uint8_t digest[RV_DIGEST_LEN];
	struct status_view *v = status_get(w.status, w.list);
	digest_of(digest, w.ke);
	assert_int_equal(status_believed(v, digest, CP_NOW - 10 * CP_DAY, CP_NOW, NULL), 0);
	assert_int_equal(status_believed(v, digest, CP_NOW - CP_HOUR, CP_NOW, NULL), RV_ECERT);
	status_unref(&v);
	use_list(LIST(2, .no_issuers = 1, .ke_revoked = "Reason=\"superseded\" Revoked=\"2026-11-25T00:00:00Z\" "));
	expect(w.ke, STATUS_LISTED);
	atomic_store(&w.now_us, CP_NOW + CP_DAY);
	expect_refused(w.ke, 2 * CP_DAY, RV_ECERT, "STATUS-REVOKED");
	use_list(LIST(3, .of_ca = URLS, .checking = OFF, .ke_revoked = "Reason=\"superseded\" Revoked=\"2026-11-25T00:00:00Z\" "));
	expect_refused(w.ke, 2 * CP_DAY, RV_ECERT, "STATUS-REVOKED");
}

static void worse_is_not_taken(void **state)
{
	struct rv_buf crl = {0};
	use_list(LIST(1, .of_ca = URLS, .checking = HARD));
	assert_int_equal(take_crl(w.ca, CP_NOW - CP_HOUR, ke_revoked), 0);
	/* older: a replay from before the revocation */
	assert_int_equal(take_crl(w.ca, CP_NOW - 2 * CP_HOUR, NULL), RV_EEXPIRED);
	assert_string_equal(why.rule, "CHAIN-CRL-OLDER");
	/* a revocation is not taken back */
	assert_int_not_equal(take_crl(w.ca, CP_NOW - CP_HOUR / 2, NULL), 0);
	assert_string_equal(why.rule, "CHAIN-CRL-UNREVOKED");
	/* by another key, of another issuer, junk, too large, of nobody's */
	cp_crl(&crl, &(struct cp_crl){.by = w.ca, .key = w.stranger->key});
	assert_int_not_equal(take(RV_STATUS_CRL, w.ca, &crl), 0);
	assert_string_equal(why.rule, "CHAIN-CRL-SIGNATURE");
	rv_buf_reset(&crl);
	cp_crl(&crl, &(struct cp_crl){.by = w.stranger});
	assert_int_not_equal(take(RV_STATUS_CRL, w.ca, &crl), 0);
	assert_int_equal(take(RV_STATUS_CRL, w.stranger, &crl), RV_EUNKNOWN);
	assert_string_equal(why.rule, "STATUS-FOREIGN");
	rv_buf_reset(&crl);
	rv_buf_str(&crl, "<html>not found</html>");
	assert_int_equal(take(RV_STATUS_CRL, w.ca, &crl), RV_EPARSE);
	rv_buf_reset(&crl);
	assert_int_equal(take(RV_STATUS_CRL, w.ca, &crl), RV_EPARSE);
	crl.len = RV_CRL_MAX + 1;
	assert_int_equal(take(RV_STATUS_CRL, w.ca, &crl), RV_ELIMIT);
	crl.len = 0;
	rv_buf_free(&crl);
	assert_int_equal(count_files(), 1);
	expect_refused(w.ke, CP_HOUR, RV_ECERT, "STATUS-REVOKED");
	expect(w.fr, STATUS_GOOD);
}

static void same_is_known(void **state)
{
	struct rv_buf crl = {0};
	use_list(LIST(1, .of_ca = URLS, .checking = HARD));
	cp_crl(&crl, &(struct cp_crl){.by = w.ca});
	assert_int_equal(take(RV_STATUS_CRL, w.ca, &crl), 0);
	assert_int_equal(take(RV_STATUS_CRL, w.ca, &crl), RV_EDUP);
	rv_buf_free(&crl);
}

static void over_a_restart(void **state)
{
	use_list(LIST(1, .of_ca = URLS, .checking = SOFT));
	assert_int_equal(take_crl(w.ca, CP_NOW - CP_HOUR, ke_revoked), 0);
	assert_int_equal(take_ocsp(w.fr, CP_NOW - CP_HOUR, V_OCSP_CERTSTATUS_GOOD), 0);
	assert_int_equal(count_files(), 2);
	status_close(&w.status);
	open_status();
	expect_refused(w.ke, CP_HOUR, RV_ECERT, "STATUS-REVOKED");
	expect(w.fr, STATUS_GOOD);
	/* long after nextUpdate, with no newer CRL to be had, it is still revoked */
	status_close(&w.status);
	atomic_store(&w.now_us, CP_NOW + 30 * CP_DAY);
	open_status();
	expect_refused(w.ke, CP_HOUR, RV_ECERT, "STATUS-REVOKED");
	expect(w.fr, STATUS_STALE);
}

static void ocsp(void **state)
{
	use_list(LIST(1, .of_ca = URLS, .checking = HARD));
	assert_int_equal(take_crl(w.ca, CP_NOW - 2 * CP_HOUR, NULL), 0);
	expect(w.ke, STATUS_GOOD);
	assert_int_equal(take_ocsp(w.ke, CP_NOW - CP_HOUR, V_OCSP_CERTSTATUS_GOOD), 0);
	expect(w.ke, STATUS_GOOD);
	assert_int_equal(standing.source, RV_STATUS_OCSP);
	assert_int_equal(take_ocsp(w.fr, CP_NOW - CP_HOUR, V_OCSP_CERTSTATUS_REVOKED), 0);
	expect_refused(w.fr, CP_HOUR, RV_ECERT, "STATUS-REVOKED");
	/* what one says of another is not taken */
	struct rv_buf answer = {0};
	cp_ocsp(&answer, &(struct cp_ocsp){.cert = w.fr, .issuer = w.ca, .reason = -1});
	assert_int_not_equal(take(RV_STATUS_OCSP, w.ke, &answer), 0);
	rv_buf_free(&answer);
	expect(w.ke, STATUS_GOOD);
}

static void upper_links(void **state)
{
	use_list(LIST(1, .of_root = "<CrlUrl>http://pki.example/root.crl</CrlUrl>", .of_ca = URLS, .checking = HARD));
	assert_int_equal(take_crl(w.ca, CP_NOW - CP_HOUR, NULL), 0);
	expect_refused(w.ke, CP_HOUR, RV_EAGAIN, "STATUS-UNKNOWN");
	assert_int_equal(take_crl(w.root, CP_NOW - CP_HOUR, NULL), 0);
	expect(w.ke, STATUS_GOOD);
	static const struct cp_entry ca_revoked[] = {{.serial = 5, .reason = 2}, {.serial = 0}};
	assert_int_equal(take_crl(w.root, CP_NOW - CP_HOUR / 2, ca_revoked), 0);
	expect_refused(w.ke, CP_HOUR, RV_ECERT, "STATUS-REVOKED");
	expect_refused(w.fr, CP_HOUR, RV_ECERT, "STATUS-REVOKED");
	expect(w.za, STATUS_LISTED);
}

static void chain_counts(void **state)
{
	use_list(LIST(1, .of_ca = URLS "<For>FR</For>", .checking = SOFT));
	expect_refused(w.ke, CP_HOUR, RV_ECERT, "CHAIN-MEMBER");
	expect(w.fr, STATUS_UNKNOWN);
	expect_refused(w.fr, 500 * CP_DAY, RV_ECERT, "CHAIN-NOT-YET");
}

static void lists_change(void **state)
{
	use_list(LIST(1, .of_ca = URLS, .checking = HARD));
	assert_int_equal(take_crl(w.ca, CP_NOW - CP_HOUR, NULL), 0);
	struct status_view *old = status_get(w.status, w.list);
	struct rv_trust *old_list = rv_trust_ref(w.list);
	use_list(LIST(2, .of_ca = URLS, .checking = HARD));
	expect(w.ke, STATUS_GOOD);
	/* who still holds the older list gets the newer view */
	struct status_view *v = status_get(w.status, old_list);
	assert_true(status_serial(v) > status_serial(old));
	status_unref(&v);
	status_unref(&old);
	rv_trust_unref(&old_list);
	assert_int_equal(count_files(), 1);
	use_list(LIST(3, .no_issuers = 1));
	expect(w.ke, STATUS_LISTED);
	assert_int_equal(count_files(), 0);
}

static void wants(void **state)
{
	struct status_want *list = NULL;
	size_t n = 0;
	struct rv_buf request = {0};
	use_list(LIST(1, .of_root = "<CrlUrl>http://pki.example/root.crl</CrlUrl>", .of_ca = URLS, .checking = HARD));
	assert_int_equal(take_crl(w.ca, CP_NOW - CP_HOUR, NULL), 0);
	struct status_view *v = status_get(w.status, w.list);
	assert_int_equal(status_wants(v, &list, &n, NULL), 0);
	/* two CRLs, and a response for each of KE and FR */
	assert_int_equal(n, 4);
	unsigned crls = 0;
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(list[i].max_age_us, 2 * CP_DAY);
		assert_int_equal(list[i].n_urls, 1);
		crls += list[i].kind == RV_STATUS_CRL;
		if (strcmp(list[i].urls[0], "http://pki.example/ca.crl") == 0) {
			assert_int_equal(list[i].this_us, CP_NOW - CP_HOUR);
			assert_non_null(strstr(list[i].whose, "I"));
		} else {
			assert_int_equal(list[i].this_us, 0);
		}
		if (list[i].kind == RV_STATUS_OCSP) {
			assert_int_equal(status_request(v, list[i].key, &request, NULL), 0);
			assert_true(request.len > 0);
			rv_buf_reset(&request);
		}
	}
	assert_int_equal(crls, 2);
	free(list);
	status_unref(&v);
	rv_buf_free(&request);
	use_list(LIST(2, .of_ca = URLS, .checking = OFF));
	v = status_get(w.status, w.list);
	assert_int_equal(status_wants(v, &list, &n, NULL), 0);
	assert_int_equal(n, 0);
	status_unref(&v);
}

static void carries(void **state)
{
	struct status_item items[8];
	use_list(LIST(1, .of_ca = URLS, .checking = HARD));
	assert_int_equal(take_crl(w.ca, CP_NOW - CP_HOUR, NULL), 0);
	assert_int_equal(take_ocsp(w.ke, CP_NOW - CP_HOUR, V_OCSP_CERTSTATUS_GOOD), 0);
	struct status_view *v = status_get(w.status, w.list);
	assert_int_equal(status_carry(v, "KE", items, 8), 2);
	assert_int_equal(status_carry(v, "KE", items, 1), 1);
	assert_int_equal(status_carry(v, "ZA", items, 8), 0);
	assert_int_equal(status_carry(v, "FR", items, 8), 1);
	assert_int_equal(items[0].kind, RV_STATUS_CRL);
	/* another node takes it as it is */
	struct status *here = w.status;
	char dir[] = "/tmp/reeve-status2.XXXXXX";
	char path[64];
	struct rv_clock clock = {now_of, NULL};
	assert_non_null(mkdtemp(dir));
	assert_int_equal(status_open(&w.status, dir, clock, NULL), 0);
	expect_refused(w.fr, CP_HOUR, RV_EAGAIN, "STATUS-UNKNOWN");
	assert_int_equal(status_take(w.status, w.list, &items[0], NULL), 0);
	expect(w.fr, STATUS_GOOD);
	use_list(LIST(2, .no_issuers = 1)); /* its file goes */
	expect(w.fr, STATUS_LISTED);
	status_close(&w.status);
	w.status = here;
	status_unref(&v);
	snprintf(path, sizeof(path), "%s/status", dir);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void watched(void *ctx)
{
	++*(int *)ctx;
}

static void watch(void **state)
{
	int seen = 0;
	use_list(LIST(1, .of_ca = URLS, .checking = HARD));
	status_watch(w.status, watched, &seen);
	assert_int_equal(take_crl(w.ca, CP_NOW - CP_HOUR, NULL), 0);
	assert_int_equal(seen, 1);
	assert_int_not_equal(take_crl(w.ca, CP_NOW - 2 * CP_HOUR, NULL), 0);
	assert_int_equal(seen, 1);
}

/* ---- many threads ---- */

static atomic_int over;

static void *judging(void *list)
{
	uint8_t digest[RV_DIGEST_LEN];
	size_t *judged = calloc(1, sizeof(*judged));
	digest_of(digest, w.ke);
	while (!atomic_load(&over)) {
		struct status_standing s;
		struct rv_err e = {0};
		struct status_view *v = status_get(w.status, list);
		int rc = v != NULL ? status_judge(v, digest, CP_NOW - CP_HOUR, CP_NOW, &s, &e) : -1;
		/* never anything but what some view says */
		if (rc != 0 && strcmp(e.rule, "STATUS-UNKNOWN") != 0) {
			abort();
		}
		status_unref(&v);
		++*judged;
	}
	return judged;
}

static void threads(void **state)
{
	pthread_t list[3];
	use_list(LIST(1, .of_ca = URLS, .checking = HARD));
	struct rv_trust *next = make_list(LIST(2, .of_ca = URLS, .checking = HARD));
	atomic_store(&over, 0);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(pthread_create(&list[i], NULL, judging, i == 0 ? next : w.list), 0);
	}
	for (int i = 0; i < 20; i++) {
		assert_int_equal(take_crl(w.ca, CP_NOW - CP_HOUR + i * CP_SEC, NULL), 0);
	}
	atomic_store(&over, 1);
	for (size_t i = 0; i < 3; i++) {
		void *judged = NULL;
		pthread_join(list[i], &judged);
		free(judged);
	}
	rv_trust_unref(&next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
		TEST(list_vouches),
		TEST(soft_and_hard),
		TEST(age_counts),
		TEST(revoked),
		TEST(revoked_by_list),
		TEST(worse_is_not_taken),
		TEST(same_is_known),
		TEST(over_a_restart),
		TEST(ocsp),
		TEST(upper_links),
		TEST(chain_counts),
		TEST(lists_change),
		TEST(wants),
		TEST(carries),
		TEST(watch),
		TEST(threads),
	};
	if (rv_xml_init(NULL) != 0) {
		return 1;
	}
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rv_xml_cleanup();
	return failed;
}
