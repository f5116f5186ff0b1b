/*
 * A disk that tells what a power cut would leave. LD_PRELOAD puts it between a program and libc; nothing but what the
 * program asked to be durable counts, and the rest is left to the driver (power-cut.ts), which cuts the power.
 *
 *   POWER_CUT_ROOT    the folder that stands on the disk (canonical path)
 *   POWER_CUT_SHADOW  where it is written down what is durable:
 *       data/<file>     a file's bytes as of its last fsync or fdatasync
 *       names/<folder>  a folder's entries as of the last fsync that made them durable: "<type><key> <name>\0<target>\0"
 *       complaints      what this disk cannot judge; the driver then fails
 *   POWER_CUT_DISK    "honest", or "lying": every fsync succeeds and nothing is durable (a control must lose data)
 *   POWER_CUT_NAMES   "journal": an fsync of a file also makes its name and its folders' names durable, as ext4, XFS and
 *                     btrfs do; "posix": names are durable by an fsync of their folder alone
 *
 * Files and folders go by inode and time of birth, not by path: so rename, unlink and link need no hook, a name that was
 * not durable yet can be taken back, and an inode that is used again is not mistaken for the file it once was.
 * No hook is needed for write, truncate, fallocate or mmap: an fsync looks at the file. It looks before the real fsync
 * and writes down after it, so what is written meanwhile is not durable, and nothing is before fsync returns. Only pages
 * that changed are copied. A process that is stopped while it writes down leaves some new pages among old ones, as a
 * disk does.
 *
 * Not durable by design: sync_file_range (it promises nothing). Not seen: raw system calls and io_uring (what they make
 * durable would count as lost: that is noticed). Not supported, hence a complaint: O_SYNC and O_DSYNC.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define REAL(name) \
  ({ static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name); real; })
#define PAGE 4096
#define CHUNK 65536
#define MAX_PATH 4600

static char root[PATH_MAX], shadow[PATH_MAX];
static size_t root_length;
static int is_on, is_lying, is_posix;

__attribute__((constructor)) static void begin(void) {
  const char *r = getenv("POWER_CUT_ROOT"), *s = getenv("POWER_CUT_SHADOW");
  const char *disk = getenv("POWER_CUT_DISK"), *names = getenv("POWER_CUT_NAMES");
  if (!r || !s || strlen(r) >= PATH_MAX || strlen(s) >= PATH_MAX - 128) return;
  strcpy(root, r);
  strcpy(shadow, s);
  root_length = strlen(root);
  is_lying = disk && !strcmp(disk, "lying");
  is_posix = names && !strcmp(names, "posix");
  is_on = 1;
}

static int open_quietly(const char *path, int flags) {
  return REAL(open)(path, flags | O_CLOEXEC, 0600);
}

/* One line for the driver, which then refuses to judge. */
static void complain(const char *what, const char *path) {
  char file[MAX_PATH], line[MAX_PATH + 256];
  snprintf(file, sizeof file, "%s/complaints", shadow);
  int fd = open_quietly(file, O_WRONLY | O_CREAT | O_APPEND);
  if (fd < 0) abort();
  int n = snprintf(line, sizeof line, "%s: %s (%s)\n", what, path, strerror(errno));
  if (write(fd, line, n) != n) abort();
  close(fd);
}

static int is_ours(const char *path) {
  return !strncmp(path, root, root_length) && (path[root_length] == '/' || path[root_length] == 0);
}

/* Where a descriptor's file lies, when that is on this disk. The kernel marks what was unlinked by a suffix. */
static int path_of(int fd, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, PATH_MAX - 1);
  if (n <= 0) return 0;
  path[n] = 0;
  return is_ours(path);
}

/* "<inode>-<birth in ns>" of a descriptor's file, or of a name in a folder; returns its mode, 0 when it is gone. */
static int key_of(int at, const char *name, char *key) {
  struct statx s;
  int flags = AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH);
  if (statx(at, name, flags, STATX_TYPE | STATX_INO | STATX_BTIME, &s)) return 0;
  long long born = (s.stx_mask & STATX_BTIME) ? s.stx_btime.tv_sec * 1000000000LL + s.stx_btime.tv_nsec : 0;
  snprintf(key, 64, "%llu-%lld", (unsigned long long)s.stx_ino, born);
  return s.stx_mode;
}

/* Pages that an fsync is about to make durable: each is its place, its length, its bytes. */
struct pages { char *bytes; size_t used, room; off_t size; };

static int add_page(struct pages *p, off_t at, size_t n, const char *bytes) {
  if (p->used + sizeof at + sizeof n + n > p->room) {
    size_t room = p->room ? p->room * 2 : 8 * CHUNK;
    char *more = realloc(p->bytes, room);
    if (!more) return -1;
    p->bytes = more;
    p->room = room;
  }
  memcpy(p->bytes + p->used, &at, sizeof at);
  memcpy(p->bytes + p->used + sizeof at, &n, sizeof n);
  memcpy(p->bytes + p->used + sizeof at + sizeof n, bytes, n);
  p->used += sizeof at + sizeof n + n;
  return 0;
}

