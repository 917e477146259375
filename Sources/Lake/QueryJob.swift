import Spawn

/// A question on its way through a ``QueryService``: given by one thread, answered by another.
final class QueryJob: Sendable {
    enum Work: Sendable {
        /// By DuckDB that is running already.
        case warm(CheckedQuery, Catalogue)
        /// By a process of its own, which can read the files of this question only.
        case alone(QueryRunner.Question)
    }

    private struct State: ~Copyable {
        var answer: QueryAnswer?
        var failure: (any Error)?
        var isDone = false
    }

    let work: Work
    let form: QueryRunner.Form
    let given = ContinuousClock.now
    /// Nil where the answer is nobody else's.
    let key: AnswerCache.Key?
    /// What the answer reads stays there as long as it is made.
    private let holds: [HeldPartitions.Hold]
    private let state: Monitor<State>

    init(_ work: Work, _ form: QueryRunner.Form, key: AnswerCache.Key? = nil, holds: [HeldPartitions.Hold] = []) {
        self.work = work
        self.form = form
        self.key = key
        self.holds = holds
        state = Monitor(State())
    }

    /// Whether something that it reads is not there any more.
    var lacksFiles: Bool { holds.contains { hold in hold.partition.files.contains { !File.exists($0) } } }

    func finish(_ answer: consuming QueryAnswer) {
        var answer: QueryAnswer? = consume answer
        state.change { state in
            state.answer = answer.take()
            state.isDone = true
        }
    }

    func fail(_ error: any Error) {
        state.change { state in
            state.failure = error
            state.isDone = true
        }
    }

    /// Blocks until it is answered. For the one thread that gave it.
    func answer() throws -> QueryAnswer {
        try follow()
        let answer: QueryAnswer? = state.look { $0.answer.take() }
        guard let answer else { throw LakeError("the query was answered to somebody else") }
        return answer
    }

    /// Blocks until it is answered, also to another thread.
    ///
    /// - Throws: what there is instead of an answer.
    func follow() throws {
        let failure: (any Error)?? = state.wait { $0.isDone ? .some($0.failure) : nil }
        if let failure, let failure { throw failure }
    }
}
