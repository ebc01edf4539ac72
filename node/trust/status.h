/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_TRUST_STATUS_H
#define NODE_TRUST_STATUS_H

#include "protocol/chain.h"
#include "protocol/signer.h"
#include "protocol/trustlist.h"

/*
 * Do members' certificates still hold? For every certificate that the trust list names: the path to
 * the issuers that the list names, and what CRLs and OCSP responses say of it. All of that is worked
 * out once, when the list or a CRL changes, and put into an immutable view; who judges a message
 * takes a reference and looks one digest up.
 *
 * Where the list names no issuer of a certificate, the list alone vouches for it. An issuer that
 * names no address of CRL or OCSP publishes no status: for a member's certificate that leaves it
 * unknown, an intermediate issuer without one is vouched for by standing in the list.
 *
 * The CRLs and responses are kept as they came, as state_dir/status/DIGEST.crl (DIGEST: SHA-256 of
 * the issuer's certificate) and DIGEST.ocsp (of the certificate asked about), each whole and
 * durable. They are files and not rows of the store, because the store has one writer that this
 * must not keep waiting, because an auditor can read them with any tool, and because a lost one
 * costs one fetch. What they say is worked out anew after a restart.
 *
 * Any thread may call any function. status_take works one at a time and does not hold up
 * status_get.
 */
struct status;
struct status_view;

/* state_dir/status is made if it is not there, and read. */
int status_open(
	struct status **s_r, const char *state_dir, struct rv_clock clock, struct rv_err *e);
void status_close(struct status **s);
/* Called after each change of what is known (not of the list), in the thread that made it; it must
 * not block. Before other threads know the status. */
void status_watch(struct status *s, void (*changed)(void *ctx), void *ctx);

/* A reference to the view of that list, or of a newer one if there is one already: status_unref.
 * Works it out if the list is new. NULL if memory is short. */
struct status_view *status_get(struct status *s, struct rv_trust *t);
void status_unref(struct status_view **v);
/* Grows with each view: whether something changed since. */
uint64_t status_serial(const struct status_view *v);
uint64_t status_now(struct status *s); /* of the current view; 0: there is none yet */

/* ---- judging ---- */

/* What was known of a certificate when a message by it was judged. */
enum status_word {
	STATUS_NONE = 0,
	STATUS_LISTED,  /* the list names no issuer: it vouches itself */
	STATUS_OFF,     /* the policy asks for the list alone */
	STATUS_GOOD,    /* by a CRL or an OCSP response that was fresh */
	STATUS_STALE,   /* good by one that was not fresh any more; the policy is soft */
	STATUS_UNKNOWN, /* nothing was known; the policy is soft */
	STATUS_REVOKED  /* for people only: such a message is refused */
};
const char *status_word_text(enum status_word w); /* "listed" ...; "" for NONE */
const char *status_source_text(enum rv_status_source s); /* "crl", "ocsp"; "" for 0 */

struct status_standing {
	enum status_word word;
	enum rv_status_source source; /* 0: none */
	int64_t as_of_us;             /* thisUpdate of that; 0: none */
	int64_t judged_us;
};

/*
 * May a message that arrives now and says that it was issued at issued_us be taken, signed by that
 * certificate of the list? 0 with *s_r filled. RV_ECERT: CHAIN-*, STATUS-REVOKED (revoked now or
 * when it says it was issued: nobody vouches that it existed before). RV_EAGAIN: STATUS-UNKNOWN or
 * STATUS-STALE under the policy hard, or the certificate is not in the view: later.
 */
int status_judge(const struct status_view *v, const uint8_t cert[RV_DIGEST_LEN], int64_t issued_us,
	int64_t now_us, struct status_standing *s_r, struct rv_err *e);
/*
 * May a receipt that says it was made at claimed_us be believed? Not if the certificate is revoked
 * and the key may be in other hands; where it was merely replaced or given up, what was made before
 * counts: a delivery is not open for ever because its recipient has a new key. 0 or RV_ECERT,
 * STATUS-REVOKED.
 */
int status_believed(const struct status_view *v, const uint8_t cert[RV_DIGEST_LEN],
	int64_t claimed_us, int64_t now_us, struct rv_err *e);

/* The same for people: what holds now. RV_ENOTFOUND: not a certificate of the list. */
struct status_facts {
	struct status_standing standing;
	int64_t revoked_us; /* 0: not */
	char reason[24];
	struct rv_err why; /* why a message by it would not be taken now; code 0: it would */
};
int status_facts(const struct status_view *v, const uint8_t cert[RV_DIGEST_LEN], int64_t now_us,
	struct status_facts *f_r);

/* ---- what is known ---- */

/* A CRL (key: SHA-256 of the issuer's certificate) or an OCSP response (key: of the certificate
 * that it is about). */
struct status_item {
	enum rv_status_source kind;
	uint8_t key[RV_DIGEST_LEN];
	uint8_t digest[RV_DIGEST_LEN]; /* SHA-256 of the bytes */
	struct rv_span bytes;
};

/*
 * Takes bytes that came from anywhere: they are signed by the issuer. Evaluated for every
 * certificate of the list that they concern; then durable, then in force. digest of the item need
 * not be set. RV_EDUP: the ones in use. Errors are those of chain.h, or RV_EUNKNOWN
 * (STATUS-FOREIGN): they concern no certificate of the list. Something older or worse never takes
 * the place of what is there.
 */
int status_take(struct status *s, struct rv_trust *t, const struct status_item *item,
	struct rv_err *e);

/* What is to be fetched: each issuer's CRL and each certificate's OCSP response that the list names
 * addresses for. */
struct status_want {
	enum rv_status_source kind;
	uint8_t key[RV_DIGEST_LEN];
	const char *const *urls; /* borrowed from the view */
	size_t n_urls;
	char whose[80];     /* for people: the issuer's subject, or the member */
	int64_t this_us;    /* of what is there; 0: nothing is */
	int64_t next_us;    /* 0: it does not say */
	int64_t max_age_us; /* the strictest policy that it serves */
};
/* free() the list; it holds as long as the view. */
int status_wants(
	const struct status_view *v, struct status_want **list_r, size_t *n_r, struct rv_err *e);
/* The OCSP request for a want. */
int status_request(const struct status_view *v, const uint8_t key[RV_DIGEST_LEN],
	struct rv_buf *out, struct rv_err *e);

/* What a peer needs to judge messages of that member: items, bytes borrowed from the view; how
 * many, at most max. */
size_t status_carry(
	const struct status_view *v, const char *member, struct status_item *items, size_t max);

#endif
