/* SPDX-License-Identifier: Apache-2.0 */
#include "node/link/line.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "node/link/line_wire.h"

enum {
	HWM = 1000,
	PARTS_MAX = sizeof(((struct line_in *)0)->parts) / sizeof(struct line_part) + 4
};

struct line_client {
	void *zmq;
	void *pair;
	int fd;
	zmq_msg_t parts[PARTS_MAX]; /* of the event handed out last */
	size_t n_parts;
	uint64_t taken; /* window bytes of frames handed out and done with */
	uint64_t told;  /* the same, as the line knows it */
};

static int zmq_fault(struct rv_err *e, const char *what)
{
	return rv_fail(e, zmq_errno() == EAGAIN ? RV_EAGAIN : RV_ECLOSED, "%s: %s", what,
		zmq_strerror(zmq_errno()));
}

int line_client_new(struct line_client **c_r, const char *endpoint, struct rv_err *e)
{
	struct line_client *c = calloc(1, sizeof(*c));
	int hwm = HWM;
	int linger = 200;
	size_t size = sizeof(c->fd);
	if (c == NULL) {
		return rv_fail_nomem(e);
	}
	c->zmq = zmq_ctx_new();
	c->pair = c->zmq != NULL ? zmq_socket(c->zmq, ZMQ_PAIR) : NULL;
	if (c->pair == NULL || zmq_setsockopt(c->pair, ZMQ_SNDHWM, &hwm, sizeof(hwm)) != 0 ||
		zmq_setsockopt(c->pair, ZMQ_RCVHWM, &hwm, sizeof(hwm)) != 0 ||
		zmq_setsockopt(c->pair, ZMQ_LINGER, &linger, sizeof(linger)) != 0 ||
		zmq_getsockopt(c->pair, ZMQ_FD, &c->fd, &size) != 0 ||
		zmq_bind(c->pair, endpoint) != 0) {
		zmq_fault(e, "cannot open the channel to the line");
		line_client_free(&c);
		return RV_ESYS;
	}
	*c_r = c;
	return 0;
}

static void drop_parts(struct line_client *c)
{
	while (c->n_parts > 0) {
		zmq_msg_close(&c->parts[--c->n_parts]);
	}
}

/* The frame handed out last is done with. If the channel is full now, the next one tells it. */
static void move_window(struct line_client *c)
{
	if (c->taken - c->told >= LINE_WINDOW_STEP &&
		zmq_send(c->pair, "C", 1, ZMQ_DONTWAIT | ZMQ_SNDMORE) == 1 &&
		zmq_send(c->pair, &c->taken, sizeof(c->taken), 0) == (int)sizeof(c->taken)) {
		c->told = c->taken;
	}
}

void line_client_free(struct line_client **c)
{
	if (c == NULL || *c == NULL) {
		return;
	}
	drop_parts(*c);
	if ((*c)->pair != NULL) {
		zmq_close((*c)->pair);
	}
	if ((*c)->zmq != NULL) {
		zmq_ctx_term((*c)->zmq);
	}
	free(*c);
	*c = NULL;
}

int line_client_fd(const struct line_client *c)
{
	return c->fd;
}

static int receive(struct line_client *c, struct rv_err *e)
{
	int more = 1;
	int overlong = 0;
	while (more) {
		zmq_msg_t spare;
		int keep = c->n_parts < PARTS_MAX;
		zmq_msg_t *m = keep ? &c->parts[c->n_parts] : &spare;
		zmq_msg_init(m);
		if (zmq_msg_recv(m, c->pair, ZMQ_DONTWAIT) < 0) {
			zmq_msg_close(m);
			return zmq_fault(e, "the line");
		}
		more = zmq_msg_more(m);
		if (keep) {
			c->n_parts++;
		} else {
			overlong = 1;
			zmq_msg_close(m);
		}
	}
	return overlong ? rv_fail(e, RV_ELIMIT, "a frame has too many parts") : 0;
}

static void copy_text(char *out, size_t size, const void *data, size_t len)
{
	size_t n = len < size ? len : size - 1;
	if (n > 0) {
		memcpy(out, data, n);
	}
	out[n] = '\0';
}

/* "address\nreason" of a refusal, the address of where it listens, else the reason alone. */
static void split_reason(struct line_in *in, const char *text, size_t len)
{
	if (in->event == LINE_LISTENING) {
		copy_text(in->address, sizeof(in->address), text, len);
		return;
	}
	const char *nl = in->event == LINE_REFUSED && len > 0 ? memchr(text, '\n', len) : NULL;
	if (nl != NULL) {
		copy_text(in->address, sizeof(in->address), text, (size_t)(nl - text));
		len -= (size_t)(nl - text) + 1;
		text = nl + 1;
	}
	copy_text(in->reason, sizeof(in->reason), text, len);
}

