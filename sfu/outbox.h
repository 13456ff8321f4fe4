/* outbox.h - what a worker is about to send: datagrams of one path join into GSO messages
 *
 * Sealed packets are written straight into its memory (outbox_room), pushed, and leave with
 * outbox_flush() at the end of the turn, or earlier when it is full. What a full socket does not
 * take stays and leaves with a later flush; meanwhile whoever has much to send waits
 * (outbox_is_blocked). TCP paths are written at once. The worker's thread alone. */
#pragma once
#include "path.h"
#include "udp.h"

#define OUTBOX_SIZE (512 * 1024) /* stays in a second-level cache */
#define OUTBOX_SEGMENTS_MAX 60   /* the kernel takes 64 */
#define OUTBOX_MESSAGE_MAX 60000 /* and 65,507 bytes */

typedef struct Outbox Outbox;

Outbox *outbox_new(Udp *udp, Stats *stats);
void outbox_free(Outbox *outbox);
/* len bytes to fill; flushes first if they do not fit, and gives NULL if they still do not. They
 * are lost unless pushed in the order they were given. */
uint8_t *outbox_room(Outbox *outbox, size_t len);
/* Makes sure that rooms of len bytes in all will neither flush between them nor be NULL. False: the
 * socket is full and so is the outbox. */
bool outbox_ensure(Outbox *outbox, size_t len);
void outbox_push(Outbox *outbox, const Path *path, const uint8_t *data, size_t len);
/* The same for bytes that lie elsewhere: they are copied. */
void outbox_copy(Outbox *outbox, const Path *path, const uint8_t *data, size_t len);
void outbox_flush(Outbox *outbox);
/* The socket would not take all at the last flush. */
bool outbox_is_blocked(const Outbox *outbox);
