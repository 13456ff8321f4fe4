/* main.c - diemcau-link: a weak line between clients and a server, told what to do as it goes
 *
 *     diemcau-link --listen 127.0.0.1:7001 --to 127.0.0.1:7000 --tcp --script weak.txt
 *
 * Each --listen goes to the --to of the same place. step.h has the language. A line on stdin is a
 * step that happens now, and is answered by a line, `ok` or `error: …`; `stats` answers with JSON
 * in place of ok. Before the first answer come `seed N`, a `listening …` for each port, and
 * `ready`: a script's time begins there. Ends with `end`, with SIGTERM, or with stdin when there is
 * no script. */
#include "hop.h"
#include "script.h"
#include "tests/bench/target.h"
#include <gio/gio.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Program {
	Hop *hop;
	Script *script;
	int64_t started_us;
	GMainLoop *loop;
	GString *typed; /* the line that stdin has not ended yet */
	bool too_long;
	bool failed; /* a step of the script could not be done */
	char **listen, **to, *script_path;
	gint64 seed;
	gboolean tcp, anywhere;
} Program;

static bool refuse(GError **error, const char *why)
{
	g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, why);
	return false;
}

static bool do_step(Program *program, const Step *step, GError **error)
{
	if (step->kind == STEP_END)
		g_main_loop_quit(program->loop);
	if (step->kind != STEP_STATS)
		return hop_apply(program->hop, step, error);
	char *stats = hop_stats(program->hop);
	puts(stats);
	free(stats);
	return true;
}

/* --- the script --- */

static gboolean on_time(gpointer user)
{
	Program *program = user;
	const Step *step;
	int64_t since_us = g_get_monotonic_time() - program->started_us;
	while ((step = script_due(program->script, since_us))) {
		g_autoptr(GError) error = NULL;
		if (do_step(program, step, &error))
			continue;
		fprintf(stderr, "diemcau-link: at %.3f s: %s\n", (double)since_us / 1e6,
			error->message);
		program->failed = true;
	}
	int64_t next_us = script_next_us(program->script);
	if (next_us != LANE_NEVER_US)
		g_timeout_add_full(G_PRIORITY_HIGH, (guint)((next_us - since_us + 999) / 1000),
			on_time, program, NULL);
	return G_SOURCE_REMOVE;
}

static bool read_script(Program *program, GError **error)
{
	g_autofree char *text = NULL;
	size_t len;
	if (!program->script_path)
		return true;
	if (!g_file_get_contents(program->script_path, &text, &len, error))
		return false;
	program->script = script_read(text, len, error);
	return program->script != NULL;
}

/* --- what is typed --- */

static void answer(Program *program, const char *line)
{
	Step step;
	g_autoptr(GError) error = NULL;
	bool fine = program->too_long
			    ? refuse(&error, "the line is too long")
			    : step_read(&step, line, &error) && do_step(program, &step, &error);
	if (!fine)
		printf("error: %s\n", error->message);
	else if (step.kind != STEP_STATS)
		puts("ok");
}

static void take_byte(Program *program, char byte)
{
	if (byte == '\n') {
		answer(program, program->typed->str);
		g_string_truncate(program->typed, 0);
		program->too_long = false;
	} else if (program->typed->len < STEP_TEXT_MAX && byte) {
		g_string_append_c(program->typed, byte);
	} else {
		program->too_long = true;
	}
}

static gboolean on_typed(gint fd, GIOCondition condition, gpointer user)
{
	Program *program = user;
	char bytes[512];
	ssize_t len = read(fd, bytes, sizeof bytes);
	for (ssize_t i = 0; i < len; i++)
		take_byte(program, bytes[i]);
	if (len > 0)
		return G_SOURCE_CONTINUE;
	if (!program->script)
		g_main_loop_quit(program->loop);
	return G_SOURCE_REMOVE;
}

static gboolean on_signal(gpointer user)
{
	Program *program = user;
	g_main_loop_quit(program->loop);
	return G_SOURCE_CONTINUE;
}

/* --- how it is called --- */

