/* test_vp8.c - the VP8 payload descriptor */
#include "sfu/vp8.h"
#include <glib.h>
#include <string.h>

static void reads_the_shortest_descriptor(void)
{
	const uint8_t delta[] = { 0x10, 0x01 };
	Vp8 vp8;
	g_assert_true(vp8_read(&vp8, delta, sizeof delta));
	g_assert_cmpuint(vp8.descriptor_len, ==, 1);
	g_assert_true(vp8.starts_frame);
	g_assert_false(vp8.keyframe);
	g_assert_false(vp8.has_picture_id || vp8.has_tl0picidx || vp8.has_tid || vp8.has_keyidx);
}

static void reads_all_fields(void)
{
	/* X N S, then I L T K, long picture id 0x1234, tl0 77, tid 2 with Y, keyidx 21 */
	const uint8_t payload[] = { 0xb0, 0xf0, 0x92, 0x34, 77, 0xb5, 0x01 };
	Vp8 vp8;
	g_assert_true(vp8_read(&vp8, payload, sizeof payload));
	g_assert_cmpuint(vp8.descriptor_len, ==, 6);
	g_assert_true(vp8.non_reference && vp8.long_picture_id && vp8.layer_sync);
	g_assert_cmphex(vp8.picture_id, ==, 0x1234);
	g_assert_cmpuint(vp8.tl0picidx, ==, 77);
	g_assert_cmpuint(vp8.tid, ==, 2);
	g_assert_cmpuint(vp8.keyidx, ==, 21);
}

static void finds_a_keyframe_and_its_size(void)
{
	uint8_t payload[] = { 0x90, 0x80, 0x05, 0x50, 0x32, 0x00, 0x9d, 0x01, 0x2a, 0x00, 0x45,
		0xd0, 0x82, 0x00 }; /* 1280 x 720, both scaled by 1 */
	Vp8 vp8;
	g_assert_true(vp8_read(&vp8, payload, sizeof payload));
	g_assert_true(vp8.starts_frame && vp8.keyframe);
	g_assert_cmpuint(vp8.picture_id, ==, 5);
	g_assert_false(vp8.long_picture_id);
	g_assert_cmpuint(vp8.width, ==, 1280);
	g_assert_cmpuint(vp8.height, ==, 720);

	payload[0] = 0x91; /* another partition */
	g_assert_true(vp8_read(&vp8, payload, sizeof payload));
	g_assert_false(vp8.starts_frame || vp8.keyframe);
	g_assert_cmpuint(vp8.width, ==, 0);
	payload[0] = 0x80; /* not its start */
	g_assert_true(vp8_read(&vp8, payload, sizeof payload));
	g_assert_false(vp8.starts_frame || vp8.keyframe);
	payload[0] = 0x90;
	payload[3] |= 1; /* a delta frame */
	g_assert_true(vp8_read(&vp8, payload, sizeof payload));
	g_assert_true(vp8.starts_frame && !vp8.keyframe);
	payload[3] &= 0xfe;
	payload[6] = 0; /* no start code */
	g_assert_true(vp8_read(&vp8, payload, sizeof payload));
	g_assert_false(vp8.keyframe);
	payload[6] = 0x9d;
	for (size_t len = 4; len < 13; len++) { /* cut off before the size */
		g_assert_true(vp8_read(&vp8, payload, len));
		g_assert_false(vp8.keyframe);
	}
}

static void refuses_a_descriptor_without_a_picture(void)
{
	const uint8_t payload[] = { 0x90, 0xf0, 0x80, 0x01, 0x02, 0x03, 0x04 };
	Vp8 vp8;
	for (size_t len = 0; len < sizeof payload; len++)
		g_assert_false(vp8_read(&vp8, payload, len));
	g_assert_true(vp8_read(&vp8, payload, sizeof payload));
}

static void reads_back_what_it_writes(void)
{
	for (unsigned round = 0; round < 50000; round++) {
		uint8_t payload[20], written[VP8_DESCRIPTOR_MAX + 1];
		for (unsigned i = 0; i < sizeof payload; i++)
			payload[i] = (uint8_t)g_test_rand_int();
		Vp8 vp8, again;
		g_assert_true(vp8_read(&vp8, payload, sizeof payload));
		size_t len = vp8_write(written, &vp8);
		g_assert_cmpuint(len, <=, VP8_DESCRIPTOR_MAX);
		/* the same, but for a short picture id, which is now long */
		g_assert_cmpuint(len, ==,
			vp8.descriptor_len + (vp8.has_picture_id && !vp8.long_picture_id) -
				((payload[0] & 0x80) && !(payload[1] & 0xf0)));
		written[len] = 1;
		g_assert_true(vp8_read(&again, written, len + 1));
		g_assert_cmpuint(again.descriptor_len, ==, len);
		g_assert_cmpuint(again.picture_id, ==, vp8.picture_id);
		g_assert_cmpuint(again.tl0picidx, ==, vp8.tl0picidx);
		g_assert_cmpuint(again.tid, ==, vp8.tid);
		g_assert_cmpuint(again.keyidx, ==, vp8.keyidx);
		g_assert_cmpuint(again.partition, ==, vp8.partition);
		g_assert_cmpint(again.has_picture_id, ==, vp8.has_picture_id);
		g_assert_cmpint(again.has_tl0picidx, ==, vp8.has_tl0picidx);
		g_assert_cmpint(again.has_tid, ==, vp8.has_tid);
		g_assert_cmpint(again.has_keyidx, ==, vp8.has_keyidx);
		g_assert_cmpint(again.layer_sync, ==, vp8.layer_sync);
		g_assert_cmpint(again.non_reference, ==, vp8.non_reference);
		g_assert_cmpint(again.starts_frame, ==, vp8.starts_frame);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/vp8/reads-the-shortest-descriptor", reads_the_shortest_descriptor);
	g_test_add_func("/vp8/reads-all-fields", reads_all_fields);
	g_test_add_func("/vp8/finds-a-keyframe-and-its-size", finds_a_keyframe_and_its_size);
	g_test_add_func("/vp8/refuses-a-descriptor-without-a-picture",
		refuses_a_descriptor_without_a_picture);
	g_test_add_func("/vp8/reads-back-what-it-writes", reads_back_what_it_writes);
	return g_test_run();
}
