/* SPDX-License-Identifier: Apache-2.0 */
#include "node/link/line_int.h"

#include <stdio.h>
#include <string.h>

/* The ZAP handler (RFC 27): decides who gets through the handshake. */

enum { ZAP_FRAMES_MAX = 8, ZAP_FRAME_BYTES = 256 };

struct zap_request {
	size_t n;
	size_t len[ZAP_FRAMES_MAX];
	uint8_t data[ZAP_FRAMES_MAX][ZAP_FRAME_BYTES];
};

int line_open_zap(struct line *l)
{
	l->zap = zmq_socket(l->zmq, ZMQ_REP);
	return l->zap != NULL ? zmq_bind(l->zap, "inproc://zeromq.zap.01") : -1;
}

static int receive_request(void *zap, struct zap_request *r)
{
	int more = 1;
	r->n = 0;
	while (more) {
		size_t size = sizeof(more);
		uint8_t spare[ZAP_FRAME_BYTES];
		uint8_t *to = r->n < ZAP_FRAMES_MAX ? r->data[r->n] : spare;
		int len = zmq_recv(zap, to, ZAP_FRAME_BYTES, ZMQ_DONTWAIT);
		if (len < 0 || zmq_getsockopt(zap, ZMQ_RCVMORE, &more, &size) != 0) {
			return -1;
		}
		if (r->n < ZAP_FRAMES_MAX) {
			r->len[r->n++] = (size_t)(len > ZAP_FRAME_BYTES ? ZAP_FRAME_BYTES : len);
		}
	}
	return 0;
}

/* The asker is libzmq in this process: it has room for an answer. */
static void reply(void *zap, const struct zap_request *r, const char *code, const char *text,
	const char *user)
{
	zmq_send(zap, "1.0", 3, ZMQ_SNDMORE);
	zmq_send(zap, r->n > 1 ? r->data[1] : (const uint8_t *)"", r->n > 1 ? r->len[1] : 0,
		ZMQ_SNDMORE);
	zmq_send(zap, code, 3, ZMQ_SNDMORE);
	zmq_send(zap, text, strlen(text), ZMQ_SNDMORE);
	zmq_send(zap, user, strlen(user), ZMQ_SNDMORE);
	zmq_send(zap, "", 0, 0);
}

/* Frames: version, request id, domain, address, routing id, mechanism, the client's public key. */
void line_serve_zap(struct line *l)
{
	struct zap_request r;
	while (receive_request(l->zap, &r) == 0) {
		char key[RV_CURVE_KEY_TEXT] = "";
		char address[64] = "";
		int curve = r.n == 7 && r.len[5] == 5 && memcmp(r.data[5], "CURVE", 5) == 0 &&
			    r.len[6] == RV_CURVE_KEY_LEN;
		if (curve && zmq_z85_encode(key, r.data[6], RV_CURVE_KEY_LEN) != NULL &&
			line_admitted_as(l, key) != NULL) {
			reply(l->zap, &r, "200", "OK", key);
			continue;
		}
		reply(l->zap, &r, "400", "not in the trust list", "");
		if (r.n > 3) {
			/* IPv4 peers of a socket of both families come in IPv6's form */
			static const char mapped[] = "::ffff:";
			size_t skip =
				r.len[3] > sizeof(mapped) - 1 &&
						memcmp(r.data[3], mapped, sizeof(mapped) - 1) == 0
					? sizeof(mapped) - 1
					: 0;
			snprintf(address, sizeof(address), "%.*s",
				(int)(r.len[3] - skip < 60 ? r.len[3] - skip : 60),
				(const char *)r.data[3] + skip);
		}
		line_tell_refused(l, key, address,
			curve ? "its CURVE key is not in the trust list" : "it does not use CURVE");
	}
}
