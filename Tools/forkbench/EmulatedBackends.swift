import KqueueEmulation
import Reactor

/// Adds the backends that this platform does not have, so that they can be chosen here and in a fork server: `kqueue`.
func addEmulatedBackends() {
    #if os(Linux)
        ReactorBackends.add(EmulatedKqueueBackend.self)
    #endif
}

func isEmulated(_ backend: any ReactorBackend.Type) -> Bool {
    #if os(Linux)
        return backend == EmulatedKqueueBackend.self
    #else
        return false
    #endif
}
