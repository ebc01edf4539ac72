/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/protocol/chainpki.h"
#include "tests/unit/trust/pki.h"

/* Paths from a member's certificate to the issuers of a trust list: a good one for each shape, and
 * for each rule a PKI that breaks it alone. */

#define ISSUERS(...) ((const struct cp_cert *const[]){__VA_ARGS__, NULL})
#define NONE ((const struct cp_cert *const[]){NULL})

static int clear(void **state)
{
	cp_clear();
	return 0;
}

/* length of the path; 0: refused by that rule */
static size_t verdict(const struct rv_chain *chain, const struct cp_cert *leaf, const char *member,
	int64_t at_us, const char *rule)
{
	struct rv_cert *cert = NULL;
	struct rv_path *path = NULL;
	struct rv_err e = {0};
	size_t len = 0;
	int rc = rv_cert_from_der(&cert, leaf->der.data, leaf->der.len, &e);
	if (rc == 0) {
		rc = rv_chain_path(&path, chain, cert, member, at_us, &e);
	}
	if (rc == 0) {
		len = rv_path_len(path);
		assert_int_equal(rv_path_links(path), len - 1);
		assert_true(rv_path_from(path) <= at_us && at_us <= rv_path_to(path));
		assert_memory_equal(rv_path_digest(path, 0), rv_cert_digest(cert), RV_DIGEST_LEN);
	}
	rv_path_free(&path);
	rv_cert_free(&cert);
	if ((rc == 0) != (rule == NULL) || (rule != NULL && strcmp(rule, e.rule) != 0)) {
		print_error("expected %s, got %d %s: %s\n", rule != NULL ? rule : "a path", rc,
			e.rule, e.text);
		fail();
	}
	if (rc != 0) {
		assert_int_equal(rc, e.code);
		assert_true(strcmp(rule, "CHAIN-LIMIT") == 0 || strncmp(rule, "CERT-", 5) == 0 ||
			    (strstr(e.text, "certificate \"") != NULL && e.mend[0] != '\0'));
	}
	return len;
}

static size_t try_at(const struct cp_cert *const *issuers, const struct cp_cert *leaf,
	int64_t at_us, const char *rule)
{
	struct rv_chain *chain = cp_chain(issuers);
	size_t len = verdict(chain, leaf, "KE", at_us, rule);
	rv_chain_free(&chain);
	return len;
}

static void refused(
	const struct cp_cert *const *issuers, const struct cp_cert *leaf, const char *rule)
{
	try_at(issuers, leaf, CP_NOW, rule);
}

static void taken(const struct cp_cert *const *issuers, const struct cp_cert *leaf, size_t len)
{
	assert_int_equal(try_at(issuers, leaf, CP_NOW, NULL), len);
}

static struct cp_cert *root(const char *name)
{
	return cp_make(&(struct cp_make){.name = name, .exts = CP_CA});
}

static struct cp_cert *ca(const struct cp_cert *by, const char *name)
{
	return cp_make(&(struct cp_make){.name = name, .by = by, .exts = CP_CA});
}

static struct cp_cert *member(const struct cp_cert *by)
{
	return cp_make(&(struct cp_make){.name = "KE", .by = by, .exts = CP_MEMBER});
}

static struct cp_cert *member_with(const struct cp_cert *by, const char *exts)
{
	return cp_make(&(struct cp_make){.name = "KE", .by = by, .exts = exts});
}

/* ---- good ones ---- */

static void two_and_three_levels(void **state)
{
	struct cp_cert *r = root("R");
	struct cp_cert *i = ca(r, "I");
	struct cp_cert *m = member(i);
	taken(ISSUERS(r), member(r), 2);
	taken(ISSUERS(r, i), m, 3);
	taken(ISSUERS(i, r), m, 3);
	/* the intermediate alone is enough, if the list names it alone */
	taken(ISSUERS(i), m, 2);
}

