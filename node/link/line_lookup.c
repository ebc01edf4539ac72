/* SPDX-License-Identifier: Apache-2.0 */
#include "node/link/line_lookup.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { STACK_BYTES = 256 * 1024 };

struct lookup {
	pthread_mutex_t lock;
	int users; /* the asker and the thread: the last one frees */
	int over;
	int error;
	struct addrinfo *found;
	char host[256];
	char port[8];
};

static void leave(struct lookup *l)
{
	pthread_mutex_lock(&l->lock);
	int last = --l->users == 0;
	pthread_mutex_unlock(&l->lock);
	if (last) {
		if (l->found != NULL) {
			freeaddrinfo(l->found);
		}
		pthread_mutex_destroy(&l->lock);
		free(l);
	}
}

static void *look(void *arg)
{
	struct lookup *l = arg;
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	int error = getaddrinfo(l->host, l->port, &hints, &found);
	pthread_mutex_lock(&l->lock);
	l->error = error;
	l->found = error == 0 ? found : NULL;
	l->over = 1;
	pthread_mutex_unlock(&l->lock);
	leave(l);
	return NULL;
}

struct lookup *lookup_start(const char *host, const char *port)
{
	pthread_attr_t attr;
	pthread_t thread;
	struct lookup *l = calloc(1, sizeof(*l));
	if (l == NULL) {
		return NULL;
	}
	snprintf(l->host, sizeof(l->host), "%s", host);
	snprintf(l->port, sizeof(l->port), "%s", port);
	l->users = 2;
	pthread_mutex_init(&l->lock, NULL);
	int rc = pthread_attr_init(&attr);
	if (rc == 0) {
		pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
		pthread_attr_setstacksize(&attr, STACK_BYTES);
		rc = pthread_create(&thread, &attr, look, l);
		pthread_attr_destroy(&attr);
	}
	if (rc != 0) {
		pthread_mutex_destroy(&l->lock);
		free(l);
		return NULL;
	}
	return l;
}

int lookup_done(struct lookup *l, struct addrinfo **found_r, const char **why_r)
{
	pthread_mutex_lock(&l->lock);
	int over = l->over;
	if (over) {
		*found_r = l->found;
		l->found = NULL;
		*why_r = l->error != 0 ? gai_strerror(l->error) : "";
	}
	pthread_mutex_unlock(&l->lock);
	return over;
}

void lookup_free(struct lookup **l)
{
	if (l != NULL && *l != NULL) {
		leave(*l);
		*l = NULL;
	}
}
