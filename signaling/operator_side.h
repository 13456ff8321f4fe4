/* operator_side.h - what operator.c and operator_sites.c share
 *
 * No other file includes it. */
#pragma once
#include "backup.h"
#include "common/channel.h"
#include "operator.h"
#include "site_list.h"

#define OPERATOR_ANSWER_MAX                                                                        \
	(120 * 1024) /* bytes of rows in one answer; a message takes 160 KiB                       \
		      */

struct Operator {
	Hub *hub;
	ChannelServer *server;
	Backup *backup;
	int64_t since_ms;
	SiteList *list; /* being imported, part by part; NULL for none */
	char list_id[ID_SIZE];
	int64_t list_us; /* when its last part came */
};

/* One page of rows on its way into an answer. */
typedef struct Page {
	json_t *rows;
	size_t bytes;
} Page;

/* False, and row released, when the page is full. */
bool page_add(Page *page, json_t *row);

/* By id or by title; NULL, and the call refused, when there is none or more than one. */
Forum *operator_forum(Operator *door, ChannelCall *call, json_t *params);
/* Answers once everything so far is on disk; result is stolen. */
void operator_commit(Operator *door, ChannelCall *call, json_t *result);
/* Not a request that makes sense. */
void operator_refuse(ChannelCall *call, const char *message);

/* operator_sites.c */
void operator_list_sites(Operator *door, ChannelCall *call, json_t *params);
void operator_import(Operator *door, ChannelCall *call, json_t *params);
void operator_revoke(Operator *door, ChannelCall *call, json_t *params);
