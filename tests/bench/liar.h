/* liar.h - what a viewer tells who says that nothing has come: transport-wide feedback, NACKs,
 * reports and requests for keyframes, all about everything he got
 *
 * He is to hurt nobody but himself. A plain value within a Viewer. */
#pragma once
#include "stream.h"

#define LIAR_PACKETS_MAX 1000 /* told of in one feedback */

typedef struct Liar {
	bool started;
	uint16_t told, highest; /* transport-wide numbers: not after, and not told of yet */
	uint8_t count;          /* of feedbacks */
} Liar;

/* A packet has come under this transport-wide number. */
void liar_packet(Liar *liar, uint16_t number);
/* Appends all of it; streams: those of the viewer. Each 100 ms. */
void liar_write(Liar *liar, Writer *out, uint32_t from, const Stream *streams, unsigned count);
