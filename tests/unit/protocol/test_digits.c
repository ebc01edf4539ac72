/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "protocol/digits.h"

/* A right number, and the same with each digit of its last place: only one of ten holds. */
static void one_of_ten(int (*check)(const char *, char *), const char *right, size_t place)
{
	char text[32];
	char digit = '?';
	int held = 0;
	assert_int_equal(check(right, &digit), 1);
	assert_int_equal(digit, right[place]);
	strcpy(text, right);
	for (char c = '0'; c <= '9'; c++) {
		text[place] = c;
		digit = '?';
		int rc = check(text, &digit);
		assert_int_equal(rc, c == right[place]);
		assert_int_equal(digit, right[place]);
		held += rc;
	}
	assert_int_equal(held, 1);
}

static void containers(void **state)
{
	one_of_ten(rv_digits_container, "CSQU3054383", 10);
	one_of_ten(rv_digits_container, "MSKU9070323", 10);
	/* Remainder 10 is written 0. */
	one_of_ten(rv_digits_container, "CSQU0000070", 10);
	assert_int_equal(rv_digits_container("TOLU4734787", NULL), 1);
	assert_int_equal(rv_digits_container("CSQX3054383", NULL), -1);
	assert_int_equal(rv_digits_container("csqu3054383", NULL), -1);
	assert_int_equal(rv_digits_container("CSQU305438", NULL), -1);
	assert_int_equal(rv_digits_container("CSQU30543833", NULL), -1);
	assert_int_equal(rv_digits_container("1SQU3054383", NULL), -1);
	assert_int_equal(rv_digits_container("", NULL), -1);
}

static void ships(void **state)
{
	one_of_ten(rv_digits_imo, "9074729", 6);
	one_of_ten(rv_digits_imo, "9176187", 6);
	assert_int_equal(rv_digits_imo("IMO9074729", NULL), -1);
	assert_int_equal(rv_digits_imo("907472", NULL), -1);
	assert_int_equal(rv_digits_mmsi("257123456"), 1);
	assert_int_equal(rv_digits_mmsi("970123456"), 0);
	assert_int_equal(rv_digits_mmsi("123456789"), 0);
	assert_int_equal(rv_digits_mmsi("25712345"), -1);
	assert_int_equal(rv_digits_mmsi("25712345A"), -1);
}

static void trade_items(void **state)
{
	one_of_ten(rv_digits_gtin, "4006381333931", 12);
	one_of_ten(rv_digits_gtin, "73513537", 7);
	one_of_ten(rv_digits_gtin, "036000291452", 11);
	one_of_ten(rv_digits_gtin, "10614141000415", 13);
	assert_int_equal(rv_digits_gtin("40063813339", NULL), -1);
	assert_int_equal(rv_digits_gtin("40063813339311111", NULL), -1);
	assert_int_equal(rv_digits_gtin("40063813339A1", NULL), -1);
}

static void post_and_air(void **state)
{
	one_of_ten(rv_digits_s10, "RA473124829GB", 10);
	/* 11 - 0 is written 5, 11 - 1 is written 0. */
	assert_int_equal(rv_digits_s10("RR000000005XX", NULL), 1);
	assert_int_equal(rv_digits_s10("RR000000080XX", NULL), 1);
	assert_int_equal(rv_digits_s10("RA47312482GB", NULL), -1);
	assert_int_equal(rv_digits_s10("R1473124829GB", NULL), -1);
	assert_int_equal(rv_digits_s10("RA473124829G1", NULL), -1);
	assert_int_equal(rv_digits_awb("020-18014603", NULL), 1);
	assert_int_equal(rv_digits_awb("02018014603", NULL), 1);
	assert_int_equal(rv_digits_awb("020-18014604", NULL), 0);
	assert_int_equal(rv_digits_awb("020-18014607", NULL), 0);
	assert_int_equal(rv_digits_awb("020 18014603", NULL), -1);
	assert_int_equal(rv_digits_awb("0201801460", NULL), -1);
	assert_int_equal(rv_digits_awb("", NULL), -1);
}

static void vehicles(void **state)
{
	char digit = '?';
	assert_int_equal(rv_digits_vin("11111111111111111", NULL), 1);
	assert_int_equal(rv_digits_vin("1M8GDM9AXKP042788", &digit), 1);
	assert_int_equal(digit, 'X');
	assert_int_equal(rv_digits_vin("1M8GDM9A1KP042788", &digit), 0);
	assert_int_equal(digit, 'X');
	/* Europe has no check digit. */
	assert_int_equal(rv_digits_vin("WVWZZZ1JZXW000001", NULL), 1);
	assert_int_equal(rv_digits_vin("1M8GDM9AXKP04278", NULL), -1);
	assert_int_equal(rv_digits_vin("1M8GDM9AXKP04278O", NULL), -1);
	assert_int_equal(rv_digits_vin("IM8GDM9AXKP042788", NULL), -1);
}

static void substances_and_entities(void **state)
{
	one_of_ten(rv_digits_cas, "53-21-4", 6);
	one_of_ten(rv_digits_cas, "7732-18-5", 8);
	one_of_ten(rv_digits_cas, "75-45-6", 6);
	assert_int_equal(rv_digits_cas("5321-4", NULL), -1);
	assert_int_equal(rv_digits_cas("5-21-4", NULL), -1);
	assert_int_equal(rv_digits_cas("53-2A-4", NULL), -1);
	assert_int_equal(rv_digits_cas("", NULL), -1);
	assert_int_equal(rv_digits_lei("5493001KJTIIGC8Y1R12"), 1);
	assert_int_equal(rv_digits_lei("5493001KJTIIGC8Y1R13"), 0);
	assert_int_equal(rv_digits_lei("5493001KJTIIGC8Y1R1"), -1);
	assert_int_equal(rv_digits_lei("5493001kJTIIGC8Y1R12"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(containers),
		cmocka_unit_test(ships),
		cmocka_unit_test(trade_items),
		cmocka_unit_test(post_and_air),
		cmocka_unit_test(vehicles),
		cmocka_unit_test(substances_and_entities),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
