/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/protocol/chainpki.h"

/* What OCSP responses say, good and hostile; and the requests for them. */

/* A root, an intermediate and a member: the path is member, I, R. */
struct rig {
	struct cp_cert *root, *ca, *member, *sibling, *responder;
	struct rv_path *path;
};

#define RESPONDER CP_EE "\nkeyUsage=critical,digitalSignature"
#define NOCHECK "\nnoCheck=ignored"
#define TWICE "\n1.2.3.4=DER:0500\n1.2.3.4=DER:0500"
#define OCSP_FOR "\nextendedKeyUsage=OCSPSigning"

static struct cp_cert *responder(const struct cp_cert *by, const char *exts)
{
	return cp_make(&(struct cp_make){.name = "OCSP", .by = by, .exts = exts});
}

static int set_up(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct rv_chain *chain;
	struct rv_cert *cert = NULL;
	assert_non_null(r);
	r->root = cp_make(&(struct cp_make){.name = "R", .kind = "P-384", .exts = CP_CA});
	r->ca = cp_make(&(struct cp_make){.name = "I", .by = r->root, .exts = CP_CA});
	r->member = cp_make(&(struct cp_make){.name = "KE", .by = r->ca, .exts = CP_MEMBER});
	r->sibling = cp_make(&(struct cp_make){.name = "UG", .by = r->ca, .exts = CP_MEMBER});
	r->responder = responder(r->ca, RESPONDER OCSP_FOR NOCHECK);
	chain = cp_chain(((const struct cp_cert *const[]){r->root, r->ca, NULL}));
	assert_int_equal(rv_cert_from_der(&cert, r->member->der.data, r->member->der.len, NULL), 0);
	assert_int_equal(rv_chain_path(&r->path, chain, cert, "KE", CP_NOW, NULL), 0);
	rv_chain_free(&chain);
	rv_cert_free(&cert);
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
static const struct rv_span no_nonce = {NULL, 0};

/* rule NULL: there is a status. */
static struct rv_cert_status of_bytes(const struct rig *r, size_t i, const struct rv_buf *der,
	struct rv_span nonce, const struct rv_status_when *when, const char *rule)
{
	struct rv_cert_status s;
	struct rv_cert_status untouched;
	struct rv_err e = {0};
	memset(&s, 0x5a, sizeof(s));
	memset(&untouched, 0x5a, sizeof(untouched));
	int rc = rv_status_from_ocsp(&s, r->path, i, der->data, der->len, nonce, when, &e);
	if ((rc == 0) != (rule == NULL) || (rule != NULL && strcmp(rule, e.rule) != 0)) {
		print_error("expected %s, got %d %s: %s\n", rule != NULL ? rule : "a status", rc,
			e.rule, e.text);
		fail();
	}
	if (rc != 0) {
		assert_int_equal(rc, e.code);
		assert_non_null(strstr(e.text, "certificate \""));
		assert_true(e.mend[0] != '\0');
		assert_memory_equal(&s, &untouched, sizeof(s));
		return s;
	}
	uint8_t digest[RV_DIGEST_LEN];
	rv_sha256(digest, der->data, der->len);
	assert_memory_equal(digest, s.source_digest, RV_DIGEST_LEN);
	assert_memory_equal(rv_path_digest(r->path, i), s.cert_digest, RV_DIGEST_LEN);
	assert_int_equal(s.source, RV_STATUS_OCSP);
	return s;
}

static struct rv_cert_status ocsp_when(const struct rig *r, const struct cp_ocsp *o,
	const struct rv_status_when *when, const char *rule)
{
	struct cp_ocsp full = *o;
	struct rv_buf der = {0};
	full.cert = full.cert != NULL ? full.cert : r->member;
	full.issuer = full.issuer != NULL ? full.issuer : r->ca;
	cp_ocsp(&der, &full);
	struct rv_cert_status s = of_bytes(r, 0, &der, no_nonce, when, rule);
	rv_buf_free(&der);
	return s;
}

static struct rv_cert_status ocsp(const struct rig *r, const struct cp_ocsp *o, const char *rule)
{
	return ocsp_when(r, o, &present, rule);
}

/* ---- good ones ---- */

static void good(void **state)
{
	const struct rig *r = *state;
	struct rv_cert_status s = ocsp(r, &(struct cp_ocsp){.status = 0}, NULL);
	assert_int_equal(s.kind, RV_STATUS_GOOD);
	assert_int_equal(s.this_us, CP_NOW - CP_HOUR);
	assert_int_equal(s.produced_us, CP_NOW - CP_HOUR);
	assert_int_equal(s.next_us, CP_NOW + CP_DAY);
	assert_int_equal(rv_status_judge(&s, CP_NOW, NULL), 0);
	ocsp(r, &(struct cp_ocsp){.id_md = EVP_sha256()}, NULL);
	ocsp(r, &(struct cp_ocsp){.md = EVP_sha512()}, NULL);
	ocsp(r, &(struct cp_ocsp){.flags = OCSP_RESPID_KEY}, NULL);
	ocsp(r, &(struct cp_ocsp){.ext = "1.2.3.4=DER:0500"}, NULL);
	s = ocsp(r, &(struct cp_ocsp){.next_us = -1}, NULL);
	assert_int_equal(s.next_us, 0);
	/* by a delegated responder */
	s = ocsp(r, &(struct cp_ocsp){.by = r->responder}, NULL);
	assert_int_equal(s.kind, RV_STATUS_GOOD);
	ocsp(r, &(struct cp_ocsp){.by = r->responder, .flags = OCSP_RESPID_KEY}, NULL);
	struct cp_cert *rsa = cp_make(&(struct cp_make){.name = "OCSP",
		.kind = "RSA-2048",
		.by = r->ca,
		.exts = RESPONDER OCSP_FOR NOCHECK});
	ocsp(r, &(struct cp_ocsp){.by = rsa}, NULL);
	/* of the intermediate, by the root */
	struct rv_buf der = {0};
	cp_ocsp(&der, &(struct cp_ocsp){.cert = r->ca, .issuer = r->root});
	assert_int_equal(of_bytes(r, 1, &der, no_nonce, &present, NULL).kind, RV_STATUS_GOOD);
	of_bytes(r, 0, &der, no_nonce, &present, "CHAIN-OCSP-RESPONDER");
	assert_int_equal(
		rv_status_from_ocsp(&s, r->path, 2, der.data, der.len, no_nonce, &present, NULL),
		RV_EINVAL);
	rv_buf_free(&der);
}

static void revoked_and_unknown(void **state)
{
	static const int reasons[] = {-1, 0, 1, 2, 3, 4, 5, 6, 9, 10};
	const struct rig *r = *state;
	struct rv_err e = {0};
	int64_t at = CP_NOW - 4 * CP_DAY;
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		struct rv_cert_status s = ocsp(r,
			&(struct cp_ocsp){.status = V_OCSP_CERTSTATUS_REVOKED,
				.reason = reasons[i],
				.revoked_us = at},
			NULL);
		assert_int_equal(s.kind, RV_STATUS_REVOKED);
		assert_int_equal(s.revoked_us, at);
		assert_int_equal(s.reason, reasons[i] < 0 ? 0 : reasons[i]);
		assert_int_equal(rv_status_judge(&s, at - 1, &e), 0);
		assert_int_equal(rv_status_judge(&s, at, &e), RV_ECERT);
		assert_string_equal(e.rule, "STATUS-REVOKED");
	}
	/* 20261115000000Z as invalidityDate of the answer */
	struct rv_cert_status s = ocsp(r,
		&(struct cp_ocsp){.status = V_OCSP_CERTSTATUS_REVOKED,
			.reason = 1,
			.revoked_us = at,
			.in_answer = 1,
			.ext = "invalidityDate=DER:180f32303236313131353030303030305a"},
		NULL);
	int64_t doubt = 0;
	assert_int_equal(rv_date_parse(&doubt, "2026-11-15"), 0);
	assert_int_equal(s.invalid_us, doubt);
	assert_int_equal(rv_status_judge(&s, doubt, NULL), RV_ECERT);
	assert_int_equal(rv_status_judge(&s, doubt - 1, NULL), 0);

	s = ocsp(r, &(struct cp_ocsp){.status = V_OCSP_CERTSTATUS_UNKNOWN}, NULL);
	assert_int_equal(s.kind, RV_STATUS_UNKNOWN);
	assert_int_equal(rv_status_judge(&s, CP_NOW, &e), RV_ECERT);
	assert_string_equal(e.rule, "STATUS-UNKNOWN");

	ocsp(r, &(struct cp_ocsp){.status = V_OCSP_CERTSTATUS_REVOKED, .reason = 8},
		"CHAIN-OCSP-ENTRY");
	ocsp(r, &(struct cp_ocsp){.status = V_OCSP_CERTSTATUS_REVOKED, .reason = 7},
		"CHAIN-OCSP-ENTRY");
	ocsp(r,
		&(struct cp_ocsp){.status = V_OCSP_CERTSTATUS_REVOKED,
			.reason = 1,
			.in_answer = 1,
			.ext = "invalidityDate=DER:0500"},
		"CHAIN-OCSP-ENTRY");
}

