/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "node/file.h"
#include "node/trust/issue.h"
#include "node/trust/roots.h"
#include "tests/unit/trust/pki.h"

static char base[64];

static int make_folder(void **state)
{
	strcpy(base, "/tmp/reeve-issue.XXXXXX");
	return mkdtemp(base) != NULL ? 0 : -1;
}

static int drop_folder(void **state)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -rf %s", base);
	return system(command) == 0 ? 0 : -1;
}

static char *put(const char *name, const struct rv_buf *b)
{
	char *path = file_join(base, name);
	assert_int_equal(file_write(path, 0600, b->data, b->len, NULL), 0);
	return path;
}

static int run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static int run(const char *fmt, ...)
{
	char command[2048];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	return system(command);
}

static const char *certs_folder(void)
{
	static char path[512];
	const char *top = getenv("top_srcdir");
	snprintf(path, sizeof(path), "%s/certs", top != NULL ? top : ".");
	return path;
}

static X509 *read_cert(const char *path)
{
	struct rv_buf pem = {0};
	assert_int_equal(file_read(path, 1 << 16, &pem, NULL), 0);
	BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	assert_non_null(cert);
	BIO_free(bio);
	rv_buf_free(&pem);
	return cert;
}

/* The same extensions, in the same order, critical or not, with the same bytes. */
static void same_extensions(const X509 *a, const X509 *b)
{
	assert_int_equal(X509_get_ext_count(a), X509_get_ext_count(b));
	assert_true(X509_get_ext_count(a) > 0);
	for (int i = 0; i < X509_get_ext_count(a); i++) {
		X509_EXTENSION *ea = X509_get_ext(a, i);
		X509_EXTENSION *eb = X509_get_ext(b, i);
		assert_int_equal(OBJ_cmp(X509_EXTENSION_get_object(ea), X509_EXTENSION_get_object(eb)), 0);
		assert_int_equal(X509_EXTENSION_get_critical(ea), X509_EXTENSION_get_critical(eb));
		assert_int_equal(ASN1_OCTET_STRING_cmp(X509_EXTENSION_get_data(ea), X509_EXTENSION_get_data(eb)), 0);
	}
}

/* What the program issues and what OpenSSL's own tools issue by certs/ are alike, and pass its verification. */
static void test_profiles(void **state)
{
	struct pki_authority a;
	EVP_PKEY *key = NULL;
	X509_REQ *req = NULL;
	X509 *cert = NULL;
	struct rv_buf key_pem = {0}, req_pem = {0}, cert_pem = {0}, a_key = {0};
	pki_authority(&a, "OCU", PKI_NOW - 1000 * PKI_DAY, PKI_NOW + 10000 * PKI_DAY);
	assert_int_equal(issue_key_new(&key, 0, NULL), 0);
	assert_int_equal(issue_request(&req, key, "KE", "Administration des douanes de la Réunion", NULL), 0);
	assert_int_equal(issue_member(&cert, req, a.x509, a.key, "KE", "Administration des douanes de la Réunion",
		PKI_NOW - 1000 * PKI_DAY, PKI_NOW + 9000 * PKI_DAY, NULL), 0);
	assert_int_equal(issue_key_pem(a.key, NULL, &a_key, NULL), 0);
	assert_int_equal(issue_request_pem(req, &req_pem, NULL), 0);
	assert_int_equal(issue_cert_pem(cert, &cert_pem, NULL), 0);
	char *authority_path = put("authority.crt", &a.pem);
	char *authority_key = put("authority.key", &a_key);
	char *request_path = put("sign.csr", &req_pem);
	char *cert_path = put("sign.crt", &cert_pem);

	assert_int_equal(run("openssl verify -x509_strict -CAfile %s %s >/dev/null 2>&1", authority_path, cert_path), 0);
	assert_int_equal(run("openssl req -in %s -noout -verify >/dev/null 2>&1", request_path), 0);
	/* not for a TLS server or client, and not as an authority */
	assert_int_not_equal(run("openssl verify -purpose sslserver -CAfile %s %s >/dev/null 2>&1", authority_path,
		cert_path), 0);
	assert_int_not_equal(run("openssl verify -purpose sslclient -CAfile %s %s >/dev/null 2>&1", authority_path,
		cert_path), 0);
	assert_int_equal(X509_check_ca(cert), 0);

	assert_int_equal(run("cd %s && openssl x509 -req -in sign.csr -CA authority.crt -CAkey authority.key -sha256"
		" -days 730 -extfile %s/member.cnf -out theirs.crt >/dev/null 2>&1", base, certs_folder()), 0);
	char *theirs_path = file_join(base, "theirs.crt");
	X509 *theirs = read_cert(theirs_path);
	same_extensions(cert, theirs);
	assert_int_equal(X509_NAME_cmp(X509_get_subject_name(cert), X509_get_subject_name(theirs)), 0);
	X509_free(theirs);

	assert_int_equal(run("cd %s && openssl req -new -x509 -config %s/authority.cnf -key authority.key -days 1825"
		" -sha256 -utf8 -subj '/O=Coordination Unit/CN=OCU' -out theirs.crt >/dev/null 2>&1", base,
		certs_folder()), 0);
	theirs = read_cert(theirs_path);
	same_extensions(a.x509, theirs);
	assert_int_equal(X509_NAME_cmp(X509_get_subject_name(a.x509), X509_get_subject_name(theirs)), 0);
	X509_free(theirs);

	/* a request by the profile is one like ours */
	assert_int_equal(run("cd %s && openssl req -new -config %s/member.cnf -key authority.key -sha256 -utf8"
		" -subj '/O=X/CN=KE' -out theirs.csr >/dev/null 2>&1 && openssl req -in theirs.csr -noout -text"
		" >theirs.txt && openssl req -in sign.csr -noout -text >ours.txt && sed -n '/Requested/,/1\\.3/p'"
		" theirs.txt >a && sed -n '/Requested/,/1\\.3/p' ours.txt >b && test -s a && cmp a b", base,
		certs_folder()), 0);

	free(theirs_path);
	free(authority_path);
	free(authority_key);
	free(request_path);
	free(cert_path);
	rv_buf_free(&key_pem);
	rv_buf_free(&req_pem);
	rv_buf_free(&cert_pem);
	rv_buf_wipe(&a_key);
	X509_free(cert);
	X509_REQ_free(req);
	EVP_PKEY_free(key);
	pki_authority_clear(&a);
}

