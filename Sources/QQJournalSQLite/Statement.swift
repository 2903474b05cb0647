import CSQLite

/// SQLite copies what is bound before the call returns: SQLITE_TRANSIENT, a cast of -1 that the importer can't make a
/// constant of. Nobody calls it.
private let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

/// A prepared statement. Parameters are counted from 1, columns from 0.
final class Statement {
  private var handle: OpaquePointer?
  private unowned let connection: Connection

  init(_ handle: OpaquePointer, _ connection: Connection) {
    self.handle = handle
    self.connection = connection
  }

  func finish() {
    sqlite3_finalize(handle)
    handle = nil
  }

  // MARK: Running

  /// True where there is a row. A statement that gave one holds its place until `reset`.
  func step() throws(SQLiteJournalError) -> Bool {
    let code = sqlite3_step(handle)
    switch code {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    default:
      let error = connection.error(code)
      sqlite3_reset(handle)
      throw error
    }
  }

  func reset() {
    sqlite3_reset(handle)
  }

  /// Runs a statement that gives no rows.
  func run() throws(SQLiteJournalError) {
    _ = try step()
    sqlite3_reset(handle)
  }

  // MARK: Parameters

  // What these return is an error only for an index that doesn't exist or a value beyond SQLite's gigabyte; the step
  // that follows would then run with NULL, which the schema refuses.

  @discardableResult
  func bind(_ index: Int32, _ value: Int64) -> Self {
    sqlite3_bind_int64(handle, index, value)
    return self
  }

  @discardableResult
  func bind(_ index: Int32, _ value: Int64?) -> Self {
    if let value { return bind(index, value) }
    sqlite3_bind_null(handle, index)
    return self
  }

  @discardableResult
  func bind(_ index: Int32, _ value: String) -> Self {
    var value = value
    value.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { text in
        _ = sqlite3_bind_text64(handle, index, text.baseAddress, UInt64(text.count), transient, UInt8(SQLITE_UTF8))
      }
    }
    return self
  }

  @discardableResult
  func bind(_ index: Int32, _ value: [UInt8]) -> Self {
    // A null pointer would mean NULL.
    guard !value.isEmpty else {
      sqlite3_bind_zeroblob(handle, index, 0)
      return self
    }
    value.withUnsafeBytes { bytes in
      _ = sqlite3_bind_blob64(handle, index, bytes.baseAddress, UInt64(bytes.count), transient)
    }
    return self
  }

  @discardableResult
  func bind(_ index: Int32, _ value: [UInt8]?) -> Self {
    if let value { return bind(index, value) }
    sqlite3_bind_null(handle, index)
    return self
  }

  // MARK: Columns

  func isNull(_ column: Int32) -> Bool {
    sqlite3_column_type(handle, column) == SQLITE_NULL
  }

  func number(_ column: Int32) -> Int64 {
    sqlite3_column_int64(handle, column)
  }

  func text(_ column: Int32) -> String {
    guard let bytes = sqlite3_column_text(handle, column) else { return "" }
    let count = Int(sqlite3_column_bytes(handle, column))
    return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
  }

  /// The bytes are there until the next step or reset.
  func withBytes<Value, Failure: Error>(
    _ column: Int32, _ body: (Span<UInt8>) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    let start = sqlite3_column_blob(handle, column)
    let count = Int(sqlite3_column_bytes(handle, column))
    let bytes = UnsafeBufferPointer(start: start?.assumingMemoryBound(to: UInt8.self), count: start == nil ? 0 : count)
    return try body(bytes.span)
  }

  func blob(_ column: Int32) -> [UInt8]? {
    guard !isNull(column) else { return nil }
    return withBytes(column) { bytes in bytes.withUnsafeBufferPointer { Array($0) } }
  }
}
