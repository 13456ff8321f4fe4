/* options.h - what the operator wants of `diemcau up`
 *
 * The command line, then the environment and the configuration file (config.h), then the defaults.
 * Read once at start; paths are absolute, so that the folder may be changed afterwards. */
#pragma once
#include <glib.h>
#include <stdbool.h>

#define DEMO_SITES_MAX 1000

typedef struct Options {
	char *data;
	char *web; /* NULL: the pages that lie beside the program */
	char *cert, *key;
	char *config;
	char *user;
	char **announce; /* empty: the machine's own addresses */
	int http_port, media_port, admin_port;
	int workers;   /* of the sfu: a UDP socket each */
	bool one_port; /* media over TCP comes by http_port, too: media_port is for UDP alone */
	bool demo;
	int demo_sites;
	bool version; /* only this was asked for */
} Options;

/* argv[0] is the subcommand. Prints and exits on --help. False with error when it makes no sense.
 */
bool options_read(Options *options, int argc, char **argv, GError **error);
void options_clear(Options *options);
/* Puts what the daemons have to know into our environment, which they inherit: they may not be able
 * to read the configuration file. */
bool options_export(const Options *options, GError **error);
