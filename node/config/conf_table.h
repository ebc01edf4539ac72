/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_CONF_TABLE_H
#define NODE_CONF_TABLE_H

#include <stddef.h>

#include "node/config/conf.h"

/* The settings as data: what conf.c reads, conf_write writes, and the manual page lists. */

enum conf_type { CONF_TEXT, CONF_PATH, CONF_CODE, CONF_CODES, CONF_URLS, CONF_UINT, CONF_U64 };

struct conf_setting {
	const char *name;
	enum conf_type type;
	size_t at;                      /* offset in struct conf */
	const char *text;               /* default of TEXT and PATH */
	long long number, min, max;     /* default and bounds of numbers */
	const char *choices;            /* words allowed, space separated; NULL: any */
	int (*check)(const char *value);
	const char *form;               /* what check lets through, after "Give" */
	const char *group;              /* heading in the written file, at the first of a group */
	const char *words;              /* what it is, for the file and the manual */
};
extern const struct conf_setting conf_settings[];
extern const size_t conf_n_settings;

static inline char **conf_text_at(struct conf *c, const struct conf_setting *s)
{
	return (char **)(void *)((char *)c + s->at);
}
static inline char *conf_code_at(struct conf *c, const struct conf_setting *s)
{
	return (char *)c + s->at;
}
static inline unsigned *conf_uint_at(struct conf *c, const struct conf_setting *s)
{
	return (unsigned *)(void *)((char *)c + s->at);
}
static inline uint64_t *conf_u64_at(struct conf *c, const struct conf_setting *s)
{
	return (uint64_t *)(void *)((char *)c + s->at);
}

#endif
