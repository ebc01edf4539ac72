/* SPDX-License-Identifier: Apache-2.0 */
#include "node/keeper/keeper.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "node/keeper/keeper_wire.h"

enum { PATIENCE_MS = 10000 };

struct keeper_client {
	int fd;
	int patience_ms;
	uint32_t number; /* of the last request */
	int owed;        /* its answer did not come in time, and still may */
	int gone;
	const struct rv_cert *cert; /* the key is to be its; NULL: proved, or nobody asked */
	enum rv_sig_alg alg;
};

int keeper_client_new(struct keeper_client **c_r, int channel, struct rv_err *e)
{
	struct keeper_client *c = calloc(1, sizeof(*c));
	if (c == NULL) {
		return rv_fail_nomem(e);
	}
	c->fd = channel;
	c->patience_ms = PATIENCE_MS;
	*c_r = c;
	return 0;
}

void keeper_client_free(struct keeper_client **c)
{
	if (c != NULL && *c != NULL) {
		close((*c)->fd);
		free(*c);
		*c = NULL;
	}
}

void keeper_client_patience(struct keeper_client *c, int ms)
{
	c->patience_ms = ms;
}

static int gone(struct keeper_client *c, struct rv_err *e)
{
	c->gone = 1;
	rv_fail_rule(e, RV_ECLOSED, "KEEPER-GONE", "the keeper process is gone");
	rv_err_mend(e, "It is started again by itself; if not, look at the log for the reason.");
	return RV_ECLOSED;
}

static int slow(struct rv_err *e)
{
	rv_fail_rule(e, RV_EAGAIN, "KEEPER-SLOW", "the keeper does not answer");
	rv_err_mend(e, "If the key is in a hardware module, look at that: the keeper waits for it. "
		       "It goes on by itself.");
	return RV_EAGAIN;
}

/* Takes the answer to the last request; one to an earlier one is no news any more. */
static int receive(struct keeper_client *c, int ms, uint8_t answer[KEEPER_ANSWER_MAX],
	size_t *len_r, struct rv_err *e)
{
	for (;;) {
		struct pollfd p = {.fd = c->fd, .events = POLLIN};
		uint32_t number;
		int ready = poll(&p, 1, ms);
		if (ready < 0 && errno == EINTR) {
			continue;
		}
		if (ready == 0) {
			return slow(e);
		}
		ssize_t n = ready < 0 ? -1 : recv(c->fd, answer, KEEPER_ANSWER_MAX, 0);
		if (n < KEEPER_HEAD) {
			return gone(c, e);
		}
		memcpy(&number, answer + 1, sizeof(number));
		if (number == c->number) {
			*len_r = (size_t)n;
			return 0;
		}
	}
}