static ssize_t read_at(int fd, char *to, size_t length, off_t at) {
  size_t had = 0;
  for (ssize_t n; had < length && (n = pread(fd, to + had, length - had, at + had)) != 0; ) {
    if (n < 0 && errno != EINTR) return -1;
    if (n > 0) had += n;
  }
  return had;
}

static int collect(int live, int kept, struct pages *changed) {
  char *now = malloc(CHUNK), *then = malloc(CHUNK);
  off_t at = 0;
  ssize_t n = now && then ? 1 : -1;
  while (n > 0 && (n = read_at(live, now, CHUNK, at)) > 0) {
    ssize_t known = read_at(kept, then, n, at);
    if (known < 0) n = -1;
    for (ssize_t page = 0; n > 0 && page < n; page += PAGE) {
      ssize_t length = n - page < PAGE ? n - page : PAGE;
      int same = known >= page + length && !memcmp(now + page, then + page, length);
      if (!same && add_page(changed, at + page, length, now + page)) n = -1;
    }
    if (n > 0) at += n;
  }
  changed->size = at;
  free(now);
  free(then);
  return n < 0 ? -1 : 0;
}

static int write_down(int kept, const struct pages *changed) {
  for (size_t i = 0; i < changed->used; ) {
    off_t at;
    size_t n;
    memcpy(&at, changed->bytes + i, sizeof at);
    memcpy(&n, changed->bytes + i + sizeof at, sizeof n);
    i += sizeof at + sizeof n;
    if (pwrite(kept, changed->bytes + i, n, at) != (ssize_t)n) return -1;
    i += n;
  }
  struct stat s;
  if (fstat(kept, &s)) return -1;
  return s.st_size == changed->size ? 0 : ftruncate(kept, changed->size);
}

static int append(char **text, size_t *used, size_t *room, const char *bytes, size_t n) {
  if (*used + n > *room) {
    char *more = realloc(*text, *room = (*room + n) * 2);
    if (!more) return -1;
    *text = more;
  }
  memcpy(*text + *used, bytes, n);
  *used += n;
  return 0;
}

/* Writes a folder's entries down, whole or not at all. */
static void keep_names(const char *folder) {
  char key[64], entry_key[64], to[MAX_PATH], unfinished[MAX_PATH + 8], target[PATH_MAX], head[80];
  int fd = open_quietly(folder, O_RDONLY | O_DIRECTORY);
  if (fd < 0) return; /* removed meanwhile */
  if (!key_of(fd, "", key)) { close(fd); return; }
  DIR *entries = fdopendir(fd);
  if (!entries) { close(fd); return; }
  char *text = NULL;
  size_t used = 0, room = 0;
  int failed = 0;
  for (struct dirent *e; !failed && (e = readdir(entries)); ) {
    if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
    int mode = key_of(fd, e->d_name, entry_key);
    char type = S_ISREG(mode) ? 'f' : S_ISDIR(mode) ? 'd' : S_ISLNK(mode) ? 'l' : 0;
    if (!type) continue;
    ssize_t n = type == 'l' ? readlinkat(fd, e->d_name, target, sizeof target - 1) : 0;
    target[n > 0 ? n : 0] = 0;
    int length = snprintf(head, sizeof head, "%c%s ", type, entry_key);
    failed = append(&text, &used, &room, head, length) || append(&text, &used, &room, e->d_name, strlen(e->d_name) + 1) ||
             append(&text, &used, &room, target, strlen(target) + 1);
  }
  closedir(entries);
  snprintf(to, sizeof to, "%s/names/%s", shadow, key);
  snprintf(unfinished, sizeof unfinished, "%s.new", to);
  int out = failed ? -1 : open_quietly(unfinished, O_WRONLY | O_CREAT | O_TRUNC);
  if (out < 0 || write(out, text ? text : "", used) != (ssize_t)used || REAL(rename)(unfinished, to))
    complain("names cannot be written down", folder);
  if (out >= 0) close(out);
  free(text);
}

/* The names that an fsync of `path` makes durable: a folder's own; of a file, in a journal, all on the way to it. */
static void keep_names_for(const char *path, int is_folder) {
  if (is_posix && !is_folder) return;
  char lock_path[MAX_PATH], folder[PATH_MAX];
  snprintf(lock_path, sizeof lock_path, "%s/names.lock", shadow);
  int lock = open_quietly(lock_path, O_RDWR | O_CREAT);
  if (lock < 0 || flock(lock, LOCK_EX)) complain("names cannot be locked", path);
  strcpy(folder, path);
  if (is_folder) keep_names(folder);
  while (!is_posix && strlen(folder) > root_length) {
    *strrchr(folder, '/') = 0;
    keep_names(folder);
  }
  if (lock >= 0) close(lock);
}

