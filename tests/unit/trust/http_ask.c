/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes requests for requests_out.py: one a line of standard input, as words NAME=VALUE; answers a line of
 * JSON each. "stop-on-next" stops the client from another thread when the next line comes.
 */
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/trust/http.h"

struct words {
	char *url, *proxy, *ca, *pin, *post, *accept;
	int http, stop;
	unsigned redirects, connect_ms, total_ms, slow_bytes, slow_s;
	size_t max;
};

static int take(const char *word, const char *name, char **value_r)
{
	size_t n = strlen(name);
	if (strncmp(word, name, n) != 0 || word[n] != '=') {
		return 0;
	}
	free(*value_r);
	*value_r = strdup(word + n + 1);
	return 1;
}

static int take_number(const char *word, const char *name, unsigned *value_r)
{
	char *text = NULL;
	if (take(word, name, &text)) {
		*value_r = (unsigned)strtoul(text, NULL, 10);
		free(text);
		return 1;
	}
	return 0;
}

static void read_words(char *line, struct words *w)
{
	unsigned max = 1000;
	unsigned http = 0;
	*w = (struct words){.connect_ms = 60000, .total_ms = 120000, .slow_bytes = 1, .slow_s = 100};
	for (char *word = strtok(line, " \n"); word != NULL; word = strtok(NULL, " \n")) {
		int known = take(word, "url", &w->url) || take(word, "proxy", &w->proxy) ||
			    take(word, "ca", &w->ca) || take(word, "pin", &w->pin) ||
			    take(word, "post", &w->post) || take(word, "accept", &w->accept) ||
			    take_number(word, "http", &http) ||
			    take_number(word, "redirects", &w->redirects) ||
			    take_number(word, "connect", &w->connect_ms) ||
			    take_number(word, "total", &w->total_ms) ||
			    take_number(word, "slow-bytes", &w->slow_bytes) ||
			    take_number(word, "slow", &w->slow_s) || take_number(word, "max", &max);
		w->stop |= strcmp(word, "stop-on-next") == 0;
		if (!known && !w->stop) {
			fprintf(stderr, "unknown word %s\n", word);
			exit(2);
		}
	}
	w->max = max;
	w->http = http != 0;
}

static void clear_words(struct words *w)
{
	free(w->url);
	free(w->proxy);
	free(w->ca);
	free(w->pin);
	free(w->post);
	free(w->accept);
}

static void print(int rc, const struct http_answer *a, const struct http_validator *v,
	const struct rv_err *e)
{
	json_t *o = json_pack("{si ss ss ss si si ss ss ss#}", "rc", rc, "rule", e->rule, "text", e->text,
		"mend", e->mend, "unchanged", a->unchanged, "retry", (int)a->retry_after_s, "etag", v->etag,
		"modified", v->modified, "body", a->body.len > 0 ? (const char *)a->body.data : "",
		(int)a->body.len);
	char *text = o != NULL ? json_dumps(o, JSON_COMPACT) : NULL;
	puts(text != NULL ? text : "{}");
	fflush(stdout);
	free(text);
	json_decref(o);
}

static void *stop_on_line(void *client)
{
	char line[64];
	if (fgets(line, sizeof(line), stdin) != NULL) {
		http_client_stop(client);
	}
	return NULL;
}

int main(void)
{
	struct http_client *client = NULL;
	struct http_validator validator = {.etag = ""};
	struct rv_err e = {0};
	char line[8192];
	if (http_client_new(&client, &e) != 0) {
		return 1;
	}
	while (fgets(line, sizeof(line), stdin) != NULL) {
		struct words w;
		struct http_answer a = {.unchanged = 0};
		pthread_t thread;
		int waits = 0;
		read_words(line, &w);
		struct http_ask ask = {.url = w.url != NULL ? w.url : "", .proxy = w.proxy, .ca_file = w.ca,
			.pin = w.pin, .allow_http = w.http, .redirects = w.redirects, .post = w.post,
			.post_len = w.post != NULL ? strlen(w.post) : 0, .post_type = "text/plain",
			.accept = w.accept, .max = w.max, .connect_ms = w.connect_ms,
			.total_ms = w.total_ms, .slow_bytes = w.slow_bytes, .slow_s = w.slow_s,
			.validator = &validator};
		memset(&e, 0, sizeof(e));
		if (w.stop) {
			waits = pthread_create(&thread, NULL, stop_on_line, client) == 0;
		}
		int rc = http_client_run(client, &ask, &a, &e);
		print(rc, &a, &validator, &e);
		if (waits) {
			pthread_join(thread, NULL);
		}
		rv_buf_free(&a.body);
		clear_words(&w);
	}
	http_client_free(&client);
	return 0;
}
