#if os(Linux)
    import Reactor

    /// The reactor's backend `kqueue`, over the emulation. Linux only.
    ///
    /// A reactor takes the type; `ReactorBackends.add(EmulatedKqueueBackend.self)` lets it be chosen by name.
    public typealias EmulatedKqueueBackend = KqueueBackend<EmulatedKqueue>
#endif
