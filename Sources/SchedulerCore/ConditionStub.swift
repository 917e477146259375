import JSONText

public struct Condition: Sendable, Hashable {
    public var names: [TemplateName] { [] }
    public func isTrue(in context: TemplateContext) throws(TemplateError) -> Bool { true }
}
extension TemplateContext {
    init(
        dag: DAG, run: Run, taskID: String, tryNumber: Int, params: JSONNode, outputs: [String: JSONNode],
        each: (value: JSONNode, index: Int)?
    ) {
        self.init(dag: dag, run: run, taskID: taskID, tryNumber: tryNumber, params: params, outputs: outputs)
    }
}
