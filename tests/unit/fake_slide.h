/* fake_slide.h - a slide on its way over a lossy line as a still: piece by piece, and asked for
 * again until all of it has come
 *
 * Both ends of it in one: what the sender has sent, and what the viewer has. Empty packets follow
 * the last piece, so that its loss shows. Plain; on the test's clock. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define FAKE_SLIDE_PIECES 48
#define FAKE_SLIDE_PIECE 1000 /* bytes of a piece at the most */
#define FAKE_SLIDE_TAILS 3

typedef struct FakeSlide {
	unsigned bytes, pieces; /* 0: none was turned yet */
	unsigned sent;          /* pieces */
	uint64_t have;          /* of the viewer, a bit a piece */
	unsigned highest;       /* piece behind the last that the viewer knows of */
	int64_t turned_us, seen_us;
	unsigned tails;
	int64_t tailed_us;
	int64_t asked_us[FAKE_SLIDE_PIECES]; /* of each piece, lately; 0: not yet */
	uint64_t asked;                      /* a bit a piece that is to go out once more */
} FakeSlide;

void fake_slide_turn(FakeSlide *slide, unsigned bytes, int64_t now_us);
/* The rest was not sent, and is of no use any more. */
void fake_slide_cut(FakeSlide *slide);
/* A piece waits to go out, in its turn. */
bool fake_slide_is_showing(const FakeSlide *slide);
/* The bytes of this piece. */
unsigned fake_slide_piece(const FakeSlide *slide, unsigned piece);
/* The next one goes out: its number. */
unsigned fake_slide_next(FakeSlide *slide, int64_t now_us);
/* What goes out out of turn: a piece that was asked for, or an empty packet, whose number is that
 * behind the last. False: nothing does. */
bool fake_slide_again(FakeSlide *slide, unsigned *piece, int64_t now_us);
/* A piece has come, or an empty packet. */
void fake_slide_came(FakeSlide *slide, unsigned piece, int64_t now_us);
/* The viewer asks for what is missing, not more often than each round_us. */
void fake_slide_ask(FakeSlide *slide, int64_t round_us, int64_t now_us);
