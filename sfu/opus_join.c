#include "opus_join.h"
#include <glib.h>
#include <opus.h>

#define PACKET_MAX 1500
#define FRAMES_MAX 48          /* RFC 6716 §3.2.5 */
#define REPACKETIZER_ROOM 1024 /* libopus 1.3 takes 592 */
#define RATE 48000

/* How the frames of a packet are counted, in its first byte. */
#define CODE 0x03
#define CODE_ANY_NUMBER 3
#define PADDED 0x40 /* of the byte behind it */

bool opus_join_takes(const uint8_t *packet, size_t len)
{
	const unsigned char *frames[FRAMES_MAX];
	opus_int16 sizes[FRAMES_MAX];
	if (!len || len > PACKET_MAX)
		return false;
	if ((packet[0] & CODE) == CODE_ANY_NUMBER && len > 1 && (packet[1] & PADDED))
		return false;
	int count = opus_packet_parse(packet, (opus_int32)len, NULL, frames, sizes, NULL);
	return count > 0 &&
	       count * opus_packet_get_samples_per_frame(packet, RATE) == OPUS_JOIN_TICKS;
}

size_t opus_join(const uint8_t *first, size_t first_len, const uint8_t *second, size_t second_len,
	uint8_t *out, size_t size)
{
	_Alignas(16) uint8_t room[REPACKETIZER_ROOM];
	g_assert(opus_repacketizer_get_size() <= (int)sizeof room);
	if (!opus_join_takes(first, first_len) || !opus_join_takes(second, second_len))
		return 0;

	/* It refuses a second one of another configuration. */
	OpusRepacketizer *joining = opus_repacketizer_init((OpusRepacketizer *)room);
	if (opus_repacketizer_cat(joining, first, (opus_int32)first_len) != OPUS_OK ||
		opus_repacketizer_cat(joining, second, (opus_int32)second_len) != OPUS_OK)
		return 0;
	opus_int32 len = opus_repacketizer_out(joining, out, (opus_int32)MIN(size, INT32_MAX));
	return len > 0 ? (size_t)len : 0;
}
