/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/unit/protocol/chainpki.h"

/*
 * Makes the corpus of fuzz_chain, fuzz_crl and fuzz_ocsp anew, in the folder of this file (named by
 * argv[1]): corpus/chain, corpus/crl, corpus/ocsp, and chain_certs.h with the certificates they are
 * about. Keys are made on the way and forgotten.
 */

static const char *folder;

static void write_file(const char *name, const struct rv_buf *bytes)
{
	char path[1024];
	snprintf(path, sizeof(path), "%s/corpus/%s", folder, name);
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes->data, 1, bytes->len, f), bytes->len);
	assert_int_equal(fclose(f), 0);
}

static void write_array(FILE *f, const char *name, const struct rv_buf *bytes)
{
	fprintf(f, "\nstatic const uint8_t %s[] = {", name);
	for (size_t i = 0; i < bytes->len; i++) {
		fprintf(f, "%s0x%02x,", i % 16 == 0 ? "\n\t" : " ", bytes->data[i]);
	}
	fprintf(f, "\n};\n");
}

static void make_certs(struct cp_cert *ca, struct cp_cert *member)
{
	char path[1024];
	snprintf(path, sizeof(path), "%s/chain_certs.h", folder);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "/* SPDX-License-Identifier: Apache-2.0 */\n"
		   "/* Made by make_chain_corpus. */\n"
		   "/* clang-format off */\n");
	write_array(f, "issuer_der", &ca->der);
	write_array(f, "member_der", &member->der);
	assert_int_equal(fclose(f), 0);
	write_file("chain/issuer", &ca->der);
	write_file("chain/member", &member->der);
	write_file("chain/below",
		&cp_make(&(struct cp_make){.name = "Below",
				 .kind = "P-521",
				 .by = ca,
				 .exts = CP_CA "\nnameConstraints=critical,@permitted_kenya\n"
					       "policyConstraints=requireExplicitPolicy:3"})
			 ->der);
	write_file("chain/pss",
		&cp_make(&(struct cp_make){
				 .name = "PSS", .kind = "RSA-2048", .exts = CP_CA, .pss = 1})
			 ->der);
	write_file(
		"chain/alone", &cp_make(&(struct cp_make){.name = "KE", .exts = CP_MEMBER})->der);
}

static void crl(const char *name, struct cp_crl c, struct cp_cert *ca)
{
	struct rv_buf out = {0};
	c.by = ca;
	cp_crl(&out, &c);
	write_file(name, &out);
	rv_buf_free(&out);
}

static void make_crls(struct cp_cert *ca)
{
	static const struct cp_entry entries[] = {{.serial = 1, .reason = 1},
		{.serial = 99, .reason = -1},
		{.serial = 4711, .reason = 1, .invalid = CP_NOW - 20 * CP_DAY}, {.serial = 0}};
	static const char point[] = "crlNumber=DER:020107\nauthorityKeyIdentifier=keyid:always\n"
				    "issuingDistributionPoint=critical,onlyuser:TRUE,fullname:"
				    "URI:http://crl.example/ke.crl";
	crl("crl/empty", (struct cp_crl){0}, ca);
	crl("crl/revoked", (struct cp_crl){.entries = entries}, ca);
	crl("crl/pem", (struct cp_crl){.entries = entries, .pem = 1}, ca);
	crl("crl/point", (struct cp_crl){.entries = entries, .exts = point}, ca);
	crl("crl/delta", (struct cp_crl){.exts = "2.5.29.27=critical,DER:020101"}, ca);
	crl("crl/indirect",
		(struct cp_crl){.exts = "issuingDistributionPoint=critical,indirectCRL:TRUE"}, ca);
}

static void ocsp(const char *name, struct cp_ocsp o, struct cp_cert *ca, struct cp_cert *member)
{
	struct rv_buf out = {0};
	o.issuer = ca;
	o.cert = member;
	cp_ocsp(&out, &o);
	write_file(name, &out);
	rv_buf_free(&out);
}

static void make_ocsp(struct cp_cert *ca, struct cp_cert *member)
{
	static const uint8_t later[] = {0x30, 0x03, 0x0a, 0x01, 0x03};
	struct cp_cert *by = cp_make(&(struct cp_make){.name = "OCSP",
		.by = ca,
		.exts = CP_EE "\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=OCSPSigning\n"
			      "noCheck=ignored"});
	struct rv_buf bytes = {0};
	ocsp("ocsp/good", (struct cp_ocsp){0}, ca, member);
	ocsp("ocsp/sha256", (struct cp_ocsp){.id_md = EVP_sha256(), .next_us = -1}, ca, member);
	ocsp("ocsp/delegate", (struct cp_ocsp){.by = by, .flags = OCSP_RESPID_KEY}, ca, member);
	ocsp("ocsp/revoked",
		(struct cp_ocsp){.status = V_OCSP_CERTSTATUS_REVOKED,
			.reason = 1,
			.in_answer = 1,
			.ext = "invalidityDate=DER:180f32303236313131353030303030305a"},
		ca, member);
	ocsp("ocsp/nonce",
		(struct cp_ocsp){.status = V_OCSP_CERTSTATUS_UNKNOWN,
			.nonce = {(const uint8_t *)"0123456789abcdef", 16}},
		ca, member);
	assert_int_equal(rv_buf_put(&bytes, later, sizeof(later)), 0);
	write_file("ocsp/later", &bytes);
	rv_buf_free(&bytes);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: make_chain_corpus tests/fuzz\n");
		return 2;
	}
	folder = argv[1];
	struct cp_cert *ca = cp_make(&(struct cp_make){.name = "R", .exts = CP_CA});
	struct cp_cert *member = cp_make(&(struct cp_make){.name = "KE",
		.by = ca,
		.exts = CP_MEMBER "\ncrlDistributionPoints=URI:http://crl.example/ke.crl",
		.serial = 4711});
	make_certs(ca, member);
	make_crls(ca);
	make_ocsp(ca, member);
	cp_clear();
	return 0;
}
