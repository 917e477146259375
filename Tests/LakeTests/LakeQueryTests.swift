import Testing

@testable import Lake

/// Questions become SQL only when every name and value is right.
@Suite struct LakeQueryTests {
    private let table: LakeTable

    init() {
        let lake = LakeRoot(path: "/lake", attempt: "1")
        let columns = [
            Column("id", "BIGINT"), Column("small", "TINYINT"), Column("country", "VARCHAR"), Column("score", "DOUBLE"),
            Column("seen", "TIMESTAMP"), Column("day", "DATE"), Column("ok", "BOOLEAN"), Column("box", "DOUBLE[]"),
            Column("wide", "HUGEINT"), Column("price", "DECIMAL(9,2)"),
        ]
        let file = Manifest.DataFile(name: "data.parquet", rows: 1, bytes: 1, sha256: "")
        table = LakeTable(
            bucket: "lakestorage", dataset: "plate",
            partitions: ["2022-05-02", "2022-05-03", "2022-05-04"].map { day in
                TablePartition(
                    day: day, partition: lake.partition("lakestorage/plate", day),
                    manifest: Manifest(generation: 1, files: [file], run: "d/r/t", columns: columns))
            })
    }

    private func query(_ change: (inout LakeQuery) throws -> Void) throws -> CheckedQuery {
        var query = LakeQuery(table: "plate")
        try change(&query)
        return try query.checked(table)
    }

    private func condition(_ text: String) throws -> String {
        let filter = try QueryFilter(parsing: text)
        return try filter.sql(TableSource(table).column(filter.column))
    }

