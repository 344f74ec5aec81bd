/* SPDX-License-Identifier: Apache-2.0 */
#include "config_case.h"

#include <sys/stat.h>

static char dir[64];

static int make_dir(void **state)
{
	strcpy(dir, "/tmp/test_config.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	char path[128];
	snprintf(path, sizeof(path), "%s/conf.d", dir);
	return mkdir(path, 0755);
}

static int remove_dir(void **state)
{
	static const char *const names[] = {"main.ini",
	                                    "conf.d/10.ini",
	                                    "conf.d/9.ini",
	                                    "conf.d/.hidden.ini",
	                                    "conf.d/b.ini.bak",
	                                    "conf.d",
	                                    ""};
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		remove(path);
	}
	return forget(state);
}

static const char *path_of(const char *name)
{
	static char path[4][128];
	static int next;

	next = (next + 1) % 4;
	snprintf(path[next], sizeof(path[next]), "%s/%s", dir, name);
	return path[next];
}

static void write_file(const char *name, const char *data)
{
	FILE *f = fopen(path_of(name), "w");

	assert_non_null(f);
	fputs(data, f);
	fclose(f);
	chmod(path_of(name), 0640);
}

static int load_dir(const char *file)
{
	return load_from(NULL, &(struct config_sources){.file = file,
	                                                .main_file = path_of("main.ini"),
	                                                .dir = path_of("conf.d"),
	                                                .getenv = get_variable});
}

/* "10" stands before "9": the order is that of the bytes, on every host and in every locale. */
static void a_later_file_overrides_key_by_key(void **state)
{
	write_file("main.ini", "[agent]\ninterval = 1s\nhostname = main\nlog_level = debug\n");
	write_file("conf.d/9.ini", "[agent]\ninterval = 9s\n[output.x]\ndatabase = nine\n");
	write_file("conf.d/10.ini", "[agent]\ninterval = 2s\nhostname = ten\n[output.x]\n"
	                            "database = ten\nurls = http://ten\n");
	write_file("conf.d/.hidden.ini", "broken");
	write_file("conf.d/b.ini.bak", "broken");
	assert_int_equal(load_dir(NULL), 0);
	assert_int_equal(config->agent.interval_ns, 9000000000);
	assert_string_equal(config->agent.hostname, "ten");
	assert_int_equal(config->agent.log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(config->n_outputs, 1);
	assert_string_equal(config->outputs[0].database, "nine");
	assert_string_equal(config->outputs[0].urls.items[0], "http://ten");
}

static void one_file_can_stand_in_for_all(void **state)
{
	write_file("main.ini", "[agent]\ninterval = 1s\n");
	write_file("conf.d/9.ini", "broken");
	assert_int_equal(load_dir(path_of("main.ini")), 0);
	assert_int_equal(config->agent.interval_ns, 1000000000);
}

static void files_that_may_miss_and_one_that_may_not(void **state)
{
	assert_int_equal(load_dir(NULL), 0);
	assert_int_equal(load_dir(path_of("nothing.ini")), -EINVAL);
	assert_non_null(strstr(text_cstr(&said), "nothing.ini: cannot be read: No such file"));
	assert_int_equal(load_dir(path_of("conf.d")), -EINVAL);
	assert_non_null(strstr(text_cstr(&said), "cannot be read: Is a directory"));
}

static void mistakes_name_their_file(void **state)
{
	char want[256];

	write_file("conf.d/10.ini", "[agent]\n\nnonsense = 1\n");
	assert_int_equal(load_dir(NULL), -EINVAL);
	snprintf(want, sizeof(want), "%s:3: [agent] nonsense: no such key",
	         path_of("conf.d/10.ini"));
	assert_non_null(strstr(text_cstr(&said), want));
}

static void a_password_in_a_public_file_is_warned_of(void **state)
{
	static const char *const env[] = {"PW", "x", NULL};
	variables = env;

	write_file("main.ini", "[output.o]\nusername = u\npassword = hunter2\n");
	assert_int_equal(load_dir(NULL), 0);
	assert_string_equal(text_cstr(&said), "");
	chmod(path_of("main.ini"), 0644);
	assert_int_equal(load_dir(NULL), 0);
	assert_non_null(
		strstr(text_cstr(&said), "[output.o] password: everybody can read this file"));
	assert_null(strstr(text_cstr(&said), "hunter2"));
	write_file("main.ini", "[output.o]\nusername = u\npassword = ${PW}\n");
	chmod(path_of("main.ini"), 0644);
	assert_int_equal(load_dir(NULL), 0);
	assert_string_equal(text_cstr(&said), "");
}

/* ---- The file of all defaults. */

static void the_default_file_says_nothing_but_defaults(void **state)
{
	struct text file = {0};

	config_print_defaults(&file);
	assert_int_equal(load(text_cstr(&file)), 0);
	assert_string_equal(text_cstr(&said), "");
	assert_int_equal(config->n_outputs, 1);
	assert_string_equal(config->outputs[0].place, "");
	assert_int_equal(config->n_probes, 0);
	assert_int_equal(config->n_global_tags, 0);
	text_free(&file);
}

/* Each ";key = value" of it, uncommented, is taken, and changes nothing. */
static void the_default_file_uncommented_gives_the_defaults(void **state)
{
	CLEANUP(text_free) struct text file = {0}, open = {0};

	config_print_defaults(&file);
	assert_int_equal(load(""), 0);
	CLEANUP(config_freep) struct config *plain = TAKE_PTR(config);
	for (const char *line = text_cstr(&file); *line; line = strchr(line, '\n') + 1) {
		bool commented = line[0] == ';' && line[1] != ' ';
		const char *start = line + commented;
		text_append(&open, start, (size_t)(strchr(line, '\n') + 1 - start));
	}
	if (load(text_cstr(&open)) < 0)
		fail_msg("%s", text_cstr(&said));

	assert_int_equal(config->agent.interval_ns, plain->agent.interval_ns);
	assert_int_equal(config->agent.flush_jitter_ns, plain->agent.flush_jitter_ns);
	assert_int_equal(config->agent.series_ttl_ns, plain->agent.series_ttl_ns);
	assert_int_equal(config->agent.log_level, plain->agent.log_level);
	assert_int_equal(config->n_outputs, 1);
	const struct config_output *a = &config->outputs[0], *b = &plain->outputs[0];
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->urls.items[0], b->urls.items[0]);
	assert_string_equal(a->database, b->database);
	assert_string_equal(a->password, b->password);
	assert_int_equal(a->timeout_ns, b->timeout_ns);
	assert_int_equal(a->batch_max_bytes, b->batch_max_bytes);
	assert_string_equal(a->spool_dir, b->spool_dir);
	assert_int_equal(a->spool_max_bytes, b->spool_max_bytes);
	assert_int_equal(a->buckets_per_octave, b->buckets_per_octave);
	assert_int_equal(config->probes[0].enabled, -1);
	assert_int_equal(config->n_global_tags, 1);
}

