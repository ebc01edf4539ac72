/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_CATALOG_H
#define RV_CATALOG_H

#include <stdint.h>

#include "buf.h"
#include "err.h"

/*
 * Schemas, code lists and templates, loaded once and then read by all threads.
 *
 * Code lists are the CSV files of codes/ under their names without the ending; "countries",
 * "subdivisions", "currencies" and "languages" come from iso-codes. Look-ups are by hash. Strings
 * that are returned are borrowed and live as long as the catalog.
 */
struct rv_catalog;

/* dir: the schemas folder (xsd/, codes/, templates/). iso_dir: iso-codes' JSON folder, NULL for
 * /usr/share/iso-codes/json. */
int rv_catalog_load(
	struct rv_catalog **c_r, const char *dir, const char *iso_dir, struct rv_err *e);
void rv_catalog_free(struct rv_catalog **c);

/* 1 if the code is in the list ("hs", "units", "countries", "currencies", "languages",
 * "detection"...), 0 if not, RV_ENOTFOUND: no such list. */
int rv_catalog_has(const struct rv_catalog *c, const char *list, const char *code);
/* Its words in English, NULL if unknown. Borrowed. */
const char *rv_catalog_name(const struct rv_catalog *c, const char *list, const char *code);
/* A further column of the file ("parent", "edition", "risk_area"); NULL if the list, code or column
 * is not there, "" if empty. */
const char *rv_catalog_field(
	const struct rv_catalog *c, const char *list, const char *code, const char *column);
/* Calls fn for each entry in file order; stops at the first non-zero, which it returns. */
int rv_catalog_each(const struct rv_catalog *c, const char *list,
	int (*fn)(void *ctx, const char *code, const char *name), void *ctx);
/* The template of a kind ("seizure-short", "seizure-long", "warning"...; "seizure" is the short
 * form): borrowed XML text, NULL if there is none. Its dates are examples of its own day. */
const char *rv_catalog_template(const struct rv_catalog *c, const char *kind);
/* Appends the template with its dates moved as if it were written at now_us, so that what it says
 * is due is not over. RV_ENOTFOUND: no such template. */
int rv_catalog_template_at(
	const struct rv_catalog *c, const char *kind, int64_t now_us, struct rv_buf *out);
/* The directory it was loaded from. */
const char *rv_catalog_dir(const struct rv_catalog *c);

#endif
