#include "options.h"
#include "target.h"
#include <gio/gio.h>
#include <jansson.h>
#include <string.h>

#define DEMO_MAX (1024 * 1024)
#define STORM_S 10 /* in which all come */

static bool refuse(GError **error, const char *why)
{
	g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, why);
	return false;
}

static bool take_link(json_t *demo, const char *name, char **url, char **token)
{
	const char *u, *t;
	if (json_unpack(demo, "{s:{s:s,s:s}}", name, "url", &u, "token", &t) < 0)
		return false;
	*url = g_strdup(u);
	*token = g_strdup(t);
	return true;
}

/* The last line that begins with a brace: a log of `diemcau up` will do. */
static bool read_demo(Options *options, GError **error)
{
	g_autofree char *text = NULL;
	size_t len;
	if (!g_file_get_contents(options->demo, &text, &len, error))
		return false;
	const char *line = len <= DEMO_MAX ? g_strrstr(text, "\n{") : NULL;
	line = line ? line + 1 : text;
	json_t *demo = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
	bool fine = demo && take_link(demo, "whip", &options->whip_url, &options->whip_token) &&
		    take_link(demo, "whep", &options->whep_url, &options->whep_token);
	json_decref(demo);
	if (!fine)
		return refuse(error, "--demo: the file holds no line of JSON with whip and whep");
	if (!options->anywhere && (!target_url_is_local(options->whip_url) ||
					  !target_url_is_local(options->whep_url)))
		return refuse(error,
			"the server is not this machine; --anywhere allows it. Load is "
			"an attack on whoever did not ask for it");
	return true;
}

static bool judge_janus(const Options *options, GError **error)
{
	if (options->demo || options->churn || options->churn_publishers || options->churn_restarts)
		return refuse(error, "--janus goes with neither --demo nor any --churn");
	return options->anywhere || target_url_is_local(options->janus) ||
	       refuse(error, "--janus: that is not this machine");
}

static bool between(int value, int low, int high)
{
	return value >= low && value <= high;
}

static bool judge(Options *options, GError **error)
{
	if (!options->demo && !options->janus)
		return refuse(
			error, "--demo FILE is missing: the line that `diemcau up --demo` prints");
	if (!between(options->viewers, 0, OPTIONS_VIEWERS_MAX) ||
		!between(options->liars, 0, options->viewers) ||
		!between(options->publishers, 0, OPTIONS_PUBLISHERS_MAX) ||
		!between(options->kbps, 50, 20000) || !between(options->rate, 1, 1000) ||
		!between(options->seconds, 1, 86400) || !between(options->settle, 0, 600) ||
		!between(options->sample, 0, OPTIONS_VIEWERS_MAX) ||
		!between(options->churn, 0, 1000000) ||
		!between(options->churn_publishers, 0, 1000000) ||
		!between(options->churn_restarts, 0, 1000000) ||
		!between(options->join_timeout, 1, 600) || !between(options->parallel, 1, 512))
		return refuse(error, "a number is out of its range");
	if (!strcmp(options->profile_name, "gcm"))
		options->profile = SRTP_PROFILE_AEAD_AES_128_GCM;
	else if (!strcmp(options->profile_name, "cm"))
		options->profile = SRTP_PROFILE_AES128_CM_SHA1_80;
	else if (strcmp(options->profile_name, "both"))
		return refuse(error, "--profile is gcm, cm or both");
	if (options->storm)
		options->rate = MAX(options->viewers / STORM_S, 1);
	return true;
}

