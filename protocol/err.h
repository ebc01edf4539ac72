/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_ERR_H
#define RV_ERR_H

/*
 * Errors of the whole project: one enum, and a detail object that travels out of a call.
 *
 * A function that can fail returns 0 or a negative enum rv_code. Where it takes a
 * struct rv_err *, it fills it on failure and leaves it alone on success; NULL is allowed and
 * means that the caller wants no detail. Library code never logs: the edge (daemon, command
 * line, API) prints an rv_err once, with the message id and the peer.
 *
 * Thread rules: an rv_err belongs to one thread at a time. rv_strcode is safe everywhere.
 */

enum rv_code {
	RV_OK = 0,
	RV_ENOMEM = -1,    /* memory is short */
	RV_EINVAL = -2,    /* the caller's argument is wrong */
	RV_ESYS = -3,      /* a system call failed; the text names it and errno's meaning */
	RV_EIO = -4,       /* disk or channel failed while it was used */
	RV_ELIMIT = -5,    /* larger, deeper or more than the limits allow */
	RV_EPARSE = -6,    /* not well formed: XML, frame, receipt, configuration */
	RV_ESCHEMA = -7,   /* well formed, but not what the schema says */
	RV_ERULE = -8,     /* a business rule of level error is broken */
	RV_EPROFILE = -9,  /* the signature's shape is not that of the profile */
	RV_EDIGEST = -10,  /* a section or the header was altered */
	RV_ESIGNATURE = -11, /* the signature value does not verify */
	RV_ECERT = -12,    /* certificate: unreadable, not listed, expired, too weak */
	RV_EUNKNOWN = -13, /* a member, operation, message or peer that is not known */
	RV_EDENIED = -14,  /* known, but not allowed */
	RV_EEXIST = -15,   /* there already, with other content */
	RV_EDUP = -16,     /* there already, the same: nothing was done */
	RV_ENOTFOUND = -17, /* nothing under that name */
	RV_EAGAIN = -18,   /* not now: full, busy, locked; try again later */
	RV_ECLOSED = -19,  /* the channel, session or store was closed */
	RV_ETIMEOUT = -20, /* no answer within the limit */
	RV_EVERSION = -21, /* a version that this build does not speak */
	RV_EEXPIRED = -22, /* past its validity */
	RV_ECONFIG = -23,  /* the configuration is wrong */
	RV_ELAST = -24
};

/*
 * What went wrong, for a person (text, mend) and for a program (code, rule).
 * rule is a stable identifier ("SIG-DIGEST", "XSD-ENUM", "RVE-014") or empty; line and column
 * count from 1, 0 where there is no place. Texts are UTF-8, cut between
 * characters at the size, always ended; what is not UTF-8 is left out of them.
 */
struct rv_err {
	int code;
	char rule[32];
	int line;
	int column;
	char text[480];
	char mend[240];
};

/* Fills e (if not NULL) and returns code, so that `return rv_fail(e, RV_EINVAL, ...)` works. */
int rv_fail(struct rv_err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* As rv_fail, with the stable rule identifier. */
int rv_fail_rule(struct rv_err *e, int code, const char *rule, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* As rv_fail(RV_ESYS), adding the meaning of the given errno value. */
int rv_fail_errno(struct rv_err *e, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Shorthand: memory is short. */
int rv_fail_nomem(struct rv_err *e);

/* Adds the sentence that tells how to mend it. Returns nothing: without e there is no code to give
 * on. */
void rv_err_mend(struct rv_err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Puts "context: " before the text. */
void rv_err_prefix(struct rv_err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void rv_err_clear(struct rv_err *e);

/* The stable short name of a code ("no-memory", "digest", ...), never NULL. */
const char *rv_strcode(int code);

#endif