/* ---- times ---- */

static void times(void **state)
{
	const struct rig *r = *state;
	const struct rv_status_when forever = {.now_us = CP_NOW};
	struct cp_ocsp o = {.status = 0};
	/* one hour either way is forgiven, not a second more */
	o.this_us = CP_NOW + CP_HOUR;
	ocsp(r, &o, NULL);
	o.this_us += CP_SEC;
	ocsp(r, &o, "CHAIN-OCSP-NOT-YET");
	o.this_us = CP_NOW - CP_HOUR;
	o.produced_us = CP_NOW + CP_HOUR + CP_SEC;
	ocsp(r, &o, "CHAIN-OCSP-NOT-YET");
	o.produced_us = 0;
	o.this_us = CP_NOW - 2 * CP_HOUR;
	o.next_us = CP_NOW - CP_HOUR;
	ocsp(r, &o, NULL);
	o.next_us -= CP_SEC;
	ocsp(r, &o, "CHAIN-OCSP-EXPIRED");
	o.next_us = 0;
	o.this_us = CP_NOW - 72 * CP_HOUR;
	ocsp(r, &o, NULL);
	o.this_us -= CP_SEC;
	ocsp(r, &o, "CHAIN-OCSP-AGE");
	ocsp_when(r, &o, &forever, NULL);
	o.next_us = -1;
	o.this_us = CP_NOW;
	ocsp_when(r, &o, &forever, "CHAIN-OCSP-AGE");
	o.next_us = o.this_us;
	ocsp(r, &o, "CHAIN-OCSP-DATES");
	o.next_us = 0;
	o.produced_us = o.this_us - CP_HOUR - CP_SEC;
	ocsp(r, &o, "CHAIN-OCSP-DATES");
	o.this_us = o.produced_us = CP_NOW - 400 * CP_DAY; /* the issuer is not that old */
	ocsp_when(r, &o, &forever, "CHAIN-OCSP-DATES");
}

