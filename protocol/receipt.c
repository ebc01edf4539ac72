/* SPDX-License-Identifier: Apache-2.0 */
#include "receipt.h"
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>

/* With its NUL it starts the bytes of a receipt and what is signed. */
static const char label[] = "REEVE-RECEIPT-1";

enum { MAX_LEAF = 8192, MAX_PATH = 8, MIN_SIGNATURE = 64, MAX_SIGNATURE = 1024 };

/* A receipt taken apart; spans point into its bytes. */
struct parts {
	struct rv_span leaf;
	uint32_t index;
	uint32_t size;
	const uint8_t *path;
	size_t n_path;
	enum rv_sig_alg alg;
	struct rv_span sig;
};

const char *rv_stage_text(enum rv_stage stage)
{
	static const char *const names[RV_STAGE_LAST] = {
		"?", "relayed", "stored", "read", "rejected"};
	return stage > 0 && stage < RV_STAGE_LAST ? names[stage] : "?";
}

void rv_receipt_clear(struct rv_receipt *r)
{
	if (r != NULL) {
		free(r->recipients);
		memset(r, 0, sizeof(*r));
	}
}

/* ---- leaf ---- */

static int bad_field(struct rv_err *e, const char *field, const char *why)
{
	return rv_fail_rule(e, RV_EPARSE, "RCPT-FIELD", "receipt: %s %s", field, why);
}

static int check_rejection(const struct rv_receipt *r, struct rv_err *e)
{
	if (r->stage != RV_STAGE_REJECTED) {
		return r->rule[0] == '\0' && r->line == 0 && r->text[0] == '\0'
			       ? 0
			       : bad_field(e, "rule, line or text",
					 "is there although nothing is rejected");
	}
	if (!rv_wire_rule_ok(r->rule)) {
		return bad_field(e, "rule", "is not a stable code");
	}
	return rv_wire_text_ok(r->text)
		       ? 0
		       : bad_field(e, "text", "is not UTF-8 without control characters");
}

static int check_fields(const struct rv_receipt *r, struct rv_err *e)
{
	if (r->stage < RV_STAGE_RELAYED || r->stage >= RV_STAGE_LAST) {
		return bad_field(e, "stage", "is not 1 to 4");
	}
	if (!rv_wire_uuid_ok(r->message)) {
		return bad_field(e, "message", "is not a version 7 UUID");
	}
	if (!rv_code_valid(r->signer)) {
		return bad_field(e, "signer", "is not a member code");
	}
	if (!rv_wire_time_ok(r->time_us)) {
		return bad_field(e, "time", "is after the year 9999");
	}
	if ((r->stage == RV_STAGE_STORED || r->stage == RV_STAGE_READ) &&
		(r->n_recipients != 1 || strcmp(r->recipients[0], r->signer) != 0)) {
		return bad_field(e, "recipients", "are others than the signer itself");
	}
	return check_rejection(r, e);
}

static int put_leaf(struct rv_buf *out, const struct rv_receipt *r, struct rv_err *e)
{
	int rc = check_fields(r, e);
	if (rc != 0) {
		return rc;
	}
	rv_buf_u8(out, (uint8_t)r->stage);
	rv_buf_put(out, r->message, RV_UUID_LEN);
	rv_buf_put(out, r->seal_digest, RV_DIGEST_LEN);
	rv_buf_str8(out, r->signer);
	rv_buf_put(out, r->signer_cert, RV_DIGEST_LEN);
	rv_buf_u64(out, (uint64_t)r->time_us);
	rc = rv_wire_put_codes(out, (const char(*)[RV_CODE_TEXT])r->recipients, r->n_recipients,
		RV_RECEIPT_MAX_RECIPIENTS);
	if (rc == RV_EINVAL) {
		return bad_field(e, "recipients", "are not 1 to 256 member codes");
	}
	rv_buf_str8(out, r->rule);
	rv_buf_u32(out, r->line);
	rv_buf_str8(out, r->text);
	return rc == 0 && rv_buf_ok(out) ? 0 : rv_fail_nomem(e);
}