static void cross_certified(void **state)
{
	struct cp_cert *a = root("A");
	struct cp_cert *b = root("B");
	struct cp_cert *a_by_b =
		cp_make(&(struct cp_make){.name = "A", .key = a->key, .by = b, .exts = CP_CA});
	struct cp_cert *b_by_a =
		cp_make(&(struct cp_make){.name = "B", .key = b->key, .by = a, .exts = CP_CA});
	struct cp_cert *m = member(a);
	taken(ISSUERS(a, b, a_by_b, b_by_a), m, 2);
	taken(ISSUERS(a_by_b, b_by_a, b, a), m, 3);
	taken(ISSUERS(a_by_b, b), m, 3);
	/* A itself has expired: the way over B holds */
	struct cp_cert *old = cp_make(&(struct cp_make){
		.name = "A", .key = a->key, .exts = CP_CA, .to = CP_NOW - CP_DAY});
	taken(ISSUERS(old, a_by_b, b), m, 3);
	refused(ISSUERS(old), m, "CHAIN-EXPIRED");
}

static void kinds_of_keys(void **state)
{
	static const char *const kinds[] = {"P-256", "P-384", "P-521", "RSA-2048", "RSA-3072"};
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		struct cp_cert *r = cp_make(&(struct cp_make){.name = "R",
			.kind = kinds[k],
			.exts = CP_CA,
			.md = k == 1   ? EVP_sha384()
			      : k == 2 ? EVP_sha512()
				       : NULL});
		taken(ISSUERS(r),
			cp_make(&(struct cp_make){
				.name = "KE", .by = r, .exts = CP_MEMBER, .md = EVP_sha384()}),
			2);
	}
	struct cp_cert *r = cp_make(
		&(struct cp_make){.name = "R", .kind = "RSA-2048", .exts = CP_CA, .pss = 1});
	taken(ISSUERS(r),
		cp_make(&(struct cp_make){.name = "KE",
			.kind = "RSA-3072",
			.by = r,
			.exts = CP_MEMBER,
			.md = EVP_sha512(),
			.pss = 1}),
		2);
}

#define NO_CONSTRAINTS                                                                             \
	"subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid:always\nkeyUsage="                \
	"digitalSignature"

static void uses(void **state)
{
	static const char *const good[] = {
		CP_EE CP_USE,
		CP_EE "\nkeyUsage=critical,digitalSignature",
		CP_EE "\nkeyUsage=nonRepudiation",
		CP_EE CP_USE "\nextendedKeyUsage=clientAuth,emailProtection",
		CP_EE CP_USE "\nextendedKeyUsage=critical,1.3.6.1.5.5.7.3.36",
		CP_EE CP_USE "\nextendedKeyUsage=1.3.6.1.4.1.311.10.3.12",
		CP_EE CP_USE "\nextendedKeyUsage=anyExtendedKeyUsage",
		CP_EE CP_USE "\ncertificatePolicies=critical,1.2.3.4",
		CP_EE CP_USE "\n1.2.3.4=DER:0500",
		NO_CONSTRAINTS,
	};
	struct cp_cert *r = root("R");
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		taken(ISSUERS(r), member_with(r, good[i]), 2);
	}
}

static void a_listed_self_signed_member(void **state)
{
	struct cp_cert *m = cp_make(&(struct cp_make){.name = "KE", .exts = CP_MEMBER});
	struct cp_cert *other = root("R");
	taken(ISSUERS(other, m), m, 1);
	refused(ISSUERS(other), m, "CHAIN-SELF-SIGNED");
	/* it does not make it an authority */
	refused(ISSUERS(m), cp_make(&(struct cp_make){.name = "UG", .by = m, .exts = CP_MEMBER}),
		"CHAIN-CA");
}