static void replay(void **state)
{
	const struct rig *r = *state;
	struct rv_status_when w = present;
	struct cp_ocsp o = {
		.status = V_OCSP_CERTSTATUS_REVOKED, .reason = 1, .this_us = CP_NOW - CP_HOUR};
	struct cp_ocsp before = {.status = 0, .this_us = CP_NOW - 2 * CP_HOUR};
	struct rv_cert_status revoked = ocsp(r, &o, NULL);
	ocsp(r, &before, NULL);
	w.known = &revoked;
	/* good of yesterday, held back by somebody who has the key */
	ocsp_when(r, &before, &w, "CHAIN-OCSP-OLDER");
	ocsp_when(r, &o, &w, NULL);
	/* the same thisUpdate, made earlier */
	o.produced_us = o.this_us - CP_SEC;
	ocsp_when(r, &o, &w, "CHAIN-OCSP-OLDER");
	before.this_us = CP_NOW;
	ocsp_when(r, &before, &w, "CHAIN-OCSP-UNREVOKED");
	revoked.reason = RV_REVOKED_HOLD;
	ocsp_when(r, &before, &w, NULL);
}

/* ---- whom it is about ---- */

static void other_certificates(void **state)
{
	const struct rig *r = *state;
	ocsp(r, &(struct cp_ocsp){.cert = r->sibling}, "CHAIN-OCSP-CERT");
	ocsp(r, &(struct cp_ocsp){.twice = 1}, "CHAIN-OCSP-TWICE");
	ocsp(r, &(struct cp_ocsp){.id_md = EVP_sha512()}, "CHAIN-OCSP-CERT");
	/* the serial, but of another authority with that name */
	struct cp_cert *same =
		cp_make(&(struct cp_make){.name = "I", .by = r->root, .exts = CP_CA});
	ocsp(r, &(struct cp_ocsp){.issuer = same, .by = r->responder}, "CHAIN-OCSP-CERT");
	ocsp(r, &(struct cp_ocsp){.ext = "1.2.3.4=critical,DER:0500"}, "CHAIN-OCSP-EXTENSION");
	ocsp(r, &(struct cp_ocsp){.ext = "1.2.3.4=critical,DER:0500", .in_answer = 1},
		"CHAIN-OCSP-EXTENSION");
}

