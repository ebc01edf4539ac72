/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RV_DIGITS_H
#define RV_DIGITS_H

/*
 * Check digits and forms of the numbers that customs meet. Pure functions, safe in any thread.
 *
 * Each takes the number as text, without spaces, and returns 1 if it holds, 0 if it has the form
 * but not the right check digit (or the form alone is checked and fails), -1 if it is not a number
 * of that kind at all. A wrong digit is a reason to look again, never to refuse: smugglers clone
 * numbers, and an officer reports what was seen.
 *
 * Where digit_r is not NULL it receives the check digit that was expected, as a character; it is
 * left alone where the result is -1.
 */

/* Freight container, ISO 6346: four letters, the last U, J or Z, six digits, check digit modulo 11.
 */
int rv_digits_container(const char *text, char *digit_r);
/* Ship, IMO resolution A.1117(30): seven digits, weights 7 to 2, last digit of the sum. */
int rv_digits_imo(const char *text, char *digit_r);
/* Trade item, GS1 GTIN-8, -12, -13 and -14: weights 3 and 1 from the right. */
int rv_digits_gtin(const char *text, char *digit_r);
/* Postal item, UPU S10: two letters, eight digits, check digit modulo 11, two letters of a country.
 */
int rv_digits_s10(const char *text, char *digit_r);
/* Air waybill, IATA Resolution 600: three digits of the airline, an optional hyphen, seven digits,
 * the serial number modulo 7. */
int rv_digits_awb(const char *text, char *digit_r);
/* Vehicle, ISO 3779 with the check digit of 49 CFR 565 in place 9. Only vehicles for North America
 * (first character 1 to 5) have one; others hold by their form alone. */
int rv_digits_vin(const char *text, char *digit_r);
/* Ship station, ITU-R M.585: nine digits that begin with 2 to 7. A form without a check digit: 1 or
 * 0, -1 if not nine digits. */
int rv_digits_mmsi(const char *text);
/* Chemical substance, CAS Registry Number: digits weighted from the right, modulo 10. */
int rv_digits_cas(const char *text, char *digit_r);
/* Legal entity, ISO 17442: 20 letters and digits, ISO 7064 MOD 97-10. */
int rv_digits_lei(const char *text);

#endif