static void test_serials(void **state)
{
	struct pki_authority a, b;
	pki_authority(&a, "OCU", PKI_NOW, PKI_NOW + PKI_DAY);
	pki_authority(&b, "OCU", PKI_NOW, PKI_NOW + PKI_DAY);
	const ASN1_INTEGER *sa = X509_get0_serialNumber(a.x509);
	const ASN1_INTEGER *sb = X509_get0_serialNumber(b.x509);
	assert_int_not_equal(ASN1_INTEGER_cmp(sa, sb), 0);
	assert_true(ASN1_STRING_length((const ASN1_STRING *)sa) <= 20);
	assert_int_equal(ASN1_STRING_type((const ASN1_STRING *)sa), V_ASN1_INTEGER);
	pki_authority_clear(&a);
	pki_authority_clear(&b);
}

static void test_long_name(void **state)
{
	EVP_PKEY *key = NULL;
	X509_REQ *req = NULL;
	char name[256] = "";
	for (int i = 0; i < 70; i++) {
		strcat(name, "é");
	}
	assert_int_equal(issue_key_new(&key, 0, NULL), 0);
	assert_int_equal(issue_request(&req, key, "KE", name, NULL), 0);
	char code[RV_CODE_TEXT];
	assert_int_equal(issue_request_code(req, code, NULL), 0);
	assert_string_equal(code, "KE");
	X509_REQ_free(req);
	EVP_PKEY_free(key);
}

static int say(void *ctx, char *out, size_t size)
{
	int n = snprintf(out, size, "%s", (const char *)ctx);
	return n > 0 && (size_t)n < size ? n : -1;
}

static void test_keys(void **state)
{
	EVP_PKEY *key = NULL, *again = NULL;
	struct rv_buf pem = {0};
	struct rv_err e = {0};
	static char passphrase[] = "correct horse";
	static char wrong[] = "battery";
	struct issue_ask ask = {say, passphrase};
	for (unsigned bits = 0; bits <= 2048; bits += 2048) {
		assert_int_equal(issue_key_new(&key, bits, &e), 0);
		assert_int_equal(issue_key_pem(key, NULL, &pem, &e), 0);
		assert_non_null(strstr(rv_buf_cstr(&pem), "-----BEGIN PRIVATE KEY-----"));
		char *path = put("k", &pem);
		assert_int_equal(issue_key_read(&again, path, NULL, &e), 0);
		assert_int_equal(EVP_PKEY_eq(key, again), 1);
		EVP_PKEY_free(again);
		again = NULL;
		rv_buf_wipe(&pem);
		assert_null(pem.data);

		assert_int_equal(issue_key_pem(key, passphrase, &pem, &e), 0);
		assert_non_null(strstr(rv_buf_cstr(&pem), "-----BEGIN ENCRYPTED PRIVATE KEY-----"));
		free(path);
		path = put("k", &pem);
		ask.ctx = passphrase;
		assert_int_equal(issue_key_read(&again, path, &ask, &e), 0);
		assert_int_equal(EVP_PKEY_eq(key, again), 1);
		EVP_PKEY_free(again);
		again = NULL;
		ask.ctx = wrong;
		assert_int_equal(issue_key_read(&again, path, &ask, &e), RV_EDENIED);
		assert_int_equal(issue_key_read(&again, path, NULL, &e), RV_EDENIED);
		assert_null(again);
		/* OpenSSL's tools open it as well */
		assert_int_equal(run("openssl pkey -in %s -passin 'pass:%s' -noout 2>/dev/null", path, passphrase), 0);
		rv_buf_wipe(&pem);
		EVP_PKEY_free(key);
		key = NULL;
		free(path);
	}
	assert_int_equal(issue_key_new(&key, 1024, &e), RV_EINVAL);
	assert_int_equal(issue_key_new(&key, 16384, &e), RV_EINVAL);
	rv_buf_str(&pem, "nothing");
	char *path = put("k", &pem);
	assert_int_equal(issue_key_read(&again, path, NULL, &e), RV_EPARSE);
	unlink(path);
	assert_int_equal(issue_key_read(&again, path, NULL, &e), RV_ENOTFOUND);
	free(path);
	rv_buf_free(&pem);
}