static void which_issuer(void **state)
{
	struct cp_cert *r = root("R");
	struct cp_cert *i = ca(r, "I");
	struct cp_cert *m = member(i);
	struct rv_chain *chain = cp_chain(ISSUERS(r, root("X"), i));
	struct rv_cert *cert = NULL;
	struct rv_path *path = NULL;
	size_t index = 9;
	char subject[64];
	assert_int_equal(rv_cert_from_der(&cert, m->der.data, m->der.len, NULL), 0);
	assert_int_equal(rv_chain_path(&path, chain, cert, "KE", CP_NOW, NULL), 0);
	rv_chain_free(&chain); /* the path needs it no more */
	assert_int_equal(rv_path_issuer(path, 0, &index), RV_ENOTFOUND);
	assert_int_equal(rv_path_issuer(path, 1, &index), 0);
	assert_int_equal(index, 2);
	assert_int_equal(rv_path_issuer(path, 2, &index), 0);
	assert_int_equal(index, 0);
	assert_int_equal(rv_path_issuer(path, 3, &index), RV_ENOTFOUND);
	rv_path_subject(path, 1, subject, sizeof(subject));
	assert_string_equal(subject, "CN=I,C=KE");
	rv_path_subject(path, 3, subject, sizeof(subject));
	assert_string_equal(subject, "");
	assert_null(rv_path_digest(path, 3));
	rv_path_free(&path);
	rv_cert_free(&cert);
}

/* What the commands of a coordinator issue. */
static void own_profiles(void **state)
{
	struct pki_authority a;
	struct pki_member m;
	struct cp_cert issuer = {0};
	struct cp_cert leaf = {0};
	struct rv_span der;
	pki_authority(&a, "OCU", PKI_NOW - 10 * PKI_DAY, PKI_NOW + 400 * PKI_DAY);
	pki_member(&m, &a, "KE", 2048);
	rv_cert_der(a.cert, &der);
	assert_int_equal(rv_buf_put(&issuer.der, der.data, der.len), 0);
	rv_cert_der(m.cert, &der);
	assert_int_equal(rv_buf_put(&leaf.der, der.data, der.len), 0);
	taken(ISSUERS(&issuer), &leaf, 2);
	rv_buf_free(&issuer.der);
	rv_buf_free(&leaf.der);
	pki_member_clear(&m);
	pki_authority_clear(&a);
}

/* ---- time ---- */

static void validity(void **state)
{
	struct cp_cert *r = root("R");
	int64_t from = CP_NOW - CP_DAY;
	int64_t to = CP_NOW + CP_DAY;
	struct cp_cert *m = cp_make(&(struct cp_make){
		.name = "KE", .by = r, .exts = CP_MEMBER, .from = from, .to = to});
	try_at(ISSUERS(r), m, from, NULL);
	try_at(ISSUERS(r), m, to, NULL);
	try_at(ISSUERS(r), m, from - 1, "CHAIN-NOT-YET");
	try_at(ISSUERS(r), m, to + 1, "CHAIN-EXPIRED");

	struct cp_cert *i = cp_make(
		&(struct cp_make){.name = "I", .by = r, .exts = CP_CA, .from = from, .to = to});
	struct cp_cert *n = member(i);
	try_at(ISSUERS(r, i), n, to, NULL);
	try_at(ISSUERS(r, i), n, from - 1, "CHAIN-NOT-YET");
	try_at(ISSUERS(r, i), n, to + 1, "CHAIN-EXPIRED");

	struct cp_cert *old =
		cp_make(&(struct cp_make){.name = "R2", .exts = CP_CA, .to = CP_NOW - CP_SEC});
	refused(ISSUERS(old), member(old), "CHAIN-EXPIRED");
}

/* ---- who issued it ---- */

static void wrong_authority(void **state)
{
	struct cp_cert *r = root("R");
	struct cp_cert *other = root("X");
	struct cp_cert *same_name = root("R");
	struct cp_cert *m = member(r);
	refused(NONE, m, "CHAIN-ISSUER");
	refused(ISSUERS(other), m, "CHAIN-ISSUER");
	refused(ISSUERS(same_name), m, "CHAIN-ISSUER-KEY");
	taken(ISSUERS(same_name, r), m, 2);
}

