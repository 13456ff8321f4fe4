/* files.h - the built web pages, in memory
 *
 * Read once at start (and again on SIGHUP), gzipped once, served from memory: no path from outside
 * ever reaches the file system. Main thread. */
#pragma once
#include "server.h"

#define FILES_MAX 500                      /* the pages have some twenty */
#define FILES_BYTES_MAX (32 * 1024 * 1024) /* all of them together */

typedef struct Files Files;

/* From an open directory (borrowed), plain names and one level of folders. */
Files *files_load(int dir_fd, GError **error);
void files_free(Files *files);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Files, files_free)

/* Answers GET and HEAD: `/` is index.html, `/site` site.html; 404 for what is not there. */
void files_answer(Files *files, Exchange *exchange, const Request *request);
