/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "protocol/check.h"

/*
 * Prints node/man/reeve-rules.7 from the rules themselves. rules7.sh compares it with the page that
 * is kept, so that the page is never behind.
 */

/* Areas by the beginning of their codes, in the order of the rules. */
static const struct {
	const char *begin, *section, *words;
} areas[] = {
	{"XML-", "SYNTAX",
		"Before a document is read as a message it has to be XML of the plain kind that is "
		"accepted."},
	{"XSD-", "SCHEMA",
		"The schema says which elements there are, in which order, and what each may "
		"hold."},
	{"RV-KIND-", "KINDS AND SECTIONS", "Each kind of message has sections of its own."},
	{"RV-HEADER-", "HEADER", "Function, version, recipients, legal basis."},
	{"RV-REF-", "REFERENCES", "What a message updates, cancels or answers."},
	{"RV-STATUS-", "STATUS", "Actual messages, exercises and tests are kept apart."},
	{"RV-HANDLING-", "HANDLING", "Who may read a message, and whether it may be passed on."},
	{"RV-DATE-", "DATES",
		"Dates that cannot be. A draft is issued when it is sealed; as long as it is a "
		"draft, now."},
	{"RV-SEAL-", "SEALED MESSAGES",
		"What the node assigns when it seals. Drafts need none of it."},
	{"RV-SCOPE-", "OPERATION",
		"The message against the operation under which it is sent, where that is known."},
	{"RV-CODE-", "CODE LISTS", "Codes of public lists and of lists of this project."},
	{"RV-EVENT-", "EVENT", "When, where and how it was found."},
	{"RV-INDICATOR-", "RISK INDICATORS", NULL},
	{"RV-PLACE-", "PLACES", NULL},
	{"RV-GOODS-", "GOODS", "Classification, categories, quantities and values."},
	{"RV-IPR-", "COUNTERFEIT GOODS", NULL},
	{"RV-CHECK-", "CHECK DIGITS",
		"Wrong check digits warn and never reject: numbers are cloned, and an officer "
		"reports what was seen."},
	{"RV-CONVEYANCE-", "CONVEYANCE", "What carried the goods."},
	{"RV-ROUTE-", "ROUTE", NULL},
	{"RV-CONCEALMENT-", "CONCEALMENT", NULL},
	{"RV-PERSON-", "PERSONS", NULL},
	{"RV-RIGHT-", "RIGHTS", NULL},
	{"RV-ALERT-", "ALERTS", "What a right-holder may see, and what it needs to answer."},
	{"RV-WARNING-", "WARNINGS", NULL},
	{"RV-FEEDBACK-", "FEEDBACK", NULL},
	{"RV-VERDICT-", "VERDICTS", NULL},
	{"RV-AMEND-", "UPDATES AND CANCELS", NULL},
	{"RV-REQUEST-", "REQUESTS", NULL},
	{"RV-REPLY-", "REPLIES", NULL},
	{"RV-SITUATION-", "SITUATION REPORTS", NULL},
	{"RV-OPERATION-", "DEFINITION OF AN OPERATION", NULL},
	{"RV-TEXT-", "TEXTS", NULL},
	{"RV-ATTACH-", "ATTACHMENTS", NULL},
};

#define N_AREAS (sizeof(areas) / sizeof(areas[0]))

struct printing {
	const char *begin;
	size_t n;
};

/* mdoc reads a full stop or quote at the start of a line as a request, a backslash everywhere, and
 * wants each sentence on a line of its own. */
static void put(const char *text)
{
	int begins = 1;
	for (; *text != '\0'; text++) {
		if (begins && (*text == '.' || *text == '\'')) {
			fputs("\\&", stdout);
		}
		begins = text[0] == '.' && text[1] == ' ';
		if (*text == '\\' || *text == '-') {
			fputs(*text == '-' ? "\\-" : "\\e", stdout);
		} else {
			putchar(*text);
		}
		if (begins) {
			putchar('\n');
			text++;
		}
	}
	putchar('\n');
}

static int print(
	void *ctx, enum rv_level level, const char *code, const char *summary, const char *mend)
{
	struct printing *p = ctx;
	if (strncmp(code, p->begin, strlen(p->begin)) != 0) {
		return 0;
	}
	p->n++;
	printf(".It Sy %s%s\n", code, level == RV_LEVEL_WARNING ? " Pq warning" : "");
	put(summary);
	if (mend[0] != '\0') {
		puts(".br");
		put(mend);
	}
	return 0;
}

static int count(
	void *ctx, enum rv_level level, const char *code, const char *summary, const char *mend)
{
	++*(size_t *)ctx;
	return 0;
}

static void head(void)
{
	puts(".\\\" SPDX-License-Identifier: Apache-2.0\n"
	     ".\\\" Printed by tests/unit/protocol/rules7; do not edit.\n"
	     ".Dd November 24, 2026\n"
	     ".Dt REEVE-RULES 7\n"
	     ".Os\n"
	     ".Sh NAME\n"
	     ".Nm reeve-rules\n"
	     ".Nd what a message is checked for\n"
	     ".Sh DESCRIPTION\n"
	     "A message is checked when it is written\n"
	     ".Pq Xr reeve 1 , Cm check ,\n"
	     "before it is sealed, and again by every node that receives it.\n"
	     "Each fault is told with its place, with what is wrong and how to mend it, and with "
	     "one of the codes below, which never\n"
	     "change their meaning.\n"
	     ".Pp\n"
	     "A message with an error is not sent, and is rejected if it is received.\n"
	     "Rules marked\n"
	     ".Pq warning\n"
	     "make someone look again; the message goes its way.\n"
	     "All faults of a message are told at once, up to 500.\n"
	     ".Pp\n"
	     "Each entry below says what is right, and then how a message becomes so.");
}

int main(void)
{
	size_t all = 0, printed = 0;
	rv_rules_each(count, &all);
	head();
	for (size_t i = 0; i < N_AREAS; i++) {
		struct printing p = {areas[i].begin, 0};
		printf(".Sh %s\n", areas[i].section);
		if (areas[i].words != NULL) {
			put(areas[i].words);
		}
		puts(".Bl -tag -width Ds");
		rv_rules_each(print, &p);
		puts(".El");
		printed += p.n;
	}
	puts(".Sh SEE ALSO\n.Xr reeve 1 ,\n.Xr reeved 8");
	if (printed != all) {
		fprintf(stderr, "%zu rules, but %zu have an area: add the new area to rules7.c\n",
			all, printed);
		return 1;
	}
	return 0;
}