/* `flush` is the real call; what it makes durable is written down once it has succeeded. */
static int keep_file(int fd, const char *path, const char *key, int (*flush)(int)) {
  char to[MAX_PATH], link[64];
  struct pages changed = {0};
  snprintf(to, sizeof to, "%s/data/%s", shadow, key);
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  int live = open_quietly(link, O_RDONLY); /* the program's own descriptor may be write-only */
  int kept = open_quietly(to, O_RDWR | O_CREAT);
  int ready = live >= 0 && kept >= 0 && !flock(kept, LOCK_EX) && !collect(live, kept, &changed);
  if (!ready) complain("a file cannot be looked at", path);
  int result = flush ? flush(fd) : 0, error = errno;
  if (ready && !result && write_down(kept, &changed)) complain("a file cannot be written down", path);
  if (live >= 0) close(live);
  if (kept >= 0) close(kept);
  free(changed.bytes);
  errno = error;
  return result;
}

static int keep(int fd, int (*flush)(int)) {
  char path[PATH_MAX], key[64];
  if (!is_on || !path_of(fd, path)) return flush(fd);
  if (is_lying) return 0;
  int mode = key_of(fd, "", key);
  int result = S_ISREG(mode) ? keep_file(fd, path, key, flush) : flush(fd), error = errno;
  if (!result && (S_ISREG(mode) || S_ISDIR(mode))) keep_names_for(path, S_ISDIR(mode));
  errno = error;
  return result;
}

/* For sync and syncfs: everything below a folder. */
static void keep_tree(const char *folder) {
  DIR *entries = opendir(folder);
  if (!entries) return;
  for (struct dirent *e; (e = readdir(entries)); ) {
    char path[MAX_PATH], key[64];
    if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
    if (snprintf(path, sizeof path, "%s/%s", folder, e->d_name) >= PATH_MAX) continue;
    int mode = key_of(AT_FDCWD, path, key);
    if (S_ISDIR(mode)) keep_tree(path);
    if (!S_ISREG(mode)) continue;
    int fd = open_quietly(path, O_RDONLY);
    if (fd >= 0) keep_file(fd, path, key, NULL), close(fd);
  }
  closedir(entries);
  keep_names_for(folder, 1);
}

int fsync(int fd) { return keep(fd, REAL(fsync)); }
int fdatasync(int fd) { return keep(fd, REAL(fdatasync)); }

void sync(void) {
  REAL(sync)();
  if (is_on && !is_lying) keep_tree(root);
}

int syncfs(int fd) {
  int result = REAL(syncfs)(fd), error = errno;
  if (!result && is_on && !is_lying) keep_tree(root);
  errno = error;
  return result;
}

/* The file of a mapping is found by its address. All of it counts, which is more than was asked for. */
int msync(void *address, size_t length, int flags) {
  int result = REAL(msync)(address, length, flags), error = errno;
  FILE *maps = result || !is_on || is_lying || !(flags & MS_SYNC) ? NULL : fopen("/proc/self/maps", "re");
  char line[PATH_MAX + 128], path[PATH_MAX];
  while (maps && fgets(line, sizeof line, maps)) {
    unsigned long from, to;
    if (sscanf(line, "%lx-%lx %*s %*s %*s %*s %4095[^\n]", &from, &to, path) != 3 || !is_ours(path)) continue;
    if ((unsigned long)address < from || (unsigned long)address >= to) continue;
    char key[64];
    int fd = open_quietly(path, O_RDONLY);
    if (fd >= 0 && key_of(fd, "", key)) keep_file(fd, path, key, NULL), keep_names_for(path, 0);
    if (fd >= 0) close(fd);
  }
  if (maps) fclose(maps);
  errno = error;
  return result;
}

static int looked_at(int fd, int flags) {
  char path[PATH_MAX];
  int error = errno;
  if (fd >= 0 && is_on && (flags & O_DSYNC) && path_of(fd, path)) complain("opened with O_SYNC or O_DSYNC", path);
  errno = error;
  return fd;
}

#define MODE(flags, last) \
  mode_t mode = 0; \
  if ((flags) & (O_CREAT | __O_TMPFILE)) { va_list rest; va_start(rest, last); mode = va_arg(rest, mode_t); va_end(rest); }

int open(const char *path, int flags, ...) { MODE(flags, flags) return looked_at(REAL(open)(path, flags, mode), flags); }
int open64(const char *path, int flags, ...) { MODE(flags, flags) return looked_at(REAL(open64)(path, flags, mode), flags); }
int openat(int at, const char *path, int flags, ...) {
  MODE(flags, flags)
  return looked_at(REAL(openat)(at, path, flags, mode), flags);
}
int openat64(int at, const char *path, int flags, ...) {
  MODE(flags, flags)
  return looked_at(REAL(openat64)(at, path, flags, mode), flags);
}