static void cur_copy(struct rv_cur *c, uint8_t *out, size_t len)
{
	struct rv_span s = rv_cur_span(c, len);
	if (s.data != NULL) {
		memcpy(out, s.data, len);
	}
}

static int get_leaf(struct rv_receipt *r, struct rv_span leaf, struct rv_err *e)
{
	struct rv_cur c = rv_cur_of(leaf.data, leaf.len);
	struct rv_receipt v = {0};
	v.stage = (enum rv_stage)rv_cur_u8(&c);
	cur_copy(&c, v.message, sizeof(v.message));
	cur_copy(&c, v.seal_digest, sizeof(v.seal_digest));
	rv_cur_str8(&c, v.signer, sizeof(v.signer));
	cur_copy(&c, v.signer_cert, sizeof(v.signer_cert));
	uint64_t time = rv_cur_u64(&c);
	v.time_us = time > (uint64_t)RV_TIME_MAX ? -1 : (int64_t)time;
	if (!rv_cur_ok(&c)) {
		return rv_fail_rule(e, RV_EPARSE, "RCPT-SHORT", "receipt: the leaf is cut short");
	}
	int rc = rv_wire_get_codes(&c, &v.recipients, &v.n_recipients, RV_RECEIPT_MAX_RECIPIENTS);
	if (rc == RV_ENOMEM) {
		return rv_fail_nomem(e);
	}
	if (rc != 0) {
		return bad_field(
			e, "recipients", "are not 1 to 256 member codes in ascending order");
	}
	rv_cur_str8(&c, v.rule, sizeof(v.rule));
	v.line = rv_cur_u32(&c);
	rv_cur_str8(&c, v.text, sizeof(v.text));
	if (!rv_cur_ok(&c)) {
		rc = rv_fail_rule(e, RV_EPARSE, "RCPT-SHORT", "receipt: the leaf is cut short");
	} else if (!rv_cur_done(&c)) {
		rc = rv_fail_rule(
			e, RV_EPARSE, "RCPT-TRAILING", "receipt: the leaf has bytes after its end");
	} else {
		rc = check_fields(&v, e);
	}
	if (rc != 0) {
		rv_receipt_clear(&v);
		return rc;
	}
	*r = v;
	return 0;
}

/* ---- Merkle tree ---- */

/* Of prefix and one or two pieces. */
static int hash(uint8_t out[RV_DIGEST_LEN], uint8_t prefix, struct rv_span a, struct rv_span b,
	struct rv_err *e)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
		 EVP_DigestUpdate(ctx, &prefix, 1) == 1 &&
		 EVP_DigestUpdate(ctx, a.data, a.len) == 1 &&
		 EVP_DigestUpdate(ctx, b.data, b.len) == 1 &&
		 EVP_DigestFinal_ex(ctx, out, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	return ok ? 0 : rv_fail_nomem(e);
}

static int hash_leaf(uint8_t out[RV_DIGEST_LEN], struct rv_span leaf, struct rv_err *e)
{
	return hash(out, 0, leaf, (struct rv_span){NULL, 0}, e);
}

static int hash_pair(
	uint8_t out[RV_DIGEST_LEN], const uint8_t *left, const uint8_t *right, struct rv_err *e)
{
	return hash(out, 1, (struct rv_span){left, RV_DIGEST_LEN},
		(struct rv_span){right, RV_DIGEST_LEN}, e);
}

/*
 * The tree of RFC 9162 built from its leaves up: each level pairs neighbours, and a last one
 * without neighbour goes up as it is (which gives the same root as the RFC's split at the largest
 * power of two).
 */
struct tree {
	uint8_t (*nodes)[RV_DIGEST_LEN]; /* all levels, leaves first */
	size_t start[MAX_PATH + 2];
	size_t width[MAX_PATH + 2];
	size_t levels;
};

