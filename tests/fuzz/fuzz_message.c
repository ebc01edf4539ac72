/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "protocol/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void set_up(void)
{
	static int done;
	if (!done && (rv_xml_init(NULL) != 0 || rv_seal_init(NULL) != 0)) {
		abort();
	}
	done = 1;
}

/* A sealed message as a peer hands it over: everything that is read before a key is known, and what withholding makes of it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	set_up();
	struct rv_err e = {0};
	struct rv_header h = {0};
	struct rv_sealed sealed = {0};
	struct rv_attachment *attachments = NULL;
	size_t n = 0;
	xmlDoc *doc = NULL;
	if (rv_seal_parse(&doc, data, size, &e) != 0) {
		return 0;
	}
	if (rv_header_read(&h, doc, &e) == 0) {
		rv_header_clear(&h);
	}
	if (rv_attachments_read(&attachments, &n, doc, &e) == 0) {
		free(attachments);
	}
	if (rv_seal_inspect(doc, &sealed, &e) != 0) {
		abort();   /* what parses has a seal */
	}
	struct rv_buf less = {0};
	xmlDoc *again = NULL;
	if (rv_seal_withhold(doc, sealed.present, &less, &e) == 0) {
		if (rv_seal_parse(&again, less.data, less.len, &e) != 0) {
			abort();   /* what remains is a wire form */
		}
		xmlFreeDoc(again);
	}
	rv_buf_free(&less);
	xmlFreeDoc(doc);
	return 0;
}
