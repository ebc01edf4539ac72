/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_STAMP_H
#define RV_STAMP_H

#include <stdint.h>

/*
 * Points in time: microseconds since 1970-01-01T00:00:00Z, UTC, as int64_t named *_us.
 * The text form is the subset of xs:dateTime that messages use: always UTC, ending in Z,
 * with no or one to six fractional digits ("2026-11-24T08:08:37.123456Z").
 */

enum { RV_STAMP_TEXT = 28 };

#define RV_US_PER_SEC INT64_C(1000000)

/* Six fractional digits where the microseconds are not zero, none otherwise. */
void rv_stamp_text(char text[RV_STAMP_TEXT], int64_t t_us);
/* RV_EPARSE for anything else, days that the calendar does not have among it. Years 1970-9999. */
int rv_stamp_parse(int64_t *t_us_r, const char *text);
/* A date "2026-11-24" as its first moment. */
int rv_date_parse(int64_t *t_us_r, const char *text);

#endif
