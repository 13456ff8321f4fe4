/* fake_house.h - a whole hub with a store of its own, between an sfu and pages that the test plays
 *
 * One forum, one site. The build wraps the calls that would go to libwebsockets (a Socket is a Page
 * here). One thread; nothing sleeps: what is awaited turns the loop until it is there. */
#pragma once
#include "common/channel.h"
#include "signaling/hub.h"

typedef struct Page {
	Session *session;
	GPtrArray *heard; /* JSON */
	json_int_t last_id;
	bool is_closed;
} Page;

typedef struct House {
	char *folder, *sfu_path;
	Store *store;
	Links *links;
	Registry *registry;
	Hub *hub;
	Forum *forum;
	Site *site;
	ChannelServer *sfu;
	const char *boot;
	GPtrArray *calls; /* to the sfu */
	json_t *peers;    /* what its dump lists */
	bool in_pages;    /* a second one, with nobody on it, ends the list */
	/* Told before the answer to the next peer.put, or to the second page of a dump; owned. */
	json_t *early;
} House;

/* Fixtures: the sfu's boot is `first`, its list is known. */
void house_set(House *house, gconstpointer data);
void house_clear(House *house, gconstpointer data);

/* The sfu goes; waits until the hub knows. */
void house_stop_sfu(House *house);
/* It goes, if it is there, and comes again under this boot; waits until the hub has its list. */
void house_restart_sfu(House *house, const char *boot);
/* How many calls of a method it has had; *last (borrowed, may be NULL) are the parameters of the
 * last. */
unsigned house_calls(const House *house, const char *method, json_t **last);
/* Turns the loop until it has had so many. */
void house_await_calls(House *house, const char *method, unsigned least);
/* The sfu's list gets this row for a viewer of the site, with this rung. */
void house_list(House *house, const char *peer, int rung, const char *why);
/* The parameters of a peer.rung of the site; new reference. */
json_t *house_rung(const House *house, const char *peer, int rung, const char *why);
/* Tells it, and waits until it has arrived. */
void house_tell_rung(House *house, const char *peer, int rung, const char *why);
/* What was on its way to the sfu or from it has arrived. */
void house_settle(House *house);

Page *page_new(House *house);
void page_free(Page *page);
/* The result of a request, borrowed; it must not be refused. params: JSON. */
json_t *page_ask(Page *page, const char *method, const char *params);
/* `hello` by the site's or a staff link; receive: the peer it resumes, or NULL. */
json_t *page_hello(House *house, Page *page, LinkKind kind, const char *receive);
/* Offers to receive; the peer's id, borrowed. */
const char *page_offer(Page *page);
/* How many notifications of a method it has had; *last as above. */
unsigned page_told(const Page *page, const char *method, json_t **last);
/* Turns the loop until it has had so many; the parameters of the last. */
json_t *page_await(const Page *page, const char *method, unsigned least);
