/* SPDX-License-Identifier: Apache-2.0 */
#include "id.h"
#include "err.h"

#include <string.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>

void rv_uuid7(uint8_t uuid[RV_UUID_LEN], int64_t now_us, const uint8_t random[10])
{
	uint64_t ms = (uint64_t)(now_us / 1000);
	for (int i = 0; i < 6; i++) {
		uuid[i] = (uint8_t)(ms >> (8 * (5 - i)));
	}
	memcpy(uuid + 6, random, 10);
	uuid[6] = (uint8_t)(0x70 | (uuid[6] & 0x0f));
	uuid[8] = (uint8_t)(0x80 | (uuid[8] & 0x3f));
}

void rv_uuid_text(char text[RV_UUID_TEXT], const uint8_t uuid[RV_UUID_LEN])
{
	char hex[33];
	rv_hex(hex, uuid, RV_UUID_LEN);
	static const int groups[] = {8, 4, 4, 4, 12};
	const char *from = hex;
	for (size_t g = 0; g < 5; g++) {
		memcpy(text, from, (size_t)groups[g]);
		text += groups[g];
		from += groups[g];
		*text++ = g < 4 ? '-' : '\0';
	}
}

int rv_uuid_parse(uint8_t uuid[RV_UUID_LEN], const char *text)
{
	char hex[33];
	size_t n = 0;
	if (strlen(text) != RV_UUID_TEXT - 1) {
		return RV_EPARSE;
	}
	for (size_t i = 0; i < RV_UUID_TEXT - 1; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (text[i] != '-') {
				return RV_EPARSE;
			}
		} else {
			hex[n++] = text[i];
		}
	}
	hex[32] = '\0';
	uint8_t raw[RV_UUID_LEN];
	if (rv_unhex(raw, sizeof(raw), hex) != 0 || raw[6] >> 4 != 7 || raw[8] >> 6 != 2) {
		return RV_EPARSE;
	}
	memcpy(uuid, raw, sizeof(raw));
	return 0;
}

static int is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int rest_valid(const char *code, size_t max)
{
	size_t len = strlen(code);
	if (len < 2 || len > max) {
		return 0;
	}
	for (size_t i = 1; i < len; i++) {
		if (!is_upper(code[i]) && !is_digit(code[i]) && code[i] != '-') {
			return 0;
		}
	}
	return 1;
}

int rv_code_valid(const char *code)
{
	return is_upper(code[0]) && rest_valid(code, RV_CODE_TEXT - 1);
}

int rv_opcode_valid(const char *code)
{
	return (is_upper(code[0]) || is_digit(code[0])) && rest_valid(code, RV_OPCODE_TEXT - 1);
}

void rv_sha256(uint8_t digest[RV_DIGEST_LEN], const void *data, size_t len)
{
	SHA256(data, len, digest);
}

void rv_hex(char *text, const uint8_t *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < len; i++) {
		*text++ = digits[data[i] >> 4];
		*text++ = digits[data[i] & 15];
	}
	*text = '\0';
}

static int hex_value(char c)
{
	if (is_digit(c)) {
		return c - '0';
	}
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int rv_unhex(uint8_t *data, size_t len, const char *text)
{
	if (strlen(text) != 2 * len) {
		return RV_EPARSE;
	}
	for (size_t i = 0; i < 2 * len; i++) {
		if (hex_value(text[i]) < 0) {
			return RV_EPARSE;
		}
	}
	for (size_t i = 0; i < len; i++) {
		data[i] = (uint8_t)(hex_value(text[2 * i]) << 4 | hex_value(text[2 * i + 1]));
	}
	return 0;
}

static const char b64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int rv_base64(struct rv_buf *out, const void *data, size_t len)
{
	const uint8_t *p = data;
	if (rv_buf_reserve(out, (len + 2) / 3 * 4 + 1) != 0) {
		return RV_ENOMEM;
	}
	for (; len >= 3; p += 3, len -= 3) {
		out->data[out->len++] = (uint8_t)b64_digits[p[0] >> 2];
		out->data[out->len++] = (uint8_t)b64_digits[(p[0] & 3) << 4 | p[1] >> 4];
		out->data[out->len++] = (uint8_t)b64_digits[(p[1] & 15) << 2 | p[2] >> 6];
		out->data[out->len++] = (uint8_t)b64_digits[p[2] & 63];
	}
	if (len > 0) {
		uint8_t second = len == 2 ? p[1] : 0;
		out->data[out->len++] = (uint8_t)b64_digits[p[0] >> 2];
		out->data[out->len++] = (uint8_t)b64_digits[(p[0] & 3) << 4 | second >> 4];
		out->data[out->len++] = len == 2 ? (uint8_t)b64_digits[(second & 15) << 2] : '=';
		out->data[out->len++] = '=';
	}
	return 0;
}

static int b64_value(char c)
{
	if (is_upper(c)) {
		return c - 'A';
	}
	if (c >= 'a' && c <= 'z') {
		return c - 'a' + 26;
	}
	if (is_digit(c)) {
		return c - '0' + 52;
	}
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int rv_unbase64(struct rv_buf *out, const char *text, size_t len)
{
	uint32_t acc = 0;
	unsigned bits = 0;
	unsigned digits = 0;
	unsigned pads = 0;
	size_t start = out->len;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
			continue;
		}
		if (c == '=') {
			pads++;
			continue;
		}
		int v = b64_value(c);
		if (v < 0 || pads > 0) {
			out->len = start;
			return RV_EPARSE;
		}
		digits++;
		acc = acc << 6 | (uint32_t)v;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			if (rv_buf_u8(out, (uint8_t)(acc >> bits)) != 0) {
				return RV_ENOMEM;
			}
			acc &= (1u << bits) - 1;
		}
	}
	if ((digits + pads) % 4 != 0 || pads > 2 || acc != 0) {
		out->len = start;
		return RV_EPARSE;
	}
	return 0;
}

int rv_equal_ct(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}