static void the_shipped_file_is_the_default_file(void **state)
{
	CLEANUP(text_free) struct text file = {0};
	char shipped[16384];

	config_print_defaults(&file);
	FILE *f = fopen("conf/thermograf.ini", "r");
	if (!f)
		fail_msg("conf/thermograf.ini is not here; run the tests from the top folder");
	shipped[fread(shipped, 1, sizeof(shipped) - 1, f)] = '\0';
	fclose(f);
	assert_string_equal(shipped, text_cstr(&file));
}

static void every_key_is_documented(void **state)
{
	for (size_t i = 0; i < config_keys_n; i++) {
		const struct config_key *key = &config_keys[i];
		const char *doc = key->doc ? key->doc : "";
		assert_in_range(strlen(doc), 10, 120);
		assert_int_equal(doc[strlen(doc) - 1], '.');
		assert_ptr_equal(confkeys_find(key->section, key->key), key);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_later_file_overrides_key_by_key, make_dir,
	                                        remove_dir),
		cmocka_unit_test_setup_teardown(one_file_can_stand_in_for_all, make_dir,
	                                        remove_dir),
		cmocka_unit_test_setup_teardown(files_that_may_miss_and_one_that_may_not, make_dir,
	                                        remove_dir),
		cmocka_unit_test_setup_teardown(mistakes_name_their_file, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(a_password_in_a_public_file_is_warned_of, make_dir,
	                                        remove_dir),
		cmocka_unit_test(the_default_file_says_nothing_but_defaults),
		cmocka_unit_test(the_default_file_uncommented_gives_the_defaults),
		cmocka_unit_test(the_shipped_file_is_the_default_file),
		cmocka_unit_test(every_key_is_documented),
	};

	return cmocka_run_group_tests_name("conffile", tests, NULL, forget);
}
