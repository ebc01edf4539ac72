/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "node/file.h"
#include "node/trust/authority_ca.h"
#include "node/trust/ocsp.h"
#include "protocol/chain.h"
#include "tests/unit/trust/office.h"

/* The authority as a certification authority: index, CRL and OCSP, judged by protocol/chain.h and by OpenSSL. */

static const char crl_url[] = "http://pki.example.org/{key}.crl", ocsp_url[] = "http://pki.example.org/ocsp?a,b";
static struct party ke, fr;

static int set_up(void **state)
{
	assert_int_equal(rv_xml_init(NULL), 0);
	party_new(&ke, "KE", RV_ROLE_ADMINISTRATION, 0);
	party_new(&fr, "FR", RV_ROLE_ADMINISTRATION, 2048);
	return 0;
}

static int tear_down(void **state)
{
	party_clear(&ke);
	party_clear(&fr);
	rv_xml_cleanup();
	return 0;
}

static void good(int rc, const struct rv_err *e)
{
	if (rc != 0) {
		print_error("%s %s\n", e->rule, e->text);
		fail();
	}
}

static struct authority *create(void)
{
	struct rv_err e = {0};
	struct authority_new n = {.code = "OCU", .name = "Coordination Unit", .from_us = PKI_NOW - 300 * RV_US_PER_SEC,
		.to_us = PKI_NOW + 1000 * PKI_DAY, .crl_urls = {crl_url}, .ocsp_urls = {ocsp_url}};
	good(authority_create(office_dir, &n, &e), &e);
	return office_opened();
}

static void read_file(const char *name, struct rv_buf *out)
{
	char *path = file_join(office_dir, name);
	rv_buf_reset(out);
	assert_int_equal(file_read(path, 1 << 20, out, NULL), 0);
	assert_non_null(rv_buf_cstr(out));
	free(path);
}

static const struct rv_member *member(struct authority *a, const char *code, struct rv_trust **t)
{
	struct rv_err e = {0};
	rv_trust_unref(t);
	good(authority_draft(a, t, &e), &e);
	return rv_trust_member(*t, code);
}

/* ---- the judge: protocol/chain.h ---- */

static struct rv_path *path_of(struct authority *a, const struct rv_cert *cert, const char *code)
{
	struct rv_err e = {0};
	struct rv_trust *t = NULL;
	const struct rv_issuer *issuers;
	struct rv_chain *chain = NULL;
	struct rv_path *path = NULL;
	struct rv_chain_issuer list[4] = {{.n_members = 0}};
	good(authority_draft(a, &t, &e), &e);
	size_t n = rv_trust_issuers(t, &issuers);
	assert_in_range(n, 1, 4);
	for (size_t i = 0; i < n; i++) {
		rv_cert_der(issuers[i].cert, &list[i].der);
	}
	good(rv_chain_new(&chain, list, n, &e), &e);
	good(rv_chain_path(&path, chain, cert, code, PKI_NOW, &e), &e);
	rv_chain_free(&chain);
	rv_trust_unref(&t);
	return path;
}

static struct rv_cert_status by_crl(struct authority *a, const struct rv_cert *cert, const char *code, int64_t now_us)
{
	struct rv_err e = {0};
	struct rv_buf der = {0};
	struct rv_cert_status status = {.kind = RV_STATUS_UNKNOWN};
	struct rv_status_when when = {.now_us = now_us};
	struct authority_crl how = {.now_us = now_us, .next_us = now_us + 7 * PKI_DAY};
	struct authority_crl_made made = {.keys = 0};
	char *out = file_join(office_base, "out.crl");
	how.out = out;
	good(authority_crl(a, &how, &made, &e), &e);
	assert_int_equal(file_read(out, 1 << 20, &der, &e), 0);
	struct rv_path *path = path_of(a, cert, code);
	assert_int_equal(rv_path_links(path), 1);
	good(rv_status_from_crl(&status, path, 0, der.data, der.len, &when, &e), &e);
	rv_path_free(&path);
	rv_buf_free(&der);
	free(out);
	return status;
}

static struct rv_cert_status by_ocsp(struct authority *a, struct ocsp *o, const struct rv_cert *cert, const char *code,
	int64_t now_us)
{
	struct rv_err e = {0};
	struct rv_buf request = {0}, response = {0};
	const uint8_t nonce[16] = {1, 2, 3};
	struct rv_span span = {nonce, sizeof(nonce)};
	struct rv_cert_status status = {.kind = RV_STATUS_UNKNOWN};
	struct rv_status_when when = {.now_us = now_us};
	struct rv_path *path = path_of(a, cert, code);
	good(rv_ocsp_request(&request, path, 0, RV_OCSP_SHA256, span, &e), &e);
	good(ocsp_answer(o, request.data, request.len, now_us, &response, &e), &e);
	good(rv_status_from_ocsp(&status, path, 0, response.data, response.len, span, &when, &e), &e);
	rv_path_free(&path);
	rv_buf_free(&request);
	rv_buf_free(&response);
	return status;
}

