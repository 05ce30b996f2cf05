import Testing

@Suite("Interop: the peers") struct PeerTests {
    @Test(
        "every peer is installed",
        .enabled(if: Peer.areRequired, "INTEROP is not “required”: those that are not installed are not tested"),
        arguments: Peer.wanted.map(\.name))
    func installed(name: String) {
        #expect(
            !Peer.missing.contains(name),
            "\(name) is missing: CPython with pyenv; billiard with pip, its directory in INTEROP_BILLIARD")
    }
}
