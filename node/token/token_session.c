/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <p11-kit/p11-kit.h>

#include "node/token/token_int.h"

enum { SLOTS_MAX = 64 };

/* ---- what went wrong ---- */

static int away(struct rv_err *e)
{
	rv_err_mend(e, "Look at the hardware module and at what connects it. It is tried "
		       "again by itself.");
	return RV_EAGAIN;
}

int token_fail_ck(struct rv_err *e, const char *what, CK_RV rv)
{
	switch (rv) {
	case CKR_HOST_MEMORY:
		return rv_fail_nomem(e);
	case CKR_PIN_INCORRECT:
	case CKR_PIN_INVALID:
	case CKR_PIN_LEN_RANGE:
	case CKR_PIN_EXPIRED:
	case CKR_PIN_LOCKED:
	case CKR_USER_PIN_NOT_INITIALIZED:
		rv_fail_rule(e, RV_EDENIED, "TOKEN-PIN", "the token refused the PIN: %s",
			p11_kit_strerror(rv));
		rv_err_mend(e, "Check the PIN: it is tried again when its file has changed. "
			       "Most tokens lock it after a few wrong tries.");
		return RV_EDENIED;
	default:
		rv_fail_rule(e, RV_EAGAIN, "TOKEN-AWAY",
			"the hardware module is away: %s: %s (0x%lx)", what, p11_kit_strerror(rv),
			rv);
		return away(e);
	}
}

/* ---- module ---- */

static int load(struct token *t, struct rv_err *e)
{
	CK_RV (*get)(CK_FUNCTION_LIST **) = NULL;
	if (t->f != NULL) {
		return 0;
	}
	t->library = dlopen(t->uri.module, RTLD_NOW | RTLD_LOCAL);
	if (t->library != NULL) {
		void *symbol = dlsym(t->library, "C_GetFunctionList");
		memcpy(&get, &symbol, sizeof(get)); /* ISO C knows no cast between the two */
	}
	if (get != NULL && get(&t->f) == CKR_OK && t->f != NULL &&
		t->f->version.major == 2) {
		return 0;
	}
	const char *why = t->library == NULL ? dlerror() : NULL;
	rv_fail_rule(e, RV_ECONFIG, "TOKEN-MODULE", "%s cannot be loaded as a PKCS#11 module: %s",
		t->uri.module, why != NULL ? why : "it has no function list of version 2");
	rv_err_mend(e, "Install the module, or name the right file.");
	t->f = NULL;
	if (t->library != NULL) {
		dlclose(t->library);
		t->library = NULL;
	}
	return RV_ECONFIG;
}

static int initialise(struct token *t, struct rv_err *e)
{
	CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};
	CK_INFO info;
	int rc = load(t, e);
	if (rc != 0) {
		return rc;
	}
	CK_RV rv = t->f->C_Initialize(&args);
	if (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED) {
		return token_fail_ck(e, "C_Initialize", rv);
	}
	/* another token of this process has it open otherwise: that one closes it */
	t->initialised = rv == CKR_OK;
	rv = t->f->C_GetInfo(&info);
	if (rv != CKR_OK) {
		return token_fail_ck(e, "C_GetInfo", rv);
	}
	if (!p11_kit_uri_match_module_info(t->uri.parsed, &info)) {
		rv_fail_rule(e, RV_ECONFIG, "TOKEN-MODULE",
			"%s is not the library that the URI names", t->uri.module);
		rv_err_mend(e, "Take library-... out of the URI, or name another module.");
		return RV_ECONFIG;
	}
	return 0;
}

/* ---- token ---- */

/* A blank padded field of the token, for people: its printable part. */
static void append_label(struct rv_buf *out, const CK_UTF8CHAR *label, size_t len)
{
	while (len > 0 && label[len - 1] == ' ') {
		len--;
	}
	rv_buf_str(out, out->len > 0 ? ", \"" : "\"");
	for (size_t i = 0; i < len; i++) {
		rv_buf_u8(out, label[i] < 0x20 || label[i] == 0x7f ? '?' : label[i]);
	}
	rv_buf_str(out, "\"");
}

