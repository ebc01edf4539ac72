/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_CONF_H
#define NODE_CONF_H

#include "protocol/err.h"
#include "protocol/id.h"

/*
 * The configuration of a node: reeve.conf, in libconfig's syntax. A table of rows in conf.c says
 * for each setting its name, type, default, bounds and words; the table also writes the commented
 * file of `reeve init` and the man page's list. Unknown settings, wrong types and values out of
 * bounds are errors with file, line and mend. Relative paths are relative to the folder of the
 * file. Immutable once read.
 */
struct conf {
	char *file, *dir;
	/* node */
	char code[RV_CODE_TEXT];
	char *office;
	char *state_dir; /* store, blobs; default "." */
	char *run_dir;   /* sockets; default "run" */
	char *schemas;   /* default: the installed folder; REEVE_SCHEMAS in the environment wins */
	/* keys and trust */
	char *signing_key, *signing_cert,
		*curve_key; /* keys/sign.key keys/sign.crt keys/curve.key */
	/* signing_key may be a PKCS#11 URI (token_is_uri), checked then; "" where nothing is said */
	char *pkcs11_module, *signing_pin_file, *pkcs11_reach;
	char *authority;    /* PEM file of one or more authority certificates */
	char *trust_list;   /* trust.xml */
	char **trust_urls;  /* https addresses where newer lists are published */
	size_t n_trust_urls;
	char *trust_ca, *trust_pin; /* who their servers have to be; "": the system's authorities */
	char *trust_proxy;          /* "": none */
	unsigned trust_every_s, status_every_s;
	unsigned trust_grace_h;
	char *authority_dir; /* of a coordinator: authority */
	/* link */
	char *listen; /* "tcp://127.0.0.1:4510", "tcp://[::]:4510"; "" only dials */
	char (*dial)[RV_CODE_TEXT];
	size_t n_dial; /* members to dial, each once, never this one; endpoints come from the trust
			  list */
	unsigned heartbeat_ms, reconnect_min_ms, reconnect_max_ms;
	unsigned credit_messages;
	uint64_t credit_bytes;
	uint64_t attachment_max;
	/* node's work */
	unsigned workers; /* 0: one a core */
	/* api */
	char *api_socket; /* run/api.sock */
	/* log */
	char *log_level;  /* error warning info debug */
	char *log_format; /* auto text json journal */
};
int conf_read(struct conf **c_r, const char *file, struct rv_err *e);
void conf_free(struct conf **c);

struct conf_init {
	const char *code, *office, *listen;
	const char *const *dial;
	size_t n_dial;
	const char *signing_key, *pkcs11_module, *signing_pin_file; /* NULL: the defaults */
};
/* Writes a commented configuration file for a new node (every setting with its words; defaults
 * commented out). */
int conf_write(const char *file, const struct conf_init *init, struct rv_err *e);

#endif
