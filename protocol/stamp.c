/* SPDX-License-Identifier: Apache-2.0 */
#include "stamp.h"
#include "err.h"

#include <stdio.h>
#include <string.h>

/* Days from 1970-01-01 to the first of March of a year and back: the year is counted from March,
 * so that the leap day is its last day. */
static int64_t days_from_civil(int64_t y, int m, int d)
{
	y -= m <= 2;
	int64_t era = y / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
	return era * 146097 + doe - 719468;
}

static void civil_from_days(int64_t z, int *y, int *m, int *d)
{
	z += 719468;
	int64_t era = z / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	*d = (int)(doy - (153 * mp + 2) / 5 + 1);
	*m = (int)(mp < 10 ? mp + 3 : mp - 9);
	*y = (int)(yoe + era * 400 + (*m <= 2));
}

void rv_stamp_text(char text[RV_STAMP_TEXT], int64_t t_us)
{
	static const int64_t last = INT64_C(253402300799999999); /* 9999-12-31T23:59:59.999999Z */
	if (t_us < 0) {
		t_us = 0;
	} else if (t_us > last) {
		t_us = last;
	}
	int64_t secs = t_us / RV_US_PER_SEC;
	int us = (int)(t_us % RV_US_PER_SEC);
	int y, m, d;
	civil_from_days(secs / 86400, &y, &m, &d);
	int s = (int)(secs % 86400);
	char out[64];
	int n = snprintf(out, sizeof(out), "%04d-%02d-%02dT%02d:%02d:%02d", y, m, d, s / 3600,
		s / 60 % 60, s % 60);
	if (us != 0) {
		n += snprintf(out + n, sizeof(out) - (size_t)n, ".%06d", us);
	}
	snprintf(out + n, sizeof(out) - (size_t)n, "Z");
	memcpy(text, out, RV_STAMP_TEXT);
	text[RV_STAMP_TEXT - 1] = '\0';
}

/* Exactly n digits at *p, which moves on; -1 if they are not there. */
static int digits(const char **p, int n)
{
	int v = 0;
	for (int i = 0; i < n; i++) {
		char c = (*p)[i];
		if (c < '0' || c > '9') {
			return -1;
		}
		v = v * 10 + (c - '0');
	}
	*p += n;
	return v;
}

static int expect(const char **p, char c)
{
	if (**p != c) {
		return 0;
	}
	(*p)++;
	return 1;
}

static int date_part(const char **p, int64_t *days_r)
{
	static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int y = digits(p, 4);
	if (y < 1970 || !expect(p, '-')) {
		return RV_EPARSE;
	}
	int m = digits(p, 2);
	if (m < 1 || m > 12 || !expect(p, '-')) {
		return RV_EPARSE;
	}
	int d = digits(p, 2);
	if (d < 1 || d > lengths[m - 1]) {
		return RV_EPARSE;
	}
	if (m == 2 && d == 29 && (y % 4 != 0 || (y % 100 == 0 && y % 400 != 0))) {
		return RV_EPARSE;
	}
	*days_r = days_from_civil(y, m, d);
	return 0;
}

int rv_date_parse(int64_t *t_us_r, const char *text)
{
	int64_t days;
	if (date_part(&text, &days) != 0 || *text != '\0') {
		return RV_EPARSE;
	}
	*t_us_r = days * 86400 * RV_US_PER_SEC;
	return 0;
}

int rv_stamp_parse(int64_t *t_us_r, const char *text)
{
	int64_t days;
	if (date_part(&text, &days) != 0 || !expect(&text, 'T')) {
		return RV_EPARSE;
	}
	int h = digits(&text, 2);
	if (h < 0 || h > 23 || !expect(&text, ':')) {
		return RV_EPARSE;
	}
	int mi = digits(&text, 2);
	if (mi < 0 || mi > 59 || !expect(&text, ':')) {
		return RV_EPARSE;
	}
	int s = digits(&text, 2);
	if (s < 0 || s > 59) {
		return RV_EPARSE;
	}
	int64_t us = 0;
	if (expect(&text, '.')) {
		int64_t unit = RV_US_PER_SEC / 10;
		int n = 0;
		for (; *text >= '0' && *text <= '9' && n < 6; n++, text++) {
			us += (*text - '0') * unit;
			unit /= 10;
		}
		if (n == 0) {
			return RV_EPARSE;
		}
	}
	if (strcmp(text, "Z") != 0) {
		return RV_EPARSE;
	}
	*t_us_r = ((days * 24 + h) * 60 + mi) * 60 * RV_US_PER_SEC + s * RV_US_PER_SEC + us;
	return 0;
}
