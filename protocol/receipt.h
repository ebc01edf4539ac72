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
 * A receipt is a leaf; leaves of one signer are signed together: the signature is over the root of a
 * Merkle tree (RFC 9162, section 2.1.1: leaf hash SHA-256(0x00 || leaf), node hash SHA-256(0x01 || left || right)) so that each leaf travels alone with its path.
 * The bytes of a receipt ("REEVE-RECEIPT-1") hold: leaf, index, tree size, path, algorithm, signature.
 * What is signed: the ASCII text "REEVE-RECEIPT-1" and a NUL, the tree size (u32), the root (32 bytes).
 */

enum rv_stage {
	RV_STAGE_RELAYED = 1,   /* a relay has it durably, for the recipients named */
	RV_STAGE_STORED = 2,    /* the recipient has it durably in its inbox */
	RV_STAGE_READ = 3,      /* a person at the recipient opened it */
	RV_STAGE_REJECTED = 4,  /* refused: code, rule, line, text say why */
	RV_STAGE_LAST
};

enum { RV_RECEIPT_MAX_RECIPIENTS = 256, RV_RECEIPT_MAX_BATCH = 256, RV_RECEIPT_MAX_BYTES = 16384 };

struct rv_receipt {
	enum rv_stage stage;
	uint8_t message[RV_UUID_LEN];
	uint8_t seal_digest[RV_DIGEST_LEN];  /* all zero if the message could not be read */
	char signer[RV_CODE_TEXT];
	uint8_t signer_cert[RV_DIGEST_LEN];
	int64_t time_us;
	char (*recipients)[RV_CODE_TEXT];    /* owned; for STORED and READ exactly the signer */
	size_t n_recipients;
	/* for REJECTED */
	char rule[32];                       /* stable code, "SEAL-DIGEST" */
	uint32_t line;                       /* 0 if there is none */
	char text[256];
};

const char *rv_stage_text(enum rv_stage stage);
void rv_receipt_clear(struct rv_receipt *r);

/*
 * Signs n (1..RV_RECEIPT_MAX_BATCH) receipts with one signature. signer, signer_cert of each are set from the signer.
 * out[i] gets the bytes of receipt i; the caller rv_buf_free()s them (also on failure).
 */
int rv_receipt_sign(struct rv_receipt *receipts, size_t n, const struct rv_signer *signer, struct rv_buf *out, struct rv_err *e);

/* Reads the bytes: form, sizes, canonical encoding (decode > encode gives the same bytes). No signature check. */
int rv_receipt_parse(struct rv_receipt *r, const void *bytes, size_t len, struct rv_err *e);

/* Reads and verifies against that certificate, whose digest must be signer_cert. r as rv_receipt_parse, filled only on success. */
int rv_receipt_verify(struct rv_receipt *r, const void *bytes, size_t len, const struct rv_cert *cert, struct rv_err *e);

#endif
