import Glibc

/// Sees in one pass over a record's bytes, without building anything, that it is plainly valid, which nearly all are.
///
/// It only ever says yes or "look closer": what it takes, `RecordValidator` takes with the same facts. Whatever is out of the
/// ordinary, a fault as well as an escape in a string or an unknown field, is the validator's.
final class RecordScanner {
    /// What a plainly valid record says of itself. It has no fields that the schema does not know.
    struct Facts {
        /// The bytes of the event's time, without quotes.
        var eventTime: Range<Int>
        var key: Int64
        /// Length of the ranking array.
        var rank: Int
    }

    /// A type without references, because looking at one must not count references.
    private enum Shape {
        case integer(least: Double, most: Double)
        case number(least: Double, most: Double)
        case string, boolean, text
        case object(Int)
        case array(Int)
    }

    private struct Member {
        /// Where its name stands in `names`.
        var name: Int
        var count: Int
        var shape: Shape
    }

    private struct Object {
        var first: Int
        var count: Int
        /// A bit for each required member.
        var required: UInt64
    }

    private struct Array {
        var element: Shape
        var least: Int
        var most: Int
    }

    private var names: ContiguousArray<UInt8> = []
    private var members: ContiguousArray<Member> = []
    private var objects: ContiguousArray<Object> = []
    private var arrays: ContiguousArray<Array> = []
    private var root = 0
    private var timeMember = 0
    private var keyMember = 0
    private var rankMember = 0

    /// - Returns: nil for a schema that is not made for it: with more fields in one object than it counts, or with a time,
    ///   key or rank of another type than usual.
    init?(_ schema: RecordSchema) {
        guard let object = add(schema.fields),
            let time = schema.fields.firstIndex(where: { $0.name == schema.eventTime }),
            let key = schema.fields.firstIndex(where: { $0.name == schema.key }),
            let rank = schema.fields.firstIndex(where: { $0.name == schema.rank })
        else { return nil }
        switch (schema.fields[time].type, schema.fields[key].type, schema.fields[rank].type) {
        case (.timestamp, .integer, .array), (.string, .integer, .array): break
        default: return nil
        }
        root = object
        timeMember = objects[object].first + time
        keyMember = objects[object].first + key
        rankMember = objects[object].first + rank
    }

    /// The place of an object in `objects`; nil when it has too many fields.
    private func add(_ fields: [RecordSchema.Field]) -> Int? {
        guard fields.count <= 64, Set(fields.map(\.name)).count == fields.count else { return nil }
        var shapes: [Shape] = []
        for field in fields {
            guard let shape = shape(of: field.type) else { return nil }
            shapes.append(shape)
        }
        var object = Object(first: members.count, count: fields.count, required: 0)
        for (index, (field, shape)) in zip(fields, shapes).enumerated() {
            if field.isRequired { object.required |= 1 << UInt64(index) }
            members.append(Member(name: names.count, count: field.name.utf8.count, shape: shape))
            names.append(contentsOf: field.name.utf8)
        }
        objects.append(object)
        return objects.count - 1
    }

    private func shape(of type: RecordSchema.FieldType) -> Shape? {
        switch type {
        case .integer(let range):
            .integer(least: range?.minimum ?? -.infinity, most: range?.maximum ?? .infinity)
        case .number(let range):
            .number(least: range?.minimum ?? -.infinity, most: range?.maximum ?? .infinity)
        case .string, .timestamp: .string
        case .boolean: .boolean
        case .text: .text
        case .object(let fields): add(fields).map(Shape.object)
        case .array(let element, let least, let most):
            shape(of: element).map { shape in
                arrays.append(Array(element: shape, least: least ?? 0, most: most ?? .max))
                return .array(arrays.count - 1)
            }
        }
    }

    /// Looks at one document.
    /// - Returns: nil when the validator has to look at it.
    func scan(_ bytes: UnsafeBufferPointer<UInt8>) -> Facts? {
        names.withUnsafeBufferPointer { names in
            members.withUnsafeBufferPointer { members in
                objects.withUnsafeBufferPointer { objects in
                    arrays.withUnsafeBufferPointer { arrays in
                        var pass = Pass(bytes: bytes, names: names, members: members, objects: objects, arrays: arrays)
                        pass.timeMember = timeMember
                        pass.keyMember = keyMember
                        pass.rankMember = rankMember
                        return pass.document(root)
                    }
                }
            }
        }
    }