static struct ocsp *responder(struct authority *a)
{
	struct rv_err e = {0};
	struct ocsp *o = NULL;
	int64_t until = 0;
	struct authority_responder how = {.now_us = PKI_NOW, .to_us = PKI_NOW + 30 * PKI_DAY};
	struct ocsp_params p = {office_dir, PKI_DAY};
	good(authority_responder(a, &how, &until, &e), &e);
	assert_int_equal(until, PKI_NOW + 30 * PKI_DAY);
	good(ocsp_open(&o, &p, &e), &e);
	return o;
}

/* ---- tests ---- */

static void test_issued(void **state)
{
	struct rv_err e = {0};
	struct issued x = {0};
	struct rv_trust *t = NULL;
	struct rv_buf text = {0};
	struct authority *a = create();
	office_admitted(a, &ke);
	office_admitted(a, &fr);
	good(authority_issued(a, &x, &e), &e);
	assert_int_equal(x.n, 2);
	assert_string_equal(x.items[0].code, "KE");
	assert_true(strlen(x.items[0].serial) >= 30);
	assert_int_equal(x.items[0].revoked_us, 0);
	/* the certificate has the addresses as they are */
	const struct rv_member *m = member(a, "KE", &t);
	struct rv_span der;
	rv_cert_der(m->certs[0].cert, &der);
	const unsigned char *p = der.data;
	X509 *cert = d2i_X509(NULL, &p, (long)der.len);
	CRL_DIST_POINTS *points = X509_get_ext_d2i(cert, NID_crl_distribution_points, NULL, NULL);
	assert_int_equal(sk_DIST_POINT_num(points), 1);
	GENERAL_NAMES *names = sk_DIST_POINT_value(points, 0)->distpoint->name.fullname;
	assert_int_equal(sk_GENERAL_NAME_num(names), 1);
	const ASN1_IA5STRING *uri = sk_GENERAL_NAME_value(names, 0)->d.uniformResourceIdentifier;
	char expected[128];
	snprintf(expected, sizeof(expected), "http://pki.example.org/%s.crl", x.items[0].issuer);
	assert_int_equal(ASN1_STRING_length(uri), strlen(expected));
	assert_memory_equal(ASN1_STRING_get0_data(uri), expected, strlen(expected));
	CRL_DIST_POINTS_free(points);
	AUTHORITY_INFO_ACCESS *access = X509_get_ext_d2i(cert, NID_info_access, NULL, NULL);
	assert_int_equal(sk_ACCESS_DESCRIPTION_num(access), 1);
	uri = sk_ACCESS_DESCRIPTION_value(access, 0)->location->d.uniformResourceIdentifier;
	assert_int_equal(ASN1_STRING_length(uri), strlen(ocsp_url));
	assert_memory_equal(ASN1_STRING_get0_data(uri), ocsp_url, strlen(ocsp_url));
	AUTHORITY_INFO_ACCESS_free(access);
	X509_free(cert);
	const struct rv_issuer *issuers;
	assert_int_equal(rv_trust_issuers(t, &issuers), 1);
	assert_string_equal(issuers[0].crl_urls[0], expected);
	rv_trust_unref(&t);

	/* what came to nothing is not in the index: another's CURVE key */
	struct party thief;
	struct rv_join j;
	struct rv_signer signer;
	party_new(&thief, "US", RV_ROLE_ADMINISTRATION, 0);
	office_join(&j, thief.key, "US", RV_ROLE_ADMINISTRATION, ke.z85);
	rv_buf_reset(&thief.join);
	assert_int_equal(issue_signer(&signer, thief.key, "US", NULL), 0);
	assert_int_equal(rv_join_write(&j, &signer, &thief.join, &e), 0);
	assert_int_equal(office_admit(a, &thief, 0, 0, PKI_NOW, &e), RV_ESCHEMA);
	rv_join_clear(&j);
	party_clear(&thief);
	issued_clear(&x);
	good(authority_issued(a, &x, &e), &e);
	assert_int_equal(x.n, 2);
	issued_clear(&x);

	/* a certificate alone */
	struct rv_buf pem = {0};
	int64_t until = 0;
	struct authority_issue how = {.now_us = PKI_NOW, .to_us = PKI_NOW + 5000 * PKI_DAY};
	assert_int_equal(rv_join_read(&j, fr.join.data, fr.join.len, &e), 0);
	good(authority_issue(a, j.request, j.request_len, &how, &pem, &until, &e), &e);
	assert_int_equal(until, PKI_NOW + 1000 * PKI_DAY); /* not past the authority's own */
	assert_int_equal(authority_issue(a, j.request, j.request_len - 1, &how, &pem, &until, &e), RV_ECERT);
	rv_join_clear(&j);
	good(authority_issued(a, &x, &e), &e);
	assert_int_equal(x.n, 3);
	assert_string_equal(x.items[2].code, "FR");
	/* it reads as it was written */
	read_file("issued/index", &text);
	good(issued_write(&x, office_dir, &e), &e);
	struct rv_buf again = {0};
	read_file("issued/index", &again);
	assert_string_equal(text.data, again.data);
	issued_clear(&x);
	authority_close(&a);
	rv_buf_free(&text);
	rv_buf_free(&again);
	rv_buf_free(&pem);
}

