/// Cuts the tracker's input into lines.
struct LineDecoder {
    private var begun: [UInt8] = []
    /// Inside a line that is too long to be one, of which nothing is kept.
    private var isSkipping = false

    /// Takes in bytes; `body` gets each line without its end, or `nil` for one that was too long.
    mutating func append(_ bytes: [UInt8], _ body: (ArraySlice<UInt8>?) -> Void) {
        var rest = bytes[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            if begun.isEmpty, !isSkipping {
                // The whole line is here.
                body(end - rest.startIndex > PeerLine.longest ? nil : rest[..<end])
            } else {
                keep(rest[..<end])
                body(isSkipping ? nil : begun[...])
                begun.removeAll(keepingCapacity: true)
                isSkipping = false
            }
            rest = rest[(end + 1)...]
        }
        keep(rest)
    }

    private mutating func keep(_ bytes: ArraySlice<UInt8>) {
        if isSkipping || begun.count + bytes.count > PeerLine.longest {
            isSkipping = true
            begun.removeAll(keepingCapacity: true)
        } else {
            begun += bytes
        }
    }
}
