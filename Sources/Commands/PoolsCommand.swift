import Engine
import JSONText
import SchedulerCore
import Store

/// `weir pools`: the named numbers of slots that attempts share.
enum PoolsCommand {
    static let spec = CommandSpec.group(
        "pools", "list, set or remove pools: named numbers of slots that tasks share", [list, set, remove])

    private static let list = CommandSpec(
        name: "pools list", summary: "list the pools", options: [CommandSpec.json],
        examples: [("weir pools list", "each pool with its slots")]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings, settings: .optional)
        var pools = try session.reader()?.pools() ?? []
        if !pools.contains(where: { $0.name == Pool.defaultName }) {
            pools.append(
                Pool(name: Pool.defaultName, slots: Pool.defaultSlots, description: "tasks that name no pool"))
        }
        pools.sort { $0.name < $1.name }
        if arguments.has("--json") {
            var writer = JSONWriter(indented: true)
            writer.array { writer in
                for pool in pools {
                    writer.object {
                        $0.member("name", pool.name)
                        $0.member("slots", pool.slots)
                        $0.member("description", pool.description)
                    }
                }
            }
            session.terminal.print(writer.text)
            return .done
        }
        var table = Table("POOL", "SLOTS", "DESCRIPTION")
        for pool in pools { table.rows.append([pool.name, "\(pool.slots)", pool.description]) }
        session.terminal.write(table.text(session.terminal))
        return .done
    }

    private static let set = CommandSpec(
        name: "pools set", summary: "make a pool, or change its slots",
        positionals: [
            .init(name: "POOL", values: .pool, help: "its name"),
            .init(name: "SLOTS", values: .number, help: "how many; 0 holds back what would take one"),
        ],
        options: [.value("--description", "TEXT", "what it is for")],
        examples: [("weir pools set duckdb 2", "at most two slots for tasks that say \"pool\": \"duckdb\"")]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings, settings: .optional)
        let (name, text) = (arguments.required(0), arguments.required(1))
        guard !name.isEmpty else { throw arguments.usage("POOL is empty; give it a name") }
        guard let slots = Int(text) else { throw arguments.usage("SLOTS is '\(text)'; it must be a whole number") }
        let known = try session.reader()?.pools().first { $0.name == name }
        let access = try EngineAccess(session, startsNothing: true)
        defer { access.close() }
        let description = arguments.value("--description") ?? known?.description ?? ""
        _ = try access.perform(.setPool(Pool(name: name, slots: slots, description: description)))
        session.terminal.print("pool \(name) has \(slots) slot\(slots == 1 ? "" : "s")")
        return .done
    }

    private static let remove = CommandSpec(
        name: "pools remove", summary: "remove a pool; tasks that name it wait until there is one again",
        positionals: [.init(name: "POOL", values: .pool, help: "its name")],
        examples: [("weir pools remove duckdb", "the default pool goes back to \(Pool.defaultSlots) slots")]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings, settings: .optional)
        let name = arguments.required(0)
        guard !name.isEmpty else { throw arguments.usage("POOL is empty; `weir pools` lists them") }
        let access = try EngineAccess(session, startsNothing: true)
        defer { access.close() }
        _ = try access.perform(.removePool(name: name))
        session.terminal.print(
            name == Pool.defaultName
                ? "pool \(name) is reset to \(Pool.defaultSlots) slots" : "pool \(name) is removed")
        return .done
    }
}