/* 127.0.0.1:7000 or [::1]:7000 */
static bool read_end(const char *text, Address *address)
{
	const char *colon = strrchr(text, ':');
	bool bracketed = *text == '[' && colon && colon > text + 1 && colon[-1] == ']';
	guint64 port;
	if (!colon || !g_ascii_string_to_unsigned(colon + 1, 10, 1, UINT16_MAX, &port, NULL))
		return false;
	g_autofree char *ip = g_strndup(text + bracketed, (size_t)(colon - text) - 2 * bracketed);
	address->len = target_read(&address->at, ip, (unsigned)port);
	return address->len && bracketed == (address->at.ss_family == AF_INET6);
}

static bool add_port(Program *program, const char *listen, const char *to, GError **error)
{
	Address here, there;
	if (!read_end(listen, &here) || !read_end(to, &there))
		return refuse(error, "an address is 127.0.0.1:7000 or [::1]:7000");
	if (!program->anywhere && (!target_is_local(&here.at) || !target_is_local(&there.at)))
		return refuse(error, "that is not this machine; --anywhere allows it");
	if (!strcmp(listen, to))
		return refuse(error, "--listen and --to are the same: it would talk to itself");
	if (!hop_add(program->hop, &here, &there, program->tcp, error)) {
		g_prefix_error(error, "%s: ", listen);
		return false;
	}
	printf("listening %s to %s\n", listen, to);
	return true;
}

static bool read_options(Program *program, int argc, char **argv, GError **error)
{
	program->seed = g_random_int();
	const GOptionEntry entries[] = {
		{ "listen", 0, 0, G_OPTION_ARG_STRING_ARRAY, &program->listen,
			"where clients come; up to 4, they share the line", "IP:PORT" },
		{ "to", 0, 0, G_OPTION_ARG_STRING_ARRAY, &program->to, "the server behind it",
			"IP:PORT" },
		{ "tcp", 0, 0, G_OPTION_ARG_NONE, &program->tcp, "TCP also, not UDP alone", NULL },
		{ "seed", 0, 0, G_OPTION_ARG_INT64, &program->seed, "of all chance", "N" },
		{ "script", 0, 0, G_OPTION_ARG_FILENAME, &program->script_path,
			"what happens, and when", "FILE" },
		{ "anywhere", 0, 0, G_OPTION_ARG_NONE, &program->anywhere,
			"other machines too: yours, please", NULL },
		{ NULL },
	};
	g_autoptr(GOptionContext) context = g_option_context_new("- a weak line");
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, error))
		return false;
	if (argc > 1)
		return refuse(error, "there are options only; --help lists them");
	if (program->seed < 0 || program->seed > UINT32_MAX)
		return refuse(error, "--seed is from 0 to 4294967295");
	if (!program->listen || !program->to ||
		g_strv_length(program->listen) != g_strv_length(program->to))
		return refuse(error, "each --listen needs a --to");
	return true;
}

static bool run(Program *program, int argc, char **argv, GError **error)
{
	if (!read_options(program, argc, argv, error) || !read_script(program, error))
		return false;
	printf("seed %u\n", (unsigned)program->seed);
	program->hop = hop_new((uint32_t)program->seed);
	for (unsigned i = 0; program->listen[i]; i++)
		if (!add_port(program, program->listen[i], program->to[i], error))
			return false;
	g_unix_signal_add(SIGINT, on_signal, program);
	g_unix_signal_add(SIGTERM, on_signal, program);
	g_unix_fd_add(STDIN_FILENO, G_IO_IN, on_typed, program);
	puts("ready");
	program->started_us = g_get_monotonic_time();
	if (program->script)
		on_time(program);
	g_main_loop_run(program->loop);
	return true;
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	Program program = { .loop = g_main_loop_new(NULL, FALSE), .typed = g_string_new(NULL) };
	setvbuf(stdout, NULL, _IOLBF, 0);
	bool fine = run(&program, argc, argv, &error) && !program.failed;
	if (error)
		fprintf(stderr, "diemcau-link: %s\n", error->message);
	hop_free(program.hop);
	script_free(program.script);
	g_main_loop_unref(program.loop);
	g_string_free(program.typed, TRUE);
	g_strfreev(program.listen);
	g_strfreev(program.to);
	g_free(program.script_path);
	return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
