/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_LINKS_INT_H
#define NODE_LINKS_INT_H

#include <pthread.h>

#include "node/link/links.h"
#include "node/link/map.h"
#include "node/link/session.h"
#include "node/store/store.h"

/* What the parts of the links thread share. Everything but what stands under `lock` belongs to that thread. */

enum { LINKS_REFUSED_MAX = 32, LINKS_WAKES_MAX = 64, LINKS_TICK_MS = 100 };

#define LINKS_ACCEPTED (UINT64_C(1) << 63)   /* connection numbers of accepted connections */

struct peer {
	char code[RV_CODE_TEXT];
	int dial;                        /* the configuration says so */
	uint64_t dialling;               /* the number of the dialled connection, 0: none */
	int64_t redial_us;
	unsigned backoff_ms;
	unsigned tries;
	struct session *primary;
	int64_t since_us;
	int refused;
	char last_error[200];
	char mend[200];
	int64_t last_error_us;
	struct session_stats ended;      /* sums of sessions that are gone */
};

struct link {                            /* a connection with its session */
	uint64_t connection;
	uint32_t serial;
	char key[RV_CURVE_KEY_TEXT];
	struct peer *peer;
	struct session *session;
};

enum post_kind { POST_MESSAGE, POST_RECEIPTS, POST_CHUNK, POST_FETCH, POST_TRUST };
struct post {
	struct post *next;
	enum post_kind kind;
	uint64_t token;
	int fate;
	int has_defer;
	struct rv_defer defer;
	uint64_t offset;
	char peer[RV_CODE_TEXT];
};

struct links {
	struct links_params p;
	struct session_host host;
	struct line_client *line;
	struct store_reader *reader;
	pthread_t thread;
	int running;
	int wake_fd;
	struct map peers;                /* code > struct peer */
	struct map connections;          /* number > struct link */
	struct map serials;              /* serial > struct link */
	uint64_t next_dial;
	uint32_t next_serial;
	uint64_t boot;
	int line_ready;                  /* the line process has said that it is there */
	int64_t ticked_us, admitted_us;
	struct line_in in;               /* large: the parts of one frame */
	/* shared */
	pthread_mutex_t lock;
	struct post *posts, **posts_end;
	unsigned wake_all;
	char wakes[LINKS_WAKES_MAX][RV_CODE_TEXT];
	size_t n_wakes;
	int stop;
	struct links_row *rows;
	size_t n_rows;
	struct links_refused refused[LINKS_REFUSED_MAX];
	size_t n_refused;
};

int64_t links_now(const struct links *l);
/* links_peer.c */
struct peer *links_peer(struct links *l, const char *code);            /* made if need be; NULL if memory is short */
int links_load_dials(struct links *l, struct rv_err *e);
void links_admit(struct links *l);                                     /* tells the line whom to admit, ends sessions of others */
void links_dial_due(struct links *l, int64_t now_us);
void links_peer_failed(struct links *l, struct peer *peer, const char *why, const char *mend);
void links_redial_later(struct links *l, struct peer *peer);
void links_choose_primary(struct links *l, struct peer *peer);
void links_refusal(struct links *l, const struct line_in *in);
void links_snapshot(struct links *l);
void links_peers_free(struct links *l);
/* links_host.c */
struct session_host links_host(struct links *l);
struct link *links_open(struct links *l, uint64_t connection, struct peer *peer, const char *key, int dialled);
void links_reap(struct links *l);

#endif
