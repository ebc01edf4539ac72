/* SPDX-License-Identifier: Apache-2.0 */
#include "node/api/api_int.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "node/api/json.h"

#define JSON_TYPE "application/json"
#define PROBLEM_TYPE "application/problem+json"

unsigned problem_status(int code)
{
	switch (code) {
	case RV_EINVAL:
	case RV_EPARSE:
		return 400;
	case RV_EDENIED:
		return 403;
	case RV_ENOTFOUND:
		return 404;
	case RV_EEXIST:
	case RV_EDUP:
		return 409;
	case RV_ELIMIT:
		return 413;
	case RV_ESCHEMA:
	case RV_ERULE:
	case RV_EPROFILE:
	case RV_EDIGEST:
	case RV_ESIGNATURE:
	case RV_EUNKNOWN:
	case RV_EEXPIRED:
	case RV_EVERSION:
		return 422;
	case RV_EAGAIN:
	case RV_ECLOSED:
	case RV_ETIMEOUT:
		return 503;
	default:
		return 500;
	}
}

static const char *title_of(unsigned status)
{
	switch (status) {
	case 400:
		return "The request cannot be understood";
	case 403:
		return "Not allowed";
	case 404:
		return "Not found";
	case 405:
		return "Not with this method";
	case 409:
		return "Conflict with what is there";
	case 413:
		return "Too large";
	case 422:
		return "The content is not acceptable";
	case 503:
		return "Not now";
	default:
		return "The node failed";
	}
}

json_t *problem_json(unsigned status, const struct rv_err *e, const struct rv_report *report)
{
	int bad = 0;
	json_t *o = json_object();
	struct rv_buf type = {0};
	rv_buf_printf(&type, "urn:reeve:problem:%s", rv_strcode(e->code));
	const char *type_text = rv_buf_cstr(&type);
	json_put(o, "type", type_text ? json_string(type_text) : NULL, &bad);
	rv_buf_free(&type);
	json_put(o, "title", json_string(title_of(status)), &bad);
	json_put(o, "status", json_integer(status), &bad);
	json_put(o, "detail", json_text(e->text[0] ? e->text : rv_strcode(e->code)), &bad);
	json_put_err(o, e, &bad);
	if (report && report->n) {
		json_t *r = json_of_report(report);
		json_t *faults = r ? json_object_get(r, "faults") : NULL;
		json_put(o, "faults", faults ? json_incref(faults) : NULL, &bad);
		json_decref(r);
	}
	return json_done(o, bad);
}

static void answer_text(struct call *c, unsigned status, const char *type, json_t *value,
	const char *const *headers)
{
	char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
	json_decref(value);
	static const char short_of_memory[] =
		"{\"type\":\"urn:reeve:problem:no-memory\",\"title\":\"The node "
		"failed\",\"status\":500,"
		"\"detail\":\"memory is short\",\"code\":\"no-memory\"}";
	if (text)
		http_answer(c->http, status, type, text, strlen(text), headers);
	else
		http_answer(c->http, 500, PROBLEM_TYPE, short_of_memory, sizeof short_of_memory - 1,
			NULL);
	free(text);
}

void answer_json(struct call *c, unsigned status, json_t *value)
{
	answer_text(c, status, JSON_TYPE, value, NULL);
}

void answer_empty(struct call *c, unsigned status)
{
	http_answer(c->http, status, JSON_TYPE, "", 0, NULL);
}

void answer_err(struct call *c, const struct rv_err *e)
{
	static const char *const retry[] = {"Retry-After", "1", NULL};
	unsigned status = problem_status(e->code);
	if (status == 500 && c->api->params.log)
		log_err(c->api->params.log, LOG_LVL_ERROR, "API request failed", e, "route",
			c->route ? c->route->path : "", NULL);
	answer_text(c, status, PROBLEM_TYPE, problem_json(status, e, NULL),
		status == 503 ? retry : NULL);
}

void answer_fail(struct call *c, int code, const char *fmt, ...)
{
	struct rv_err e = {0};
	char text[sizeof e.text];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	rv_fail(&e, code, "%s", text);
	answer_err(c, &e);
}

int param_number(struct call *c, const char *name, uint64_t fallback, uint64_t min, uint64_t max,
	uint64_t *n_r)
{
	const char *text = target_param(c->target, name);
	uint64_t n = fallback;
	if (text && (target_number(&n, text, max) || n < min)) {
		answer_fail(c, RV_EINVAL, "%s must be a number from %llu to %llu", name,
			(unsigned long long)min, (unsigned long long)max);
		return -1;
	}
	*n_r = n;
	return 0;
}

int param_operation(struct call *c, const char **code_r)
{
	const char *code = target_param(c->target, "operation");
	if (code && *code && !rv_opcode_valid(code)) {
		answer_fail(c, RV_EINVAL,
			"operation is not the code of an operation, such as DEMETER-X");
		return -1;
	}
	*code_r = code ? code : "";
	return 0;
}

int arg_uuid(struct call *c, uint8_t uuid[RV_UUID_LEN])
{
	if (!rv_uuid_parse(uuid, c->args[0]))
		return 0;
	answer_fail(c, RV_EINVAL, "the id of a message is a UUID of version 7 in lower case");
	return -1;
}
