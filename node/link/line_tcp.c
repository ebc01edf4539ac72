/* SPDX-License-Identifier: Apache-2.0 */
#include "node/link/line_tcp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <linux/tcp.h>

static int same_peer(const struct line_tcp *t)
{
	struct sockaddr_storage now;
	socklen_t len = sizeof(now);
	memset(&now, 0, sizeof(now));
	return t->fd >= 0 && t->peer_len > 0 &&
	       getpeername(t->fd, (struct sockaddr *)&now, &len) == 0 && len == t->peer_len &&
	       memcmp(&now, &t->peer, len) == 0;
}

static int counts(const struct line_tcp *t, struct tcp_info *info)
{
	socklen_t len = sizeof(*info);
	memset(info, 0, sizeof(*info));
	return same_peer(t) && getsockopt(t->fd, IPPROTO_TCP, TCP_INFO, info, &len) == 0 ? 0 : -1;
}

void line_tcp_begin(struct line_tcp *t, int fd)
{
	memset(t, 0, sizeof(*t));
	t->fd = fd;
	t->peer_len = sizeof(t->peer);
	if (fd < 0 || getpeername(fd, (struct sockaddr *)&t->peer, &t->peer_len) != 0 ||
		(t->peer.ss_family != AF_INET && t->peer.ss_family != AF_INET6)) {
		t->peer_len = 0; /* gone already */
		return;
	}
	if (t->peer.ss_family == AF_INET) {
		struct sockaddr_in v4;
		memcpy(&v4, &t->peer, sizeof(v4));
		t->source[10] = t->source[11] = 0xff;
		memcpy(t->source + 12, &v4.sin_addr, 4);
	} else {
		struct sockaddr_in6 v6;
		memcpy(&v6, &t->peer, sizeof(v6));
		memcpy(t->source, &v6.sin6_addr, IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) ? 16 : 8);
	}
}

int line_tcp_same_source(const struct line_tcp *a, const struct line_tcp *b)
{
	return memcmp(a->source, b->source, sizeof(a->source)) == 0;
}

void line_tcp_cut(const struct line_tcp *t)
{
	if (same_peer(t)) {
		shutdown(t->fd, SHUT_RDWR);
	}
}

void line_tcp_address(const struct line_tcp *t, char *out, size_t size)
{
	char host[INET6_ADDRSTRLEN] = "";
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	out[0] = '\0';
	if (t->peer_len == 0) {
		return;
	}
	if (t->peer.ss_family == AF_INET) {
		memcpy(&v4, &t->peer, sizeof(v4));
		inet_ntop(AF_INET, &v4.sin_addr, host, sizeof(host));
		snprintf(out, size, "%s:%u", host, ntohs(v4.sin_port));
		return;
	}
	memcpy(&v6, &t->peer, sizeof(v6));
	inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof(host));
	/* a socket of both families shows IPv4 peers in this form */
	int mapped = IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr);
	snprintf(out, size, mapped ? "%s:%u" : "[%s]:%u", mapped ? host + strlen("::ffff:") : host,
		ntohs(v6.sin6_port));
}

uint64_t line_tcp_unended(struct line_tcp *t)
{
	struct tcp_info info;
	if (counts(t, &info) != 0) {
		return 0;
	}
	if (t->in_ended) {
		t->in_ended = 0;
		t->in_mark = info.tcpi_bytes_received;
	}
	return info.tcpi_bytes_received - t->in_mark;
}

uint64_t line_tcp_unsent(struct line_tcp *t)
{
	struct tcp_info info;
	if (counts(t, &info) != 0) {
		return 0;
	}
	/* the handshake is in the kernel's count and not in ours: start there when all is out */
	if (info.tcpi_bytes_acked > t->out) {
		t->out = info.tcpi_bytes_acked;
	}
	return t->out - info.tcpi_bytes_acked;
}

uint64_t line_tcp_wire_bytes(size_t part)
{
	uint64_t boxed = (uint64_t)part + 33;
	return boxed + (boxed > 255 ? 9 : 2);
}