static int no_token(struct rv_err *e, struct rv_buf *seen)
{
	const char *labels = rv_buf_cstr(seen);
	rv_fail_rule(e, RV_EAGAIN, "TOKEN-AWAY",
		"the hardware module is away: no token fits the URI; there %s %s",
		seen->len > 0 ? "is" : "are",
		labels != NULL && seen->len > 0 ? labels : "none");
	return away(e);
}

static int find_slot(struct token *t, CK_TOKEN_INFO *info_r, struct rv_err *e)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG n = SLOTS_MAX;
	CK_SLOT_ID wanted = p11_kit_uri_get_slot_id(t->uri.parsed);
	struct rv_buf seen = {0};
	int fit = 0;
	CK_RV rv = t->f->C_GetSlotList(CK_TRUE, slots, &n);
	if (rv != CKR_OK) {
		return token_fail_ck(e, "C_GetSlotList", rv);
	}
	for (CK_ULONG i = 0; i < n && i < SLOTS_MAX; i++) {
		CK_SLOT_INFO slot;
		CK_TOKEN_INFO info;
		if (t->f->C_GetSlotInfo(slots[i], &slot) != CKR_OK ||
			t->f->C_GetTokenInfo(slots[i], &info) != CKR_OK ||
			(info.flags & CKF_TOKEN_INITIALIZED) == 0) {
			continue;
		}
		append_label(&seen, info.label, sizeof(info.label));
		if ((wanted != (CK_SLOT_ID)-1 && wanted != slots[i]) ||
			!p11_kit_uri_match_slot_info(t->uri.parsed, &slot) ||
			!p11_kit_uri_match_token_info(t->uri.parsed, &info)) {
			continue;
		}
		fit++;
		t->slot = slots[i];
		*info_r = info;
	}
	int rc = 0;
	if (fit > 1) {
		rv_fail_rule(e, RV_ECONFIG, "TOKEN-TWO", "the URI fits %d tokens", fit);
		rv_err_mend(e, "Add token= or serial= of the one that is meant.");
		rc = RV_ECONFIG;
	} else if (fit == 0) {
		rc = no_token(e, &seen);
	}
	rv_buf_free(&seen);
	return rc;
}

static int log_in(struct token *t, const CK_TOKEN_INFO *info, CK_USER_TYPE user, struct rv_err *e)
{
	char pin[TOKEN_PIN_MAX + 1] = "";
	size_t len = 0;
	int rc = token_pin_may_try(t, info, e);
	if (rc == 0) {
		rc = token_pin_get(t, info, pin, &len, e);
	}
	if (rc != 0) {
		return rc;
	}
	CK_RV rv = t->f->C_Login(t->session, user, len > 0 ? (CK_UTF8CHAR *)pin : NULL, len);
	OPENSSL_cleanse(pin, sizeof(pin));
	if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN) {
		return 0;
	}
	rc = token_fail_ck(e, "C_Login", rv);
	if (rc == RV_EDENIED) {
		token_pin_refused(t);
	}
	return rc;
}

int token_session_login_again(struct token *t, struct rv_err *e)
{
	CK_TOKEN_INFO info;
	CK_RV rv = t->f->C_GetTokenInfo(t->slot, &info);
	return rv == CKR_OK ? log_in(t, &info, CKU_CONTEXT_SPECIFIC, e)
			    : token_fail_ck(e, "C_GetTokenInfo", rv);
}

