/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_TRUST_HTTP_H
#define NODE_TRUST_HTTP_H

#include "protocol/buf.h"
#include "protocol/err.h"

/*
 * One bounded request to a web server: the only user of libcurl in the daemon. Nothing is kept from
 * one request to the next (no connection, cookie, credential or cache), nothing is taken from the
 * environment (no proxy, no .netrc), and nothing that the server does costs more than the ask
 * grants: time, bytes, redirects. A body without an announced length ends where the connection
 * does, so what is fetched must vouch for itself: everything fetched here is signed.
 *
 * One thread at a time runs requests; any thread may stop them.
 */
struct http_client;

int http_client_new(struct http_client **c_r, struct rv_err *e);
void http_client_free(struct http_client **c);
/* Ends the request under way at once, and every later one (RV_ECLOSED, FETCH-STOPPED). Any thread,
 * while the client is not freed. */
void http_client_stop(struct http_client *c);

enum {
	HTTP_URL_MAX = 1024,
	HTTP_REDIRECTS_MAX = 3,
	HTTP_HEADERS_MAX = 64 << 10, /* bytes of all headers of one request's answers */
	HTTP_PIN_MAX = 400
};

/* What the server said of the body's version, for the next request; {""} at first. */
struct http_validator {
	char etag[160];
	char modified[40];
};

struct http_ask {
	const char *url;
	const char *proxy; /* URL of a proxy; NULL or "": none */
	/*
	 * Who the server has to be. Neither: the system's certification authorities and the name
	 * in the address. ca_file: the authorities of that PEM file in their place. pin
	 * ("sha256//BASE64", several separated by ';'): the server's public key; with ca_file both
	 * have to hold, alone it decides, whatever certificate the key comes in.
	 */
	const char *ca_file;
	const char *pin;
	int allow_http;     /* http:// too: for what is signed and of which each byte is public */
	unsigned redirects; /* how many are followed, within the scheme; 0 with a post */
	const void *post;   /* NULL: GET */
	size_t post_len;
	const char *post_type;
	const char *accept; /* NULL: anything */
	size_t max;         /* bytes of the body */
	unsigned connect_ms, total_ms;
	unsigned slow_bytes, slow_s; /* less than so many bytes a second for so long: given up */
	struct http_validator *validator; /* NULL: unconditional. Replaced on success. */
};

struct http_answer {
	struct rv_buf body; /* rv_buf_free */
	int unchanged;      /* 304: as the validator says; no body */
	unsigned retry_after_s; /* what the server asked for when it refused; 0: nothing. Set on
				   failure too. */
};

/*
 * 0 for 200 and 304. Errors, each with its rule: FETCH-URL (RV_EINVAL), FETCH-CA and FETCH-PROXY
 * (RV_ECONFIG or RV_EIO), FETCH-RESOLVE, FETCH-CONNECT, FETCH-BROKEN, FETCH-TRUNCATED (RV_EIO),
 * FETCH-TLS and FETCH-PIN (RV_ECERT), FETCH-TIMEOUT (RV_ETIMEOUT), FETCH-TOO-LARGE (RV_ELIMIT),
 * FETCH-REDIRECT (RV_EDENIED), FETCH-ENCODING and FETCH-ANSWER (RV_EPARSE), FETCH-STATUS
 * (RV_ENOTFOUND for 404 and 410, RV_EAGAIN else), FETCH-STOPPED (RV_ECLOSED).
 */
int http_client_run(struct http_client *c, const struct http_ask *ask, struct http_answer *a_r,
	struct rv_err *e);

/* 1 if the text is an address as http_ask takes it: https (or http, if allowed), a host, no user
 * name, no fragment. */
int http_url_valid(const char *url, int allow_http);
/* 1 if the text is a pin. */
int http_pin_valid(const char *pin);

#endif
