/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_INVITE_H
#define RV_INVITE_H

#include "buf.h"
#include "err.h"
#include "id.h"

/*
 * The one-time token by which an organisation joins (SPEC.md, "Request to join"): what a coordinator
 * hands over, as one word of text. Who has it can open a connection to the coordinator's node, as a
 * guest that may ask to join, and knows the node and the authority by their keys. Keep it as secret
 * as a key until it is used.
 */
enum { RV_INVITE_SECRET = 32, RV_INVITE_TEXT = 512 };

struct rv_invite {
	int64_t expires_us;             /* whole seconds */
	char inviter[RV_CODE_TEXT];     /* the coordinator's */
	char code[RV_CODE_TEXT];        /* of who is invited */
	unsigned roles;                 /* enum rv_role */
	char country[3];                /* "" : none */
	char name[129];                 /* of who is invited, UTF-8 */
	char endpoint[272];             /* of the coordinator's node */
	char server[RV_CURVE_KEY_TEXT]; /* its public CURVE key */
	uint8_t roots[RV_DIGEST_LEN];   /* digest of authority.pem (SPEC.md, 4.9.1) */
	uint8_t secret[RV_INVITE_SECRET]; /* the guest's CURVE secret key */
};

/* The text, a C string; RV_EINVAL if a field is outside what the reader takes. */
int rv_invite_write(const struct rv_invite *i, char text[RV_INVITE_TEXT]);
/*
 * White space around it is passed over. RV_EPARSE with JOIN-TOKEN: not a token, cut short or
 * mistyped (it ends with a check sum); RV_EVERSION: of a later version. Whether it has expired is
 * for the caller to look at. Wipe it after use.
 */
int rv_invite_read(struct rv_invite *i, const char *text, struct rv_err *e);
void rv_invite_wipe(struct rv_invite *i);

#endif
