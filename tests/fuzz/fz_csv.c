/* fz_csv.c - tables: bounded, in order, valid UTF-8; what is written reads back and is no formula
 */
#include "common/csv.h"
#include "fuzz.h"

static void judge_row(const CsvRow *row, unsigned after)
{
	g_assert(row->line > after);
	g_assert(row->count > 0 && row->count <= CSV_CELLS_MAX);
	g_assert(!row->cells[row->count]);
	for (unsigned i = 0; i < row->count; i++) {
		g_assert(strlen(row->cells[i]) <= CSV_CELL_MAX);
		g_assert(g_utf8_validate(row->cells[i], -1, NULL));
	}
}

/* Line ends within a cell come back as \n; what is too long does not come back. */
static void judge_round(const char *cell)
{
	if (strlen(cell) + 1 > CSV_CELL_MAX)
		return;
	GString *out = g_string_new(NULL);
	csv_write(out, "a", cell, NULL);
	const char *begin = strstr(out->str, ",\"") + 2;
	g_assert(!strchr("=+-@\t\r", *begin) || !*begin);
	Csv *csv = csv_read(out->str, out->len);
	g_assert(!csv->troubles->len && csv->rows->len == 1);
	g_assert(strcmp(csv_cell(csv->rows->pdata[0], 1), cell) == 0);
	csv_free(csv);
	g_string_free(out, TRUE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Csv *csv = csv_read(data, size);
	unsigned line = 0;
	g_assert(csv->rows->len <= CSV_ROWS_MAX + 1);
	for (unsigned i = 0; i < csv->rows->len; i++) {
		const CsvRow *row = csv->rows->pdata[i];
		judge_row(row, line);
		line = row->line;
		judge_round(csv_cell(row, 0));
	}
	g_assert(csv->troubles->len <= CSV_TROUBLES_MAX);
	for (unsigned i = 0; i < csv->troubles->len; i++) {
		const CsvTrouble *trouble = &g_array_index(csv->troubles, CsvTrouble, i);
		g_assert(trouble->line >= 1 && trouble->what);
	}
	csv_free(csv);
	return 0;
}