static void tampered(void **state)
{
	struct cp_cert *r = root("R");
	struct cp_cert *i = ca(r, "I");
	refused(ISSUERS(r), cp_tamper(member(r)), "CHAIN-SIGNATURE");
	refused(ISSUERS(r, cp_tamper(i)), member(i), "CHAIN-SIGNATURE");
	refused(ISSUERS(cp_tamper(r)), member(r), "CHAIN-SIGNATURE");
	/* without authorityKeyIdentifier, only the signature tells */
	refused(ISSUERS(root("R")), member_with(r, "basicConstraints=critical,CA:FALSE" CP_USE),
		"CHAIN-SIGNATURE");
}

static void issuer_of_other_members(void **state)
{
	static const char codes[2][RV_CODE_TEXT] = {"UG", "TZ"};
	struct cp_cert *r = root("R");
	struct cp_cert *i = ca(r, "I");
	struct cp_cert *m = member(i);
	struct rv_chain_issuer in[2] = {
		{.der = {i->der.data, i->der.len}},
		{.der = {r->der.data, r->der.len}, .members = codes, .n_members = 2},
	};
	struct rv_chain *chain = NULL;
	/* one issuer of the path that may not is enough */
	assert_int_equal(rv_chain_new(&chain, in, 2, NULL), 0);
	verdict(chain, m, "KE", CP_NOW, "CHAIN-MEMBER");
	verdict(chain, m, "T", CP_NOW, "CHAIN-MEMBER");
	verdict(chain, m, "TZ", CP_NOW, NULL);
	rv_chain_free(&chain);
	in[0].members = codes;
	in[0].n_members = 1;
	assert_int_equal(rv_chain_new(&chain, in, 2, NULL), 0);
	verdict(chain, m, "TZ", CP_NOW, "CHAIN-MEMBER");
	verdict(chain, m, "UG", CP_NOW, NULL);
	rv_chain_free(&chain);

	struct cp_cert *own = cp_make(&(struct cp_make){.name = "KE", .exts = CP_MEMBER});
	in[0].der = (struct rv_span){own->der.data, own->der.len};
	assert_int_equal(rv_chain_new(&chain, in, 2, NULL), 0);
	verdict(chain, own, "KE", CP_NOW, "CHAIN-MEMBER");
	rv_chain_free(&chain);
}

/* ---- loops and length ---- */

static void loop(void **state)
{
	struct cp_cert *a = root("A");
	struct cp_cert *b = root("B");
	struct cp_cert *a_by_b =
		cp_make(&(struct cp_make){.name = "A", .key = a->key, .by = b, .exts = CP_CA});
	struct cp_cert *b_by_a =
		cp_make(&(struct cp_make){.name = "B", .key = b->key, .by = a, .exts = CP_CA});
	refused(ISSUERS(a_by_b, b_by_a), member(a), "CHAIN-LOOP");
}

/* Ten authorities that all certify each other, and nobody above them: more ways than anybody
 * walks. */
static void mesh(void **state)
{
	enum { N = 10 };
	struct cp_cert *roots[N];
	struct rv_chain_issuer in[N * N] = {{.n_members = 0}};
	struct rv_chain *chain = NULL;
	size_t n = 0;
	for (size_t i = 0; i < N; i++) {
		char name[8];
		snprintf(name, sizeof(name), "M%zu", i);
		roots[i] = root(name);
	}
	for (size_t i = 0; i < N; i++) {
		for (size_t j = 0; j < N; j++) {
			char name[8];
			snprintf(name, sizeof(name), "M%zu", i);
			if (i != j) {
				struct cp_cert *c = cp_make(&(struct cp_make){.name = name,
					.key = roots[i]->key,
					.by = roots[j],
					.exts = CP_CA});
				in[n++].der = (struct rv_span){c->der.data, c->der.len};
			}
		}
	}
	assert_int_equal(rv_chain_new(&chain, in, n, NULL), 0);
	verdict(chain, member(roots[0]), "KE", CP_NOW, "CHAIN-LIMIT");
	rv_chain_free(&chain);
}