static void test_index(void **state)
{
	static const char *const damaged[] = {
		"x", "x\n", "00 11223344 a b KE 00 good\n",
		"ab 11223344 2026-01-01T00:00:00Z 2027-01-01T00:00:00Z KE %s fine\n",
		"ab 11223344 2026-01-01T00:00:00Z 2027-01-01T00:00:00Z KE %s good more\n",
		"ab 11223344 2026-01-01T00:00:00Z 2027-01-01T00:00:00Z KE %s revoked 2026-02-01T00:00:00Z\n",
		"ab 11223344 2026-01-01T00:00:00Z 2027-01-01T00:00:00Z KE %s revoked 2026-02-01T00:00:00Z why -\n",
		"ab 1122334 2026-01-01T00:00:00Z 2027-01-01T00:00:00Z KE %s good\n",
		"ag 11223344 2026-01-01T00:00:00Z 2027-01-01T00:00:00Z KE %s good\n",
		"ab 11223344 2026-01-01T00:00:00Z 2027-01-01T00:00:00Z ke %s good\n",
		"ab 11223344 2026-01-01T00:00:00Z 2027-01-01T00:00:00Z KE %s good",
	};
	char key[RV_DIGEST_TEXT], text[512];
	struct rv_err e = {0};
	struct issued x = {0};
	struct authority *a = create();
	struct issued_cert c = {.from_us = PKI_NOW, .to_us = PKI_NOW + PKI_DAY, .serial = "0ab4", .issuer = "11223344",
		.code = "KE"};
	good(issued_add(&x, &c, &e), &e);
	assert_non_null(issued_find(&x, "0AB4"));
	assert_non_null(issued_find(&x, "0a:b4"));
	assert_non_null(issued_find(&x, "000ab4"));
	assert_non_null(issued_find(&x, "ab4"));
	assert_null(issued_find(&x, "ab"));
	assert_null(issued_find(&x, "ab40"));
	assert_null(issued_find(&x, ""));
	good(issued_write(&x, office_dir, &e), &e);
	issued_clear(&x);
	rv_hex(key, c.key, RV_DIGEST_LEN);
	char *path = file_join(office_dir, "issued/index");
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		struct rv_buf one = {0};
		rv_buf_printf(&one, "# fine so far\n");
		const char *at = strstr(damaged[i], "%s");
		snprintf(text, sizeof(text), "%.*s%s%s", at != NULL ? (int)(at - damaged[i]) : 400, damaged[i],
			at != NULL ? key : "", at != NULL ? at + 2 : "");
		rv_buf_str(&one, text);
		assert_int_equal(file_write(path, 0600, one.data, one.len, &e), 0);
		if (issued_read(&x, office_dir, &e) != RV_EPARSE) {
			print_error("taken: %s\n", text);
			fail();
		}
		assert_int_equal(x.n, 0);
		rv_buf_free(&one);
	}
	/* nothing is issued or revoked by a folder that does not know what it did */
	assert_int_equal(office_admit(a, &ke, 0, 0, PKI_NOW, &e), RV_EPARSE);
	struct rv_trust *t = NULL;
	assert_null(member(a, "KE", &t));
	rv_trust_unref(&t);
	free(path);
	authority_close(&a);
}

