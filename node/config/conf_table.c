/* SPDX-License-Identifier: Apache-2.0 */
#include "node/config/conf_table.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/file.h"
#include "node/trust/http.h"
#include "node/utf8.h"

#define AT(field) offsetof(struct conf, field)
#define TEXT(name_, field, default_, check_, form_, group_, words_)                                \
	{                                                                                          \
		.name = name_, .type = CONF_TEXT, .at = AT(field), .text = default_,               \
		.check = check_, .form = form_, .group = group_, .words = words_                   \
	}
#define WORD(name_, field, default_, choices_, words_)                                             \
	{                                                                                          \
		.name = name_, .type = CONF_TEXT, .at = AT(field), .text = default_,               \
		.choices = choices_, .words = words_                                               \
	}
#define PATH(name_, field, default_, group_, words_)                                               \
	{                                                                                          \
		.name = name_, .type = CONF_PATH, .at = AT(field), .text = default_,               \
		.group = group_, .words = words_                                                   \
	}
#define NUMBER(name_, type_, field, default_, min_, max_, group_, words_)                          \
	{                                                                                          \
		.name = name_, .type = type_, .at = AT(field), .number = default_, .min = min_,    \
		.max = max_, .group = group_, .words = words_                                      \
	}

static int is_port(const char *text)
{
	size_t len = strspn(text, "0123456789");
	return len >= 1 && len <= 5 && text[len] == '\0' && text[0] != '0' &&
	       strtoul(text, NULL, 10) <= 65535;
}

/* What libzmq binds: no host names, those are for who dials. */
static int is_listen(const char *value)
{
	static const char scheme[] = "tcp://";
	char address[INET6_ADDRSTRLEN + 2];
	struct in6_addr raw;
	if (value[0] == '\0') {
		return 1;
	}
	const char *colon = strrchr(value, ':');
	if (strncmp(value, scheme, sizeof(scheme) - 1) != 0 || !is_port(colon + 1)) {
		return 0;
	}
	const char *at = value + sizeof(scheme) - 1;
	size_t len = colon > at ? (size_t)(colon - at) : 0;
	if (len == 0 || len >= sizeof(address)) {
		return 0;
	}
	memcpy(address, at, len);
	address[len] = '\0';
	if (address[0] == '[' && address[len - 1] == ']') {
		address[len - 1] = '\0';
		return inet_pton(AF_INET6, address + 1, &raw) == 1;
	}
	return strcmp(address, "*") == 0 || inet_pton(AF_INET, address, &raw) == 1;
}

static int is_pin(const char *value)
{
	return value[0] == '\0' || http_pin_valid(value);
}

static int is_proxy(const char *value)
{
	return strlen(value) < HTTP_URL_MAX &&
	       (value[0] == '\0' || strstr(value, "://") != NULL);
}

/* It goes into the Header of messages as it is. */
static int is_office(const char *value)
{
	size_t used = 0;
	uint32_t c = 0;
	for (size_t len; (len = utf8_next(value + used, &c)) > 0; used += len) {
		if (utf8_is_harmful(c)) {
			return 0;
		}
	}
	return value[used] == '\0' && used <= 256;
}