    @Test func valuesAreQuotedAndCast() throws {
        let cases = [
            ("country=Germany", #""country" = CAST('Germany' AS VARCHAR)"#),
            ("country=x' OR 1=1 --", #""country" = CAST('x'' OR 1=1 --' AS VARCHAR)"#),
            ("id=007", #""id" = CAST('7' AS BIGINT)"#),
            ("id in (1,-2)", #""id" IN (CAST('1' AS BIGINT), CAST('-2' AS BIGINT))"#),
            ("score between 1e2 and 200", #""score" BETWEEN CAST('1e2' AS DOUBLE) AND CAST('200' AS DOUBLE)"#),
            ("seen>=2022-05-02", #""seen" >= CAST('2022-05-02T00:00:00' AS TIMESTAMP)"#),
            ("seen<2022-05-02 10:00:00.5", #""seen" < CAST('2022-05-02T10:00:00.500000' AS TIMESTAMP)"#),
            ("seen<2022-05-02T10:00:00+02:00", #""seen" < CAST('2022-05-02T08:00:00' AS TIMESTAMP)"#),
            ("day=2022-05-02", #""day" = CAST('2022-05-02' AS DATE)"#),
            ("dt!=2022-05-02", #""dt" != CAST('2022-05-02' AS DATE)"#),
            ("ok=TRUE", #""ok" = CAST('true' AS BOOLEAN)"#),
            ("country like %a_", #""country" LIKE CAST('%a_' AS VARCHAR)"#),
            ("box is not null", #""box" IS NOT NULL"#),
            ("COUNTRY is null", #""country" IS NULL"#),
            (
                "wide=170141183460469231731687303715884105727",
                #""wide" = CAST('170141183460469231731687303715884105727' AS HUGEINT)"#
            ),
            ("price=-1.50", #""price" = CAST('-1.50' AS DECIMAL(9,2))"#),
        ]
        for (text, sql) in cases { #expect(try condition(text) == sql, "\(text)") }
    }

    @Test func wrongNamesAndValuesAreTold() throws {
        let cases = [
            ("cuntry=x", "lakestorage/plate has no column 'cuntry'; did you mean 'country'?"),
            ("xyzzy=x", "lakestorage/plate has no column 'xyzzy'; it has id, small, country"),
            ("id=x", "id is BIGINT, so 'x' must be a whole number"),
            ("id=1.5", "id is BIGINT, so '1.5' must be a whole number"),
            ("id=9223372036854775808", "id is BIGINT, so '9223372036854775808' must be a whole number"),
            ("small=200", "small is TINYINT, so '200' must be a whole number from -128 to 127"),
            ("score=nan", "score is DOUBLE, so 'nan' must be a finite number"),
            ("score=inf", "score is DOUBLE, so 'inf' must be a finite number"),
            ("score=0x10", "score is DOUBLE, so '0x10' must be a finite number"),
            ("seen=yesterday", "seen is TIMESTAMP, so 'yesterday' must be a time such as"),
            ("seen=2022-02-30T10:00:00", "seen is TIMESTAMP, so '2022-02-30T10:00:00' must be"),
            ("day=2022-05-02T10:00:00", "day is DATE, so '2022-05-02T10:00:00' must be a date such as 2022-05-02"),
            ("ok=yes", "ok is BOOLEAN, so 'yes' must be true or false"),
            ("ok<true", "ok is BOOLEAN, which has no order; use = or !="),
            ("box=1", "box is DOUBLE[], so '1' must be left out: only 'is null' and 'is not null'"),
            ("id like 1%", "id is BIGINT; 'like' is for VARCHAR"),
            ("wide=1e5", "wide is HUGEINT, so '1e5' must be a number in decimal digits"),
            ("price=--1", "price is DECIMAL(9,2), so '--1' must be a number in decimal digits"),
        ]
        for (text, message) in cases {
            let problem = #expect(throws: CatalogueProblem.self, "\(text)") { try condition(text) }
            #expect(problem?.description.hasPrefix(message) == true, "\(text): \(problem?.description ?? "")")
        }
        let zero = #expect(throws: CatalogueProblem.self) {
            try QueryFilter("country", .compare(.equal, "a\u{0}b")).sql(Column("country", "VARCHAR"))
        }
        #expect(zero?.code == .badValue)
    }

    @Test func columnsOrderAndSpanAreChecked() throws {
        func problem(_ change: (inout LakeQuery) throws -> Void) -> String {
            do { _ = try query(change) } catch { return "\(error)" }
            return "none"
        }
        #expect(problem { $0.columns = ["id", "cuntry"] }.hasSuffix("did you mean 'country'?"))
        #expect(problem { $0.columns = ["id", "ID"] } == "the column 'id' is asked for twice")
        #expect(problem { $0.columns = [""] }.contains("has no column ''"))
        #expect(problem { $0.order = [.init(parsing: "-scor")] }.hasSuffix("did you mean 'score'?"))
        #expect(problem { $0.bounds.from = "2022-13-01" } == "'2022-13-01' is no day; write it as 2022-05-02")
        #expect(
            problem { ($0.bounds.from, $0.bounds.to) = ("2022-05-03", "2022-05-02") }
                == "no day lies from 2022-05-03 to 2022-05-02")
        #expect(problem { $0.bounds.limit = -1 } == "the limit is -1; it must be from 0 to 1000000000000")
    }

    @Test func onlyTheFilesOfTheSpanAreRead() throws {
        let checked = try query { ($0.bounds.from, $0.bounds.to) = ("2022-05-03", "2022-05-03") }
        #expect(checked.partitions.map(\.day) == ["2022-05-03"])
        #expect(checked.sql.contains("['/lake/lakestorage/plate/dt=2022-05-03/data.parquet']"))
        #expect(!checked.sql.contains("*"))
        let none = try query { $0.bounds.from = "2023-01-01" }
        #expect(none.sql.contains("WHERE false"))
        #expect(none.columns.map(\.name).last == "dt")
    }

    @Test func theStatementHasItsPartsInOrder() throws {
        let checked = try query {
            $0.columns = ["country", "dt"]
            $0.filters = [QueryFilter("id", .compare(.greater, "5")), QueryFilter("country", .isNotNull)]
            $0.order = [.init("score", isDescending: true), .init("id")]
            ($0.bounds.limit, $0.bounds.offset) = (10, 20)
        }
        #expect(checked.limitedSQL.hasPrefix("SELECT \"country\", \"dt\"\nFROM ("))
        #expect(
            checked.limitedSQL.hasSuffix(
                """
                )
                WHERE "id" > CAST('5' AS BIGINT) AND "country" IS NOT NULL
                ORDER BY "score" DESC NULLS LAST, "id" ASC NULLS LAST, "weir place"
                LIMIT 11
                OFFSET 20
                """))
    }
}
