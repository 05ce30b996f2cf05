extension Report {
    /// A line for each result, the peers' and the floor's figures included, as RFC 4180 has it.
    package var csv: String {
        let peers = peerNames
        let header =
            ["name", "layer", "unit", "better", "median", "p90", "p99", "samples", "floor"]
            + ["ratio", "ratio_low", "ratio_high", "noisy", "goal", "goal_met"] + peers
        let lines = results.map { result in
            let numbers: [Double?] = [result.ours.median, result.ours.p90, result.ours.p99]
            let ratios = [result.floor?.median, result.ratio?.value, result.ratio?.low, result.ratio?.high]
            return [result.name, result.layer.module, result.unit.rawValue]
                + [result.unit.isBetterLower ? "lower" : "higher"] + numbers.map(Self.plain)
                + ["\(result.samples)"] + ratios.map(Self.plain)
                + [result.ratio == nil ? "" : "\(result.isNoisy)", result.goal?.text ?? ""]
                + [result.meetsGoal.map { "\($0)" } ?? ""]
                + peers.map { name in Self.plain(result.peers.first { $0.name == name }?.median) }
        }
        // The host's facts have no columns: each is a comment, which programs that read such files can skip.
        return host.lines.map { "# \($0)\r\n" }.joined()
            + ([header] + lines).map { $0.map(Self.quoted).joined(separator: ",") + "\r\n" }.joined()
    }

    /// A table for a page of documentation.
    package var markdown: String {
        let table = FigureTable(self)
        var lines = host.isDebug ? ["**\(HostFacts.debugWarning)**", ""] : []
        lines.append("| " + table.columns.joined(separator: " | ") + " |")
        lines.append("|" + table.columns.indices.map { $0 < 2 ? "---|" : "---:|" }.joined())
        for row in table.rows {
            lines.append("| " + (["`\(row[0])`"] + row.dropFirst()).joined(separator: " | ") + " |")
        }
        lines += [""] + host.lines.map { "- \($0)" }
        lines += Table(.plain).footer(of: self).map { "- \($0)" }
        lines += failures.map { "- \($0.name) failed: \($0.reason)" }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Those of all results, in the order of their first appearance.
    package var peerNames: [String] {
        var names: [String] = []
        for name in results.flatMap(\.peers).map(\.name) where !names.contains(name) { names.append(name) }
        return names
    }

    private static func plain(_ number: Double?) -> String { number.map { decimal($0, 4) } ?? "" }

    private static func quoted(_ field: String) -> String {
        guard field.contains(where: { "\",\r\n".contains($0) }) else { return field }
        return "\"" + field.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}