    /// One pass over one document.
    private struct Pass {
        let bytes: UnsafeBufferPointer<UInt8>
        let names: UnsafeBufferPointer<UInt8>
        let members: UnsafeBufferPointer<Member>
        let objects: UnsafeBufferPointer<Object>
        let arrays: UnsafeBufferPointer<Array>
        var timeMember = 0
        var keyMember = 0
        var rankMember = 0
        private var isASCII = true
        /// The number that an integer had, and the length of the array that was closed last.
        private var integer: Int64 = 0
        private var length = 0
        private var time: Range<Int>?
        private var key: Int64?
        private var rank = 0

        init(
            bytes: UnsafeBufferPointer<UInt8>, names: UnsafeBufferPointer<UInt8>, members: UnsafeBufferPointer<Member>,
            objects: UnsafeBufferPointer<Object>, arrays: UnsafeBufferPointer<Array>
        ) {
            self.bytes = bytes
            self.names = names
            self.members = members
            self.objects = objects
            self.arrays = arrays
        }

        mutating func document(_ root: Int) -> Facts? {
            var index = 0
            space(&index)
            guard object(root, &index, isRoot: true) else { return nil }
            space(&index)
            guard index == bytes.count, let time, let key else { return nil }
            guard isASCII || String(validating: bytes, as: UTF8.self) != nil else { return nil }
            return Facts(eventTime: time, key: key, rank: rank)
        }

        // MARK: Values

        private mutating func object(_ place: Int, _ index: inout Int, isRoot: Bool = false) -> Bool {
            guard take(UInt8(ascii: "{"), &index) else { return false }
            let object = objects[place]
            var found: UInt64 = 0
            var nulls: UInt64 = 0
            // Whoever writes records writes their fields in one order, nearly always.
            var expected = 0
            space(&index)
            if !take(UInt8(ascii: "}"), &index) {
                while true {
                    guard let field = name(object, expected, &index) else { return false }
                    let bit = UInt64(1) << UInt64(field)
                    guard found & bit == 0 else { return false }
                    found |= bit
                    expected = field + 1
                    space(&index)
                    guard take(UInt8(ascii: ":"), &index) else { return false }
                    space(&index)
                    let start = index
                    if peek(index) == UInt8(ascii: "n") {
                        guard word("null", &index) else { return false }
                        nulls |= bit
                    } else {
                        guard value(members[object.first + field].shape, &index) else { return false }
                        if isRoot { note(object.first + field, start..<index) }
                    }
                    space(&index)
                    if take(UInt8(ascii: ","), &index) {
                        space(&index)
                        continue
                    }
                    guard take(UInt8(ascii: "}"), &index) else { return false }
                    break
                }
            }
            // Null counts as missing.
            return object.required & ~(found & ~nulls) == 0
        }

        private mutating func note(_ member: Int, _ range: Range<Int>) {
            if member == timeMember { time = (range.lowerBound + 1)..<(range.upperBound - 1) }
            if member == keyMember { key = integer }
            if member == rankMember { rank = length }
        }

        /// Which field of an object stands here; nil for none of its own.
        private func name(_ object: Object, _ expected: Int, _ index: inout Int) -> Int? {
            guard take(UInt8(ascii: "\""), &index) else { return nil }
            if expected < object.count, isName(members[object.first + expected], &index) { return expected }
            for field in 0..<object.count where isName(members[object.first + field], &index) { return field }
            return nil
        }

        /// Whether a name with its closing quote stands here; steps over it then.
        private func isName(_ member: Member, _ index: inout Int) -> Bool {
            let end = index + member.count
            guard end < bytes.count, bytes[end] == UInt8(ascii: "\"") else { return false }
            for offset in 0..<member.count where bytes[index + offset] != names[member.name + offset] { return false }
            index = end + 1
            return true
        }

        private mutating func value(_ shape: Shape, _ index: inout Int) -> Bool {
            switch shape {
            case .integer(let least, let most):
                guard digits(&index) else { return false }
                return Double(integer) >= least && Double(integer) <= most
            case .number(let least, let most): return number(least, most, &index)
            case .string: return string(&index)
            case .boolean: return word("true", &index) || word("false", &index)
            case .text: return peek(index) == UInt8(ascii: "\"") ? string(&index) : digits(&index)
            case .object(let place): return object(place, &index)
            case .array(let place): return array(arrays[place], &index)
            }
        }

        private mutating func array(_ array: Array, _ index: inout Int) -> Bool {
            guard take(UInt8(ascii: "["), &index) else { return false }
            var count = 0
            space(&index)
            if !take(UInt8(ascii: "]"), &index) {
                while true {
                    guard value(array.element, &index) else { return false }
                    count += 1
                    space(&index)
                    if take(UInt8(ascii: ","), &index) {
                        space(&index)
                        continue
                    }
                    guard take(UInt8(ascii: "]"), &index) else { return false }
                    break
                }
            }
            length = count
            return count >= array.least && count <= array.most
        }

