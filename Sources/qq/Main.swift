import QQCommands

@main
struct Main {
  static func main() {
    Program.main()
  }
}