static int tree_build(struct tree *t, const struct rv_buf *leaves, size_t n, struct rv_err *e)
{
	t->nodes = calloc(2 * n + MAX_PATH, sizeof(*t->nodes));
	if (t->nodes == NULL) {
		return rv_fail_nomem(e);
	}
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		rc = hash_leaf(t->nodes[i], (struct rv_span){leaves[i].data, leaves[i].len}, e);
	}
	t->width[0] = n;
	t->levels = 1;
	while (rc == 0 && t->width[t->levels - 1] > 1) {
		size_t below = t->start[t->levels - 1];
		size_t width = t->width[t->levels - 1];
		size_t at = below + width;
		t->start[t->levels] = at;
		t->width[t->levels++] = (width + 1) / 2;
		for (size_t i = 0; rc == 0 && i + 1 < width; i += 2) {
			rc = hash_pair(t->nodes[at + i / 2], t->nodes[below + i],
				t->nodes[below + i + 1], e);
		}
		if (width % 2 != 0) {
			memcpy(t->nodes[at + width / 2], t->nodes[below + width - 1],
				RV_DIGEST_LEN);
		}
	}
	return rc;
}

static const uint8_t *tree_root(const struct tree *t)
{
	return t->nodes[t->start[t->levels - 1]];
}

/* Appends the path of a leaf, count first. */
static void put_path(struct rv_buf *out, const struct tree *t, size_t index)
{
	struct rv_buf path = {0};
	uint8_t n = 0;
	for (size_t level = 0; level + 1 < t->levels; level++, index /= 2) {
		size_t sibling = index ^ 1;
		if (sibling < t->width[level]) {
			rv_buf_put(&path, t->nodes[t->start[level] + sibling], RV_DIGEST_LEN);
			n++;
		}
	}
	rv_buf_u8(out, n);
	rv_buf_put(out, path.data, path.len);
	out->failed |= path.failed;
	rv_buf_free(&path);
}

/* How many hashes the path of that leaf has. */
static size_t path_length(uint32_t index, uint32_t size)
{
	size_t n = 0;
	for (uint32_t last = size - 1; last > 0; index >>= 1, last >>= 1) {
		n += (index & 1) != 0 || index != last;
	}
	return n;
}

/* The root that follows from leaf and path (RFC 9162, section 2.1.3.2). */
static int root_of(uint8_t root[RV_DIGEST_LEN], const struct parts *p, struct rv_err *e)
{
	uint32_t index = p->index;
	const uint8_t *sibling = p->path;
	int rc = hash_leaf(root, p->leaf, e);
	for (uint32_t last = p->size - 1; rc == 0 && last > 0; index >>= 1, last >>= 1) {
		if ((index & 1) != 0) {
			rc = hash_pair(root, sibling, root, e);
		} else if (index != last) {
			rc = hash_pair(root, root, sibling, e);
		} else {
			continue;
		}
		sibling += RV_DIGEST_LEN;
	}
	return rc;
}

static int put_signed(struct rv_buf *out, uint32_t size, const uint8_t *root)
{
	rv_buf_put(out, label, sizeof(label));
	rv_buf_u32(out, size);
	return rv_buf_put(out, root, RV_DIGEST_LEN);
}

/* ---- signing ---- */

static int signature_fits(enum rv_sig_alg alg, size_t len)
{
	return alg == RV_ALG_ECDSA_P256_SHA256 ? len == MIN_SIGNATURE
					       : len >= 256 && len <= MAX_SIGNATURE;
}

static int put_receipt(struct rv_buf *out, const struct rv_buf *leaf, const struct tree *t,
	size_t index, const struct rv_signer *signer, const struct rv_buf *sig, struct rv_err *e)
{
	rv_buf_put(out, label, sizeof(label));
	rv_buf_bytes32(out, leaf->data, leaf->len);
	rv_buf_u32(out, (uint32_t)index);
	rv_buf_u32(out, (uint32_t)t->width[0]);
	put_path(out, t, index);
	rv_buf_u8(out, (uint8_t)signer->alg);
	rv_buf_bytes32(out, sig->data, sig->len);
	return rv_buf_ok(out) ? 0 : rv_fail_nomem(e);
}

