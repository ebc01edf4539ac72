/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/x509.h>

#include "node/file.h"
#include "node/trust/issue.h"
#include "node/trust/joins.h"
#include "protocol/invite.h"
#include "protocol/xml.h"
#include "tests/unit/trust/pki.h"

static struct pki_authority ocu;
static char dir[64];
static int64_t now_us;

static int64_t read_clock(void *ctx)
{
	return now_us;
}
static const struct rv_clock test_clock = {read_clock, NULL};

static int set_up(void **state)
{
	assert_int_equal(rv_xml_init(NULL), 0);
	pki_authority(&ocu, "OCU", PKI_NOW - 10 * PKI_DAY, PKI_NOW + 1000 * PKI_DAY);
	return 0;
}

static int tear_down(void **state)
{
	pki_authority_clear(&ocu);
	rv_xml_cleanup();
	return 0;
}

static int make_folder(void **state)
{
	strcpy(dir, "/tmp/reeve-joins.XXXXXX");
	assert_non_null(mkdtemp(dir));
	now_us = PKI_NOW;
	return 0;
}

static int drop_folder(void **state)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) == 0 ? 0 : -1;
}

/* ---- tokens ---- */

static struct rv_invite a_token(void)
{
	struct rv_invite i = {.expires_us = PKI_NOW + PKI_DAY, .inviter = "OCU", .code = "KE",
		.roles = RV_ROLE_ADMINISTRATION, .country = "KE", .name = "Kenya Revenue Authority",
		.endpoint = "tcp://ocu.example.org:4510"};
	pki_z85(i.server);
	memset(i.roots, 7, sizeof(i.roots));
	memset(i.secret, 9, sizeof(i.secret));
	return i;
}

static void test_token(void **state)
{
	char text[RV_INVITE_TEXT], padded[RV_INVITE_TEXT + 8];
	struct rv_err e = {0};
	struct rv_invite i = a_token(), back;
	assert_int_equal(rv_invite_write(&i, text), 0);
	assert_true(strlen(text) < 320);
	snprintf(padded, sizeof(padded), " %s\n", text);
	assert_int_equal(rv_invite_read(&back, padded, &e), 0);
	assert_int_equal(back.expires_us, i.expires_us);
	assert_string_equal(back.code, "KE");
	assert_string_equal(back.inviter, "OCU");
	assert_string_equal(back.name, i.name);
	assert_string_equal(back.endpoint, i.endpoint);
	assert_string_equal(back.server, i.server);
	assert_memory_equal(back.secret, i.secret, sizeof(i.secret));
	assert_memory_equal(back.roots, i.roots, sizeof(i.roots));

	/* whatever character is mistyped, left out or added is noticed */
	size_t len = strlen(text);
	for (size_t at = 0; at < len; at++) {
		char changed[RV_INVITE_TEXT + 2];
		strcpy(changed, text);
		changed[at] = changed[at] == 'A' ? 'B' : 'A';
		assert_int_equal(rv_invite_read(&back, changed, &e), RV_EPARSE);
		assert_string_equal(e.rule, "JOIN-TOKEN");
		memmove(changed + at, text + at + 1, len - at);
		assert_int_equal(rv_invite_read(&back, changed, NULL), RV_EPARSE);
		strcpy(changed + at, "A");
		strcpy(changed + at + 1, text + at);
		assert_int_equal(rv_invite_read(&back, changed, NULL), RV_EPARSE);
	}
	static const char *const none[] = {"", "reeve1-", "reeve1", "reeve2-AAAA", "hello", "reeve1-A A"};
	for (size_t k = 0; k < sizeof(none) / sizeof(none[0]); k++) {
		assert_int_equal(rv_invite_read(&back, none[k], &e), RV_EPARSE);
		assert_non_null(strstr(e.mend, "coordinator"));
	}
	i.endpoint[0] = 'x';
	assert_int_equal(rv_invite_write(&i, text), RV_EINVAL);
	i = a_token();
	i.roles = 64;
	assert_int_equal(rv_invite_write(&i, text), RV_EINVAL);
}

/* ---- requests ---- */

struct request {
	EVP_PKEY *key;
	struct rv_buf wire;
	char z85[RV_CURVE_KEY_TEXT];
};

