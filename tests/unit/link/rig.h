/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_RIG_H
#define TESTS_RIG_H

#include "node/link/session.h"

/* One session with everything around it played: what it sends is kept, what it asks for comes from small tables. Asserts (cmocka). */

enum { RIG_MAX = 256, RIG_PARTS = 260 };

struct rig_frame {
	enum rv_cmd cmd;
	size_t n;                        /* parts after the header */
	struct rv_buf parts[RIG_PARTS];
};

struct rig {
	struct session *s;
	struct session_time now;
	struct rig_frame sent[RIG_MAX];  /* not yet looked at */
	size_t n_sent;
	int full;                        /* the channel takes nothing */
	/* the store: message i has the number i + 1 */
	struct { unsigned priority; size_t len; int settled; const char *originator; } messages[RIG_MAX];
	size_t n_messages;
	struct { int done; } receipts[RIG_MAX];
	size_t n_receipts;
	struct store_fetch fetches[8];
	size_t n_fetches;
	uint8_t blob[1 << 20];           /* what is served: all digests give this */
	int serve_rc;
	int due_rc;
	/* the intake */
	int intake_rc;
	struct { uint8_t message[RV_UUID_LEN]; uint32_t handle; } arrived[RIG_MAX];
	size_t n_arrived;
	uint32_t receipts_handle;
	size_t n_receipts_arrived;
	struct { uint64_t offset; size_t len; uint32_t handle; } chunks[RIG_MAX];
	size_t n_chunks;
	/* trust lists: the first bytes of blob are ours */
	uint64_t list_number;
	size_t list_len;
	struct rv_trust_part part;       /* the last that came */
	size_t part_len, n_parts, n_joins;
	/* status of certificates: of each member, this many items of that size; their bytes tell the version */
	size_t n_items, item_len;
	uint8_t item_version;
	size_t n_statuses;               /* that came */
	struct rv_status_head status;    /* the last one */
	/* notes */
	size_t n_noted_sent, n_receipts_done, n_fetch_failed, n_up, n_ended;
	char fetch_why[160];
	struct session_end end;
};

/* Node KE with its peer UG; HELLO is out. credit: what KE grants. */
void rig_open(struct rig *r, uint64_t credit_messages, uint64_t credit_bytes);
/* And UG's HELLO is in, granting that; the session leads. */
void rig_up(struct rig *r, uint64_t credit_messages, uint64_t credit_bytes);
void rig_close(struct rig *r);

void rig_pump(struct rig *r);
void rig_pass(struct rig *r, int64_t us);           /* in ticks of 200 ms, pumping */
/* A frame of UG's: the bodies, which are freed. */
void rig_give(struct rig *r, enum rv_cmd cmd, struct rv_buf *bodies, size_t n);
void rig_give_hello(struct rig *r, const char *code, uint64_t credit_messages, uint64_t credit_bytes);
void rig_give_item(struct rig *r, unsigned id, size_t len);
void rig_give_credit(struct rig *r, uint64_t messages, uint64_t bytes);
void rig_give_chunk(struct rig *r, uint8_t digest, uint64_t offset, uint8_t status, size_t len);
void rig_id(uint8_t id[RV_UUID_LEN], unsigned n);
/* A receipt for message n, signed with nothing. */
void rig_receipt(struct rv_buf *out, unsigned n);

/* The next frame that was sent; it must have that command. Borrowed until the next call. */
struct rig_frame *rig_take(struct rig *r, enum rv_cmd cmd);
/* The next one that is not a PING. */
struct rig_frame *rig_next(struct rig *r);
void rig_nothing(struct rig *r);                    /* nothing was sent but PINGs */
/* It has ended with BYE of that code, and the text has that in it. */
void rig_ended(struct rig *r, unsigned code, const char *text);

#endif