static void test_roots(void **state)
{
	struct pki_authority a, b;
	struct trust_roots roots = {0};
	struct rv_err e = {0};
	struct rv_buf many = {0};
	uint8_t one[RV_DIGEST_LEN], other[RV_DIGEST_LEN];
	pki_authority(&a, "OCU", PKI_NOW, PKI_NOW + PKI_DAY);
	pki_authority(&b, "RILO", PKI_NOW, PKI_NOW + PKI_DAY);
	assert_int_equal(trust_roots_parse(&roots, "", 0, &e), RV_ECERT);
	assert_int_equal(trust_roots_parse(&roots, (const char *)a.pem.data, a.pem.len - 30, &e), RV_ECERT);
	rv_buf_str(&many, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
	assert_int_equal(trust_roots_parse(&roots, (const char *)many.data, many.len, &e), RV_ECERT);
	rv_buf_reset(&many);
	for (int i = 0; i < 17; i++) {
		rv_buf_put(&many, a.pem.data, a.pem.len);
	}
	assert_int_equal(trust_roots_parse(&roots, (const char *)many.data, many.len, &e), RV_ELIMIT);
	assert_null(roots.certs);
	assert_int_equal(trust_roots_parse(&roots, (const char *)many.data, 16 * a.pem.len, &e), 0);
	assert_int_equal(roots.n, 16);
	assert_int_equal(roots.quorum, 1);
	trust_roots_clear(&roots);
	trust_roots_clear(&roots);

	static const char *const bad[] = {"Reeve-Quorum: 0\n", "Reeve-Quorum: \n", "Reeve-Quorum: 3\n",
		"Reeve-Quorum: 2", "Reeve-Quorum: 2x\n", "Reeve-Quorum: 9999\n"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		rv_buf_reset(&many);
		rv_buf_str(&many, bad[i]);
		rv_buf_put(&many, a.pem.data, a.pem.len);
		rv_buf_put(&many, b.pem.data, b.pem.len);
		assert_int_not_equal(trust_roots_parse(&roots, (const char *)many.data, many.len, &e), 0);
	}
	rv_buf_reset(&many);
	rv_buf_str(&many, "Reeve-Quorum: 2\n");
	rv_buf_put(&many, a.pem.data, a.pem.len);
	rv_buf_put(&many, b.pem.data, b.pem.len);
	assert_int_equal(trust_roots_parse(&roots, (const char *)many.data, many.len, &e), 0);
	assert_int_equal(roots.quorum, 2);
	assert_int_equal(trust_roots_digest(&roots, one, &e), 0);
	trust_roots_clear(&roots);

	/* the order does not matter, the quorum does */
	rv_buf_reset(&many);
	rv_buf_str(&many, "Reeve-Quorum: 2\n");
	rv_buf_put(&many, b.pem.data, b.pem.len);
	rv_buf_put(&many, a.pem.data, a.pem.len);
	assert_int_equal(trust_roots_parse(&roots, (const char *)many.data, many.len, &e), 0);
	assert_int_equal(trust_roots_digest(&roots, other, &e), 0);
	assert_memory_equal(one, other, sizeof(one));
	roots.quorum = 1;
	assert_int_equal(trust_roots_digest(&roots, other, &e), 0);
	assert_memory_not_equal(one, other, sizeof(one));
	trust_roots_clear(&roots);
	rv_buf_free(&many);
	pki_authority_clear(&a);
	pki_authority_clear(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_profiles, make_folder, drop_folder),
		cmocka_unit_test(test_serials),
		cmocka_unit_test(test_long_name),
		cmocka_unit_test_setup_teardown(test_keys, make_folder, drop_folder),
		cmocka_unit_test(test_roots),
	};
	return cmocka_run_group_tests_name("keys and certificates", tests, NULL, NULL);
}
