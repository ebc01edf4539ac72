/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "protocol/catalog.h"
#include "protocol/stamp.h"
#include "protocol/xml.h"

static struct rv_catalog *catalog;

static const char *schemas(void)
{
	const char *dir = getenv("REEVE_SCHEMAS");
	return dir != NULL ? dir : "schemas";
}

static int set_up(void **state)
{
	struct rv_err e = {0};
	int rc = rv_xml_init(&e);
	rc = rc == 0 ? rv_catalog_load(&catalog, schemas(), NULL, &e) : rc;
	if (rc != 0) {
		fprintf(stderr, "%s\n", e.text);
	}
	return rc;
}

static int tear_down(void **state)
{
	rv_catalog_free(&catalog);
	assert_null(catalog);
	rv_catalog_free(&catalog);
	rv_xml_cleanup();
	return 0;
}

static void lists_hold_what_they_should(void **state)
{
	static const char *const there[][2] = {
		{"hs", "24"},
		{"hs", "2402"},
		{"hs", "240220"},
		{"units", "KGM"},
		{"packages", "CT"},
		{"countries", "KE"},
		{"subdivisions", "KE-28"},
		{"currencies", "USD"},
		{"languages", "sw"},
		{"languages", "fil"},
		{"kinds", "seizure"},
		{"detection-methods", "x-ray-scan"},
		{"nice-classes", "45"},
		{"basel", "Y48"},
		{"ozone", "F-I"},
	};
	static const char *const absent[][2] = {
		{"hs", "999999"},
		{"hs", "240"},
		{"units", "KG"},
		{"countries", "XX"},
		{"countries", "ke"},
		{"currencies", "DEM"},
		{"languages", "english"},
		{"nice-classes", "46"},
		{"kinds", ""},
	};
	for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++) {
		assert_int_equal(rv_catalog_has(catalog, there[i][0], there[i][1]), 1);
	}
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
		assert_int_equal(rv_catalog_has(catalog, absent[i][0], absent[i][1]), 0);
	}
	assert_int_equal(rv_catalog_has(catalog, "planets", "mars"), RV_ENOTFOUND);
	assert_string_equal(rv_catalog_name(catalog, "countries", "KE"), "Kenya");
	assert_string_equal(rv_catalog_name(catalog, "units", "H87"), "piece");
	assert_null(rv_catalog_name(catalog, "units", "nothing"));
	assert_null(rv_catalog_name(catalog, "planets", "mars"));
	assert_string_equal(
		rv_catalog_field(catalog, "categories-generic", "cigarettes", "parent"), "tobacco");
	assert_string_equal(rv_catalog_field(catalog, "hs", "240220", "edition"), "2022");
	assert_null(rv_catalog_field(catalog, "hs", "240220", "colour"));
	assert_string_equal(rv_catalog_dir(catalog), schemas());
}

struct seen {
	char first[32];
	char last[32];
	size_t n;
	size_t stop_at;
};

static int see(void *ctx, const char *code, const char *name)
{
	struct seen *s = ctx;
	assert_non_null(name);
	snprintf(s->n == 0 ? s->first : s->last, sizeof(s->first), "%s", code);
	return ++s->n == s->stop_at ? 7 : 0;
}

static void each_goes_in_file_order(void **state)
{
	struct seen s = {.stop_at = 0};
	assert_int_equal(rv_catalog_each(catalog, "nice-classes", see, &s), 0);
	assert_int_equal(s.n, 45);
	assert_string_equal(s.first, "1");
	assert_string_equal(s.last, "45");
	s = (struct seen){.stop_at = 3};
	assert_int_equal(rv_catalog_each(catalog, "hs", see, &s), 7);
	assert_int_equal(s.n, 3);
	assert_int_equal(rv_catalog_each(catalog, "planets", see, &s), RV_ENOTFOUND);
}

static void templates_come_with_dates_of_the_day(void **state)
{
	struct rv_buf b = {0};
	int64_t now;
	assert_non_null(rv_catalog_template(catalog, "warning"));
	assert_null(rv_catalog_template(catalog, "poem"));
	assert_ptr_equal(rv_catalog_template(catalog, "seizure"),
		rv_catalog_template(catalog, "seizure-short"));
	assert_int_equal(rv_stamp_parse(&now, "2031-12-30T15:00:00Z"), 0);
	assert_int_equal(rv_catalog_template_at(catalog, "poem", now, &b), RV_ENOTFOUND);
	assert_int_equal(rv_catalog_template_at(catalog, "seizure-long", now, &b), 0);
	assert_non_null(strstr(rv_buf_cstr(&b), "<OccurrenceDateTime>2031-12-29T09:20:00Z<"));
	assert_non_null(strstr(rv_buf_cstr(&b), "<BirthDate>1984-05-02<"));
	assert_null(strstr(rv_buf_cstr(&b), ">2026-"));
	rv_buf_reset(&b);
	assert_int_equal(rv_catalog_template_at(catalog, "warning", now, &b), 0);
	assert_non_null(strstr(rv_buf_cstr(&b), "<ExpirationDateTime>2032-01-05T00:00:00Z<"));
	rv_buf_free(&b);
}

static void refuse(const char *folder, const char *file, const char *content, const char *says)
{
	struct rv_err e = {0};
	struct rv_catalog *c = NULL;
	char dir[] = "/tmp/reeve-catalog.XXXXXX";
	char path[200];
	assert_non_null(mkdtemp(dir));
	const char *const folders[] = {"codes", "templates"};
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, folders[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	snprintf(path, sizeof(path), "%s/%s/%s", dir, folder, file);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(content, f);
	fclose(f);
	int rc = rv_catalog_load(&c, dir, NULL, &e);
	unlink(path);
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, folders[i]);
		rmdir(path);
	}
	rmdir(dir);
	assert_int_not_equal(rc, 0);
	assert_int_equal(e.code, rc);
	assert_null(c);
	assert_non_null(strstr(e.text, says));
}

static void wrong_folders_are_refused(void **state)
{
	struct rv_err e = {0};
	struct rv_catalog *c = NULL;
	assert_int_equal(rv_catalog_load(&c, "/nonexistent", NULL, &e), RV_ESYS);
	assert_non_null(strstr(e.text, "/nonexistent/codes"));
	assert_int_equal(rv_catalog_load(&c, schemas(), "/nonexistent", &e), RV_ECONFIG);
	assert_non_null(strstr(e.text, "countries"));
	assert_non_null(strstr(e.mend, "iso-codes"));
	refuse("codes", "a.csv", "code,name\nx,y,z\n", "line 2");
	refuse("codes", "a.csv", "code,name\nx,y\nz\n", "line 3");
	refuse("codes", "a.csv", "key,name\nx,y\n", "line 1");
	refuse("codes", "a.csv", "", "line 1");
	refuse("codes", "a.csv", "code,name\nx,y\n", "message.xsd");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_hold_what_they_should),
		cmocka_unit_test(each_goes_in_file_order),
		cmocka_unit_test(templates_come_with_dates_of_the_day),
		cmocka_unit_test(wrong_folders_are_refused),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
