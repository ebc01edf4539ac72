/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_KEEPER_WIRE_H
#define NODE_KEEPER_WIRE_H

/*
 * What goes over a keeper channel (SOCK_SEQPACKET, one packet a request, one an answer).
 * Request: operation u8, number u32, then for SIGN the bytes to hash and sign. Answer: status u8,
 * the number of its request (0 if that had none), then for SIGN the value, for ABOUT the algorithm
 * u8 (enum rv_sig_alg); for AWAY and FAILED the rule, a NUL, and the text for people.
 *
 * The number tells an answer that comes late from the one that is waited for.
 */
enum { KEEPER_SIGN = 'S', KEEPER_ABOUT = 'A' };
enum {
	KEEPER_OK = 0,
	KEEPER_MALFORMED = 1,
	KEEPER_FAILED = 2,
	KEEPER_AWAY = 3 /* the key's hardware: again later */
};
enum {
	KEEPER_HEAD = 5,
	KEEPER_REQUEST_MAX = 65536,
	KEEPER_ANSWER_MAX = 2048,
	KEEPER_CHANNELS_MAX = 64
};

#endif
