/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "node/token/token_int.h"

int token_is_uri(const char *text)
{
	return text != NULL && strncmp(text, P11_KIT_URI_SCHEME ":", P11_KIT_URI_SCHEME_LEN + 1) == 0;
}

static int bad_uri(struct rv_err *e, const char *why, const char *mend)
{
	/* the text of the URI is left out: it may have what must not be shown */
	rv_fail_rule(e, RV_ECONFIG, "TOKEN-URI", "the PKCS#11 URI %s", why);
	rv_err_mend(e, "%s", mend);
	return RV_ECONFIG;
}

/* "file:/path", "file:///path" or "/path"; NULL for anything else, a program to run among it. */
static const char *source_path(const char *source)
{
	if (strncmp(source, "file:", 5) == 0) {
		source += 5;
		if (strncmp(source, "//", 2) == 0) {
			source += 2;
		}
	}
	return source[0] == '/' ? source : NULL;
}

static int read_pin_file(struct token_uri *u, const char *pin_file, struct rv_err *e)
{
	const char *source = p11_kit_uri_get_pin_source(u->parsed);
	if (p11_kit_uri_get_pin_value(u->parsed) != NULL) {
		return bad_uri(e, "has a pin-value",
			"Write the PIN into a file of mode 600, and name that: signing_pin_file or "
			"pin-source=file:/path. Give the token another PIN if this one was seen.");
	}
	if (source != NULL && pin_file != NULL && pin_file[0] != '\0') {
		return bad_uri(e, "has a pin-source, and a file with the PIN is named beside it",
			"Name the file of the PIN once.");
	}
	const char *path = pin_file != NULL && pin_file[0] != '\0' ? pin_file : NULL;
	if (source != NULL && (path = source_path(source)) == NULL) {
		return bad_uri(e, "has a pin-source that is no file",
			"Write pin-source=file:/path of a file of mode 600 that has the PIN.");
	}
	if (path != NULL && (u->pin_file = strdup(path)) == NULL) {
		return rv_fail_nomem(e);
	}
	return 0;
}

static int read_module(struct token_uri *u, const char *module, struct rv_err *e)
{
	if (module == NULL || module[0] == '\0') {
		module = p11_kit_uri_get_module_path(u->parsed);
	}
	if (module == NULL || module[0] != '/') {
		rv_fail_rule(e, RV_ECONFIG, "TOKEN-MODULE",
			module == NULL ? "no PKCS#11 module is named"
				       : "the PKCS#11 module must be named by its whole path");
		rv_err_mend(e,
			"Name the shared library of the module: pkcs11_module, --pkcs11-module, or "
			"module-path= in the URI.");
		return RV_ECONFIG;
	}
	u->module = strdup(module);
	return u->module != NULL ? 0 : rv_fail_nomem(e);
}

const CK_ATTRIBUTE *token_uri_attribute(const struct token_uri *u, CK_ATTRIBUTE_TYPE type)
{
	const CK_ATTRIBUTE *a = p11_kit_uri_get_attribute(u->parsed, type);
	return a != NULL && a->pValue != NULL && a->ulValueLen > 0 ? a : NULL;
}

static int check_object(const struct token_uri *u, struct rv_err *e)
{
	const CK_ATTRIBUTE *type = token_uri_attribute(u, CKA_CLASS);
	const CK_ATTRIBUTE *id = token_uri_attribute(u, CKA_ID);
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	if (type != NULL && type->ulValueLen == sizeof(class)) {
		memcpy(&class, type->pValue, sizeof(class));
	}
	if (class != CKO_PRIVATE_KEY) {
		return bad_uri(e, "names something else than a private key",
			"Leave type= out, or write type=private.");
	}
	if (id == NULL && token_uri_attribute(u, CKA_LABEL) == NULL) {
		return bad_uri(e, "names no key", "Add object=LABEL or id=%xx of the key.");
	}
	if (id != NULL && id->ulValueLen > TOKEN_ID_MAX) {
		return bad_uri(e, "has an id of more than 64 bytes", "Name the key by object=.");
	}
	return 0;
}

int token_uri_read(struct token_uri *u_r, const struct token_place *p, struct rv_err *e)
{
	struct token_uri u = {.parsed = p11_kit_uri_new()};
	if (u.parsed == NULL) {
		return rv_fail_nomem(e);
	}
	int rc = 0;
	if (!token_is_uri(p->uri) ||
		p11_kit_uri_parse(p->uri, P11_KIT_URI_FOR_ANY, u.parsed) != P11_KIT_URI_OK) {
		rc = bad_uri(e, "cannot be read",
			"It has the form pkcs11:token=NAME;object=LABEL (RFC 7512); other signs "
			"than letters and digits are written %xx.");
	} else if (p11_kit_uri_any_unrecognized(u.parsed)) {
		rc = bad_uri(e, "has an attribute that is not known",
			"RFC 7512 lists them: token, serial, manufacturer, model, object, id.");
	}
	if (rc == 0 && (rc = read_pin_file(&u, p->pin_file, e)) == 0 &&
		(rc = check_object(&u, e)) == 0) {
		rc = read_module(&u, p->module, e);
	}
	if (rc != 0) {
		token_uri_clear(&u);
		return rc;
	}
	*u_r = u;
	return 0;
}

void token_uri_clear(struct token_uri *u)
{
	p11_kit_uri_free(u->parsed);
	free(u->module);
	free(u->pin_file);
	*u = (struct token_uri){0};
}

int token_check(const struct token_place *p, struct rv_err *e)
{
	struct token_uri u;
	int rc = token_uri_read(&u, p, e);
	if (rc == 0) {
		token_uri_clear(&u);
	}
	return rc;
}

int token_uri(const struct token_place *p, struct rv_buf *out, struct rv_err *e)
{
	struct token_uri u;
	char *text = NULL;
	struct rv_buf source = {0};
	int rc = token_uri_read(&u, p, e);
	if (rc != 0) {
		return rc;
	}
	p11_kit_uri_set_module_path(u.parsed, u.module);
	if (u.pin_file != NULL) {
		rv_buf_printf(&source, "file:%s", u.pin_file);
		p11_kit_uri_set_pin_source(u.parsed, rv_buf_cstr(&source));
	}
	if (!rv_buf_ok(&source) ||
		p11_kit_uri_format(u.parsed, P11_KIT_URI_FOR_ANY, &text) != P11_KIT_URI_OK ||
		rv_buf_str(out, text) != 0) {
		rc = rv_fail_nomem(e);
	}
	free(text);
	rv_buf_free(&source);
	token_uri_clear(&u);
	return rc;
}
