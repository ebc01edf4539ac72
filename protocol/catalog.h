/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_CATALOG_H
#define RV_CATALOG_H

#include "err.h"

/*
 * Schemas and code lists, loaded once and then read by all threads.
 */
struct rv_catalog;

/* dir: the schemas folder (xsd/, codes/, templates/). iso_dir: iso-codes' JSON folder, NULL for
 * /usr/share/iso-codes/json. */
int rv_catalog_load(struct rv_catalog **c_r, const char *dir, const char *iso_dir, struct rv_err *e);
void rv_catalog_free(struct rv_catalog **c);

/* 1 if the code is in the list ("hs", "units", "countries", "currencies", "languages", "detection"...), 0 if not, RV_ENOTFOUND: no such list. */
int rv_catalog_has(const struct rv_catalog *c, const char *list, const char *code);
/* Its words in English, NULL if unknown. Borrowed. */
const char *rv_catalog_name(const struct rv_catalog *c, const char *list, const char *code);
/* Calls fn for each entry in file order; stops at the first non-zero, which it returns. */
int rv_catalog_each(const struct rv_catalog *c, const char *list,
	int (*fn)(void *ctx, const char *code, const char *name), void *ctx);
/* The template of a kind ("seizure", "seizure-long", "warning"...): borrowed XML text, NULL if there is none. */
const char *rv_catalog_template(const struct rv_catalog *c, const char *kind);
/* The directory it was loaded from. */
const char *rv_catalog_dir(const struct rv_catalog *c);

#endif
