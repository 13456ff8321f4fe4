/* tar.h - the header of one plain file in a tar archive (POSIX ustar)
 *
 * Just what a backup needs, so that `tar` opens it as well: plain files with short names, up to 8
 * GB each. Pure functions. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define TAR_BLOCK 512
#define TAR_NAME_MAX 99
#define TAR_SIZE_MAX 077777777777ULL

typedef struct TarFile {
	char name[TAR_NAME_MAX + 1];
	uint64_t size;
	int64_t changed_s; /* Unix time */
} TarFile;

/* False when name or size are too long. Mode is 0600. */
bool tar_write(const TarFile *file, uint8_t block[TAR_BLOCK]);
/* False when it is not the header of a plain file, or its sum is wrong. */
bool tar_read(TarFile *file, const uint8_t block[TAR_BLOCK]);
/* Two of those end an archive. */
bool tar_is_end(const uint8_t block[TAR_BLOCK]);
/* Bytes that follow a file of this size, up to the next header. */
unsigned tar_padding(uint64_t size);