        private mutating func string(_ index: inout Int) -> Bool {
            guard take(UInt8(ascii: "\""), &index) else { return false }
            var place = index
            var all: UInt8 = 0
            while place < bytes.count {
                let byte = bytes[place]
                if byte == UInt8(ascii: "\"") {
                    if all >= 0x80 { isASCII = false }
                    index = place + 1
                    return true
                }
                guard byte >= 0x20, byte != UInt8(ascii: "\\") else { return false }
                all |= byte
                place += 1
            }
            return false
        }

        private func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

        /// A whole number of at most 18 digits, into `integer`.
        private mutating func digits(_ index: inout Int) -> Bool {
            var place = index
            let isNegative = peek(place) == UInt8(ascii: "-")
            if isNegative { place += 1 }
            let first = place
            var value: Int64 = 0
            while place < bytes.count, isDigit(bytes[place]) {
                guard place - first < 18 else { return false }
                value = value &* 10 &+ Int64(bytes[place] &- UInt8(ascii: "0"))
                place += 1
            }
            let count = place - first
            guard count > 0, count == 1 || bytes[first] != UInt8(ascii: "0") else { return false }
            switch peek(place) {
            case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): return false
            default: break
            }
            integer = isNegative ? -value : value
            index = place
            return true
        }

        private static let powers: [Double] = [
            1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
        ]

        /// A number in its bounds. One of at most 15 digits without an exponent is the quotient of two numbers that a Double
        /// holds exactly, and so the nearest Double to what is written.
        private func number(_ least: Double, _ most: Double, _ index: inout Int) -> Bool {
            var place = index
            let isNegative = peek(place) == UInt8(ascii: "-")
            if isNegative { place += 1 }
            let first = place
            var value: Int64 = 0
            var count = run(&place, &value, before: 0)
            guard count > 0, count == 1 || bytes[first] != UInt8(ascii: "0") else { return false }
            var decimals = 0
            if peek(place) == UInt8(ascii: ".") {
                place += 1
                decimals = run(&place, &value, before: count)
                guard decimals > 0 else { return false }
                count += decimals
            }
            let hasExponent = peek(place) | 0x20 == UInt8(ascii: "e")
            if hasExponent {
                place += 1
                if peek(place) == UInt8(ascii: "+") || peek(place) == UInt8(ascii: "-") { place += 1 }
                var ignored: Int64 = 0
                guard run(&place, &ignored, before: 15) > 0 else { return false }
            }
            // A Double holds numbers of 308 digits.
            guard count < 300, place < bytes.count else { return false }
            let start = index
            index = place
            if !hasExponent, least == -.infinity, most == .infinity { return true }
            let number: Double
            if count <= 15, !hasExponent {
                number = Double(isNegative ? -value : value) / Self.powers[decimals]
            } else {
                guard let text = bytes.baseAddress else { return false }
                // It stops at the byte after the number, which is within the document.
                number = strtod(UnsafeRawPointer(text + start).assumingMemoryBound(to: CChar.self), nil)
            }
            return number.isFinite && number >= least && number <= most
        }

        /// Steps over digits and adds them to a number as long as it has 15; how many they were.
        private func run(_ place: inout Int, _ value: inout Int64, before: Int) -> Int {
            let first = place
            while place < bytes.count, isDigit(bytes[place]) {
                if before + place - first < 15 { value = value &* 10 &+ Int64(bytes[place] &- UInt8(ascii: "0")) }
                place += 1
            }
            return place - first
        }

        // MARK: Characters

        /// The byte at a place; 0 at the end.
        private func peek(_ index: Int) -> UInt8 { index < bytes.count ? bytes[index] : 0 }

        private func take(_ byte: UInt8, _ index: inout Int) -> Bool {
            guard index < bytes.count, bytes[index] == byte else { return false }
            index += 1
            return true
        }

        private func word(_ word: StaticString, _ index: inout Int) -> Bool {
            let count = word.utf8CodeUnitCount
            guard index + count <= bytes.count, let start = bytes.baseAddress,
                memcmp(start + index, word.utf8Start, count) == 0
            else { return false }
            index += count
            return true
        }

        private func space(_ index: inout Int) {
            while index < bytes.count {
                switch bytes[index] {
                case 0x20, 0x09, 0x0A, 0x0D: index += 1
                default: return
                }
            }
        }
    }
}
