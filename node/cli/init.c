/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/init.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/cli/trust_options.h"
#include "node/file.h"
#include "node/link/curve_key.h"
#include "node/token/token.h"
#include "protocol/join.h"

enum { MAX_ADDRESSES = 8 };

/* The files of a new node, in the order in which they are made. */
enum { F_KEYS, F_SIGN_KEY, F_SIGN_CSR, F_CURVE_KEY, F_CONF, F_JOIN, N_FILES };
static const char *const names[N_FILES] = {
	"keys", "keys/sign.key", "keys/sign.csr", "keys/curve.key", "reeve.conf", "join.xml"};

struct making {
	struct cli *cli;
	const struct init_who *who;
	const char *dir;
	int made_dir;
	int made[N_FILES];
	char *paths[N_FILES];
	unsigned rsa_bits;
	char *module, *pin_file; /* whole paths; NULL: not given */
	struct token *token;     /* NULL: the signing key is a file */
	int made_in_token;
	EVP_PKEY *key;
	X509_REQ *req;
	struct rv_join join;
	struct conf_init conf;
	const char **dial;
};

/* ---- what was asked for ---- */

static char *copy(const char *s)
{
	return strdup(s);
}

static int take_addresses(struct cli *c, const struct init_who *who, struct rv_member *m)
{
	const char *const *values;
	size_t n = cli_opt_all(c, "endpoint", &values);
	if (n > MAX_ADDRESSES) {
		return cli_usage(c, "a node has %d endpoints at most", MAX_ADDRESSES);
	}
	m->endpoints = calloc(MAX_ADDRESSES, sizeof(*m->endpoints));
	m->via = calloc(MAX_ADDRESSES, sizeof(*m->via));
	if (m->endpoints == NULL || m->via == NULL) {
		return cli_no(c, "memory is short");
	}
	for (size_t i = 0; i < n; i++) {
		if (!rv_endpoint_valid(values[i])) {
			return cli_usage(c,
				"--endpoint needs an address that others can reach, "
				"tcp://host:port, not '%s'",
				values[i]);
		}
		m->endpoints[i] = copy(values[i]);
		if (m->endpoints[i] == NULL) {
			return cli_no(c, "memory is short");
		}
		m->n_endpoints++;
	}
	n = cli_opt_all(c, "via", &values);
	if (n > MAX_ADDRESSES) {
		return cli_usage(c, "a node is served via %d relays at most", MAX_ADDRESSES);
	}
	for (size_t i = 0; i < n; i++) {
		int status = options_code(c, "via", values[i]);
		if (status != 0) {
			return status;
		}
		memcpy(m->via[m->n_via++], values[i], strlen(values[i]) + 1);
	}
	if (n == 0 && who->relay != NULL) {
		memcpy(m->via[m->n_via++], who->relay, strlen(who->relay) + 1);
	}
	return 0;
}

static int take_dial(struct making *m)
{
	const char *const *values;
	size_t n = cli_opt_all(m->cli, "dial", &values);
	m->dial = calloc(n + 1, sizeof(*m->dial));
	if (m->dial == NULL) {
		return cli_no(m->cli, "memory is short");
	}
	for (size_t i = 0; i < n; i++) {
		int status = options_code(m->cli, "dial", values[i]);
		if (status != 0) {
			return status;
		}
		m->dial[i] = values[i];
	}
	if (n == 0 && m->who->relay != NULL) {
		m->dial[n++] = m->who->relay;
	}
	m->conf.dial = m->dial;
	m->conf.n_dial = n;
	return 0;
}

/* The daemon runs elsewhere: it gets whole paths. */
static int take_path(struct cli *c, const char *option, char **path_r)
{
	const char *given = cli_opt(c, option);
	*path_r = given != NULL ? realpath(given, NULL) : NULL;
	return given == NULL || *path_r != NULL
		       ? 0
		       : cli_usage(c, "--%s: there is no file '%s'", option, given);
}

static int take_token(struct making *m)
{
	struct cli *c = m->cli;
	struct rv_err e = {0};
	const char *uri = cli_opt(c, "pkcs11");
	if (uri == NULL) {
		return cli_opt(c, "pkcs11-module") == NULL && cli_opt(c, "pin-file") == NULL
			       ? 0
			       : cli_usage(c, "--pkcs11-module and --pin-file go with --pkcs11");
	}
	int status = take_path(c, "pkcs11-module", &m->module);
	if (status == 0) {
		status = take_path(c, "pin-file", &m->pin_file);
	}
	if (status != 0) {
		return status;
	}
	struct token_params p = {.place = {uri, m->module, m->pin_file}};
	if (token_new(&m->token, &p, &e) != 0) {
		return cli_fail(c, &e, "the node is not made");
	}
	m->conf.signing_key = uri;
	m->conf.pkcs11_module = m->module;
	m->conf.signing_pin_file = m->pin_file;
	return 0;
}

