/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/config/conf_table.h"

/* Prints reeve.conf.5 from the table of settings; conf_page.sh compares the page in node/man with
 * it. */

static void put(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\\') {
			fputs("\\e", stdout);
		} else {
			putchar(*text);
		}
	}
}

static void put_type(const struct conf_setting *s)
{
	switch (s->type) {
	case CONF_UINT:
	case CONF_U64:
		printf("A whole number from %lld to %lld; the default is %lld.\n", s->min, s->max,
			s->number);
		break;
	case CONF_CODES:
		fputs("A list of members' codes, [ \"RILO\" ]; none by default.\n", stdout);
		break;
	case CONF_URLS:
		fputs("A list of addresses in quotes; none by default.\n", stdout);
		break;
	case CONF_CODE:
		fputs("A member's code in quotes.\nIt must be given.\n", stdout);
		break;
	default:
		if (s->choices != NULL) {
			printf("One of: %s; the default is %s.\n", s->choices, s->text);
		} else if (strncmp(s->text, REEVE_DATADIR, strlen(REEVE_DATADIR)) == 0) {
			fputs("A path in quotes; the default is the installed folder.\n", stdout);
		} else if (s->form != NULL) {
			printf("A text in quotes: %s; the default is \"%s\".\n", s->form,
				s->text);
		} else {
			printf("A %s in quotes; the default is \"%s\".\n",
				s->type == CONF_PATH ? "path" : "text", s->text);
		}
	}
}

int main(void)
{
	fputs(".\\\" Made by tests/unit/config/conf_page from node/config/conf_table.c.\n"
	      ".Dd November 24, 2026\n.Dt REEVE.CONF 5\n.Os\n.Sh NAME\n.Nm reeve.conf\n.Nd "
	      "configuration of a Reeve node\n.Sh DESCRIPTION\n"
	      "The file that\n.Xr reeved 8\nand\n.Xr reeve 1\nread.\n"
	      "A setting is a name, an equals sign, a value and a semicolon; comments begin with # "
	      "or //.\n"
	      "Relative paths are relative to the folder of the file.\n"
	      "A setting that does not exist, a wrong type and a value out of bounds are errors, "
	      "told with their line.\n"
	      ".Ic reeve init\nwrites the file with every setting in it.\n"
	      "After a change, check it with\n.Ic reeved -n\nand restart the daemon.\n",
		stdout);
	for (size_t i = 0; i < conf_n_settings; i++) {
		const struct conf_setting *s = &conf_settings[i];
		if (s->group != NULL) {
			if (i > 0) {
				fputs(".El\n", stdout);
			}
			printf(".Ss %s\n.Bl -tag -width Ds\n", s->group);
		}
		printf(".It Ic %s\n", s->name);
		/* the words begin lower case and have no full stop, for the comments of the written
		 * file */
		printf("%c", s->words[0] >= 'a' && s->words[0] <= 'z' ? s->words[0] - 'a' + 'A'
								      : s->words[0]);
		put(s->words + 1);
		fputs(".\n", stdout);
		put_type(s);
	}
	fputs(".El\n.Sh ENVIRONMENT\n.Bl -tag -width REEVE_SCHEMAS\n.It Ev REEVE_CONF\nThe file, "
	      "where no option names it.\n.It Ev REEVE_SCHEMAS\n"
	      "The folder of schemas, before the setting.\n.El\n.Sh SEE ALSO\n.Xr reeve 1 ,\n.Xr "
	      "reeved 8\n",
		stdout);
	return 0;
}