int token_session_open(struct token *t, int for_writing, struct rv_err *e)
{
	CK_TOKEN_INFO info = {0};
	int rc = initialise(t, e);
	if (rc == 0) {
		rc = find_slot(t, &info, e);
	}
	if (rc == 0) {
		CK_FLAGS flags = CKF_SERIAL_SESSION | (for_writing ? CKF_RW_SESSION : 0);
		CK_RV rv = t->f->C_OpenSession(t->slot, flags, NULL, NULL, &t->session);
		t->has_session = rv == CKR_OK;
		rc = rv == CKR_OK ? 0 : token_fail_ck(e, "C_OpenSession", rv);
	}
	if (rc == 0 && (info.flags & CKF_LOGIN_REQUIRED) != 0) {
		rc = log_in(t, &info, CKU_USER, e);
	}
	if (rc != 0) {
		token_session_close(t);
	}
	return rc;
}

/* What does not answer is left: C_Finalize ends sessions as well. */
void token_session_close(struct token *t)
{
	if (t->has_session) {
		t->f->C_CloseSession(t->session);
	}
	if (t->initialised) {
		t->f->C_Finalize(NULL);
	}
	t->has_session = t->initialised = t->open = 0;
}

/* ---- objects ---- */

static CK_ULONG key_template(const struct token *t, CK_ATTRIBUTE template[4], CK_OBJECT_CLASS *class)
{
	static CK_BBOOL yes = CK_TRUE;
	const CK_ATTRIBUTE *id = token_uri_attribute(&t->uri, CKA_ID);
	const CK_ATTRIBUTE *label = token_uri_attribute(&t->uri, CKA_LABEL);
	CK_ULONG n = 0;
	template[n++] = (CK_ATTRIBUTE){CKA_CLASS, class, sizeof(*class)};
	template[n++] = (CK_ATTRIBUTE){CKA_TOKEN, &yes, sizeof(yes)};
	if (id != NULL) {
		template[n++] = *id;
	}
	if (label != NULL) {
		template[n++] = *label;
	}
	return n;
}

static int find(struct token *t, CK_ATTRIBUTE *template, CK_ULONG n_template,
	CK_OBJECT_HANDLE *found, CK_ULONG max, CK_ULONG *n_r, struct rv_err *e)
{
	*n_r = 0;
	CK_RV rv = t->f->C_FindObjectsInit(t->session, template, n_template);
	if (rv != CKR_OK) {
		return token_fail_ck(e, "C_FindObjectsInit", rv);
	}
	rv = t->f->C_FindObjects(t->session, found, max, n_r);
	t->f->C_FindObjectsFinal(t->session);
	return rv == CKR_OK ? 0 : token_fail_ck(e, "C_FindObjects", rv);
}

int token_session_find(struct token *t, CK_OBJECT_HANDLE *key_r, struct rv_err *e)
{
	CK_ATTRIBUTE template[4];
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_OBJECT_HANDLE found[2];
	CK_ULONG n = 0;
	CK_ULONG n_template = key_template(t, template, &class);
	int rc = find(t, template, n_template, found, 2, &n, e);
	if (rc != 0) {
		return rc;
	}
	if (n == 0) {
		rv_fail_rule(e, RV_ENOTFOUND, "TOKEN-KEY",
			"the token has no private key that fits the URI");
		rv_err_mend(e, "Check object= and id=; reeve init makes a key that is not "
			       "there yet.");
		return RV_ENOTFOUND;
	}
	if (n > 1) {
		rv_fail_rule(e, RV_ECONFIG, "TOKEN-TWO",
			"the token has several private keys that fit the URI");
		rv_err_mend(e, "Add id=%%xx of the one that is meant; pkcs11-tool --list-objects "
			       "shows them.");
		return RV_ECONFIG;
	}
	*key_r = found[0];
	return 0;
}

/* ---- a new pair ---- */

static int make_id(struct token *t, struct rv_err *e)
{
	const CK_ATTRIBUTE *id = token_uri_attribute(&t->uri, CKA_ID);
	t->made_id_len = id != NULL ? id->ulValueLen : 16;
	if (id != NULL) {
		memcpy(t->made_id, id->pValue, id->ulValueLen);
	} else if (RAND_bytes(t->made_id, (int)t->made_id_len) != 1) {
		t->made_id_len = 0;
		return rv_fail(e, RV_EIO, "no randomness for the identifier of a key");
	}
	return 0;
}

