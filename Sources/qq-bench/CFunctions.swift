import Glibc

/// Looks up a C function that Swift's Glibc module doesn't import, or one of a library that is opened at run time.
/// `Function` must be a `@convention(c)` type that matches its prototype.
func cFunction<Function>(_ name: String, in library: UnsafeMutableRawPointer? = nil) throws -> Function {
  guard let address = dlsym(library, name) else { throw BenchError("no function \(name)") }
  return unsafeBitCast(address, to: Function.self)
}
