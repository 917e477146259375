import Glibc
import Spawn
import Testing

@testable import Engine

/// What the state lock says of its holder.
@Suite struct StateLockTests {
    private let folder: TemporaryDirectory
    private let home: Home

    init() throws {
        folder = try TemporaryDirectory()
        home = Home(path: folder.path)
    }

    @Test(arguments: EngineRole.allCases)
    func itNamesItsHolder(role: EngineRole) throws {
        let lock = try #require(try StateLock.attempt(home, as: role))
        #expect(StateHolder.read(home) == StateHolder(identity: try #require(.current()), role: role))
        #expect(try StateLock.attempt(home, as: .daemon) == nil)
        let refusal = StateLock.refusal(home, StateHolder.read(home))
        #expect(refusal.code == .locked)
        #expect(refusal.message.contains("in use by process \(getpid()), a \(role == .daemon ? "daemon" : "command")"))
        lock.release()
        #expect(StateHolder.read(home) == nil, "a process that lives on is not taken for the holder")
        #expect(try StateLock.attempt(home, as: .daemon) != nil)
        lock.release()
    }

    @Test(arguments: ["", "4711\n", "{}", "{\"pid\": 1, \"start_time\": 2, \"boot_id\": \"x\", \"role\": \"king\"}"])
    func textsThatNameNobody(text: String) throws {
        try File.makeDirectory(home.state)
        try File.writeAtomically(home.lock, Array(text.utf8))
        #expect(StateHolder.read(home) == nil)
    }
}
