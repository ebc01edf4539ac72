/* SPDX-License-Identifier: Apache-2.0 */
#include "shape_int.h"

#include <string.h>

static void loosen(xmlNode *n)
{
	for (; n != NULL; n = rv_xml_next(n)) {
		if (is_xs(n, "sequence") || is_xs(n, "choice")) {
			xmlNodeSetName(n, (const xmlChar *)"choice");
			xmlSetProp(n, (const xmlChar *)"minOccurs", (const xmlChar *)"0");
			xmlSetProp(n, (const xmlChar *)"maxOccurs", (const xmlChar *)"unbounded");
		} else if (is_xs(n, "element")) {
			xmlUnsetProp(n, (const xmlChar *)"minOccurs");
			xmlUnsetProp(n, (const xmlChar *)"maxOccurs");
		} else if (is_xs(n, "attribute")) {
			xmlUnsetProp(n, (const xmlChar *)"use");
		}
		loosen(rv_xml_first(n));
	}
}

xmlDoc *shape_lenient(const struct shape *s)
{
	xmlDoc *doc = xmlCopyDoc(s->docs[0], 1);
	xmlNode *root = xmlDocGetRootElement(doc);
	if (root == NULL) {
		xmlFreeDoc(doc);
		return NULL;
	}
	for (xmlNode *n = rv_xml_first(root), *next; n != NULL; n = next) {
		next = rv_xml_next(n);
		if (is_xs(n, "include")) {
			xmlUnlinkNode(n);
			xmlFreeNode(n);
		}
	}
	/* Imports stand before everything else, once each. */
	for (size_t i = 1; i < s->n_docs; i++) {
		const xmlNode *from = xmlDocGetRootElement(s->docs[i]);
		if (strcmp(target(from), target(root)) != 0) {
			continue;
		}
		for (xmlNode *n = rv_xml_first(from); n != NULL; n = rv_xml_next(n)) {
			if (is_xs(n, "include") || is_xs(n, "annotation")) {
				continue;
			}
			xmlNode *copy = xmlDocCopyNode(n, doc, 1);
			if (copy == NULL) {
				xmlFreeDoc(doc);
				return NULL;
			}
			if (is_xs(n, "import") && root->children != NULL) {
				xmlAddPrevSibling(root->children, copy);
			} else {
				xmlAddChild(root, copy);
			}
		}
	}
	loosen(rv_xml_first(root));
	return doc;
}