static void test_revoke(void **state)
{
	struct rv_err e = {0};
	struct rv_trust *t = NULL;
	struct authority *a = create();
	office_admitted(a, &ke);
	office_admitted(a, &fr);
	struct ocsp *o = responder(a);
	const struct rv_member *m = member(a, "KE", &t);
	const struct rv_cert *cert = m->certs[0].cert, *other = rv_trust_member(t, "FR")->certs[0].cert;
	assert_int_equal(by_crl(a, cert, "KE", PKI_NOW).kind, RV_STATUS_GOOD);
	assert_int_equal(by_ocsp(a, o, cert, "KE", PKI_NOW).kind, RV_STATUS_GOOD);

	struct authority_revoke how = {.what = "KE", .reason = RV_REASON_SUPERSEDED, .now_us = PKI_NOW + PKI_DAY};
	struct authority_revoked r = {.n = 0};
	how.since_us = how.now_us + PKI_DAY;
	assert_int_equal(authority_revoke(a, &how, &r, &e), RV_EINVAL);
	how.since_us = 0;
	how.what = "US";
	assert_int_equal(authority_revoke(a, &how, &r, &e), RV_ENOTFOUND);
	how.what = "00:11:22:33:44:55:66:77:88";
	assert_int_equal(authority_revoke(a, &how, &r, &e), RV_ENOTFOUND);
	how.what = "KE";
	good(authority_revoke(a, &how, &r, &e), &e);
	assert_int_equal(r.n, 1);
	assert_int_equal(r.in_draft, 1);
	assert_int_equal(r.in_index, 1);
	assert_int_equal(r.ended, 0);
	assert_int_equal(authority_revoke(a, &how, &r, &e), RV_EEXIST);
	struct rv_cert_status s = by_crl(a, cert, "KE", PKI_NOW + PKI_DAY);
	assert_int_equal(s.kind, RV_STATUS_REVOKED);
	assert_int_equal(s.reason, RV_REVOKED_SUPERSEDED);
	assert_int_equal(s.revoked_us, PKI_NOW + PKI_DAY);
	assert_int_equal(s.invalid_us, 0);
	s = by_ocsp(a, o, cert, "KE", PKI_NOW + PKI_DAY); /* the same responder, without a restart */
	assert_int_equal(s.kind, RV_STATUS_REVOKED);
	assert_int_equal(s.revoked_us, PKI_NOW + PKI_DAY);
	assert_int_equal(by_crl(a, other, "FR", PKI_NOW + PKI_DAY).kind, RV_STATUS_GOOD);

	/* then it turns out that the key was stolen, and when */
	how.reason = RV_REASON_KEY_COMPROMISE;
	how.now_us = PKI_NOW + 2 * PKI_DAY;
	how.since_us = PKI_NOW + PKI_DAY / 2;
	good(authority_revoke(a, &how, &r, &e), &e);
	assert_int_equal(r.ended, 1);
	s = by_crl(a, cert, "KE", how.now_us);
	assert_int_equal(s.reason, RV_REVOKED_KEY_COMPROMISE);
	assert_int_equal(s.revoked_us, PKI_NOW + PKI_DAY);
	assert_int_equal(s.invalid_us, how.since_us);
	s = by_ocsp(a, o, cert, "KE", how.now_us);
	assert_int_equal(s.reason, RV_REVOKED_KEY_COMPROMISE);
	struct rv_trust *now = NULL;
	m = member(a, "KE", &now);
	assert_int_equal(m->certs[0].revoked_us, how.since_us);
	assert_int_equal(m->certs[0].reason, RV_REASON_KEY_COMPROMISE);
	assert_null(rv_trust_by_curve(now, ke.z85, how.now_us + 1));
	rv_trust_unref(&now);

	/* a thief's key is never certified again */
	int64_t until = 0;
	struct authority_renew renew = {.now_us = how.now_us, .to_us = how.now_us + 100 * PKI_DAY};
	assert_int_equal(authority_renew(a, "KE", &renew, &until, &e), RV_ENOTFOUND);
	assert_int_equal(office_admit(a, &ke, 1, 0, how.now_us, &e), RV_EDENIED);
	assert_string_equal(e.rule, "AUTHORITY-KEY");
	/* ...another one is */
	struct party next;
	party_new(&next, "KE", RV_ROLE_ADMINISTRATION, 0);
	good(office_admit(a, &next, 1, 0, how.now_us, &e), &e);
	m = member(a, "KE", &now);
	assert_int_equal(m->n_certs, 2);
	rv_trust_unref(&now);
	party_clear(&next);

	/* who leaves is revoked too */
	size_t revoked = 0;
	good(authority_remove(a, "FR", how.now_us, &revoked, &e), &e);
	assert_int_equal(revoked, 1);
	s = by_ocsp(a, o, other, "FR", how.now_us);
	assert_int_equal(s.kind, RV_STATUS_REVOKED);
	assert_int_equal(s.reason, RV_REVOKED_CESSATION);
	ocsp_close(&o);
	rv_trust_unref(&t);
	authority_close(&a);
}

/* By serial number; a compromised key takes all its certificates along. */
static void test_serial(void **state)
{
	struct rv_err e = {0};
	struct rv_trust *t = NULL;
	struct issued x = {0};
	int64_t until = 0;
	struct authority *a = create();
	office_admitted(a, &ke);
	struct authority_renew renew = {.now_us = PKI_NOW + 10 * PKI_DAY, .to_us = PKI_NOW + 900 * PKI_DAY,
		.overlap_us = 14 * PKI_DAY};
	good(authority_renew(a, "KE", &renew, &until, &e), &e);
	assert_int_equal(until, PKI_NOW + 900 * PKI_DAY);
	assert_int_equal(authority_renew(a, "US", &renew, &until, &e), RV_ENOTFOUND);
	const struct rv_member *m = member(a, "KE", &t);
	assert_int_equal(m->n_certs, 2);
	assert_int_equal(m->certs[0].to_us, renew.now_us + renew.overlap_us);
	assert_int_equal(m->certs[1].to_us, until);
	assert_int_equal(m->n_keys, 1);
	assert_int_equal(m->keys[0].to_us, until);
	assert_int_equal(EVP_PKEY_eq(rv_cert_key(m->certs[0].cert), rv_cert_key(m->certs[1].cert)), 1);
	good(authority_issued(a, &x, &e), &e);
	assert_int_equal(x.n, 2);

	struct authority_revoked r = {.n = 0};
	struct authority_revoke how = {.what = x.items[0].serial, .reason = RV_REASON_SUPERSEDED, .now_us = renew.now_us};
	good(authority_revoke(a, &how, &r, &e), &e);
	assert_string_equal(r.code, "KE");
	assert_int_equal(r.in_draft, 1);
	m = member(a, "KE", &t);
	assert_int_not_equal(m->certs[0].revoked_us, 0);
	assert_int_equal(m->certs[1].revoked_us, 0);
	how.reason = RV_REASON_KEY_COMPROMISE;
	good(authority_revoke(a, &how, &r, &e), &e);
	assert_int_equal(r.in_draft, 2);
	assert_int_equal(r.in_index, 2);
	m = member(a, "KE", &t);
	assert_int_equal(m->certs[1].reason, RV_REASON_KEY_COMPROMISE);
	rv_trust_unref(&t);
	issued_clear(&x);
	authority_close(&a);
}