static void make_request(struct request *r, const char *code, unsigned roles)
{
	struct rv_join j = {.made_us = PKI_NOW, .party = {.roles = roles}};
	struct rv_signer signer;
	X509_REQ *req = NULL;
	unsigned char *der = NULL;
	memset(r, 0, sizeof(*r));
	assert_int_equal(issue_key_new(&r->key, 0, NULL), 0);
	assert_int_equal(issue_request(&req, r->key, code, "Somebody", NULL), 0);
	int len = i2d_X509_REQ(req, &der);
	assert_true(len > 0);
	strcpy(j.party.code, code);
	j.party.name = strdup("Somebody");
	j.request = malloc((size_t)len);
	memcpy(j.request, der, (size_t)len);
	j.request_len = (size_t)len;
	pki_z85(r->z85);
	strcpy(j.z85, r->z85);
	assert_int_equal(issue_signer(&signer, r->key, code, NULL), 0);
	struct rv_err e = {0};
	if (rv_join_write(&j, &signer, &r->wire, &e) != 0) {
		fail_msg("%s", e.text);
	}
	rv_join_clear(&j);
	X509_REQ_free(req);
	OPENSSL_free(der);
}

static void clear_request(struct request *r)
{
	EVP_PKEY_free(r->key);
	rv_buf_free(&r->wire);
}

static struct rv_span span_of(const struct request *r)
{
	return (struct rv_span){r->wire.data, r->wire.len};
}

static struct joins *opened(void)
{
	struct joins *j = NULL;
	struct rv_err e = {0};
	if (joins_open(&j, dir, test_clock, &e) != 0) {
		fail_msg("%s", e.text);
	}
	return j;
}

static char guest[RV_CURVE_KEY_TEXT];

static void invite(struct joins *j, const char *code, unsigned roles)
{
	struct joins_invite v = {.roles = roles, .name = "Somebody", .created_us = now_us,
		.expires_us = now_us + PKI_DAY};
	strcpy(v.code, code);
	pki_z85(guest);
	strcpy(v.guest, guest);
	assert_int_equal(joins_add(j, &v, NULL, NULL), 0);
}

static void asked(struct joins *j, const struct request *r, const struct rv_trust *t, int status, const char *rule,
	int news)
{
	struct rv_join_state s;
	struct rv_err e = {0};
	int got = -1;
	if (joins_ask(j, guest, span_of(r), t, &s, &got, &e) != 0) {
		fail_msg("%s", e.text);
	}
	if (s.status != status || strcmp(s.rule, rule) != 0 || got != news) {
		print_error("expected %d %s news %d, got %d %s news %d: %s\n", status, rule, news, s.status, s.rule, got,
			s.text);
		fail();
	}
	assert_true(status != RV_JOIN_REFUSED || (s.text[0] != '\0' && s.mend[0] != '\0'));
}

static enum joins_state state_of(struct joins *j, const char *code, const struct rv_trust *t)
{
	struct joins_row *rows = NULL;
	size_t n = 0;
	enum joins_state s = 0;
	assert_int_equal(joins_list(j, t, &rows, &n, NULL), 0);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(rows[i].invite.code, code) == 0) {
			s = rows[i].state;
		}
	}
	free(rows);
	return s;
}

/* A list that has the request's keys. */
static struct rv_trust *list_with(const struct request *r, const char *code)
{
	struct pki_member m = {.key = r->key};
	struct rv_trust *t = NULL;
	struct rv_buf content = {0}, list = {0}, wire = {0}, der = {0};
	struct rv_err e = {0};
	X509 *cert = NULL;
	X509_REQ *req = NULL;
	const struct pki_authority *const by[] = {&ocu, NULL};
	const struct rv_cert *certs[] = {ocu.cert};
	strcpy(m.code, code);
	strcpy(m.z85, r->z85);
	assert_int_equal(issue_request(&req, r->key, code, "Somebody", NULL), 0);
	assert_int_equal(issue_member(&cert, req, ocu.x509, ocu.key, code, "Somebody", PKI_NOW - PKI_DAY,
		PKI_NOW + 500 * PKI_DAY, NULL), 0);
	assert_int_equal(issue_cert_der(cert, &der, NULL), 0);
	assert_int_equal(rv_base64(&m.base64, der.data, der.len), 0);
	assert_non_null(rv_buf_cstr(&m.base64));
	pki_member_xml(&content, &m, "administration", NULL);
	pki_list_xml(&list, 5, "2026-11-20T00:00:00Z", "2026-12-20T00:00:00Z", rv_buf_cstr(&content));
	pki_sign(&wire, rv_buf_cstr(&list), by);
	if (rv_trust_read(&t, wire.data, wire.len, certs, 1, 1, PKI_NOW, &e) != 0) {
		fail_msg("%s", e.text);
	}
	X509_free(cert);
	X509_REQ_free(req);
	rv_buf_free(&m.base64);
	rv_buf_free(&der);
	rv_buf_free(&content);
	rv_buf_free(&list);
	rv_buf_free(&wire);
	return t;
}