static void depth(void **state)
{
	struct rv_chain_issuer in[RV_CHAIN_DEPTH] = {{.n_members = 0}};
	struct rv_chain *chain = NULL;
	struct cp_cert *c = root("R");
	struct cp_cert *seven = NULL;
	for (size_t i = 0; i < RV_CHAIN_DEPTH; i++) {
		char name[8];
		snprintf(name, sizeof(name), "D%zu", i);
		c = i == 0 ? c : ca(c, name);
		seven = i == RV_CHAIN_DEPTH - 2 ? c : seven;
		in[i].der = (struct rv_span){c->der.data, c->der.len};
	}
	assert_int_equal(rv_chain_new(&chain, in, RV_CHAIN_DEPTH, NULL), 0);
	assert_int_equal(verdict(chain, member(seven), "KE", CP_NOW, NULL), RV_CHAIN_DEPTH);
	verdict(chain, member(c), "KE", CP_NOW, "CHAIN-DEPTH");
	rv_chain_free(&chain);
}

/* ---- constraints ---- */

static void not_an_authority(void **state)
{
	static const struct {
		const char *exts;
		const char *rule;
	} bad[] = {
		{"basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature" CP_IDS,
			"CHAIN-CA"},
		{"keyUsage=critical,keyCertSign,cRLSign" CP_IDS, "CHAIN-CONSTRAINTS"},
		{"basicConstraints=critical,CA:TRUE\nkeyUsage=critical,cRLSign" CP_IDS,
			"CHAIN-CA-USAGE"},
		{"basicConstraints=critical,CA:TRUE" CP_IDS, "CHAIN-CA-USAGE"},
		{"basicConstraints=CA:TRUE\nkeyUsage=keyCertSign" CP_IDS, "CHAIN-PROFILE"},
		{CP_CA "\nextendedKeyUsage=serverAuth,clientAuth", "CHAIN-PURPOSE"},
		{CP_CA "\n1.2.3.4=critical,DER:0500", "CHAIN-EXTENSION"},
		{"basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n"
		 "authorityKeyIdentifier=keyid:always",
			"CHAIN-PROFILE"}, /* no subjectKeyIdentifier */
	};
	struct cp_cert *r = root("R");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct cp_cert *c =
			cp_make(&(struct cp_make){.name = "I", .by = r, .exts = bad[i].exts});
		/* as an intermediate, and where the path ends there */
		const char *exts = i + 1 < sizeof(bad) / sizeof(bad[0])
					   ? CP_MEMBER
					   : "basicConstraints=critical,CA:FALSE" CP_USE;
		refused(ISSUERS(r, c), member_with(c, exts), bad[i].rule);
		refused(ISSUERS(c), member_with(c, exts), bad[i].rule);
	}
	/* a member who issues for another */
	struct cp_cert *ke = member(r);
	refused(ISSUERS(r, ke),
		cp_make(&(struct cp_make){.name = "UG", .by = ke, .exts = CP_MEMBER}), "CHAIN-CA");
	refused(ISSUERS(r), cp_make(&(struct cp_make){.name = "UG", .by = ke, .exts = CP_MEMBER}),
		"CHAIN-ISSUER");
}

static void path_length(void **state)
{
	struct cp_cert *r = cp_make(&(struct cp_make){.name = "R",
		.exts = "basicConstraints=critical,CA:TRUE,pathlen:0\n"
			"keyUsage=critical,keyCertSign" CP_IDS});
	struct cp_cert *i = ca(r, "I");
	taken(ISSUERS(r), member(r), 2);
	refused(ISSUERS(r, i), member(i), "CHAIN-PATHLEN");
	struct cp_cert *r1 = cp_make(&(struct cp_make){.name = "R1",
		.exts = "basicConstraints=critical,CA:TRUE,pathlen:1\n"
			"keyUsage=critical,keyCertSign" CP_IDS});
	struct cp_cert *i1 = ca(r1, "I1");
	struct cp_cert *i2 = ca(i1, "I2");
	taken(ISSUERS(r1, i1), member(i1), 3);
	refused(ISSUERS(r1, i1, i2), member(i2), "CHAIN-PATHLEN");
}

