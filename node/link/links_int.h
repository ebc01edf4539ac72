/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_LINKS_INT_H
#define NODE_LINKS_INT_H

#include <pthread.h>

#include "node/file.h"
#include "node/link/line.h"
#include "node/link/links.h"
#include "node/link/map.h"
#include "node/link/session.h"
#include "node/store/store.h"

/* What the parts of the links thread share. Everything but what stands under `lock` belongs to that
 * thread. */

enum {
	LINKS_REFUSED_MAX = 32,
	LINKS_WAKES_MAX = 64,
	LINKS_OF_PEER_MAX = 8, /* connections of one peer, those that end among them */
	LINKS_TICK_MS = 100,
	LINKS_SNAPSHOT_MS = 250,
	LINKS_LINGER_MS = 500, /* between BYE and the cut */
	LINKS_GUESTS_MAX = 32  /* connections of those who ask to join */
};

#define LINKS_ACCEPTED (UINT64_C(1) << 63)  /* connection numbers of accepted connections */
#define LINKS_DEBT_US (600 * RV_US_PER_SEC) /* the intake tells fates within that time, or never   \
					     */
#define LINKS_STEADY_US                                                                            \
	(30 * RV_US_PER_SEC) /* a link that held so long is dialled again without delay */

#define LINKS_GUEST "guest" /* the label of the keys of those who ask to join */

struct link;

struct peer {
	char code[RV_CODE_TEXT];
	int dial;          /* the configuration says so */
	uint64_t dialling; /* the number of the dialled connection, 0: none */
	int64_t redial_us; /* monotonic */
	unsigned backoff_ms;
	unsigned tries;
	struct link *links[LINKS_OF_PEER_MAX];
	size_t n_links;
	struct link *lead;
	int64_t since_us; /* wall */
	int refused;
	char last_error[200];
	char mend[200];
	int64_t last_error_us;      /* wall */
	struct session_stats ended; /* sums of sessions that are gone */
	/* trust lists */
	uint64_t offered_number; /* of the last list that came from it */
	int64_t offered_us, stalled_us; /* monotonic; 0: never */
};

/* A connection with its session. It stays, ended, while the intake still has work of it. */
struct link {
	struct links *all;
	uint64_t connection;
	uint32_t serial; /* the upper half of tokens */
	int dialled;
	char key[RV_CURVE_KEY_TEXT];
	struct peer *peer;
	struct session *session;
	int touched;
	int64_t up_us, close_us, ended_us; /* monotonic; 0: not (yet) */
	int closed;                        /* towards the line */
};

enum post_kind {
	POST_MESSAGE,
	POST_RECEIPTS,
	POST_CHUNK,
	POST_FETCH,
	POST_TRUST,
	POST_STATUS,
	POST_RENEW
};
struct post {
	struct post *next;
	enum post_kind kind;
	uint64_t token;
	int fate;
	int has_defer;
	struct rv_defer defer;
	uint64_t offset;
	char peer[RV_CODE_TEXT];
	struct rv_buf request, signature; /* of RENEW */
	struct rv_vouch vouch;
};
void links_post_free(struct post *p);

/* A connection of who asks to join. Times are monotonic. */
struct guest {
	uint64_t connection; /* 0: free */
	int64_t since_us, allowed_at_us, allowance;
	unsigned pieces; /* of a trust list that it may still ask for */
	int admitted;
};

/* A trust list that comes in pieces from a peer. */
struct links_transfer {
	uint64_t number; /* 0: none */
	char peer[RV_CODE_TEXT];
	struct rv_buf wire;
	int64_t moved_us; /* monotonic */
};

enum { WAKE_MESSAGES = 1, WAKE_ALL = 2, WAKE_RECEIPTS = 4 };

struct links {
	struct links_params p;
	struct line_client *line;
	struct store_reader *reader;
	pthread_t thread;
	int running;
	int wake_fd;
	struct map peers;       /* code > struct peer */
	struct map connections; /* number > struct link, those not closed */
	struct map serials;     /* serial > struct link */
	struct link **touched;  /* sessions to be pumped; room for as many as there are links */
	size_t n_touched, cap_touched;
	uint64_t next_dial;
	uint32_t next_serial;
	uint64_t boot;
	int line_ready; /* the line process has said that it is there */
	int64_t ticked_us, snapshot_us, admitted_us; /* monotonic */
	int sent;          /* something went to the line since it was read last */
	int changed;       /* what people see */
	struct guest guests[LINKS_GUESTS_MAX];
	struct links_transfer transfer;
	uint64_t offered; /* the number of the list last handed to the main thread */
	int64_t offered_us;
	struct status_view *lent; /* whose bytes sessions are sending */
	uint8_t *chunk;    /* RV_CHUNK_MAX bytes, for serving */
	struct line_in in; /* large: the parts of one frame */
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

struct session_time links_time(const struct links *l);
/* The session is to be pumped in this round. */
void links_touch(struct link *link);
/* links_peer.c */
struct peer *links_peer(
	struct links *l, const char *code); /* made if need be; NULL if memory is short */
int links_load_dials(struct links *l, struct rv_err *e);
void links_admit(struct links *l); /* tells the line whom to admit, ends sessions of others */
void links_dial_due(struct links *l);
void links_peer_failed(struct links *l, struct peer *peer, const char *why, const char *mend);
void links_redial_later(struct links *l, struct peer *peer);
void links_choose_lead(struct links *l, struct peer *peer);
void links_refusal(struct links *l, const char *key, const char *address, const char *reason);
void links_snapshot(struct links *l);
void links_peers_free(struct links *l);
/* links_trust.c */
void links_trust_tick(struct links *l);
void links_trust_part(struct link *link, const struct rv_trust_part *p, struct rv_span data);
int links_trust_piece(
	struct link *link, uint32_t offset, struct rv_trust_part *p, struct rv_span *data_r);
int links_trust_piece_of(
	struct links *l, uint32_t offset, struct rv_trust_part *p, struct rv_span *data_r);
void links_take_renewal(struct link *link, struct rv_span request, const struct rv_vouch *v);
/* This node's own: kept here if it is a coordinator's, else sent to those who are. */
void links_send_renewal(struct links *l, struct rv_span request, const struct rv_vouch *v);
uint64_t links_own_number(const struct links *l); /* of the list here, expired or not */
void links_trust_free(struct links *l);
/* links_guest.c */
int links_is_guest(struct links *l, const char *key);
void links_guest_frame(struct links *l, uint64_t connection, const char *key,
	const struct rv_span *parts, size_t n);
void links_guest_gone(struct links *l, uint64_t connection);
void links_guests_tick(struct links *l);
/* links_host.c */
struct link *links_open(
	struct links *l, uint64_t connection, struct peer *peer, const char *key, int dialled);
void links_reap(struct links *l); /* closes what ended, frees what owes nothing */
void links_free_all(struct links *l);

#endif
