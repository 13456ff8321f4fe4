/* csv.h - tables as spreadsheets write them and read them (RFC 4180)
 *
 * Read: UTF-8 with or without BOM, cells parted by comma, semicolon or tab (whichever the first
 * line has most of), quotes, any line end. Bounded in everything; what is wrong is told with its
 * line, and reading goes on behind it. Written: each cell in quotes, and nothing in it that a
 * spreadsheet would take for a formula; what was written reads back the same. Free of threads. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#define CSV_BYTES_MAX (10 * 1024 * 1024)
#define CSV_ROWS_MAX 5000 /* ten provinces of communes; without the first row, which names them */
#define CSV_CELLS_MAX 64
#define CSV_CELL_MAX 4096 /* bytes */
#define CSV_TROUBLES_MAX 5000

/* One row that is not empty. */
typedef struct CsvRow {
	unsigned line; /* where it begins; lines count from 1 */
	char **cells;  /* valid UTF-8 without NUL; ends with a NULL */
	unsigned count;
} CsvRow;

typedef struct CsvTrouble {
	unsigned line;
	const char *what; /* static text */
} CsvTrouble;

typedef struct Csv {
	GPtrArray *rows;  /* CsvRow */
	GArray *troubles; /* CsvTrouble, in order of their lines; then rows are not to be used */
} Csv;

/* Never NULL. */
Csv *csv_read(const void *data, size_t len);
void csv_free(Csv *csv);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Csv, csv_free)

/* The cell of a row, "" where the row is shorter. */
const char *csv_cell(const CsvRow *row, unsigned column);

#define CSV_BOM "\xef\xbb\xbf" /* without it, Excel takes UTF-8 for something else */

/* Adds one row, its cells borrowed, the last one followed by NULL. */
void csv_write(GString *out, const char *first, ...) G_GNUC_NULL_TERMINATED;