static void name_constraints(void **state)
{
	struct cp_cert *only = cp_make(&(struct cp_make){
		.name = "Only", .exts = CP_CA "\nnameConstraints=critical,@permitted_kenya"});
	struct cp_cert *not = cp_make(&(struct cp_make){
		.name = "Not", .exts = CP_CA "\nnameConstraints=critical,@excluded_kenya"});
	struct cp_cert *mail = cp_make(&(struct cp_make){.name = "Mail",
		.exts = CP_CA "\nnameConstraints=critical,permitted;email:.kra.go.ke"});
	struct cp_cert *fr =
		cp_make(&(struct cp_make){.name = "FR", .by = only, .exts = CP_MEMBER});
	taken(ISSUERS(only), member(only), 2);
	refused(ISSUERS(only), fr, "CHAIN-NAME");
	refused(ISSUERS(not ), member(not ), "CHAIN-NAME");
	taken(ISSUERS(mail),
		member_with(mail, CP_MEMBER "\nsubjectAltName=email:sign@seal.kra.go.ke"), 2);
	refused(ISSUERS(mail), member_with(mail, CP_MEMBER "\nsubjectAltName=email:a@evil.example"),
		"CHAIN-NAME");
	/* below an intermediate too */
	struct cp_cert *i = ca(only, "I");
	refused(ISSUERS(only, i),
		cp_make(&(struct cp_make){.name = "FR", .by = i, .exts = CP_MEMBER}), "CHAIN-NAME");
	/* policies that an intermediate asks for */
	struct cp_cert *r = root("R");
	struct cp_cert *policy = cp_make(&(struct cp_make){.name = "Policy",
		.by = r,
		.exts = CP_CA "\ncertificatePolicies=1.2.3.4\n"
			      "policyConstraints=critical,requireExplicitPolicy:0"});
	taken(ISSUERS(r, policy), member_with(policy, CP_MEMBER "\ncertificatePolicies=1.2.3.4"),
		3);
	refused(ISSUERS(r, policy), member(policy), "CHAIN-PROFILE");
}

/* ---- the member's own ---- */

static void member_extensions(void **state)
{
	static const struct {
		const char *exts;
		const char *rule;
	} bad[] = {
		{CP_EE, "CHAIN-USAGE"},
		{CP_EE "\nkeyUsage=critical,keyEncipherment", "CHAIN-USAGE"},
		{CP_EE "\nkeyUsage=critical,keyAgreement,dataEncipherment", "CHAIN-USAGE"},
		{CP_EE CP_USE "\nextendedKeyUsage=serverAuth,clientAuth", "CHAIN-PURPOSE"},
		{CP_EE CP_USE "\nextendedKeyUsage=codeSigning", "CHAIN-PURPOSE"},
		{CP_EE CP_USE "\nextendedKeyUsage=OCSPSigning", "CHAIN-PURPOSE"},
		{CP_EE CP_USE "\nextendedKeyUsage=DER:0500", "CERT-UNREADABLE"},
		{CP_MEMBER "\n1.2.3.4=critical,DER:0500", "CERT-EXTENSION"},
		{CP_MEMBER "\n1.2.3.4=DER:0500\n1.2.3.4=DER:0500", "CHAIN-PROFILE"},
		{CP_MEMBER "\nbasicConstraints=CA:FALSE", "CERT-UNREADABLE"},
		{CP_CA CP_FOR, "CHAIN-MEMBER-CA"},
		{CP_EE "\nkeyUsage=critical,digitalSignature,keyCertSign", "CHAIN-PROFILE"},
		{CP_EE CP_USE "\nproxyCertInfo=critical,language:id-ppl-anyLanguage,pathlen:0",
			"CERT-EXTENSION"},
		{"basicConstraints=critical,CA:FALSE\nsubjectKeyIdentifier=hash" CP_USE,
			"CHAIN-PROFILE"}, /* no authorityKeyIdentifier */
	};
	struct cp_cert *r = root("R");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		refused(ISSUERS(r), member_with(r, bad[i].exts), bad[i].rule);
	}
}

