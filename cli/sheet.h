/* sheet.h - the operator's list of sites: a table whose first row names its columns
 *
 * Columns by name, in Vietnamese (with or without its marks) or English, in any order:
 * name (tên, điểm cầu), commune (xã, phường), district (huyện, quận), province (tỉnh), phone (điện
 * thoại), number (stt). The level above may be missing: both kinds of province load. */
#pragma once
#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

typedef struct Sheet {
	json_t *rows; /* [{line, name, district, province, phone}], in the order of their numbers */
	GPtrArray *errors; /* of its own; empty when all is well */
	GString *ignored;  /* names of columns that mean nothing to us */
} Sheet;

void sheet_read(Sheet *sheet, const void *data, size_t len);
void sheet_clear(Sheet *sheet);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Sheet, sheet_clear)

/* One more error. line 0: with the table as a whole. */
void sheet_tell(Sheet *sheet, unsigned line, const char *what);
/* `FILE:LINE: what`, a line each, in the order of the lines; free with g_free. */
char *sheet_errors(Sheet *sheet, const char *path);