static void test_way(void **state)
{
	struct request r, thief;
	struct joins *j = opened();
	char(*keys)[RV_CURVE_KEY_TEXT] = NULL;
	size_t n = 0;
	make_request(&r, "KE", RV_ROLE_ADMINISTRATION);
	make_request(&thief, "KE", RV_ROLE_ADMINISTRATION);
	invite(j, "KE", RV_ROLE_ADMINISTRATION);
	assert_int_equal(joins_guests(j, &keys, &n), 0);
	assert_int_equal(n, 1);
	assert_string_equal(keys[0], guest);
	free(keys);
	assert_true(joins_is_guest(j, guest));
	assert_int_equal(state_of(j, "KE", NULL), JOINS_OPEN);
	asked(j, &r, NULL, RV_JOIN_WAITING, "", 1);
	asked(j, &r, NULL, RV_JOIN_WAITING, "", 0);

	/* the token is bound: who stole it is refused, and seen */
	asked(j, &thief, NULL, RV_JOIN_REFUSED, "JOIN-USED", 1);
	asked(j, &thief, NULL, RV_JOIN_REFUSED, "JOIN-USED", 0);
	assert_int_equal(state_of(j, "KE", NULL), JOINS_WAITING);

	/* after a restart too, and though the token has ended meanwhile */
	joins_close(&j);
	now_us += 2 * PKI_DAY;
	j = opened();
	asked(j, &thief, NULL, RV_JOIN_REFUSED, "JOIN-USED", 0);
	asked(j, &r, NULL, RV_JOIN_WAITING, "", 0);
	struct rv_buf wire = {0};
	assert_int_equal(joins_request(j, "KE", &wire, NULL), 0);
	assert_int_equal(wire.len, r.wire.len);
	assert_memory_equal(wire.data, r.wire.data, wire.len);
	rv_buf_free(&wire);
	assert_int_equal(joins_request(j, "UG", &wire, NULL), RV_ENOTFOUND);

	/* the list decides; with other keys it does not */
	struct rv_trust *other = list_with(&thief, "KE");
	asked(j, &r, other, RV_JOIN_WAITING, "", 0);
	rv_trust_unref(&other);
	struct rv_trust *t = list_with(&r, "KE");
	asked(j, &r, t, RV_JOIN_ADMITTED, "", 0);
	assert_int_equal(state_of(j, "KE", t), JOINS_ADMITTED);
	assert_int_equal(joins_refuse(j, "KE", "no", t, NULL), RV_ENOTFOUND);
	rv_trust_unref(&t);
	joins_close(&j);
	clear_request(&r);
	clear_request(&thief);
}

static void test_refusals(void **state)
{
	struct request r, other_code, other_role;
	struct joins *j = opened();
	struct rv_join_state s;
	int news = 0;
	make_request(&r, "KE", RV_ROLE_ADMINISTRATION);
	make_request(&other_code, "UG", RV_ROLE_ADMINISTRATION);
	make_request(&other_role, "KE", RV_ROLE_ADMINISTRATION | RV_ROLE_COORDINATOR);
	assert_int_equal(joins_ask(j, "nobody", span_of(&r), NULL, &s, &news, NULL), RV_ENOTFOUND);
	invite(j, "KE", RV_ROLE_ADMINISTRATION);

	/* not whom it invites: the token stays free */
	asked(j, &other_code, NULL, RV_JOIN_REFUSED, "JOIN-INVITED", 0);
	asked(j, &other_role, NULL, RV_JOIN_REFUSED, "JOIN-INVITED", 0);
	struct rv_span junk = {(const uint8_t *)"<Join/>", 7};
	assert_int_equal(joins_ask(j, guest, junk, NULL, &s, &news, NULL), 0);
	assert_int_equal(s.status, RV_JOIN_REFUSED);
	assert_int_equal(state_of(j, "KE", NULL), JOINS_OPEN);

	/* twice is refused while the first is open */
	struct joins_invite v = {.code = "KE", .name = "x", .roles = 1, .expires_us = now_us + 1};
	struct rv_err e = {0};
	assert_int_equal(joins_add(j, &v, NULL, &e), RV_EEXIST);
	assert_string_equal(e.rule, "JOIN-OPEN");

	/* withdrawn */
	assert_int_equal(joins_refuse(j, "KE", "a mistake", NULL, NULL), 0);
	asked(j, &r, NULL, RV_JOIN_REFUSED, "JOIN-WITHDRAWN", 0);

	/* expired, and heard so for a week */
	invite(j, "KE", RV_ROLE_ADMINISTRATION);
	now_us += PKI_DAY + 1;
	asked(j, &r, NULL, RV_JOIN_REFUSED, "JOIN-EXPIRED", 0);
	assert_int_equal(state_of(j, "KE", NULL), JOINS_EXPIRED);
	assert_true(joins_is_guest(j, guest));
	now_us += 8 * PKI_DAY;
	assert_false(joins_is_guest(j, guest));

	/* refused by the coordinator after it asked */
	invite(j, "KE", RV_ROLE_ADMINISTRATION);
	asked(j, &r, NULL, RV_JOIN_WAITING, "", 1);
	assert_int_equal(joins_refuse(j, "KE", "the phrase was another", NULL, NULL), 0);
	asked(j, &r, NULL, RV_JOIN_REFUSED, "JOIN-REFUSED", 0);

	/* gone 30 days after its end */
	now_us += 40 * PKI_DAY;
	assert_int_equal(state_of(j, "KE", NULL), 0);
	joins_close(&j);
	j = opened();
	assert_int_equal(state_of(j, "KE", NULL), 0);
	joins_close(&j);
	clear_request(&r);
	clear_request(&other_code);
	clear_request(&other_role);
}