static int take_rights(struct making *m)
{
	struct rv_err e = {0};
	const char *path = cli_opt(m->cli, "rights");
	struct rv_member *party = &m->join.party;
	if (path == NULL) {
		return 0;
	}
	if (!(party->roles & RV_ROLE_RIGHT_HOLDER)) {
		return cli_usage(m->cli, "--rights are for a right-holder");
	}
	return rights_read(m->cli, path, party, &e) != 0 ? cli_fail(m->cli, &e, NULL) : 0;
}

static int take_options(struct making *m)
{
	struct cli *c = m->cli;
	struct rv_member *party = &m->join.party;
	const struct init_who *who = m->who;
	int status = options_number(c, "rsa", 0, 8192, &m->rsa_bits);
	if (status != 0) {
		return status;
	}
	snprintf(party->code, sizeof(party->code), "%s", who->code);
	snprintf(party->country, sizeof(party->country), "%s",
		who->country != NULL ? who->country : "");
	party->roles = who->roles;
	party->name = copy(who->name);
	if (party->name == NULL) {
		return cli_no(c, "memory is short");
	}
	m->conf.code = party->code;
	m->conf.office = cli_opt(c, "office");
	m->conf.listen = cli_opt(c, "listen");
	status = take_addresses(c, who, party);
	if (status == 0) {
		status = take_rights(m);
	}
	if (status == 0) {
		status = take_dial(m);
	}
	return status == 0 ? take_token(m) : status;
}

/* ---- making ---- */

static int is_empty_folder(const char *path)
{
	int n = 0;
	DIR *d = opendir(path);
	if (d == NULL) {
		return 0;
	}
	while (readdir(d) != NULL) {
		n++;
	}
	closedir(d);
	return n == 2; /* itself and its parent */
}

static int make_folders(struct making *m, struct rv_err *e)
{
	int rc = file_mkdir(m->dir, 0700, e);
	m->made_dir = rc == 0;
	if (rc == RV_EEXIST && is_empty_folder(m->dir)) {
		rc = chmod(m->dir, 0700) == 0
			     ? 0
			     : rv_fail_errno(e, errno, "cannot close %s to others", m->dir);
	} else if (rc == RV_EEXIST) {
		rv_err_mend(
			e, "Nothing is overwritten: name a folder that is empty or not there yet.");
	}
	if (rc == 0) {
		rc = file_mkdir(m->paths[F_KEYS], 0700, e);
		m->made[F_KEYS] = rc == 0;
	}
	return rc;
}

static int make_key_file(struct making *m, struct rv_err *e)
{
	struct rv_buf pem = {0};
	int rc = issue_key_new(&m->key, m->rsa_bits, e);
	if (rc == 0) {
		rc = issue_key_pem(m->key, NULL, &pem, e);
	}
	if (rc == 0) {
		rc = file_create(m->paths[F_SIGN_KEY], 0600, pem.data, pem.len, e);
		m->made[F_SIGN_KEY] = rc == 0;
	}
	rv_buf_wipe(&pem);
	return rc;
}

/* The key that is there is used: somebody made it for this. */
static int make_key_in_token(struct making *m, struct rv_err *e)
{
	int rc = token_ready(m->token, e);
	if (rc == RV_ENOTFOUND) {
		rc = token_generate(m->token, m->rsa_bits, e);
		m->made_in_token = rc == 0;
	}
	return rc == 0 ? token_key(m->token, &m->key, e) : rc;
}

static int make_sign_key(struct making *m, struct rv_err *e)
{
	struct rv_buf pem = {0};
	int rc = m->token != NULL ? make_key_in_token(m, e) : make_key_file(m, e);
	if (rc == 0) {
		rc = issue_request(&m->req, m->key, m->join.party.code, m->join.party.name, e);
	}
	if (rc == 0) {
		rc = issue_request_pem(m->req, &pem, e);
	}
	if (rc == 0) {
		rc = file_create(m->paths[F_SIGN_CSR], 0644, pem.data, pem.len, e);
		m->made[F_SIGN_CSR] = rc == 0;
	}
	rv_buf_free(&pem);
	return rc;
}

static int make_curve_key(struct making *m, struct rv_err *e)
{
	struct curve_key k;
	int rc = curve_key_generate(&k, e);
	if (rc != 0) {
		return rc;
	}
	rc = curve_key_write(m->paths[F_CURVE_KEY], &k, e);
	m->made[F_CURVE_KEY] = rc == 0;
	memcpy(m->join.z85, k.public_key, sizeof(m->join.z85));
	curve_key_wipe(&k);
	return rc;
}

