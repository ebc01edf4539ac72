/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_ATTACKS_H
#define TESTS_ATTACKS_H

/* Alterations of a message sealed by ECDSA, each with the rule by which it must be refused. NULL ends the table. */
struct attack { const char *name, *from, *to, *rule; };
extern const struct attack attacks[];

#endif
