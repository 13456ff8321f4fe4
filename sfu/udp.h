/* udp.h - the one UDP socket of a worker: reads in batches, sends in batches with GSO
 *
 * The worker's thread alone. GSO (UDP_SEGMENT) is probed at start and left off where the kernel has
 * none. Nothing here ever blocks: what a full socket does not take stays with the caller. */
#pragma once
#include "address.h"
#include "packet.h"
#include "stats.h"
#include <glib.h>

#define UDP_BATCH 64

typedef struct Udp Udp;

typedef struct UdpMessage {
	Address to;
	uint8_t local_ip[16]; /* answer from here where has_local */
	bool has_local;
	uint16_t segment; /* bytes of each datagram; the last may be shorter */
	uint16_t segments;
	uint32_t len; /* of all together */
	const uint8_t *data;
} UdpMessage;

/* The packet (its len is set) and the address of ours it came to. The callee takes the reference.
 */
typedef void (*UdpReceive)(
	Packet *packet, const Address *from, const uint8_t local_ip[16], void *user);

/* fd: a bound socket, taken over. multihomed: more than one address is announced, so answers must
 * leave from the one that was asked. */
Udp *udp_new(int fd, bool multihomed, Stats *stats);
void udp_free(Udp *udp);
int udp_fd(const Udp *udp);
bool udp_has_gso(const Udp *udp);

/* Reads up to UDP_BATCH datagrams; false when there was none. */
bool udp_receive(Udp *udp, PacketPool *pool, UdpReceive receive, void *user);
/* Returns how many are done with: less than count when the socket is full. What one address alone
 * cannot be sent is dropped and counted. */
unsigned udp_send(Udp *udp, const UdpMessage *messages, unsigned count);
