/* SPDX-License-Identifier: Apache-2.0 */
#include "confdiff.h"

#include "config_case.h"

/* What differs between two configurations of one output. */
static unsigned int diff(const char *before, const char *after)
{
	struct config *old = NULL;
	unsigned int bits;

	assert_int_equal(load(before), 0);
	old = TAKE_PTR(config);
	assert_int_equal(load(after), 0);
	bits = confdiff_output(&old->outputs[0], &config->outputs[0]);
	assert_int_equal(confdiff_output(&config->outputs[0], &old->outputs[0]), bits);
	config_free(old);
	return bits;
}

static void the_same_section_elsewhere_in_the_file_is_no_change(void **state)
{
	assert_int_equal(
		diff("[output.x]\nurls = http://a\nquantiles = 0.5\nheader.A = b\n",
	             "; moved\n\n[output.x]\nheader.A = b\nquantiles = 0.50\nurls = http://a\n"),
		0);
	assert_int_equal(diff("", "[output.telegraf]\n"), 0);
}

static void what_depends_on_a_key_is_told(void **state)
{
	static const struct {
		const char *key;
		unsigned int bits;
	} cases[] = {
		{"urls = http://b", CONFDIFF_RECEIVER},
		{"urls = http://a http://b", CONFDIFF_RECEIVER},
		{"token = secret", CONFDIFF_RECEIVER},
		{"header.X = y", CONFDIFF_RECEIVER},
		{"timeout = 7s", CONFDIFF_RECEIVER},
		{"insecure_skip_verify = yes", CONFDIFF_RECEIVER},
		{"type = influx2", CONFDIFF_RECEIVER},
		{"type = stdout", CONFDIFF_RECEIVER | CONFDIFF_KIND},
		{"type = file\npath = /tmp/x", CONFDIFF_RECEIVER | CONFDIFF_KIND},
		{"content_encoding = identity", CONFDIFF_BODY},
		{"batch_max_bytes = 64KiB", CONFDIFF_BODY},
		{"spool_max_bytes = 1MiB", CONFDIFF_SPOOL},
		{"spool_dir =", CONFDIFF_SPOOL},
		{"style = prometheus", CONFDIFF_STYLE},
		{"style = fields\ntoken = secret", CONFDIFF_STYLE | CONFDIFF_RECEIVER},
		{"quantiles =", CONFDIFF_STYLE},
		{"quantiles = 0.5 0.9 0.99", CONFDIFF_STYLE},
		{"buckets_per_octave = 4", CONFDIFF_STYLE},
		{"le_padded = yes", CONFDIFF_STYLE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[256];

		snprintf(text, sizeof(text), "[output.x]\n%s\n", cases[i].key);
		assert_int_equal(diff("[output.x]\n", text), cases[i].bits);
	}
}

static void a_file_with_another_path_is_another_receiver_of_the_same_kind(void **state)
{
	assert_int_equal(diff("[output.x]\ntype = file\npath = /tmp/a\n",
	                      "[output.x]\ntype = file\npath = /tmp/b\n"),
	                 CONFDIFF_RECEIVER);
}

/* A text that is not the default of that key, and that it takes. */
static void write_other(const struct config_key *key, struct text *out)
{
	switch (key->type) {
	case CONFIG_BOOL:
		text_str(out, "yes");
		break;
	case CONFIG_DURATION:
		text_str(out, "2s");
		break;
	case CONFIG_BYTES:
		text_str(out, "3MiB");
		break;
	case CONFIG_POWER:
		text_str(out, "2");
		break;
	case CONFIG_URLS:
		text_str(out, "http://elsewhere");
		break;
	case CONFIG_CHOICE:
		text_str(out, key->choices[key->n_choices - 1]);
		break;
	case CONFIG_QUANTILES:
		text_str(out, "0.25");
		break;
	default:
		text_str(out, "other");
	}
}

/* Whoever adds a key need not think of reloading. */
static void no_key_of_an_output_is_overlooked(void **state)
{
	size_t n = 0;

	for (size_t i = 0; i < config_keys_n; i++) {
		const struct config_key *key = &config_keys[i];
		CLEANUP(text_free) struct text text = {0}, why = {0};
		struct config_output a = {0}, b = {0};

		if (strcmp(key->section, "output.*") || key->example)
			continue;
		assert_int_equal(confkeys_set_defaults("output.*", &a), 0);
		assert_int_equal(confkeys_set_defaults("output.*", &b), 0);
		assert_int_equal(confdiff_output(&a, &b), 0);
		write_other(key, &text);
		assert_int_equal(confvalue_set(key, &b, text_cstr(&text), &why), 0);
		if (!confdiff_output(&a, &b))
			fail_msg("%s = %s is overlooked", key->key, text_cstr(&text));
		confkeys_clear("output.*", &a);
		confkeys_clear("output.*", &b);
		n++;
	}
	assert_true(n > 20);
}

static void bits_are_words_for_a_person(void **state)
{
	CLEANUP(text_free) struct text text = {0};

	confdiff_describe(&text, CONFDIFF_RECEIVER | CONFDIFF_STYLE);
	assert_string_equal(text_cstr(&text), "receiver, style");
	text_clear(&text);
	confdiff_describe(&text, CONFDIFF_KIND | CONFDIFF_BODY | CONFDIFF_SPOOL);
	assert_string_equal(text_cstr(&text), "kind, body, spool");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(the_same_section_elsewhere_in_the_file_is_no_change,
	                                  forget),
		cmocka_unit_test_teardown(what_depends_on_a_key_is_told, forget),
		cmocka_unit_test_teardown(
			a_file_with_another_path_is_another_receiver_of_the_same_kind, forget),
		cmocka_unit_test(no_key_of_an_output_is_overlooked),
		cmocka_unit_test(bits_are_words_for_a_person),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
