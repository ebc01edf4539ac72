/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * main of a fuzz target without libFuzzer: gives it the files of the folder named by argv[1] (below top_srcdir), and of each a
 * number of alterations that are the same in every run. Prints TAP. What breaks, breaks by a signal.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_FILE = 1 << 20, ALTERATIONS = 400 };

static uint64_t state = 1;

static uint64_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Bytes changed, taken out, put in, moved: the alterations that parsers stumble over. */
static size_t alter(uint8_t *data, size_t size)
{
	for (unsigned n = (unsigned)(next_random() % 3) + 1; n > 0 && size > 8; n--) {
		size_t at = (size_t)(next_random() % size);
		size_t len = (size_t)(next_random() % 16) + 1;
		len = len > size - at ? size - at : len;
		switch (next_random() % 4) {
		case 0:
			data[at] ^= (uint8_t)(1u << (next_random() % 8));
			break;
		case 1:
			memmove(data + at, data + at + len, size - at - len);
			size -= len;
			break;
		case 2:
			memmove(data + at, data + (size_t)(next_random() % (size - len + 1)), len);
			break;
		default:
			data[at] = (uint8_t)next_random();
			break;
		}
	}
	return size;
}

static int replay(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *original = malloc(MAX_FILE);
	uint8_t *copy = malloc(MAX_FILE);
	int ok = f != NULL && original != NULL && copy != NULL;
	if (ok) {
		size_t size = fread(original, 1, MAX_FILE, f);
		ok = !ferror(f);
		LLVMFuzzerTestOneInput(original, size);
		for (int i = 0; i < ALTERATIONS && ok; i++) {
			memcpy(copy, original, size);
			LLVMFuzzerTestOneInput(copy, alter(copy, size));
		}
	}
	if (f != NULL) {
		fclose(f);
	}
	free(original);
	free(copy);
	return ok;
}

int main(int argc, char **argv)
{
	char folder[1024], path[2048];
	const char *top = getenv("top_srcdir");
	const char *slash = strrchr(argv[0], '/');
	const char *name = slash != NULL ? slash + 1 : argv[0];
	int n = 0;
	int failed = 0;
	name = strncmp(name, "lt-", 3) == 0 ? name + 3 : name;
	name = strncmp(name, "fuzz_", 5) == 0 ? name + 5 : name;
	if (argc > 1) {
		snprintf(folder, sizeof(folder), "%s", argv[1]);
	} else {
		snprintf(folder, sizeof(folder), "%s/tests/fuzz/corpus/%s", top != NULL ? top : ".", name);
	}
	struct dirent **entries = NULL;
	int count = scandir(folder, &entries, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		if (entries[i]->d_name[0] != '.') {
			snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
			int ok = replay(path);
			printf("%sok %d - %s\n", ok ? "" : "not ", ++n, entries[i]->d_name);
			failed += !ok;
		}
		free(entries[i]);
	}
	free(entries);
	printf("1..%d\n", n);
	return n == 0 || failed != 0;
}
