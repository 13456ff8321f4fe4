#include "talk.h"
#include "common/channel.h"
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <string.h>
#include <unistd.h>

#define SOCKET_NAME "signaling.sock"

struct Talk {
	Channel *channel;
	int folder;
	bool is_done;
	json_t *result; /* of the last question; NULL with error */
	json_t *error;
};

static void say_why(const Words *words, int code, GError **error)
{
	if (code == EACCES || code == EPERM)
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
			"no right to speak to the server on %s: do it as root or as the user it "
			"runs as",
			words->data);
	else
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED,
			"no server is running on %s: start it with deploy/run or diemcau up, or "
			"name its folder with --data",
			words->data);
}

Talk *talk_open(const Words *words, GError **error)
{
	g_autoptr(Talk) talk = g_new0(Talk, 1);
	talk->folder = open(words->run, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (talk->folder < 0) {
		say_why(words, errno, error);
		return NULL;
	}
	/* A socket's path has at most 107 bytes, the way to the folder may have more. */
	g_autofree char *path = g_strdup_printf("/proc/self/fd/%d/" SOCKET_NAME, talk->folder);
	talk->channel = channel_new(path, NULL, NULL);
	if (channel_is_up(talk->channel))
		return g_steal_pointer(&talk);
	say_why(words, access(path, W_OK) < 0 ? errno : ECONNREFUSED, error);
	return NULL;
}

void talk_close(Talk *talk)
{
	if (!talk)
		return;
	channel_free(talk->channel);
	json_decref(talk->result);
	json_decref(talk->error);
	if (talk->folder >= 0)
		close(talk->folder);
	g_free(talk);
}

static void on_answer(json_t *result, json_t *error, void *user)
{
	Talk *talk = user;
	talk->is_done = true;
	talk->result = json_incref(result);
	talk->error = json_incref(error);
}

static void fail(const json_t *answer, GError **error)
{
	const char *reason =
		json_string_value(json_object_get(json_object_get(answer, "data"), "reason"));
	const char *message = json_string_value(json_object_get(answer, "message"));
	if (g_strcmp0(reason, "unavailable") == 0)
		message = "the server does not answer: look whether it was done before you try "
			  "again";
	g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_FAILED,
		message ? message : "the server refuses without a word");
}

json_t *talk_ask(Talk *talk, const char *method, json_t *params, GError **error)
{
	json_decref(talk->error);
	talk->error = NULL;
	talk->is_done = false;
	channel_call(talk->channel, method, params, on_answer, talk);
	while (!talk->is_done)
		g_main_context_iteration(NULL, TRUE);
	if (!talk->result)
		fail(talk->error, error);
	return g_steal_pointer(&talk->result);
}

json_t *talk_list(Talk *talk, const char *method, json_t *params, const char *list, GError **error)
{
	g_autoptr(json_t) base = params;
	g_autoptr(json_t) rows = json_array();
	for (bool more = true; more;) {
		g_autoptr(json_t) page = talk_ask(talk, method, json_deep_copy(base), error);
		if (!page)
			return NULL;
		json_t *part = json_object_get(page, list);
		json_array_extend(rows, part);
		json_t *after = json_object_get(page, "after");
		json_t *last = json_array_get(part, json_array_size(part) - 1);
		/* Questions go on below the number of the last one, the others by place. */
		json_object_set(base, "after", after ? after : json_object_get(last, "number"));
		more = json_is_true(json_object_get(page, "more")) && json_array_size(part);
	}
	return g_steal_pointer(&rows);
}
