/* SPDX-License-Identifier: Apache-2.0 */
#include "node/link/join_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

#include "node/link/curve_key.h"

enum { PARTS_MAX = 4, ENDPOINT_MAX = 64, ODD_MAX = 3 };

struct join_client {
	void *context, *socket, *monitor;
	char endpoint[272];
	int refused;    /* the handshake was */
	unsigned odd;   /* handshakes that failed without saying why */
};

static int zmq_fault(struct rv_err *e, const char *what)
{
	return rv_fail(e, RV_ESYS, "%s: %s", what, zmq_strerror(zmq_errno()));
}

/* ---- life ---- */

static int set_up(struct join_client *c, const struct rv_invite *token, struct rv_err *e)
{
	struct curve_key key;
	static const char monitor[] = "inproc://join-client.monitor";
	const int linger = 0;
	const int hwm = 16;
	const int64_t max = RV_CHUNK_MAX + 65536;
	int rc = curve_key_of_secret(&key, token->secret, e);
	if (rc != 0) {
		return rc;
	}
	if (zmq_setsockopt(c->socket, ZMQ_LINGER, &linger, sizeof(linger)) != 0 ||
		   zmq_setsockopt(c->socket, ZMQ_SNDHWM, &hwm, sizeof(hwm)) != 0 ||
		   zmq_setsockopt(c->socket, ZMQ_RCVHWM, &hwm, sizeof(hwm)) != 0 ||
		   zmq_setsockopt(c->socket, ZMQ_MAXMSGSIZE, &max, sizeof(max)) != 0 ||
		   zmq_setsockopt(c->socket, ZMQ_CURVE_SERVERKEY, token->server,
			   RV_CURVE_KEY_TEXT) != 0 ||
		   zmq_setsockopt(c->socket, ZMQ_CURVE_PUBLICKEY, key.public_key,
			   RV_CURVE_KEY_TEXT) != 0 ||
		   zmq_setsockopt(c->socket, ZMQ_CURVE_SECRETKEY, key.secret_key,
			   RV_CURVE_KEY_TEXT) != 0) {
		rc = zmq_fault(e, "the connection cannot be set up");
	} else if (zmq_socket_monitor(c->socket, monitor,
			   ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
				   ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL) != 0 ||
		   zmq_connect(c->monitor, monitor) != 0) {
		rc = zmq_fault(e, "the connection cannot be watched");
	} else if (zmq_connect(c->socket, token->endpoint) != 0) {
		rc = zmq_fault(e, token->endpoint);
	}
	curve_key_wipe(&key);
	return rc;
}

int join_client_new(struct join_client **c_r, const struct rv_invite *token, struct rv_err *e)
{
	int rc = 0;
	struct join_client *c = calloc(1, sizeof(*c));
	if (c == NULL) {
		return rv_fail_nomem(e);
	}
	snprintf(c->endpoint, sizeof(c->endpoint), "%s", token->endpoint);
	c->context = zmq_ctx_new();
	c->socket = c->context != NULL ? zmq_socket(c->context, ZMQ_DEALER) : NULL;
	c->monitor = c->context != NULL ? zmq_socket(c->context, ZMQ_PAIR) : NULL;
	rc = c->socket != NULL && c->monitor != NULL ? set_up(c, token, e)
						     : zmq_fault(e, "no ZeroMQ socket");
	if (rc != 0) {
		join_client_free(&c);
		return rc;
	}
	*c_r = c;
	return 0;
}

void join_client_free(struct join_client **c_p)
{
	if (c_p == NULL || *c_p == NULL) {
		return;
	}
	struct join_client *c = *c_p;
	if (c->socket != NULL) {
		zmq_close(c->socket);
	}
	if (c->monitor != NULL) {
		zmq_close(c->monitor);
	}
	if (c->context != NULL) {
		zmq_ctx_term(c->context);
	}
	free(c);
	*c_p = NULL;
}

/* ---- frames ---- */

struct incoming {
	zmq_msg_t parts[PARTS_MAX];
	size_t n;
};

static void clear_incoming(struct incoming *in)
{
	for (size_t i = 0; i < in->n; i++) {
		zmq_msg_close(&in->parts[i]);
	}
	in->n = 0;
}

