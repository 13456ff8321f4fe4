#include "fake_slide.h"
#include <glib.h>

#define TAIL_US 60000

void fake_slide_turn(FakeSlide *slide, unsigned bytes, int64_t now_us)
{
	unsigned pieces = (bytes + FAKE_SLIDE_PIECE - 1) / FAKE_SLIDE_PIECE;
	g_assert_cmpuint(pieces, <, FAKE_SLIDE_PIECES);
	*slide = (FakeSlide){ .bytes = bytes, .pieces = pieces, .turned_us = now_us };
}

void fake_slide_cut(FakeSlide *slide)
{
	int64_t turned_us = slide->turned_us;
	if (slide->pieces && slide->sent < slide->pieces)
		fake_slide_turn(slide, slide->bytes, turned_us);
}

bool fake_slide_is_showing(const FakeSlide *slide)
{
	return slide->sent < slide->pieces;
}

unsigned fake_slide_piece(const FakeSlide *slide, unsigned piece)
{
	return piece < slide->pieces ? slide->bytes / slide->pieces : 1;
}

unsigned fake_slide_next(FakeSlide *slide, int64_t now_us)
{
	slide->tails = FAKE_SLIDE_TAILS;
	slide->tailed_us = now_us;
	return slide->sent++;
}

bool fake_slide_again(FakeSlide *slide, unsigned *piece, int64_t now_us)
{
	for (unsigned i = 0; i < slide->pieces; i++)
		if (slide->asked >> i & 1) {
			slide->asked &= ~(1ULL << i);
			*piece = i;
			return true;
		}
	if (!slide->pieces || fake_slide_is_showing(slide) || !slide->tails ||
		now_us - slide->tailed_us < TAIL_US)
		return false;
	slide->tails--;
	slide->tailed_us = now_us;
	*piece = slide->pieces;
	return true;
}

void fake_slide_came(FakeSlide *slide, unsigned piece, int64_t now_us)
{
	slide->highest = MAX(slide->highest, piece);
	slide->have |= piece < slide->pieces ? 1ULL << piece : 0;
	if (!slide->seen_us && slide->have == (1ULL << slide->pieces) - 1)
		slide->seen_us = now_us;
}

void fake_slide_ask(FakeSlide *slide, int64_t round_us, int64_t now_us)
{
	for (unsigned i = 0; i < slide->highest; i++) {
		if (slide->have >> i & 1 ||
			(slide->asked_us[i] && now_us - slide->asked_us[i] < round_us))
			continue;
		slide->asked_us[i] = now_us;
		slide->asked |= 1ULL << i;
	}
}