/* ---- who signed it ---- */

static void wrong_signers(void **state)
{
	const struct rig *r = *state;
	struct cp_cert *same =
		cp_make(&(struct cp_make){.name = "I", .by = r->root, .exts = CP_CA});
	struct cp_cert *fake = cp_make(
		&(struct cp_make){.name = "OCSP", .by = same, .exts = RESPONDER OCSP_FOR NOCHECK});
	struct rv_buf der = {0};
	ocsp(r, &(struct cp_ocsp){.by = r->root}, "CHAIN-OCSP-RESPONDER");
	ocsp(r, &(struct cp_ocsp){.by = same}, "CHAIN-OCSP-SIGNATURE");
	ocsp(r, &(struct cp_ocsp){.by = fake}, "CHAIN-OCSP-RESPONDER");
	ocsp(r, &(struct cp_ocsp){.by = r->responder, .flags = OCSP_NOCERTS},
		"CHAIN-OCSP-RESPONDER");
	ocsp(r, &(struct cp_ocsp){.by = responder(r->root, RESPONDER OCSP_FOR NOCHECK)},
		"CHAIN-OCSP-RESPONDER");
	ocsp(r, &(struct cp_ocsp){.by = cp_tamper(r->responder)}, "CHAIN-OCSP-RESPONDER");
	ocsp(r, &(struct cp_ocsp){.by = r->sibling}, "CHAIN-OCSP-PURPOSE");
	ocsp(r, &(struct cp_ocsp){.by = r->member}, "CHAIN-OCSP-PURPOSE");
	ocsp(r, &(struct cp_ocsp){.md = EVP_sha1()}, "CHAIN-OCSP-HASH");
	/* signed by nobody: the last byte is of the signature */
	cp_ocsp(&der, &(struct cp_ocsp){.cert = r->member, .issuer = r->ca});
	der.data[der.len - 1] ^= 1;
	of_bytes(r, 0, &der, no_nonce, &present, "CHAIN-OCSP-SIGNATURE");
	rv_buf_free(&der);
}