static int make_leaves(struct rv_buf *leaves, struct rv_receipt *receipts, size_t n,
	const struct rv_signer *signer, struct rv_err *e)
{
	for (size_t i = 0; i < n; i++) {
		struct rv_receipt *r = &receipts[i];
		memcpy(r->signer, signer->code, sizeof(r->signer));
		memcpy(r->signer_cert, signer->cert_digest, RV_DIGEST_LEN);
		if (r->stage == RV_STAGE_REJECTED) {
			rv_wire_rule_mend(r->rule);
			rv_wire_text_mend(r->text);
		}
		int rc = put_leaf(&leaves[i], r, e);
		if (rc != 0) {
			rv_err_prefix(e, "receipt %zu of %zu", i + 1, n);
			return rc == RV_EPARSE ? RV_EINVAL : rc;
		}
	}
	return 0;
}

int rv_receipt_sign(struct rv_receipt *receipts, size_t n, const struct rv_signer *signer,
	struct rv_buf *out, struct rv_err *e)
{
	struct tree tree = {0};
	struct rv_buf tbs = {0};
	struct rv_buf sig = {0};
	struct rv_buf *leaves = NULL;
	int rc;
	if (n == 0 || n > RV_RECEIPT_MAX_BATCH) {
		return rv_fail(e, RV_EINVAL, "%zu receipts cannot be signed together", n);
	}
	leaves = calloc(n, sizeof(*leaves));
	if (leaves == NULL) {
		return rv_fail_nomem(e);
	}
	if ((rc = make_leaves(leaves, receipts, n, signer, e)) != 0 ||
		(rc = tree_build(&tree, leaves, n, e)) != 0) {
		goto out;
	}
	if (put_signed(&tbs, (uint32_t)n, tree_root(&tree)) != 0) {
		rc = rv_fail_nomem(e);
		goto out;
	}
	rc = signer->sign(signer->ctx, tbs.data, tbs.len, &sig, e);
	if (rc == 0 && !signature_fits(signer->alg, sig.len)) {
		rc = rv_fail(e, RV_EINVAL, "the signer gave %zu bytes for algorithm %d", sig.len,
			signer->alg);
	}
	for (size_t i = 0; rc == 0 && i < n; i++) {
		rc = put_receipt(&out[i], &leaves[i], &tree, i, signer, &sig, e);
	}
out:
	for (size_t i = 0; i < n; i++) {
		rv_buf_free(&leaves[i]);
	}
	free(leaves);
	free(tree.nodes);
	rv_buf_free(&tbs);
	rv_buf_free(&sig);
	return rc;
}

/* ---- reading ---- */

static int split(struct parts *p, const void *bytes, size_t len, struct rv_err *e)
{
	if (len > RV_RECEIPT_MAX_BYTES) {
		return rv_fail_rule(e, RV_ELIMIT, "RCPT-SIZE",
			"a receipt of %zu bytes; the limit is %d", len, RV_RECEIPT_MAX_BYTES);
	}
	struct rv_cur c = rv_cur_of(bytes, len);
	struct rv_span magic = rv_cur_span(&c, sizeof(label));
	if (magic.data == NULL || memcmp(magic.data, label, sizeof(label)) != 0) {
		return rv_fail_rule(
			e, RV_EPARSE, "RCPT-LABEL", "a receipt does not start with %s", label);
	}
	p->leaf = rv_cur_bytes32(&c, MAX_LEAF);
	p->index = rv_cur_u32(&c);
	p->size = rv_cur_u32(&c);
	p->n_path = rv_cur_u8(&c);
	p->path = rv_cur_span(&c, p->n_path * RV_DIGEST_LEN).data;
	p->alg = (enum rv_sig_alg)rv_cur_u8(&c);
	p->sig = rv_cur_bytes32(&c, MAX_SIGNATURE);
	if (!rv_cur_ok(&c)) {
		return rv_fail_rule(e, RV_EPARSE, "RCPT-SHORT",
			"a receipt is cut short or a field of it is too long");
	}
	if (!rv_cur_done(&c)) {
		return rv_fail_rule(
			e, RV_EPARSE, "RCPT-TRAILING", "a receipt has bytes after its end");
	}
	if (p->size == 0 || p->size > RV_RECEIPT_MAX_BATCH || p->index >= p->size) {
		return rv_fail_rule(e, RV_EPARSE, "RCPT-TREE",
			"receipt %u of a tree of %u is not possible", p->index, p->size);
	}
	if (p->n_path != path_length(p->index, p->size)) {
		return rv_fail_rule(e, RV_EPARSE, "RCPT-PATH",
			"receipt %u of %u has a path of %zu hashes instead of %zu", p->index,
			p->size, p->n_path, path_length(p->index, p->size));
	}
	if (p->alg < RV_ALG_ECDSA_P256_SHA256 || p->alg > RV_ALG_RSA_PSS_SHA256) {
		return rv_fail_rule(e, RV_EPARSE, "RCPT-ALGORITHM",
			"signature algorithm %d of a receipt is not known", p->alg);
	}
	if (!signature_fits(p->alg, p->sig.len)) {
		return rv_fail_rule(e, RV_EPARSE, "RCPT-SIGNATURE",
			"a signature of %zu bytes does not go with algorithm %d", p->sig.len,
			p->alg);
	}
	return 0;
}