static struct rv_span span_of(struct incoming *in, size_t i)
{
	return (struct rv_span){zmq_msg_data(&in->parts[i]), zmq_msg_size(&in->parts[i])};
}

static int64_t now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* An event of the monitor: two parts, number and value in the first, the endpoint in the second. */
static void read_event(struct join_client *c)
{
	uint8_t event[64];
	char endpoint[ENDPOINT_MAX];
	uint16_t number = 0;
	int n = zmq_recv(c->monitor, event, sizeof(event), ZMQ_DONTWAIT);
	if (n < 0) {
		return;
	}
	zmq_recv(c->monitor, endpoint, sizeof(endpoint), ZMQ_DONTWAIT);
	if (n >= 2) {
		memcpy(&number, event, sizeof(number));
		c->odd += number != ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
		c->refused |= number == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH || c->odd > ODD_MAX;
	}
}

static int unreachable(const struct join_client *c, struct rv_err *e)
{
	rv_fail_rule(e, RV_ETIMEOUT, "JOIN-UNREACHABLE", "nobody answers at %s", c->endpoint);
	rv_err_mend(e, "Look whether this machine reaches that address (name, port, firewall) and "
		       "whether the coordinator's node runs.");
	return RV_ETIMEOUT;
}

static int refused(const struct join_client *c, struct rv_err *e)
{
	rv_fail_rule(e, RV_EDENIED, "JOIN-TOKEN", "the node at %s does not take this token",
		c->endpoint);
	rv_err_mend(e, "It ended long ago, was never of that node, or the node has other keys now: ask "
		       "the coordinator for a new token.");
	return RV_EDENIED;
}

static int receive(struct join_client *c, struct incoming *in, int64_t until_ms, struct rv_err *e)
{
	for (;;) {
		int64_t left = until_ms - now_ms();
		zmq_pollitem_t items[2] = {{c->socket, 0, ZMQ_POLLIN, 0},
			{c->monitor, 0, ZMQ_POLLIN, 0}};
		if (left <= 0) {
			return unreachable(c, e);
		}
		if (zmq_poll(items, 2, (long)left) < 0 && zmq_errno() != EINTR) {
			return zmq_fault(e, "the connection cannot be waited for");
		}
		if (items[1].revents & ZMQ_POLLIN) {
			read_event(c);
			if (c->refused) {
				return refused(c, e);
			}
		}
		if (items[0].revents & ZMQ_POLLIN) {
			break;
		}
	}
	int more = 1;
	while (more && in->n < PARTS_MAX) {
		zmq_msg_init(&in->parts[in->n]);
		if (zmq_msg_recv(&in->parts[in->n], c->socket, ZMQ_DONTWAIT) < 0) {
			zmq_msg_close(&in->parts[in->n]);
			break;
		}
		more = zmq_msg_more(&in->parts[in->n]);
		in->n++;
	}
	return more ? rv_fail_rule(e, RV_EPARSE, "JOIN-ANSWER", "an answer has too many parts") : 0;
}

static int transmit(
	struct join_client *c, enum rv_cmd cmd, struct rv_span body, int64_t until_ms, struct rv_err *e)
{
	struct rv_buf header = {0};
	int rc = rv_frame_header_put(&header, cmd, 1);
	int wait = (int)(until_ms - now_ms());
	wait = wait < 1 ? 1 : wait;
	if (rc == 0 && (zmq_setsockopt(c->socket, ZMQ_SNDTIMEO, &wait, sizeof(wait)) != 0 ||
			       zmq_send(c->socket, header.data, header.len, ZMQ_SNDMORE) < 0 ||
			       zmq_send(c->socket, body.data, body.len, 0) < 0)) {
		rc = zmq_errno() == EAGAIN ? unreachable(c, e)
					   : zmq_fault(e, "the request cannot be sent");
	}
	rv_buf_free(&header);
	return rc;
}

