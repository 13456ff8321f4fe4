#include "disk.h"
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

typedef enum JobKind {
	JOB_FOLDER,
	JOB_APPEND,
	JOB_SYNC,
	JOB_CLOSE,
	JOB_MARK,
	JOB_RESET,
	JOB_END,
} JobKind;

typedef struct Job {
	struct Job *next;
	JobKind kind;
	DiskFile *file;
	char *data; /* of an append; path of a folder */
	size_t len;
	uint64_t mark;
} Job;

struct DiskFile {
	Disk *disk;
	char *path;
	int fd; /* the thread's own; -1: not open */
	bool dirty;
};

struct Disk {
	DiskEvents events;
	void *user;
	uint64_t reserve;
	pthread_t thread;
	int news; /* eventfd: something for the main thread */
	unsigned news_watch;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t work;
	Job *first, **last;
	size_t waiting;
	bool has_mark, broken, told;
	uint64_t mark;
	int error;
	char *path; /* of what failed */
};

/* -- the thread -- */

static int sync_parent(const char *path)
{
	g_autofree char *parent = g_path_get_dirname(path);
	int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	int error = fsync(fd) < 0 ? errno : 0;
	close(fd);
	return error;
}

static int make_folder(const char *path)
{
	g_autofree char *parent = g_path_get_dirname(path);
	if (mkdir(path, 0750) == 0 || errno == EEXIST)
		return sync_parent(path);
	if (errno != ENOENT)
		return errno;
	int error = make_folder(parent);
	if (error)
		return error;
	return mkdir(path, 0750) < 0 && errno != EEXIST ? errno : sync_parent(path);
}

