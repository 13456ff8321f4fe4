/* The operator's list of sites: columns by name, in Vietnamese or English, errors with their lines.
 */
#include "cli/sheet.h"
#include <glib.h>
#include <string.h>

/* name|district|province|phone of each row, or its errors. */
static char *read_text(const char *text)
{
	g_auto(Sheet) sheet;
	sheet_read(&sheet, text, strlen(text));
	g_autofree char *errors = sheet_errors(&sheet, "F");
	GString *out = g_string_new(errors);
	size_t i;
	json_t *row;
	json_array_foreach(sheet.rows, i, row)
	{
		static const char *const keys[] = { "name", "district", "province", "phone" };
		g_string_append_printf(
			out, "%d:", (int)json_integer_value(json_object_get(row, "line")));
		for (unsigned k = 0; k < G_N_ELEMENTS(keys); k++)
			g_string_append_printf(out, "%s%s", k ? "|" : "",
				json_string_value(json_object_get(row, keys[k])));
		g_string_append_c(out, '\n');
	}
	return g_string_free(out, FALSE);
}

static void assert_reads(const char *text, const char *expected)
{
	g_autofree char *told = read_text(text);
	g_assert_cmpstr(told, ==, expected);
}

static void knows_columns_in_both_languages(void)
{
	assert_reads("name,district,phone\nA,B,1\n", "2:A|B||1\n");
	assert_reads("Tên điểm cầu;Huyện;Số điện thoại\nA;B;1\n", "2:A|B||1\n");
	assert_reads("SĐT,TỈNH/THÀNH PHỐ,Xã\n1,T,A\n", "2:A||T|1\n");
	assert_reads("ten,huyen,tinh\nA,B,T\n", "2:A|B|T|\n");
	/* NFD, as a Mac writes it. */
	assert_reads("te\xcc\x82n,huye\xcc\xa3\xcc\x82n\nA,B\n", "2:A|B||\n");
	/* A site within a commune. */
	assert_reads("tên,xã,huyện\nNhà văn hoá,Xã A,Huyện B\n", "2:Nhà văn hoá|Xã A, Huyện B||\n");
}

static void goes_by_the_numbers(void)
{
	assert_reads("stt,tên\n3,C\n1,A\n,D\n2,B\n", "3:A|||\n5:B|||\n2:C|||\n4:D|||\n");
	assert_reads("stt,tên\nx,A\n", "F:2: the number is no whole number from 1\n2:A|||\n");
}

static void tells_what_is_wrong(void)
{
	assert_reads("", "F:1: the table is empty\n");
	assert_reads("huyện,phone\nB,1\n",
		"F:1: no column is called name, tên, điểm cầu or xã: the first row must hold the "
		"names of the columns\n");
	assert_reads("tên,name\nA,B\n", "F:1: two columns mean the same: \"tên\" and \"name\"\n");
	assert_reads("stt,tên\nx,A\n1,\"B\n", "F:2: the number is no whole number from 1\n"
					      "F:3: a quote is opened and never closed\n2:A|||\n");
	assert_reads("tên\n\"A\n", "F:2: a quote is opened and never closed\n");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/sheet/knows-columns-in-both-languages", knows_columns_in_both_languages);
	g_test_add_func("/sheet/goes-by-the-numbers", goes_by_the_numbers);
	g_test_add_func("/sheet/tells-what-is-wrong", tells_what_is_wrong);
	return g_test_run();
}
