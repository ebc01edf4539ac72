/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_CATALOG_INSIDE_H
#define RV_CATALOG_INSIDE_H

#include <libxml/xmlschemas.h>

#include "catalog.h"
#include "list.h"
#include "shape.h"

/*
 * What only the checker asks of the catalog. A compiled schema is not changed by validation, so
 * that the contexts of all threads share it.
 */
struct schema {
	struct shape *shape;
	xmlSchema *strict;
	xmlDoc *loose;      /* what lenient was made from, and may point into */
	xmlSchema *lenient; /* judges values where the order or need of elements is broken */
};

const struct schema *catalog_message_schema(const struct rv_catalog *c);
const struct schema *catalog_trust_schema(const struct rv_catalog *c);

/* A list by name, to look up many codes in it. NULL: no such list. */
const struct list *catalog_list(const struct rv_catalog *c, const char *name);

#endif
