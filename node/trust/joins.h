/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_TRUST_JOINS_H
#define NODE_TRUST_JOINS_H

#include "protocol/frame.h"
#include "protocol/join.h"
#include "protocol/signer.h"
#include "protocol/trustlist.h"

/*
 * The waiting room of a coordinator's node: who is invited, who has asked to join with a token, and
 * which members want to change their keys. Nobody is admitted here: that is the trust list's, which
 * the coordinator's people publish.
 *
 * One entry a member code, in state_dir/joins/CODE.json, with the request beside it in CODE.xml:
 * durable before it is answered. The secret of a token is not kept, only the public key that comes of
 * it. Entries go 30 days after their invitation ended. Any thread.
 */
struct joins;

enum joins_state {
	JOINS_OPEN = 1,  /* invited; nobody has used the token */
	JOINS_WAITING,   /* a request is here, for the coordinator to approve */
	JOINS_ADMITTED,  /* the trust list has it */
	JOINS_REFUSED,   /* the coordinator said no */
	JOINS_WITHDRAWN, /* the coordinator took the invitation back */
	JOINS_EXPIRED    /* the token ended unused */
};
const char *joins_state_text(enum joins_state s); /* "open"... */

enum { JOINS_OPERATIONS = 8 };
struct joins_invite {
	char code[RV_CODE_TEXT];
	char name[129];
	unsigned roles;
	char country[3];
	char operations[JOINS_OPERATIONS][RV_OPCODE_TEXT]; /* in which it is to take part */
	size_t n_operations;
	char guest[RV_CURVE_KEY_TEXT]; /* the public key of the token's secret; "" for a renewal */
	int64_t created_us, expires_us;
};

struct joins_row {
	struct joins_invite invite;
	enum joins_state state;
	int renewal;          /* new keys of a member, vouched for by its present one */
	int64_t asked_us;     /* when the request came; 0: not yet */
	char phrase[RV_FINGERPRINT_TEXT]; /* of the request; "" */
	char reason[160];     /* of REFUSED */
	unsigned others;      /* requests other than the first that came with the token */
	int64_t other_us;     /* the last of them */
};

/* Reads what is there. */
int joins_open(struct joins **j_r, const char *state_dir, struct rv_clock clock, struct rv_err *e);
void joins_close(struct joins **j);

/* t: the trust list of now, here and below. RV_EEXIST: an invitation or a request of that code is open. RV_ELIMIT: 500 entries. */
int joins_add(struct joins *j, const struct joins_invite *invite, const struct rv_trust *t,
	struct rv_err *e);
/* Says no to a request, or takes an open invitation back. RV_ENOTFOUND. */
int joins_refuse(struct joins *j, const char *code, const char *reason, const struct rv_trust *t,
	struct rv_err *e);
/* All entries in the order of their codes, free()d by the caller. */
int joins_list(struct joins *j, const struct rv_trust *t, struct joins_row **rows_r, size_t *n_r,
	struct rv_err *e);
/* The request as it came, appended. RV_ENOTFOUND. */
int joins_request(struct joins *j, const char *code, struct rv_buf *wire, struct rv_err *e);

/* The keys of guests to be let in: of tokens, until a week after they ended, so that who comes late
 * hears why. free()d by the caller. */
int joins_guests(struct joins *j, char (**keys_r)[RV_CURVE_KEY_TEXT], size_t *n_r);
/* 1 if that is the key of a guest. */
int joins_is_guest(struct joins *j, const char *key);

/*
 * A guest asks (SPEC.md, 5.11). Fills answer: waiting, admitted, or refused with one of
 *   JOIN-EXPIRED    the token has ended
 *   JOIN-USED       another request came with it before
 *   JOIN-INVITED    the request is not of whom it invites
 *   JOIN-WITHDRAWN, JOIN-REFUSED   the coordinator says no
 * or with the rule by which the request is none. *news_r is 1 if people should hear of it: a first
 * request, or another one with a used token. RV_ENOTFOUND: no such guest. Other errors: it could not
 * be kept, and the guest asks again.
 */
int joins_ask(struct joins *j, const char *guest, struct rv_span request, const struct rv_trust *t,
	struct rv_join_state *answer, int *news_r, struct rv_err *e);

/*
 * New keys of a member. RV_EDENIED (JOIN-VOUCHER): the voucher is not of a certificate that the list
 * has for that member now, or does not verify. *news_r as above. The same request again is no error.
 */
int joins_renew(struct joins *j, struct rv_span request, const struct rv_vouch *v,
	const struct rv_trust *t, int *news_r, struct rv_err *e);

/* What a voucher signs: "REEVE-RENEWAL-1", a zero byte, the SHA-256 of the request. */
enum { JOINS_VOUCHED_LEN = 16 + RV_DIGEST_LEN };
void joins_vouched(uint8_t out[JOINS_VOUCHED_LEN], struct rv_span request);

/* 1 if the list has the member with the signing key and the CURVE key of that request, both in force. */
int joins_is_listed(const struct rv_trust *t, const struct rv_join *j, int64_t now_us);

#endif
