import Spawn
import Testing

@testable import ObjectStore

/// Where buckets are, and who may use them.
@Suite struct S3SettingsTests {
    @Test(arguments: [
        ("s3://lake", "lake", ""), ("s3://my-lake.1/", "my-lake.1", ""), ("s3://lake/a/b", "lake", "a/b"),
        ("s3://lake//a/", "lake", "a"), ("s3://lake/dt=1 x", "lake", "dt=1 x"),
    ])
    func locations(text: String, bucket: String, prefix: String) throws {
        let location = try #require(S3Location(text))
        #expect(location.bucket == bucket && location.prefix == prefix)
        #expect(S3Location("\(location)") == location)
    }

    @Test(arguments: [
        "", "lake", "s3:/lake", "s3://", "s3://ab", "s3://Lake", "s3://a_b_c", "s3://-lake", "s3://a..b",
        "s3://lake/a//b", "s3://lake/../b",
    ])
    func noLocations(text: String) { #expect(S3Location(text) == nil) }

    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func settings(_ variables: [String: String]) throws(ObjectStoreError) -> S3Settings {
        var all = ["HOME": scratch.path]
        all.merge(variables) { $1 }
        return try S3Settings(variable: { all[$0] })
    }

    @Test func variablesComeFirst() throws {
        try File.makeDirectory(scratch.path + "/.aws")
        try File.writeAtomically(
            scratch.path + "/.aws/credentials",
            Array(
                """
                # a comment
                [default]
                aws_access_key_id = FILE
                aws_secret_access_key=file-secret
                [ other ]
                aws_access_key_id=OTHER
                aws_secret_access_key = a=b
                aws_session_token = t
                [half]
                aws_access_key_id=HALF
                """.utf8))
        try File.writeAtomically(
            scratch.path + "/.aws/config",
            Array(
                "[default]\nregion = eu-west-1\ns3 =\n  region = no\n[profile other]\nregion=eu-west-2\nendpoint_url = http://e:1/\n"
                    .utf8))
        let first = try settings([:])
        #expect(first.source == .keys(S3Credentials(id: "FILE", secret: "file-secret")))
        #expect(first.region == "eu-west-1" && first.endpoint == nil && !first.isPathStyle)
        let other = try settings(["AWS_PROFILE": "other"])
        #expect(other.source == .keys(S3Credentials(id: "OTHER", secret: "a=b", sessionToken: "t")))
        #expect(other.region == "eu-west-2" && other.endpoint == "http://e:1" && other.isPathStyle)
        let given = try settings(["AWS_ACCESS_KEY_ID": "V", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "r"])
        #expect(given.source == .keys(S3Credentials(id: "V", secret: "s")) && given.region == "r")
        for (variables, message) in [
            (["AWS_ACCESS_KEY_ID": "V"], "AWS_SECRET_ACCESS_KEY is not"),
            (["AWS_PROFILE": "none"], "has such a profile"),
            (["AWS_PROFILE": "half"], "no aws_secret_access_key"),
            (["AWS_ENDPOINT_URL": "minio:9000"], "the endpoint of S3 is 'minio:9000'; it must begin with https://"),
        ] {
            #expect { try settings(variables) } throws: { "\($0)".contains(message) }
        }
    }

    @Test func withoutAnythingTheMachineIsAsked() throws {
        #expect(try settings([:]).source == .machine(endpoint: "http://169.254.169.254"))
    }

    @Test func keysComeIntoNoText() {
        let keys = S3Credentials(id: "ID", secret: "hush", sessionToken: "hush")
        var text = ""
        dump(keys, to: &text)
        #expect(!"\(keys) \(String(reflecting: keys)) \(text)".contains("hush"))
    }
}

/// XML of servers.
@Suite struct XMLElementsTests {
    private func read(_ text: String) -> [String]? {
        XMLElements.read(Array(text.utf8))?.map { "\($0.path)=\($0.text)" }
    }

    @Test func elementsInTheOrderOfTheirEnds() {
        #expect(read("<a:l xmlns:a='u'><k>x &amp; y</k><c><k/></c></a:l>") == ["l/k=x & y", "l/c/k=", "l/c=", "l="])
    }

    @Test(arguments: [
        "", "<a>", "<a></b>", "text", "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
        String(repeating: "<a>", count: 17) + String(repeating: "</a>", count: 17),
    ])
    func whatIsRefused(text: String) { #expect(read(text) == nil) }
}
