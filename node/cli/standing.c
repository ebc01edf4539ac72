/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cli/shared.h"

#include <string.h>

#include "node/api/json.h"
#include "node/cli/client.h"

/* What a node knew of the certificate that signed a message, and what holds of it now. */

static const char *words_of(const char *word)
{
	static const char *const words[][2] = {
		{"good", "the certificate was good"},
		{"listed", "the certificate was in the trust list, which vouches for it"},
		{"off", "the certificate was in the trust list, which asks for no more"},
		{"stale", "the certificate was good by what was no longer fresh, which the trust list "
			  "lets pass"},
		{"unknown", "whether the certificate was revoked was not known, which the trust list "
			    "lets pass"}};
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (!strcmp(words[i][0], word))
			return words[i][1];
	return NULL;
}

void cli_standing(struct cli *c, const json_t *message)
{
	const json_t *then = json_object_get(message, "standing"),
		     *now = json_object_get(message, "certificate");
	const char *words = words_of(json_str(then, "word")), *source = json_str(then, "source");
	char judged[24], as_of[24], revoked[24];
	json_when(judged, then, "judged");
	json_when(as_of, then, "asOf");
	json_when(revoked, now, "revoked");
	if (words && source[0])
		cli_line(c, "certificate", "%s by the %s of %s (judged %s)", words,
			!strcmp(source, "crl") ? "CRL" : "OCSP response", as_of, judged);
	else if (words)
		cli_line(c, "certificate", "%s (judged %s)", words, judged);
	if (revoked[0] != '-')
		cli_line(c, words ? "since then" : "certificate",
			"it is revoked since %s (%s); this message was stored before that was "
			"known, and stays valid",
			revoked, json_str(now, "reason"));
}
