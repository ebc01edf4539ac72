/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "node/file.h"
#include "node/trust/roots.h"
#include "tests/unit/trust/office.h"

char office_base[64];
char *office_dir;

int office_make(void **state)
{
	strcpy(office_base, "/tmp/reeve-authority.XXXXXX");
	assert_non_null(mkdtemp(office_base));
	office_dir = file_join(office_base, "a");
	return 0;
}

int office_drop(void **state)
{
	char command[128];
	free(office_dir);
	snprintf(command, sizeof(command), "rm -rf %s", office_base);
	return system(command) == 0 ? 0 : -1;
}

void office_join(struct rv_join *j, EVP_PKEY *key, const char *code, unsigned roles, const char *z85)
{
	X509_REQ *req = NULL;
	unsigned char *der = NULL;
	memset(j, 0, sizeof(*j));
	strcpy(j->party.code, code);
	j->party.name = strdup("Revenue & Customs");
	j->party.roles = roles;
	j->made_us = PKI_NOW;
	strcpy(j->z85, z85);
	assert_int_equal(issue_request(&req, key, code, "Revenue & Customs", NULL), 0);
	int len = i2d_X509_REQ(req, &der);
	assert_true(len > 0);
	j->request = malloc((size_t)len);
	assert_non_null(j->request);
	memcpy(j->request, der, (size_t)len);
	j->request_len = (size_t)len;
	OPENSSL_free(der);
	X509_REQ_free(req);
}

void party_new(struct party *p, const char *code, unsigned roles, unsigned rsa_bits)
{
	struct rv_join j;
	struct rv_signer signer;
	struct rv_err e = {0};
	memset(p, 0, sizeof(*p));
	assert_int_equal(issue_key_new(&p->key, rsa_bits, NULL), 0);
	pki_z85(p->z85);
	office_join(&j, p->key, code, roles, p->z85);
	assert_int_equal(issue_signer(&signer, p->key, code, NULL), 0);
	if (rv_join_write(&j, &signer, &p->join, &e) != 0) {
		print_error("%s %s\n", e.rule, e.text);
		fail();
	}
	assert_non_null(rv_buf_cstr(&p->join));
	rv_join_clear(&j);
}

void party_clear(struct party *p)
{
	EVP_PKEY_free(p->key);
	rv_buf_free(&p->join);
}

void office_create(const char *passphrase)
{
	struct rv_err e = {0};
	struct authority_new n = {.code = "OCU", .name = "Coordination Unit", .from_us = PKI_NOW - 300 * RV_US_PER_SEC,
		.to_us = PKI_NOW + 1000 * PKI_DAY, .passphrase = passphrase};
	if (authority_create(office_dir, &n, &e) != 0) {
		print_error("%s\n", e.text);
		fail();
	}
}

struct authority *office_opened(void)
{
	struct authority *a = NULL;
	struct rv_err e = {0};
	if (authority_open(&a, office_dir, &e) != 0) {
		print_error("%s\n", e.text);
		fail();
	}
	return a;
}

int office_admit(struct authority *a, const struct party *p, int renew, int64_t overlap_us, int64_t now_us, struct rv_err *e)
{
	struct rv_join j;
	int64_t until = 0;
	int waits = 0;
	struct authority_admit how = {.now_us = now_us, .to_us = now_us + 700 * PKI_DAY, .renew = renew,
		.overlap_us = overlap_us};
	assert_int_equal(rv_join_read(&j, p->join.data, p->join.len, e), 0);
	int rc = authority_admit(a, &j, &how, &until, &waits, e);
	rv_join_clear(&j);
	return rc;
}

void office_admitted(struct authority *a, const struct party *p)
{
	struct rv_err e = {0};
	if (office_admit(a, p, 0, 0, PKI_NOW, &e) != 0) {
		print_error("%s\n", e.text);
		fail();
	}
}

struct rv_trust *office_published(struct authority *a, int64_t now_us, uint64_t number)
{
	struct rv_err e = {0};
	struct authority_publish how = {.now_us = now_us, .to_us = now_us + 10 * PKI_DAY};
	struct authority_outcome got = {0};
	struct trust_roots roots = {0};
	struct rv_buf wire = {0};
	struct rv_trust *t = NULL;
	char *pem = file_join(office_dir, "authority.pem");
	char *list = file_join(office_dir, "trust.xml");
	if (authority_publish(a, &how, &got, &e) != 0) {
		print_error("%s %s\n", e.rule, e.text);
		fail();
	}
	assert_int_equal(got.number, number);
	assert_true(got.complete);
	authority_outcome_clear(&got);
	assert_int_equal(trust_roots_read(&roots, pem, &e), 0);
	assert_int_equal(file_read(list, 1 << 20, &wire, &e), 0);
	assert_int_equal(rv_trust_read(&t, wire.data, wire.len, (const struct rv_cert *const *)roots.certs, roots.n, 1, now_us,
		&e), 0);
	assert_int_equal(rv_trust_number(t), number);
	trust_roots_clear(&roots);
	rv_buf_free(&wire);
	free(pem);
	free(list);
	return t;
}