static int status_of(const struct rv_buf *der)
{
	const unsigned char *p = der->data;
	OCSP_RESPONSE *r = d2i_OCSP_RESPONSE(NULL, &p, (long)der->len);
	assert_non_null(r);
	int status = OCSP_response_status(r);
	OCSP_RESPONSE_free(r);
	return status;
}

static int asked(struct ocsp *o, const void *data, size_t len, int64_t now_us, int want)
{
	struct rv_err e = {0};
	struct rv_buf out = {0};
	int rc = ocsp_answer(o, data, len, now_us, &out, &e);
	assert_int_equal(status_of(&out), want);
	rv_buf_free(&out);
	return rc;
}

static void test_ocsp(void **state)
{
	struct rv_err e = {0};
	struct rv_trust *t = NULL;
	struct ocsp *o = NULL;
	struct rv_buf request = {0}, text = {0};
	struct authority *a = create();
	struct ocsp_params params = {office_dir, PKI_DAY};
	assert_int_equal(ocsp_open(&o, &params, &e), RV_ENOTFOUND);
	assert_non_null(strstr(e.mend, "--certify"));
	office_admitted(a, &ke);
	o = responder(a);
	const struct rv_member *m = member(a, "KE", &t);
	struct rv_path *path = path_of(a, m->certs[0].cert, "KE");
	const struct rv_span none = {NULL, 0};

	/* what is no request */
	assert_int_equal(asked(o, "", 0, PKI_NOW, OCSP_RESPONSE_STATUS_MALFORMEDREQUEST), 0);
	assert_int_equal(asked(o, "x", 1, PKI_NOW, OCSP_RESPONSE_STATUS_MALFORMEDREQUEST), 0);
	good(rv_ocsp_request(&request, path, 0, RV_OCSP_SHA1, none, &e), &e);
	assert_int_equal(asked(o, request.data, request.len, PKI_NOW, OCSP_RESPONSE_STATUS_SUCCESSFUL), 0);
	assert_int_equal(asked(o, request.data, request.len - 1, PKI_NOW, OCSP_RESPONSE_STATUS_MALFORMEDREQUEST), 0);
	rv_buf_u8(&request, 0);
	assert_int_equal(asked(o, request.data, request.len, PKI_NOW, OCSP_RESPONSE_STATUS_MALFORMEDREQUEST), 0);
	request.len--;
	for (size_t i = 0; i < request.len; i++) { /* whatever it is, there is an answer */
		struct rv_buf out = {0};
		request.data[i] ^= 0x55;
		ocsp_answer(o, request.data, request.len, PKI_NOW, &out, NULL);
		status_of(&out);
		request.data[i] ^= 0x55;
		rv_buf_free(&out);
	}
	/* a nonce that is too long (RFC 8954) */
	const uint8_t nonce[32] = {7};
	struct rv_buf long_one = {0};
	good(rv_ocsp_request(&long_one, path, 0, RV_OCSP_SHA1, (struct rv_span){nonce, 32}, &e), &e);
	assert_int_equal(asked(o, long_one.data, long_one.len, PKI_NOW, OCSP_RESPONSE_STATUS_SUCCESSFUL), 0);
	const unsigned char *p = request.data;
	OCSP_REQUEST *req = d2i_OCSP_REQUEST(NULL, &p, (long)request.len);
	unsigned char many[33] = {0};
	unsigned char *der = NULL;
	assert_int_equal(OCSP_request_add1_nonce(req, many, 33), 1);
	int len = i2d_OCSP_REQUEST(req, &der);
	assert_int_equal(asked(o, der, (size_t)len, PKI_NOW, OCSP_RESPONSE_STATUS_MALFORMEDREQUEST), 0);
	OPENSSL_free(der);
	OCSP_REQUEST_free(req);
	rv_path_free(&path);

	/* another authority's certificate */
	struct pki_authority stranger;
	struct pki_member theirs;
	pki_authority(&stranger, "XX", PKI_NOW - PKI_DAY, PKI_NOW + 100 * PKI_DAY);
	pki_member(&theirs, &stranger, "KE", 0);
	struct rv_span span;
	struct rv_chain *chain = NULL;
	rv_cert_der(stranger.cert, &span);
	struct rv_chain_issuer issuer = {.der = span};
	good(rv_chain_new(&chain, &issuer, 1, &e), &e);
	good(rv_chain_path(&path, chain, theirs.cert, "KE", PKI_NOW, &e), &e);
	rv_buf_reset(&request);
	good(rv_ocsp_request(&request, path, 0, RV_OCSP_SHA1, none, &e), &e);
	assert_int_equal(asked(o, request.data, request.len, PKI_NOW, OCSP_RESPONSE_STATUS_UNAUTHORIZED), 0);
	rv_path_free(&path);
	rv_chain_free(&chain);
	pki_authority_clear(&stranger);
	pki_member_clear(&theirs);

	/* the responder's certificate ends; the index cannot be read */
	path = path_of(a, m->certs[0].cert, "KE");
	rv_buf_reset(&request);
	good(rv_ocsp_request(&request, path, 0, RV_OCSP_SHA1, none, &e), &e);
	assert_int_equal(asked(o, request.data, request.len, PKI_NOW + 31 * PKI_DAY, OCSP_RESPONSE_STATUS_TRYLATER),
		RV_EEXPIRED);
	read_file("issued/index", &text);
	char *index = file_join(office_dir, "issued/index");
	assert_int_equal(file_write(index, 0600, "damaged\n", 8, &e), 0);
	assert_int_equal(asked(o, request.data, request.len, PKI_NOW, OCSP_RESPONSE_STATUS_TRYLATER), RV_EPARSE);
	assert_int_equal(file_write(index, 0600, text.data, text.len, &e), 0);
	assert_int_equal(asked(o, request.data, request.len, PKI_NOW, OCSP_RESPONSE_STATUS_SUCCESSFUL), 0);
	/* a new key of the responder is taken while it runs */
	struct authority_responder again = {.now_us = PKI_NOW + 31 * PKI_DAY, .to_us = PKI_NOW + 60 * PKI_DAY};
	int64_t until = 0;
	good(authority_responder(a, &again, &until, &e), &e);
	assert_int_equal(by_ocsp(a, o, m->certs[0].cert, "KE", PKI_NOW + 32 * PKI_DAY).kind, RV_STATUS_GOOD);
	free(index);
	rv_path_free(&path);
	rv_trust_unref(&t);
	ocsp_close(&o);
	ocsp_close(&o);
	authority_close(&a);
	rv_buf_free(&request);
	rv_buf_free(&long_one);
	rv_buf_free(&text);
}

