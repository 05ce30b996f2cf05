import TestSupport

@main struct KqueueHelper {
    static func main() { runSubcommand([:]) }
}