int rv_receipt_parse(struct rv_receipt *r, const void *bytes, size_t len, struct rv_err *e)
{
	struct parts p;
	int rc = split(&p, bytes, len, e);
	return rc == 0 ? get_leaf(r, p.leaf, e) : rc;
}

/* What makes two signature checks the same check. */
static int memo_key(uint8_t key[RV_DIGEST_LEN], const struct rv_cert *cert, const struct parts *p,
	const struct rv_buf *tbs)
{
	struct rv_buf all = {0};
	rv_buf_put(&all, rv_cert_digest(cert), RV_DIGEST_LEN);
	rv_buf_u8(&all, (uint8_t)p->alg);
	rv_buf_put(&all, tbs->data, tbs->len);
	rv_buf_put(&all, p->sig.data, p->sig.len);
	int ok = rv_buf_ok(&all);
	if (ok) {
		rv_sha256(key, all.data, all.len);
	}
	rv_buf_free(&all);
	return ok ? 0 : RV_ENOMEM;
}

static int check_signature(const struct parts *p, const struct rv_cert *cert,
	struct rv_receipt_memo *memo, struct rv_err *e)
{
	uint8_t root[RV_DIGEST_LEN];
	uint8_t key[RV_DIGEST_LEN];
	struct rv_buf tbs = {0};
	int rc = root_of(root, p, e);
	if (rc == 0 && (put_signed(&tbs, p->size, root) != 0 ||
			       (memo != NULL && memo_key(key, cert, p, &tbs) != 0))) {
		rc = rv_fail_nomem(e);
	}
	if (rc != 0 || (memo != NULL && memo->set && memcmp(memo->key, key, sizeof(key)) == 0)) {
		goto out;
	}
	rc = rv_cert_verify(cert, p->alg, tbs.data, tbs.len, p->sig.data, p->sig.len, e);
	if (rc == RV_ESIGNATURE) {
		rc = rv_fail_rule(
			e, RV_ESIGNATURE, "RCPT-VALUE", "the signature of a receipt does not hold");
	}
	if (rc == 0 && memo != NULL) {
		memcpy(memo->key, key, sizeof(key));
		memo->set = 1;
	}
out:
	rv_buf_free(&tbs);
	return rc;
}

int rv_receipt_verify_memo(struct rv_receipt *r, const void *bytes, size_t len,
	const struct rv_cert *cert, struct rv_receipt_memo *memo, struct rv_err *e)
{
	struct rv_receipt v = {0};
	struct parts p;
	int rc = split(&p, bytes, len, e);
	if (rc == 0) {
		rc = get_leaf(&v, p.leaf, e);
	}
	if (rc == 0 && memcmp(v.signer_cert, rv_cert_digest(cert), RV_DIGEST_LEN) != 0) {
		rc = rv_fail_rule(e, RV_ECERT, "RCPT-CERT",
			"the receipt of %s was made with another certificate", v.signer);
	}
	if (rc == 0) {
		rc = check_signature(&p, cert, memo, e);
	}
	if (rc != 0) {
		rv_receipt_clear(&v);
		return rc;
	}
	*r = v;
	return 0;
}

int rv_receipt_verify(struct rv_receipt *r, const void *bytes, size_t len,
	const struct rv_cert *cert, struct rv_err *e)
{
	return rv_receipt_verify_memo(r, bytes, len, cert, NULL, e);
}