static void wrong_delegates(void **state)
{
	static const struct {
		const char *exts;
		const char *rule;
	} bad[] = {
		{RESPONDER NOCHECK, "CHAIN-OCSP-PURPOSE"},
		{RESPONDER NOCHECK "\nextendedKeyUsage=serverAuth", "CHAIN-OCSP-PURPOSE"},
		{RESPONDER NOCHECK "\nextendedKeyUsage=anyExtendedKeyUsage", "CHAIN-OCSP-PURPOSE"},
		{RESPONDER OCSP_FOR, "CHAIN-OCSP-NOCHECK"},
		{RESPONDER OCSP_FOR NOCHECK "\n1.2.3.4=critical,DER:0500", "CHAIN-OCSP-DELEGATE"},
		{RESPONDER OCSP_FOR NOCHECK TWICE, "CHAIN-OCSP-DELEGATE"},
		{CP_CA OCSP_FOR NOCHECK, "CHAIN-OCSP-DELEGATE"},
		{CP_EE OCSP_FOR NOCHECK "\nkeyUsage=critical,keyEncipherment",
			"CHAIN-OCSP-DELEGATE"},
	};
	const struct rig *r = *state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ocsp(r, &(struct cp_ocsp){.by = responder(r->ca, bad[i].exts)}, bad[i].rule);
	}
	struct cp_make m = {
		.name = "OCSP", .by = r->ca, .exts = RESPONDER OCSP_FOR NOCHECK, .md = EVP_sha1()};
	ocsp(r, &(struct cp_ocsp){.by = cp_make(&m)}, "CHAIN-OCSP-DELEGATE");
	m.md = NULL;
	m.kind = "RSA-1024";
	ocsp(r, &(struct cp_ocsp){.by = cp_make(&m)}, "CHAIN-OCSP-DELEGATE");
	m.kind = NULL;
	/* it had expired when it signed; it has expired since; it was not yet valid */
	m.to = CP_NOW - 3 * CP_HOUR;
	struct cp_cert *old = cp_make(&m);
	ocsp(r, &(struct cp_ocsp){.by = old}, "CHAIN-OCSP-DELEGATE");
	ocsp(r, &(struct cp_ocsp){.by = old, .this_us = CP_NOW - 4 * CP_HOUR},
		"CHAIN-OCSP-DELEGATE");
	m.from = CP_NOW;
	m.to = 0;
	ocsp(r, &(struct cp_ocsp){.by = cp_make(&m)}, "CHAIN-OCSP-DELEGATE");
}

/* ---- requests and nonces ---- */

static void nonces(void **state)
{
	const struct rig *r = *state;
	const struct rv_span ours = {(const uint8_t *)"0123456789abcdef", 16};
	const struct rv_span theirs = {(const uint8_t *)"0123456789abcdeF", 16};
	const struct rv_span shorter = {(const uint8_t *)"0123456789abcde", 15};
	struct rv_buf der = {0};
	cp_ocsp(&der, &(struct cp_ocsp){.cert = r->member, .issuer = r->ca, .nonce = ours});
	of_bytes(r, 0, &der, ours, &present, NULL);
	of_bytes(r, 0, &der, theirs, &present, "CHAIN-OCSP-NONCE");
	of_bytes(r, 0, &der, shorter, &present, "CHAIN-OCSP-NONCE");
	of_bytes(r, 0, &der, no_nonce, &present, NULL);
	rv_buf_reset(&der);
	/* responders that sign beforehand leave it out */
	cp_ocsp(&der, &(struct cp_ocsp){.cert = r->member, .issuer = r->ca});
	of_bytes(r, 0, &der, ours, &present, NULL);
	rv_buf_free(&der);
}

