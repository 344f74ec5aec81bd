/* SPDX-License-Identifier: Apache-2.0 */
#include "output.h"

#include "confdiff.h"
#include "outlet.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

struct output {
	const struct config_output *config;
	const struct config_output *next; /* prepared; NULL: nothing is */
	struct push *push;                /* NULL: stdout or file, and so the next */
	struct outlet *outlet;            /* NULL: over HTTP */
};

int output_new(const struct config_output *config, struct http *http, struct poller *poller,
               struct output **ret_output)
{
	assert(config && poller && ret_output);

	CLEANUP(output_freep) struct output *o = calloc(1, sizeof(*o));
	int err;

	if (!o)
		return -ENOMEM;
	o->config = config;
	if (config->type == OUTPUT_STDOUT || config->type == OUTPUT_FILE)
		err = outlet_new(config, poller, &o->outlet);
	else
		err = push_new(config, http, poller, &o->push);
	if (err)
		return err;
	*ret_output = TAKE_PTR(o);
	return 0;
}

unsigned int output_diff(const struct output *o, const struct config_output *config)
{
	assert(o && config);

	return confdiff_output(o->config, config);
}

bool output_can_become(const struct output *o, const struct config_output *config)
{
	return !strcmp(output_name(o), config->name) && !(output_diff(o, config) & CONFDIFF_KIND);
}

int output_prepare(struct output *o, const struct config_output *config)
{
	assert(o && config && output_can_become(o, config));

	int err = o->push ? push_prepare(o->push, config) : outlet_prepare(o->outlet, config);

	o->next = err ? NULL : config;
	return err;
}

void output_commit(struct output *o)
{
	assert(o && o->next);

	o->config = o->next;
	o->next = NULL;
	if (o->push)
		push_commit(o->push);
	else
		outlet_commit(o->outlet);
}

void output_free(struct output *o)
{
	if (!o)
		return;
	push_free(o->push);
	outlet_free(o->outlet);
	free(o);
}

void output_freep(struct output **o)
{
	output_free(*o);
}

const char *output_name(const struct output *o)
{
	assert(o);

	return o->config->name;
}

void output_lines(struct output *o, const char *lines, size_t len, uint64_t points,
                  const struct push_times *times)
{
	assert(o);

	if (o->push)
		push_lines(o->push, lines, len, points, times);
	else
		outlet_lines(o->outlet, lines, len, points, times->stamp_ns);
}

void output_flush(struct output *o)
{
	assert(o);

	if (o->push)
		push_flush(o->push);
	else
		outlet_flush(o->outlet);
}

bool output_is_busy(const struct output *o)
{
	assert(o);

	return o->push ? push_is_busy(o->push) : outlet_is_busy(o->outlet);
}

void output_tell_rest(struct output *o)
{
	assert(o);

	if (o->push)
		push_tell_rest(o->push);
	else
		outlet_tell_rest(o->outlet);
}

bool output_is_closed(const struct output *o)
{
	assert(o);

	return o->outlet && outlet_is_closed(o->outlet);
}

struct output_stats output_stats(const struct output *o)
{
	assert(o);

	return o->push ? push_stats(o->push) : outlet_stats(o->outlet);
}