static CK_RV generate(struct token *t, unsigned rsa_bits)
{
	static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
	static CK_BYTE f4[] = {0x01, 0x00, 0x01};
	static CK_UTF8CHAR name[] = "reeve";
	CK_BBOOL yes = CK_TRUE;
	CK_BBOOL no = CK_FALSE;
	CK_ULONG bits = rsa_bits;
	CK_MECHANISM how = {
		rsa_bits != 0 ? CKM_RSA_PKCS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN, NULL, 0};
	const CK_ATTRIBUTE *given = token_uri_attribute(&t->uri, CKA_LABEL);
	CK_ATTRIBUTE label = {CKA_LABEL, name, sizeof(name) - 1};
	label = given != NULL ? *given : label;
	CK_ATTRIBUTE id = {CKA_ID, t->made_id, t->made_id_len};
	CK_ATTRIBUTE public[6] = {{CKA_TOKEN, &yes, sizeof(yes)}, {CKA_VERIFY, &yes, sizeof(yes)},
		label, id, {CKA_EC_PARAMS, p256, sizeof(p256)}};
	CK_ULONG n_public = 5;
	if (rsa_bits != 0) {
		public[4] = (CK_ATTRIBUTE){CKA_MODULUS_BITS, &bits, sizeof(bits)};
		public[n_public++] = (CK_ATTRIBUTE){CKA_PUBLIC_EXPONENT, f4, sizeof(f4)};
	}
	CK_ATTRIBUTE private[] = {{CKA_TOKEN, &yes, sizeof(yes)}, {CKA_PRIVATE, &yes, sizeof(yes)},
		{CKA_SENSITIVE, &yes, sizeof(yes)}, {CKA_EXTRACTABLE, &no, sizeof(no)},
		{CKA_SIGN, &yes, sizeof(yes)}, {CKA_DECRYPT, &no, sizeof(no)},
		{CKA_UNWRAP, &no, sizeof(no)}, label, id};
	CK_OBJECT_HANDLE made[2];
	return t->f->C_GenerateKeyPair(t->session, &how, public, n_public, private,
		sizeof(private) / sizeof(private[0]), &made[0], &made[1]);
}

int token_session_generate(struct token *t, unsigned rsa_bits, struct rv_err *e)
{
	CK_OBJECT_HANDLE key;
	struct rv_err why = {0};
	int rc = token_session_find(t, &key, &why);
	if (rc == 0 || rc == RV_ECONFIG) {
		return rv_fail_rule(e, RV_EEXIST, "TOKEN-KEY",
			"the token has a private key that fits the URI already");
	}
	if (rc != RV_ENOTFOUND) {
		if (e != NULL) {
			*e = why;
		}
		return rc;
	}
	rc = make_id(t, e);
	if (rc == 0) {
		CK_RV rv = generate(t, rsa_bits);
		if (rv != CKR_OK) {
			t->made_id_len = 0;
			rc = token_fail_ck(e, "C_GenerateKeyPair", rv);
		}
	}
	return rc;
}

int token_session_destroy(struct token *t, struct rv_err *e)
{
	static const CK_OBJECT_CLASS classes[] = {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY};
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < 2; i++) {
		CK_OBJECT_CLASS class = classes[i];
		CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof(class)},
			{CKA_ID, t->made_id, t->made_id_len}};
		CK_OBJECT_HANDLE found[1];
		CK_ULONG n = 0;
		rc = find(t, template, 2, found, 1, &n, e);
		if (rc == 0 && n == 1) {
			CK_RV rv = t->f->C_DestroyObject(t->session, found[0]);
			rc = rv == CKR_OK ? 0 : token_fail_ck(e, "C_DestroyObject", rv);
		}
	}
	return rc;
}
