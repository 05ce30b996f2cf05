#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

// Every error number that errno(3) lists and all platforms have; for the others see `Errno+PlatformCodes.swift`.

extension Errno {
    /// The corresponding C error is `EPERM`.
    public static var notPermitted: Errno { Errno(rawValue: EPERM) }
    /// The corresponding C error is `ENOENT`.
    public static var noSuchFileOrDirectory: Errno { Errno(rawValue: ENOENT) }
    /// The corresponding C error is `ESRCH`.
    public static var noSuchProcess: Errno { Errno(rawValue: ESRCH) }
    /// The corresponding C error is `EINTR`.
    public static var interrupted: Errno { Errno(rawValue: EINTR) }
    /// The corresponding C error is `EIO`.
    public static var ioError: Errno { Errno(rawValue: EIO) }
    /// The corresponding C error is `ENXIO`.
    public static var noSuchAddressOrDevice: Errno { Errno(rawValue: ENXIO) }
    /// The corresponding C error is `E2BIG`.
    public static var argumentListTooLong: Errno { Errno(rawValue: E2BIG) }
    /// The corresponding C error is `ENOEXEC`.
    public static var executableFormatError: Errno { Errno(rawValue: ENOEXEC) }
    /// The corresponding C error is `EBADF`.
    public static var badFileDescriptor: Errno { Errno(rawValue: EBADF) }
    /// The corresponding C error is `ECHILD`.
    public static var noChildProcess: Errno { Errno(rawValue: ECHILD) }
    /// The corresponding C error is `EAGAIN`.
    public static var resourceTemporarilyUnavailable: Errno { Errno(rawValue: EAGAIN) }
    /// The corresponding C error is `ENOMEM`.
    public static var noMemory: Errno { Errno(rawValue: ENOMEM) }
    /// The corresponding C error is `EACCES`.
    public static var permissionDenied: Errno { Errno(rawValue: EACCES) }
    /// The corresponding C error is `EFAULT`.
    public static var badAddress: Errno { Errno(rawValue: EFAULT) }
    /// The corresponding C error is `ENOTBLK`.
    public static var notBlockDevice: Errno { Errno(rawValue: ENOTBLK) }
    /// The corresponding C error is `EBUSY`.
    public static var resourceBusy: Errno { Errno(rawValue: EBUSY) }
    /// The corresponding C error is `EEXIST`.
    public static var fileExists: Errno { Errno(rawValue: EEXIST) }
    /// The corresponding C error is `EXDEV`.
    public static var improperLink: Errno { Errno(rawValue: EXDEV) }
    /// The corresponding C error is `ENODEV`.
    public static var noSuchDevice: Errno { Errno(rawValue: ENODEV) }
    /// The corresponding C error is `ENOTDIR`.
    public static var notDirectory: Errno { Errno(rawValue: ENOTDIR) }
    /// The corresponding C error is `EISDIR`.
    public static var isDirectory: Errno { Errno(rawValue: EISDIR) }
    /// The corresponding C error is `EINVAL`.
    public static var invalidArgument: Errno { Errno(rawValue: EINVAL) }
    /// The corresponding C error is `ENFILE`.
    public static var tooManyOpenFilesInSystem: Errno { Errno(rawValue: ENFILE) }
    /// The corresponding C error is `EMFILE`.
    public static var tooManyOpenFiles: Errno { Errno(rawValue: EMFILE) }
    /// The corresponding C error is `ENOTTY`.
    public static var inappropriateIOControlForDevice: Errno { Errno(rawValue: ENOTTY) }
    /// The corresponding C error is `ETXTBSY`.
    public static var textFileBusy: Errno { Errno(rawValue: ETXTBSY) }
    /// The corresponding C error is `EFBIG`.
    public static var fileTooLarge: Errno { Errno(rawValue: EFBIG) }
    /// The corresponding C error is `ENOSPC`.
    public static var noSpace: Errno { Errno(rawValue: ENOSPC) }
    /// The corresponding C error is `ESPIPE`.
    public static var illegalSeek: Errno { Errno(rawValue: ESPIPE) }
    /// The corresponding C error is `EROFS`.
    public static var readOnlyFileSystem: Errno { Errno(rawValue: EROFS) }
    /// The corresponding C error is `EMLINK`.
    public static var tooManyLinks: Errno { Errno(rawValue: EMLINK) }
    /// The corresponding C error is `EPIPE`.
    public static var brokenPipe: Errno { Errno(rawValue: EPIPE) }
    /// The corresponding C error is `EDOM`.
    public static var argumentOutOfDomain: Errno { Errno(rawValue: EDOM) }
    /// The corresponding C error is `ERANGE`.
    public static var outOfRange: Errno { Errno(rawValue: ERANGE) }
    /// The corresponding C error is `EDEADLK`.
    public static var resourceDeadlockAvoided: Errno { Errno(rawValue: EDEADLK) }
    /// The corresponding C error is `ENAMETOOLONG`.
    public static var nameTooLong: Errno { Errno(rawValue: ENAMETOOLONG) }
    /// The corresponding C error is `ENOLCK`.
    public static var noLocks: Errno { Errno(rawValue: ENOLCK) }
    /// The corresponding C error is `ENOSYS`.
    public static var notImplemented: Errno { Errno(rawValue: ENOSYS) }
    /// The corresponding C error is `ENOTEMPTY`.
    public static var directoryNotEmpty: Errno { Errno(rawValue: ENOTEMPTY) }
    /// The corresponding C error is `ELOOP`.
    public static var tooManySymbolicLinkLevels: Errno { Errno(rawValue: ELOOP) }
    /// The corresponding C error is `ENOMSG`.
    public static var noMessage: Errno { Errno(rawValue: ENOMSG) }
    /// The corresponding C error is `EIDRM`.
    public static var identifierRemoved: Errno { Errno(rawValue: EIDRM) }
    /// The corresponding C error is `ENOSTR`.
    public static var notStream: Errno { Errno(rawValue: ENOSTR) }
    /// The corresponding C error is `ENODATA`.
    public static var noData: Errno { Errno(rawValue: ENODATA) }
    /// The corresponding C error is `ETIME`.
    public static var streamTimedOut: Errno { Errno(rawValue: ETIME) }
    /// The corresponding C error is `ENOSR`.
    public static var noStreamResources: Errno { Errno(rawValue: ENOSR) }
    /// The corresponding C error is `EREMOTE`.
    public static var tooManyRemoteLevels: Errno { Errno(rawValue: EREMOTE) }
    /// The corresponding C error is `ENOLINK`.
    public static var noLink: Errno { Errno(rawValue: ENOLINK) }
    /// The corresponding C error is `EPROTO`.
    public static var protocolError: Errno { Errno(rawValue: EPROTO) }
    /// The corresponding C error is `EMULTIHOP`.
    public static var multiHop: Errno { Errno(rawValue: EMULTIHOP) }
    /// The corresponding C error is `EBADMSG`.
    public static var badMessage: Errno { Errno(rawValue: EBADMSG) }
    /// The corresponding C error is `EOVERFLOW`.
    public static var overflow: Errno { Errno(rawValue: EOVERFLOW) }
    /// The corresponding C error is `EILSEQ`.
    public static var illegalByteSequence: Errno { Errno(rawValue: EILSEQ) }
    /// The corresponding C error is `EUSERS`.
    public static var tooManyUsers: Errno { Errno(rawValue: EUSERS) }
    /// The corresponding C error is `ENOTSOCK`.
    public static var notSocket: Errno { Errno(rawValue: ENOTSOCK) }
    /// The corresponding C error is `EDESTADDRREQ`.
    public static var addressRequired: Errno { Errno(rawValue: EDESTADDRREQ) }
    /// The corresponding C error is `EMSGSIZE`.
    public static var messageTooLong: Errno { Errno(rawValue: EMSGSIZE) }
    /// The corresponding C error is `EPROTOTYPE`.
    public static var protocolWrongTypeForSocket: Errno { Errno(rawValue: EPROTOTYPE) }
    /// The corresponding C error is `ENOPROTOOPT`.
    public static var protocolNotAvailable: Errno { Errno(rawValue: ENOPROTOOPT) }
    /// The corresponding C error is `EPROTONOSUPPORT`.
    public static var protocolNotSupported: Errno { Errno(rawValue: EPROTONOSUPPORT) }
    /// The corresponding C error is `ESOCKTNOSUPPORT`.
    public static var socketTypeNotSupported: Errno { Errno(rawValue: ESOCKTNOSUPPORT) }
    /// The corresponding C error is `EOPNOTSUPP`.
    public static var notSupportedOnSocket: Errno { Errno(rawValue: EOPNOTSUPP) }
    /// The corresponding C error is `EPFNOSUPPORT`.
    public static var protocolFamilyNotSupported: Errno { Errno(rawValue: EPFNOSUPPORT) }
    /// The corresponding C error is `EAFNOSUPPORT`.
    public static var addressFamilyNotSupported: Errno { Errno(rawValue: EAFNOSUPPORT) }
    /// The corresponding C error is `EADDRINUSE`.
    public static var addressInUse: Errno { Errno(rawValue: EADDRINUSE) }
    /// The corresponding C error is `EADDRNOTAVAIL`.
    public static var addressNotAvailable: Errno { Errno(rawValue: EADDRNOTAVAIL) }
    /// The corresponding C error is `ENETDOWN`.
    public static var networkDown: Errno { Errno(rawValue: ENETDOWN) }
    /// The corresponding C error is `ENETUNREACH`.
    public static var networkUnreachable: Errno { Errno(rawValue: ENETUNREACH) }
    /// The corresponding C error is `ENETRESET`.
    public static var networkReset: Errno { Errno(rawValue: ENETRESET) }
    /// The corresponding C error is `ECONNABORTED`.
    public static var connectionAborted: Errno { Errno(rawValue: ECONNABORTED) }
    /// The corresponding C error is `ECONNRESET`.
    public static var connectionReset: Errno { Errno(rawValue: ECONNRESET) }
    /// The corresponding C error is `ENOBUFS`.
    public static var noBufferSpace: Errno { Errno(rawValue: ENOBUFS) }
    /// The corresponding C error is `EISCONN`.
    public static var isConnected: Errno { Errno(rawValue: EISCONN) }
    /// The corresponding C error is `ENOTCONN`.
    public static var notConnected: Errno { Errno(rawValue: ENOTCONN) }
    /// The corresponding C error is `ESHUTDOWN`.
    public static var socketShutdown: Errno { Errno(rawValue: ESHUTDOWN) }
    /// The corresponding C error is `ETOOMANYREFS`.
    public static var tooManyReferences: Errno { Errno(rawValue: ETOOMANYREFS) }
    /// The corresponding C error is `ETIMEDOUT`.
    public static var timedOut: Errno { Errno(rawValue: ETIMEDOUT) }
    /// The corresponding C error is `ECONNREFUSED`.
    public static var connectionRefused: Errno { Errno(rawValue: ECONNREFUSED) }
    /// The corresponding C error is `EHOSTDOWN`.
    public static var hostIsDown: Errno { Errno(rawValue: EHOSTDOWN) }
    /// The corresponding C error is `EHOSTUNREACH`.
    public static var noRouteToHost: Errno { Errno(rawValue: EHOSTUNREACH) }
    /// The corresponding C error is `EALREADY`.
    public static var alreadyInProcess: Errno { Errno(rawValue: EALREADY) }
    /// The corresponding C error is `EINPROGRESS`.
    public static var operationInProgress: Errno { Errno(rawValue: EINPROGRESS) }
    /// The corresponding C error is `ESTALE`.
    public static var staleNFSFileHandle: Errno { Errno(rawValue: ESTALE) }
    /// The corresponding C error is `EDQUOT`.
    public static var diskQuotaExceeded: Errno { Errno(rawValue: EDQUOT) }
    /// The corresponding C error is `ECANCELED`.
    public static var canceled: Errno { Errno(rawValue: ECANCELED) }
    /// The corresponding C error is `EOWNERDEAD`.
    public static var previousOwnerDied: Errno { Errno(rawValue: EOWNERDEAD) }
    /// The corresponding C error is `ENOTRECOVERABLE`.
    public static var notRecoverable: Errno { Errno(rawValue: ENOTRECOVERABLE) }

    /// The same number as `resourceTemporarilyUnavailable`, here and on most systems.
    /// The corresponding C error is `EWOULDBLOCK`.
    public static var wouldBlock: Errno { Errno(rawValue: EWOULDBLOCK) }
}
