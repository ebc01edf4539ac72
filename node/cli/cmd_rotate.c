/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <openssl/x509.h>

#include "node/cli/shared.h"
#include "node/cli/trust_options.h"
#include "node/file.h"
#include "node/link/curve_key.h"
#include "node/trust/issue.h"
#include "node/trust/rotation.h"
#include "protocol/join.h"
#include "protocol/xml.h"

/* The request says of the member what the list says of it now. */
static int fill_party(struct rv_join *j, const struct rv_member *m)
{
	struct rv_member *p = &j->party;
	memcpy(p->code, m->code, sizeof(p->code));
	memcpy(p->country, m->country, sizeof(p->country));
	p->roles = m->roles;
	p->name = strdup(m->name);
	p->endpoints = calloc(m->n_endpoints + 1, sizeof(*p->endpoints));
	p->via = calloc(m->n_via + 1, sizeof(*p->via));
	if (p->name == NULL || p->endpoints == NULL || p->via == NULL) {
		return RV_ENOMEM;
	}
	for (size_t i = 0; i < m->n_endpoints; i++) {
		p->endpoints[i] = strdup(m->endpoints[i]);
		p->n_endpoints++;
		if (p->endpoints[i] == NULL) {
			return RV_ENOMEM;
		}
	}
	for (; p->n_via < m->n_via; p->n_via++) {
		memcpy(p->via[p->n_via], m->via[p->n_via], sizeof(*p->via));
	}
	return 0;
}

static int put(const struct conf *conf, const char *name, unsigned mode, const struct rv_buf *b,
	struct rv_err *e)
{
	char *path = rotation_path(conf, name);
	int rc = path != NULL ? file_create(path, mode, b->data, b->len, e) : rv_fail_nomem(e);
	free(path);
	return rc;
}

struct making {
	struct cli *cli;
	const struct conf *conf;
	EVP_PKEY *key;
	X509_REQ *req;
	struct rv_join join;
};

static int make_sign_key(struct making *m, unsigned rsa_bits, struct rv_err *e)
{
	struct rv_buf pem = {0};
	unsigned char *der = NULL;
	int rc = issue_key_new(&m->key, rsa_bits, e);
	if (rc == 0) {
		rc = issue_key_pem(m->key, NULL, &pem, e);
	}
	if (rc == 0) {
		rc = put(m->conf, "next/sign.key", 0600, &pem, e);
	}
	rv_buf_wipe(&pem);
	if (rc == 0) {
		rc = issue_request(&m->req, m->key, m->join.party.code, m->join.party.name, e);
	}
	if (rc == 0) {
		rc = issue_request_pem(m->req, &pem, e);
	}
	if (rc == 0) {
		rc = put(m->conf, "next/sign.csr", 0644, &pem, e);
	}
	rv_buf_free(&pem);
	int len = rc == 0 ? i2d_X509_REQ(m->req, &der) : 0;
	if (rc == 0) {
		m->join.request = len > 0 ? malloc((size_t)len) : NULL;
		rc = m->join.request != NULL ? 0 : rv_fail_nomem(e);
	}
	if (rc == 0) {
		memcpy(m->join.request, der, (size_t)len);
		m->join.request_len = (size_t)len;
	}
	OPENSSL_free(der);
	return rc;
}

static int make_curve_key(struct making *m, struct rv_err *e)
{
	struct curve_key k;
	char *path = rotation_path(m->conf, "next/curve.key");
	int rc = path != NULL ? curve_key_generate(&k, e) : rv_fail_nomem(e);
	if (rc == 0) {
		rc = curve_key_write(path, &k, e);
		memcpy(m->join.z85, k.public_key, sizeof(m->join.z85));
		curve_key_wipe(&k);
	}
	free(path);
	return rc;
}

/* The request comes last: the node looks for it. */
static int make_request(struct making *m, struct rv_err *e)
{
	struct rv_clock clock = cli_clock(m->cli);
	struct rv_signer signer;
	struct rv_buf wire = {0};
	m->join.made_us = clock.now_us(clock.ctx);
	int rc = issue_signer(&signer, m->key, m->join.party.code, e);
	if (rc == 0) {
		rc = rv_join_write(&m->join, &signer, &wire, e);
	}
	if (rc == 0) {
		rc = put(m->conf, "next/join.xml", 0644, &wire, e);
	}
	rv_buf_free(&wire);
	return rc;
}

