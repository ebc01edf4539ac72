/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_REPORT_H
#define RV_REPORT_H

#include <jansson.h>

#include "buf.h"
#include "check.h"

/*
 * A report of faults in the two forms that people and programs read. Pure; any thread.
 */

/*
 * Appends one line a fault, as compilers write them:
 *
 *   file.xml:31:7: error RV-GOODS-HS /Message/Goods/Item/Classification/ID: HS code 999999 is ...
 *
 * Line and column are left out where they are not known. A last line tells if faults were cut. name
 * may be NULL.
 */
int rv_report_text(const struct rv_report *r, const char *name, struct rv_buf *out);

/*
 *   {"errors": 1, "warnings": 0, "truncated": false, "faults": [
 *     {"level": "error", "rule": "RV-GOODS-HS", "line": 31, "column": 7, "path": "/Message/...",
 *      "text": "HS code 999999 is ...", "mend": "Take the ..."}]}
 *
 * A new reference; NULL if memory is short.
 */
json_t *rv_report_json(const struct rv_report *r);

#endif
