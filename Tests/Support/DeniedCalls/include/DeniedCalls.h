// System calls that a filter refuses, as in a container: for tests of what a program does without them. Linux only.
#ifndef DENIED_CALLS_H
#define DENIED_CALLS_H

/// Has io_uring_setup(2) fail with an error number, in this process and those that it starts, for good. See seccomp(2).
int deny_io_uring(int error);

/// The same for clone(2), and so for fork(2).
int deny_forks(int error);

#endif
