import ForkbenchCore
import Syscalls

/// Reports of earlier runs, and those that this one is to leave.
struct ReportFiles {
    private let outputs: [(file: OutputFile, text: (Report) -> String)]

    /// Opens what the options name.
    init(_ arguments: Arguments) throws(UsageError) {
        let formats: [(String, (Report) -> String)] = [
            ("--json", { $0.json.text() + "\n" }), ("--csv", { $0.csv }), ("--markdown", { $0.markdown }),
            ("--html", { ReportPage($0).html }),
        ]
        var outputs: [(file: OutputFile, text: (Report) -> String)] = []
        for (option, text) in formats {
            if let path = arguments.values[option] { outputs.append((try OutputFile(path), text)) }
        }
        guard outputs.count(where: \.file.isStandardOutput) <= 1 else {
            throw UsageError("“-” is given twice, and there is one standard output")
        }
        self.outputs = outputs
    }

    var isEmpty: Bool { outputs.isEmpty }

    /// Whether the table has to go elsewhere.
    var useStandardOutput: Bool { outputs.contains(where: \.file.isStandardOutput) }

    func write(_ report: Report) throws(Errno) {
        for output in outputs { try output.file.write(output.text(report)) }
    }

    /// Reads a file of `--json`.
    static func read(_ path: String) throws(UsageError) -> Report {
        let bytes: [UInt8]
        do throws(Errno) {
            let file = try OwnedFileDescriptor.open(path, .readOnly)
            bytes = try file.descriptor.readToEnd()
        } catch {
            throw UsageError("“\(path)” cannot be read: \(error)")
        }
        do {
            return try Report(JSON(parsing: String(decoding: bytes, as: UTF8.self)))
        } catch {
            throw UsageError("“\(path)”: \(error)")
        }
    }
}