static void remove_next(const struct conf *conf)
{
	static const char *const names[] = {
		"next/join.xml", "next/sign.crt", "next/sign.csr", "next/sign.key", "next/curve.key"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = rotation_path(conf, names[i]);
		if (path != NULL) {
			unlink(path);
		}
		free(path);
	}
	char *folder = rotation_path(conf, "next");
	if (folder != NULL) {
		rmdir(folder);
	}
	free(folder);
}

static int make(struct making *m, unsigned rsa_bits, struct rv_err *e)
{
	struct rv_trust *t = NULL;
	char *folder = rotation_path(m->conf, "next");
	int rc = folder != NULL ? cli_trust(m->cli, &t, e) : rv_fail_nomem(e);
	const struct rv_member *me = rc == 0 ? rv_trust_member(t, m->conf->code) : NULL;
	if (rc == 0 && me == NULL) {
		rc = rv_fail(e, RV_EUNKNOWN, "the trust list does not have %s", m->conf->code);
	}
	if (rc == 0) {
		rc = fill_party(&m->join, me) != 0 ? rv_fail_nomem(e) : file_mkdir(folder, 0700, e);
	}
	if (rc == 0) {
		rc = make_sign_key(m, rsa_bits, e);
		if (rc == 0) {
			rc = make_curve_key(m, e);
		}
		if (rc == 0) {
			rc = make_request(m, e);
		}
		if (rc != 0) {
			remove_next(m->conf);
		}
	}
	rv_trust_unref(&t);
	free(folder);
	return rc;
}

/* The request that is there already: what was begun goes on. */
static int read_pending(struct making *m, struct rv_err *e)
{
	struct rv_buf wire = {0};
	int rc = rotation_request(m->conf, &wire, e);
	if (rc == 0) {
		rc = rv_join_read(&m->join, wire.data, wire.len, e);
	}
	rv_buf_free(&wire);
	return rc;
}

static int run(struct cli *c)
{
	struct rv_err e = {0};
	struct making m = {.cli = c};
	char phrase[RV_FINGERPRINT_TEXT] = "";
	unsigned rsa_bits = 0;
	rv_xml_init(NULL);
	int status = options_number(c, "rsa", 0, 8192, &rsa_bits);
	if (status != 0) {
		return status;
	}
	int rc = cli_conf(c, &m.conf, &e);
	if (rc == 0 && strncmp(m.conf->signing_key, "pkcs11:", 7) == 0) {
		rc = rv_fail(&e, RV_EINVAL, "the signing key of %s is in hardware", m.conf->code);
		rv_err_mend(&e, "Make a node of the same code in another folder, with a new object in "
				"the token (reeve join), and approve that.");
	}
	if (rc == 0 && cli_has(c, "undo")) {
		remove_next(m.conf);
		fprintf(cli_out(c), "The new keys of %s are gone; it goes on with those that it has.\n",
			m.conf->code);
		return CLI_OK;
	}
	if (rc == 0) {
		rc = read_pending(&m, &e);
		rc = rc == RV_ENOTFOUND ? make(&m, rsa_bits, &e) : rc;
	}
	if (rc == 0) {
		rc = rv_join_fingerprint(&m.join, phrase, &e);
	}
	if (rc != 0) {
		status = cli_fail(c, &e, "the keys are not rotated");
	} else {
		fprintf(cli_out(c),
			"New keys of %s are made. The node asks the coordinator for them by itself; "
			"compare this phrase:\n\n    %s\n\nThere: reeve approve %s. When the list has "
			"them and the peers know it, the node starts with them.\n",
			m.conf->code, phrase, m.conf->code);
	}
	EVP_PKEY_free(m.key);
	X509_REQ_free(m.req);
	rv_join_clear(&m.join);
	return status;
}

static const struct cli_option options[] = {
	{"rsa", 0, "BITS", "an RSA key, 2048 to 8192 bits (else P-256)", "3072 4096", 0},
	{"undo", 0, NULL, "forget new keys that are not listed yet", NULL, 0},
	CLI_OPTION_END,
};

const struct cli_command cmd_rotate = {
	.name = "rotate",
	.operands = "",
	.summary = "make new keys for this node, which it takes once they are approved",
	.details = "Makes a signing key and a CURVE key; the present ones stay in use until the\n"
		   "trust list has the new ones. The running node sends the request, vouched for\n"
		   "by its present key. The same command again shows the phrase again.",
	.options = options,
	.run = run,
};
