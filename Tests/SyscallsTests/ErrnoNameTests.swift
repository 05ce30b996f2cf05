import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Names of error numbers")
struct ErrnoNameTests {
    @Test("each code has the number that its C name stands for")
    func codes() {
        for (code, name) in everywhere + platformsOwn { #expect(code.name == name) }
        // And there are no others.
        let unlisted = Set(Errno.all).subtracting((everywhere + platformsOwn).map(\.0))
        #expect(unlisted.isEmpty)
    }

    @Test("each number of the platform has a name and a message of its own")
    func all() {
        #expect(Errno.all.count > 100)
        #expect(Errno.all == Errno.all.sorted { $0.rawValue < $1.rawValue })
        #expect(Set(Errno.all.compactMap(\.name)).count == Errno.all.count)
        #expect(Set(Errno.all.map(\.message)).count == Errno.all.count)
        for error in Errno.all {
            #expect(!error.message.isEmpty && !error.message.hasPrefix("Unknown error"))
            #expect(error.description == "\(error.message) (\(error.name ?? "none"))")
        }
    }

    @Test(
        "a number that is not the platform's has no name", arguments: [0, -1, 41, 58, 134, 4095, .min, .max] as [CInt])
    func unknown(number: CInt) {
        #expect(Errno(rawValue: number).name == nil)
        #expect(!Errno(rawValue: number).message.isEmpty)
        #expect(Errno(rawValue: number).description.hasSuffix(" (errno \(number))"))
    }

    #if canImport(Glibc)
        @Test("the names are the C library's")
        func libraryNames() throws {
            typealias Function = @convention(c) (CInt) -> UnsafePointer<CChar>?
            // Declared under _GNU_SOURCE only; null is RTLD_DEFAULT.
            let symbol = try #require(dlsym(nil, "strerrorname_np"))
            let strerrorname = unsafeBitCast(symbol, to: Function.self)
            for number in 1...4095 as ClosedRange<CInt> {
                let name = strerrorname(number).map { String(cString: $0) }
                #expect(Errno(rawValue: number).name == name)
            }
        }
    #endif

    @Test("every number that CPython knows has one of the names that CPython gives it", arguments: Python.installed)
    func pythonNames(python: Python) throws {
        var process = try python.start(
            "import errno\nfor name in dir(errno):\n  if name[0] == 'E': print(name, getattr(errno, name))")
        let outcome = try process.waitForOutcome()
        #expect(outcome.status == .exited(0))
        var names: [CInt: [String]] = [:]
        for line in outcome.output.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            names[try #require(CInt(words[1])), default: []].append(words[0])
        }
        #expect(names.count > 100)
        for (number, names) in names {
            let name = try #require(Errno(rawValue: number).name)
            #expect(names.contains(name))
        }
    }

    private let everywhere: [(Errno, String)] = [
        (.notPermitted, "EPERM"), (.noSuchFileOrDirectory, "ENOENT"), (.noSuchProcess, "ESRCH"),
        (.interrupted, "EINTR"), (.ioError, "EIO"), (.noSuchAddressOrDevice, "ENXIO"), (.argumentListTooLong, "E2BIG"),
        (.executableFormatError, "ENOEXEC"), (.badFileDescriptor, "EBADF"), (.noChildProcess, "ECHILD"),
        (.resourceTemporarilyUnavailable, "EAGAIN"), (.noMemory, "ENOMEM"), (.permissionDenied, "EACCES"),
        (.badAddress, "EFAULT"), (.notBlockDevice, "ENOTBLK"), (.resourceBusy, "EBUSY"), (.fileExists, "EEXIST"),
        (.improperLink, "EXDEV"), (.noSuchDevice, "ENODEV"), (.notDirectory, "ENOTDIR"), (.isDirectory, "EISDIR"),
        (.invalidArgument, "EINVAL"), (.tooManyOpenFilesInSystem, "ENFILE"), (.tooManyOpenFiles, "EMFILE"),
        (.inappropriateIOControlForDevice, "ENOTTY"), (.textFileBusy, "ETXTBSY"), (.fileTooLarge, "EFBIG"),
        (.noSpace, "ENOSPC"), (.illegalSeek, "ESPIPE"), (.readOnlyFileSystem, "EROFS"), (.tooManyLinks, "EMLINK"),
        (.brokenPipe, "EPIPE"), (.argumentOutOfDomain, "EDOM"), (.outOfRange, "ERANGE"),
        (.resourceDeadlockAvoided, "EDEADLK"), (.nameTooLong, "ENAMETOOLONG"), (.noLocks, "ENOLCK"),
        (.notImplemented, "ENOSYS"), (.directoryNotEmpty, "ENOTEMPTY"), (.tooManySymbolicLinkLevels, "ELOOP"),
        (.noMessage, "ENOMSG"), (.identifierRemoved, "EIDRM"), (.notStream, "ENOSTR"), (.noData, "ENODATA"),
        (.streamTimedOut, "ETIME"), (.noStreamResources, "ENOSR"), (.tooManyRemoteLevels, "EREMOTE"),
        (.noLink, "ENOLINK"), (.protocolError, "EPROTO"), (.multiHop, "EMULTIHOP"), (.badMessage, "EBADMSG"),
        (.overflow, "EOVERFLOW"), (.illegalByteSequence, "EILSEQ"), (.tooManyUsers, "EUSERS"), (.notSocket, "ENOTSOCK"),
        (.addressRequired, "EDESTADDRREQ"), (.messageTooLong, "EMSGSIZE"), (.protocolWrongTypeForSocket, "EPROTOTYPE"),
        (.protocolNotAvailable, "ENOPROTOOPT"), (.protocolNotSupported, "EPROTONOSUPPORT"),
        (.socketTypeNotSupported, "ESOCKTNOSUPPORT"), (.notSupportedOnSocket, "EOPNOTSUPP"),
        (.protocolFamilyNotSupported, "EPFNOSUPPORT"), (.addressFamilyNotSupported, "EAFNOSUPPORT"),
        (.addressInUse, "EADDRINUSE"), (.addressNotAvailable, "EADDRNOTAVAIL"), (.networkDown, "ENETDOWN"),
        (.networkUnreachable, "ENETUNREACH"), (.networkReset, "ENETRESET"), (.connectionAborted, "ECONNABORTED"),
        (.connectionReset, "ECONNRESET"), (.noBufferSpace, "ENOBUFS"), (.isConnected, "EISCONN"),
        (.notConnected, "ENOTCONN"), (.socketShutdown, "ESHUTDOWN"), (.tooManyReferences, "ETOOMANYREFS"),
        (.timedOut, "ETIMEDOUT"), (.connectionRefused, "ECONNREFUSED"), (.hostIsDown, "EHOSTDOWN"),
        (.noRouteToHost, "EHOSTUNREACH"), (.alreadyInProcess, "EALREADY"), (.operationInProgress, "EINPROGRESS"),
        (.staleNFSFileHandle, "ESTALE"), (.diskQuotaExceeded, "EDQUOT"), (.canceled, "ECANCELED"),
        (.previousOwnerDied, "EOWNERDEAD"), (.notRecoverable, "ENOTRECOVERABLE"), (.wouldBlock, "EAGAIN"),
    ]

    #if os(Linux)
        private let platformsOwn: [(Errno, String)] = [
            (.notSupported, "EOPNOTSUPP"), (.channelNumberOutOfRange, "ECHRNG"), (.level2NotSynchronized, "EL2NSYNC"),
            (.level3Halted, "EL3HLT"), (.level3Reset, "EL3RST"), (.linkNumberOutOfRange, "ELNRNG"),
            (.protocolDriverNotAttached, "EUNATCH"), (.noCSIStructureAvailable, "ENOCSI"), (.level2Halted, "EL2HLT"),
            (.invalidExchange, "EBADE"), (.invalidRequestDescriptor, "EBADR"), (.exchangeFull, "EXFULL"),
            (.noAnode, "ENOANO"), (.invalidRequestCode, "EBADRQC"), (.invalidSlot, "EBADSLT"),
            (.badFontFileFormat, "EBFONT"), (.notOnNetwork, "ENONET"), (.packageNotInstalled, "ENOPKG"),
            (.advertiseError, "EADV"), (.srmountError, "ESRMNT"), (.communicationErrorOnSend, "ECOMM"),
            (.rfsSpecificError, "EDOTDOT"), (.nameNotUnique, "ENOTUNIQ"), (.descriptorInBadState, "EBADFD"),
            (.remoteAddressChanged, "EREMCHG"), (.cannotAccessLibrary, "ELIBACC"), (.corruptLibrary, "ELIBBAD"),
            (.corruptLibrarySection, "ELIBSCN"), (.tooManyLibraries, "ELIBMAX"), (.cannotExecLibrary, "ELIBEXEC"),
            (.restartCall, "ERESTART"), (.streamsPipeError, "ESTRPIPE"), (.structureNeedsCleaning, "EUCLEAN"),
            (.notXENIXNamedTypeFile, "ENOTNAM"), (.noXENIXSemaphores, "ENAVAIL"), (.isNamedTypeFile, "EISNAM"),
            (.remoteIOError, "EREMOTEIO"), (.noMedium, "ENOMEDIUM"), (.wrongMediumType, "EMEDIUMTYPE"),
            (.requiredKeyNotAvailable, "ENOKEY"), (.keyExpired, "EKEYEXPIRED"), (.keyRevoked, "EKEYREVOKED"),
            (.keyRejected, "EKEYREJECTED"), (.radioKilled, "ERFKILL"), (.hardwarePoisoned, "EHWPOISON"),
        ]
    #else
        private let platformsOwn: [(Errno, String)] = [
            (.tooManyProcesses, "EPROCLIM"), (.badRPCStructure, "EBADRPC"), (.rpcVersionMismatch, "ERPCMISMATCH"),
            (.rpcProgramUnavailable, "EPROGUNAVAIL"), (.rpcProgramVersionMismatch, "EPROGMISMATCH"),
            (.badProcedureForProgram, "EPROCUNAVAIL"), (.badFileTypeOrFormat, "EFTYPE"),
            (.authenticationError, "EAUTH"), (.needAuthenticator, "ENEEDAUTH"), (.devicePowerIsOff, "EPWROFF"),
            (.deviceError, "EDEVERR"), (.badExecutable, "EBADEXEC"), (.badCPUType, "EBADARCH"),
            (.sharedLibraryVersionMismatch, "ESHLIBVERS"), (.malformedMachO, "EBADMACHO"),
            (.attributeNotFound, "ENOATTR"), (.noSuchPolicy, "ENOPOLICY"), (.outputQueueFull, "EQFULL"),
            (.notSupported, "ENOTSUP"),
        ]
    #endif
}
