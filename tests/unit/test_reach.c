/* SPDX-License-Identifier: Apache-2.0 */
/* Real receivers on loopback, asked all at once. */
#include "reach.h"

#include "receiver.h"

#include <signal.h>
#include <stdint.h>
#include <time.h>

#define DATABASE_MISSING "{\"error\":\"database not found: \\\"telegraf\\\"\"}"
#define NO_LINES "<html>bad request</html>"

static struct config *load(const char *text)
{
	struct config *config = NULL;
	struct report report = {0};
	int err = config_parse("t.ini", text, strlen(text), NULL, &config, &report);

	if (err)
		fail_msg("%s", report.n_items ? report.items[0].text : "no memory");
	report_free(&report);
	return config;
}

static struct reaches ask(const struct config *config)
{
	struct lineproto_globals globals;
	struct reaches reaches;

	signal(SIGPIPE, SIG_IGN);
	lineproto_globals_init(&globals, config->global_tags, config->n_global_tags, "web1");
	assert_int_equal(reach_all(config, &globals, &reaches), 0);
	return reaches;
}

static void assert_says(const struct reach *reach, bool taken, const char *words)
{
	if (reach->taken != taken || !strstr(text_cstr(&reach->answer), words))
		fail_msg("%s: %s; wanted: %s", taken ? "taken" : "not taken",
		         text_cstr(&reach->answer), words);
}

static void one_point_with_all_tags_is_written_and_taken(void **state)
{
	static struct receiver r;
	CLEANUP(text_free) struct text ini = {0};

	receiver_start(&r);
	text_printf(&ini, "[global_tags]\ndc = east\n[output.a]\nurls = http://127.0.0.1:%u\n",
	            r.port);
	struct config *config = load(text_cstr(&ini));
	struct reaches reaches = ask(config);

	assert_int_equal(reaches.n, 1);
	assert_says(&reaches.items[0], true, "takes what is sent: it answers 204 after ");
	assert_int_equal(reaches.items[0].status, 204);
	receiver_stop(&r);
	assert_non_null(strstr(text_cstr(&r.stored), "thermograf_check,dc=east,host=web1 ok=1i "));
	reach_free(&reaches);
	config_free(config);
	receiver_free(&r);
}

static void every_answer_is_explained(void **state)
{
	static const struct {
		struct receiver_step step;
		const char *words;
	} cases[] = {
		{{.status = 404, .body = DATABASE_MISSING},
	         "answers 404 \"database not found: telegraf\"; create it with: CREATE DATABASE \"telegraf\""},
		{{.status = 401, .body = ""},
	         "answers 401; set token, or username and password, in [output.a]"},
		{{.status = 400, .body = NO_LINES}, "answers 400; check urls of [output.a]"},
		{{.status = 400, .body = "what is this?"},
	         "answers 400 \"what is this?\"; does it take line protocol there? check type and urls "
	         "of [output.a]"},
		{{.status = 404, .body = "nothing here"},
	         "answers 404 \"nothing here\"; check type and the path in urls of [output.a]"},
		{{.status = 301, .body = ""}, "answers 301; check urls of [output.a]"},
		{{.status = 503, .body = "busy"}, "answers 503 \"busy\""},
		{{.manner = RECEIVER_CLOSE}, "gives no answer: "},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		static struct receiver r;
		CLEANUP(text_free) struct text ini = {0};

		r = (struct receiver){.steps = {cases[i].step}, .n_steps = 1};
		receiver_start(&r);
		text_printf(&ini, "[output.a]\nurls = http://127.0.0.1:%u\n", r.port);
		struct config *config = load(text_cstr(&ini));
		struct reaches reaches = ask(config);

		assert_says(&reaches.items[0], false, cases[i].words);
		reach_free(&reaches);
		config_free(config);
		receiver_stop(&r);
		receiver_free(&r);
	}
}

/* Two that hang cost no more than one; a file and standard output have no receiver. */
static void all_are_asked_at_once_and_within_their_timeout(void **state)
{
	static struct receiver first, second;
	const struct receiver_step hang = {.manner = RECEIVER_HANG};
	CLEANUP(text_free) struct text ini = {0};
	struct timespec before, after;

	first = (struct receiver){.steps = {hang}, .n_steps = 1};
	second = (struct receiver){.steps = {hang}, .n_steps = 1};
	receiver_start(&first);
	receiver_start(&second);
	text_printf(
		&ini,
		"[output.a]\nurls = http://127.0.0.1:%u\ntimeout = 1s\n"
		"[output.b]\nurls = http://127.0.0.1:%u http://no.such.host.invalid\ntimeout = 1s\n"
		"[output.c]\ntype = stdout\n[output.d]\ntype = file\npath = /dev/null\n"
		"[output.e]\ntoken_file = /nonexistent/token\n",
		first.port, second.port);
	struct config *config = load(text_cstr(&ini));

	clock_gettime(CLOCK_MONOTONIC, &before);
	struct reaches reaches = ask(config);

	clock_gettime(CLOCK_MONOTONIC, &after);
	/* In turn they would take two. */
	assert_true((double)(after.tv_sec - before.tv_sec) +
	                    (double)(after.tv_nsec - before.tv_nsec) / 1e9 <
	            1.9);
	assert_int_equal(reaches.n, 4);
	assert_says(&reaches.items[0], false, "gives no answer: ");
	assert_says(&reaches.items[1], false, "gives no answer: ");
	assert_says(&reaches.items[2], false, "no.such.host.invalid");
	assert_says(&reaches.items[3], false, "token_file: /nonexistent/token cannot be read");
	assert_string_equal(reaches.items[3].output->name, "e");
	reach_free(&reaches);
	config_free(config);
	receiver_stop(&first);
	receiver_stop(&second);
	receiver_free(&first);
	receiver_free(&second);
}

static void without_receivers_nobody_is_asked(void **state)
{
	struct config *config = load("[output.c]\ntype = stdout\n");
	struct reaches reaches = ask(config);

	assert_int_equal(reaches.n, 0);
	reach_free(&reaches);
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_point_with_all_tags_is_written_and_taken),
		cmocka_unit_test(every_answer_is_explained),
		cmocka_unit_test(all_are_asked_at_once_and_within_their_timeout),
		cmocka_unit_test(without_receivers_nobody_is_asked),
	};

	return cmocka_run_group_tests_name("reach", tests, NULL, NULL);
}
