#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Turns numbered SQL files (001-name.sql ...) into a C table, so that the program brings its migrations with it.
set -eu
echo '/* Made from schemas/sql by node/store/embed.sh. */'
echo '#include "node/store/sqlite.h"'
echo 'const struct migration sqlite_migrations[] = {'
n=0
for file in "$@"; do
	n=$((n + 1))
	echo "	{$n,"
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/		"/' -e 's/$/\\n"/' "$file"
	echo '	},'
done
echo '};'
echo 'const size_t sqlite_n_migrations = sizeof(sqlite_migrations) / sizeof(sqlite_migrations[0]);'
