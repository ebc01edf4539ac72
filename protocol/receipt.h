/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_RECEIPT_H
#define RV_RECEIPT_H

#include "cert.h"
#include "err.h"
#include "id.h"
#include "signer.h"

/*
 * Receipts (SPEC.md, "Receipts"): what a node states, signed, about a message it got.
 *
 * A receipt is a leaf; leaves of one signer are signed together: the signature is over the root of
 * a Merkle tree (RFC 9162, section 2.1.1: leaf hash SHA-256(0x00 || leaf), node hash SHA-256(0x01
 * || left || right)) so that each leaf travels alone with its path. The bytes of a receipt
 * ("REEVE-RECEIPT-1") hold: leaf, index, tree size, path, algorithm, signature. What is signed: the
 * ASCII text "REEVE-RECEIPT-1" and a NUL, the tree size (u32), the root (32 bytes).
 *
 * Pure functions; a struct rv_receipt belongs to one thread at a time.
 */

enum rv_stage {
	RV_STAGE_RELAYED = 1,  /* a relay has it durably, for the recipients named */
	RV_STAGE_STORED = 2,   /* the recipient has it durably in its inbox */
	RV_STAGE_READ = 3,     /* a person at the recipient opened it */
	RV_STAGE_REJECTED = 4, /* refused: code, rule, line, text say why */
	RV_STAGE_LAST
};

enum { RV_RECEIPT_MAX_RECIPIENTS = 256, RV_RECEIPT_MAX_BATCH = 256, RV_RECEIPT_MAX_BYTES = 16384 };

struct rv_receipt {
	enum rv_stage stage;
	uint8_t message[RV_UUID_LEN]; /* what the item named, if the message could not be read */
	uint8_t seal_digest[RV_DIGEST_LEN]; /* all zero if the message could not be read */
	char signer[RV_CODE_TEXT];
	uint8_t signer_cert[RV_DIGEST_LEN];
	int64_t time_us;
	char (*recipients)[RV_CODE_TEXT]; /* owned; 1..256; for STORED and READ exactly the signer;
					     ascending after a parse */
	size_t n_recipients;
	/* for REJECTED; empty and 0 in the other stages */
	char rule[32]; /* stable code, "SEAL-DIGEST" */
	uint32_t line; /* 0 if there is none */
	char text[256];
};

const char *rv_stage_text(enum rv_stage stage); /* "relayed"...; "?" if out of range */
void rv_receipt_clear(struct rv_receipt *r);

/*
 * Signs n (1..RV_RECEIPT_MAX_BATCH) receipts with one signature. signer, signer_cert of each are
 * set from the signer; a rule or text that has characters which receipts do not carry is made legal
 * (a refusal may quote a peer's bytes, and must not stop the others of its batch). out[i] gets the
 * bytes of receipt i; the caller rv_buf_free()s them (also on failure). RV_EINVAL: a field is
 * outside what rv_receipt_parse takes; the text names receipt and field.
 */
int rv_receipt_sign(struct rv_receipt *receipts, size_t n, const struct rv_signer *signer,
	struct rv_buf *out, struct rv_err *e);

/* Reads the bytes: form, sizes, canonical encoding (decode > encode gives the same bytes). No
 * signature check. RV_EPARSE, RV_ELIMIT with a rule RCPT-*. r is filled only on success. */
int rv_receipt_parse(struct rv_receipt *r, const void *bytes, size_t len, struct rv_err *e);

/* Reads and verifies against that certificate, whose digest must be signer_cert (RV_ECERT,
 * RCPT-CERT). r as rv_receipt_parse, filled only on success. RV_ESIGNATURE: RCPT-VALUE. */
int rv_receipt_verify(struct rv_receipt *r, const void *bytes, size_t len,
	const struct rv_cert *cert, struct rv_err *e);

/*
 * The same for a run of receipts: memo ({0} at first; one thread) remembers the last tree whose
 * signature held, so that receipts of one batch cost one signature check.
 */
struct rv_receipt_memo {
	uint8_t key[RV_DIGEST_LEN];
	int set;
};
int rv_receipt_verify_memo(struct rv_receipt *r, const void *bytes, size_t len,
	const struct rv_cert *cert, struct rv_receipt_memo *memo, struct rv_err *e);

#endif
