/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/commands.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/cli/text.h"
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

static unsigned role_bit(const char *text)
{
	return rv_role_parse(text);
}

static char *copy(const char *s)
{
	return strdup(s);
}

static int take_addresses(struct cli *c, struct rv_member *m)
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

static int take_options(struct making *m)
{
	struct cli *c = m->cli;
	struct rv_member *party = &m->join.party;
	const char *code = cli_opt(c, "code");
	const char *name = cli_opt(c, "name");
	const char *country = cli_opt(c, "country");
	if (code == NULL || name == NULL || !cli_has(c, "role")) {
		return cli_usage(c, "init needs --code, --name and --role: who the node is");
	}
	int status = options_code(c, "code", code);
	if (status == 0) {
		status = options_bits(c, "role", role_bit,
			"administration right-holder coordinator relay", &party->roles);
	}
	if (status == 0) {
		status = options_number(c, "rsa", 0, 8192, &m->rsa_bits);
	}
	if (status == 0 && country != NULL &&
		(strlen(country) != 2 || strspn(country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 2)) {
		status = cli_usage(
			c, "--country needs two capital letters of ISO 3166-1, not '%s'", country);
	}
	if (status != 0) {
		return status;
	}
	memcpy(party->code, code, strlen(code) + 1);
	memcpy(party->country, country != NULL ? country : "", country != NULL ? 3 : 1);
	party->name = copy(name);
	if (party->name == NULL) {
		return cli_no(c, "memory is short");
	}
	m->conf.code = party->code;
	m->conf.office = cli_opt(c, "office");
	m->conf.listen = cli_opt(c, "listen");
	status = take_addresses(c, party);
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

static void tell(const struct making *m, const char *fingerprint)
{
	FILE *out = cli_out(m->cli);
	fprintf(out, "Node %s is made in ", m->conf.code);
	text_put(out, m->dir);
	fprintf(out, ". Next:\n  1. Send ");
	text_put(out, m->paths[F_JOIN]);
	fprintf(out,
		" to the coordinator; read this fingerprint to them by telephone:\n       %s\n",
		fingerprint);
	fprintf(out, "  2. When the trust list comes back:\n       reeve trust install -c ");
	text_put(out, m->paths[F_CONF]);
	fprintf(out, " LIST.xml --authority authority.pem\n  3. reeved -c ");
	text_put(out, m->paths[F_CONF]);
	fprintf(out, "\nKeep a copy of ");
	text_put(out, m->paths[F_KEYS]);
	fprintf(out, " where only you reach it.\n");
	if (m->token != NULL) {
		tell_of_token(m);
	}
	if (m->conf.listen == NULL && m->conf.n_dial == 0) {
		fprintf(out,
			"It neither listens nor dials: set listen or dial in the configuration.\n");
	} else if (m->conf.listen != NULL && m->join.party.n_endpoints == 0) {
		fprintf(out, "It listens, but the request names no --endpoint: nobody will know "
			     "where to dial it.\n");
	}
}

static int run(struct cli *c)
{
	struct rv_err e = {0};
	struct making m = {.cli = c, .dir = cli_operand(c, 0)};
	char fingerprint[RV_FINGERPRINT_TEXT] = "";
	rv_xml_init(NULL);
	int status = take_options(&m);
	if (status == 0 &&
		(make(&m, &e) != 0 || rv_join_fingerprint(&m.join, fingerprint, &e) != 0)) {
		undo(&m);
		status = cli_fail(c, &e, "the node is not made");
	}
	if (status == 0) {
		tell(&m, fingerprint);
	}
	clear(&m);
	return status;
}

static const struct cli_option options[] = {
	{"code", 0, "CODE", "code of the member: KE", NULL, 0},
	{"name", 0, "NAME", "name of the organisation", NULL, 0},
	{"role", 0, "ROLE", "what it is in the network",
		"administration right-holder coordinator relay", 1},
	{"country", 0, "CC", "its country (ISO 3166-1)", NULL, 0},
	{"office", 0, "NAME", "office that messages come from", NULL, 0},
	{"listen", 0, "ADDRESS", "where the node listens: tcp://*:4510 (else it only dials)",
		NULL, 0},
	{"endpoint", 0, "ADDRESS", "where others reach it: tcp://host:4510", NULL, 1},
	{"via", 0, "CODE", "a relay that serves it, the preferred one first", NULL, 1},
	{"dial", 0, "CODE", "a member that it dials", NULL, 1},
	{"pkcs11", 0, "URI",
		"the signing key in a hardware module: pkcs11:token=NAME;object=LABEL", NULL, 0},
	{"pkcs11-module", 0, "FILE", "the module's shared library (else module-path of the URI)",
		CLI_FILES, 0},
	{"pin-file", 0, "FILE", "file of mode 600 with the token's PIN (else pin-source of the URI)",
		CLI_FILES, 0},
	{"rsa", 0, "BITS", "an RSA key, 2048 to 8192 bits (else P-256)", "3072 4096", 0},
	CLI_OPTION_END,
};

const struct cli_command cmd_init = {
	.name = "init",
	.operands = "DIR",
	.summary = "make a node: keys, configuration, and the request to join",
	.details = "Nothing is overwritten. The private keys never leave DIR; join.xml has none. With "
		   "--pkcs11 the signing key is in the token: the one that is there, or one that is made "
		   "there and cannot leave it.",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.values = CLI_DIRS,
	.run = run,
};
