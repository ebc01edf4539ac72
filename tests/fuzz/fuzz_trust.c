/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/join.h"
#include "protocol/trustlist.h"

/* Trust lists and requests to join: bytes that come from outside. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a reader relies on, whatever was read. */
static void check_list(const struct rv_trust *t)
{
	const struct rv_member *members;
	const struct rv_operation *ops;
	size_t n = rv_trust_members(t, &members);
	if (rv_trust_number(t) == 0 || rv_trust_issued(t) >= rv_trust_expires(t)) {
		abort();
	}
	for (size_t i = 0; i < n; i++) {
		const struct rv_member *m = &members[i];
		if (rv_trust_member(t, m->code) != m || m->roles == 0 || m->n_certs == 0 || m->n_keys == 0) {
			abort();
		}
		for (size_t j = 0; j < m->n_keys; j++) {
			if (rv_trust_by_curve(t, m->keys[j].z85, m->keys[j].from_us) != m) {
				abort();
			}
		}
	}
	n = rv_trust_operations(t, &ops);
	for (size_t i = 0; i < n; i++) {
		if (rv_trust_operation(t, ops[i].code) != &ops[i] || rv_trust_member(t, ops[i].lead) == NULL) {
			abort();
		}
		for (size_t j = 0; j < ops[i].n_participants; j++) {
			const struct rv_participant *p = &ops[i].participants[j];
			if (rv_trust_member(t, p->code) == NULL ||
				!rv_participant_has(&ops[i], p->code, p->part, p->from_us)) {
				abort();
			}
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int ready;
	struct rv_trust *t = NULL;
	struct rv_err e = {0};
	struct rv_join j;
	xmlDoc *doc = NULL;
	if (!ready) {
		rv_xml_init(NULL);
		ready = 1;
	}
	/* nobody signed it for an authority that is not there */
	if (rv_trust_read(&t, data, size, NULL, 0, 1, 0, &e) == 0) {
		abort();
	}
	if (rv_xml_parse(&doc, data, size, &rv_xml_limits_trust, RV_XML_DRAFT, &e) == 0) {
		rv_xml_strip(doc);
		if (rv_trust_check(&t, doc, &e) == 0) {
			check_list(t);
			rv_trust_unref(&t);
		}
		xmlFreeDoc(doc);
	}
	if (rv_join_read(&j, data, size, &e) == 0) {
		char text[RV_FINGERPRINT_TEXT];
		if (rv_join_fingerprint(&j, text, &e) != 0) {
			abort();
		}
		rv_join_clear(&j);
	}
	return 0;
}
