/* SPDX-License-Identifier: Apache-2.0 */
#include "node/keeper/keeper.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "node/keeper/keeper_wire.h"

enum { ANSWER_MS = 10000 };

struct keeper_client {
	int fd;
	int broken; /* after a time-out an answer may still come: the channel cannot be used any
		       more */
};

int keeper_client_new(struct keeper_client **c_r, int channel, struct rv_err *e)
{
	struct keeper_client *c = calloc(1, sizeof(*c));
	if (c == NULL) {
		return rv_fail_nomem(e);
	}
	c->fd = channel;
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

static int gone(struct keeper_client *c, int code, struct rv_err *e)
{
	c->broken = 1;
	rv_fail_rule(e, code, "KEEPER-GONE",
		code == RV_ETIMEOUT ? "the keeper does not answer" : "the keeper process is gone");
	rv_err_mend(e, "It is started again by itself; if not, look at the log for the reason.");
	return code;
}

static int wait_for_answer(struct keeper_client *c, struct rv_err *e)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN};
	int n;
	do {
		n = poll(&p, 1, ANSWER_MS);
	} while (n < 0 && errno == EINTR);
	return n > 0 ? 0 : gone(c, n == 0 ? RV_ETIMEOUT : RV_ECLOSED, e);
}

static int exchange(struct keeper_client *c, uint8_t operation, const void *data, size_t len,
	uint8_t answer[KEEPER_ANSWER_MAX], size_t *len_r, struct rv_err *e)
{
	union {
		const void *borrowed;
		void *base;
	} d = {.borrowed = data};
	struct iovec iov[2] = {{&operation, 1}, {d.base, len}};
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = len > 0 ? 2 : 1};
	if (c->broken) {
		return gone(c, RV_ECLOSED, e);
	}
	if (len + 1 > KEEPER_REQUEST_MAX) {
		return rv_fail(e, RV_ELIMIT, "%zu bytes are too many to sign", len);
	}
	ssize_t n;
	do {
		n = sendmsg(c->fd, &m, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		return gone(c, RV_ECLOSED, e);
	}
	int rc = wait_for_answer(c, e);
	if (rc != 0) {
		return rc;
	}
	n = recv(c->fd, answer, KEEPER_ANSWER_MAX, 0);
	if (n <= 0) {
		return gone(c, RV_ECLOSED, e);
	}
	if (answer[0] != KEEPER_OK) {
		return rv_fail_rule(e, RV_EIO, "KEEPER-FAILED", "the keeper could not sign");
	}
	*len_r = (size_t)n - 1;
	return 0;
}

static int client_sign(
	void *ctx, const void *data, size_t len, struct rv_buf *out, struct rv_err *e)
{
	uint8_t answer[KEEPER_ANSWER_MAX];
	size_t n = 0;
	int rc = exchange(ctx, KEEPER_SIGN, data, len, answer, &n, e);
	if (rc == 0 && rv_buf_put(out, answer + 1, n) != 0) {
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
	if (n != 1 || answer[1] < RV_ALG_ECDSA_P256_SHA256 || answer[1] > RV_ALG_RSA_PSS_SHA256) {
		return rv_fail(e, RV_EIO, "the keeper's answer is not understood");
	}
	memset(signer_r, 0, sizeof(*signer_r));
	signer_r->sign = client_sign;
	signer_r->ctx = c;
	signer_r->alg = (enum rv_sig_alg)answer[1];
	return 0;
}

int keeper_client_ping(struct keeper_client *c, struct rv_err *e)
{
	uint8_t answer[KEEPER_ANSWER_MAX];
	size_t n = 0;
	return exchange(c, KEEPER_SIGN, "ping", 4, answer, &n, e);
}