/* One frame out, one of the expected kind in. */
static int exchange(struct join_client *c, enum rv_cmd cmd, struct rv_span body, enum rv_cmd answer,
	int timeout_ms, struct incoming *in, struct rv_err *e)
{
	struct rv_frame_header h;
	struct rv_span parts[PARTS_MAX];
	int64_t until_ms = now_ms() + timeout_ms;
	int rc = transmit(c, cmd, body, until_ms, e);
	if (rc == 0) {
		rc = receive(c, in, until_ms, e);
	}
	for (size_t i = 0; i < in->n; i++) {
		parts[i] = span_of(in, i);
	}
	if (rc == 0 && (rv_frame_open(&h, parts, in->n, NULL) != 0 || h.cmd != answer)) {
		rv_fail_rule(e, RV_EPARSE, "JOIN-ANSWER",
			"what answers at %s does not speak as a node of this version does",
			c->endpoint);
		rv_err_mend(e, "Compare the versions of both programs.");
		rc = RV_EPARSE;
	}
	return rc;
}

/* ---- asking ---- */

int join_client_ask(struct join_client *c, struct rv_span request, int timeout_ms,
	struct rv_join_state *state_r, struct rv_buf *authority, struct rv_err *e)
{
	struct incoming in = {.n = 0};
	struct rv_join_state state;
	uint8_t digest[RV_DIGEST_LEN];
	int rc = exchange(c, RV_CMD_JOIN, request, RV_CMD_JOIN_STATE, timeout_ms, &in, e);
	if (rc == 0) {
		struct rv_span body = span_of(&in, 1);
		rc = rv_join_state_parse(&state, body.data, body.len, e);
	}
	if (rc == 0) {
		rv_sha256(digest, request.data, request.len);
		if (!rv_equal_ct(digest, state.request, RV_DIGEST_LEN)) {
			rc = rv_fail_rule(e, RV_EPARSE, "JOIN-ANSWER",
				"the answer is to another request");
		}
	}
	if (rc == 0 && in.n > 2) {
		struct rv_span pem = span_of(&in, 2);
		rc = pem.len > RV_JOIN_MAX ? rv_fail_rule(e, RV_ELIMIT, "JOIN-ANSWER",
						     "the authority's certificates are too long")
		     : rv_buf_put(authority, pem.data, pem.len) != 0 ? rv_fail_nomem(e)
								     : 0;
	}
	if (rc == 0) {
		*state_r = state;
	}
	clear_incoming(&in);
	return rc;
}

static int next_piece(struct join_client *c, uint64_t *number, size_t have, int timeout_ms,
	struct rv_buf *wire, uint32_t *total, struct rv_err *e)
{
	struct incoming in = {.n = 0};
	struct rv_buf body = {0};
	struct rv_trust_request ask = {*number, (uint32_t)have};
	struct rv_trust_part p = {.number = 0};
	int rc = rv_trust_request_put(&body, &ask);
	if (rc == 0) {
		rc = exchange(c, RV_CMD_TRUST_REQUEST, (struct rv_span){body.data, body.len},
			RV_CMD_TRUST, timeout_ms, &in, e);
	}
	if (rc == 0) {
		struct rv_span head = span_of(&in, 1);
		rc = rv_trust_part_parse(&p, head.data, head.len, e);
	}
	if (rc == 0 && (in.n != 3 || p.total == 0)) {
		rc = rv_fail_rule(e, RV_ENOTFOUND, "JOIN-ANSWER", "the node has no trust list");
	}
	if (rc == 0 && (p.number != *number || p.offset != have)) {
		rv_buf_reset(wire); /* there is a newer one: from its start */
		*number = p.number;
		*total = 0;
	} else if (rc == 0) {
		struct rv_span data = span_of(&in, 2);
		*total = p.total;
		rc = data.len == 0 || data.len > p.total - p.offset
			     ? rv_fail_rule(e, RV_EPARSE, "JOIN-ANSWER",
				       "a piece of the trust list does not fit")
			     : rv_buf_put(wire, data.data, data.len) != 0 ? rv_fail_nomem(e)
									  : 0;
	}
	clear_incoming(&in);
	rv_buf_free(&body);
	return rc;
}

int join_client_list(struct join_client *c, uint64_t number, int timeout_ms, struct rv_buf *wire,
	struct rv_err *e)
{
	uint32_t total = 0;
	int rc = 0;
	do {
		rc = next_piece(c, &number, wire->len, timeout_ms, wire, &total, e);
	} while (rc == 0 && (total == 0 || wire->len < total));
	return rc;
}
