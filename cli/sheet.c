#include "sheet.h"
#include "common/csv.h"
#include <string.h>

typedef enum Column { NAME, COMMUNE, DISTRICT, PROVINCE, PHONE, NUMBER, COLUMNS } Column;

#define NUMBER_MAX 1000000

/* As plain() leaves them. */
static const char *const names[COLUMNS][12] = {
	[NAME] = { "name", "site", "sitename", "ten", "tendiemcau", "diemcau", "donvi",
		"tendonvi" },
	[COMMUNE] = { "commune", "ward", "xa", "phuong", "xaphuong", "phuongxa", "tenxa",
		"xaphuongthitran" },
	[DISTRICT] = { "district", "huyen", "quan", "quanhuyen", "huyenquan", "tenhuyen",
		"khuvuc" },
	[PROVINCE] = { "province", "tinh", "tinhthanh", "tinhthanhpho", "tinhtp", "tentinh" },
	[PHONE] = { "phone", "telephone", "mobile", "dienthoai", "sodienthoai", "sdt", "dt",
		"didong" },
	[NUMBER] = { "number", "no", "stt", "tt", "sothutu", "so" },
};

/* Small letters without marks, spaces and signs: `Số điện thoại` is `sodienthoai`. */
static char *plain(const char *text)
{
	g_autofree char *small = g_utf8_casefold(text, -1);
	g_autofree char *apart = g_utf8_normalize(small, -1, G_NORMALIZE_NFD);
	GString *out = g_string_new(NULL);
	for (const char *at = apart; at && *at; at = g_utf8_next_char(at)) {
		gunichar c = g_utf8_get_char(at);
		if (c == 0x111) /* đ is a letter of its own, no d with a mark */
			c = 'd';
		if (c < 0x80 && g_ascii_isalnum((char)c))
			g_string_append_c(out, (char)c);
	}
	return g_string_free(out, FALSE);
}

typedef struct Error {
	unsigned line, place;
	char *what;
} Error;

static void free_error(void *data)
{
	g_free(((Error *)data)->what);
	g_free(data);
}

void sheet_tell(Sheet *sheet, unsigned line, const char *what)
{
	Error *error = g_new0(Error, 1);
	*error = (Error){ line, sheet->errors->len, g_strdup(what) };
	g_ptr_array_add(sheet->errors, error);
}