static int open_file(DiskFile *file)
{
	file->fd = open(file->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	return file->fd < 0 ? errno : sync_parent(file->path);
}

static int append(DiskFile *file, const char *data, size_t len)
{
	int error = file->fd < 0 ? open_file(file) : 0;
	file->dirty = true;
	while (!error && len) {
		ssize_t n = write(file->fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? errno : ENOSPC;
		data += n;
		len -= (size_t)n;
	}
	return error;
}

static int sync_file(const Disk *disk, DiskFile *file)
{
	struct statvfs room;
	if (file->fd < 0 || !file->dirty)
		return 0;
	file->dirty = false;
	if (fdatasync(file->fd) < 0)
		return errno;
	/* Others keep things on this disk too: questions must still be taken when we stop. */
	if (disk->reserve && fstatvfs(file->fd, &room) == 0 &&
		(uint64_t)room.f_bavail * room.f_frsize < disk->reserve)
		return ENOSPC;
	return 0;
}

static void file_free(DiskFile *file)
{
	if (file->fd >= 0)
		close(file->fd);
	g_free(file->path);
	g_free(file);
}

static int run_job(const Disk *disk, const Job *job)
{
	switch (job->kind) {
	case JOB_FOLDER:
		return make_folder(job->data);
	case JOB_APPEND:
		return append(job->file, job->data, job->len);
	case JOB_SYNC:
	case JOB_CLOSE:
		return sync_file(disk, job->file);
	default:
		return 0;
	}
}

static void wake_main(const Disk *disk)
{
	const uint64_t one = 1;
	(void)!write(disk->news, &one, sizeof one);
}

static void *run(void *user)
{
	Disk *disk = user;
	bool ending = false;
	while (!ending) {
		pthread_mutex_lock(&disk->lock);
		while (!disk->first)
			pthread_cond_wait(&disk->work, &disk->lock);
		Job *job = disk->first;
		disk->first = job->next;
		if (!disk->first)
			disk->last = &disk->first;
		bool broken = disk->broken;
		pthread_mutex_unlock(&disk->lock);

		int error = broken ? 0 : run_job(disk, job);
		const char *path = job->file ? job->file->path : job->data;
		pthread_mutex_lock(&disk->lock);
		disk->waiting -= job->kind == JOB_APPEND ? job->len : 0;
		if (job->kind == JOB_MARK && !broken) {
			disk->mark = job->mark;
			disk->has_mark = true;
		}
		if (job->kind == JOB_RESET)
			disk->broken = disk->told = false;
		if (error) {
			disk->broken = true;
			disk->error = error;
			g_free(disk->path);
			disk->path = g_strdup(path);
		}
		pthread_mutex_unlock(&disk->lock);
		if (error || job->kind == JOB_MARK)
			wake_main(disk);
		if (job->kind == JOB_CLOSE)
			file_free(job->file);
		ending = job->kind == JOB_END;
		g_free(job->data);
		g_free(job);
	}
	return NULL;
}

/* -- the main thread -- */

static gboolean on_news(int fd, GIOCondition condition, void *user)
{
	Disk *disk = user;
	uint64_t count;
	(void)!read(fd, &count, sizeof count);
	pthread_mutex_lock(&disk->lock);
	bool has_mark = disk->has_mark, failed = disk->broken && !disk->told;
	uint64_t mark = disk->mark;
	int error = disk->error;
	g_autofree char *path = failed ? g_strdup(disk->path) : NULL;
	disk->has_mark = false;
	disk->told = disk->broken;
	pthread_mutex_unlock(&disk->lock);
	if (has_mark && disk->events.reached)
		disk->events.reached(mark, disk->user);
	if (failed && disk->events.failed)
		disk->events.failed(error, path, disk->user);
	return G_SOURCE_CONTINUE;
}

Disk *disk_new(uint64_t reserve, const DiskEvents *events, void *user)
{
	Disk *disk = g_new0(Disk, 1);
	disk->reserve = reserve;
	disk->events = *events;
	disk->user = user;
	disk->last = &disk->first;
	disk->news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (disk->news < 0)
		g_error("disk: no descriptors left");
	disk->news_watch = g_unix_fd_add(disk->news, G_IO_IN, on_news, disk);
	pthread_mutex_init(&disk->lock, NULL);
	pthread_cond_init(&disk->work, NULL);
	int error = pthread_create(&disk->thread, NULL, run, disk);
	if (error)
		g_error("disk: no thread: %s", g_strerror(error));
	pthread_setname_np(disk->thread, "disk");
	return disk;
}

static void ask(Disk *disk, Job job)
{
	Job *copy = g_new(Job, 1);
	*copy = job;
	copy->next = NULL;
	pthread_mutex_lock(&disk->lock);
	*disk->last = copy;
	disk->last = &copy->next;
	disk->waiting += job.kind == JOB_APPEND ? job.len : 0;
	pthread_cond_signal(&disk->work);
	pthread_mutex_unlock(&disk->lock);
}

void disk_free(Disk *disk)
{
	if (!disk)
		return;
	ask(disk, (Job){ .kind = JOB_END });
	pthread_join(disk->thread, NULL);
	g_source_remove(disk->news_watch);
	close(disk->news);
	pthread_cond_destroy(&disk->work);
	pthread_mutex_destroy(&disk->lock);
	g_free(disk->path);
	g_free(disk);
}

void disk_folder(Disk *disk, const char *path)
{
	ask(disk, (Job){ .kind = JOB_FOLDER, .data = g_strdup(path) });
}

DiskFile *disk_file(Disk *disk, const char *path)
{
	DiskFile *file = g_new0(DiskFile, 1);
	file->disk = disk;
	file->path = g_strdup(path);
	file->fd = -1;
	return file;
}

void disk_append(DiskFile *file, void *data, size_t len)
{
	ask(file->disk, (Job){ .kind = JOB_APPEND, .file = file, .data = data, .len = len });
}

void disk_sync(DiskFile *file)
{
	ask(file->disk, (Job){ .kind = JOB_SYNC, .file = file });
}

void disk_close(DiskFile *file)
{
	if (file)
		ask(file->disk, (Job){ .kind = JOB_CLOSE, .file = file });
}

void disk_mark(Disk *disk, uint64_t mark)
{
	ask(disk, (Job){ .kind = JOB_MARK, .mark = mark });
}

size_t disk_waiting(Disk *disk)
{
	pthread_mutex_lock(&disk->lock);
	size_t waiting = disk->waiting;
	pthread_mutex_unlock(&disk->lock);
	return waiting;
}

void disk_reset(Disk *disk)
{
	ask(disk, (Job){ .kind = JOB_RESET }); /* behind what is still to be dropped */
}

bool disk_has_room(Disk *disk, const char *path)
{
	struct statvfs room;
	return statvfs(path, &room) == 0 &&
	       (uint64_t)room.f_bavail * room.f_frsize > disk->reserve + disk->reserve / 4;
}
