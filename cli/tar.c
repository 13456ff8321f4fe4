#include "tar.h"
#include "common/reader.h"
#include "common/writer.h"
#include <stdio.h>
#include <string.h>

#define SUM_AT 148
#define SUM_LEN 8

static unsigned sum_of(const uint8_t block[TAR_BLOCK])
{
	unsigned sum = 0;
	for (unsigned i = 0; i < TAR_BLOCK; i++)
		sum += i >= SUM_AT && i < SUM_AT + SUM_LEN ? ' ' : block[i];
	return sum;
}

static void write_text(Writer *out, const char *text, size_t field)
{
	uint8_t *room = write_room(out, field);
	if (room)
		memcpy(room, text, strnlen(text, field));
}

static void write_octal(Writer *out, uint64_t value, int digits)
{
	char text[24];
	snprintf(text, sizeof(text), "%0*llo", digits, (unsigned long long)value);
	write_text(out, text, (size_t)digits + 1);
}

bool tar_write(const TarFile *file, uint8_t block[TAR_BLOCK])
{
	memset(block, 0, TAR_BLOCK);
	if (!*file->name || file->size > TAR_SIZE_MAX || file->changed_s < 0)
		return false;
	Writer out = writer_of(block, TAR_BLOCK);
	write_text(&out, file->name, 100);
	write_octal(&out, 0600, 7);
	write_octal(&out, 0, 7); /* user, group */
	write_octal(&out, 0, 7);
	write_octal(&out, file->size, 11);
	write_octal(&out, (uint64_t)file->changed_s, 11);
	write_text(&out, "        0", SUM_LEN + 1); /* the sum, and a plain file */
	write_text(&out, "", 100);
	write_text(&out, "ustar", 6);
	write_text(&out, "00", 2);
	char sum[SUM_LEN];
	snprintf(sum, sizeof(sum), "%06o", sum_of(block) & 0777777);
	memcpy(block + SUM_AT, sum, sizeof(sum));
	return out.ok;
}

/* A number in octal digits, up to a space, a NUL or the end of its field. */
static bool read_octal(Reader *in, size_t field, uint64_t *value)
{
	const uint8_t *text = read_bytes(in, field);
	*value = 0;
	size_t at = 0;
	while (text && at < field && text[at] == ' ')
		at++;
	size_t first = at;
	for (; text && at < field && text[at] >= '0' && text[at] <= '7'; at++)
		*value = *value << 3 | (uint64_t)(text[at] - '0');
	return text && at > first && (at == field || !text[at] || text[at] == ' ');
}

bool tar_read(TarFile *file, const uint8_t block[TAR_BLOCK])
{
	uint64_t changed_s, sum;
	*file = (TarFile){ 0 };
	Reader in = reader_of(block, TAR_BLOCK);
	const uint8_t *name = read_bytes(&in, 100);
	read_skip(&in, 24); /* mode, user, group */
	if (!read_octal(&in, 12, &file->size) || !read_octal(&in, 12, &changed_s) ||
		!read_octal(&in, SUM_LEN, &sum))
		return false;
	uint8_t type = read_u8(&in);
	read_skip(&in, 100);
	const uint8_t *magic = read_bytes(&in, 5);
	if (!in.ok || sum != sum_of(block) || (type != '0' && type) ||
		memcmp(magic, "ustar", 5) != 0)
		return false;
	size_t len = strnlen((const char *)name, 100);
	if (!len || len > TAR_NAME_MAX)
		return false;
	memcpy(file->name, name, len);
	file->changed_s = (int64_t)changed_s;
	return true;
}

bool tar_is_end(const uint8_t block[TAR_BLOCK])
{
	for (unsigned i = 0; i < TAR_BLOCK; i++) {
		if (block[i])
			return false;
	}
	return true;
}

unsigned tar_padding(uint64_t size)
{
	return (unsigned)((TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK);
}
