public import Diagnostics
public struct PolicyValidator { 
  public init(_ schema: Schema) {}
  public func problems(in policies: PolicySet) -> [Problem] { [] }
}
