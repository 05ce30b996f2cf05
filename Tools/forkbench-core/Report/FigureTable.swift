/// All figures of a run but those of plots, for documents: a row for each result, with a column for each peer.
struct FigureTable {
    let columns: [String]
    let rows: [[String]]

    init(_ report: Report) {
        let peers = report.peerNames
        columns = ["benchmark", "unit", "median", "p90", "p99", "floor", "ratio", "95 %", "goal"] + peers
        rows = report.tableResults.map { result in
            let ours = [result.ours.median, result.ours.p90, result.ours.p99].map { figure($0) }
            let floor = result.floor.map { figure($0.median) } ?? "–"
            let ratio = result.ratioText.map { (result.isNoisy ? "≈" : "") + $0 } ?? "–"
            let interval = result.ratio.map { "\(decimal($0.low, 2))–\(decimal($0.high, 2))" } ?? ""
            let goal = (result.goal?.text ?? "") + (result.meetsGoal.map { $0 ? " ✓" : " ✗" } ?? "")
            let ofPeers = peers.map { name in result.peers.first { $0.name == name }.map { figure($0.median) } ?? "–" }
            return [result.name, result.unit.symbol] + ours + [floor, ratio, interval, goal] + ofPeers
        }
    }
}
