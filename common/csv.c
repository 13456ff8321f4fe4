#include "csv.h"
#include "reader.h"
#include <string.h>

typedef struct Parser {
	Reader in;
	Csv *csv;
	char separator;
	unsigned line;     /* of the next byte */
	GString *cell;     /* being read */
	GPtrArray *cells;  /* of the row being read */
	const char *wrong; /* with the row being read; one trouble a row is enough */
	unsigned wrong_line;
} Parser;

static void free_row(void *data)
{
	CsvRow *row = data;
	g_strfreev(row->cells);
	g_free(row);
}

void csv_free(Csv *csv)
{
	if (!csv)
		return;
	g_ptr_array_unref(csv->rows);
	g_array_unref(csv->troubles);
	g_free(csv);
}

const char *csv_cell(const CsvRow *row, unsigned column)
{
	return column < row->count ? row->cells[column] : "";
}

static void add_trouble(Csv *csv, unsigned line, const char *what)
{
	CsvTrouble trouble = { line, what };
	if (csv->troubles->len < CSV_TROUBLES_MAX)
		g_array_append_val(csv->troubles, trouble);
}

/* The next byte without taking it; -1 at the end. */
static int peek(const Reader *in)
{
	return reader_left(in) ? *in->at : -1;
}

/* Whether a spreadsheet would take what follows any number of ' for a formula: OWASP's list with
 * the full-width signs. */
static bool is_formula(const char *text)
{
	static const char *const signs[] = { "=", "+", "-", "@", "\t", "\r", "＝", "＋", "－",
		"＠" };
	text += strspn(text, "'");
	for (unsigned i = 0; i < G_N_ELEMENTS(signs); i++) {
		if (g_str_has_prefix(text, signs[i]))
			return true;
	}
	return false;
}

static void go_wrong(Parser *parser, unsigned line, const char *what)
{
	if (parser->wrong)
		return;
	parser->wrong = what;
	parser->wrong_line = line;
}

static void keep_byte(Parser *parser, char byte)
{
	if (!byte)
		go_wrong(parser, parser->line, "holds a NUL: this is no text");
	else if (parser->cell->len >= CSV_CELL_MAX)
		go_wrong(parser, parser->line, "a cell is longer than 4096 bytes");
	else
		g_string_append_c(parser->cell, byte);
}

/* Steps over \n, \r\n or a lone \r, of which one byte is taken already. */
static void end_line(Parser *parser, char byte)
{
	if (byte == '\r' && peek(&parser->in) == '\n')
		(void)read_u8(&parser->in);
	parser->line++;
}

/* What stands between quotes; the first one is taken already. */
static void read_quoted(Parser *parser)
{
	unsigned begin = parser->line;
	while (reader_left(&parser->in)) {
		char byte = (char)read_u8(&parser->in);
		if (byte == '"' && peek(&parser->in) != '"')
			return;
		if (byte == '"')
			(void)read_u8(&parser->in);
		if (byte == '\n' || byte == '\r') {
			end_line(parser, byte);
			byte = '\n';
		}
		keep_byte(parser, byte);
	}
	go_wrong(parser, begin, "a quote is opened and never closed");
}

static void end_cell(Parser *parser)
{
	const char *text = parser->cell->str;
	if (!g_utf8_validate(text, (gssize)parser->cell->len, NULL))
		go_wrong(parser, parser->line, "is not UTF-8: save the table as \"CSV UTF-8\"");
	if (*text == '\'' && is_formula(text))
		text++; /* put there by csv_write(), or by whoever wrote against formulas too */
	if (parser->cells->len < CSV_CELLS_MAX)
		g_ptr_array_add(parser->cells, g_strdup(text));
	else
		go_wrong(parser, parser->line, "has more than 64 cells");
	g_string_truncate(parser->cell, 0);
}

/* One cell and what ends it: true when another one of the same row follows. */
static bool read_cell(Parser *parser)
{
	if (peek(&parser->in) == '"') {
		(void)read_u8(&parser->in);
		read_quoted(parser);
	}
	while (reader_left(&parser->in)) {
		unsigned line = parser->line;
		char byte = (char)read_u8(&parser->in);
		if (byte == parser->separator || byte == '\n' || byte == '\r') {
			end_cell(parser); /* told with its own line */
			if (byte != parser->separator)
				end_line(parser, byte);
			return byte == parser->separator;
		}
		if (byte == '"')
			go_wrong(parser, line, "has a quote in the middle of a cell");
		keep_byte(parser, byte);
	}
	end_cell(parser);
	return false;
}