static int understand(struct line_client *c, struct line_in *in, struct rv_err *e)
{
	static const char kinds[] = "FUDRHB";
	const char *kind = zmq_msg_size(&c->parts[0]) == 1
				   ? memchr(kinds, *(const char *)zmq_msg_data(&c->parts[0]),
					     sizeof(kinds) - 1)
				   : NULL;
	if (kind == NULL || c->n_parts < 4 ||
		zmq_msg_size(&c->parts[1]) != sizeof(in->connection)) {
		return rv_fail(e, RV_EPARSE, "the line's report is not understood");
	}
	in->event = (enum line_event)(LINE_FRAME + (kind - kinds));
	in->n_parts = 0;
	in->reason[0] = in->address[0] = in->label[0] = '\0';
	memcpy(&in->connection, zmq_msg_data(&c->parts[1]), sizeof(in->connection));
	copy_text(in->key, sizeof(in->key), zmq_msg_data(&c->parts[2]), zmq_msg_size(&c->parts[2]));
	if (in->event != LINE_FRAME) {
		split_reason(in, zmq_msg_data(&c->parts[3]), zmq_msg_size(&c->parts[3]));
		return 0;
	}
	if (c->n_parts < 5) {
		return rv_fail(e, RV_EPARSE, "the line's report is not understood");
	}
	copy_text(in->label, sizeof(in->label), zmq_msg_data(&c->parts[3]),
		zmq_msg_size(&c->parts[3]));
	size_t bytes = 0;
	for (size_t i = 4; i < c->n_parts; i++) {
		in->parts[in->n_parts++] =
			(struct line_part){zmq_msg_data(&c->parts[i]), zmq_msg_size(&c->parts[i])};
		bytes += zmq_msg_size(&c->parts[i]);
	}
	c->taken += line_window_cost(bytes, in->n_parts);
	return 0;
}

int line_client_next(struct line_client *c, struct line_in *in, struct rv_err *e)
{
	drop_parts(c);
	move_window(c);
	int rc = receive(c, e);
	return rc == 0 ? understand(c, in, e) : rc;
}

/* The first part decides: a full channel takes nothing, and once begun the rest goes too. */
static int begin(struct line_client *c, const char *order, const uint64_t *connection, int more,
	struct rv_err *e)
{
	if (zmq_send(c->pair, order, 1,
		    ZMQ_DONTWAIT | (connection != NULL || more ? ZMQ_SNDMORE : 0)) < 0 ||
		(connection != NULL && zmq_send(c->pair, connection, sizeof(*connection),
					       more ? ZMQ_SNDMORE : 0) < 0)) {
		return zmq_fault(e, "the line takes no orders");
	}
	return 0;
}

int line_client_send(struct line_client *c, uint64_t connection, const struct line_part *parts,
	size_t n, struct rv_err *e)
{
	int rc = begin(c, "F", &connection, n > 0, e);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (zmq_send(c->pair, parts[i].data, parts[i].len, i + 1 < n ? ZMQ_SNDMORE : 0) <
			0) {
			rc = zmq_fault(e, "the line takes no frames");
		}
	}
	return rc;
}

int line_client_admit(
	struct line_client *c, const struct line_key *keys, size_t n, struct rv_err *e)
{
	int rc = begin(c, "A", NULL, n > 0, e);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (zmq_send(c->pair, keys[i].key, strlen(keys[i].key), ZMQ_SNDMORE) < 0 ||
			zmq_send(c->pair, keys[i].label, strlen(keys[i].label),
				i + 1 < n ? ZMQ_SNDMORE : 0) < 0) {
			rc = zmq_fault(e, "the line takes no list");
		}
	}
	return rc;
}

int line_client_dial(struct line_client *c, uint64_t connection, const char *endpoint,
	const char *server_key, struct rv_err *e)
{
	int rc = begin(c, "L", &connection, 1, e);
	if (rc == 0 && (zmq_send(c->pair, endpoint, strlen(endpoint), ZMQ_SNDMORE) < 0 ||
			       zmq_send(c->pair, server_key, strlen(server_key), 0) < 0)) {
		rc = zmq_fault(e, "the line takes no orders");
	}
	return rc;
}

int line_client_close(struct line_client *c, uint64_t connection, struct rv_err *e)
{
	return begin(c, "X", &connection, 0, e);
}
