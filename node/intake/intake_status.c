/* SPDX-License-Identifier: Apache-2.0 */
#include "node/intake/intake_int.h"

#include <stdlib.h>
#include <string.h>

/* A CRL or an OCSP response that a peer passed on: a worker evaluates it. Nobody waits for it, and what
 * finds no room is dropped: there are other ways to it. */

enum { AT_ONCE = 64 };

struct passed {
	struct work work;
	struct status_item item;
	char peer[RV_CODE_TEXT];
	uint8_t bytes[];
};

/* What is here already, older, or of nobody that we know is no news and no fault. */
static int is_news(int rc)
{
	return rc != RV_EDUP && rc != RV_EEXPIRED && rc != RV_EUNKNOWN;
}

static void take_passed(struct work *w, struct intake *i, struct judge *judge)
{
	struct passed *p = (struct passed *)((char *)w - offsetof(struct passed, work));
	struct rv_err e = {0};
	struct rv_trust *t = trust_get(i->p.trust);
	int rc = t != NULL ? status_take(i->p.status, t, &p->item, &e) : RV_EUNKNOWN;
	if (rc == 0) {
		log_event(i->p.log, LOG_LVL_INFO, "status of certificates taken", "peer", p->peer,
			"kind", status_source_text(p->item.kind), NULL);
	} else if (is_news(rc)) {
		log_err(i->p.log, LOG_LVL_WARNING, "status of certificates not taken", &e, "peer",
			p->peer, NULL);
	}
	rv_trust_unref(&t);
	free(p);
	atomic_fetch_sub(&i->statuses, 1);
}

void intake_on_status(void *ctx, const char *peer, const struct status_item *item)
{
	struct intake *i = ctx;
	struct passed *p = NULL;
	if (i->p.status == NULL) {
		return;
	}
	if (atomic_fetch_add(&i->statuses, 1) < AT_ONCE) {
		p = calloc(1, sizeof(*p) + item->bytes.len);
	}
	if (p != NULL) {
		p->work.run = take_passed;
		p->item = *item;
		memcpy(p->peer, peer, strnlen(peer, sizeof(p->peer) - 1));
		memcpy(p->bytes, item->bytes.data, item->bytes.len);
		p->item.bytes.data = p->bytes;
	}
	if (p == NULL || queue_push(i->work, &p->work) != 0) {
		free(p);
		atomic_fetch_sub(&i->statuses, 1);
	}
}
