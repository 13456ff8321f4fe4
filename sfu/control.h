/* control.h - what signaling may ask of the sfu: the methods of docs/API.md §4
 *
 * Checks parameters, calls the Node, answers. The main thread alone. */
#pragma once
#include "common/channel.h"
#include "node.h"

typedef struct Control Control;

/* listen_fd: taken over. The node comes with control_set_node(), before the loop runs. */
Control *control_new(int listen_fd);
void control_free(Control *control);
void control_set_node(Control *control, Node *node);
/* A NodeNotify: tells every caller. */
void control_notify(const char *method, json_t *params, void *control);
