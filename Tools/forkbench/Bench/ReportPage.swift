import ForkbenchCore

struct ReportPage {
    let report: Report
    init(_ report: Report) { self.report = report }
    var html: String { "" }
}
