#include "restart.h"
#include "clock.h"
#include "fragment.h"
#include <stdio.h>

#define COMPLAINTS_MAX 10

void restart_init(Restart *restart, Restarts *counts, Http *http)
{
	*restart = (Restart){ .counts = counts, .http = http };
}

/* Its PATCH may still be unanswered. */
static void end(Restart *restart)
{
	http_forget(restart->http, restart);
	restart->endpoint = NULL;
	restart->offer = NULL;
	restart->due_us = 0;
}

void restart_clear(Restart *restart)
{
	if (!restart_is_under_way(restart))
		return;
	restart->counts->asked--;
	end(restart);
}

void restart_done(Restart *restart)
{
	if (!restart_is_under_way(restart))
		return;
	restart->counts->done++;
	histogram_add(&restart->counts->times, clock_us() - restart->due_us);
	end(restart);
}

void restart_fail(Restart *restart, const char *why)
{
	if (!restart_is_under_way(restart))
		return;
	if (restart->counts->failed++ < COMPLAINTS_MAX)
		fprintf(stderr, "load: an ICE restart failed: %s\n", why);
	end(restart);
}

static void on_answer(const HttpAnswer *http, void *user)
{
	Restart *restart = user;
	g_autoptr(GError) error = NULL;
	Answer answer;
	if (http->status != 200) {
		g_autofree char *why =
			http->status ? g_strdup_printf("the PATCH was answered %ld: %.200s",
					       http->status, http->body)
				     : g_strdup(http->error);
		restart_fail(restart, why);
	} else if (!fragment_read(&answer, http->body, &error) ||
		   !endpoint_restart(restart->endpoint, restart->offer, &answer, &error)) {
		restart_fail(restart, error->message);
	}
}

void restart_ask(
	Restart *restart, Endpoint *endpoint, Offer *offer, const char *url, const char *token)
{
	g_assert(!restart_is_under_way(restart));
	restart->endpoint = endpoint;
	restart->offer = offer;
	restart->due_us = clock_us();
	restart->counts->asked++;
	offer_renew(offer);
	g_autofree char *fragment = fragment_write(offer);
	http_patch_fragment(restart->http, url, token, fragment, on_answer, restart);
}

bool restart_is_under_way(const Restart *restart)
{
	return restart->due_us;
}
