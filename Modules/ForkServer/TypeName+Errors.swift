import ProcessRoles

extension TypeName {
    /// The name under which another process running the same code finds a type.
    ///
    /// - Throws: `ForkServerError.typeNotNameable` for private and local types, whose names do not resolve.
    package static func name(of type: Any.Type) throws(ForkServerError) -> String {
        guard let name = resolvableName(of: type) else { throw .typeNotNameable(String(reflecting: type)) }
        return name
    }
}
