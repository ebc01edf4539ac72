/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fetcher for fetcher.py: the configuration is the argument; "hurry" and "sources" come on
 * standard input. A list that begins with "bad" is refused; the same as the last one is known.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/env.h"
#include "node/trust/fetcher.h"

static char last[256];

static int offer(void *ctx, const void *list, size_t len, const char *from, struct rv_err *e)
{
	char text[sizeof(last)];
	snprintf(text, sizeof(text), "%.*s", (int)len, (const char *)list);
	if (strncmp(text, "bad", 3) == 0) {
		return rv_fail_rule(e, RV_ESIGNATURE, "TRUST-SIGNATURE", "nobody signed it");
	}
	int known = strcmp(text, last) == 0;
	strcpy(last, text);
	if (!known) {
		printf("{\"offer\": \"%s\", \"from\": \"%s\"}\n", text, from);
		fflush(stdout);
	}
	return known ? RV_EDUP : 0;
}

static void print_sources(struct fetcher *f, int64_t now_us)
{
	struct fetch_source *list = NULL;
	size_t n = 0;
	json_t *a = json_array();
	if (fetcher_sources(f, &list, &n, NULL) != 0) {
		exit(1);
	}
	for (size_t i = 0; i < n; i++) {
		json_array_append_new(a, json_pack("{ss ss si sb sb sf ss}", "kind",
						 fetch_kind_text(list[i].kind), "url", list[i].url,
						 "failures", (int)list[i].failures, "tried",
						 list[i].tried_us != 0, "fetched",
						 list[i].fetched_us != 0, "wait",
						 (double)(list[i].next_us - now_us) / 1e6, "rule",
						 list[i].why.rule));
	}
	char *text = json_dumps(a, JSON_COMPACT);
	puts(text);
	fflush(stdout);
	free(text);
	free(list);
	json_decref(a);
}

int main(int argc, char **argv)
{
	struct conf *conf = NULL;
	struct fetcher *f = NULL;
	struct log *log = NULL;
	struct rv_err e = {0};
	char line[64];
	struct rv_clock clock = env_clock();
	if (argc != 2 || conf_read(&conf, argv[1], &e) != 0 ||
		log_open(&log, "warning", "json", "KE", clock, &e) != 0) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	struct fetcher_params p = {.conf = conf, .log = log, .clock = clock, .random = env_random(),
		.offer = offer};
	if (fetcher_start(&f, &p, &e) != 0) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (strcmp(line, "hurry\n") == 0) {
			fetcher_hurry(f);
		} else if (strcmp(line, "sources\n") == 0) {
			print_sources(f, clock.now_us(clock.ctx));
		}
	}
	fetcher_stop(&f);
	log_close(&log);
	conf_free(&conf);
	return 0;
}
