/// What a value on the command line can be, so that a shell can complete it.
enum ValueKind: Sendable, Hashable {
    /// Anything: there is nothing to offer.
    case text
    /// A whole number, which nobody wants offered.
    case number
    /// Any date or time.
    case date
    /// A file, or one of these words in its place.
    case file(orWords: [String])
    case directory
    case words([String])

    /// A DAG that there is.
    case dag
    /// A DAG that there is or was: one that has a history.
    case anyDAG
    /// A run of the DAG that is named before.
    case run
    /// The local date of such a run.
    case runDay
    /// A task of the run that is named before, or else of the DAG.
    case task
    /// `NAME=VALUE`, with a parameter of the DAG that is named before.
    case parameter
    case pool
    /// `POOL=SLOTS`.
    case poolSlots
    case backfill
    /// One who may sign in.
    case user
    /// The id of an API token.
    case token

    case table
    /// A day of the table that is named before.
    case day
    /// A column of that table; with a minus before it, too.
    case column
    /// Columns of that table with commas between them.
    case columns
    /// A DAG that has reports of quality checks.
    case reportDAG
    /// A day of its reports.
    case reportDay
    case setting

    static let file = file(orWords: [])

    static func words<Word: RawRepresentable & CaseIterable>(of _: Word.Type) -> ValueKind
    where Word.RawValue == String {
        .words(Word.allCases.map(\.rawValue))
    }
}
