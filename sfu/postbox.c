#include "postbox.h"
#include <glib.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

typedef struct Post {
	struct Post *next;
	PostFunc func;
	void *user;
} Post;

struct Postbox {
	int wake;
	pthread_mutex_t lock; /* guards first and last */
	Post *first, **last;
	Post *taken; /* the owner's: still to be run */
};

Postbox *postbox_new(void)
{
	Postbox *box = g_new0(Postbox, 1);
	box->last = &box->first;
	pthread_mutex_init(&box->lock, NULL);
	box->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (box->wake < 0) {
		postbox_free(box);
		return NULL;
	}
	return box;
}

/* What came goes behind what is still to be run. */
static void take(Postbox *box)
{
	Post **last = &box->taken;
	while (*last)
		last = &(*last)->next;
	pthread_mutex_lock(&box->lock);
	*last = box->first;
	box->first = NULL;
	box->last = &box->first;
	pthread_mutex_unlock(&box->lock);
}

static Post *next_taken(Postbox *box)
{
	Post *post = box->taken;
	if (post)
		box->taken = post->next;
	return post;
}

void postbox_free(Postbox *box)
{
	if (!box)
		return;
	take(box);
	for (Post *post; (post = next_taken(box));)
		g_free(post);
	if (box->wake >= 0)
		close(box->wake);
	pthread_mutex_destroy(&box->lock);
	g_free(box);
}

int postbox_fd(const Postbox *box)
{
	return box->wake;
}

void postbox_post(Postbox *box, PostFunc func, void *user)
{
	const uint64_t one = 1;
	Post *post = g_new(Post, 1);
	*post = (Post){ .func = func, .user = user };

	pthread_mutex_lock(&box->lock);
	*box->last = post;
	box->last = &post->next;
	pthread_mutex_unlock(&box->lock);
	(void)!write(box->wake, &one, sizeof one);
}

bool postbox_run(Postbox *box)
{
	uint64_t count;
	bool any = false;
	(void)!read(box->wake, &count, sizeof count);
	take(box);
	for (Post *post; (post = next_taken(box)); any = true) {
		post->func(post->user);
		g_free(post);
	}
	return any;
}
