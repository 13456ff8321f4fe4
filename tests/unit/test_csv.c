/* Tables from spreadsheets: what they hold, where they are wrong, and that none becomes a formula.
 */
#include "common/csv.h"
#include "seed.h"
#include <glib.h>
#include <string.h>

static Csv *read_text(const char *text)
{
	return csv_read(text, strlen(text));
}

/* Cells joined by |, rows by /. */
static char *shown(const Csv *csv)
{
	g_autoptr(GString) out = g_string_new(NULL);
	for (unsigned i = 0; i < csv->rows->len; i++) {
		const CsvRow *row = csv->rows->pdata[i];
		g_autofree char *cells = g_strjoinv("|", row->cells);
		g_string_append_printf(out, "%s%u:%s", i ? "/" : "", row->line, cells);
	}
	return g_strdup(out->str);
}

static void reads_what_spreadsheets_write(void)
{
	static const struct {
		const char *text, *rows;
	} table[] = {
		{ "a,b\n1,2\n", "1:a|b/2:1|2" },
		{ "\xef\xbb\xbf"
		  "tên;huyện\r\nXã A;Huyện B\r\n",
			"1:tên|huyện/2:Xã A|Huyện B" },
		{ "a\tb,c\td\n", "1:a|b,c|d" },
		{ "a,b\n1,2", "1:a|b/2:1|2" },
		{ "a,b\r1,2\r", "1:a|b/2:1|2" }, /* Excel on an old Mac */
		{ "\"a,b\";\"c \"\"d\"\"\"\n", "1:a,b|c \"d\"" },
		{ "\"hai\r\ndòng\",b\nc,d\n", "1:hai\ndòng|b/3:c|d" },
		{ "a,b\n\n,\n , \n1,2\n", "1:a|b/5:1|2" }, /* empty rows are none */
		{ "a,,\n,b,\n", "1:a||/2:|b|" },
		{ "\"a;b\",c;d,e\n", "1:a;b|c;d|e" }, /* what stands in quotes parts nothing */
		{ "'+84912,'=x,'x\n", "1:+84912|=x|'x" },
		{ "", "" },
	};
	for (unsigned i = 0; i < G_N_ELEMENTS(table); i++) {
		g_autoptr(Csv) csv = read_text(table[i].text);
		g_autofree char *rows = shown(csv);
		g_assert_cmpstr(rows, ==, table[i].rows);
		g_assert_cmpuint(csv->troubles->len, ==, 0);
	}
}

static void assert_troubles(const Csv *csv, const char *expected)
{
	g_autoptr(GString) out = g_string_new(NULL);
	for (unsigned i = 0; i < csv->troubles->len; i++) {
		const CsvTrouble *trouble = &g_array_index(csv->troubles, CsvTrouble, i);
		g_string_append_printf(out, "%u:%.9s ", trouble->line, trouble->what);
	}
	g_assert_cmpstr(out->str, ==, expected);
}

static void tells_each_trouble_with_its_line(void)
{
	g_autoptr(Csv) csv = read_text("a,b\nc\xff,d\ne,f\"g\nh,i\n\n\"k,l\nm\n");
	assert_troubles(csv, "2:is not UT 3:has a quo 6:a quote i ");
	g_autofree char *rows = shown(csv);
	g_assert_cmpstr(rows, ==, "1:a|b/4:h|i");

	g_autoptr(Csv) nul = csv_read("a,b\n\0,c\n", 8);
	assert_troubles(nul, "2:holds a N ");
	g_autoptr(Csv) wide = read_text("\xff\xfe"
					"a");
	assert_troubles(wide, "1:the table ");
}

static void is_bounded(void)
{
	g_autofree char *cell = g_strnfill(CSV_CELL_MAX + 1, 'x');
	g_autoptr(Csv) wide = read_text(cell);
	assert_troubles(wide, "1:a cell is ");
	g_autofree char *commas = g_strnfill(CSV_CELLS_MAX, ',');
	g_autoptr(Csv) many = read_text(commas);
	assert_troubles(many, "1:has more  ");

	g_autoptr(GString) rows = g_string_new(NULL);
	for (unsigned i = 0; i < CSV_ROWS_MAX + 1; i++)
		g_string_append(rows, "x\n");
	g_autoptr(Csv) full = csv_read(rows->str, rows->len);
	g_assert_cmpuint(full->troubles->len, ==, 0);
	g_string_append(rows, "x\n");
	g_autoptr(Csv) over = csv_read(rows->str, rows->len);
	assert_troubles(over, "5002:is one ro ");

	g_autofree char *large = g_malloc0(CSV_BYTES_MAX + 1);
	g_autoptr(Csv) huge = csv_read(large, CSV_BYTES_MAX + 1);
	assert_troubles(huge, "1:the table ");
}

static void writes_no_formula(void)
{
	static const char *const hostile[] = { "=1+1", "+84", "-1", "@SUM(A1)", "\tx", "\rx", "＝1",
		"＋1", "－1", "＠x", "'=1", "''=1", "=HYPERLINK(\"http://x\",\"y\")" };
	for (unsigned i = 0; i < G_N_ELEMENTS(hostile); i++) {
		g_autoptr(GString) out = g_string_new(NULL);
		csv_write(out, hostile[i], "b", NULL);
		g_assert_true(g_str_has_prefix(out->str, "\"'"));
	}
	g_autoptr(GString) tame = g_string_new(NULL);
	csv_write(tame, "Xã A", "0912", "a=b", "", NULL);
	g_assert_cmpstr(tame->str, ==, "\"Xã A\",\"0912\",\"a=b\",\"\"\r\n");
}

static char *random_cell(GRand *rand)
{
	static const char *const parts[] = { "=", "'", "\"", ",", ";", "\n", "ă", " ", "-", "x",
		"＝", "\t" };
	GString *cell = g_string_new("x" + g_rand_boolean(rand));
	for (int n = g_rand_int_range(rand, 0, 8); n; n--)
		g_string_append(cell, parts[g_rand_int_range(rand, 0, G_N_ELEMENTS(parts))]);
	return g_string_free(cell, FALSE);
}

static void reads_back_what_it_wrote(void)
{
	GRand *rand = seeded_random();
	for (unsigned round = 0; round < 3000; round++) {
		g_autofree char *a = random_cell(rand), *b = random_cell(rand);
		g_autoptr(GString) out = g_string_new(CSV_BOM);
		csv_write(out, "head,er", "two", NULL);
		csv_write(out, a, b, "end", NULL);
		g_autoptr(Csv) csv = csv_read(out->str, out->len);
		g_assert_cmpuint(csv->troubles->len, ==, 0);
		const CsvRow *row = csv->rows->pdata[1];
		g_assert_cmpstr(csv_cell(row, 0), ==, a);
		g_assert_cmpstr(csv_cell(row, 1), ==, b);
		g_assert_cmpstr(csv_cell(row, 3), ==, "");
	}
	g_rand_free(rand);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/csv/reads-what-spreadsheets-write", reads_what_spreadsheets_write);
	g_test_add_func("/csv/tells-each-trouble-with-its-line", tells_each_trouble_with_its_line);
	g_test_add_func("/csv/is-bounded", is_bounded);
	g_test_add_func("/csv/writes-no-formula", writes_no_formula);
	g_test_add_func("/csv/reads-back-what-it-wrote", reads_back_what_it_wrote);
	return g_test_run();
}
