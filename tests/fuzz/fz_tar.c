/* fz_tar.c - headers of a backup: what is taken is named, bounded, and reads the same once written
 */
#include "cli/tar.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t block[TAR_BLOCK] = { 0 };
	memcpy(block, data, MIN(size, sizeof(block)));
	TarFile file, again;
	if (!tar_read(&file, block))
		return 0;
	g_assert(!tar_is_end(block));
	g_assert(*file.name && strlen(file.name) <= TAR_NAME_MAX);
	g_assert((file.size + tar_padding(file.size)) % TAR_BLOCK == 0);
	if (file.size > TAR_SIZE_MAX || file.changed_s < 0 || file.changed_s > 077777777777LL)
		return 0;
	g_assert(tar_write(&file, block));
	g_assert(tar_read(&again, block));
	g_assert(strcmp(file.name, again.name) == 0 && file.size == again.size);
	return 0;
}
