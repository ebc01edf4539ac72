/* SPDX-License-Identifier: Apache-2.0 */
#include "invite.h"

#include <string.h>
#include <openssl/crypto.h>

#include "trustlist.h"
#include "wire.h"

enum { TOKEN_VERSION = 1, CHECK_LEN = 4, MAX_BYTES = 380 };

static const char prefix[] = "reeve1-";
static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void rv_invite_wipe(struct rv_invite *i)
{
	OPENSSL_cleanse(i, sizeof(*i));
}

/* ---- base64url (RFC 4648, 5) without padding ---- */

static size_t encode(char *text, const uint8_t *data, size_t len)
{
	size_t n = 0;
	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i < 3 ? len - i : 3;
		unsigned v = (unsigned)data[i] << 16 | (left > 1 ? (unsigned)data[i + 1] << 8 : 0) |
			     (left > 2 ? data[i + 2] : 0u);
		for (size_t k = 0; k <= left; k++) {
			text[n++] = digits[v >> (18 - 6 * k) & 63];
		}
	}
	text[n] = '\0';
	return n;
}

/* How many bytes came of it; 0 if a character is none of them, or the end is not as it was put. */
static size_t decode(uint8_t *data, size_t max, const char *text, size_t len)
{
	size_t n = 0;
	for (size_t i = 0; i < len; i += 4) {
		size_t left = len - i < 4 ? len - i : 4;
		unsigned v = 0;
		if (left == 1 || n + left - 1 > max) {
			return 0;
		}
		for (size_t k = 0; k < left; k++) {
			const char *d = memchr(digits, text[i + k], sizeof(digits) - 1);
			if (d == NULL) {
				return 0;
			}
			v |= (unsigned)(d - digits) << (18 - 6 * k);
		}
		for (size_t k = 0; k + 1 < left; k++) {
			data[n++] = (uint8_t)(v >> (16 - 8 * k));
		}
		if ((v & (left == 2 ? 0xffffu : left == 3 ? 0xffu : 0u)) != 0) {
			return 0;
		}
	}
	return n;
}

/* ---- the token ---- */

static int valid(const struct rv_invite *i)
{
	unsigned all = RV_ROLE_ADMINISTRATION | RV_ROLE_RIGHT_HOLDER | RV_ROLE_COORDINATOR |
		       RV_ROLE_RELAY;
	return i->expires_us > 0 && i->expires_us % RV_US_PER_SEC == 0 &&
	       rv_code_valid(i->inviter) && rv_code_valid(i->code) && i->roles != 0 &&
	       (i->roles & ~all) == 0 && rv_endpoint_valid(i->endpoint) &&
	       rv_z85_key_valid(i->server) && rv_wire_text_ok(i->name) && i->name[0] != '\0' &&
	       (i->country[0] == '\0' || strlen(i->country) == 2);
}

int rv_invite_write(const struct rv_invite *i, char text[RV_INVITE_TEXT])
{
	struct rv_buf b = {0};
	uint8_t check[RV_DIGEST_LEN];
	if (!valid(i)) {
		return RV_EINVAL;
	}
	rv_buf_u8(&b, TOKEN_VERSION);
	rv_buf_u32(&b, (uint32_t)(i->expires_us / RV_US_PER_SEC));
	rv_buf_str8(&b, i->inviter);
	rv_buf_str8(&b, i->code);
	rv_buf_u8(&b, (uint8_t)i->roles);
	rv_buf_str8(&b, i->country);
	rv_buf_str8(&b, i->name);
	rv_buf_str8(&b, i->endpoint);
	rv_buf_put(&b, i->server, RV_CURVE_KEY_TEXT - 1);
	rv_buf_put(&b, i->roots, RV_DIGEST_LEN);
	rv_buf_put(&b, i->secret, RV_INVITE_SECRET);
	int rc = rv_buf_ok(&b) ? 0 : RV_ENOMEM;
	if (rc == 0) {
		rv_sha256(check, b.data, b.len);
		rc = rv_buf_put(&b, check, CHECK_LEN);
	}
	if (rc == 0 && b.len > MAX_BYTES) {
		rc = RV_EINVAL;
	}
	if (rc == 0) {
		memcpy(text, prefix, sizeof(prefix) - 1);
		encode(text + sizeof(prefix) - 1, b.data, b.len);
	}
	rv_buf_wipe(&b);
	return rc;
}

static int refuse(struct rv_err *e, const char *why)
{
	rv_fail_rule(e, RV_EPARSE, "JOIN-TOKEN", "the token %s", why);
	rv_err_mend(e, "Copy it whole, as the coordinator gave it: one word that begins with %s",
		prefix);
	return RV_EPARSE;
}

static void take(struct rv_cur *c, void *out, size_t len)
{
	struct rv_span s = rv_cur_span(c, len);
	if (s.data != NULL) {
		memcpy(out, s.data, len);
	}
}

static int read_fields(struct rv_invite *i, struct rv_cur *c)
{
	i->expires_us = (int64_t)rv_cur_u32(c) * RV_US_PER_SEC;
	rv_cur_str8(c, i->inviter, sizeof(i->inviter));
	rv_cur_str8(c, i->code, sizeof(i->code));
	i->roles = rv_cur_u8(c);
	rv_cur_str8(c, i->country, sizeof(i->country));
	rv_cur_str8(c, i->name, sizeof(i->name));
	rv_cur_str8(c, i->endpoint, sizeof(i->endpoint));
	take(c, i->server, RV_CURVE_KEY_TEXT - 1);
	i->server[RV_CURVE_KEY_TEXT - 1] = '\0';
	take(c, i->roots, RV_DIGEST_LEN);
	take(c, i->secret, RV_INVITE_SECRET);
	return rv_cur_ok(c) && rv_cur_done(c) && valid(i);
}

int rv_invite_read(struct rv_invite *i, const char *text, struct rv_err *e)
{
	uint8_t bytes[MAX_BYTES];
	uint8_t check[RV_DIGEST_LEN];
	struct rv_invite got = {.roles = 0};
	text += strspn(text, " \t\r\n");
	size_t len = strcspn(text, " \t\r\n");
	if (text[len + strspn(text + len, " \t\r\n")] != '\0' || len < sizeof(prefix) ||
		strncmp(text, prefix, sizeof(prefix) - 1) != 0) {
		return refuse(e, "is none of Reeve");
	}
	size_t n = decode(bytes, sizeof(bytes), text + sizeof(prefix) - 1, len - (sizeof(prefix) - 1));
	if (n <= CHECK_LEN + 1) {
		return refuse(e, "is cut short or mistyped");
	}
	rv_sha256(check, bytes, n - CHECK_LEN);
	if (memcmp(check, bytes + n - CHECK_LEN, CHECK_LEN) != 0) {
		return refuse(e, "is cut short or mistyped");
	}
	struct rv_cur c = rv_cur_of(bytes, n - CHECK_LEN);
	uint8_t version = rv_cur_u8(&c);
	int rc = 0;
	if (version != TOKEN_VERSION) {
		rc = rv_fail_rule(e, RV_EVERSION, "JOIN-TOKEN",
			"the token has version %u, this program reads %d", version, TOKEN_VERSION);
		rv_err_mend(e, "Update this program.");
	} else if (!read_fields(&got, &c)) {
		rc = refuse(e, "has a field that is none");
	}
	if (rc == 0) {
		*i = got;
	}
	rv_invite_wipe(&got);
	OPENSSL_cleanse(bytes, sizeof(bytes));
	return rc;
}
