/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/token/soft.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <p11-kit/pkcs11.h>

static char folder[64];
static char pin_path[128];

static int run(const char *const *argv)
{
	union {
		const char *const *borrowed;
		char *const *argv;
	} a = {.borrowed = argv};
	int status = -1;
	pid_t pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);
		dup2(null, STDOUT_FILENO);
		execvp(argv[0], a.argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
		fprintf(stderr, "# %s failed (packages softhsm2 and coreutils)\n", argv[0]);
		return -1;
	}
	return 0;
}

const char *soft_folder(void)
{
	return folder;
}

const char *soft_pin_file(void)
{
	return pin_path;
}

const char *soft_file(const char *name, const char *text, unsigned mode)
{
	static char path[192];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
		fchmod(fd, mode) != 0) {
		perror(path);
		exit(1);
	}
	close(fd);
	return path;
}

int soft_set_up(void)
{
	char conf[256];
	strcpy(folder, "/tmp/reeve-token.XXXXXX");
	if (access(SOFT_MODULE, R_OK) != 0 || mkdtemp(folder) == NULL) {
		fprintf(stderr, "# there is no %s (package softhsm2)\n", SOFT_MODULE);
		return -1;
	}
	snprintf(conf, sizeof(conf), "%s/tokens", folder);
	if (mkdir(conf, 0700) != 0) {
		return -1;
	}
	snprintf(conf, sizeof(conf), "directories.tokendir = %s/tokens\nlog.level = ERROR\n", folder);
	setenv("SOFTHSM2_CONF", soft_file("softhsm2.conf", conf, 0600), 1);
	snprintf(pin_path, sizeof(pin_path), "%s", soft_file("pin", SOFT_PIN "\n", 0600));
	return 0;
}

int soft_tear_down(void)
{
	const char *argv[] = {"rm", "-rf", folder, NULL};
	return run(argv);
}

int soft_token(const char *label)
{
	const char *argv[] = {"softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin",
		"so-pin-5520", "--pin", SOFT_PIN, NULL};
	return run(argv);
}

static int move(const char *from, const char *to)
{
	char a[128];
	char b[128];
	snprintf(a, sizeof(a), "%s/%s", folder, from);
	snprintf(b, sizeof(b), "%s/%s", folder, to);
	return rename(a, b);
}

int soft_away(void)
{
	return move("tokens", "tokens.away");
}

int soft_back(void)
{
	return move("tokens.away", "tokens");
}

/* ---- pairs ---- */

static CK_FUNCTION_LIST *f;
static void *module;

static int end(void)
{
	f->C_Finalize(NULL);
	dlclose(module);
	return 0;
}

static int begin(const char *token, CK_SESSION_HANDLE *session)
{
	CK_RV (*get)(CK_FUNCTION_LIST **);
	CK_SLOT_ID slots[16];
	CK_ULONG n = 16;
	module = dlopen(SOFT_MODULE, RTLD_NOW | RTLD_LOCAL);
	void *symbol = module != NULL ? dlsym(module, "C_GetFunctionList") : NULL;
	memcpy(&get, &symbol, sizeof(get));
	if (symbol == NULL || get(&f) != CKR_OK || f->C_Initialize(NULL) != CKR_OK ||
		f->C_GetSlotList(CK_TRUE, slots, &n) != CKR_OK) {
		return -1;
	}
	for (CK_ULONG i = 0; i < n; i++) {
		CK_TOKEN_INFO info;
		char pin[] = SOFT_PIN;
		size_t len = strlen(token);
		if (f->C_GetTokenInfo(slots[i], &info) == CKR_OK &&
			memcmp(info.label, token, len) == 0 && info.label[len] == ' ' &&
			f->C_OpenSession(slots[i], CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
				session) == CKR_OK) {
			return f->C_Login(*session, CKU_USER, (CK_UTF8CHAR *)pin, strlen(pin)) ==
					       CKR_OK
				       ? 0
				       : -1;
		}
	}
	return -1;
}

static CK_ATTRIBUTE text(CK_ATTRIBUTE_TYPE type, const char *value)
{
	union {
		const char *borrowed;
		void *value;
	} v = {.borrowed = value};
	return (CK_ATTRIBUTE){type, v.value, value != NULL ? strlen(value) : 0};
}

int soft_pair(const char *token, const struct soft_pair *p)
{
	CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
	CK_BYTE p384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
	CK_BYTE f4[] = {1, 0, 1};
	CK_BBOOL yes = CK_TRUE;
	CK_BBOOL no = CK_FALSE;
	CK_ULONG bits = p->kind == SOFT_RSA_1024 ? 1024 : 2048;
	int rsa = p->kind == SOFT_RSA_1024 || p->kind == SOFT_RSA_2048;
	CK_BBOOL always = p->always_authenticate ? CK_TRUE : CK_FALSE;
	CK_SESSION_HANDLE session;
	CK_MECHANISM how = {rsa ? CKM_RSA_PKCS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN, NULL, 0};
	CK_ATTRIBUTE public[6] = {
		text(CKA_LABEL, p->public_label != NULL ? p->public_label : p->label),
		text(CKA_ID, p->id), {CKA_TOKEN, p->no_public ? &no : &yes, 1},
		{CKA_VERIFY, &yes, 1}};
	CK_ULONG n = 4;
	if (rsa) {
		public[n++] = (CK_ATTRIBUTE){CKA_MODULUS_BITS, &bits, sizeof(bits)};
		public[n++] = (CK_ATTRIBUTE){CKA_PUBLIC_EXPONENT, f4, sizeof(f4)};
	} else if (p->kind == SOFT_P256) {
		public[n++] = (CK_ATTRIBUTE){CKA_EC_PARAMS, p256, sizeof(p256)};
	} else {
		public[n++] = (CK_ATTRIBUTE){CKA_EC_PARAMS, p384, sizeof(p384)};
	}
	CK_ATTRIBUTE private[] = {text(CKA_LABEL, p->label), text(CKA_ID, p->id),
		{CKA_TOKEN, &yes, 1}, {CKA_PRIVATE, &yes, 1},
		{CKA_SENSITIVE, p->extractable ? &no : &yes, 1},
		{CKA_EXTRACTABLE, p->extractable ? &yes : &no, 1},
		{CKA_SIGN, p->may_not_sign ? &no : &yes, 1}, {CKA_ALWAYS_AUTHENTICATE, &always, 1}};
	CK_OBJECT_HANDLE made[2];
	if (begin(token, &session) != 0) {
		return -1;
	}
	CK_RV rv = f->C_GenerateKeyPair(session, &how, public, n, private, 8, &made[0], &made[1]);
	end();
	return rv == CKR_OK ? 0 : -1;
}

int soft_count(const char *token)
{
	CK_SESSION_HANDLE session;
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE wanted = {CKA_CLASS, &class, sizeof(class)};
	CK_OBJECT_HANDLE found[32];
	CK_ULONG n = 0;
	if (begin(token, &session) != 0 || f->C_FindObjectsInit(session, &wanted, 1) != CKR_OK ||
		f->C_FindObjects(session, found, 32, &n) != CKR_OK) {
		return -1;
	}
	end();
	return (int)n;
}