static void vouch_by(EVP_PKEY *key, const struct rv_cert *cert, const char *code, const struct request *r,
	struct rv_buf *sig, struct rv_vouch *v)
{
	uint8_t vouched[JOINS_VOUCHED_LEN];
	joins_vouched(vouched, span_of(r));
	rv_buf_reset(sig);
	assert_int_equal(rv_key_sign(key, RV_ALG_ECDSA_P256_SHA256, vouched, sizeof(vouched), sig, NULL), 0);
	*v = (struct rv_vouch){.alg = RV_ALG_ECDSA_P256_SHA256, .signature = {sig->data, sig->len}};
	strcpy(v->code, code);
	memcpy(v->cert_digest, rv_cert_digest(cert), RV_DIGEST_LEN);
}

static void test_renewal(void **state)
{
	struct request now, next, of_ug;
	struct joins *j = opened();
	struct rv_vouch v;
	struct rv_buf sig = {0};
	struct rv_err e = {0};
	int news = 0;
	make_request(&now, "KE", RV_ROLE_ADMINISTRATION);
	make_request(&next, "KE", RV_ROLE_ADMINISTRATION);
	make_request(&of_ug, "UG", RV_ROLE_ADMINISTRATION);
	struct rv_trust *t = list_with(&now, "KE");
	const struct rv_cert *cert = rv_trust_member(t, "KE")->certs[0].cert;

	vouch_by(now.key, cert, "KE", &next, &sig, &v);
	assert_int_equal(joins_renew(j, span_of(&next), &v, t, &news, &e), 0);
	assert_int_equal(news, 1);
	assert_int_equal(joins_renew(j, span_of(&next), &v, t, &news, &e), 0);
	assert_int_equal(news, 0);
	assert_int_equal(state_of(j, "KE", t), JOINS_WAITING);

	/* by the new key itself, for other bytes, for another member, by who is not listed */
	vouch_by(next.key, cert, "KE", &next, &sig, &v);
	assert_int_equal(joins_renew(j, span_of(&next), &v, t, &news, &e), RV_EDENIED);
	assert_string_equal(e.rule, "JOIN-VOUCHER");
	vouch_by(now.key, cert, "KE", &next, &sig, &v);
	assert_int_equal(joins_renew(j, span_of(&of_ug), &v, t, &news, &e), RV_EDENIED);
	vouch_by(now.key, cert, "KE", &of_ug, &sig, &v);
	assert_int_equal(joins_renew(j, span_of(&of_ug), &v, t, &news, &e), RV_EDENIED);
	vouch_by(now.key, cert, "UG", &of_ug, &sig, &v);
	assert_int_equal(joins_renew(j, span_of(&of_ug), &v, t, &news, &e), RV_EDENIED);
	vouch_by(now.key, cert, "KE", &next, &sig, &v);
	assert_int_equal(joins_renew(j, span_of(&next), &v, NULL, &news, &e), RV_EDENIED);
	rv_trust_unref(&t);
	t = list_with(&next, "KE");
	assert_int_equal(state_of(j, "KE", t), JOINS_ADMITTED);
	rv_trust_unref(&t);
	rv_buf_free(&sig);
	joins_close(&j);
	clear_request(&now);
	clear_request(&next);
	clear_request(&of_ug);
}

static void test_damaged(void **state)
{
	struct joins *j = opened();
	struct rv_err e = {0};
	char path[128];
	invite(j, "KE", RV_ROLE_ADMINISTRATION);
	joins_close(&j);
	snprintf(path, sizeof(path), "%s/joins/KE.json", dir);
	static const char *const bad[] = {"", "{", "[]", "{\"code\": \"UG\"}", "{\"code\": \"KE\", \"state\": 99}"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(file_write(path, 0600, bad[i], strlen(bad[i]), NULL), 0);
		assert_int_equal(joins_open(&j, dir, test_clock, &e), RV_EPARSE);
		assert_non_null(strstr(e.text, "KE.json"));
		assert_null(j);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_token),
		cmocka_unit_test_setup_teardown(test_way, make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(test_refusals, make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(test_renewal, make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(test_damaged, make_folder, drop_folder),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