/* The authority's key rotates: each key has its CRL, its OCSP responder, and its Issuer. */
static void test_rotation(void **state)
{
	struct rv_err e = {0};
	struct rv_trust *t = NULL;
	struct authority *a = create();
	office_admitted(a, &ke);
	struct rv_trust *published = office_published(a, PKI_NOW, 1);
	rv_trust_unref(&published);
	struct authority_new next = {.from_us = PKI_NOW, .to_us = PKI_NOW + 2000 * PKI_DAY};
	good(authority_rekey(a, &next, &e), &e);
	published = office_published(a, PKI_NOW, 2);
	const struct rv_issuer *issuers;
	assert_int_equal(rv_trust_issuers(published, &issuers), 2);
	assert_string_not_equal(issuers[0].crl_urls[0], issuers[1].crl_urls[0]);
	assert_string_equal(issuers[0].ocsp_urls[0], issuers[1].ocsp_urls[0]);
	rv_trust_unref(&published);
	office_admitted(a, &fr);
	struct authority_crl how = {.now_us = PKI_NOW, .next_us = PKI_NOW + PKI_DAY};
	struct authority_crl_made made = {.keys = 0};
	good(authority_crl(a, &how, &made, &e), &e);
	assert_int_equal(made.keys, 2);
	assert_int_equal(made.number, 1);
	struct ocsp *o = responder(a);
	const struct rv_cert *former = member(a, "KE", &t)->certs[0].cert;
	assert_int_equal(by_ocsp(a, o, former, "KE", PKI_NOW).kind, RV_STATUS_GOOD);
	assert_int_equal(by_ocsp(a, o, rv_trust_member(t, "FR")->certs[0].cert, "FR", PKI_NOW).kind, RV_STATUS_GOOD);
	ocsp_close(&o);

	/* the former key goes when nothing of it is in force */
	assert_int_equal(authority_rekey_end(a, PKI_NOW, &e), RV_EDENIED);
	assert_string_equal(e.rule, "AUTHORITY-ROTATION");
	struct authority_renew renew = {.now_us = PKI_NOW, .to_us = PKI_NOW + 900 * PKI_DAY, .overlap_us = PKI_DAY};
	int64_t until = 0;
	good(authority_renew(a, "KE", &renew, &until, &e), &e);
	assert_int_equal(authority_rekey_end(a, PKI_NOW, &e), RV_EDENIED);
	good(authority_rekey_end(a, PKI_NOW + 2 * PKI_DAY, &e), &e);
	struct rv_trust *now = NULL;
	member(a, "KE", &now);
	assert_int_equal(rv_trust_issuers(now, &issuers), 1);
	rv_trust_unref(&now);
	good(authority_crl(a, &how, &made, &e), &e);
	assert_int_equal(made.keys, 1);
	assert_int_equal(made.number, 2);
	rv_trust_unref(&t);
	authority_close(&a);
}

