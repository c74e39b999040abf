/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Error numbers, the same as Linux' on x86-64: ring 3 sees them unchanged.
 * Functions return them negative (`-EINVAL`).
 */
#define EPERM        1   /* Operation not permitted */
#define ENOENT       2   /* No such file or directory */
#define ESRCH        3   /* No such process */
#define EINTR        4   /* Interrupted system call */
#define EIO          5   /* Input/output error */
#define ENXIO        6   /* No such device or address */
#define E2BIG        7   /* Argument list too long */
#define ENOEXEC      8   /* Exec format error */
#define EBADF        9   /* Bad file descriptor */
#define ECHILD       10  /* No child processes */
#define EAGAIN       11  /* Resource temporarily unavailable */
#define ENOMEM       12  /* Cannot allocate memory */
#define EACCES       13  /* Permission denied */
#define EFAULT       14  /* Bad address */
#define ENOTBLK      15  /* Block device required */
#define EBUSY        16  /* Device or resource busy */
#define EEXIST       17  /* File exists */
#define EXDEV        18  /* Invalid cross-device link */
#define ENODEV       19  /* No such device */
#define ENOTDIR      20  /* Not a directory */
#define EISDIR       21  /* Is a directory */
#define EINVAL       22  /* Invalid argument */
#define ENFILE       23  /* Too many open files in system */
#define EMFILE       24  /* Too many open files */
#define ENOTTY       25  /* Inappropriate ioctl for device */
#define ETXTBSY      26  /* Text file busy */
#define EFBIG        27  /* File too large */
#define ENOSPC       28  /* No space left on device */
#define ESPIPE       29  /* Illegal seek */
#define EROFS        30  /* Read-only file system */
#define EMLINK       31  /* Too many links */
#define EPIPE        32  /* Broken pipe */
#define EDOM         33  /* Numerical argument out of domain */
#define ERANGE       34  /* Numerical result out of range */
#define EDEADLK      35  /* Resource deadlock avoided */
#define ENAMETOOLONG 36  /* File name too long */
#define ENOLCK       37  /* No locks available */
#define ENOSYS       38  /* Function not implemented */
#define ENOTEMPTY    39  /* Directory not empty */
#define ELOOP        40  /* Too many levels of symbolic links */
#define ENOMSG       42  /* No message of desired type */
#define ENODATA      61  /* No data available */
#define ETIME        62  /* Timer expired */
#define EPROTO       71  /* Protocol error */
#define EBADMSG      74  /* Bad message */
#define EOVERFLOW    75  /* Value too large for defined data type */
#define EILSEQ       84  /* Invalid or incomplete multibyte or wide character */
#define EUSERS       87  /* Too many users */
#define ENOTSOCK     88  /* Socket operation on non-socket */
#define EMSGSIZE     90  /* Message too long */
#define EOPNOTSUPP   95  /* Operation not supported */
#define EADDRINUSE   98  /* Address already in use */
#define ENETDOWN     100 /* Network is down */
#define ECONNRESET   104 /* Connection reset by peer */
#define ENOBUFS      105 /* No buffer space available */
#define ENOTCONN     107 /* Transport endpoint is not connected */
#define ESHUTDOWN    108 /* Cannot send after transport endpoint shutdown */
#define ETIMEDOUT    110 /* Connection timed out */
#define ECONNREFUSED 111 /* Connection refused */
#define EALREADY     114 /* Operation already in progress */
#define EINPROGRESS  115 /* Operation now in progress */
#define ESTALE       116 /* Stale file handle */
#define EDQUOT       122 /* Disk quota exceeded */
#define ECANCELED    125 /* Operation canceled */
#define EOWNERDEAD   130 /* Owner died */
#define EWOULDBLOCK  EAGAIN
