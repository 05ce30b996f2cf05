import Reactor
import ReactorConformance
import SelectBackend

/// The checks of the kit that need a process of their own. The arguments name a backend and a check.
@main enum ReactorConformanceHelper {
    static func main() {
        ReactorBackends.add(SelectBackend.self)
        ConformanceCheck.main(ReactorBackends.all)
    }
}