/* The address of a CRL that has no place for the key needs another one. */
static void test_rotation_address(void **state)
{
	struct rv_err e = {0};
	struct authority_new n = {.code = "OCU", .name = "Coordination Unit", .from_us = PKI_NOW - 300 * RV_US_PER_SEC,
		.to_us = PKI_NOW + 1000 * PKI_DAY, .crl_urls = {"http://pki.example.org/ocu.crl"}};
	struct authority_new next = {.from_us = PKI_NOW, .to_us = PKI_NOW + 2000 * PKI_DAY};
	good(authority_create(office_dir, &n, &e), &e);
	struct authority *a = office_opened();
	assert_int_equal(authority_rekey(a, &next, &e), RV_EINVAL);
	assert_string_equal(e.rule, "AUTHORITY-CRL");
	next.crl_urls[0] = "http://pki.example.org/ocu2.crl";
	good(authority_rekey(a, &next, &e), &e);
	authority_close(&a);
	char *other = file_join(office_base, "b");
	n.crl_urls[0] = "ftp://x";
	assert_int_equal(authority_create(other, &n, &e), RV_ESCHEMA);
	assert_int_not_equal(access(other, F_OK), 0);
	free(other);
}

/* A national authority's certificates. */
static void test_brought(void **state)
{
	struct rv_err e = {0};
	struct rv_join j;
	struct rv_trust *t = NULL;
	X509_REQ *req = NULL;
	X509 *x509 = NULL;
	struct rv_cert *cert = NULL;
	struct rv_buf der = {0};
	struct pki_authority national, other;
	int64_t until = 0;
	int waits = 0;
	struct authority *a = create();
	pki_authority(&national, "NATIONAL", PKI_NOW - 100 * PKI_DAY, PKI_NOW + 500 * PKI_DAY);
	pki_authority(&other, "OTHER", PKI_NOW - 100 * PKI_DAY, PKI_NOW + 500 * PKI_DAY);
	assert_int_equal(rv_join_read(&j, ke.join.data, ke.join.len, &e), 0);
	const unsigned char *p = j.request;
	req = d2i_X509_REQ(NULL, &p, (long)j.request_len);
	good(issue_member(&x509, req, national.x509, national.key, "KE", "Revenue", PKI_NOW - PKI_DAY, PKI_NOW + 300 * PKI_DAY,
		&e), &e);
	good(issue_cert_der(x509, &der, &e), &e);
	good(rv_cert_from_der(&cert, der.data, der.len, &e), &e);
	struct authority_admit how = {.now_us = PKI_NOW, .to_us = PKI_NOW + 700 * PKI_DAY, .cert = cert};
	assert_int_equal(authority_admit(a, &j, &how, &until, &waits, &e), RV_ECERT);
	assert_string_equal(e.rule, "CHAIN-ISSUER");
	assert_null(member(a, "KE", &t));
	how.issuer = other.cert;
	assert_int_equal(authority_admit(a, &j, &how, &until, &waits, &e), RV_ECERT);
	const struct rv_issuer *issuers;
	member(a, "KE", &t);
	assert_int_equal(rv_trust_issuers(t, &issuers), 1); /* what was refused left nothing */
	const char *const crl[] = {"http://national.example/ca.crl"};
	struct authority_issuer as = {.crl_urls = crl, .n_crl_urls = 1};
	how.issuer = national.cert;
	how.issuer_as = &as;
	good(authority_admit(a, &j, &how, &until, &waits, &e), &e);
	assert_int_equal(until, PKI_NOW + 300 * PKI_DAY);
	const struct rv_member *m = member(a, "KE", &t);
	assert_memory_equal(rv_cert_digest(m->certs[0].cert), rv_cert_digest(cert), RV_DIGEST_LEN);
	assert_int_equal(rv_trust_issuers(t, &issuers), 2);
	assert_int_equal(issuers[1].n_members, 1);
	assert_string_equal(issuers[1].members[0], "KE");
	assert_string_equal(issuers[1].crl_urls[0], crl[0]);
	struct issued x = {0};
	good(authority_issued(a, &x, &e), &e);
	assert_int_equal(x.n, 0);
	issued_clear(&x);
	rv_join_clear(&j);

	/* another key; a member that the issuer may not certify */
	assert_int_equal(rv_join_read(&j, fr.join.data, fr.join.len, &e), 0);
	how.issuer = NULL;
	assert_int_equal(authority_admit(a, &j, &how, &until, &waits, &e), RV_ECERT);
	assert_string_equal(e.rule, "AUTHORITY-REQUEST");
	rv_cert_free(&cert);
	X509_free(x509);
	X509_REQ_free(req);
	rv_buf_reset(&der);
	p = j.request;
	req = d2i_X509_REQ(NULL, &p, (long)j.request_len);
	good(issue_member(&x509, req, national.x509, national.key, "FR", "Douane", PKI_NOW - PKI_DAY, PKI_NOW + 300 * PKI_DAY,
		&e), &e);
	good(issue_cert_der(x509, &der, &e), &e);
	good(rv_cert_from_der(&cert, der.data, der.len, &e), &e);
	how.cert = cert;
	assert_int_equal(authority_admit(a, &j, &how, &until, &waits, &e), RV_ECERT);
	assert_string_equal(e.rule, "CHAIN-MEMBER");
	how.issuer = national.cert;
	good(authority_admit(a, &j, &how, &until, &waits, &e), &e);
	member(a, "KE", &t);
	assert_int_equal(rv_trust_issuers(t, &issuers), 2);
	assert_int_equal(issuers[1].n_members, 2);
	assert_string_equal(issuers[1].crl_urls[0], crl[0]); /* as it was */

	/* the network revokes what another authority issued, in its list */
	struct authority_revoked r = {.n = 0};
	struct authority_revoke revoke = {.what = "FR", .reason = RV_REASON_KEY_COMPROMISE, .now_us = PKI_NOW};
	char hex[RV_DIGEST_TEXT];
	rv_hex(hex, rv_cert_digest(national.cert), RV_DIGEST_LEN);
	assert_int_equal(authority_issuer_remove(a, hex, PKI_NOW, &e), RV_EDENIED);
	good(authority_revoke(a, &revoke, &r, &e), &e);
	assert_int_equal(r.in_draft, 1);
	assert_int_equal(r.in_index, 0);
	how.renew = 1;
	assert_int_equal(authority_admit(a, &j, &how, &until, &waits, &e), RV_EDENIED);
	assert_string_equal(e.rule, "AUTHORITY-KEY");
	revoke.what = "KE";
	good(authority_revoke(a, &revoke, &r, &e), &e);
	assert_int_equal(authority_issuer_remove(a, "1234567", PKI_NOW, &e), RV_EINVAL);
	hex[12] = '\0';
	good(authority_issuer_remove(a, hex, PKI_NOW, &e), &e);
	assert_int_equal(authority_issuer_remove(a, hex, PKI_NOW, &e), RV_ENOTFOUND);
	rv_join_clear(&j);
	rv_cert_free(&cert);
	X509_free(x509);
	X509_REQ_free(req);
	rv_buf_free(&der);
	rv_trust_unref(&t);
	pki_authority_clear(&national);
	pki_authority_clear(&other);
	authority_close(&a);
}