static void requests(void **state)
{
	const struct rig *r = *state;
	const struct rv_span nonce = {(const uint8_t *)"0123456789abcdef0123456789abcdefX", 32};
	const struct rv_span too_long = {nonce.data, 33};
	for (int sha256 = 0; sha256 < 2; sha256++) {
		struct rv_buf der = {0};
		assert_int_equal(
			rv_ocsp_request(&der, r->path, 0, sha256 ? RV_OCSP_SHA256 : RV_OCSP_SHA1,
				sha256 ? nonce : no_nonce, NULL),
			0);
		const unsigned char *p = der.data;
		OCSP_REQUEST *req = d2i_OCSP_REQUEST(NULL, &p, (long)der.len);
		assert_non_null(req);
		assert_ptr_equal(p, der.data + der.len);
		assert_int_equal(OCSP_request_onereq_count(req), 1);
		OCSP_CERTID *id = OCSP_cert_to_id(
			sha256 ? EVP_sha256() : EVP_sha1(), r->member->x509, r->ca->x509);
		assert_int_equal(
			OCSP_id_cmp(id, OCSP_onereq_get0_id(OCSP_request_onereq_get0(req, 0))), 0);
		assert_int_equal(OCSP_REQUEST_get_ext_count(req), sha256);
		OCSP_CERTID_free(id);
		OCSP_REQUEST_free(req);
		rv_buf_free(&der);
	}
	struct rv_buf none = {0};
	assert_int_equal(
		rv_ocsp_request(&none, r->path, 2, RV_OCSP_SHA1, no_nonce, NULL), RV_EINVAL);
	assert_int_equal(
		rv_ocsp_request(&none, r->path, 0, RV_OCSP_SHA1, too_long, NULL), RV_EINVAL);
	assert_int_equal(none.len, 0);
}

/* ---- bytes ---- */

static void refusals(void **state)
{
	/* responseStatus alone */
	static const struct {
		uint8_t status;
		const char *rule;
	} all[] = {{1, "CHAIN-OCSP-STATUS"}, {2, "CHAIN-OCSP-STATUS"}, {3, "CHAIN-OCSP-LATER"},
		{4, "CHAIN-OCSP-STATUS"}, {5, "CHAIN-OCSP-STATUS"}, {6, "CHAIN-OCSP-STATUS"},
		{0x7f, "CHAIN-OCSP-STATUS"}, {0xff, "CHAIN-OCSP-STATUS"}, {0, "CHAIN-OCSP-TYPE"}};
	/* successful, of the type 1.2.3 */
	static const uint8_t other[] = {0x30, 0x11, 0x0a, 0x01, 0x00, 0xa0, 0x0c, 0x30, 0x0a, 0x06,
		0x02, 0x2a, 0x03, 0x04, 0x04, 0x30, 0x02, 0x05, 0x00};
	const struct rig *r = *state;
	struct rv_buf der = {0};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		uint8_t bytes[] = {0x30, 0x03, 0x0a, 0x01, all[i].status};
		struct rv_buf alone = {.data = bytes, .len = sizeof(bytes)};
		of_bytes(r, 0, &alone, no_nonce, &present, all[i].rule);
	}
	assert_int_equal(rv_buf_put(&der, other, sizeof(other)), 0);
	of_bytes(r, 0, &der, no_nonce, &present, "CHAIN-OCSP-TYPE");
	/* the same with indefinite length: BER, not DER */
	rv_buf_reset(&der);
	static const uint8_t ber[] = {0x30, 0x80, 0x0a, 0x01, 0x03, 0x00, 0x00};
	assert_int_equal(rv_buf_put(&der, ber, sizeof(ber)), 0);
	of_bytes(r, 0, &der, no_nonce, &present, "CHAIN-OCSP-UNREADABLE");
	rv_buf_free(&der);
}

static void wrap(struct rv_buf *b, uint8_t tag, const void *before, size_t len)
{
	struct rv_buf out = {0};
	assert_int_equal(rv_buf_u8(&out, tag), 0);
	assert_int_equal(rv_buf_u8(&out, 0x82), 0);
	assert_int_equal(rv_buf_u16(&out, (uint16_t)(len + b->len)), 0);
	assert_int_equal(rv_buf_put(&out, before, len), 0);
	assert_int_equal(rv_buf_put(&out, b->data, b->len), 0);
	rv_buf_free(b);
	*b = out;
}