static int ask(struct keeper_client *c, uint8_t operation, const void *data, size_t len,
	struct rv_err *e)
{
	union {
		const void *borrowed;
		void *base;
	} d = {.borrowed = data};
	uint8_t head[KEEPER_HEAD] = {operation};
	c->number = c->number == UINT32_MAX ? 1 : c->number + 1;
	memcpy(head + 1, &c->number, sizeof(c->number));
	struct iovec iov[2] = {{head, sizeof(head)}, {d.base, len}};
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = len > 0 ? 2 : 1};
	ssize_t n;
	do {
		n = sendmsg(c->fd, &m, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? gone(c, e) : 0;
}

/* What the keeper says about why. Its texts are of this program, and bounded here. */
static int failed(const uint8_t *answer, size_t len, struct rv_err *e)
{
	char rule[32] = "KEEPER-FAILED";
	char text[400] = "the keeper could not sign";
	int code = answer[0] == KEEPER_AWAY ? RV_EAGAIN : RV_EIO;
	const uint8_t *why = answer + KEEPER_HEAD;
	const uint8_t *end = answer + len;
	const uint8_t *nul = len > KEEPER_HEAD ? memchr(why, 0, len - KEEPER_HEAD) : NULL;
	if (nul != NULL) {
		if (nul > why) {
			snprintf(rule, sizeof(rule), "%.*s", (int)(nul - why), (const char *)why);
		}
		snprintf(text, sizeof(text), "%.*s", (int)(end - nul - 1), (const char *)nul + 1);
	}
	rv_fail_rule(e, code, rule, "%s", text);
	if (code == RV_EAGAIN) {
		rv_err_mend(e, "It is tried again by itself. Look at the hardware module, and at "
			       "what the keeper says in the log.");
	}
	return code;
}

static int exchange(struct keeper_client *c, uint8_t operation, const void *data, size_t len,
	uint8_t answer[KEEPER_ANSWER_MAX], size_t *len_r, struct rv_err *e)
{
	size_t n = 0;
	if (c->gone) {
		return gone(c, e);
	}
	if (len > KEEPER_REQUEST_MAX - KEEPER_HEAD) {
		return rv_fail(e, RV_ELIMIT, "%zu bytes are too many to sign", len);
	}
	/* one that waits in a module is not given more to do */
	int rc = c->owed ? receive(c, 0, answer, &n, e) : 0;
	if (rc == 0) {
		c->owed = 0;
		rc = ask(c, operation, data, len, e);
	}
	if (rc != 0) {
		return rc;
	}
	rc = receive(c, c->patience_ms, answer, &n, e);
	c->owed = rc == RV_EAGAIN;
	if (rc == 0 && answer[0] != KEEPER_OK) {
		rc = failed(answer, n, e);
	}
	if (rc == 0) {
		*len_r = n - KEEPER_HEAD;
	}
	return rc;
}

static int prove(struct keeper_client *c, const void *data, size_t len, const uint8_t *value,
	size_t value_len, struct rv_err *e)
{
	if (c->cert == NULL) {
		return 0;
	}
	if (rv_cert_verify(c->cert, c->alg, data, len, value, value_len, NULL) != 0) {
		rv_fail_rule(e, RV_ECERT, "CERT-KEY",
			"the certificate of this node does not belong to the signing key");
		rv_err_mend(e, "Install the certificate that was issued for this node's request.");
		return RV_ECERT;
	}
	c->cert = NULL;
	return 0;
}

static int client_sign(
	void *ctx, const void *data, size_t len, struct rv_buf *out, struct rv_err *e)
{
	struct keeper_client *c = ctx;
	uint8_t answer[KEEPER_ANSWER_MAX];
	size_t n = 0;
	int rc = exchange(c, KEEPER_SIGN, data, len, answer, &n, e);
	if (rc == 0) {
		rc = prove(c, data, len, answer + KEEPER_HEAD, n, e);
	}
	if (rc == 0 && rv_buf_put(out, answer + KEEPER_HEAD, n) != 0) {
		rc = rv_fail_nomem(e);
	}
	return rc;
}

int keeper_client_signer(struct keeper_client *c, struct rv_signer *signer_r, struct rv_err *e)
{
	uint8_t answer[KEEPER_ANSWER_MAX];
	size_t n = 0;
	int rc = exchange(c, KEEPER_ABOUT, NULL, 0, answer, &n, e);
	if (rc != 0) {
		return rc;
	}
	uint8_t alg = n == 1 ? answer[KEEPER_HEAD] : 0;
	if (alg < RV_ALG_ECDSA_P256_SHA256 || alg > RV_ALG_RSA_PSS_SHA256) {
		return rv_fail(e, RV_EIO, "the keeper's answer is not understood");
	}
	memset(signer_r, 0, sizeof(*signer_r));
	signer_r->sign = client_sign;
	signer_r->ctx = c;
	signer_r->alg = (enum rv_sig_alg)alg;
	return 0;
}

int keeper_client_signer_for(struct keeper_client *c, const struct rv_cert *cert,
	struct rv_signer *signer_r, struct rv_err *e)
{
	struct rv_signer s = {.sign = client_sign, .ctx = c, .alg = rv_cert_alg(cert)};
	struct rv_err why = {0};
	int rc = keeper_client_signer(c, &s, &why);
	if (rc != 0 && rc != RV_EAGAIN) {
		if (e != NULL) {
			*e = why;
		}
		return rc;
	}
	memcpy(s.cert_digest, rv_cert_digest(cert), RV_DIGEST_LEN);
	c->cert = cert;
	c->alg = s.alg;
	*signer_r = s;
	return 0;
}

int keeper_client_ping(struct keeper_client *c, struct rv_err *e)
{
	uint8_t answer[KEEPER_ANSWER_MAX];
	size_t n = 0;
	return exchange(c, KEEPER_SIGN, "ping", 4, answer, &n, e);
}
