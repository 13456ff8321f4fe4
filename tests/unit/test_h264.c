/* test_h264.c - where a viewer may start in an H.264 stream */
#include "sfu/h264.h"
#include <glib.h>

#define READ(h264, ...)                                                                            \
	h264_read(h264, (const uint8_t[]){ __VA_ARGS__ }, sizeof(const uint8_t[]){ __VA_ARGS__ })

static void knows_single_units(void)
{
	H264 h264;
	g_assert_true(READ(&h264, 0x67, 0x42, 0xe0, 0x1f));
	g_assert_true(h264.sps && h264.keyframe && h264.starts_nal);
	g_assert_false(h264.pps || h264.idr);
	g_assert_true(READ(&h264, 0x68, 0xce));
	g_assert_true(h264.pps && h264.starts_nal);
	g_assert_false(h264.keyframe);
	g_assert_true(READ(&h264, 0x65, 0x88, 0x84));
	g_assert_true(h264.idr && h264.keyframe);
	g_assert_true(READ(&h264, 0x65, 0x44)); /* a later slice of the same picture */
	g_assert_true(h264.idr);
	g_assert_false(h264.keyframe);
	g_assert_true(READ(&h264, 0x41, 0x9a));
	g_assert_true(h264.starts_nal);
	g_assert_false(h264.idr || h264.keyframe);
	g_assert_true(READ(&h264, 0x0a)); /* an end of sequence is a header alone */
}

static void looks_into_aggregates(void)
{
	H264 h264;
	g_assert_true(
		READ(&h264, 0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xce, 0, 3, 0x65, 0x88, 0x84));
	g_assert_true(h264.sps && h264.pps && h264.idr && h264.keyframe && h264.starts_nal);
	g_assert_false(READ(&h264, 0x78));
	g_assert_false(READ(&h264, 0x78, 0));
	g_assert_false(READ(&h264, 0x78, 0, 0));
	g_assert_false(READ(&h264, 0x78, 0, 3, 0x67, 0x42));
	g_assert_false(READ(&h264, 0x78, 0, 2, 0x67, 0x42, 0));
	g_assert_false(READ(&h264, 0x78, 0, 2, 0x78, 0x00)); /* no aggregate in an aggregate */
	g_assert_false(READ(&h264, 0x78, 0, 2, 0xe7, 0x00)); /* forbidden bit */
}

static void follows_fragments(void)
{
	H264 h264;
	g_assert_true(READ(&h264, 0x7c, 0x85, 0x88));
	g_assert_true(h264.starts_nal && h264.idr && h264.keyframe);
	g_assert_true(READ(&h264, 0x7c, 0x05, 0x88));
	g_assert_true(h264.idr);
	g_assert_false(h264.starts_nal || h264.keyframe);
	g_assert_true(READ(&h264, 0x7c, 0x45, 0x88));
	g_assert_true(h264.idr);
	g_assert_false(h264.keyframe);
	g_assert_true(READ(&h264, 0x5c, 0x81, 0x9a));
	g_assert_true(h264.starts_nal);
	g_assert_false(h264.idr || h264.keyframe);
	g_assert_true(READ(&h264, 0x7c, 0x07, 0x42)); /* the rest of a parameter set */
	g_assert_false(h264.sps || h264.keyframe);
	g_assert_false(READ(&h264, 0x7c));
	g_assert_false(READ(&h264, 0x7c, 0x85));
	g_assert_false(READ(&h264, 0x7c, 0xc5, 0x88)); /* start and end at once */
	g_assert_false(READ(&h264, 0x7c, 0x9c, 0x88)); /* a fragment of a fragment */
	g_assert_false(READ(&h264, 0x7c, 0x80, 0x88));
}

static void refuses_other_types(void)
{
	H264 h264;
	for (unsigned type = 0; type < 32; type++) {
		const uint8_t payload[] = { (uint8_t)(0x60 | type), 0x85, 0x01, 0x01 };
		bool known = (type >= 1 && type <= 23) || type == 28;
		g_assert_cmpint(h264_read(&h264, payload, sizeof payload), ==, known);
	}
	g_assert_false(READ(&h264, 0xe5, 0x88)); /* forbidden bit */
	g_assert_false(h264_read(&h264, NULL, 0));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/h264/knows-single-units", knows_single_units);
	g_test_add_func("/h264/looks-into-aggregates", looks_into_aggregates);
	g_test_add_func("/h264/follows-fragments", follows_fragments);
	g_test_add_func("/h264/refuses-other-types", refuses_other_types);
	return g_test_run();
}