/* ---- strength ---- */

static void weak_keys(void **state)
{
	static const char *const weak[] = {"RSA-1024", "secp256k1", "P-224"};
	struct rv_cert *cert = NULL;
	struct rv_err e = {0};
	struct cp_cert *r = root("R");
	for (size_t i = 0; i < sizeof(weak) / sizeof(weak[0]); i++) {
		struct cp_cert *c = cp_make(
			&(struct cp_make){.name = "I", .kind = weak[i], .by = r, .exts = CP_CA});
		refused(ISSUERS(r, c), member(c), "CHAIN-KEY");
		refused(ISSUERS(c), member(c), "CHAIN-KEY");
		/* a member's is refused before anybody looks for its issuer */
		struct cp_cert *m = cp_make(&(struct cp_make){
			.name = "KE", .kind = weak[i], .by = r, .exts = CP_MEMBER});
		assert_int_equal(rv_cert_from_der(&cert, m->der.data, m->der.len, &e), RV_ECERT);
		assert_string_equal(e.rule, i == 0 ? "CERT-KEY-SIZE" : "CERT-KEY-TYPE");
	}
}

static void weak_hashes(void **state)
{
	const EVP_MD *const weak[] = {EVP_sha1(), EVP_md5(), EVP_sha224()};
	struct cp_cert *r =
		cp_make(&(struct cp_make){.name = "R", .kind = "RSA-2048", .exts = CP_CA});
	for (size_t i = 0; i < 3; i++) {
		struct cp_cert *c = cp_make(
			&(struct cp_make){.name = "I", .by = r, .exts = CP_CA, .md = weak[i]});
		refused(ISSUERS(r, c), member(c), "CHAIN-HASH");
		refused(ISSUERS(c), member(c), "CHAIN-HASH");
		struct cp_cert *own = cp_make(&(struct cp_make){
			.name = "Own", .kind = "RSA-2048", .exts = CP_CA, .md = weak[i]});
		refused(ISSUERS(own), member(own), "CHAIN-HASH");
		struct cp_cert *m = cp_make(
			&(struct cp_make){.name = "KE", .by = r, .exts = CP_MEMBER, .md = weak[i]});
		refused(ISSUERS(r), m, "CERT-HASH");
	}
	/* SHA-1 inside of PSS */
	refused(ISSUERS(r),
		cp_make(&(struct cp_make){.name = "KE", .by = r, .exts = CP_MEMBER, .pss = 2}),
		"CHAIN-HASH");
}

/* ---- the set ---- */

static void sets(void **state)
{
	struct cp_cert *r = root("R");
	struct rv_chain_issuer in[2] = {
		{.der = {r->der.data, r->der.len}}, {.der = {r->der.data, r->der.len}}};
	struct rv_chain *chain = NULL;
	struct rv_err e = {0};
	assert_int_equal(rv_chain_new(&chain, in, 2, &e), RV_ECERT);
	assert_string_equal(e.rule, "CHAIN-DUPLICATE");
	in[1].der.len--;
	assert_int_equal(rv_chain_new(&chain, in, 2, &e), RV_ECERT);
	assert_string_equal(e.rule, "CHAIN-UNREADABLE");
	in[1].der.len = 0;
	assert_int_equal(rv_chain_new(&chain, in, 2, &e), RV_ECERT);
	assert_string_equal(e.rule, "CHAIN-UNREADABLE");
	assert_int_equal(rv_chain_new(&chain, in, RV_CHAIN_ISSUERS + 1, &e), RV_ELIMIT);
	assert_string_equal(e.rule, "CHAIN-LIMIT");
	assert_null(chain);
	struct rv_buf longer = {0};
	assert_int_equal(rv_buf_put(&longer, r->der.data, r->der.len), 0);
	assert_int_equal(rv_buf_u8(&longer, 0), 0);
	assert_int_equal(rv_chain_issuer_check(longer.data, longer.len, &e), RV_ECERT);
	assert_string_equal(e.rule, "CHAIN-UNREADABLE");
	assert_int_equal(rv_chain_issuer_check(longer.data, r->der.len, &e), 0);
	rv_buf_free(&longer);
	struct cp_cert *m = member(r);
	assert_int_equal(rv_chain_issuer_check(m->der.data, m->der.len, &e), RV_ECERT);
	assert_string_equal(e.rule, "CHAIN-CA");
	rv_chain_free(NULL);
	rv_chain_free(&chain);
	rv_path_free(NULL);
}