bool options_read(Options *options, int argc, char **argv, GError **error)
{
	*options = (Options){ .viewers = 50,
		.publishers = 1,
		.kbps = 1500,
		.rate = 50,
		.seconds = 20,
		.settle = 3,
		.sample = 20,
		.join_timeout = 30,
		.parallel = 32,
		.room = 1,
		.profile_name = g_strdup("both") };
	const GOptionEntry entries[] = {
		{ "demo", 0, 0, G_OPTION_ARG_FILENAME, &options->demo,
			"where the output of `diemcau up --demo` is", "FILE" },
		{ "viewers", 0, 0, G_OPTION_ARG_INT, &options->viewers, "sites that watch", "N" },
		{ "liars", 0, 0, G_OPTION_ARG_INT, &options->liars,
			"of these, so many say that nothing comes; they are not in the figures", "N" },
		{ "publishers", 0, 0, G_OPTION_ARG_INT, &options->publishers,
			"speakers; the first is on the main picture, three are heard", "N" },
		{ "kbps", 0, 0, G_OPTION_ARG_INT, &options->kbps, "of each camera", "N" },
		{ "media", 0, 0, G_OPTION_ARG_FILENAME, &options->media,
			"real VP8 pictures, filled up to the rate", "FILE.ivf" },
		{ "paced", 0, 0, G_OPTION_ARG_NONE, &options->paced,
			"send frames as libwebrtc's pacer does, not each at once", NULL },
		{ "rate", 0, 0, G_OPTION_ARG_INT, &options->rate, "joins a second", "N" },
		{ "storm", 0, 0, G_OPTION_ARG_NONE, &options->storm,
			"all join within 10 s, each over a connection of its own", NULL },
		{ "parallel", 0, 0, G_OPTION_ARG_INT, &options->parallel, "requests at once", "N" },
		{ "join-timeout", 0, 0, G_OPTION_ARG_INT, &options->join_timeout,
			"until the first packet", "S" },
		{ "settle", 0, 0, G_OPTION_ARG_INT, &options->settle,
			"between the last join and the measurement", "S" },
		{ "seconds", 0, 0, G_OPTION_ARG_INT, &options->seconds, "measured", "S" },
		{ "come-back", 0, 0, G_OPTION_ARG_NONE, &options->come_back,
			"who gets nothing for 1.5 s leaves and joins anew", NULL },
		{ "churn", 0, 0, G_OPTION_ARG_INT, &options->churn,
			"random leaves and joins while it is measured", "N" },
		{ "churn-publishers", 0, 0, G_OPTION_ARG_INT, &options->churn_publishers,
			"speakers who leave and come back meanwhile", "N" },
		{ "churn-restarts", 0, 0, G_OPTION_ARG_INT, &options->churn_restarts,
			"ICE restarts while it is measured", "N" },
		{ "pli-burst", 0, 0, G_OPTION_ARG_NONE, &options->pli_burst,
			"every viewer asks for a keyframe within one second", NULL },
		{ "sample", 0, 0, G_OPTION_ARG_INT, &options->sample,
			"every so manieth viewer opens its packets; 0: none", "N" },
		{ "profile", 0, 0, G_OPTION_ARG_STRING, &options->profile_name, "of SRTP",
			"gcm|cm|both" },
		{ "janus", 0, 0, G_OPTION_ARG_STRING, &options->janus,
			"a videoroom of Janus instead, for comparison", "URL" },
		{ "room", 0, 0, G_OPTION_ARG_INT, &options->room, "of Janus (1)", "N" },
		{ "server-pid", 0, 0, G_OPTION_ARG_INT, &options->server_pid,
			"of diemcau-sfu, for its CPU and memory", "PID" },
		{ "metrics", 0, 0, G_OPTION_ARG_STRING, &options->metrics, "of the server", "URL" },
		{ "insecure", 0, 0, G_OPTION_ARG_NONE, &options->insecure,
			"take any certificate of the HTTPS server", NULL },
		{ "anywhere", 0, 0, G_OPTION_ARG_NONE, &options->anywhere,
			"also aim at other machines: yours, please", NULL },
		{ NULL },
	};
	g_autoptr(GOptionContext) context = g_option_context_new("- a hall full of sites");
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, error))
		return false;
	if (argc > 1)
		return refuse(error, "there are options only; --help lists them");
	return judge(options, error) &&
	       (options->janus ? judge_janus(options, error) : read_demo(options, error));
}

void options_clear(Options *options)
{
	g_free(options->media);
	g_free(options->demo);
	g_free(options->janus);
	g_free(options->metrics);
	g_free(options->profile_name);
	g_free(options->whip_url);
	g_free(options->whip_token);
	g_free(options->whep_url);
	g_free(options->whep_token);
}
