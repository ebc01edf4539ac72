/* SPDX-License-Identifier: Apache-2.0 */
#include "node/intake/park.h"

#include <pthread.h>
#include <stdlib.h>

struct park {
	pthread_mutex_t lock;
	struct parked *list, **end;
	size_t n, max;
	int closed;
};

int park_new(struct park **p_r, size_t max, struct rv_err *e)
{
	struct park *p = calloc(1, sizeof(*p));
	if (p == NULL || pthread_mutex_init(&p->lock, NULL) != 0) {
		free(p);
		return rv_fail_nomem(e);
	}
	p->end = &p->list;
	p->max = max;
	*p_r = p;
	return 0;
}

void park_free(struct park **p)
{
	if (p != NULL && *p != NULL) {
		pthread_mutex_destroy(&(*p)->lock);
		free(*p);
		*p = NULL;
	}
}

int park_put(struct park *p, struct parked *item)
{
	int rc = RV_EAGAIN;
	pthread_mutex_lock(&p->lock);
	if (!p->closed && p->n < p->max) {
		item->next = NULL;
		*p->end = item;
		p->end = &item->next;
		p->n++;
		rc = 0;
	}
	pthread_mutex_unlock(&p->lock);
	return rc;
}

struct parked *park_take(struct park *p, int64_t now_us)
{
	struct parked *taken = NULL;
	struct parked **last = &taken;
	pthread_mutex_lock(&p->lock);
	struct parked **at = &p->list;
	while (*at != NULL) {
		struct parked *item = *at;
		if (item->until_us > now_us) {
			at = &item->next;
			continue;
		}
		*at = item->next;
		*last = item;
		last = &item->next;
		p->n--;
	}
	*last = NULL;
	p->end = at;
	pthread_mutex_unlock(&p->lock);
	return taken;
}

void park_close(struct park *p)
{
	pthread_mutex_lock(&p->lock);
	p->closed = 1;
	pthread_mutex_unlock(&p->lock);
}