static int compare_errors(const void *a, const void *b)
{
	const Error *x = *(Error *const *)a, *y = *(Error *const *)b;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

char *sheet_errors(Sheet *sheet, const char *path)
{
	GString *text = g_string_new(NULL);
	g_ptr_array_sort(sheet->errors, compare_errors);
	for (unsigned i = 0; i < sheet->errors->len; i++) {
		const Error *error = sheet->errors->pdata[i];
		if (error->line)
			g_string_append_printf(text, "%s:%u: %s\n", path, error->line, error->what);
		else
			g_string_append_printf(text, "%s: %s\n", path, error->what);
	}
	return g_string_free(text, FALSE);
}

static Column column_of(const char *title)
{
	g_autofree char *word = plain(title);
	for (unsigned c = 0; c < COLUMNS; c++) {
		for (unsigned i = 0; i < G_N_ELEMENTS(names[c]) && names[c][i]; i++) {
			if (strcmp(names[c][i], word) == 0)
				return c;
		}
	}
	return COLUMNS;
}

/* Where each column stands, -1 for none. False, and told, when the first row names no site. */
static bool find_columns(Sheet *sheet, const CsvRow *row, int at[COLUMNS])
{
	for (unsigned c = 0; c < COLUMNS; c++)
		at[c] = -1;
	for (unsigned i = 0; i < row->count; i++) {
		Column c = column_of(row->cells[i]);
		if (c == COLUMNS) {
			if (*row->cells[i])
				g_string_append_printf(sheet->ignored, "%s\"%s\"",
					sheet->ignored->len ? ", " : "", row->cells[i]);
		} else if (at[c] >= 0) {
			g_autofree char *what =
				g_strdup_printf("two columns mean the same: \"%s\" and \"%s\"",
					row->cells[at[c]], row->cells[i]);
			sheet_tell(sheet, row->line, what);
			return false;
		} else {
			at[c] = (int)i;
		}
	}
	if (at[NAME] >= 0 || at[COMMUNE] >= 0)
		return true;
	sheet_tell(sheet, row->line,
		"no column is called name, tên, điểm cầu or xã: the first row must hold the names "
		"of the columns");
	return false;
}

static const char *cell(const CsvRow *row, const int at[COLUMNS], Column column)
{
	return at[column] < 0 ? "" : csv_cell(row, (unsigned)at[column]);
}

/* A site that is a commune is called by it; one within a commune keeps it beside the district. */
static json_t *read_row(const CsvRow *row, const int at[COLUMNS])
{
	const char *name = cell(row, at, NAME), *commune = cell(row, at, COMMUNE);
	const char *district = cell(row, at, DISTRICT);
	bool has_both = at[NAME] >= 0 && *commune;
	g_autofree char *above =
		has_both ? g_strdup_printf("%s%s%s", commune, *district ? ", " : "", district)
			 : g_strdup(district);
	return json_pack("{s:i, s:s, s:s, s:s, s:s}", "line", (int)row->line, "name",
		at[NAME] >= 0 ? name : commune, "district", above, "province",
		cell(row, at, PROVINCE), "phone", cell(row, at, PHONE));
}

typedef struct Ordered {
	guint64 number;
	unsigned place;
	json_t *row;
} Ordered;

static int compare(const void *a, const void *b)
{
	const Ordered *x = a, *y = b;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

static void read_rows(Sheet *sheet, const Csv *csv, const int at[COLUMNS])
{
	g_autoptr(GArray) order = g_array_new(FALSE, TRUE, sizeof(Ordered));
	for (unsigned i = 1; i < csv->rows->len; i++) {
		const CsvRow *row = csv->rows->pdata[i];
		Ordered one = { .place = i, .row = read_row(row, at) };
		g_autofree char *number = g_strstrip(g_strdup(cell(row, at, NUMBER)));
		if (!*number)
			one.number = NUMBER_MAX + 1; /* behind those that have one */
		else if (!g_ascii_string_to_unsigned(number, 10, 1, NUMBER_MAX, &one.number, NULL))
			sheet_tell(sheet, row->line, "the number is no whole number from 1");
		g_array_append_val(order, one);
	}
	g_array_sort(order, compare);
	for (unsigned i = 0; i < order->len; i++)
		json_array_append_new(sheet->rows, g_array_index(order, Ordered, i).row);
}

void sheet_read(Sheet *sheet, const void *data, size_t len)
{
	*sheet = (Sheet){ .rows = json_array(),
		.errors = g_ptr_array_new_with_free_func(free_error),
		.ignored = g_string_new(NULL) };
	g_autoptr(Csv) csv = csv_read(data, len);
	for (unsigned i = 0; i < csv->troubles->len; i++) {
		const CsvTrouble *trouble = &g_array_index(csv->troubles, CsvTrouble, i);
		sheet_tell(sheet, trouble->line, trouble->what);
	}
	int at[COLUMNS];
	if (!csv->rows->len && !sheet->errors->len)
		sheet_tell(sheet, 1, "the table is empty");
	else if (csv->rows->len && find_columns(sheet, csv->rows->pdata[0], at))
		read_rows(sheet, csv, at);
}

void sheet_clear(Sheet *sheet)
{
	json_decref(sheet->rows);
	if (sheet->errors)
		g_ptr_array_unref(sheet->errors);
	if (sheet->ignored)
		g_string_free(sheet->ignored, TRUE);
	*sheet = (Sheet){ 0 };
}