/* Bytes behind the basic response, within the OCTET STRING that holds it: no signature covers them.
 */
static void hidden_bytes(void **state)
{
	static const uint8_t type[] = {
		0x06, 0x09, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01};
	static const uint8_t successful[] = {0x0a, 0x01, 0x00};
	const struct rig *r = *state;
	for (size_t more = 0; more < 2; more++) {
		struct rv_buf der = {0};
		cp_ocsp(&der,
			&(struct cp_ocsp){.cert = r->member, .issuer = r->ca, .by = r->responder});
		const unsigned char *p = der.data;
		OCSP_RESPONSE *resp = d2i_OCSP_RESPONSE(NULL, &p, (long)der.len);
		OCSP_BASICRESP *basic = OCSP_response_get1_basic(resp);
		unsigned char *bytes = NULL;
		int len = i2d_OCSP_BASICRESP(basic, &bytes);
		assert_true(len > 256);
		rv_buf_reset(&der);
		assert_int_equal(rv_buf_put(&der, bytes, (size_t)len), 0);
		assert_int_equal(rv_buf_put(&der, "\x05\x00", more * 2), 0);
		wrap(&der, 0x04, NULL, 0);
		wrap(&der, 0x30, type, sizeof(type));
		wrap(&der, 0xa0, NULL, 0);
		wrap(&der, 0x30, successful, sizeof(successful));
		of_bytes(r, 0, &der, no_nonce, &present, more ? "CHAIN-OCSP-UNREADABLE" : NULL);
		OPENSSL_free(bytes);
		OCSP_BASICRESP_free(basic);
		OCSP_RESPONSE_free(resp);
		rv_buf_free(&der);
	}
}

static void broken(void **state)
{
	const struct rig *r = *state;
	struct rv_buf der = {0};
	cp_ocsp(&der, &(struct cp_ocsp){.cert = r->member, .issuer = r->ca, .by = r->responder});
	for (size_t len = 0; len < der.len; len += 5) {
		struct rv_buf part = {.data = der.data, .len = len};
		of_bytes(r, 0, &part, no_nonce, &present, "CHAIN-OCSP-UNREADABLE");
	}
	/* any bit of it, the responder's certificate among it */
	for (size_t i = 0; i < der.len; i += 3) {
		struct rv_cert_status s;
		der.data[i] ^= 4;
		assert_true(rv_status_from_ocsp(&s, r->path, 0, der.data, der.len, no_nonce,
				    &present, NULL) < 0);
		der.data[i] ^= 4;
	}
	of_bytes(r, 0, &der, no_nonce, &present, NULL);
	assert_int_equal(rv_buf_u8(&der, 0), 0);
	of_bytes(r, 0, &der, no_nonce, &present, "CHAIN-OCSP-UNREADABLE");
	assert_int_equal(rv_buf_reserve(&der, RV_OCSP_MAX), 0);
	memset(der.data + der.len, 0, RV_OCSP_MAX + 1 - der.len);
	der.len = RV_OCSP_MAX + 1;
	of_bytes(r, 0, &der, no_nonce, &present, "CHAIN-OCSP-SIZE");
	rv_buf_free(&der);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(good, set_up, tear_down),
		cmocka_unit_test_setup_teardown(revoked_and_unknown, set_up, tear_down),
		cmocka_unit_test_setup_teardown(times, set_up, tear_down),
		cmocka_unit_test_setup_teardown(replay, set_up, tear_down),
		cmocka_unit_test_setup_teardown(other_certificates, set_up, tear_down),
		cmocka_unit_test_setup_teardown(wrong_signers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(wrong_delegates, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nonces, set_up, tear_down),
		cmocka_unit_test_setup_teardown(requests, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refusals, set_up, tear_down),
		cmocka_unit_test_setup_teardown(hidden_bytes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(broken, set_up, tear_down),
	};
	return cmocka_run_group_tests_name("ocsp", tests, NULL, NULL);
}
