/// A run's figures as one page that needs nothing else: no network, no scripts; light and dark.
package struct ReportPage {
    private let report: Report

    package init(_ report: Report) {
        self.report = report
    }

    package var html: String {
        let plots = PlotPoint.Plot.allCases.compactMap { LinePlot($0, report)?.html }
        let sections =
            [RatioBars(report)?.html, PeerBars(report)?.html] + plots + [DistributionStrips(report)?.html, table]
        return """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><title>forkbench, \(escaped(report.host.started))</title>
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <style>
            \(stylesheet)
            </style></head><body>
            <header>
            <h1>forkbench</h1>
            \(warnings.map { "<p class=\"warning\">\(escaped($0))</p>" }.joined(separator: "\n"))
            <p class="host">\(report.host.lines.map(escaped).joined(separator: "<br>"))</p>
            \(summary)
            </header>
            \(sections.compactMap(\.self).joined(separator: "\n"))
            <footer><p>Ours, the floor and the peers were processes of their own, pinned alike, and took their samples in turns.
            Intervals come from a bootstrap over the rounds. <code>forkbench bench --help</code> tells the rest.</p></footer>
            </body></html>

            """
    }

    private var warnings: [String] {
        (report.host.isDebug ? [HostFacts.debugWarning] : [])
            + (report.isInterrupted ? ["The run was interrupted: these are the benchmarks that had ended."] : [])
            + report.failures.map { "\($0.name) failed: \($0.reason)" }
    }

    /// What a reader wants to know first.
    private var summary: String {
        let judged = report.tableResults.compactMap(\.meetsGoal)
        var facts = [("benchmarks", "\(report.tableResults.count)")]
        if !judged.isEmpty { facts.append(("goals met", "\(judged.count(where: \.self)) of \(judged.count)")) }
        let ratios = report.tableResults.compactMap { $0.ratio?.value }
        if !ratios.isEmpty { facts.append(("median ratio to the floor", decimal(median(ratios), 2))) }
        let advantages = report.tableResults.flatMap { result in result.peers.map { result.advantage(over: $0) } }
        if !advantages.isEmpty {
            facts.append(("times better than peers, median", decimal(median(advantages), 1) + "×"))
        }
        let cells = facts.map { "<div><dd>\(escaped($1))</dd><dt>\($0)</dt></div>" }
        return "<dl class=\"facts\">\(cells.joined())</dl>"
    }

    private var table: String {
        let table = FigureTable(report)
        let rows = table.rows.map { row in
            "<tr><th>\(escaped(row[0]))</th>" + row.dropFirst().map { "<td>\(escaped($0))</td>" }.joined() + "</tr>"
        }
        let missing = report.missingPeers.map { "<li>\(escaped($0.name)): \(escaped($0.reason))</li>" }
        return """
            <section>
            <h2>All figures</h2>
            <div class="scroll"><table><tr>\(table.columns.map { "<th>\(escaped($0))</th>" }.joined())</tr>
            \(rows.joined(separator: "\n"))
            </table></div>
            \(missing.isEmpty ? "" : "<p>No figures of these peers:</p><ul>\(missing.joined())</ul>")
            </section>
            """
    }
}
