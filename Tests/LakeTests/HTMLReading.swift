import JSONText
import Spawn
import Testing

/// Another program's reading of HTML: Python's `html.parser`, with what is wrong in it.
struct HTMLReading {
    /// Elements that were not closed, or closed by another; attributes that load or run something; scripts.
    let problems: [String]
    /// All that is shown, without the style sheet.
    let text: String
    let tags: Set<String>

    private static let reader = """
        import html.parser, json, sys

        class Reader(html.parser.HTMLParser):
            void = {"meta", "br", "link", "img", "hr", "input"}
            def __init__(self):
                super().__init__(convert_charrefs=True)
                self.open, self.problems, self.text, self.tags = [], [], [], set()
            def handle_starttag(self, tag, attributes):
                self.tags.add(tag)
                if tag not in self.void: self.open.append(tag)
                names = [name for name, _ in attributes]
                if len(names) != len(set(names)): self.problems.append(f"{tag}: an attribute twice")
                for name, value in attributes:
                    if name in ("src", "href", "action", "data", "srcset", "xlink:href") or name.startswith("on"):
                        self.problems.append(f"{tag} {name}={value}")
                    if "url(" in (value or "").lower() or "javascript:" in (value or "").lower():
                        self.problems.append(f"{tag} {name}={value}")
            def handle_startendtag(self, tag, attributes):
                self.handle_starttag(tag, attributes)
                if tag not in self.void: self.open.pop()
            def handle_endtag(self, tag):
                if not self.open or self.open.pop() != tag: self.problems.append(f"unexpected </{tag}> at {self.getpos()}")
            def handle_data(self, data):
                if "style" in self.open:
                    if "url(" in data or "@import" in data: self.problems.append("the style sheet loads something")
                else: self.text.append(data)
            def handle_comment(self, data): self.problems.append(f"comment {data}")

        source = sys.stdin.buffer.read().decode("utf-8")
        reader = Reader()
        reader.feed(source)
        reader.close()
        if reader.open: reader.problems.append(f"not closed: {reader.open}")
        for sign in set(source):
            if (ord(sign) < 32 and sign not in "\\n\\t") or 127 <= ord(sign) < 160:
                reader.problems.append(f"control character {ord(sign)}")
        if "script" in reader.tags: reader.problems.append("a script")
        json.dump({"problems": reader.problems, "text": "".join(reader.text), "tags": sorted(reader.tags)}, sys.stdout)
        """

    init(_ html: String) throws {
        let done = try ChildProcess.run(
            ["python3", "-c", Self.reader], environment: ["PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"],
            input: Array(html.utf8), timeoutMicroseconds: 60_000_000)
        try #require(done.status.isSuccess, "\(done.errorText)")
        let root = try JSONDocument(parsing: done.output).root
        problems = (root["problems"]?.array ?? []).compactMap(\.string)
        text = root["text"]?.string ?? ""
        tags = Set((root["tags"]?.array ?? []).compactMap(\.string))
    }
}
