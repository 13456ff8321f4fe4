/* postbox.h - work handed from any thread to the one that owns the box
 *
 * The only place of the sfu with a lock, held for a few instructions. The owner watches the
 * descriptor and runs what came, in order. */
#pragma once
#include <stdbool.h>

typedef struct Postbox Postbox;
typedef void (*PostFunc)(void *user);

/* NULL when no descriptor is left. */
Postbox *postbox_new(void);
/* Nobody posts any more; what was not run is dropped. */
void postbox_free(Postbox *box);
/* Readable while there is work. */
int postbox_fd(const Postbox *box);
/* Any thread. */
void postbox_post(Postbox *box, PostFunc func, void *user);
/* The owner: runs what is there now, in order; a post may call it as well, for what comes after it.
 * False: nothing was. */
bool postbox_run(Postbox *box);
