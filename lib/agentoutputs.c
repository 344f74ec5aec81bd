/* SPDX-License-Identifier: Apache-2.0 */
#include "agentoutputs.h"

#include "confdiff.h"
#include "log.h"
#include "target.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static void tell(const struct config_output *config, unsigned int diff)
{
	CLEANUP(text_free) struct text line = {0};

	text_printf(&line, "output %s: ", config->name);
	if (diff) {
		text_str(&line, "changed (");
		confdiff_describe(&line, diff);
		text_str(&line, "): ");
	}
	target_describe(&line, config);
	log_info("%s", text_cstr(&line));
}

/* The one in use that goes on with that section. @return its number; now->n: none */
static size_t find(const struct agentoutputs *now, const struct config_output *config)
{
	size_t i = 0;

	while (i < now->n && !output_can_become(now->outputs[i], config))
		i++;
	return i;
}

/* @param i  number of a section: of an output that is there already. @return 1: there is none */
static int keep(const struct agentoutputs *now, const struct config_output *config,
                struct farewell *farewell, struct agentoutputs *next, size_t i)
{
	size_t at = find(now, config);
	unsigned int diff;

	if (at < now->n) {
		next->stays[i] = now->outputs[at];
		diff = output_diff(now->outputs[at], config);
		if (!(diff & CONFDIFF_STYLE))
			next->former[i] = at;
	} else {
		next->stays[i] = farewell_hold(farewell, config);
		next->held[i] = next->stays[i];
		diff = 0;
	}
	if (!next->stays[i])
		return 1;
	if (diff || next->held[i])
		tell(config, diff);
	return output_prepare(next->stays[i], config);
}

int agentoutputs_make(const struct agentoutputs *now, const struct config *config,
                      struct farewell *farewell, struct http *http, struct poller *poller,
                      struct agentoutputs *ret)
{
	assert(now && config && farewell && http && poller && ret);

	struct agentoutputs next = {0};
	int err = 0;

	for (size_t i = 0; i < config->n_outputs && !err; i++) {
		const struct config_output *section = &config->outputs[i];

		next.styles[next.n] = style_settings_of(section);
		next.former[next.n] = MAPSTREET_NEW_STYLE;
		err = keep(now, section, farewell, &next, next.n++);
		if (err == 1) {
			tell(section, 0);
			err = output_new(section, http, poller, &next.outputs[i]);
		}
		if (err)
			log_error("output %s: cannot be used: %s", section->name, strerror(-err));
	}
	if (err)
		agentoutputs_drop(&next, farewell);
	else
		*ret = next;
	return err;
}

void agentoutputs_drop(struct agentoutputs *next, struct farewell *farewell)
{
	for (size_t i = 0; i < next->n; i++) {
		output_free(next->outputs[i]);
		if (next->held[i])
			farewell_release(farewell, next->stays[i]);
	}
	*next = (struct agentoutputs){0};
}

static bool stays(const struct agentoutputs *next, const struct output *output)
{
	for (size_t i = 0; i < next->n; i++)
		if (next->stays[i] == output)
			return true;
	return false;
}

void agentoutputs_take(struct agentoutputs *now, struct agentoutputs *next,
                       struct farewell *farewell, struct config *old)
{
	struct output *leaving[CONFIG_MAX_OUTPUTS];
	size_t n_leaving = 0;

	for (size_t i = 0; i < now->n; i++) {
		if (stays(next, now->outputs[i]))
			continue;
		log_info("output %s: removed; what it has is delivered",
		         output_name(now->outputs[i]));
		leaving[n_leaving++] = now->outputs[i];
	}
	for (size_t i = 0; i < next->n; i++) {
		if (!next->stays[i])
			continue;
		if (next->held[i])
			farewell_recall(farewell, next->stays[i]);
		output_commit(next->stays[i]);
		next->outputs[i] = next->stays[i];
	}
	*now = *next;
	*next = (struct agentoutputs){0};
	/* Last: none but those that leave have a section of it now. */
	farewell_add(farewell, old, leaving, n_leaving);
}

void agentoutputs_free(struct agentoutputs *now)
{
	for (size_t i = 0; i < now->n; i++)
		output_free(now->outputs[i]);
	*now = (struct agentoutputs){0};
}
