/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trust/notices.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DAY_US (INT64_C(86400) * RV_US_PER_SEC)
#define KEYS_US (30 * DAY_US)
#define SIGNING_US (180 * DAY_US)

struct notices {
	struct notice *out;
	size_t n;
};

static void add(struct notices *s, const char *rule, int64_t at_us, const char *mend,
	const char *fmt, ...) __attribute__((format(printf, 5, 6)));

static void add(struct notices *s, const char *rule, int64_t at_us, const char *mend,
	const char *fmt, ...)
{
	va_list ap;
	if (s->n == NOTICES_MAX) {
		return;
	}
	struct notice *x = &s->out[s->n++];
	memset(x, 0, sizeof(*x));
	snprintf(x->rule, sizeof(x->rule), "%s", rule);
	snprintf(x->mend, sizeof(x->mend), "%s", mend);
	x->at_us = at_us;
	va_start(ap, fmt);
	vsnprintf(x->text, sizeof(x->text), fmt, ap);
	va_end(ap);
}

static void look_at_list(
	struct notices *s, const struct rv_trust *t, int64_t grace_us, int64_t now_us)
{
	char at[RV_STAMP_TEXT];
	int64_t ends = rv_trust_expires(t);
	int64_t third = (ends - rv_trust_issued(t)) / 3;
	unsigned long long number = rv_trust_number(t);
	if (now_us > ends) {
		rv_stamp_text(at, ends + grace_us);
		add(s, "TRUST-GRACE", ends + grace_us,
			"Get the current list from the coordinator at once: reeve trust install.",
			"trust list %llu has expired and holds until %s", number, at);
	} else if (ends - now_us < third || ends - now_us < 7 * DAY_US) {
		rv_stamp_text(at, ends);
		add(s, "TRUST-EXPIRES", ends,
			"The coordinator publishes the next one: reeve authority publish.",
			"trust list %llu expires at %s", number, at);
	}
}

static int64_t cert_end(const struct rv_dated_cert *c)
{
	int64_t end = rv_cert_not_after(c->cert);
	return c->revoked_us != 0 ? c->revoked_us : end < c->to_us ? end : c->to_us;
}

static void look_at_keys(struct notices *s, const struct rv_member *m, int64_t now_us)
{
	static const char mend[] = "Make new keys: reeve rotate; then the coordinator approves them.";
	char at[RV_STAMP_TEXT];
	int64_t certs = 0;
	int64_t keys = 0;
	for (size_t i = 0; i < m->n_certs; i++) {
		int64_t end = cert_end(&m->certs[i]);
		certs = end > certs ? end : certs;
	}
	for (size_t i = 0; i < m->n_keys; i++) {
		keys = m->keys[i].to_us > keys ? m->keys[i].to_us : keys;
	}
	if (certs - now_us < KEYS_US) {
		rv_stamp_text(at, certs);
		add(s, "KEY-EXPIRES", certs, mend, "the signing certificate of %s ends at %s", m->code,
			at);
	}
	if (keys - now_us < KEYS_US) {
		rv_stamp_text(at, keys);
		add(s, "CURVE-EXPIRES", keys, mend, "the CURVE key of %s ends at %s", m->code, at);
	}
}

static void look_at_signing(struct notices *s, const struct rv_trust *t, int64_t now_us)
{
	const struct rv_dated_cert *certs;
	unsigned quorum;
	char at[RV_STAMP_TEXT];
	size_t n = rv_trust_signing(t, &certs, &quorum);
	for (size_t i = 0; i < n; i++) {
		int64_t end = cert_end(&certs[i]);
		if (end - now_us < SIGNING_US) {
			rv_stamp_text(at, end);
			add(s, "SIGNING-EXPIRES", end, "Rotate the authority's key: reeve authority rekey.",
				"a certificate that signs trust lists ends at %s", at);
		}
	}
}

size_t notices_of(const struct rv_trust *t, const char *code, int64_t grace_us, int64_t now_us,
	struct notice out[NOTICES_MAX])
{
	struct notices s = {out, 0};
	const struct rv_member *m = rv_trust_member(t, code);
	if (t == NULL) {
		return 0;
	}
	look_at_list(&s, t, grace_us, now_us);
	if (m != NULL) {
		look_at_keys(&s, m, now_us);
	}
	if (m != NULL && (m->roles & RV_ROLE_COORDINATOR)) {
		look_at_signing(&s, t, now_us);
	}
	return s.n;
}