static void test_policy(void **state)
{
	struct rv_err e = {0};
	struct rv_trust *t = NULL;
	struct authority *a = create();
	office_admitted(a, &ke);
	struct rv_checking hard = {RV_CHECKING_HARD, INT64_C(24) * 3600 * RV_US_PER_SEC};
	struct rv_checking off = {RV_CHECKING_OFF, INT64_C(72) * 3600 * RV_US_PER_SEC};
	good(authority_checking(a, RV_ROLE_ADMINISTRATION, &off, &e), &e);
	good(authority_checking(a, RV_ROLE_RELAY, &off, &e), &e);
	good(authority_checking(a, RV_ROLE_ADMINISTRATION, &hard, &e), &e);
	member(a, "KE", &t);
	struct rv_checking c = rv_trust_checking(t, RV_ROLE_ADMINISTRATION);
	assert_int_equal(c.mode, RV_CHECKING_HARD);
	assert_int_equal(c.max_age_us, hard.max_age_us);
	assert_int_equal(rv_trust_checking(t, RV_ROLE_RELAY).mode, RV_CHECKING_OFF);
	/* members' certificates are no issuers */
	struct authority_issuer as = {.n_members = 0};
	assert_int_equal(authority_issuer_add(a, rv_trust_member(t, "KE")->certs[0].cert, &as, &e), RV_ECERT);
	assert_string_equal(e.rule, "CHAIN-CA");
	rv_trust_unref(&t);
	t = office_published(a, PKI_NOW, 1);
	assert_int_equal(rv_trust_checking(t, RV_ROLE_ADMINISTRATION).mode, RV_CHECKING_HARD);
	rv_trust_unref(&t);
	authority_close(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_issued, office_make, office_drop),
		cmocka_unit_test_setup_teardown(test_index, office_make, office_drop),
		cmocka_unit_test_setup_teardown(test_revoke, office_make, office_drop),
		cmocka_unit_test_setup_teardown(test_serial, office_make, office_drop),
		cmocka_unit_test_setup_teardown(test_ocsp, office_make, office_drop),
		cmocka_unit_test_setup_teardown(test_rotation, office_make, office_drop),
		cmocka_unit_test_setup_teardown(test_rotation_address, office_make, office_drop),
		cmocka_unit_test_setup_teardown(test_brought, office_make, office_drop),
		cmocka_unit_test_setup_teardown(test_policy, office_make, office_drop),
	};
	return cmocka_run_group_tests_name("ca", tests, set_up, tear_down);
}