/* An issuer is read whatever its key and extensions; nothing verifies with it that is no message
 * key. */
static void issuers_of_lists(void **state)
{
	struct rv_cert *cert = NULL;
	struct rv_err e = {0};
	const uint8_t value[64] = {1};
	struct cp_cert *c = cp_make(&(struct cp_make){.name = "R",
		.kind = "P-384",
		.exts = CP_CA "\nnameConstraints=critical,@permitted_kenya"});
	assert_int_equal(rv_cert_from_der(&cert, c->der.data, c->der.len, &e), RV_ECERT);
	assert_string_equal(e.rule, "CERT-KEY-TYPE");
	assert_int_equal(rv_cert_issuer_from_der(&cert, c->der.data, c->der.len, &e), 0);
	assert_int_equal(rv_cert_alg(cert), 0);
	assert_int_equal(
		rv_cert_verify(cert, RV_ALG_ECDSA_P256_SHA256, "x", 1, value, sizeof(value), &e),
		RV_ESIGNATURE);
	assert_string_equal(e.rule, "SEAL-ALGORITHM");
	rv_cert_free(&cert);
	assert_int_equal(rv_cert_issuer_from_der(&cert, c->der.data, c->der.len - 1, &e), RV_ECERT);
	assert_string_equal(e.rule, "CERT-UNREADABLE");
	c = root("P");
	assert_int_equal(rv_cert_issuer_from_der(&cert, c->der.data, c->der.len, &e), 0);
	assert_int_equal(rv_cert_alg(cert), RV_ALG_ECDSA_P256_SHA256);
	rv_cert_free(&cert);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(two_and_three_levels, clear),
		cmocka_unit_test_teardown(cross_certified, clear),
		cmocka_unit_test_teardown(kinds_of_keys, clear),
		cmocka_unit_test_teardown(uses, clear),
		cmocka_unit_test_teardown(a_listed_self_signed_member, clear),
		cmocka_unit_test_teardown(which_issuer, clear),
		cmocka_unit_test(own_profiles),
		cmocka_unit_test_teardown(validity, clear),
		cmocka_unit_test_teardown(wrong_authority, clear),
		cmocka_unit_test_teardown(tampered, clear),
		cmocka_unit_test_teardown(issuer_of_other_members, clear),
		cmocka_unit_test_teardown(loop, clear),
		cmocka_unit_test_teardown(mesh, clear),
		cmocka_unit_test_teardown(depth, clear),
		cmocka_unit_test_teardown(not_an_authority, clear),
		cmocka_unit_test_teardown(path_length, clear),
		cmocka_unit_test_teardown(name_constraints, clear),
		cmocka_unit_test_teardown(member_extensions, clear),
		cmocka_unit_test_teardown(weak_keys, clear),
		cmocka_unit_test_teardown(weak_hashes, clear),
		cmocka_unit_test_teardown(sets, clear),
		cmocka_unit_test_teardown(issuers_of_lists, clear),
	};
	return cmocka_run_group_tests_name("chain", tests, NULL, NULL);
}
