/* SPDX-License-Identifier: Apache-2.0 */
#include "chain_int.h"

#include <openssl/err.h>

/* 112 bits of strength at least, of keys and hashes: what chain_cert.c asks for is above it. */
enum { AUTH_LEVEL = 2 };

static const struct fault {
	int error;
	const char *rule;
	const char *mend;
} faults[] = {
	{X509_V_ERR_PATH_LENGTH_EXCEEDED, "CHAIN-PATHLEN",
		"the authority above allows fewer levels: issue from one that it allows"},
	{X509_V_ERR_PERMITTED_VIOLATION, "CHAIN-NAME",
		"issue under names that the authority is constrained to"},
	{X509_V_ERR_EXCLUDED_VIOLATION, "CHAIN-NAME",
		"issue under names that the authority is constrained to"},
	{X509_V_ERR_SUBTREE_MINMAX, "CHAIN-NAME", "name constraints have no minimum and maximum"},
	{X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE, "CHAIN-NAME",
		"constrain names of kinds that are known: directory, DNS, mail, URI, address"},
	{X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX, "CHAIN-NAME",
		"write the name constraints as RFC 5280, 4.2.1.10 says"},
	{X509_V_ERR_UNSUPPORTED_NAME_SYNTAX, "CHAIN-NAME",
		"write the names as RFC 5280, 4.2.1.10 says"},
	{X509_V_ERR_CERT_SIGNATURE_FAILURE, "CHAIN-SIGNATURE",
		"take the certificate from its authority again"},
	{X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, "CHAIN-EXTENSION",
		"have it issued without that extension, or with it not critical"},
};

static int refuse(struct rv_err *e, X509_STORE_CTX *ctx, X509 *leaf)
{
	int error = X509_STORE_CTX_get_error(ctx);
	X509 *at = X509_STORE_CTX_get_current_cert(ctx);
	const char *text = X509_verify_cert_error_string(error);
	if (error == X509_V_ERR_OUT_OF_MEM) {
		return rv_fail_nomem(e);
	}
	at = at != NULL ? at : leaf;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		if (faults[i].error == error) {
			return rv_chain_refuse(
				e, RV_ECERT, faults[i].rule, at, faults[i].mend, "%s", text);
		}
	}
	return rv_chain_refuse(e, RV_ECERT, "CHAIN-PROFILE", at,
		"have it issued anew as RFC 5280 says", "%s", text);
}

/* The path that was verified is the path that was asked for. */
static int same_path(X509_STORE_CTX *ctx, X509 *const *certs, size_t n)
{
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
	if (chain == NULL || sk_X509_num(chain) != (int)n) {
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		if (X509_cmp(sk_X509_value(chain, (int)i), certs[i]) != 0) {
			return 0;
		}
	}
	return 1;
}

static int set_up(X509_STORE_CTX *ctx, X509_STORE *store, X509 *leaf, STACK_OF(X509) * between)
{
	if (X509_STORE_CTX_init(ctx, store, leaf, between) != 1) {
		return 0;
	}
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
	/* the last certificate need not be self-signed; times are checked to the microsecond by
	 * rv_chain_at; a common name is a member's code, never a host */
	unsigned long flags = X509_V_FLAG_X509_STRICT | X509_V_FLAG_PARTIAL_CHAIN |
			      X509_V_FLAG_CHECK_SS_SIGNATURE | X509_V_FLAG_POLICY_CHECK |
			      X509_V_FLAG_NO_CHECK_TIME;
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
	X509_VERIFY_PARAM_set_depth(param, RV_CHAIN_DEPTH);
	/* whatever policy: an authority that asks for one gets any that is carried through */
	ASN1_OBJECT *any = OBJ_nid2obj(NID_any_policy);
	if (X509_VERIFY_PARAM_add0_policy(param, any) != 1) {
		return 0;
	}
	return X509_VERIFY_PARAM_set_flags(param, flags) == 1;
}

int rv_chain_rfc5280(X509 *const *certs, size_t n, struct rv_err *e)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *between = sk_X509_new_null();
	int rc = 0;
	if (store == NULL || ctx == NULL || between == NULL ||
		X509_STORE_add_cert(store, certs[n - 1]) != 1) {
		rc = rv_fail_nomem(e);
		goto out;
	}
	for (size_t i = 1; i + 1 < n; i++) {
		if (sk_X509_push(between, certs[i]) <= 0) {
			rc = rv_fail_nomem(e);
			goto out;
		}
	}
	if (!set_up(ctx, store, certs[0], between)) {
		rc = rv_fail_nomem(e);
	} else if (X509_verify_cert(ctx) != 1) {
		rc = refuse(e, ctx, certs[0]);
	} else if (!same_path(ctx, certs, n)) {
		rc = rv_chain_refuse(e, RV_ECERT, "CHAIN-PROFILE", certs[0],
			"list each authority once", "its issuers cannot be told apart");
	}
out:
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	sk_X509_free(between);
	ERR_clear_error();
	return rc;
}
