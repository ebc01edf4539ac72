/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_CLI_INIT_H
#define NODE_CLI_INIT_H

#include "node/cli/cli.h"
#include "protocol/join.h"

/* Making a node's folder, for `reeve init` and `reeve join`. */

struct init_who {
	const char *dir, *code, *name;
	unsigned roles;
	const char *country; /* NULL: none */
	const char *relay;   /* whom it dials, and who serves it, where no option says; NULL: nobody */
};
/*
 * Makes DIR with keys, configuration and request to join; what else is asked for comes from the
 * options INIT_OPTIONS. CLI_OK, or what went wrong was said and nothing is left of it. fingerprint:
 * of the request.
 */
int init_node(struct cli *c, const struct init_who *who, char fingerprint[RV_FINGERPRINT_TEXT]);

/* clang-format off */
#define INIT_OPTIONS                                                                               \
	{"office", 0, "NAME", "office that messages come from", NULL, 0},                          \
	{"listen", 0, "ADDRESS", "where the node listens: tcp://0.0.0.0:4510 (else it only dials)", \
		NULL, 0},                                                                          \
	{"endpoint", 0, "ADDRESS", "where others reach it: tcp://host:4510", NULL, 1},             \
	{"via", 0, "CODE", "a relay that serves it, the preferred one first", NULL, 1},            \
	{"dial", 0, "CODE", "a member that it dials", NULL, 1},                                    \
	{"rights", 0, "FILE", "rights of a right-holder, CSV: brand, registration, classes, countries", \
		CLI_FILES, 0},                                                                     \
	{"pkcs11", 0, "URI",                                                                       \
		"the signing key in a hardware module: pkcs11:token=NAME;object=LABEL", NULL, 0},  \
	{"pkcs11-module", 0, "FILE",                                                               \
		"the module's shared library (else module-path of the URI)", CLI_FILES, 0},        \
	{"pin-file", 0, "FILE",                                                                    \
		"file of mode 600 with the token's PIN (else pin-source of the URI)", CLI_FILES,   \
		0},                                                                                \
	{"rsa", 0, "BITS", "an RSA key, 2048 to 8192 bits (else P-256)", "3072 4096", 0}
/* clang-format on */

/* Reads rights from a CSV file: a first line "brand,registration,classes,countries", then one right a
 * line; classes and countries are separated by spaces, registration and both of them may be empty. */
int rights_read(struct cli *c, const char *path, struct rv_member *m, struct rv_err *e);

#endif