static bool is_empty(const GPtrArray *cells)
{
	for (unsigned i = 0; i < cells->len; i++) {
		const char *text = cells->pdata[i];
		if (text[strspn(text, " \t\r\n")])
			return false;
	}
	return true;
}

/* Tells its trouble, keeps it, or forgets it where it is empty. */
static void end_row(Parser *parser, unsigned line)
{
	if (parser->wrong) {
		add_trouble(parser->csv, parser->wrong_line, parser->wrong);
	} else if (!is_empty(parser->cells)) {
		CsvRow *row = g_new0(CsvRow, 1);
		row->line = line;
		row->count = parser->cells->len;
		g_ptr_array_add(parser->cells, NULL);
		row->cells = (char **)g_ptr_array_steal(parser->cells, NULL);
		g_ptr_array_add(parser->csv->rows, row);
	}
	parser->wrong = NULL;
	g_ptr_array_set_size(parser->cells, 0);
}

static char find_separator(Reader in)
{
	unsigned counts[3] = { 0 };
	static const char signs[] = ",;\t";
	bool is_quoted = false;
	while (reader_left(&in)) {
		char byte = (char)read_u8(&in);
		if (byte == '"')
			is_quoted = !is_quoted;
		else if (!is_quoted && (byte == '\n' || byte == '\r'))
			break;
		const char *sign = byte && !is_quoted ? strchr(signs, byte) : NULL;
		if (sign)
			counts[sign - signs]++;
	}
	unsigned best = 0;
	for (unsigned i = 1; i < G_N_ELEMENTS(counts); i++) {
		if (counts[i] > counts[best])
			best = i;
	}
	return signs[best];
}

static void read_rows(Parser *parser)
{
	while (reader_left(&parser->in)) {
		unsigned line = parser->line;
		if (parser->csv->rows->len > CSV_ROWS_MAX) {
			add_trouble(
				parser->csv, line, "is one row too many: 5000 are taken at once");
			return;
		}
		while (read_cell(parser))
			;
		end_row(parser, line);
	}
}

Csv *csv_read(const void *data, size_t len)
{
	Csv *csv = g_new0(Csv, 1);
	csv->rows = g_ptr_array_new_with_free_func(free_row);
	csv->troubles = g_array_new(FALSE, FALSE, sizeof(CsvTrouble));
	if (len > CSV_BYTES_MAX) {
		add_trouble(csv, 1, "the table is larger than 10 MB");
		return csv;
	}
	if (len >= 2 && (memcmp(data, "\xff\xfe", 2) == 0 || memcmp(data, "\xfe\xff", 2) == 0)) {
		add_trouble(csv, 1, "the table is UTF-16: save it as \"CSV UTF-8\"");
		return csv;
	}
	Parser parser = { .in = reader_of(data, len), .csv = csv, .line = 1 };
	if (len >= 3 && memcmp(data, CSV_BOM, 3) == 0)
		read_skip(&parser.in, 3);
	parser.separator = find_separator(parser.in);
	parser.cell = g_string_new(NULL);
	parser.cells = g_ptr_array_new_with_free_func(g_free);
	read_rows(&parser);
	g_string_free(parser.cell, TRUE);
	g_ptr_array_unref(parser.cells);
	return csv;
}

static void write_cell(GString *out, const char *text)
{
	g_string_append_c(out, '"');
	if (is_formula(text))
		g_string_append_c(out, '\'');
	for (; *text; text++) {
		if (*text == '"')
			g_string_append_c(out, '"');
		g_string_append_c(out, *text);
	}
	g_string_append_c(out, '"');
}

void csv_write(GString *out, const char *first, ...)
{
	va_list more;
	va_start(more, first);
	write_cell(out, first);
	for (const char *cell; (cell = va_arg(more, const char *));) {
		g_string_append_c(out, ',');
		write_cell(out, cell);
	}
	va_end(more);
	g_string_append(out, "\r\n");
}
