/* SPDX-License-Identifier: Apache-2.0 */
#include "digits.h"

#include <string.h>

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static int all_digits(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!is_digit(s[i])) {
			return 0;
		}
	}
	return 1;
}

static int compare(char found, int expected, char *digit_r)
{
	char digit = expected == 10 ? 'X' : (char)('0' + expected);
	if (digit_r != NULL) {
		*digit_r = digit;
	}
	return found == digit;
}

/* ISO 6346 counts letters from 10 and leaves out 11, 22 and 33, which its modulus would not see. */
static int container_value(char c)
{
	if (is_digit(c)) {
		return c - '0';
	}
	int v = c - 'A' + 10;
	return v + (v > 10) + (v > 20) + (v > 30);
}

int rv_digits_container(const char *text, char *digit_r)
{
	if (strlen(text) != 11 || !all_digits(text + 4, 7) || strchr("UJZ", text[3]) == NULL) {
		return -1;
	}
	for (int i = 0; i < 3; i++) {
		if (!is_upper(text[i])) {
			return -1;
		}
	}
	int sum = 0;
	for (int i = 0; i < 10; i++) {
		sum += container_value(text[i]) << i;
	}
	return compare(text[10], sum % 11 % 10, digit_r);
}

int rv_digits_imo(const char *text, char *digit_r)
{
	if (strlen(text) != 7 || !all_digits(text, 7)) {
		return -1;
	}
	int sum = 0;
	for (int i = 0; i < 6; i++) {
		sum += (text[i] - '0') * (7 - i);
	}
	return compare(text[6], sum % 10, digit_r);
}

int rv_digits_gtin(const char *text, char *digit_r)
{
	size_t n = strlen(text);
	if ((n != 8 && n != 12 && n != 13 && n != 14) || !all_digits(text, n)) {
		return -1;
	}
	int sum = 0;
	for (size_t i = 0; i + 1 < n; i++) {
		sum += (text[i] - '0') * ((n - 1 - i) % 2 == 1 ? 3 : 1);
	}
	return compare(text[n - 1], (10 - sum % 10) % 10, digit_r);
}

int rv_digits_s10(const char *text, char *digit_r)
{
	static const int weights[8] = {8, 6, 4, 2, 3, 5, 9, 7};
	if (strlen(text) != 13 || !is_upper(text[0]) || !is_upper(text[1]) ||
		!all_digits(text + 2, 9) || !is_upper(text[11]) || !is_upper(text[12])) {
		return -1;
	}
	int sum = 0;
	for (int i = 0; i < 8; i++) {
		sum += (text[2 + i] - '0') * weights[i];
	}
	int check = 11 - sum % 11;
	return compare(text[10], check == 10 ? 0 : check == 11 ? 5 : check, digit_r);
}

int rv_digits_awb(const char *text, char *digit_r)
{
	size_t n = strlen(text);
	const char *serial = text + n - (n < 8 ? n : 8);
	if (!(n == 11 || (n == 12 && text[3] == '-')) || !all_digits(text, 3) ||
		!all_digits(serial, 8)) {
		return -1;
	}
	int number = 0;
	for (int i = 0; i < 7; i++) {
		number = number * 10 + (serial[i] - '0');
	}
	return compare(serial[7], number % 7, digit_r);
}

/* 49 CFR 565.15: letters stand for 1 to 9 as on an EBCDIC card; I, O and Q do not occur. */
static int vin_value(char c)
{
	static const char values[] = "12345678?12345?7?923456789";
	if (is_digit(c)) {
		return c - '0';
	}
	return is_upper(c) && values[c - 'A'] != '?' ? values[c - 'A'] - '0' : -1;
}

int rv_digits_vin(const char *text, char *digit_r)
{
	static const int weights[17] = {8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2};
	if (strlen(text) != 17) {
		return -1;
	}
	int sum = 0;
	for (int i = 0; i < 17; i++) {
		int v = vin_value(text[i]);
		if (v < 0) {
			return -1;
		}
		sum += v * weights[i];
	}
	if (text[0] < '1' || text[0] > '5') {
		return 1;
	}
	return compare(text[8], sum % 11, digit_r);
}

int rv_digits_mmsi(const char *text)
{
	if (strlen(text) != 9 || !all_digits(text, 9)) {
		return -1;
	}
	return text[0] >= '2' && text[0] <= '7';
}

int rv_digits_cas(const char *text, char *digit_r)
{
	size_t n = strlen(text);
	if (n < 7 || n > 12 || text[n - 2] != '-' || text[n - 5] != '-' ||
		!all_digits(text, n - 5) || !all_digits(text + n - 4, 2) ||
		!is_digit(text[n - 1])) {
		return -1;
	}
	int sum = 0;
	int weight = 1;
	for (size_t i = n - 2; i-- > 0;) {
		if (text[i] != '-') {
			sum += (text[i] - '0') * weight++;
		}
	}
	return compare(text[n - 1], sum % 10, digit_r);
}

int rv_digits_lei(const char *text)
{
	if (strlen(text) != 20 || !all_digits(text + 18, 2)) {
		return -1;
	}
	int rest = 0;
	for (int i = 0; i < 20; i++) {
		if (is_digit(text[i])) {
			rest = (rest * 10 + (text[i] - '0')) % 97;
		} else if (is_upper(text[i])) {
			rest = (rest * 100 + (text[i] - 'A' + 10)) % 97;
		} else {
			return -1;
		}
	}
	return rest == 1;
}