const struct conf_setting conf_settings[] = {
	{.name = "code",
		.type = CONF_CODE,
		.at = AT(code),
		.group = "The node",
		.words = "whose node this is: the member's code in the trust list"},
	TEXT("office", office, "", is_office,
		"at most 256 bytes of UTF-8 without control characters", NULL,
		"the office that reports, as it stands in the Header of messages"),
	PATH("state_dir", state_dir, ".", NULL, "where the store and the attachments are"),
	PATH("run_dir", run_dir, "run", NULL, "where the sockets are while the node runs"),
	PATH("schemas", schemas, REEVE_DATADIR "/schemas", NULL,
		"schemas and code lists; REEVE_SCHEMAS in the environment wins"),
	NUMBER("workers", CONF_UINT, workers, 0, 0, 64, NULL,
		"threads that check messages; 0: one a core"),
	PATH("signing_key", signing_key, "keys/sign.key", "Keys and trust",
		"the signing key, read by the keeper alone: a PEM file, or a key in a hardware "
		"module by its URI, \"pkcs11:token=NAME;object=LABEL\""),
	PATH("pkcs11_module", pkcs11_module, "", NULL,
		"the shared library of the hardware module; empty: module-path in the URI"),
	PATH("signing_pin_file", signing_pin_file, "", NULL,
		"a file of mode 600 with the PIN of the token; empty: pin-source in the URI"),
	WORD("pkcs11_reach", pkcs11_reach, "files", "files network",
		"what the module may use after its start: files, or also sockets and threads"),
	PATH("signing_cert", signing_cert, "keys/sign.crt", NULL,
		"its certificate, which the coordinator issued"),
	PATH("curve_key", curve_key, "keys/curve.key", NULL,
		"the CURVE pair, read by the line alone"),
	PATH("authority", authority, "authority.pem", NULL,
		"certificates of the authority that signs the trust list"),
	PATH("trust_list", trust_list, "trust.xml", NULL,
		"the trust list; a newer one put in its place is taken without a restart"),
	{.name = "trust_urls",
		.type = CONF_URLS,
		.at = AT(trust_urls),
		.words = "https addresses where newer trust lists are published, asked in turn"},
	PATH("trust_ca", trust_ca, "", NULL,
		"certification authorities of those servers, a PEM file; empty: the system's"),
	TEXT("trust_pin", trust_pin, "", is_pin,
		"sha256// and the base64 of the SHA-256 of a public key, several separated by ;", NULL,
		"public key of those servers, \"sha256//BASE64\"; without trust_ca the key alone "
		"decides"),
	TEXT("trust_proxy", trust_proxy, "", is_proxy, "an address such as http://HOST:PORT", NULL,
		"proxy for lists, CRLs and OCSP, \"http://proxy.example:3128\"; empty: none"),
	NUMBER("trust_every_s", CONF_UINT, trust_every_s, 3600, 1, 604800, NULL,
		"seconds between two looks for a newer trust list"),
	NUMBER("status_every_s", CONF_UINT, status_every_s, 3600, 1, 604800, NULL,
		"longest time in seconds between two looks for a newer CRL or OCSP response"),
	NUMBER("trust_grace_h", CONF_UINT, trust_grace_h, 72, 0, 8760, NULL,
		"hours for which an expired trust list still holds, until a newer one is here"),
	PATH("authority_dir", authority_dir, "authority", NULL,
		"a coordinator's folder of the authority: invite, approve and revoke use it"),
	TEXT("listen", listen, "", is_listen,
		"tcp://ADDRESS:PORT, the address one of this machine in digits, an IPv6 address in "
		"brackets, or * for all, the port from 1 to 65535",
		"Links",
		"where peers reach this node, \"tcp://*:4510\"; empty: this node only dials"),
	{.name = "dial",
		.type = CONF_CODES,
		.at = AT(dial),
		.words = "other members whom this node dials; their addresses are in the trust "
			 "list"},
	NUMBER("heartbeat_ms", CONF_UINT, heartbeat_ms, 5000, 100, 600000, NULL,
		"between pings; a peer silent for three is given up"),
	NUMBER("reconnect_min_ms", CONF_UINT, reconnect_min_ms, 500, 10, 600000, NULL,
		"first wait before a link is dialled again"),
	NUMBER("reconnect_max_ms", CONF_UINT, reconnect_max_ms, 60000, 10, 3600000, NULL,
		"longest wait; it doubles until then"),
	NUMBER("credit_messages", CONF_UINT, credit_messages, 1024, 16, 65536, NULL,
		"messages a peer may have on their way to us"),
	NUMBER("credit_bytes", CONF_U64, credit_bytes, 16777216, 4194304, 1073741824, NULL,
		"bytes a peer may have on their way to us"),
	NUMBER("attachment_max", CONF_U64, attachment_max, 4294967296, 0, 1099511627776, NULL,
		"largest attachment taken, in bytes"),
	PATH("api_socket", api_socket, "run/api.sock", "For people and programs",
		"the Unix socket of the API"),
	WORD("log_level", log_level, "info", "error warning info debug", "how much is logged"),
	WORD("log_format", log_format, "auto", "auto text json journal",
		"how: auto is the journal under systemd, text on a terminal, JSON lines otherwise"),
};
const size_t conf_n_settings = sizeof(conf_settings) / sizeof(conf_settings[0]);

/* A text in libconfig's quotes. */
static void put_quoted(struct rv_buf *out, const char *text)
{
	rv_buf_str(out, "\"");
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\') {
			rv_buf_u8(out, '\\');
		}
		if ((unsigned char)*text >= 0x20) {
			rv_buf_u8(out, (uint8_t)*text);
		}
	}
	rv_buf_str(out, "\"");
}

/* What this node has of its own, or the default behind a comment sign. */
static void put_setting(
	struct rv_buf *out, const struct conf_setting *s, const struct conf_init *init)
{
	const char *own = s->at == AT(code)     ? init->code
			  : s->at == AT(office) ? init->office
			  : s->at == AT(listen) ? init->listen
			  : s->at == AT(signing_key)	  ? init->signing_key
			  : s->at == AT(pkcs11_module)	  ? init->pkcs11_module
			  : s->at == AT(signing_pin_file) ? init->signing_pin_file
						: NULL;
	rv_buf_printf(out, "# %s: %s\n", s->name, s->words);
	if (s->type == CONF_CODES) {
		rv_buf_printf(out, "%s = [", s->name);
		for (size_t i = 0; i < init->n_dial; i++) {
			rv_buf_str(out, i > 0 ? ", " : " ");
			put_quoted(out, init->dial[i]);
		}
		rv_buf_str(out, " ];\n\n");
	} else if (s->type == CONF_URLS) {
		rv_buf_printf(out, "#%s = [ ];\n\n", s->name);
	} else if (own != NULL && own[0] != '\0') {
		rv_buf_printf(out, "%s = ", s->name);
		put_quoted(out, own);
		rv_buf_str(out, ";\n\n");
	} else if (s->type == CONF_UINT || s->type == CONF_U64) {
		/* libconfig takes numbers over 32 bits with an L only */
		rv_buf_printf(out, "#%s = %lld%s;\n\n", s->name, s->number,
			s->number > INT32_MAX ? "L" : "");
	} else {
		rv_buf_printf(out, "#%s = ", s->name);
		put_quoted(out, s->text != NULL ? s->text : "");
		rv_buf_str(out, ";\n\n");
	}
}

int conf_write(const char *file, const struct conf_init *init, struct rv_err *e)
{
	struct rv_buf out = {0};
	rv_buf_str(&out, "# Configuration of a Reeve node; see reeve.conf(5). Settings behind # "
			 "show their defaults.\n"
			 "# Paths are relative to this file's folder. After a change: restart "
			 "reeved; check first with reeved -n.\n\n");
	for (size_t i = 0; i < conf_n_settings; i++) {
		if (conf_settings[i].group != NULL) {
			rv_buf_printf(&out, "# ---- %s ----\n\n", conf_settings[i].group);
		}
		put_setting(&out, &conf_settings[i], init);
	}
	int rc = rv_buf_ok(&out) ? file_write(file, 0600, out.data, out.len, e) : rv_fail_nomem(e);
	rv_buf_free(&out);
	return rc;
}