static int make_conf(struct making *m, struct rv_err *e)
{
	struct conf *conf = NULL;
	if (access(m->paths[F_CONF], F_OK) == 0) {
		return rv_fail(e, RV_EEXIST, "%s is there already", m->paths[F_CONF]);
	}
	m->made[F_CONF] = 1;
	int rc = conf_write(m->paths[F_CONF], &m->conf, e);
	if (rc == 0) {
		rc = conf_read(&conf, m->paths[F_CONF],
			e); /* so that what was asked for is known to be right */
	}
	conf_free(&conf);
	return rc;
}

static int make_join(struct making *m, struct rv_err *e)
{
	struct rv_signer signer;
	struct rv_buf wire = {0};
	struct rv_clock clock = cli_clock(m->cli);
	unsigned char *der = NULL;
	int len = i2d_X509_REQ(m->req, &der);
	m->join.made_us = clock.now_us(clock.ctx);
	m->join.request = len > 0 ? malloc((size_t)len) : NULL;
	if (m->join.request == NULL) {
		OPENSSL_free(der);
		return rv_fail_nomem(e);
	}
	memcpy(m->join.request, der, (size_t)len);
	m->join.request_len = (size_t)len;
	OPENSSL_free(der);
	int rc = 0;
	if (m->token != NULL) {
		token_signer(m->token, &signer);
		memcpy(signer.code, m->join.party.code, sizeof(signer.code));
	} else {
		rc = issue_signer(&signer, m->key, m->join.party.code, e);
	}
	if (rc == 0) {
		rc = rv_join_write(&m->join, &signer, &wire, e);
	}
	if (rc == 0) {
		rc = file_create(m->paths[F_JOIN], 0644, wire.data, wire.len, e);
		m->made[F_JOIN] = rc == 0;
	}
	rv_buf_free(&wire);
	return rc;
}

static int make(struct making *m, struct rv_err *e)
{
	for (size_t i = 0; i < N_FILES; i++) {
		m->paths[i] = file_join(m->dir, names[i]);
		if (m->paths[i] == NULL) {
			return rv_fail_nomem(e);
		}
	}
	int rc = make_folders(m, e);
	if (rc == 0) {
		rc = make_sign_key(m, e);
	}
	if (rc == 0) {
		rc = make_curve_key(m, e);
	}
	if (rc == 0) {
		rc = make_conf(m, e);
	}
	return rc == 0 ? make_join(m, e) : rc;
}

/* Half a node is worse than none: what was made here goes again. */
static void undo(const struct making *m)
{
	for (size_t i = N_FILES; i-- > 0;) {
		if (m->made[i]) {
			remove(m->paths[i]);
		}
	}
	if (m->made_dir) {
		rmdir(m->dir);
	}
	if (m->made_in_token) {
		token_undo(m->token, NULL);
	}
}

static void clear(struct making *m)
{
	for (size_t i = 0; i < N_FILES; i++) {
		free(m->paths[i]);
	}
	X509_REQ_free(m->req);
	EVP_PKEY_free(m->key);
	token_free(&m->token);
	free(m->module);
	free(m->pin_file);
	rv_join_clear(&m->join);
	free(m->dial);
}

/* Said by who made it: the token is gone afterwards. */
static void tell_of_token(const struct making *m)
{
	FILE *out = cli_out(m->cli);
	unsigned warnings = token_warnings(m->token);
	fprintf(out,
		m->made_in_token ? "The signing key was made in the token and cannot leave it: see "
				   "to the token's own backup.\n"
				 : "The signing key that is in the token is used.\n");
	if ((warnings & TOKEN_EXTRACTABLE) != 0) {
		fprintf(out, "Warning: this key can be taken out of the token. Make one that cannot: "
			     "reeve init makes it if no key has that name.\n");
	} else if ((warnings & TOKEN_WAS_OUTSIDE) != 0) {
		fprintf(out, "Warning: this key was not made in the token, or could be taken out "
			     "once: copies of it may exist.\n");
	}
}

int init_node(struct cli *c, const struct init_who *who, char fingerprint[RV_FINGERPRINT_TEXT])
{
	struct rv_err e = {0};
	struct making m = {.cli = c, .who = who, .dir = who->dir};
	int status = take_options(&m);
	if (status == 0 &&
		(make(&m, &e) != 0 || rv_join_fingerprint(&m.join, fingerprint, &e) != 0)) {
		undo(&m);
		status = cli_fail(c, &e, "the node is not made");
	}
	if (status == 0 && m.token != NULL) {
		tell_of_token(&m);
	}
	clear(&m);
	return status;
}
