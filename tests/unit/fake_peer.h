/* fake_peer.h - the far end of one peer: checks, DTLS and SRTP over loopback, as little as will do
 *
 * Publishes sound and picture packets that carry their number, or notes the numbers that come. One
 * thread, never blocks: call fake_peer_run() again and again. */
#pragma once
#include "sfu/params.h"
#include <glib.h>

#define FAKE_SOUND 111 /* payload types */
#define FAKE_PICTURE 96
#define FAKE_NUMBERS_MAX 16384

typedef struct FakePeer FakePeer;

/* What a viewer got of one kind. */
typedef struct FakeStream {
	unsigned layer;              /* of the newest */
	unsigned first, last, count; /* numbers; 0: none yet */
	unsigned wrong;              /* twice, or not to be opened, or rising numbers that fell */
	unsigned again;              /* lost, asked for, and come after all as they were */
} FakeStream;

FakePeer *fake_peer_new(Role role, bool tcp);
void fake_peer_free(FakePeer *peer);
char *fake_peer_offer(FakePeer *peer);
/* Offers its picture in three layers (simulcast), before fake_peer_offer(). */
void fake_peer_use_layers(FakePeer *peer);
/* The answer came: begins with checks to this port of 127.0.0.1. */
void fake_peer_answer(FakePeer *peer, const char *answer, int port);
/* ICE restarts from another address: checks under this ufrag of its own, keys as they were. */
void fake_peer_restart(FakePeer *peer, const char *fragment, const char *own_ufrag, int port);
/* A stranger who knows the credentials that a peer has now. */
FakePeer *fake_peer_ghost(const FakePeer *peer, int port);
/* Some check of its was. */
bool fake_peer_is_answered(const FakePeer *peer);
bool fake_peer_is_connected(const FakePeer *peer);
/* Reads all that has come, says what is due. */
void fake_peer_run(FakePeer *peer, int64_t now_us);
void fake_peer_send(FakePeer *peer, uint8_t payload_type, unsigned number, bool keyframe);
/* A picture of one of its layers. */
void fake_peer_send_layer(FakePeer *peer, unsigned layer, unsigned number, bool keyframe);
/* One that is lost on the way and comes as RTX. */
void fake_peer_repair_layer(FakePeer *peer, unsigned layer, unsigned number);
/* Each such packet of voice is lost on its way from now on, one at a time, and asked for with each
 * that comes after it, as browsers do. */
void fake_peer_lose_voice(FakePeer *peer, unsigned every);
const FakeStream *fake_peer_stream(const FakePeer *peer, uint8_t payload_type);
